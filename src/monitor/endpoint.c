/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint.c - from paths to endpoints, and the shapes of answers. */
#include "monitor/endpoint.h"

#include "base/json_indent.h"

static const struct {
    const char *path;
    void (*serve)(const struct endpoint_call *call, struct reply *r);
} endpoints[ENDPOINT_COUNT] = {
#define ENDPOINT(name, path, function) [ENDPOINT_##name] = { path, function },
    ENDPOINTS
#undef ENDPOINT
};

const char *endpoint_path(enum endpoint e)
{
    assert(e < ENDPOINT_COUNT);
    return endpoints[e].path;
}

enum endpoint endpoint_find(struct span path)
{
    if (span_is(path, "/subscriptionsz")) return ENDPOINT_SUBSZ;
    for (unsigned i = 0; i < ENDPOINT_COUNT; i++)
        if (span_is(path, endpoints[i].path)) return (enum endpoint)i;
    return ENDPOINT_COUNT;
}

void endpoint_serve(enum endpoint e, const struct endpoint_call *call, struct reply *r)
{
    assert(e < ENDPOINT_COUNT);
    endpoints[e].serve(call, r);
}

void reply_json(struct reply *r, struct buf *compact)
{
    if (compact->len <= REPLY_BYTES_MAX) json_append_indented(&r->body, buf_span(compact));
    if (compact->len > REPLY_BYTES_MAX || r->body.len > REPLY_BYTES_MAX) {
        r->body.len = 0;
        reply_text(r, 400, "the answer is too large, ask for less with limit and offset");
        return;
    }
    r->status = 200;
    r->type = "application/json";
    r->any_origin = true;
}

void reply_text(struct reply *r, int status, const char *text)
{
    r->status = status;
    r->type = "text/plain; charset=utf-8";
    buf_append_text(&r->body, text);
}
