/* SPDX-License-Identifier: Apache-2.0 */
/* varz.c - /varz: the server's settings and totals, keys and order as nats-server's. */
#include "base/duration.h"
#include "monitor/endpoint.h"
#include "monitor/gather.h"
#include "monitor/js_facts.h"
#include "net/tls.h"
#include "os/machine.h"
#include "os/thread.h"
#include "os/usage.h"

#define TLS_TIMEOUT_NS (2 * NS_PER_S)
#define AUTH_TIMEOUT_NS (2 * NS_PER_S)
#define HANDSHAKE_TIMEOUT_NS (2 * NS_PER_S)     /* the default is not shown */

static double seconds(int64_t ns)
{
    return (double)ns / (double)NS_PER_S;
}

static double tls_timeout(const struct tls_options *tls)
{
    return seconds(tls && tls->timeout_ns ? tls->timeout_ns : TLS_TIMEOUT_NS);
}

static double auth_timeout(int64_t configured_ns, const struct tls_options *tls)
{
    if (configured_ns) return seconds(configured_ns);
    return tls ? tls_timeout(tls) + 1 : seconds(AUTH_TIMEOUT_NS);
}

static void put_texts(struct jsonw *w, const char *key, const struct text_list *list)
{
    if (list->count == 0) return;
    jsonw_array(w, key);
    for (size_t i = 0; i < list->count; i++) jsonw_text(w, NULL, list->items[i]);
    jsonw_end_array(w);
}

static void put_identity(struct jsonw *w, const struct gather *g)
{
    const struct core_config *c = g->config;
    const struct options *o = c->options;
    const struct core_identity *id = &g->core->identity;

    jsonw_text(w, "server_id", id->id);
    jsonw_text(w, "server_name", id->name);
    jsonw_text(w, "version", id->version);
    jsonw_text(w, "myelin_version", MYELIN_VERSION);
    jsonw_int(w, "proto", 1);
    jsonw_text_if(w, "git_commit", id->git_commit);
    jsonw_text(w, "go", id->go);
    jsonw_text(w, "host", c->advertise_host ? c->advertise_host : o->host);
    jsonw_int(w, "port", c->advertise_port > 0 ? c->advertise_port : g->core->port);
    jsonw_bool_if(w, "auth_required", auth_db_required(c->auth[CORE_LISTENER_CLIENT]));
    jsonw_bool_if(w, "tls_required", o->tls && !o->allow_non_tls);
    jsonw_bool_if(w, "tls_verify", o->tls && o->tls->verify);
}

static void put_limits(struct jsonw *w, const struct options *o)
{
    jsonw_int(w, "max_connections", o->max_connections);
    jsonw_int_if(w, "max_subscriptions", o->max_subscriptions);
    jsonw_int(w, "ping_interval", o->ping_interval_ns);
    jsonw_int(w, "ping_max", o->ping_max);
    jsonw_text(w, "http_host", o->http_host ? o->http_host : o->host);
    jsonw_int(w, "http_port", o->http_port);
    jsonw_text(w, "http_base_path", o->http_base_path);
    jsonw_int(w, "https_port", o->https_port);
    jsonw_double(w, "auth_timeout", auth_timeout(o->authorization.timeout_ns, o->tls));
    jsonw_int(w, "max_control_line", o->max_control_line);
    jsonw_int(w, "max_payload", o->max_payload);
    jsonw_int(w, "max_pending", o->max_pending);
}

static void put_not_after(struct jsonw *w, const struct tls_context *tls)
{
    if (tls) jsonw_time(w, "tls_cert_not_after", tls_context_not_after_s(tls) * NS_PER_S);
}

