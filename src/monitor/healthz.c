/* SPDX-License-Identifier: Apache-2.0 */
/* healthz.c - /healthz: whether the server serves, and whether JetStream, an account, a stream or a
 * consumer is there and takes messages. */
#include "base/log.h"
#include "jetstream/stream.h"
#include "monitor/endpoint.h"
#include "monitor/js_facts.h"

#define UNAVAILABLE "unavailable"
#define ERROR "error"

struct health {
    struct span account, stream, consumer;      /* as asked; empty: not */
    bool enabled_only, server_only, details;
    int code;                           /* HTTP */
    const char *status, *type;          /* what it is without details; kind of the problem */
    struct buf problem;                 /* empty: healthy */
    unsigned scope;                     /* how many of account, stream, consumer it names */
};

static void fail(struct health *h, int code, const char *status, const char *type, unsigned scope)
{
    h->code = code;
    h->status = status;
    h->type = type;
    h->scope = scope;
}

/* ---- looking ---- */

static void check_request(struct health *h, const struct core *core)
{
    if (h->account.len == 0 && h->stream.len) {
        fail(h, 400, ERROR, "BAD_REQUEST", 0);
        buf_append_text(&h->problem, "\"account\" must not be empty when checking stream health");
    } else if (h->stream.len == 0 && h->consumer.len) {
        fail(h, 400, ERROR, "BAD_REQUEST", 0);
        buf_append_text(&h->problem, "\"stream\" must not be empty when checking consumer health");
    } else if (atomic_load(&core->shutting_down)) {
        fail(h, 500, ERROR, "CONNECTION", 0);
        buf_append_text(&h->problem, "server is shutting down");
    }
}

static void say(struct health *h, const char *text, struct span name)
{
    buf_append_text(&h->problem, text);
    buf_append_quoted(&h->problem, name);
}

static void miss_account(struct health *h)
{
    fail(h, 404, UNAVAILABLE, "ACCOUNT", 1);
    say(h, "JetStream account ", h->account);
    buf_append_text(&h->problem, " not found");
}

static void miss_stream(struct health *h)
{
    fail(h, 404, UNAVAILABLE, "STREAM", 2);
    say(h, "JetStream stream ", h->stream);
    say(h, " not found on account ", h->account);
}

static void miss_consumer(struct health *h)
{
    fail(h, 404, UNAVAILABLE, "CONSUMER", 3);
    say(h, "JetStream consumer ", h->consumer);
    say(h, " not found for stream ", h->stream);
    say(h, " on account ", h->account);
}

/* An account without a stream is not found: nats-server looks for its folder. */
static void check_assets(struct js *js, void *arg)
{
    struct health *h = arg;
    struct js_account *a;
    const struct stream *s;

    if (js->failed) {
        fail(h, 503, UNAVAILABLE, "JETSTREAM", 0);
        buf_printf(&h->problem, "JetStream store write error: %s", js->failed);
        return;
    }
    if (h->account.len == 0) return;
    a = js_account_find(js, h->account);
    if (a == NULL || a->streams.count == 0) {
        miss_account(h);
        return;
    }
    if (h->stream.len == 0) return;
    s = js_stream_find(a, h->stream);
    if (s == NULL) miss_stream(h);
    else if (h->consumer.len && !map_has(&s->consumers, h->consumer)) miss_consumer(h);
}

/* ---- answering ---- */

static void put_scope(struct jsonw *w, const struct health *h)
{
    static const char *const keys[] = { "account", "stream", "consumer" };
    const struct span names[] = { h->account, h->stream, h->consumer };

    for (unsigned i = 0; i < h->scope; i++) jsonw_string(w, keys[i], names[i]);
}

static void put_health(struct jsonw *w, const struct health *h)
{
    bool healthy = h->problem.len == 0;

    jsonw_object(w, NULL);
    jsonw_text(w, "status", healthy ? "ok" : h->details ? ERROR : h->status);
    if (!healthy && !h->details) jsonw_string(w, "error", buf_span(&h->problem));
    if (!healthy && h->details) {
        jsonw_array(w, "errors");
        jsonw_object(w, NULL);
        jsonw_text(w, "type", h->type);
        put_scope(w, h);
        jsonw_string(w, "error", buf_span(&h->problem));
        jsonw_end_object(w);
        jsonw_end_array(w);
    }
    jsonw_end_object(w);
}

static void log_problem(const struct health *h)
{
    struct buf quoted = { 0 };

    if (h->problem.len == 0) return;
    if (h->details) {
        log_warn("Healthcheck failed: 1 errors");
        return;
    }
    buf_append_quoted(&quoted, buf_span(&h->problem));
    log_warn("Healthcheck failed: %s", buf_text(&quoted));
    buf_free(&quoted);
}

static enum status read_flags(struct health *h, const struct query *q, struct buf *error)
{
    bool deprecated, meta_only;

    if (query_bool(q, "js-enabled", &deprecated, error) != ST_OK) return ST_BAD_INPUT;
    if (deprecated) log_warn("Healthcheck: js-enabled deprecated, use js-enabled-only instead");
    if (query_bool(q, "js-enabled-only", &h->enabled_only, error) != ST_OK ||
        query_bool(q, "js-server-only", &h->server_only, error) != ST_OK ||
        query_bool(q, "js-meta-only", &meta_only, error) != ST_OK ||
        query_bool(q, "details", &h->details, error) != ST_OK)
        return ST_BAD_INPUT;
    h->enabled_only = h->enabled_only || deprecated;
    return ST_OK;
}

void healthz_serve(const struct endpoint_call *call, struct reply *r)
{
    const struct query *q = call->query;
    struct health h = { .account = query_text(q, "account"), .stream = query_text(q, "stream"),
                        .consumer = query_text(q, "consumer"), .code = 200 };
    struct jsonw w = jsonw_start(&r->body);

    if (read_flags(&h, q, &r->body) != ST_OK) {
        reply_text(r, 400, "");
        return;
    }
    check_request(&h, call->core);
    if (h.problem.len == 0 && !h.server_only && !h.enabled_only && call->js)
        js_visit(call->js, check_assets, &h);
    log_problem(&h);
    put_health(&w, &h);
    r->status = h.code;
    r->type = "application/json";
    r->any_origin = true;
    buf_free(&h.problem);
}
