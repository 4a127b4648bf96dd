/* SPDX-License-Identifier: Apache-2.0 */
/* reload.c - a new configuration file as one transaction: checked, compiled and switched, or not
 * at all. */
#include "base/log.h"
#include "base/mem.h"
#include "base/size.h"
#include "os/notify.h"
#include "server/jetstream.h"
#include "server/server_priv.h"

/* What is wrong with the file, without the name that starts such lines on a terminal. */
static void log_failure(struct buf *errors)
{
    struct span text = span_trim(buf_span(errors)), prefix = SPAN_LIT("nats-server: ");

    if (text.len == 0) return;
    if (span_has_prefix(text, prefix)) text = span_from(text, prefix.len);
    log_error("Failed to reload server configuration: %.*s", SPAN_ARG(text));
}

/* How a change is told; "= " or ": " at the end: with its new value. */
static const struct notice {
    const char *name, *text;
} notices[] = {
    { "Trace", "trace = " }, { "TraceVerbose", "trace_verbose = " },
    { "TraceHeaders", "trace_headers = " }, { "Debug", "debug = " },
    { "Logtime", "logtime = " }, { "LogtimeUTC", "logtime_utc = " },
    { "LogFile", "log_file = " }, { "Syslog", "syslog = " },
    { "RemoteSyslog", "remote_syslog = " }, { "TLSTimeout", "tls timeout = " },
    { "TLSHandshakeFirst", "Client TLS handshake first: " },
    { "TLSHandshakeFirstFallback", "Client TLS handshake first fallback delay: " },
    { "Username", "authorization username" }, { "Password", "authorization password" },
    { "Authorization", "authorization token" }, { "AuthTimeout", "authorization timeout = " },
    { "Users", "authorization users" }, { "Nkeys", "authorization nkey users" },
    { "Accounts", "accounts" }, { "Tags", "tags" }, { "Metadata", "metadata" },
    { "MaxConn", "max_connections = " }, { "PidFile", "pid_file = " },
    { "PortsFileDir", "ports_file_dir = " }, { "MaxControlLine", "max_control_line = " },
    { "MaxPayload", "max_payload = " }, { "PingInterval", "ping_interval = " },
    { "MaxPingsOut", "ping_max = " }, { "WriteDeadline", "write_deadline = " },
    { "ConnectErrorReports", "connect_error_reports = " },
    { "ReconnectErrorReports", "reconnect_error_reports = " },
    { "MaxTracedMsgLen", "max_traced_msg_len = " }, { "JetStream", "JetStream" },
    { "JetStreamLimits", "JetStream limits" },
};

/* Limits of JetStream are told as sizes. */
static bool log_limit(const struct config_change *change)
{
    bool memory = strcmp(change->name, "JetStreamMaxMemory") == 0;
    struct buf text = { 0 };
    int64_t bytes = 0;

    if ((!memory && strcmp(change->name, "JetStreamMaxStore") != 0) ||
        !span_to_i64(span_of(change->new_text), &bytes))
        return false;
    size_append(&text, bytes);
    log_info("Reloaded: JetStream %s = %s", memory ? "max_mem_store" : "max_file_store",
             buf_text(&text));
    buf_free(&text);
    return true;
}

static void log_change(const struct config_change *change)
{
    for (size_t i = 0; i < COUNT_OF(notices); i++) {
        struct span text = span_of(notices[i].text);
        if (strcmp(notices[i].name, change->name) != 0) continue;
        log_info("Reloaded: %s%s", text.p,
                 text.p[text.len - 1] == ' ' ? change->new_text : "");
        return;
    }
    if (log_limit(change)) return;
    if (strcmp(change->name, "TLSConfig") == 0)
        log_info("Reloaded: tls = %s", change->new_text[0] ? "enabled" : "disabled");
    else if (strcmp(change->name, "ClientAdvertise") == 0)
        log_info("Reload: client_advertise = %s", change->new_text);
    else if (strcmp(change->name, "NoFastProducerStall") == 0)
        log_info("Reloaded: fast producers will %sbe stalled",
                 strcmp(change->new_text, "true") == 0 ? "not " : "");
    else
        log_info("Reloaded: %s = %s", change->name, change->new_text);
}

static void log_changes(const struct config_diff *d)
{
    for (size_t i = 0; i < d->count; i++) log_change(&d->items[i]);
}

static enum status apply(struct server *s, struct options *next, struct error *why)
{
    const struct options *running = s->core->config->options;
    struct config_diff diff;
    enum status st;

    config_diff_init(&diff, running, next);
    st = config_diff_check(&diff, why);
    if (st == ST_OK) st = logger_reconfigure(s->logger, next, why);
    if (st != ST_OK) {
        options_free(&next);
        config_diff_fini(&diff);
        return st;
    }
    st = core_reload(s->core, next, why);
    if (st == ST_OK) server_reload_jetstream(s);
    if (st == ST_OK) log_changes(&diff);
    config_diff_fini(&diff);
    return st;
}

void server_reload(struct server *s)
{
    struct config_messages messages = { 0 };
    struct options *next = NULL;
    struct error why = { "" };
    bool done = false;

    notify_reloading();
    if (config_reload(s->core->config->options, &next, &messages) != ST_OK) {
        log_failure(&messages.errors);
    } else {
        server_log_lines(LOG_WARN, &messages.warnings);
        done = apply(s, next, &why) == ST_OK;
        if (!done)
            log_error("Failed to reload server configuration: %s", why.text);
        else
            log_info("Reloaded server configuration (%s)",
                     s->core->config->options->config_digest);
    }
    atomic_fetch_add(done ? &s->core->counters.reloads : &s->core->counters.reload_errors, 1);
    atomic_store(&s->core->counters.reload_failed, !done);
    config_messages_free(&messages);
    notify_ready();
}
