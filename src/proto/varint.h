/* SPDX-License-Identifier: Apache-2.0 */
/* varint.h - Go's variable-length integers (encoding/binary), read from a span.
 *
 * Seven bits a byte, lowest first, the top bit set in all but the last byte; signed ones have
 * their sign in the lowest bit. */
#ifndef PROTO_VARINT_H
#define PROTO_VARINT_H

#include "base/span.h"

/* Take a number from the start of *in: true and *v set, or false when there is none whole or it
 * has more than 64 bits; *in is of no use then. */
static inline bool varint_read_u64(struct span *in, uint64_t *v)
{
    unsigned shift = 0;

    *v = 0;
    for (size_t i = 0; i < in->len; i++, shift += 7) {
        unsigned char c = (unsigned char)in->p[i];
        if (shift == 63 && c > 1) return false;
        *v |= (uint64_t)(c & 0x7f) << shift;
        if (c & 0x80) continue;
        *in = span_from(*in, i + 1);
        return true;
    }
    return false;
}

/* The signed number that u stands for. */
static inline int64_t varint_to_i64(uint64_t u)
{
    return (int64_t)(u >> 1 ^ -(u & 1));
}

/* As varint_read_u64. */
static inline bool varint_read_i64(struct span *in, int64_t *v)
{
    uint64_t u;

    if (!varint_read_u64(in, &u)) return false;
    *v = varint_to_i64(u);
    return true;
}

#endif
