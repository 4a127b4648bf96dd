/* SPDX-License-Identifier: Apache-2.0 */
/* crypt.h - encryption at rest: XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) of what records and
 * footers carry, in place.
 *
 * A random master key, made with the store, stands in the manifests encrypted by the configured
 * key, so that changing that one rewrites nothing else. Each group has a key derived from the
 * master key, footers have one. A nonce is 16 random bytes of this opening and a counter: never
 * used twice. Lengths, numbers, sequences and times stay readable; they are authenticated. */
#ifndef STORE_CRYPT_H
#define STORE_CRYPT_H

#include "base/buf.h"
#include "store/manifest.h"
#include "store/record.h"

#define CRYPT_KEY_BYTES 32

struct crypt_key {
    uint8_t bytes[CRYPT_KEY_BYTES];
};

struct crypt_nonces {                   /* of one thread */
    uint8_t random[16];
    uint64_t counter;
};

/* Begin with a random part of its own. */
void crypt_nonces_init(struct crypt_nonces *n);

/* A new random master key. */
void crypt_new_master(struct crypt_key *master);

/* The master key encrypted by the configured key of any length, and back; DENIED: another key. */
void crypt_wrap(const struct crypt_key *master, struct span key, struct crypt_nonces *n,
                uint8_t out[MANIFEST_KEY_BYTES]);
MUST_USE enum status crypt_unwrap(const uint8_t in[MANIFEST_KEY_BYTES], struct span key,
                                  struct crypt_key *master);

/* The key of a group; of footers: number 0. */
struct crypt_key crypt_derive(const struct crypt_key *master, uint32_t group);

/* Encrypt head and body of the record laid out at out, which has the sealed form. Before
 * record_finish. O(bytes). */
void crypt_seal_record(const struct crypt_key *key, struct crypt_nonces *n, struct record *r,
                       char *out);

/* Decrypt extra and subject, or header and body (without the tag), of the record at in to out.
 * DAMAGED: not sealed with this key. O(bytes). */
MUST_USE enum status crypt_open_head(const struct crypt_key *key, const struct record *r,
                                     const char *in, char *out);
MUST_USE enum status crypt_open_body(const struct crypt_key *key, const struct record *r,
                                     const char *in, char *out);

/* Encrypt bytes as a whole: nonce, tag, ciphertext; and back. */
void crypt_seal(const struct crypt_key *key, struct crypt_nonces *n, struct span in,
                struct buf *out);
MUST_USE enum status crypt_open(const struct crypt_key *key, struct span in, struct buf *out);

#endif
