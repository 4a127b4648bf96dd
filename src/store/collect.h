/* SPDX-License-Identifier: Apache-2.0 */
/* collect.h - reclaiming segments that are mostly dead: what lives in one is copied to the end of
 * the log, its groups write checkpoints, and when all of that is synced its file goes. One at a
 * time, a little with each store_flush. Owner only. */
#ifndef STORE_COLLECT_H
#define STORE_COLLECT_H

#include "store/store_priv.h"

/* Something in the segment died, or it was closed: remember it if it is worth reclaiming. O(1). */
void collect_consider(struct store *s, struct segment *seg);

/* A bounded piece of the work. True: more can be done at once. */
bool collect_step(struct store *s);

/* The segment is about to be freed. */
void collect_forget(struct store *s, const struct segment *seg);
void collect_free(struct store *s);

#endif