static void put_websocket(struct jsonw *w, const struct core *core,
                          const struct core_config *config)
{
    const struct websocket_options *ws = &config->options->websocket;

    jsonw_object(w, "websocket");
    if (ws->enabled) {
        jsonw_text_if(w, "host", ws->host);
        jsonw_int_if(w, "port", core->websocket_port);
        jsonw_text_if(w, "advertise", ws->advertise);
        jsonw_text_if(w, "no_auth_user", ws->no_auth_user);
        jsonw_text_if(w, "jwt_cookie", ws->jwt_cookie);
        if (ws->handshake_timeout_ns != HANDSHAKE_TIMEOUT_NS)
            jsonw_int(w, "handshake_timeout", ws->handshake_timeout_ns);
        if (ws->has_authorization && ws->authorization.timeout_ns)
            jsonw_double(w, "auth_timeout", seconds(ws->authorization.timeout_ns));
        jsonw_bool_if(w, "no_tls", ws->no_tls);
        jsonw_bool_if(w, "tls_map", ws->tls && ws->tls->verify_and_map);
        if (ws->tls) put_texts(w, "tls_pinned_certs", &ws->tls->pinned_certs);
        jsonw_bool_if(w, "same_origin", ws->same_origin);
        put_texts(w, "allowed_origins", &ws->allowed_origins);
        jsonw_bool_if(w, "compression", ws->compression);
        put_not_after(w, config->tls[CORE_LISTENER_WEBSOCKET]);
    }
    jsonw_end_object(w);
}

/* What Myelin does not have is shown as nats-server shows it when it is not configured. */
static void put_empty(struct jsonw *w, const char *key)
{
    jsonw_object(w, key);
    jsonw_end_object(w);
}

static void put_jetstream(struct jsonw *w, struct js *js, const struct options_jetstream *o)
{
    struct js_facts f;

    jsonw_object(w, "jetstream");
    if (js) {
        js_facts_init(&f, js);
        js_facts_put_config(w, &f, o, machine_temporary_folder());
        jsonw_object(w, "stats");
        js_facts_put_stats(w, &f);
        jsonw_end_object(w);
        js_facts_put_limits(w, &o->limits);
        js_facts_fini(&f);
    }
    jsonw_end_object(w);
}

static void put_parts(struct jsonw *w, const struct gather *g, struct js *js)
{
    static const char *const policies[] = { "", "close", "retry" };
    const struct options *o = g->config->options;

    put_empty(w, "cluster");
    put_empty(w, "gateway");
    put_empty(w, "leaf");
    put_empty(w, "mqtt");
    put_websocket(w, g->core, g->config);
    put_jetstream(w, js, &o->jetstream);
    jsonw_double(w, "tls_timeout", tls_timeout(o->tls));
    jsonw_int(w, "write_deadline", o->write_deadline_ns);
    jsonw_text_if(w, "write_timeout", policies[o->write_timeout]);
}

static void put_uptime(struct jsonw *w, const char *key, int64_t ns)
{
    struct buf text = { 0 };

    duration_append_uptime(&text, ns);
    jsonw_string(w, key, buf_span(&text));
    buf_free(&text);
}

static void put_process(struct jsonw *w, const struct gather *g, double cpu_percent)
{
    const struct core_identity *id = &g->core->identity;

    jsonw_time(w, "start", id->start_wall_ns);
    jsonw_time(w, "now", g->now_wall_ns);
    put_uptime(w, "uptime", g->now_mono_ns - id->start_mono_ns);
    jsonw_int(w, "mem", usage_memory().resident_bytes);
    jsonw_int(w, "cores", thread_core_count());
    jsonw_uint(w, "gomaxprocs", g->core->loops.count);
    jsonw_double(w, "cpu", cpu_percent);
}

