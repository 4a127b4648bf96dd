/* SPDX-License-Identifier: Apache-2.0 */
/* stream_log.c - what a stream writes to its log besides messages: changes and checkpoints. */
#include "base/assert.h"
#include "jetstream/consumer.h"
#include "jetstream/source_positions.h"
#include "jetstream/state_record.h"
#include "jetstream/stream_priv.h"

#define CHECKPOINT_AFTER (1024 * 1024)  /* bytes of deltas, and twice the last checkpoint */

/* ---- facts of a message that recovery needs without its header ---- */

uint8_t stream_put_extra(struct buf *out, const struct stream_extra *x)
{
    uint8_t flags = 0;

    if (x->source) {
        varint_put(out, x->source);
        varint_put(out, x->source_seq);
        flags |= STREAM_HAS_ORIGIN;
    }
    if (x->msg_id.len || x->ttl_s || x->schedule_ns) {
        varint_put(out, zigzag(x->ttl_s));
        varint_put(out, zigzag(x->schedule_ns));
        buf_append_span(out, x->msg_id);
        flags |= STREAM_HAS_EXTRA;
    }
    return flags;
}

bool stream_get_extra(const struct store_record *r, struct stream_extra *x)
{
    struct span extra = r->extra;
    uint64_t ttl, schedule;

    *x = (struct stream_extra){ .msg_id = SPAN_NONE };
    if ((r->flags & STREAM_HAS_ORIGIN) &&
        (!varint_take(&extra, &x->source) || !varint_take(&extra, &x->source_seq)))
        return false;
    if (!(r->flags & STREAM_HAS_EXTRA)) return true;
    if (!varint_take(&extra, &ttl) || !varint_take(&extra, &schedule)) return false;
    x->ttl_s = unzigzag(ttl);
    x->schedule_ns = unzigzag(schedule);
    x->msg_id = extra;
    return true;
}

/* ---- deltas ---- */

static void checkpoint_if_due(struct stream *s)
{
    if (s->delta_bytes > CHECKPOINT_AFTER && s->delta_bytes > 2 * s->checkpoint_bytes)
        stream_checkpoint(s);
}

static enum status append(struct stream *s, enum store_kind kind, const struct buf *body)
{
    struct store_record r = { .kind = kind, .time_ns = js_now(s->js), .body = buf_span(body) };
    enum status st = s->log->ops->propose(s->log, &r, NULL, &s->position);

    if (st == ST_IO) s->position = STORE_NEVER;     /* it is applied, and nobody may be told */
    if (kind == STORE_CHECKPOINT) {
        s->delta_bytes = 0;
        s->checkpoint_bytes = body->len;
    } else {
        s->delta_bytes += body->len;
    }
    return st;
}

/* A change that is applied already. When the store takes nothing any more it is fenced: what was
 * not durable is lost with all that depends on it, and the engine says so once. */
static void append_change(struct stream *s, const struct buf *body)
{
    if (append(s, STORE_DELTA, body) == ST_OK) checkpoint_if_due(s);
}

void stream_log_removed(struct stream *s)
{
    struct buf body = { 0 };

    if (!s->log->in_memory) {
        state_put_runs(&body, STATE_REMOVED, buf_span(&s->removed));
        state_put_number(&body, STATE_LAST, msgs_state(s->msgs).last_seq);
        source_positions_put(s->positions, false, &body);  /* their messages may be gone now */
    }
    s->removed.len = 0;
    if (body.len) append_change(s, &body);
    buf_free(&body);
}

void stream_log_sources(struct stream *s)
{
    struct buf body = { 0 };

    if (s->log->in_memory) return;
    source_positions_put(s->positions, false, &body);
    if (body.len) append_change(s, &body);
    buf_free(&body);
}

uint64_t stream_log_consumer(struct stream *s, struct span name, struct span state)
{
    struct buf body = { 0 };

    if (s->log->in_memory) return STORE_NO_POSITION;
    state_put_consumer(&body, name, state);
    append_change(s, &body);
    buf_free(&body);
    return s->position;
}

