/* SPDX-License-Identifier: Apache-2.0 */
/* schedule.c - checks of a schedule's headers, and its end. */
#include "jetstream/schedule.h"

#include "base/duration.h"
#include "core/message.h"
#include "jetstream/stream_priv.h"
#include "proto/header.h"
#include "proto/subject.h"

#define RUN_BUDGET 1024                 /* schedules per run */

/* "@at <RFC 3339>"; the forms that repeat belong to a later API level. */
static bool parse(struct span pattern, int64_t *due_ns)
{
    static const struct span at = SPAN_INIT("@at ");
    struct error why;

    if (!span_has_prefix(pattern, at)) return false;
    return duration_parse_rfc3339(span_from(pattern, at.len), due_ns, &why) == ST_OK;
}

static bool is_in_stream(const struct stream *s, struct span subject)
{
    for (size_t i = 0; i < s->config.subjects.count; i++)
        if (subject_collides(span_of(s->config.subjects.items[i]), subject)) return true;
    return false;
}

static bool is_other_subject(const struct ingest *in, struct span subject)
{
    return subject_is_valid_literal(subject) && !span_equal(subject, in->subject);
}

/* Why the schedule is refused, in nats-server's order. */
static enum js_err judge(struct ingest *in)
{
    const struct stream_config *c = &in->stream->config;
    const struct pub_headers *h = &in->headers;
    int64_t ttl_s;

    if (!c->allow_msg_schedules) return JS_ERR_MESSAGE_SCHEDULES_DISABLED;
    if (h->schedule_time_zone.len) return JS_ERR_MESSAGE_SCHEDULES_PATTERN_INVALID;
    if (!parse(h->schedule, &in->schedule_ns)) return JS_ERR_MESSAGE_SCHEDULES_PATTERN_INVALID;
    if (!pub_headers_ttl(h->schedule_ttl, &ttl_s)) return JS_ERR_MESSAGE_SCHEDULES_TTL_INVALID;
    if (h->schedule_rollup.len && !span_is(h->schedule_rollup, "sub"))
        return JS_ERR_MESSAGE_SCHEDULES_ROLLUP_INVALID;
    if (h->schedule_ttl.len && !c->allow_msg_ttl) return JS_ERR_MESSAGE_TTL_DISABLED;
    if (!is_other_subject(in, h->schedule_target)) return JS_ERR_MESSAGE_SCHEDULES_TARGET_INVALID;
    if (h->schedule_source.len && (!is_other_subject(in, h->schedule_source) ||
                                   span_equal(h->schedule_source, h->schedule_target)))
        return JS_ERR_MESSAGE_SCHEDULES_SOURCE_INVALID;
    if (!is_in_stream(in->stream, h->schedule_target))
        return JS_ERR_MESSAGE_SCHEDULES_TARGET_INVALID;
    if (h->schedule_source.len && !is_in_stream(in->stream, h->schedule_source))
        return JS_ERR_MESSAGE_SCHEDULES_SOURCE_INVALID;
    if (h->rollup.len && pub_headers_rollup(h) != ROLLUP_SUBJECT)
        return JS_ERR_MESSAGE_SCHEDULES_ROLLUP_INVALID;
    return JS_OK;
}

/* Nats-Schedule-Next and Nats-Scheduler: clients may only end a schedule with them. */
static enum js_err judge_end(struct ingest *in)
{
    const struct pub_headers *h = &in->headers;
    struct stream *s = in->stream;
    struct store_record r;
    struct span pattern;
    uint64_t last;

    if (h->schedule_next.len == 0)
        return h->scheduler.len ? JS_ERR_MESSAGE_SCHEDULES_SCHEDULER_INVALID : JS_OK;
    if (!span_is(h->schedule_next, "purge") || !is_other_subject(in, h->scheduler))
        return JS_ERR_MESSAGE_SCHEDULES_SCHEDULER_INVALID;
    if (!s->config.allow_msg_schedules) return JS_ERR_MESSAGE_SCHEDULES_DISABLED;
    last = stream_last_of(s, h->scheduler);
    if (last && stream_read(s, last, &r, NULL) == ST_OK &&
        (r.header.len == 0 || !header_find(r.header, SPAN_LIT("Nats-Schedule"), &pattern)))
        return JS_ERR_MESSAGE_SCHEDULES_SCHEDULER_INVALID;
    return JS_OK;
}

