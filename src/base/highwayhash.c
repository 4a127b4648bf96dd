/* SPDX-License-Identifier: Apache-2.0 */
/* highwayhash.c - four lanes of 64 bits, mixed by multiplications and by moving bytes. */
#include "base/highwayhash.h"

#include <string.h>

static uint64_t load_le64(const unsigned char *p)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < 8; i++) v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static uint64_t swap_halves(uint64_t v)
{
    return v >> 32 | v << 32;
}

void highwayhash_init(struct highwayhash *h, const unsigned char key[HIGHWAYHASH_KEY_BYTES])
{
    static const uint64_t start0[4] = {         /* digits of pi, as are the next */
        UINT64_C(0xdbe6d5d5fe4cce2f), UINT64_C(0xa4093822299f31d0),
        UINT64_C(0x13198a2e03707344), UINT64_C(0x243f6a8885a308d3),
    };
    static const uint64_t start1[4] = {
        UINT64_C(0x3bd39e10cb0ef593), UINT64_C(0xc0acf169b5f18a8c),
        UINT64_C(0xbe5466cf34e90c6c), UINT64_C(0x452821e638d01377),
    };

    for (unsigned i = 0; i < 4; i++) {
        uint64_t k = load_le64(key + 8 * i);
        h->mul0[i] = start0[i];
        h->mul1[i] = start1[i];
        h->v0[i] = start0[i] ^ k;
        h->v1[i] = start1[i] ^ swap_halves(k);
    }
    h->packet_len = 0;
}

/* Byte n of v, put at byte to. */
static uint64_t move_byte(uint64_t v, unsigned n, unsigned to)
{
    return (v >> (8 * n) & 0xff) << (8 * to);
}

/* Add the bytes of a pair of lanes in another order: what multiplication mixes least, the ends,
 * comes to where it mixes most. */
static void add_zipped(uint64_t high, uint64_t low, uint64_t *to_high, uint64_t *to_low)
{
    *to_low += move_byte(low, 3, 0) | move_byte(high, 4, 1) | move_byte(low, 2, 2) |
               move_byte(low, 5, 3) | move_byte(high, 6, 4) | move_byte(low, 1, 5) |
               move_byte(high, 7, 6) | move_byte(low, 0, 7);
    *to_high += move_byte(high, 3, 0) | move_byte(low, 4, 1) | move_byte(high, 2, 2) |
                move_byte(high, 5, 3) | move_byte(high, 1, 4) | move_byte(low, 6, 5) |
                move_byte(high, 0, 6) | move_byte(low, 7, 7);
}

static void mix(struct highwayhash *h, const uint64_t lanes[4])
{
    for (unsigned i = 0; i < 4; i++) {
        h->v1[i] += h->mul0[i] + lanes[i];
        h->mul0[i] ^= (h->v1[i] & 0xffffffff) * (h->v0[i] >> 32);
        h->v0[i] += h->mul1[i];
        h->mul1[i] ^= (h->v0[i] & 0xffffffff) * (h->v1[i] >> 32);
    }
    add_zipped(h->v1[1], h->v1[0], &h->v0[1], &h->v0[0]);
    add_zipped(h->v1[3], h->v1[2], &h->v0[3], &h->v0[2]);
    add_zipped(h->v0[1], h->v0[0], &h->v1[1], &h->v1[0]);
    add_zipped(h->v0[3], h->v0[2], &h->v1[3], &h->v1[2]);
}

static void mix_packet(struct highwayhash *h, const unsigned char *p)
{
    uint64_t lanes[4];

    for (unsigned i = 0; i < 4; i++) lanes[i] = load_le64(p + 8 * i);
    mix(h, lanes);
}

void highwayhash_update(struct highwayhash *h, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;

    while (n > 0) {
        size_t room = sizeof h->packet - h->packet_len, k = n < room ? n : room;
        if (k == sizeof h->packet) {
            mix_packet(h, p);
        } else {
            memcpy(h->packet + h->packet_len, p, k);
            h->packet_len += k;
            if (h->packet_len == sizeof h->packet) {
                mix_packet(h, h->packet);
                h->packet_len = 0;
            }
        }
        p += k;
        n -= k;
    }
}

/* The last bytes, fewer than a packet: their number goes into the state, too. */
static void mix_rest(struct highwayhash *h)
{
    unsigned char last[HIGHWAYHASH_PACKET_BYTES] = { 0 };
    unsigned n = (unsigned)h->packet_len, whole = n & ~3u, odd = n & 3;
    const unsigned char *rest = h->packet + whole;

    for (unsigned i = 0; i < 4; i++) {
        uint32_t low = (uint32_t)h->v1[i], high = (uint32_t)(h->v1[i] >> 32);
        h->v0[i] += ((uint64_t)n << 32) + n;
        low = low << n | low >> (32 - n);
        high = high << n | high >> (32 - n);
        h->v1[i] = (uint64_t)high << 32 | low;
    }
    memcpy(last, h->packet, whole);
    if (n & 16) {
        memcpy(last + 28, h->packet + n - 4, 4);
    } else if (odd > 0) {
        last[16] = rest[0];
        last[17] = rest[odd >> 1];
        last[18] = rest[odd - 1];
    }
    mix_packet(h, last);
}

uint64_t highwayhash_final(struct highwayhash *h)
{
    if (h->packet_len > 0) mix_rest(h);
    for (int i = 0; i < 4; i++) {
        const uint64_t lanes[4] = { swap_halves(h->v0[2]), swap_halves(h->v0[3]),
                                    swap_halves(h->v0[0]), swap_halves(h->v0[1]) };
        mix(h, lanes);
    }
    return h->v0[0] + h->v1[0] + h->mul0[0] + h->mul1[0];
}
