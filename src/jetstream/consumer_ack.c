/* SPDX-License-Identifier: Apache-2.0 */
/* consumer_ack.c - acknowledgements: which message, of which consumer, what with it. */
#include <jansson.h>

#include "base/duration.h"
#include "base/log.h"
#include "base/mem.h"
#include "jetstream/consumer_priv.h"
#include "jetstream/json_in.h"
#include "proto/subject.h"

#define TOKENS_V1 9
#define TOKENS_V2 11                    /* or more */

/* ---- the subject ---- */

static bool number(struct span token, uint64_t *n)
{
    return span_to_u64(token, n) && *n <= INT64_MAX;
}

bool ack_subject_parse(struct span subject, struct ack_subject *out)
{
    struct span tokens[TOKENS_V2], token;
    struct subject_cursor cursor = subject_cursor(subject);
    size_t count = 0, at = 2;
    uint64_t ns, pending;

    while (subject_next(&cursor, &token)) {
        if (count < TOKENS_V2) tokens[count] = token;
        count++;
    }
    if ((count != TOKENS_V1 && count < TOKENS_V2) || !span_is(tokens[0], "$JS") ||
        !span_is(tokens[1], "ACK"))
        return false;
    if (count >= TOKENS_V2) at = 4;
    out->stream = tokens[at];
    out->consumer = tokens[at + 1];
    if (!number(tokens[at + 2], &out->deliveries) || !number(tokens[at + 3], &out->seq) ||
        !number(tokens[at + 4], &out->delivery) || !number(tokens[at + 5], &ns) ||
        !number(tokens[at + 6], &pending))
        return false;
    out->time_ns = (int64_t)ns;
    return true;
}

/* ---- what is done ---- */

bool consumer_acknowledge(struct consumer *c, uint64_t seq, uint64_t delivery)
{
    bool was_full = c->config.max_ack_pending > 0 &&
                    c->pending.count >= (uint64_t)c->config.max_ack_pending;
    bool keeps = c->stream->config.retention == JS_RETENTION_LIMITS;
    struct buf gone = { 0 };
    bool done = progress_ack(c, seq, delivery, keeps ? NULL : &gone);

    for (size_t at = 0; at < gone.len; at += sizeof seq) {
        memcpy(&seq, gone.p + at, sizeof seq);
        stream_consumer_done(c->stream, seq);
    }
    buf_free(&gone);
    if (done && was_full) consumer_make_ready(c);
    return done;
}

/* False: it was not delivered yet; that gets no answer. */
static bool acknowledge(struct consumer *c, const struct ack_subject *a, bool sample)
{
    if (a->seq >= c->next_seq) {
        if (a->seq > msgs_state(c->stream->msgs).last_seq)
            log_warn("JetStream consumer '%s > %s > %.*s' ACK sequence %llu past last stream "
                     "sequence of %llu",
                     c->stream->account->account->name, c->stream->config.name,
                     SPAN_ARG(consumer_name(c)), (unsigned long long)a->seq,
                     (unsigned long long)msgs_state(c->stream->msgs).last_seq);
        return false;
    }
    if (sample && c->config.ack == JS_ACK_EXPLICIT) advise_acknowledged(c, a);
    (void)consumer_acknowledge(c, a->seq, a->delivery);
    return true;
}

static bool delay_of_object(struct span text, int64_t *ns)
{
    static const struct json_in_field fields[] = {
        { "delay", JSON_IN_INT64, 0, "time.Duration", NULL, NULL, 0 },
    };
    static const struct json_in_type type = { "server.ConsumerNakOptions", fields, 1 };
    struct error why;
    struct json_in in;
    json_t *tree = json_in_parse(text, &why);
    bool good;

    if (tree == NULL) return false;
    json_in_init(&in, false, "");
    json_in_object(&in, tree, &type, ns);
    good = json_in_error(&in) == NULL;
    json_in_fini(&in);
    json_decref(tree);
    return good;
}

