/* SPDX-License-Identifier: Apache-2.0 */
/* server.c - start in order, run on signals, stop in reverse. */
#include "server/server.h"

#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "monitor/monitor.h"
#include "os/clock.h"
#include "os/notify.h"
#include "os/process.h"
#include "os/trim.h"
#include "server/jetstream.h"
#include "server/pidfile.h"
#include "server/portsfile.h"
#include "server/server_priv.h"

static void *run_loop(void *arg)
{
    loop_run(arg);
    return NULL;
}

static enum status start_threads(struct server *s)
{
    s->threads = mem_zero(s->core->loops.count * sizeof *s->threads);
    for (unsigned i = 0; i < s->core->loops.count; i++) {
        char name[16];
        snprintf(name, sizeof name, "loop-%u", i);
        if (thread_start(&s->threads[i], name, run_loop, s->core->loops.loops[i]) != ST_OK)
            return ST_IO;
        s->thread_count++;
    }
    return ST_OK;
}

void server_log_lines(enum log_level level, const struct buf *text)
{
    struct span rest = buf_span(text);

    while (rest.len > 0) {
        size_t end = span_find(rest, '\n');
        log_at(level, "%.*s", (int)end, rest.p);
        rest = span_from(rest, end < rest.len ? end + 1 : end);
    }
}

static void log_start(const struct server *s, const struct options *o)
{
    const struct core_identity *id = &s->core->identity;
    struct buf warnings = { 0 };

    log_info("Starting nats-server");
    log_info("  Version:  %s", id->version);
    log_info("  Myelin:   %s", MYELIN_VERSION);
    log_info("  Name:     %s", id->name);
    log_info("  ID:       %s", id->id);
    log_debug("  Loops:    %u", s->core->loops.count);
    if (o->config_file)
        log_info("Using configuration file: %s (%s)", o->config_file, o->config_digest);
    options_warn(o, &warnings);
    server_log_lines(LOG_WARN, &warnings);
    buf_free(&warnings);
}

static enum status open_listener(struct server *s, enum core_listener kind, const char *host,
                                 int port, struct error *why)
{
    enum status st = listener_open(&s->listeners[kind], s->core, kind, host, port, why);

    if (st == ST_OK) s->bound[kind] = *listener_bound(s->listeners[kind]);
    return st;
}

/* host:port as nats-server logs it: the configured host, not the bound address. */
static void log_listening(const char *prefix, const char *host, uint16_t port)
{
    bool six = strchr(host, ':') != NULL;

    log_info(six ? "%s[%s]:%u" : "%s%s:%u", prefix, host, port);
}

static enum status open_listeners(struct server *s, const struct options *o, struct error *why)
{
    const struct websocket_options *w = &o->websocket;
    enum status st;

    if (w->enabled) {
        st = open_listener(s, CORE_LISTENER_WEBSOCKET, w->host, w->port, why);
        if (st != ST_OK) return st;
        s->core->websocket_port = s->bound[CORE_LISTENER_WEBSOCKET].port;
        log_listening(w->tls && !w->no_tls ? "Listening for websocket clients on wss://"
                                           : "Listening for websocket clients on ws://",
                      w->host, s->bound[CORE_LISTENER_WEBSOCKET].port);
        if (w->tls == NULL || w->no_tls)
            log_warn("Websocket not configured with TLS. DO NOT USE IN PRODUCTION!");
    }
    st = open_listener(s, CORE_LISTENER_CLIENT, o->host, o->port, why);
    if (st != ST_OK) return st;
    s->core->port = s->bound[CORE_LISTENER_CLIENT].port;
    log_listening("Listening for client connections on ", o->host,
                  s->bound[CORE_LISTENER_CLIENT].port);
    if (o->tls) log_info("TLS required for client connections");
    return ST_OK;
}

/* URLs of one listener: every local address when it listens on all of them. */
static void list_urls(struct text_list *out, const char *scheme, const char *host, uint16_t port)
{
    struct socket_address local[32];
    size_t n = 0;

    if (span_is(span_of(host), "0.0.0.0") || span_is(span_of(host), "::"))
        n = socket_local_addresses(local, COUNT_OF(local));
    out->items = mem_zero((n + 1) * sizeof *out->items);
    if (n == 0) out->items[out->count++] = mem_printf("%s://%s:%u", scheme, host, port);
    for (size_t i = 0; i < n; i++)
        out->items[out->count++] = mem_printf(strchr(local[i].host, ':') ? "%s://[%s]:%u"
                                                                         : "%s://%s:%u",
                                              scheme, local[i].host, port);
}

static void free_urls(struct text_list *l)
{
    for (size_t i = 0; i < l->count; i++) mem_free(l->items[i]);
    mem_free(l->items);
}

static void write_ports_file(const struct server *s, const struct options *o)
{
    struct portsfile_urls urls = { 0 };
    struct error why;

    list_urls(&urls.nats, o->tls ? "tls" : "nats", o->host, s->bound[CORE_LISTENER_CLIENT].port);
    if (s->monitor)
        list_urls(&urls.monitoring, o->https_port ? "https" : "http",
                  o->http_host ? o->http_host : o->host, monitor_port(s->monitor));
    if (o->websocket.enabled)
        list_urls(&urls.websocket, o->websocket.no_tls ? "ws" : "wss", o->websocket.host,
                  s->bound[CORE_LISTENER_WEBSOCKET].port);
    if (portsfile_write(o->ports_file_dir, &urls, &why) != ST_OK) log_error("%s", why.text);
    free_urls(&urls.nats);
    free_urls(&urls.monitoring);
    free_urls(&urls.websocket);
}

