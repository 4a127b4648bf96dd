/* SPDX-License-Identifier: Apache-2.0 */
/* stream_store.c - messages of a stream: in, out, read, removed, limited. */
#include "base/assert.h"
#include "base/duration.h"
#include "base/mem.h"
#include "jetstream/consumer.h"
#include "jetstream/dedup.h"
#include "jetstream/schedule.h"
#include "jetstream/source.h"
#include "jetstream/stream_priv.h"
#include "proto/subject.h"

uint32_t stream_message_size(const struct stream *s, size_t subject, size_t header, size_t body)
{
    size_t size = subject + header + body;

    if (s->config.storage == JS_STORAGE_MEMORY) return (uint32_t)(size + 16);
    return (uint32_t)(size + 22 + 8 + (header ? 4 : 0));
}

static void remember_id(struct stream *s, struct span id, uint64_t seq, int64_t time_ns)
{
    if (id.len == 0) {
        mem_free(s->last_msg_id);
        s->last_msg_id = NULL;
        return;
    }
    mem_free(s->last_msg_id);
    s->last_msg_id = mem_dup_span(id);
    if (s->dedup) dedup_add(s->dedup, id, seq, time_ns);
}

enum status stream_store(struct stream *s, const struct stream_message *m, uint64_t *seq)
{
    struct buf *extra = &s->js->scratch;
    struct store_record r = {
        .kind = STORE_MESSAGE, .subject = m->subject, .header = m->header, .body = m->body,
        .time_ns = m->time_ns ? m->time_ns : js_now(s->js),
        .seq = m->seq ? m->seq : msgs_state(s->msgs).last_seq + 1,
        .size = stream_message_size(s, m->subject.len, m->header.len, m->body.len),
    };
    struct msg_entry e = { .size = r.size };
    struct stream_extra x = { .msg_id = m->msg_id, .ttl_s = m->ttl_s,
                              .schedule_ns = m->schedule_ns };
    struct source_position *origin = NULL;
    enum status st;

    if (r.time_ns < s->last_ns && !m->no_limits) r.time_ns = s->last_ns;
    if (m->header.len && (s->config.mirror || s->config.source_count))
        origin = sources_of_header(s, m->header, &x.source_seq);
    if (origin) x.source = origin->id;
    extra->len = 0;
    r.flags = stream_put_extra(extra, &x);
    r.extra = buf_span(extra);
    st = s->log->ops->propose(s->log, &r, &e.loc, &s->position);
    if (st != ST_OK) return st;
    if (origin) source_position_move(origin, x.source_seq);
    e.subject = msgs_intern(s->msgs, m->subject);
    msgs_add(s->msgs, r.seq, &e);
    s->last_ns = r.time_ns;
    if (m->msg_id.len || s->last_msg_id) remember_id(s, m->msg_id, r.seq, r.time_ns);
    stream_usage(s, e.size);
    s->stored = true;
    stream_mark_dirty(s);
    if (!m->no_limits) {
        const struct stream_config *c = &s->config;
        if (c->max_msgs_per_subject > 0 || c->max_msgs > 0 || c->max_bytes > 0)
            stream_enforce_limits_of(s, e.subject);
    }
    if (m->schedule_ns) schedule_note(s, r.seq, m->schedule_ns);
    if (m->ttl_s > 0) {
        stream_note_ttl(s, r.seq, r.time_ns, m->ttl_s);
        stream_expect_expiry(s, ttl_next(&s->ttl));
    } else if (s->config.max_age > 0 && !timer_is_set(&s->expiry) && !s->expiry_wait.queued) {
        stream_expect_expiry(s, duration_sum(r.time_ns, s->config.max_age));
    }
    *seq = r.seq;
    return ST_OK;
}

void stream_skip_to(struct stream *s, uint64_t last)
{
    uint64_t before = msgs_state(s->msgs).last_seq;

    if (last <= before) return;
    msgs_set_last(s->msgs, last);
    stream_note_removed(s, before + 1, last);
    s->stored = true;
    stream_mark_dirty(s);
}

enum status stream_read(struct stream *s, uint64_t seq, struct store_record *out,
                        struct store_wait *wait)
{
    const struct msg_entry *e = msgs_get(s->msgs, seq);
    enum status st;

