/* SPDX-License-Identifier: Apache-2.0 */
/* closed.h - the last connections that ended, and why: /connz?state=closed.
 *
 * A bounded ring of snapshots under a lock; written by every loop, read by monitoring. Entries of
 * clients with many subscriptions, and old ones when there are many, have no subs, just
 * sub_count. */
#ifndef CORE_CLOSED_H
#define CORE_CLOSED_H

#include "core/client.h"
#include "core/client_stats.h"

struct closed_ring;

struct closed_ring *closed_ring_new(size_t max);        /* max: entries kept */
void closed_ring_free(struct closed_ring **r);

/* Keep a snapshot of c, which is about to be closed. On c's loop. */
void closed_ring_add(struct closed_ring *r, struct client *c, enum close_reason reason);

/* Call fn for every entry, newest last, under the lock: fn must be short. O(entries). */
void closed_ring_each(struct closed_ring *r,
                      void (*fn)(const struct client_stats *s, void *arg), void *arg);

uint64_t closed_ring_total(struct closed_ring *r);      /* ever closed */

#endif
