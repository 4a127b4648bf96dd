/* SPDX-License-Identifier: Apache-2.0 */
/* secret.h - a configured password or token, kept so that it can be compared but not read.
 *
 * Plain text is kept as SHA-256 only; both sides are hashed and compared in constant time, so
 * that neither length nor prefix shows. A bcrypt hash is kept as it is. Folder-internal. */
#ifndef AUTH_SECRET_H
#define AUTH_SECRET_H

#include "base/span.h"

#define SECRET_DIGEST_BYTES 32
#define BCRYPT_TEXT_BYTES 60
#define BCRYPT_PASSWORD_BYTES_MAX 72    /* what the algorithm reads of a password */

struct secret {
    char *hash;                                 /* bcrypt text, or NULL: plain */
    unsigned char digest[SECRET_DIGEST_BYTES];  /* of the configured text, plain or not */
};

void secret_init(struct secret *s, const char *text);   /* text may be NULL: empty */
void secret_fini(struct secret *s);

/* s must be plain. */
bool secret_matches(const struct secret *s, struct span presented);

/* The digest that a text would have. */
void secret_digest(struct span text, unsigned char digest[SECRET_DIGEST_BYTES]);

/* Constant-time comparison of two digests. */
bool secret_digest_equal(const unsigned char *a, const unsigned char *b);

/* Whether password belongs to hash, $2a$, $2b$, $2x$ and $2y$ being the same algorithm as in
 * nats-server; false for a malformed hash and for a password with NUL. Takes 2^cost steps. */
bool secret_bcrypt_matches(const char *hash, struct span password);

#endif
