/* SPDX-License-Identifier: Apache-2.0 */
/* dedup.h - the message ids that one stream saw within its duplicate window.
 *
 * Ids come in about the order of time and leave in the order they came. Owned by one loop.
 * Memory: per id its text and about 50 bytes; it shrinks as ids leave. Source: ADR-8 says where
 * ids come from; how long they count is nats-server's observable behaviour. */
#ifndef JETSTREAM_DEDUP_H
#define JETSTREAM_DEDUP_H

#include "base/span.h"

struct dedup;

/* window_ns: an id counts until it is that old. seed: of the hash, secret. */
struct dedup *dedup_new(int64_t window_ns, uint64_t seed);
void dedup_free(struct dedup **d);

/* Another window, for the ids that are in as well. */
void dedup_set_window(struct dedup *d, int64_t window_ns);

/* Remember that id was stored as seq (not 0) at time_ns. An id that is in already now stands for
 * this seq and time. The text is copied. O(length), amortised. */
void dedup_add(struct dedup *d, struct span id, uint64_t seq, int64_t time_ns);

/* Its seq, or 0 when it is not in or was too old at the last dedup_expire. O(length). */
uint64_t dedup_find(const struct dedup *d, struct span id);

/* It is now_ns: ids that are too old count no more. Gives the memory of at most 64 of them back;
 * true: there are more, call again at leisure. */
bool dedup_expire(struct dedup *d, int64_t now_ns);

/* Ids whose memory is still held. O(1). */
size_t dedup_count(const struct dedup *d);
/* Memory it holds, in bytes; about. O(1). */
size_t dedup_memory(const struct dedup *d);

#endif
