/* SPDX-License-Identifier: Apache-2.0 */
/* rng.h - fast pseudo-random numbers (xoshiro256++ by Blackman and Vigna, public domain
 * algorithm). Not for secrets: those come from os/entropy.h. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

struct rng {
    uint64_t s[4];
};

/* Start the sequence that belongs to seed; every seed is a good one. */
void rng_seed(struct rng *r, uint64_t seed);

static inline uint64_t rng_next(struct rng *r)
{
    uint64_t sum = r->s[0] + r->s[3];
    uint64_t out = ((sum << 23) | (sum >> 41)) + r->s[0], t = r->s[1] << 17;

    r->s[2] ^= r->s[0];
    r->s[3] ^= r->s[1];
    r->s[1] ^= r->s[2];
    r->s[0] ^= r->s[3];
    r->s[2] ^= t;
    r->s[3] = (r->s[3] << 45) | (r->s[3] >> 19);
    return out;
}

/* Uniform in [0, n); n > 0. Bias below 2^-32 for n < 2^32 (Lemire's multiplication). */
static inline uint32_t rng_below(struct rng *r, uint32_t n)
{
    return (uint32_t)(((rng_next(r) >> 32) * n) >> 32);
}

#endif
