/* SPDX-License-Identifier: Apache-2.0 */
/* options_check.c - defaults that depend on other settings, and checks across settings. */
#include "config/options_check.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/duration.h"
#include "base/mem.h"
#include "config/conf_path.h"
#include "config/option_reader.h"
#include "proto/subject.h"

#define AUTH_TIMEOUT_NS (2 * NS_PER_S)
#define TLS_TIMEOUT_NS (2 * NS_PER_S)
#define PAYLOAD_ADVISED_MAX (8 << 20)

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static void if_zero(int64_t *value, int64_t standard)
{
    if (*value == 0) *value = standard;
}

/* "x/" becomes "/x", "/" becomes "". */
static void clean_base_path(char **path)
{
    char *clean = is_set(*path) ? conf_path_join(SPAN_LIT("/"), span_of(*path)) : mem_dup("");

    if (strcmp(clean, "/") == 0) clean[0] = '\0';
    mem_free(*path);
    *path = clean;
}

static void drop_empty(char **text)
{
    if (is_set(*text)) return;
    mem_free(*text);
    *text = NULL;
}

static void complete_jetstream(struct options_jetstream *o)
{
    drop_empty(&o->store_dir);
    drop_empty(&o->domain);
    drop_empty(&o->key);
    drop_empty(&o->prev_key);
    drop_empty(&o->unique_tag);
    drop_empty(&o->extension_hint);
    if_zero(&o->request_queue_limit, 10000);
    if_zero(&o->info_queue_limit, o->request_queue_limit);
}

void options_complete(struct options *o)
{
    clean_base_path(&o->http_base_path);
    if (o->port == 0) o->port = 4222;
    if (!is_set(o->host)) {
        mem_free(o->host);
        o->host = mem_dup("0.0.0.0");
    }
    if_zero(&o->max_connections, 65536);
    if_zero(&o->ping_interval_ns, 120 * NS_PER_S);
    if_zero(&o->ping_max, 2);
    if_zero(&o->max_control_line, 4096);
    if_zero(&o->max_payload, 1 << 20);
    if_zero(&o->max_pending, 64 << 20);
    if_zero(&o->write_deadline_ns, 10 * NS_PER_S);
    if_zero(&o->max_closed_clients, 10000);
    if_zero(&o->lame_duck_grace_period_ns, 10 * NS_PER_S);
    if_zero(&o->connect_error_reports, 3600);
    if_zero(&o->reconnect_error_reports, 1);
    if (o->max_subscriptions < 0) o->max_subscriptions = 0;
    if (o->max_traced_msg_len < 0) o->max_traced_msg_len = 0;
    if (o->tls != NULL) if_zero(&o->tls->timeout_ns, TLS_TIMEOUT_NS);
    if (o->websocket.tls != NULL) if_zero(&o->websocket.tls->timeout_ns, TLS_TIMEOUT_NS);
    if_zero(&o->authorization.timeout_ns,
            o->tls != NULL ? o->tls->timeout_ns + NS_PER_S : AUTH_TIMEOUT_NS);
    if_zero(&o->websocket.authorization.timeout_ns,
            o->websocket.tls != NULL ? o->websocket.tls->timeout_ns + NS_PER_S : AUTH_TIMEOUT_NS);
    complete_jetstream(&o->jetstream);
}

static enum status check_no_auth_user(const struct options *o, const char *name, struct error *why)
{
    if (!is_set(name)) return ST_OK;
    if (o->user_count == 0)
        return error_set(why, ST_BAD_INPUT,
                         "no_auth_user: \"%s\" present, but users/nkeys are not defined", name);
    for (size_t i = 0; i < o->user_count; i++) {
        const struct user_options *u = &o->users[i];
        if (strcmp(u->nkey != NULL ? u->nkey : u->name, name) == 0) return ST_OK;
    }
    return error_set(why, ST_BAD_INPUT, "no_auth_user: \"%s\" not present as user or nkey in "
                     "authorization block or account configuration", name);
}

/* An absolute http or https URL with a host and, if any, a numeric port. */
static enum status check_origin(const char *origin, struct error *why)
{
    struct span s = span_of(origin), host, port;
    size_t n;
    uint64_t number;

