/* SPDX-License-Identifier: Apache-2.0 */
/* nuid.h - names that don't occur twice, in the form of NATS clients and servers: 22 characters of
 * digits and letters. Not for secrets. */
#ifndef BASE_NUID_H
#define BASE_NUID_H

#include "base/rng.h"

enum { NUID_BYTES = 22 };

struct nuid {
    char text[NUID_BYTES + 1];          /* NUL-terminated */
};

/* The next one from r, which must have been seeded with entropy. 62^22 are possible. */
struct nuid nuid_next(struct rng *r);

#endif
