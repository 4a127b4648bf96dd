/* SPDX-License-Identifier: Apache-2.0 */
/* small.c - /healthz, /debug/vars, and the pages of parts that Myelin does not have: they answer
 * as a nats-server on which those parts are not configured. */
#include "base/log.h"
#include "monitor/endpoint.h"
#include "os/clock.h"
#include "os/usage.h"

static void put_head(struct jsonw *w, const struct endpoint_call *call)
{
    jsonw_text(w, "server_id", call->core->identity.id);
    jsonw_time(w, "now", clock_wall_ns());
}

/* All of names are truths, or the reply is the error. */
static bool check_bools(const struct endpoint_call *call, struct reply *r,
                        const char *const *names, size_t count)
{
    bool unused;

    for (size_t i = 0; i < count; i++)
        if (query_bool(call->query, names[i], &unused, &r->body) != ST_OK) {
            reply_text(r, 400, "");
            return false;
        }
    return true;
}

/* ---- /healthz ---- */

static void put_unhealthy(struct jsonw *w, const char *text, const char *type, bool details)
{
    jsonw_text(w, "status", "error");
    if (!details) {
        jsonw_text(w, "error", text);
        return;
    }
    jsonw_array(w, "errors");
    jsonw_object(w, NULL);
    jsonw_text(w, "type", type);
    jsonw_text(w, "error", text);
    jsonw_end_object(w);
    jsonw_end_array(w);
}

static void log_problem(const char *text)
{
    struct buf quoted = { 0 };

    jsonw_append_quoted(&quoted, span_of(text));
    log_warn("Healthcheck failed: %s", buf_text(&quoted));
    buf_free(&quoted);
}

void healthz_serve(const struct endpoint_call *call, struct reply *r)
{
    static const char *const flags[] = { "js-enabled", "js-enabled-only", "js-server-only",
                                         "js-meta-only" };
    const struct query *q = call->query;
    const char *problem = NULL, *type = "BAD_REQUEST";
    bool details;
    struct jsonw w = jsonw_start(&r->body);

    if (!check_bools(call, r, flags, COUNT_OF(flags))) return;
    if (query_bool(q, "js-enabled", &details, &r->body) == ST_OK && details)
        log_warn("Healthcheck: js-enabled deprecated, use js-enabled-only instead");
    if (query_bool(q, "details", &details, &r->body) != ST_OK) {
        reply_text(r, 400, "");
        return;
    }
    r->status = 400;
    if (query_text(q, "account").len == 0 && query_text(q, "stream").len) {
        problem = "\"account\" must not be empty when checking stream health";
    } else if (query_text(q, "stream").len == 0 && query_text(q, "consumer").len) {
        problem = "\"stream\" must not be empty when checking consumer health";
    } else if (atomic_load(&call->core->shutting_down)) {
        problem = "server is shutting down";
        type = "CONNECTION";
        r->status = 500;
    }
    jsonw_object(&w, NULL);
    if (problem) {
        log_problem(problem);
        put_unhealthy(&w, problem, type, details);
    } else {
        r->status = 200;
        jsonw_text(&w, "status", "ok");
    }
    jsonw_end_object(&w);
    r->type = "application/json";
    r->any_origin = true;
}

/* ---- links to other servers ---- */

void routez_serve(const struct endpoint_call *call, struct reply *r)
{
    struct buf json = { 0 };
    struct jsonw w = jsonw_start(&json);
    bool subs, detail;

    if (query_subs(call->query, &subs, &detail, &r->body) != ST_OK) {
        reply_text(r, 400, "");
        return;
    }
    jsonw_object(&w, NULL);
    jsonw_text(&w, "server_id", call->core->identity.id);
    jsonw_text(&w, "server_name", call->core->identity.name);
    jsonw_time(&w, "now", clock_wall_ns());
    jsonw_int(&w, "num_routes", 0);
    jsonw_array(&w, "routes");
    jsonw_end_array(&w);
    jsonw_end_object(&w);
    reply_json(r, &json);
    buf_free(&json);
}

void gatewayz_serve(const struct endpoint_call *call, struct reply *r)
{
    static const char *const flags[] = { "accs" };
    struct buf json = { 0 };
    struct jsonw w = jsonw_start(&json);
    bool subs, detail;

    if (query_subs(call->query, &subs, &detail, &r->body) != ST_OK) {
        reply_text(r, 400, "");
        return;
    }
    if (!check_bools(call, r, flags, COUNT_OF(flags))) return;
    jsonw_object(&w, NULL);
    put_head(&w, call);
    jsonw_object(&w, "outbound_gateways");
    jsonw_end_object(&w);
    jsonw_object(&w, "inbound_gateways");
    jsonw_end_object(&w);
    jsonw_end_object(&w);
    reply_json(r, &json);
    buf_free(&json);
}

