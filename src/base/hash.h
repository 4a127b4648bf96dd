/* SPDX-License-Identifier: Apache-2.0 */
/* hash.h - 64-bit hash of bytes (XXH3, seeded so that a peer can't choose collisions). */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/span.h"

static inline uint64_t hash_span(struct span s, uint64_t seed)
{
    return XXH3_64bits_withSeed(s.p, s.len, seed);
}

#endif
