/* SPDX-License-Identifier: Apache-2.0 */
/* stream_expiry.c - messages that are due go: by the stream's max_age and by their own TTL.
 *
 * One timer runs for whichever comes first. The age of a message stands in its record, which may
 * have to be read from disk: then the expiry goes on when it is there. A subject whose last
 * message expires gets a delete marker where the stream wants them (ADR-43). */
#include "base/duration.h"
#include "jetstream/pub_headers.h"
#include "jetstream/stream_priv.h"

#define EXPIRE_BUDGET 4096              /* messages per run */
#define NOT_SOONER_NS (10 * NS_PER_MS)  /* a timer for less than this would only be run often */

enum progress { EXPIRED, NOT_DUE, WAITING };

static struct timers *timers_of(struct stream *s)
{
    return &s->js->home->timers;
}

/* Put a marker in place of the subject's last message r. */
static bool leave_marker(struct stream *s, const struct store_record *r)
{
    int64_t ttl_s = s->config.subject_delete_marker_ttl / NS_PER_S;
    struct stream_message m = { .subject = r->subject, .ttl_s = ttl_s };
    struct buf header = { 0 };
    uint64_t seq;
    enum status st;

    buf_append_text(&header, "NATS/1.0\r\nNats-Marker-Reason: MaxAge\r\nNats-TTL: ");
    duration_append(&header, ttl_s * NS_PER_S);
    buf_append_text(&header, "\r\nNats-Rollup: sub\r\n\r\n");
    m.header = buf_span(&header);
    st = stream_store(s, &m, &seq);
    buf_free(&header);
    return st == ST_OK;
}

static bool is_marker(const struct store_record *r)
{
    struct pub_headers h;

    if (r->header.len == 0) return false;
    pub_headers_scan(r->header, &h);
    return h.marker_reason.len > 0 || span_is(h.kv_operation, "PURGE");
}

/* r is due. False: its marker can't be stored now; it stays. */
static bool expire_one(struct stream *s, const struct store_record *r)
{
    uint64_t seq = r->seq;
    const struct msg_entry *e = msgs_get(s->msgs, seq);

    if (s->config.subject_delete_marker_ttl > 0 &&
        msgs_subject(s->msgs, e->subject).count == 1 && !is_marker(r) && !leave_marker(s, r))
        return false;
    stream_remove(s, seq);
    return true;
}

/* ---- by age ---- */

static bool never_expires(const struct store_record *r)
{
    struct stream_extra x;

    return stream_get_extra(r, &x) && x.ttl_s < 0;
}

/* The oldest message that may expire by age; *due_ns when it is not due yet. */
static enum progress expire_oldest(struct stream *s, int64_t now, int64_t *due_ns)
{
    struct store_record r;
    uint64_t seq = msgs_next(s->msgs, s->expiry_from);

    *due_ns = INT64_MAX;
    if (seq == 0 || s->config.max_age <= 0) return NOT_DUE;
    switch (stream_read(s, seq, &r, &s->expiry_wait)) {
    case ST_OK:
        break;
    case ST_AGAIN:
        return WAITING;
    default:                            /* damaged: its age is unknown, so it stays */
        s->expiry_from = seq + 1;
        return EXPIRED;
    }
    *due_ns = duration_sum(r.time_ns, s->config.max_age);
    if (*due_ns > now) return NOT_DUE;
    s->expiry_from = seq + 1;
    if (!never_expires(&r) && !expire_one(s, &r)) {
        s->expiry_from = seq;
        *due_ns = now + NS_PER_S;
        return NOT_DUE;
    }
    return EXPIRED;
}

/* ---- by TTL ---- */

static enum progress expire_ttl(struct stream *s, int64_t now)
{
    struct ttl_entry first;
    struct store_record r;

    if (ttl_next(&s->ttl) > now) return NOT_DUE;
    first = ttl_first(&s->ttl);
    switch (stream_read(s, first.seq, &r, &s->expiry_wait)) {
    case ST_AGAIN:
        return WAITING;
    case ST_OK:
        if (!expire_one(s, &r)) return NOT_DUE;
        break;
    case ST_NOT_FOUND:
        break;
    default:
        stream_remove(s, first.seq);    /* damaged, but its time is known */
        break;
    }
    ttl_drop_first(&s->ttl);
    return EXPIRED;
}

/* ---- both ---- */

static void expire(struct stream *s)
{
    int64_t now = js_now(s->js), due = INT64_MAX, left;
    enum progress age = EXPIRED, ttl = EXPIRED;
    unsigned budget = EXPIRE_BUDGET;

    while (budget-- > 0 && age == EXPIRED) age = expire_oldest(s, now, &due);
    if (age == WAITING) return;
    while (budget-- > 0 && ttl == EXPIRED) ttl = expire_ttl(s, now);
    if (ttl == WAITING) return;
    if (ttl_next(&s->ttl) < due) due = ttl_next(&s->ttl);
    if (age == EXPIRED || ttl == EXPIRED) due = now;
    timers_clear(timers_of(s), &s->expiry);
    if (due == INT64_MAX) return;
    left = due - now;
    if (left < NOT_SOONER_NS && age != EXPIRED && ttl != EXPIRED) left = NOT_SOONER_NS;
    timers_set(timers_of(s), &s->expiry, loop_now(s->js->home) + left);
}

void stream_arm_expiry(struct stream *s)
{
    s->expiry_from = 0;
    if (!s->closed && !s->config.sealed) expire(s);
}

void stream_note_ttl(struct stream *s, uint64_t seq, int64_t time_ns, int64_t ttl_s)
{
    if (ttl_s <= 0) return;
    if (ttl_s > (INT64_MAX - time_ns) / NS_PER_S) return;       /* beyond all time */
    ttl_add(&s->ttl, time_ns + ttl_s * NS_PER_S, seq);
}

void stream_expect_expiry(struct stream *s, int64_t due_ns)
{
    int64_t due = duration_sum(loop_now(s->js->home), duration_sum(due_ns, -js_now(s->js)));

    if (!timer_is_set(&s->expiry) || s->expiry.due_ns > due)
        timers_set(timers_of(s), &s->expiry, due);
}

void stream_on_expiry(struct timer *t, void *loop)
{
    (void)loop;
    expire(CONTAINER_OF(t, struct stream, expiry));
}

void stream_on_expiry_read(struct store_wait *w)
{
    struct stream *s = CONTAINER_OF(w, struct stream, expiry_wait);

    if (!s->closed) expire(s);
}