    if (span_has_prefix(s, SPAN_LIT("http://"))) s = span_from(s, 7);
    else if (span_has_prefix(s, SPAN_LIT("https://"))) s = span_from(s, 8);
    else if (strstr(origin, "://") == NULL)
        return error_set(why, ST_BAD_INPUT, "unable to parse allowed origin: parse \"%s\": "
                         "invalid URI for request", origin);
    else
        return error_set(why, ST_BAD_INPUT, "unable to parse allowed origin \"%s\": allowed "
                         "origins must be absolute URLs with http or https scheme", origin);
    s.len = strcspn(s.p, "/?#");
    n = s.len;
    while (n > 0 && s.p[n - 1] >= '0' && s.p[n - 1] <= '9') n--;
    host = s;
    port = SPAN_NONE;
    if (n > 0 && s.p[n - 1] == ':') {
        host = span_make(s.p, n - 1);
        port = span_from(s, n);
    }
    if (host.len == 0)
        return error_set(why, ST_BAD_INPUT,
                         "unable to parse allowed origin \"%s\": host is required", origin);
    if (port.len > 0 && (!span_to_u64(port, &number) || number > 65535))
        return error_set(why, ST_BAD_INPUT,
                         "unable to parse allowed origin: invalid port in \"%s\"", origin);
    return ST_OK;
}

static enum status check_headers(const struct websocket_options *w, struct error *why)
{
    static const char *const refused[] = {
        "host", "content-length", "connection", "upgrade", "nats-no-masking",
    };

    for (size_t i = 0; i < w->header_names.count; i++) {
        struct span name = span_of(w->header_names.items[i]);
        for (size_t k = 0; k < COUNT_OF(refused); k++)
            if (span_equal_nocase(name, span_of(refused[k])))
                return error_set(why, ST_BAD_INPUT, "websocket: invalid header \"%s\" not allowed",
                                 name.p);
        if (name.len >= 14 &&
            span_equal_nocase(span_make(name.p, 14), SPAN_LIT("sec-websocket-")))
            return error_set(why, ST_BAD_INPUT, "websocket: invalid header \"%s\", "
                             "\"Sec-WebSocket-\" prefix not allowed", name.p);
    }
    return ST_OK;
}

static enum status check_websocket(const struct options *o, struct error *why)
{
    const struct websocket_options *w = &o->websocket;
    enum status st = ST_OK;

    if (!w->enabled) return ST_OK;
    if (w->tls == NULL && !w->no_tls)
        return error_set(why, ST_BAD_INPUT, "websocket requires TLS configuration");
    for (size_t i = 0; st == ST_OK && i < w->allowed_origins.count; i++)
        st = check_origin(w->allowed_origins.items[i], why);
    if (st == ST_OK) st = check_no_auth_user(o, w->no_auth_user, why);
    if (st != ST_OK) return st;
    if (o->user_count > 0 && is_set(w->authorization.username))
        return error_set(why, ST_BAD_INPUT, "websocket authentication username not compatible "
                         "with presence of users/nkeys");
    if (o->user_count > 0 && is_set(w->authorization.token))
        return error_set(why, ST_BAD_INPUT, "websocket authentication token not compatible with "
                         "presence of users/nkeys");
    return check_headers(w, why);
}

static enum status check_lame_duck(const struct options *o, struct error *why)
{
    struct buf grace = { 0 }, duration = { 0 };
    enum status st = ST_OK;

    duration_append(&grace, o->lame_duck_grace_period_ns);
    duration_append(&duration, o->lame_duck_duration_ns);
    if (o->lame_duck_duration_ns > 0 && o->lame_duck_grace_period_ns >= o->lame_duck_duration_ns)
        st = error_set(why, ST_BAD_INPUT, "lame duck grace period (%s) should be strictly lower "
                       "than lame duck duration (%s)", buf_text(&grace), buf_text(&duration));
    buf_free(&grace);
    buf_free(&duration);
    return st;
}

/* The account's name or nkey, or the one that is always there. */
static enum status check_system_account(const struct options *o, struct error *why)
{
    if (!is_set(o->system_account) || strcmp(o->system_account, "$SYS") == 0) return ST_OK;
    for (size_t i = 0; i < o->account_count; i++) {
        const struct account_options *a = &o->accounts[i];
        if (strcmp(a->name, o->system_account) == 0) return ST_OK;
        if (a->nkey != NULL && strcmp(a->nkey, o->system_account) == 0) return ST_OK;
    }
    return error_set(why, ST_NOT_FOUND, "error resolving system account: account missing");
}

