/* SPDX-License-Identifier: Apache-2.0 */
/* consumer_snapshot.c - a consumer's progress in nats-server's terms, out and in. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "jetstream/consumer_priv.h"
#include "proto/go_consumer.h"

/* ---- out ---- */

/* Up to where the stream was gone through; delivered_seq is behind that when what followed did not
 * match the filter, or when the consumer began in the middle. */
static uint64_t seen_up_to(const struct consumer *c)
{
    if (c->skip && c->skip->at < c->skip->count) return c->skip->seqs[c->skip->at] - 1;
    return c->next_seq > c->delivered_seq ? c->next_seq - 1 : c->delivered_seq;
}

static bool is_in_range(const struct go_consumer_state *s, uint64_t seq)
{
    return seq > s->ack_floor_stream && seq <= s->delivered_stream;
}

void consumer_export(struct consumer *c, struct go_consumer_state *out)
{
    *out = (struct go_consumer_state){
        .ack_floor_consumer = c->floor_delivery, .ack_floor_stream = c->floor_seq,
        .delivered_consumer = c->next_delivery - 1, .delivered_stream = seen_up_to(c),
    };
    if (c->pending.total == 0) return;
    out->pending = mem_zero(c->pending.total * sizeof *out->pending);
    out->redelivered = mem_zero(c->pending.total * sizeof *out->redelivered);
    for (const struct pending_entry *e = pending_first(&c->pending); e;
         e = pending_next(&c->pending, e))
        if (is_in_range(out, e->seq))
            out->pending[out->pending_count++] =
                (struct go_pending){ e->seq, e->delivery, e->time_ns };
    for (uint32_t i = 0; i < c->pending.used; i++) {
        const struct pending_entry *e = pending_at(&c->pending, i);
        if (e && e->redelivered)
            out->redelivered[out->redelivered_count++] =
                (struct go_redelivered){ e->seq, e->redelivered };
    }
}

/* ---- in ---- */

struct consumer *consumer_restore(struct stream *s, struct consumer_config *config,
                                  int64_t created_ns)
{
    struct consumer *c = consumer_alloc(s, config);

    c->created_ns = created_ns;
    c->next_seq = c->next_delivery = 1;
    c->logs = !s->log->in_memory && !c->config.mem_storage;
    map_set(&s->consumers, consumer_name(c), c);
    return c;
}

static int by_seq(const void *a, const void *b)
{
    const struct go_pending *x = a, *y = b;

    return x->stream_seq < y->stream_seq ? -1 : x->stream_seq > y->stream_seq;
}

/* Ascending: pending_add likes that. */
static enum status add_pending(struct consumer *c, const struct go_consumer_state *s,
                               struct error *why)
{
    struct go_pending *sorted;
    enum status st = ST_OK;

    if (s->pending_count == 0) return ST_OK;
    sorted = mem_alloc(s->pending_count * sizeof *sorted);
    memcpy(sorted, s->pending, s->pending_count * sizeof *sorted);
    qsort(sorted, s->pending_count, sizeof *sorted, by_seq);
    for (size_t i = 0; i < s->pending_count && st == ST_OK; i++) {
        const struct go_pending *p = &sorted[i];
        struct pending_entry *e = pending_find(&c->pending, p->stream_seq);
        if (!is_in_range(s, p->stream_seq)) {
            st = error_set(why, ST_BAD_INPUT,
                           "bad pending entry, sequence [%" PRIu64 "] out of range",
                           p->stream_seq);
            break;
        }
        if (e == NULL) e = pending_add(&c->pending, p->stream_seq);
        e->delivery = p->consumer_seq;
        e->time_ns = p->timestamp_ns;
    }
    mem_free(sorted);
    return st;
}

/* What was redelivered but is not pending was delivered as often as is allowed. */
static void add_redelivered(struct consumer *c, const struct go_consumer_state *s)
{
    for (size_t i = 0; i < s->redelivered_count; i++) {
        const struct go_redelivered *one = &s->redelivered[i];
        uint32_t count = one->count < UINT32_MAX ? (uint32_t)one->count : UINT32_MAX;
        struct pending_entry *e = pending_find(&c->pending, one->stream_seq);
        if (count == 0 || !is_in_range(s, one->stream_seq)) continue;
        if (e) {
            pending_set_count(&c->pending, e, count);
            continue;
        }
        e = pending_add(&c->pending, one->stream_seq);
        pending_set_count(&c->pending, e, count);
        pending_exhaust(&c->pending, e);
    }
}

enum status consumer_restore_state(struct consumer *c, const struct go_consumer_state *s,
                                   struct error *why)
{
    if (s->delivered_consumer >= INT64_MAX || s->delivered_stream >= INT64_MAX)
        return error_set(why, ST_BAD_INPUT, "a sequence is too large");
    if (s->ack_floor_consumer > s->delivered_consumer)
        return error_set(why, ST_BAD_INPUT, "bad ack floor for consumer");
    if (s->ack_floor_stream > s->delivered_stream)
        return error_set(why, ST_BAD_INPUT, "bad ack floor for stream");
    consumer_progress_free(c);
    c->next_seq = s->delivered_stream + 1;
    c->next_delivery = s->delivered_consumer + 1;
    c->delivered_seq = s->delivered_stream;
    c->floor_seq = s->ack_floor_stream;
    c->floor_delivery = s->ack_floor_consumer;
    if (add_pending(c, s, why) != ST_OK) return ST_BAD_INPUT;
    add_redelivered(c, s);
    return ST_OK;
}
