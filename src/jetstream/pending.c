/* SPDX-License-Identifier: Apache-2.0 */
/* pending.c - a pool of entries, a hash table of their sequences, two chains through them. */
#include "jetstream/pending.h"

#include "base/assert.h"
#include "base/mem.h"

#define CAP_MIN 16
#define CAP_KEPT 1024                   /* kept when nothing is left in it */

void pending_free(struct pending *p)
{
    mem_free(p->entries);
    mem_free(p->slots);
    *p = (struct pending){ 0 };
}

/* ---- the table ---- */

static uint32_t home_of(const struct pending *p, uint64_t seq)
{
    return (uint32_t)((seq * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & (p->slot_count - 1);
}

static void put_slot(struct pending *p, uint64_t seq, uint32_t place)
{
    uint32_t i = home_of(p, seq);

    while (p->slots[i]) i = (i + 1) & (p->slot_count - 1);
    p->slots[i] = place;
}

static void clear_slot(struct pending *p, uint64_t seq, uint32_t place)
{
    uint32_t mask = p->slot_count - 1, i = home_of(p, seq), next;

    while (p->slots[i] != place) i = (i + 1) & mask;
    for (next = (i + 1) & mask; p->slots[next]; next = (next + 1) & mask) {
        uint32_t home = home_of(p, p->entries[p->slots[next] - 1].seq);
        if (((next - home) & mask) < ((next - i) & mask)) continue;
        p->slots[i] = p->slots[next];
        i = next;
    }
    p->slots[i] = 0;
}

struct pending_entry *pending_find(const struct pending *p, uint64_t seq)
{
    if (p->total == 0) return NULL;
    for (uint32_t i = home_of(p, seq); p->slots[i]; i = (i + 1) & (p->slot_count - 1)) {
        struct pending_entry *e = &p->entries[p->slots[i] - 1];
        if (e->seq == seq) return e;
    }
    return NULL;
}

static void grow(struct pending *p)
{
    p->cap = p->cap ? p->cap * 2 : CAP_MIN;
    p->slot_count = p->cap * 2;
    p->entries = mem_resize(p->entries, p->cap * sizeof *p->entries);
    mem_free(p->slots);
    p->slots = mem_zero(p->slot_count * sizeof *p->slots);
    for (uint32_t i = 0; i < p->used; i++) put_slot(p, p->entries[i].seq, i + 1);
}

/* ---- the chains ---- */

static struct pending_entry *at(const struct pending *p, uint32_t place)
{
    return place ? &p->entries[place - 1] : NULL;
}

static uint32_t place_of(const struct pending *p, const struct pending_entry *e)
{
    return (uint32_t)(e - p->entries) + 1;
}

static void link_in_order(struct pending *p, struct pending_entry *e)
{
    uint32_t place = place_of(p, e), before = p->last;

    while (before && at(p, before)->seq > e->seq) before = at(p, before)->prev;
    e->prev = before;
    e->next = before ? at(p, before)->next : p->first;
    if (before) at(p, before)->next = place;
    else p->first = place;
    if (e->next) at(p, e->next)->prev = place;
    else p->last = place;
    e->waits = true;
    p->count++;
}

static void unlink_from_order(struct pending *p, struct pending_entry *e)
{
    if (!e->waits) return;
    if (e->prev) at(p, e->prev)->next = e->next;
    else p->first = e->next;
    if (e->next) at(p, e->next)->prev = e->prev;
    else p->last = e->prev;
    e->waits = false;
    p->count--;
}

void pending_queue(struct pending *p, struct pending_entry *e)
{
    uint32_t place = place_of(p, e);

    if (e->queued) return;
    e->queue_next = 0;
    e->queue_prev = p->queue_last;
    if (p->queue_last) at(p, p->queue_last)->queue_next = place;
    else p->queue_first = place;
    p->queue_last = place;
    e->queued = true;
    p->queued++;
}

void pending_unqueue(struct pending *p, struct pending_entry *e)
{
    if (!e->queued) return;
    if (e->queue_prev) at(p, e->queue_prev)->queue_next = e->queue_next;
    else p->queue_first = e->queue_next;
    if (e->queue_next) at(p, e->queue_next)->queue_prev = e->queue_prev;
    else p->queue_last = e->queue_prev;
    e->queued = false;
    p->queued--;
}

/* ---- entries ---- */

struct pending_entry *pending_add(struct pending *p, uint64_t seq)
{
    struct pending_entry *e;

    assert(pending_find(p, seq) == NULL);
    if (p->unused == 0 && p->used == p->cap) grow(p);
    if (p->unused) {
        e = at(p, p->unused);
        p->unused = e->next;
    } else {
        e = &p->entries[p->used++];
    }
    *e = (struct pending_entry){ .seq = seq };
    put_slot(p, seq, place_of(p, e));
    link_in_order(p, e);
    p->total++;
    return e;
}

void pending_remove(struct pending *p, struct pending_entry *e)
{
    uint32_t place = place_of(p, e);

    pending_set_count(p, e, 0);
    pending_unqueue(p, e);
    unlink_from_order(p, e);
    clear_slot(p, e->seq, place);
    *e = (struct pending_entry){ .next = p->unused };
    p->unused = place;
    if (--p->total > 0) return;
    if (p->cap > CAP_KEPT) {
        pending_free(p);
        return;
    }
    p->used = p->unused = 0;
}

void pending_exhaust(struct pending *p, struct pending_entry *e)
{
    pending_unqueue(p, e);
    unlink_from_order(p, e);
}

void pending_set_count(struct pending *p, struct pending_entry *e, uint32_t redelivered)
{
    if (e->redelivered == 0 && redelivered > 0) p->redelivered++;
    if (e->redelivered > 0 && redelivered == 0) p->redelivered--;
    e->redelivered = redelivered;
}

struct pending_entry *pending_first(const struct pending *p)
{
    return at(p, p->first);
}

struct pending_entry *pending_next(const struct pending *p, const struct pending_entry *e)
{
    return at(p, e->next);
}

struct pending_entry *pending_first_queued(const struct pending *p)
{
    return at(p, p->queue_first);
}

struct pending_entry *pending_at(const struct pending *p, uint32_t i)
{
    return p->entries[i].seq ? &p->entries[i] : NULL;
}