bool schedule_check(struct ingest *in)
{
    enum js_err err = JS_OK;

    if (in->headers.schedule.len) err = judge(in);
    if (err == JS_OK) err = judge_end(in);
    if (err != JS_OK) return ingest_refuse_with(in, err);
    if (in->headers.schedule.len && in->headers.rollup.len == 0) {
        ingest_set_header(in, SPAN_LIT("Nats-Rollup"), SPAN_LIT("sub"));
        in->headers.rollup = SPAN_LIT("sub");
    }
    return true;
}

/* ---- when it is due ---- */

static void arm(struct stream *s)
{
    int64_t left = ttl_next(&s->schedules);

    if (left == INT64_MAX) return;
    left = duration_sum(left, -js_now(s->js));
    if (left < NS_PER_MS) left = NS_PER_MS;
    timers_set(&s->js->home->timers, &s->schedule_timer, duration_sum(loop_now(s->js->home), left));
}

void schedule_note(struct stream *s, uint64_t seq, int64_t due_ns)
{
    ttl_add(&s->schedules, due_ns, seq);
    if (s->recovery == NULL) arm(s);
}

static void put_header(struct buf *out, struct span header, const struct pub_headers *h,
                       struct span scheduler)
{
    static const struct span keys[] = { SPAN_INIT("Nats-Msg-Id"), SPAN_INIT("Nats-TTL"),
                                        SPAN_INIT("Nats-Rollup") };

    out->len = 0;
    if (header.len) {
        buf_append_span(out, header);
        out->len = header_remove_prefix(out->p, out->len, SPAN_LIT("Nats-Schedule"));
        if (out->len)
            out->len = header_remove_prefix(out->p, out->len, SPAN_LIT("Nats-Expected-"));
        for (size_t i = 0; i < COUNT_OF(keys) && out->len; i++)
            out->len = header_remove(out->p, out->len, keys[i]);
    }
    if (out->len >= 2) out->len -= 2;
    else buf_append_text(out, "NATS/1.0\r\n");
    buf_printf(out, "Nats-Scheduler: %.*s\r\nNats-Schedule-Next: purge\r\n", SPAN_ARG(scheduler));
    if (h->schedule_ttl.len) buf_printf(out, "Nats-TTL: %.*s\r\n", SPAN_ARG(h->schedule_ttl));
    if (h->schedule_rollup.len)
        buf_printf(out, "Nats-Rollup: %.*s\r\n", SPAN_ARG(h->schedule_rollup));
    buf_append_text(out, "\r\n");
}

/* Publish what the schedule r says, through the stream's own inbox. AGAIN: its source has to be
 * read first. */
static enum status fire(struct stream *s, const struct store_record *r)
{
    struct store_record content = *r;
    struct pub_headers h;
    struct buf bytes = { 0 };
    struct message m = { .account = s->account->account };
    uint64_t last;

    if (r->header.len == 0) return ST_OK;
    pub_headers_scan(r->header, &h);
    if (h.schedule.len == 0) return ST_OK;
    last = h.schedule_source.len ? stream_last_of(s, h.schedule_source) : 0;
    if (last && stream_read(s, last, &content, &s->schedule_wait) == ST_AGAIN) return ST_AGAIN;
    put_header(&bytes, content.header, &h, r->subject);
    m.subject = h.schedule_target;
    m.header_len = bytes.len;
    buf_append_span(&bytes, content.body);
    m.body = bytes.p;
    m.total = bytes.len;
    inbox_put(&s->target, &m);
    s->js->home->turn_left = true;
    buf_free(&bytes);
    return ST_OK;
}

void schedule_run(struct stream *s)
{
    int64_t now = js_now(s->js);
    struct store_record r;

    for (unsigned n = 0; n < RUN_BUDGET && ttl_next(&s->schedules) <= now; n++) {
        enum status st = stream_read(s, ttl_first(&s->schedules).seq, &r, &s->schedule_wait);
        if (st == ST_OK) st = fire(s, &r);
        if (st == ST_AGAIN) return;     /* goes on when it is read */
        ttl_drop_first(&s->schedules);
    }
    arm(s);
}

void schedule_on_timer(struct timer *t, void *loop)
{
    (void)loop;
    schedule_run(CONTAINER_OF(t, struct stream, schedule_timer));
}

void schedule_on_read(struct store_wait *w)
{
    struct stream *s = CONTAINER_OF(w, struct stream, schedule_wait);

    if (!s->closed) schedule_run(s);
}