/* False: a bad delay, which counts as none. */
static bool read_delay(struct consumer *c, struct span text, int64_t *ns)
{
    *ns = 0;
    if (text.p[0] == '{' ? delay_of_object(text, ns) : duration_parse(text, ns) == ST_OK)
        return true;
    log_warn("JetStream consumer '%s > %s > %.*s' bad NAK delay value: \"%.*s\"",
             c->stream->account->account->name, c->stream->config.name,
             SPAN_ARG(consumer_name(c)), (int)(text.len < 100 ? text.len : 100), text.p);
    return false;
}

static void refuse(struct consumer *c, const struct ack_subject *a, struct span rest)
{
    struct pending_entry *e = pending_find(&c->pending, a->seq);
    int64_t delay, now = js_now(consumer_js(c)), wait;

    if (a->delivery <= c->floor_delivery || a->delivery > c->next_delivery) return;
    if (e == NULL || !e->waits) return;
    advise_nak(c, a);
    rest = span_trim(rest);
    if (rest.len && read_delay(c, rest, &delay)) {
        pending_unqueue(&c->pending, e);
        wait = c->config.backoff_count ? consumer_ack_wait(c, e->redelivered)
                                       : c->config.ack_wait;
        if (delay < 0) delay = 0;
        progress_touch(c, e, duration_sum(now - wait, delay));
        delay = duration_sum(delay, consumer_js(c)->home->now_ns);
        if (delay < c->due[DUE_REDELIVERY]) consumer_set_due(c, DUE_REDELIVERY, delay);
        return;
    }
    pending_queue(&c->pending, e);
    consumer_make_ready(c);
}

static void renew(struct consumer *c, uint64_t seq)
{
    struct pending_entry *e = pending_find(&c->pending, seq);

    if (e && e->waits) progress_touch(c, e, js_now(consumer_js(c)));
}

static void answer(struct consumer *c, const struct inbox_msg *m)
{
    uint16_t length = (uint16_t)m->reply.len;

    if (m->reply.len == 0) return;
    buf_append(&c->replies, &m->account, sizeof m->account);
    buf_append(&c->replies, &length, sizeof length);
    buf_append_span(&c->replies, m->reply);
    consumer_make_ready(c);
}

static void handle(struct consumer *c, const struct ack_subject *a, const struct inbox_msg *m)
{
    struct span body = m->body;
    bool answers = true;

    if (body.len == 0 || span_is(body, "+ACK") || span_is(body, "+OK")) {
        answers = acknowledge(c, a, true);
    } else if (span_has_prefix(body, SPAN_LIT("+NXT"))) {
        (void)acknowledge(c, a, true);
        pull_handle(c, m->account, m->reply, span_from(body, 4));
        return;
    } else if (span_has_prefix(body, SPAN_LIT("-NAK"))) {
        refuse(c, a, span_from(body, 4));
    } else if (span_is(body, "+WPI")) {
        renew(c, a->seq);
    } else if (span_has_prefix(body, SPAN_LIT("+TERM"))) {
        answers = acknowledge(c, a, false);
        advise_terminated(c, a, span_trim(span_from(body, 5)));
    }
    if (answers) answer(c, m);
}

bool consumer_handle_ack(struct inbox_target *t, const struct inbox_msg *m)
{
    struct ack_subject a;
    struct consumer *c;
    struct stream *s;

    if (!ack_subject_parse(m->subject, &a)) {
        js_no_responders(((struct js_account *)t->owner)->js, m);
        return true;
    }
    if (a.seq == 0) return true;
    s = js_stream_find(t->owner, a.stream);
    c = s ? map_get(&s->consumers, a.consumer) : NULL;
    if (c == NULL || c->config.ack == JS_ACK_NONE || c->config.ack == JS_ACK_FLOW_CONTROL) {
        js_no_responders(((struct js_account *)t->owner)->js, m);
        return true;
    }
    handle(c, &a, m);
    return true;
}
