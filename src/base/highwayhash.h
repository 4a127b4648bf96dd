/* SPDX-License-Identifier: Apache-2.0 */
/* highwayhash.h - HighwayHash-64 (Alakuijala, Cox, Wassenberg, arXiv:1612.06257): a keyed checksum.
 *
 * nats-server's file store protects its records and files with it. Plain C: about 1 GB/s. */
#ifndef BASE_HIGHWAYHASH_H
#define BASE_HIGHWAYHASH_H

#include <stddef.h>
#include <stdint.h>

enum { HIGHWAYHASH_KEY_BYTES = 32, HIGHWAYHASH_PACKET_BYTES = 32 };

struct highwayhash {                    /* private */
    uint64_t v0[4], v1[4], mul0[4], mul1[4];
    unsigned char packet[HIGHWAYHASH_PACKET_BYTES];
    size_t packet_len;
};

/* Start over with the key. */
void highwayhash_init(struct highwayhash *h, const unsigned char key[HIGHWAYHASH_KEY_BYTES]);

/* Take the next n bytes. p may be NULL when n is 0. O(n). */
void highwayhash_update(struct highwayhash *h, const void *p, size_t n);

/* The hash of all bytes taken; stored in files as eight bytes, lowest first. h needs a new start
 * afterwards. */
uint64_t highwayhash_final(struct highwayhash *h);

#endif