void leafz_serve(const struct endpoint_call *call, struct reply *r)
{
    static const char *const flags[] = { "subs" };
    struct buf json = { 0 };
    struct jsonw w = jsonw_start(&json);

    if (!check_bools(call, r, flags, COUNT_OF(flags))) return;
    jsonw_object(&w, NULL);
    put_head(&w, call);
    jsonw_int(&w, "leafnodes", 0);
    jsonw_array(&w, "leafs");
    jsonw_end_array(&w);
    jsonw_end_object(&w);
    reply_json(r, &json);
    buf_free(&json);
}

/* ---- JetStream ---- */

static enum status check_jsz(const struct query *q, bool *leader_only, struct buf *error)
{
    static const char *const before[] = { "accounts", "streams", "consumers", "direct-consumers",
                                          "config" };
    static const char *const behind[] = { "raft", "stream-leader-only" };
    enum status st = ST_OK;
    struct page page;
    bool unused;

    for (size_t i = 0; i < COUNT_OF(before) && st == ST_OK; i++)
        st = query_bool(q, before[i], &unused, error);
    if (st == ST_OK) st = query_page(q, &page, error);
    if (st == ST_OK) st = query_bool(q, "leader-only", leader_only, error);
    for (size_t i = 0; i < COUNT_OF(behind) && st == ST_OK; i++)
        st = query_bool(q, behind[i], &unused, error);
    if (st == ST_OK && *leader_only) {
        buf_append_text(error, "filtered response: not leader");
        st = ST_UNSUPPORTED;
    }
    return st;
}

static void put_zeros(struct jsonw *w, const char *const *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) jsonw_int(w, keys[i], 0);
}

void jsz_serve(const struct endpoint_call *call, struct reply *r)
{
    static const char *const usage[] = { "memory", "storage", "reserved_memory",
                                         "reserved_storage", "accounts", "ha_assets" };
    static const char *const api[] = { "level", "total", "errors" };
    static const char *const config[] = { "max_memory", "max_storage" };
    static const char *const assets[] = { "streams", "consumers", "messages", "bytes", "total" };
    struct buf json = { 0 };
    struct jsonw w = jsonw_start(&json);
    bool leader_only;

    if (check_jsz(call->query, &leader_only, &r->body) != ST_OK) {
        reply_text(r, 400, "");
        return;
    }
    jsonw_object(&w, NULL);
    put_zeros(&w, usage, COUNT_OF(usage));
    jsonw_object(&w, "api");
    put_zeros(&w, api, COUNT_OF(api));
    jsonw_end_object(&w);
    put_head(&w, call);
    jsonw_bool(&w, "disabled", true);
    jsonw_object(&w, "config");
    put_zeros(&w, config, COUNT_OF(config));
    jsonw_end_object(&w);
    put_zeros(&w, assets, COUNT_OF(assets));
    jsonw_end_object(&w);
    reply_json(r, &json);
    buf_free(&json);
}

void raftz_serve(const struct endpoint_call *call, struct reply *r)
{
    (void)call;
    reply_text(r, 404, "No Raft nodes registered");
}

/* Go's inner queues: there are none here, so none has anything waiting. */
void ipqueuesz_serve(const struct endpoint_call *call, struct reply *r)
{
    static const char *const flags[] = { "all" };
    struct buf json = { 0 };

    if (!check_bools(call, r, flags, COUNT_OF(flags))) return;
    buf_append_text(&json, "{}");
    reply_json(r, &json);
    buf_free(&json);
}

/* ---- /debug/vars ---- */

/* The command line of nats-server's answer is left out: it may hold secrets. Of Go's memory
 * figures, those that an allocator in C has too. */
void expvarz_serve(const struct endpoint_call *call, struct reply *r)
{
    struct usage_memory m = usage_memory();
    struct buf json = { 0 };
    struct jsonw w = jsonw_start(&json);

    (void)call;
    jsonw_object(&w, NULL);
    jsonw_object(&w, "memstats");
    jsonw_int(&w, "Alloc", m.heap_bytes);
    jsonw_int(&w, "Sys", m.resident_bytes);
    jsonw_int(&w, "HeapAlloc", m.heap_bytes);
    jsonw_int(&w, "HeapSys", m.heap_held_bytes);
    jsonw_int(&w, "HeapIdle", m.heap_held_bytes - m.heap_bytes);
    jsonw_int(&w, "HeapInuse", m.heap_bytes);
    jsonw_end_object(&w);
    jsonw_end_object(&w);
    reply_json(r, &json);
    r->type = "application/json; charset=utf-8";
    r->any_origin = false;
    buf_free(&json);
}
