/* SPDX-License-Identifier: Apache-2.0 */
/* pending.h - what a consumer delivered and what is not acknowledged: by sequence, in order of
 * sequences, and as the queue of those to be delivered again.
 *
 * An entry either waits for its acknowledgement or is exhausted: delivered as often as is allowed,
 * kept until its message goes. Plain memory; nothing is held while there is no entry. */
#ifndef JETSTREAM_PENDING_H
#define JETSTREAM_PENDING_H

#include <stdbool.h>
#include <stdint.h>

struct pending_entry {
    uint64_t seq;                       /* of the stream */
    uint64_t delivery;                  /* the consumer's sequence of its first delivery */
    int64_t time_ns;                    /* of its last delivery, wall clock; its deadline counts
                                           from here */
    uint32_t redelivered;               /* deliveries after the first; see pending_set_count */
    uint32_t next, prev;                /* in order of seq, of those that wait; index + 1 */
    uint32_t queue_next, queue_prev;
    bool waits, queued;
};

struct pending {                        /* zero-initialise */
    struct pending_entry *entries;
    uint32_t *slots;                    /* index + 1, or 0 */
    uint32_t cap, used, slot_count;
    uint32_t unused;                    /* chain of free entries by next */
    uint32_t first, last, queue_first, queue_last;
    uint32_t total;                     /* entries of both kinds */
    uint32_t count;                     /* that wait */
    uint32_t queued;
    uint32_t redelivered;               /* with a count above 0 */
};

void pending_free(struct pending *p);   /* everything; ready for reuse */

/* NULL: not in. Valid until the next pending_add. O(1). */
struct pending_entry *pending_find(const struct pending *p, uint64_t seq);

/* seq must not be in. O(1) when it is above all others, else O(entries above it). */
struct pending_entry *pending_add(struct pending *p, uint64_t seq);
void pending_remove(struct pending *p, struct pending_entry *e);
/* It waits no longer and leaves the queue, but stays known. */
void pending_exhaust(struct pending *p, struct pending_entry *e);
void pending_set_count(struct pending *p, struct pending_entry *e, uint32_t redelivered);

/* Those that wait, in order: NULL at the end. */
struct pending_entry *pending_first(const struct pending *p);
struct pending_entry *pending_next(const struct pending *p, const struct pending_entry *e);

/* To be delivered again, first in, first out. Harmless when it is (not) queued already. */
void pending_queue(struct pending *p, struct pending_entry *e);
void pending_unqueue(struct pending *p, struct pending_entry *e);
struct pending_entry *pending_first_queued(const struct pending *p);

/* Entries of both kinds in no order: i from 0 to used - 1; NULL: that place is free. */
struct pending_entry *pending_at(const struct pending *p, uint32_t i);

#endif
