/* SPDX-License-Identifier: Apache-2.0 */
/* closed.c - a ring that grows up to its maximum.
 *
 * What a client subscribed to is kept as long as there is room: a client that subscribes to much,
 * leaves and comes again must not fill the memory with its past. */
#include "core/closed.h"

#include "base/mem.h"

#define CLIENT_SUBS_MAX 1000            /* of a client with more, only their number is kept */
#define SUBS_BYTES_MAX (16 * 1024 * 1024)

struct closed_ring {
    struct sync_mutex mutex;
    struct client_stats *entries;
    size_t count, cap, max, next;       /* next: where the newest goes once it is full */
    uint64_t total;
    size_t subs_bytes;                  /* of all entries */
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

/* Too much is kept of subscriptions: forget those of the oldest entries, half of all. */
static void strip(struct closed_ring *r)
{
    for (size_t i = 0; i < r->count && r->subs_bytes > SUBS_BYTES_MAX / 2; i++) {
        struct client_stats *s = &r->entries[(r->next + i) % r->count];
        r->subs_bytes -= s->subs_bytes;
        client_stats_drop_subs(s);
    }
}

void closed_ring_add(struct closed_ring *r, struct client *c, enum close_reason reason)
{
    struct client_stats s = { 0 }, old = { 0 };

    client_stats_fill(&s, c, c->subs.count > CLIENT_SUBS_MAX ? CLIENT_STATS_BASIC
                                                             : CLIENT_STATS_SUBS);
    client_stats_close(&s, close_reason_text(reason));
    sync_mutex_lock(&r->mutex);
    r->total++;
    r->subs_bytes += s.subs_bytes;
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
    r->subs_bytes -= old.subs_bytes;
    if (r->subs_bytes > SUBS_BYTES_MAX) strip(r);
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
