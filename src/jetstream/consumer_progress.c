/* SPDX-License-Identifier: Apache-2.0 */
/* consumer_progress.c - the steps of a consumer: delivered, acknowledged, given up.
 *
 * Records are lists of these steps, so each must depend on nothing but the state and its
 * arguments. */
#include "base/mem.h"
#include "jetstream/consumer_priv.h"
#include "jetstream/state_record.h"

/* seq's entry goes, or went from those that wait; whether that moves the floor. after: the next
 * one that waits. */
static void move_floor(struct consumer *c, uint64_t seq, uint64_t delivery, uint32_t after)
{
    if (c->pending.count == 0) {
        c->floor_delivery = c->next_delivery - 1;
        c->floor_seq = c->next_seq - 1;
    } else if (delivery == c->floor_delivery + 1) {
        const struct pending_entry *next = after ? &c->pending.entries[after - 1] : NULL;
        c->floor_delivery = delivery;
        c->floor_seq = seq;
        if (next == NULL) return;
        c->floor_delivery = next->delivery - 1;
        c->floor_seq = next->seq - 1;
    }
}

static void end_skipping(struct consumer *c)
{
    mem_free(c->skip->seqs);
    mem_free(c->skip);
    c->skip = NULL;
}

/* next_seq goes behind seq; within the skip list to its next one, at its end to where it says. */
static void advance(struct consumer *c, uint64_t seq)
{
    struct skip_list *skip = c->skip;

    c->next_seq = seq + 1;
    if (skip == NULL) return;
    while (skip->at < skip->count && skip->seqs[skip->at] <= seq) skip->at++;
    if (skip->at < skip->count) return;
    if (c->next_seq <= skip->resume) c->next_seq = skip->resume + 1;
    end_skipping(c);
}

void progress_deliver(struct consumer *c, uint64_t seq, int64_t time_ns)
{
    uint64_t delivery = c->next_delivery++;
    struct pending_entry *e;

    consumer_note(c, 'd', seq);
    advance(c, seq);
    c->steps_next_seq = c->next_seq;
    c->delivered_seq = seq;
    c->delivered_ns = time_ns;
    if (c->config.ack == JS_ACK_NONE) {
        c->floor_delivery = delivery;
        c->floor_seq = seq;
        return;
    }
    e = pending_find(&c->pending, seq);
    if (e == NULL) {
        e = pending_add(&c->pending, seq);
        e->delivery = delivery;
    }
    e->time_ns = time_ns;
}

void progress_redeliver(struct consumer *c, struct pending_entry *e, int64_t time_ns)
{
    consumer_note(c, 'r', e->seq);
    pending_unqueue(&c->pending, e);
    pending_set_count(&c->pending, e, e->redelivered + 1);
    e->time_ns = time_ns;
    c->next_delivery++;
    c->delivered_ns = time_ns;
}

void progress_exhaust(struct consumer *c, struct pending_entry *e)
{
    uint32_t after = e->next;

    consumer_note(c, 'x', e->seq);
    pending_set_count(&c->pending, e, e->redelivered ? e->redelivered : 1);
    pending_exhaust(&c->pending, e);
    move_floor(c, e->seq, e->delivery, after);
}

static void take_out(struct consumer *c, struct pending_entry *e)
{
    uint64_t seq = e->seq, delivery = e->delivery;
    uint32_t after = e->next;
    bool waited = e->waits;

    pending_remove(&c->pending, e);
    if (waited) move_floor(c, seq, delivery, after);
}

static bool ack_all(struct consumer *c, uint64_t seq, uint64_t delivery, struct buf *gone)
{
    struct pending_entry *e;

    if (delivery <= c->floor_delivery || seq <= c->floor_seq) return false;
    consumer_note_number(c, 'A', seq, delivery);
    while ((e = pending_first(&c->pending)) != NULL && e->seq <= seq) {
        if (gone) buf_append(gone, &e->seq, sizeof e->seq);
        pending_remove(&c->pending, e);
    }
    e = pending_find(&c->pending, seq);         /* exhausted, and acknowledged after all */
    if (e) pending_remove(&c->pending, e);
    c->floor_delivery = delivery;
    c->floor_seq = seq;
    c->acked_ns = consumer_step_time(c);
    return true;
}

bool progress_ack(struct consumer *c, uint64_t seq, uint64_t delivery, struct buf *gone)
{
    struct pending_entry *e;

    if (c->config.ack == JS_ACK_NONE) return false;
    if (c->config.ack != JS_ACK_EXPLICIT) return ack_all(c, seq, delivery, gone);
    e = pending_find(&c->pending, seq);
    if (e == NULL) return false;
    consumer_note(c, 'a', seq);
    if (gone) buf_append(gone, &seq, sizeof seq);
    take_out(c, e);
    c->acked_ns = consumer_step_time(c);
    return true;
}

void progress_drop(struct consumer *c, struct pending_entry *e)
{
    consumer_note(c, 'k', e->seq);
    take_out(c, e);
}

void progress_touch(struct consumer *c, struct pending_entry *e, int64_t time_ns)
{
    consumer_note_number(c, 'n', e->seq, (uint64_t)time_ns);
    e->time_ns = time_ns;
}

void progress_skip(struct consumer *c)
{
    uint64_t seq = c->skip->seqs[c->skip->at];

    consumer_note(c, 'z', seq);
    advance(c, seq);
    c->steps_next_seq = c->next_seq;
}
