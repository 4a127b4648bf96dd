/* SPDX-License-Identifier: Apache-2.0 */
/* timers.c - sift up, sift down. */
#include "net/timers.h"

#include "base/assert.h"
#include "base/mem.h"

static void put(struct timers *ts, uint32_t i, struct timer *t)
{
    ts->heap[i] = t;
    t->place = i + 1;
}

static void sift_up(struct timers *ts, uint32_t i, struct timer *t)
{
    while (i > 0 && ts->heap[(i - 1) / 2]->due_ns > t->due_ns) {
        put(ts, i, ts->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    put(ts, i, t);
}

static void sift_down(struct timers *ts, uint32_t i, struct timer *t)
{
    for (;;) {
        uint32_t kid = 2 * i + 1;
        if (kid + 1 < ts->count && ts->heap[kid + 1]->due_ns < ts->heap[kid]->due_ns) kid++;
        if (kid >= ts->count || ts->heap[kid]->due_ns >= t->due_ns) break;
        put(ts, i, ts->heap[kid]);
        i = kid;
    }
    put(ts, i, t);
}

/* Place t, which belongs somewhere around i. */
static void settle(struct timers *ts, uint32_t i, struct timer *t)
{
    if (i > 0 && ts->heap[(i - 1) / 2]->due_ns > t->due_ns)
        sift_up(ts, i, t);
    else
        sift_down(ts, i, t);
}

void timers_fini(struct timers *ts)
{
    mem_free(ts->heap);
    *ts = (struct timers){ 0 };
}

void timers_set(struct timers *ts, struct timer *t, int64_t due_ns)
{
    t->due_ns = due_ns;
    if (t->place) {
        settle(ts, t->place - 1, t);
        return;
    }
    if (ts->count == ts->cap) {
        ts->cap = ts->cap ? ts->cap * 2 : 64;
        ts->heap = mem_resize(ts->heap, ts->cap * sizeof *ts->heap);
    }
    sift_up(ts, ts->count++, t);
}

void timers_clear(struct timers *ts, struct timer *t)
{
    uint32_t i = t->place;
    struct timer *last;

    if (i == 0) return;
    assert(ts->heap[i - 1] == t);
    t->place = 0;
    last = ts->heap[--ts->count];
    if (last != t) settle(ts, i - 1, last);
}

int64_t timers_next(const struct timers *ts)
{
    return ts->count ? ts->heap[0]->due_ns : INT64_MAX;
}

struct timer *timers_pop(struct timers *ts, int64_t now_ns)
{
    struct timer *t = ts->count ? ts->heap[0] : NULL;

    if (t == NULL || t->due_ns > now_ns) return NULL;
    timers_clear(ts, t);
    return t;
}
