/* SPDX-License-Identifier: Apache-2.0 */
/* closed.c - a ring that grows up to its maximum. */
#include "core/closed.h"

#include "base/mem.h"

struct closed_ring {
    struct sync_mutex mutex;
    struct client_stats *entries;
    size_t count, cap, max, next;       /* next: where the newest goes once it is full */
    uint64_t total;
};

struct closed_ring *closed_ring_new(size_t max)
{
    struct closed_ring *r = mem_zero(sizeof *r);

    r->max = max;
    return r;
}

void closed_ring_free(struct closed_ring **r)
{
    if (*r == NULL) return;
    for (size_t i = 0; i < (*r)->count; i++) client_stats_fini(&(*r)->entries[i]);
    mem_free((*r)->entries);
    mem_free(*r);
    *r = NULL;
}

void closed_ring_add(struct closed_ring *r, struct client *c, enum close_reason reason)
{
    struct client_stats s = { 0 }, old = { 0 };

    client_stats_fill(&s, c, CLIENT_STATS_SUBS);
    client_stats_close(&s, close_reason_text(reason));
    sync_mutex_lock(&r->mutex);
    r->total++;
    if (r->max == 0) {
        old = s;
    } else if (r->count < r->max) {
        if (r->count == r->cap) {
            r->cap = r->cap ? r->cap * 2 : 16;
            r->entries = mem_resize(r->entries, r->cap * sizeof *r->entries);
        }
        r->entries[r->count++] = s;
    } else {
        old = r->entries[r->next];
        r->entries[r->next] = s;
        r->next = (r->next + 1) % r->max;
    }
    sync_mutex_unlock(&r->mutex);
    client_stats_fini(&old);
}

void closed_ring_each(struct closed_ring *r,
                      void (*fn)(const struct client_stats *s, void *arg), void *arg)
{
    sync_mutex_lock(&r->mutex);
    for (size_t i = 0; i < r->count; i++) fn(&r->entries[(r->next + i) % r->count], arg);
    sync_mutex_unlock(&r->mutex);
}

uint64_t closed_ring_total(struct closed_ring *r)
{
    uint64_t total;

    sync_mutex_lock(&r->mutex);
    total = r->total;
    sync_mutex_unlock(&r->mutex);
    return total;
}
