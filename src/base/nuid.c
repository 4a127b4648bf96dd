/* SPDX-License-Identifier: Apache-2.0 */
/* nuid.c - each digit of base 62 from a random word of its own. */
#include "base/nuid.h"

struct nuid nuid_next(struct rng *r)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    struct nuid n;

    for (int i = 0; i < NUID_BYTES; i++) n.text[i] = digits[rng_below(r, 62)];
    n.text[NUID_BYTES] = '\0';
    return n;
}