    if (e == NULL) return ST_NOT_FOUND;
    st = s->log->ops->read(s->log, e->loc, out, wait);
    if (st == ST_DAMAGED) stream_note_damaged(s, seq);
    return st;
}

enum status stream_first_time(struct stream *s, int64_t *ns, struct store_wait *wait)
{
    struct msgs_state state = msgs_state(s->msgs);
    struct store_record r;
    enum status st;

    *ns = 0;
    if (state.count == 0) return ST_OK;
    if (s->first_seq_known != state.first_seq) {
        st = stream_read(s, state.first_seq, &r, wait);
        if (st != ST_OK) return st;
        s->first_seq_known = state.first_seq;
        s->first_ns = r.time_ns;
    }
    *ns = s->first_ns;
    return ST_OK;
}

enum status stream_seq_from_time(struct stream *s, int64_t ns, uint64_t *seq,
                                 struct store_wait *wait)
{
    struct msgs_state state = msgs_state(s->msgs);
    uint64_t low = state.first_seq, high = state.last_seq + 1;
    struct store_record r;

    *seq = high;
    if (state.count == 0 || ns > s->last_ns) return ST_OK;
    while (low < high) {                /* everything below low is older, nothing from high on is */
        uint64_t middle = msgs_next(s->msgs, low + (high - low) / 2), readable;
        enum status st;
        if (middle == 0 || middle >= high) {
            high = low + (high - low) / 2;
            continue;
        }
        readable = middle;
        while ((st = stream_read(s, readable, &r, wait)) == ST_DAMAGED) {
            readable = msgs_next(s->msgs, readable + 1);
            if (readable == 0 || readable >= high) break;
        }
        if (st == ST_DAMAGED) {         /* none from middle to high tells its time */
            high = middle;
            continue;
        }
        if (st != ST_OK) return st;
        if (r.time_ns < ns) low = readable + 1;
        else high = middle;
    }
    *seq = msgs_next(s->msgs, low);
    if (*seq == 0) *seq = state.last_seq + 1;
    return ST_OK;
}

uint64_t stream_last_of(struct stream *s, struct span filter)
{
    struct msgs_filter *f;
    uint64_t budget = UINT64_MAX, at, seq;
    uint32_t number;

    if (subject_is_literal(filter)) {
        number = msgs_find_subject(s->msgs, filter);
        return number == UINT32_MAX ? 0 : msgs_subject(s->msgs, number).last_seq;
    }
    f = msgs_filter_new(&filter, 1);
    seq = msgs_previous_match(s->msgs, f, msgs_state(s->msgs).last_seq, &budget, &at);
    msgs_filter_free(&f);
    return seq;
}

/* ---- removing ---- */

void stream_note_removed(struct stream *s, uint64_t first, uint64_t last)
{
    uint64_t run[2] = { first, last };

    if (s->removed.len) {
        char *p = s->removed.p + s->removed.len - sizeof run;
        uint64_t before[2];
        memcpy(before, p, sizeof before);
        if (before[1] + 1 == first) {
            before[1] = last;
            memcpy(p, before, sizeof before);
            return;
        }
    }
    buf_append(&s->removed, run, sizeof run);
    stream_mark_dirty(s);
}

static bool take_out(struct stream *s, uint64_t seq, bool tell)
{
    struct msg_entry gone;

    if (!msgs_remove(s->msgs, seq, &gone)) return false;
    s->log->ops->release(s->log, gone.loc, gone.size);
    stream_usage(s, -(int64_t)gone.size);
    stream_note_removed(s, seq, seq);
    for (size_t i = 0; tell && i < s->consumers.count; i++)
        consumer_on_removed(s->consumers.entries[i].value, seq, gone.subject);
    return true;
}

bool stream_remove(struct stream *s, uint64_t seq)
{
    return take_out(s, seq, true);
}

