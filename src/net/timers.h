/* SPDX-License-Identifier: Apache-2.0 */
/* timers.h - what is due when: a binary heap of embedded timers, one heap per loop. */
#ifndef NET_TIMERS_H
#define NET_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timer {                          /* zero-initialise, set fire */
    int64_t due_ns;                     /* monotonic */
    void (*fire)(struct timer *t, void *loop);
    uint32_t place;                     /* position in the heap + 1; 0: not set */
};

struct timers {                         /* zero-initialise */
    struct timer **heap;
    uint32_t count, cap;
};

void timers_fini(struct timers *ts);

/* Let t fire at due_ns, instead of when it was due before, if it was. O(log n). */
void timers_set(struct timers *ts, struct timer *t, int64_t due_ns);
void timers_clear(struct timers *ts, struct timer *t);          /* harmless if not set */

static inline bool timer_is_set(const struct timer *t)
{
    return t->place != 0;
}

/* When the next one is due, or INT64_MAX. */
int64_t timers_next(const struct timers *ts);

/* Take the earliest timer that is due at now_ns, or NULL. The caller fires it. O(log n). */
struct timer *timers_pop(struct timers *ts, int64_t now_ns);

#endif