static void put_totals(struct jsonw *w, const struct gather *g)
{
    const struct loop_stats *s = &g->sum.stats;

    jsonw_int(w, "connections", atomic_load(&g->core->counters.clients));
    jsonw_uint(w, "total_connections", atomic_load(&g->core->counters.total_clients));
    jsonw_int(w, "routes", 0);
    jsonw_int(w, "remotes", 0);
    jsonw_int(w, "leafnodes", 0);
    jsonw_uint(w, "in_msgs", s->in_msgs);
    jsonw_uint(w, "in_bytes", s->in_bytes);
    jsonw_uint(w, "in_client_msgs", s->in_msgs);
    jsonw_uint(w, "in_client_bytes", s->in_bytes);
    jsonw_uint(w, "out_msgs", s->out_msgs);
    jsonw_uint(w, "out_bytes", s->out_bytes);
    jsonw_uint(w, "out_client_msgs", s->out_msgs);
    jsonw_uint(w, "out_client_bytes", s->out_bytes);
    jsonw_uint(w, "slow_consumers", s->slow_pending + s->slow_deadline);
    jsonw_uint(w, "stale_connections", s->stale);
    jsonw_uint(w, "stalled_clients", s->stalled);
    jsonw_uint(w, "subscriptions", g->subs);
}

static void put_requests(struct jsonw *w, const uint64_t *requests)
{
    jsonw_object(w, "http_req_stats");
    for (unsigned i = 0; i < ENDPOINT_COUNT; i++)
        if (requests[i]) jsonw_uint(w, endpoint_path((enum endpoint)i), requests[i]);
    jsonw_end_object(w);
}

/* A map, so sorted by key. Few: the smallest key not yet written is searched each time. */
static void put_metadata(struct jsonw *w, const struct tag_options *t)
{
    const struct text_list *keys = &t->metadata_keys;
    const char *last = NULL;

    if (keys->count == 0) return;
    jsonw_object(w, "metadata");
    for (size_t n = 0; n < keys->count; n++) {
        size_t next = keys->count;
        for (size_t i = 0; i < keys->count; i++) {
            if (last && strcmp(keys->items[i], last) <= 0) continue;
            if (next == keys->count || strcmp(keys->items[i], keys->items[next]) < 0) next = i;
        }
        if (next == keys->count) break;
        last = keys->items[next];
        jsonw_text(w, last, t->metadata_values.items[next]);
    }
    jsonw_end_object(w);
}

/* Counters by kind of connection, all of them clients here. */
static void put_kinds(struct jsonw *w, const char *key, uint64_t clients)
{
    jsonw_object(w, key);
    jsonw_uint(w, "clients", clients);
    jsonw_int(w, "routes", 0);
    jsonw_int(w, "gateways", 0);
    jsonw_int(w, "leafs", 0);
    jsonw_end_object(w);
}

static void put_rest(struct jsonw *w, const struct gather *g)
{
    static const char *const waits[] = { "waiters", "waits", "wait_time", "max_wait_time" };
    const struct options *o = g->config->options;

    jsonw_time(w, "config_load_time", g->config->load_wall_ns);
    jsonw_text(w, "config_digest", o->config_digest);
    put_texts(w, "tags", &o->tags.tags);
    put_metadata(w, &o->tags);
    jsonw_text_if(w, "system_account", gather_system_name(g));
    put_kinds(w, "slow_consumer_stats", g->sum.stats.slow_pending + g->sum.stats.slow_deadline);
    put_kinds(w, "stale_connection_stats", g->sum.stats.stale);
    jsonw_object(w, "disk_io_wait_stats");
    for (size_t i = 0; i < COUNT_OF(waits); i++) jsonw_int(w, waits[i], 0);
    jsonw_end_object(w);
    put_not_after(w, g->config->tls[CORE_LISTENER_CLIENT]);
}

void varz_serve(const struct endpoint_call *call, struct reply *r)
{
    struct gather g;
    struct buf json = { 0 };
    struct jsonw w = jsonw_start(&json);

    gather_init(&g, call->core);
    jsonw_object(&w, NULL);
    put_identity(&w, &g);
    put_limits(&w, g.config->options);
    put_parts(&w, &g, call->js);
    put_process(&w, &g, call->cpu_percent);
    put_totals(&w, &g);
    put_requests(&w, call->requests);
    put_rest(&w, &g);
    jsonw_end_object(&w);
    gather_fini(&g);
    reply_json(r, &json);
    buf_free(&json);
}
