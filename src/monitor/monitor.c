/* SPDX-License-Identifier: Apache-2.0 */
/* monitor.c - life of the monitoring thread, and the way from a request to an endpoint. */
#include "monitor/monitor.h"

#include "base/duration.h"
#include "base/mem.h"
#include "monitor/endpoint.h"
#include "monitor/http.h"
#include "net/tls.h"
#include "os/clock.h"
#include "os/socket.h"
#include "os/thread.h"
#include "os/usage.h"

struct monitor {
    struct core *core;
    struct js *js;                      /* NULL: off */
    struct http *http;
    struct thread thread;
    bool running;
    bool secure;                        /* https */
    struct tls_context *tls;            /* the newest seen; a reference, NULL without https */
    uint16_t port;
    char *base_path;                    /* "" or "/x" */
    uint64_t requests[ENDPOINT_COUNT];
    int64_t cpu_ns, cpu_at_ns;          /* at the last tick */
    double cpu_percent;
};

/* ---- on the thread ---- */

static void measure_cpu(struct monitor *m)
{
    int64_t cpu_ns = usage_cpu_ns(), now_ns = clock_mono_ns();

    if (now_ns > m->cpu_at_ns)          /* one decimal, as nats-server */
        m->cpu_percent = (double)((cpu_ns - m->cpu_ns) * 1000 / (now_ns - m->cpu_at_ns)) / 10;
    m->cpu_ns = cpu_ns;
    m->cpu_at_ns = now_ns;
}

static void on_second(void *arg)
{
    measure_cpu(arg);
}

/* The endpoint behind path, which begins with the base path. */
static enum endpoint find_endpoint(const struct monitor *m, struct span path)
{
    struct span base = span_of(m->base_path);

    if (!span_has_prefix(path, base)) return ENDPOINT_COUNT;
    path = span_from(path, base.len);
    if (base.len && path.len == 0) return ENDPOINT_ROOT;
    if (base.len && path.len == 1) return ENDPOINT_COUNT;
    return endpoint_find(path);
}

static void on_request(void *arg, struct span path, struct span raw_query, const char *accept,
                       struct reply *r)
{
    struct monitor *m = arg;
    enum endpoint e = find_endpoint(m, path);
    struct query query;
    struct endpoint_call call = {
        .core = m->core, .js = m->js, .query = &query, .base_path = m->base_path,
        .accept = accept, .requests = m->requests, .cpu_percent = m->cpu_percent,
    };

    if (e == ENDPOINT_COUNT) {
        reply_text(r, 404, "404 page not found\n");
        return;
    }
    m->requests[e]++;
    query_init(&query, raw_query);
    endpoint_serve(e, &call, r);
    query_fini(&query);
}

/* The client listener's, as nats-server: the newest, and the last there was should a reload have
 * taken TLS away. */
static struct tls_context *take_tls(void *arg)
{
    struct monitor *m = arg;
    struct core_config *config;

    if (!m->secure) return NULL;
    config = core_config_latest(m->core);
    if (config->tls[CORE_LISTENER_CLIENT]) {
        tls_context_unref(m->tls);
        m->tls = tls_context_ref(config->tls[CORE_LISTENER_CLIENT]);
    }
    core_config_unref(config);
    return tls_context_ref(m->tls);
}

static void *run(void *arg)
{
    struct monitor *m = arg;

    http_run(m->http);
    return NULL;
}

/* ---- life ---- */

static enum status listen_on(struct monitor *m, const struct options *o, struct error *why)
{
    const char *host = o->http_host ? o->http_host : o->host;
    int port = o->https_port ? o->https_port : o->http_port;
    struct http_handlers handlers = { .on_request = on_request, .on_second = on_second,
                                      .tls = take_tls, .arg = m };
    struct socket_address bound;
    struct error cause = { "" };
    int fd;

    m->secure = o->https_port != 0;
    if (m->secure && o->tls == NULL)
        return error_set(why, ST_BAD_INPUT,
                         "Can't start monitoring: TLS cert and key required for HTTPS");
    if (socket_listen(host, (uint16_t)(port < 0 ? 0 : port), &fd, &bound, &cause) != ST_OK)
        return error_set(why, ST_IO, "Can't start monitoring: can't listen to the monitor port: "
                         "%s", cause.text);
    m->port = bound.port;
    tls_context_unref(take_tls(m));     /* there is one now, and will be */
    return http_new(&m->http, fd, &handlers, why);
}

enum status monitor_start(struct monitor **out, struct core *core, struct js *js,
                          const struct options *options, struct error *why)
{
    struct monitor *m = mem_zero(sizeof *m);
    enum status st;

    *out = NULL;
    m->core = core;
    m->js = js;
    m->base_path = mem_dup(options->http_base_path);
    measure_cpu(m);
    st = listen_on(m, options, why);
    if (st != ST_OK) {
        monitor_stop(&m);
        return st;
    }
    *out = m;
    return ST_OK;
}

enum status monitor_serve(struct monitor *m, struct error *why)
{
    if (thread_start(&m->thread, "monitor", run, m) != ST_OK)
        return error_set(why, ST_IO, "can't start the monitor's thread");
    m->running = true;
    return ST_OK;
}

void monitor_stop(struct monitor **monitor)
{
    struct monitor *m = *monitor;

    if (m == NULL) return;
    if (m->running) {
        http_stop(m->http);
        thread_join(&m->thread);
    }
    http_free(&m->http);
    tls_context_unref(m->tls);
    mem_free(m->base_path);
    mem_free(m);
    *monitor = NULL;
}

uint16_t monitor_port(const struct monitor *m)
{
    return m->port;
}