static enum status write_files(struct server *s, const struct options *o, struct error *why)
{
    enum status st = o->pid_file ? pidfile_write(o->pid_file, why) : ST_OK;

    if (st != ST_OK) {
        struct error cause = *why;
        return error_set(why, st, "Could not write pidfile: %s", cause.text);
    }
    if (o->ports_file_dir) write_ports_file(s, o);
    return ST_OK;
}

static enum status start_parts(struct server *s, struct options *o, struct error *why)
{
    unsigned loops = o->loops > 0 ? (unsigned)o->loops : (unsigned)thread_core_count();
    enum status st = logger_open(o, &s->logger, why);

    if (st == ST_OK) st = signals_init(&s->signals, why);
    if (st == ST_OK) st = poll_init(&s->poll);
    if (st == ST_OK) st = poll_add(&s->poll, s->signals.fd, s, true, false);
    if (st != ST_OK) {
        options_free(&o);
        return st;
    }
    st = core_new(&s->core, o, loops, why);
    if (st != ST_OK) return st;
    log_start(s, o);
    st = server_start_jetstream(s, why);
    if (st != ST_OK) return st;
    if (o->http_port != 0 || o->https_port != 0) {
        st = monitor_start(&s->monitor, s->core, s->js, o, why);
        if (st != ST_OK) return st;
        log_listening(o->https_port ? "Starting https monitor on " : "Starting http monitor on ",
                      o->http_host ? o->http_host : o->host, monitor_port(s->monitor));
    }
    st = open_listeners(s, o, why);
    if (st == ST_OK) st = write_files(s, o, why);
    if (st == ST_OK) st = start_threads(s);
    if (st == ST_OK && s->monitor) st = monitor_serve(s->monitor, why);
    return st;
}

enum status server_start(struct server **out, struct options *options, struct error *why)
{
    struct server *s = mem_zero(sizeof *s);
    enum status st;

    s->poll = (struct poll_set){ -1, -1 };
    st = start_parts(s, options, why);
    if (st != ST_OK) {
        log_fatal("%s", why->text);
        server_stop(&s);
        return st;
    }
    log_info("Server is ready");
    notify_ready();
    trim_code();
    *out = s;
    return ST_OK;
}

/* ---- running ---- */

static void on_signal(struct server *s, enum process_signal signal)
{
    log_info("Trapped \"%s\" signal", signals_text(signal));
    switch (signal) {
    case PROCESS_INT:
        s->stopping = true;
        break;
    case PROCESS_TERM:                  /* lame duck mode ends by itself */
        if (s->lame_duck_next_ns == 0) s->stopping = true;
        break;
    case PROCESS_HUP:
        server_reload(s);
        break;
    case PROCESS_USR1:
        logger_reopen(s->logger);
        break;
    case PROCESS_USR2:
        server_start_lame_duck(s);
        break;
    case PROCESS_KILL:
        unreachable();
    }
}

int server_run(struct server *s)
{
    struct poll_event events[POLL_EVENTS_MAX];
    enum process_signal signal;

    while (!s->stopping) {
        int wait = -1;
        if (s->lame_duck_next_ns) {
            int64_t left = (s->lame_duck_next_ns - clock_mono_ns()) / 1000000 + 1;
            wait = left < 0 ? 0 : (int)left;
        }
        poll_wait(&s->poll, events, wait);
        while (!s->stopping && signals_next(&s->signals, &signal) == ST_OK) on_signal(s, signal);
        if (s->lame_duck_next_ns && clock_mono_ns() >= s->lame_duck_next_ns)
            server_step_lame_duck(s);
    }
    return 0;
}

/* ---- stopping ---- */

void server_close_listeners(struct server *s)
{
    for (int i = 0; i < CORE_LISTENERS; i++) listener_close(&s->listeners[i]);
}

static void close_on_first(struct core_loop *cl, void *arg)
{
    if (cl->loop->index == 0) server_close_listeners(arg);
}

static void stop_core(struct server *s)
{
    const struct options *o = s->core->config->options;
    struct error why;

    monitor_stop(&s->monitor);
    if (s->thread_count == s->core->loops.count) {
        core_on_each_loop(s->core, close_on_first, s);
        server_shutdown_jetstream(s);
        core_close_clients(s->core);
    }
    server_close_listeners(s);
    for (unsigned i = 0; i < s->thread_count; i++) loop_stop(s->core->loops.loops[i]);
    for (unsigned i = 0; i < s->thread_count; i++) thread_join(&s->threads[i]);
    if (o->ports_file_dir && s->bound[CORE_LISTENER_CLIENT].port)
        if (portsfile_remove(o->ports_file_dir, &why) != ST_OK) log_error("%s", why.text);
    server_free_jetstream(s);
    core_free(&s->core);
}

void server_stop(struct server **server)
{
    struct server *s = *server;
    bool started = s->core != NULL;

    if (started) {
        log_info("Initiating Shutdown...");
        notify_stopping();
        stop_core(s);
        log_info("Server Exiting..");
    }
    mem_free(s->threads);
    poll_fini(&s->poll);
    /* The signals stay blocked: a second one that comes now has nothing left to end. */
    logger_free(&s->logger);
    mem_free(s);
    *server = NULL;
}
