/* SPDX-License-Identifier: Apache-2.0 */
/* ttl.h - which sequences are due when: a binary heap in one array.
 *
 * A message that goes before it is due leaves its entry behind, which is dropped when its time
 * comes; so an entry is a hint, to be checked against the message. 16 bytes per entry. */
#ifndef JETSTREAM_TTL_H
#define JETSTREAM_TTL_H

#include "base/span.h"

struct ttl_entry {
    int64_t due_ns;                     /* wall clock */
    uint64_t seq;
};

struct ttl {                            /* zero-initialise */
    struct ttl_entry *entries;
    size_t count, cap;
};

void ttl_free(struct ttl *t);
void ttl_add(struct ttl *t, int64_t due_ns, uint64_t seq);              /* O(log n) */

static inline int64_t ttl_next(const struct ttl *t)                     /* or INT64_MAX */
{
    return t->count ? t->entries[0].due_ns : INT64_MAX;
}

/* The earliest entry; there must be one. */
static inline struct ttl_entry ttl_first(const struct ttl *t)
{
    return t->entries[0];
}

void ttl_drop_first(struct ttl *t);                                     /* O(log n) */

#endif