/* A domain becomes a token of subjects, even of those that nobody serves. */
static enum status check_jetstream(const struct options *o, struct error *why)
{
    const char *domain = o->jetstream.domain;
    enum status st = ST_OK;

    if (domain != NULL) {
        char *subject = mem_printf("$JS.%s.API.>", domain);
        if (!subject_is_valid(span_of(subject)))
            st = error_set(why, ST_BAD_INPUT, "invalid domain name: derived \"%s\" is not a valid "
                           "subject", subject);
        else if (domain[strcspn(domain, " \t\r\n\f.*>")] != '\0')
            st = error_set(why, ST_BAD_INPUT,
                           "invalid domain name: may not contain ., * or >");
        mem_free(subject);
    }
    if (st == ST_OK && o->jetstream.enabled && options_jetstream_on_system_account(o))
        st = error_set(why, ST_BAD_INPUT,
                       "Not allowed to enable JetStream on the system account");
    return st;
}

enum status options_check(const struct options *o, struct error *why)
{
    enum status st = check_lame_duck(o, why);

    if (st != ST_OK) return st;
    if (o->max_payload > o->max_pending)
        return error_set(why, ST_BAD_INPUT, "max_payload (%" PRId64 ") cannot be higher than "
                         "max_pending (%" PRId64 ")", o->max_payload, o->max_pending);
    if (is_set(o->server_name) && strchr(o->server_name, ' ') != NULL)
        return error_set(why, ST_BAD_INPUT, "server name cannot contain spaces");
    if (o->http_port != 0 && o->https_port != 0)
        return error_set(why, ST_BAD_INPUT, "can't specify both HTTP (%d) and HTTPs (%d) ports",
                         o->http_port, o->https_port);
    if (o->https_port != 0 && o->tls == NULL)
        return error_set(why, ST_BAD_INPUT, "TLS cert and key required for HTTPS");
    st = check_no_auth_user(o, o->no_auth_user, why);
    if (st == ST_OK) st = check_websocket(o, why);
    if (st == ST_OK) st = check_system_account(o, why);
    if (st == ST_OK) st = check_jetstream(o, why);
    return st;
}

/* "$2a$11$..." and its kin. */
static bool is_bcrypt(const char *p)
{
    return p != NULL && strncmp(p, "$2", 2) == 0 && p[2] != '\0' && strchr("abxy", p[2]) != NULL &&
           p[3] == '$' && p[4] >= '0' && p[4] <= '9' && p[5] >= '0' && p[5] <= '9' && p[6] == '$';
}

/* Users without a password count, unless it may be their certificate that lets them in. */
static bool has_plain_password(const struct options *o)
{
    bool by_certificate = (o->tls != NULL && o->tls->verify_and_map) ||
                          (o->websocket.tls != NULL && o->websocket.tls->verify_and_map);

    if (is_set(o->authorization.password) && !is_bcrypt(o->authorization.password)) return true;
    for (size_t i = 0; i < o->user_count; i++) {
        const struct user_options *u = &o->users[i];
        if (u->nkey != NULL || (!is_set(u->password) && by_certificate)) continue;
        if (!is_bcrypt(u->password)) return true;
    }
    return false;
}

static void warn_jetstream(const struct options_jetstream *o, struct buf *out)
{
    if (!o->enabled) return;
    if (o->store_dir == NULL)
        buf_append_text(out, "Temporary storage directory used, data could be lost on system "
                        "reboot\n");
    if (o->sync != JETSTREAM_SYNC_INTERVAL) return;
    buf_append_text(out, "JetStream sync_interval is ");
    duration_append(out, o->sync_interval_ns);
    buf_append_text(out, ": messages are acknowledged before they are on disk, and a power cut "
                    "may lose them\n");
}

void options_warn(const struct options *o, struct buf *out)
{
    warn_jetstream(&o->jetstream, out);
    if (has_plain_password(o))
        buf_append_text(out, "Plaintext passwords detected, use nkeys or bcrypt\n");
    if (o->max_payload > PAYLOAD_ADVISED_MAX)
        buf_append_text(out, "Maximum payloads over 8.00 MB are generally discouraged and could "
                        "lead to poor performance\n");
}
