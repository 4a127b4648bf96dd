/* SPDX-License-Identifier: Apache-2.0 */
/* advisory.c - the common part of all advisories, and those of streams and of the API. */
#include "jetstream/advisory.h"

#include <stdio.h>

#include "base/nuid.h"
#include "jetstream/stream.h"

#define TYPE_PREFIX "io.nats.jetstream."

bool advisory_begin(struct advisory *a, struct js *js, struct account *account, const char *type,
                    const char *subject, ...)
{
    char whole[96];
    va_list ap;
    int length;

    a->js = js;
    a->account = account;
    a->body = (struct buf){ NULL, 0, 0 };
    va_start(ap, subject);
    length = vsnprintf(a->subject, sizeof a->subject, subject, ap);
    va_end(ap);
    if (length < 0 || (size_t)length >= sizeof a->subject) return false;
    if (!js_has_interest(js, account, span_of(a->subject))) return false;
    snprintf(whole, sizeof whole, TYPE_PREFIX "%s", type);
    a->w = jsonw_start(&a->body);
    jsonw_object(&a->w, NULL);
    jsonw_text(&a->w, "type", whole);
    jsonw_text(&a->w, "id", nuid_next(&js->home->rng).text);
    jsonw_time(&a->w, "timestamp", js_now(js));
    return true;
}

void advisory_end(struct advisory *a, uint64_t position)
{
    struct js_message m = { .account = a->account, .subject = span_of(a->subject) };

    jsonw_text_if(&a->w, "domain", a->js->options->domain);
    jsonw_end_object(&a->w);
    m.body = buf_span(&a->body);
    js_send_when(a->js, position, &m);
    buf_free(&a->body);
}

void advisory_stream(struct stream *s, const char *subject, const char *action)
{
    struct advisory a;

    if (!advisory_begin(&a, s->js, s->account->account, "advisory.v1.stream_action",
                        "$JS.EVENT.ADVISORY.STREAM.%s.%s", subject, s->config.name))
        return;
    jsonw_text(&a.w, "stream", s->config.name);
    jsonw_text(&a.w, "action", action);
    advisory_end(&a, s->position);
}

void advisory_api(const struct api_request *r, uint64_t position)
{
    struct advisory a;

    if (!advisory_begin(&a, r->js, r->account->account, "advisory.v1.api_audit",
                        "$JS.EVENT.ADVISORY.API"))
        return;
    jsonw_text(&a.w, "server", r->js->core->identity.name);
    advisory_write_client(&a, r->msg->client);
    jsonw_string(&a.w, "subject", r->subject);
    if (r->msg->body.len) jsonw_string(&a.w, "request", r->msg->body);
    jsonw_string(&a.w, "response", buf_span(&r->answer));
    advisory_end(&a, position);
}