uint64_t stream_log_consumer_end(struct stream *s, struct span name)
{
    struct buf body = { 0 };

    if (s->log->in_memory) return STORE_NO_POSITION;
    state_put(&body, STATE_CONSUMER_END, name);
    append_change(s, &body);
    buf_free(&body);
    return s->position;
}

void stream_log_batch(struct stream *s, uint64_t seq, bool begins)
{
    struct buf body = { 0 };

    if (s->log->in_memory) return;
    state_put_number(&body, begins ? STATE_BATCH : STATE_BATCH_END, seq);
    (void)append(s, STORE_DELTA, &body);        /* no checkpoint between the two */
    buf_free(&body);
}

/* ---- checkpoints ---- */

static void put_config(const struct stream *s, struct buf *out)
{
    struct buf json = { 0 };
    struct jsonw w = jsonw_start(&json);

    stream_config_write(&s->config, &w, NULL);
    state_put(out, STATE_CONFIG, buf_span(&json));
    buf_free(&json);
}

static void put_consumers(const struct stream *s, struct buf *out)
{
    struct buf state = { 0 };

    for (size_t i = 0; i < s->consumers.count; i++) {
        struct consumer *c = s->consumers.entries[i].value;
        state.len = 0;
        consumer_encode(c, &state);     /* empty for those that live in memory */
        if (state.len) state_put_consumer(out, consumer_name(c), buf_span(&state));
    }
    buf_free(&state);
}

static void put_state(struct stream *s, struct buf *out)
{
    struct msgs_state state = msgs_state(s->msgs);
    struct buf holes = { 0 };

    state_put(out, STATE_ACCOUNT, span_of(s->account->account->name));
    put_config(s, out);
    if (s->restoring) state_put_number(out, STATE_RESTORING, 1);
    state_put_number(out, STATE_CREATED, (uint64_t)s->created_ns);
    state_put_number(out, STATE_FIRST, state.first_seq);
    state_put_number(out, STATE_LAST, state.last_seq);
    state_put_number(out, STATE_LAST_TIME, (uint64_t)s->last_ns);
    msgs_encode_holes(s->msgs, &holes);
    state_put(out, STATE_HOLES, buf_span(&holes));
    buf_free(&holes);
    if (s->lost.len) state_put_runs(out, STATE_LOST, buf_span(&s->lost));
    source_positions_put(s->positions, true, out);
    put_consumers(s, out);
}

void stream_checkpoint(struct stream *s)
{
    struct buf body = { 0 };

    if (s->log->in_memory || s->closed) return;
    s->removed.len = 0;                 /* the holes say it */
    put_state(s, &body);
    (void)append(s, STORE_CHECKPOINT, &body);
    buf_free(&body);
}

/* The first record of a stream is a whole checkpoint, a new config too: it is rare. It is written
 * twice, since there may be no older one to fall back to when its bytes go bad. */
enum status stream_log_config(struct stream *s, uint64_t *position)
{
    struct buf body = { 0 };
    enum status st = ST_OK;

    *position = STORE_NO_POSITION;
    if (s->log->in_memory) return ST_OK;
    s->removed.len = 0;
    put_state(s, &body);
    st = append(s, STORE_CHECKPOINT, &body);
    if (st == ST_OK) st = append(s, STORE_CHECKPOINT, &body);
    buf_free(&body);
    *position = s->position;
    return st;
}

/* ---- what the store asks ---- */

static bool is_live(void *owner, uint64_t seq, struct store_loc loc)
{
    struct stream *s = owner;
    const struct msg_entry *e = msgs_get(s->msgs, seq);

    return e && e->loc.segment == loc.segment && e->loc.at == loc.at;
}

static void moved(void *owner, uint64_t seq, struct store_loc from, struct store_loc to)
{
    struct stream *s = owner;

    (void)from;
    msgs_move(s->msgs, seq, to);
}

static void checkpoint(void *owner)
{
    stream_checkpoint(owner);
}

const struct store_group_ops stream_group_ops = { is_live, moved, checkpoint };
