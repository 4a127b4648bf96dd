/* SPDX-License-Identifier: Apache-2.0 */
/* small.c - /debug/vars, and the pages of parts that Myelin does not have: they answer as a
 * nats-server on which those parts are not configured. */
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

/* ---- inner parts ---- */

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