void stream_enforce_limits_of(struct stream *s, uint32_t subject)
{
    const struct stream_config *c = &s->config;

    if (c->max_msgs_per_subject > 0 && subject != UINT32_MAX)
        for (;;) {
            struct msgs_subject of = msgs_subject(s->msgs, subject);
            if (of.count <= (uint64_t)c->max_msgs_per_subject) break;
            stream_remove(s, of.first_seq);
        }
    for (;;) {
        struct msgs_state state = msgs_state(s->msgs);
        bool over = (c->max_msgs > 0 && state.count > (uint64_t)c->max_msgs) ||
                    (c->max_bytes > 0 && state.bytes > (uint64_t)c->max_bytes);
        if (!over || state.count == 0) break;
        stream_remove(s, state.first_seq);
    }
}

struct over_limit {                     /* subjects with too many messages */
    uint64_t max;
    struct buf numbers;                 /* uint32_t */
};

static bool find_over(void *arg, uint32_t number, const struct msgs_subject *of)
{
    struct over_limit *o = arg;

    if (of->count > o->max) buf_append(&o->numbers, &number, sizeof number);
    return true;
}

void stream_enforce_limits(struct stream *s)
{
    struct over_limit o = { .max = (uint64_t)s->config.max_msgs_per_subject };

    if (s->config.max_msgs_per_subject > 0)
        msgs_each_subject(s->msgs, NULL, find_over, &o);
    for (size_t at = 0; at < o.numbers.len; at += sizeof(uint32_t)) {
        uint32_t number;
        memcpy(&number, o.numbers.p + at, sizeof number);
        stream_enforce_limits_of(s, number);
    }
    buf_free(&o.numbers);
    stream_enforce_limits_of(s, UINT32_MAX);
}

/* ---- purging ---- */

/* The sequence from which on p removes nothing: what its keep saves, at most before. */
static uint64_t purge_end(struct stream *s, struct msgs_filter *f, const struct stream_purge *p)
{
    uint64_t end = p->before ? p->before : msgs_state(s->msgs).last_seq + 1;
    uint64_t from = end - 1, budget = UINT64_MAX, at;

    for (uint64_t kept = 0; kept < p->keep; kept++) {
        uint64_t seq = msgs_previous_match(s->msgs, f, from, &budget, &at);
        if (seq == 0) return 0;
        end = seq;
        if (seq == 1) return 1;
        from = seq - 1;
    }
    return end;
}

uint64_t stream_purge(struct stream *s, const struct stream_purge *p)
{
    struct msgs_filter *f = msgs_filter_new(&p->subject, p->subject.len ? 1 : 0);
    uint64_t end = purge_end(s, f, p), seq = 0, budget = UINT64_MAX, at, purged = 0;

    while ((seq = msgs_next_match(s->msgs, f, seq + 1, &budget, &at)) != 0 && seq < end)
        purged += take_out(s, seq, false);
    msgs_filter_free(&f);
    if (p->subject.len == 0 && p->keep == 0 && p->before < UINT64_MAX &&
        p->before > msgs_state(s->msgs).last_seq + 1)
        stream_skip_to(s, p->before - 1);
    if (purged)
        for (size_t i = 0; i < s->consumers.count; i++)
            consumer_on_purged(s->consumers.entries[i].value);
    return purged;
}

/* ---- retention by interest ---- */

/* Whether any consumer still needs seq. */
static bool is_needed(struct stream *s, uint64_t seq, uint32_t subject)
{
    for (size_t i = 0; i < s->consumers.count; i++) {
        struct consumer *c = s->consumers.entries[i].value;
        if (consumer_wants(c, subject) && consumer_needs(c, seq)) return true;
    }
    return sources_need(s, seq, subject);
}

void stream_consumer_done(struct stream *s, uint64_t seq)
{
    const struct msg_entry *e;

    if (s->config.retention == JS_RETENTION_LIMITS) return;
    e = msgs_get(s->msgs, seq);
    if (e == NULL) return;
    if (s->config.retention == JS_RETENTION_WORKQUEUE || !is_needed(s, seq, e->subject))
        stream_remove(s, seq);
}

void stream_check_interest(struct stream *s)
{
    uint64_t seq = 0;

    if (s->config.retention != JS_RETENTION_INTEREST) return;
    while ((seq = msgs_next(s->msgs, seq + 1)) != 0) {
        const struct msg_entry *e = msgs_get(s->msgs, seq);
        if (!is_needed(s, seq, e->subject)) stream_remove(s, seq);
    }
}
