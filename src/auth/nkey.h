/* SPDX-License-Identifier: Apache-2.0 */
/* nkey.h - NATS keys: text form of Ed25519 and X25519 public keys, and signed nonces.
 *
 * Text form: base32 without padding of a prefix byte, the key and a little-endian CRC-16/XMODEM
 * (github.com/nats-io/nkeys). Nothing here is secret but a seed given by the caller. No state;
 * any thread. */
#ifndef AUTH_NKEY_H
#define AUTH_NKEY_H

#include "base/span.h"
#include "base/status.h"

#define NKEY_RAW_BYTES 32
#define NKEY_TEXT_BYTES 56              /* of a public key, without NUL */
#define NKEY_NONCE_RAW_BYTES 11
#define NKEY_NONCE_BYTES 15             /* of its text, without NUL */
#define NKEY_SIGNATURE_BYTES 64

enum nkey_kind {                        /* first letter of the text */
    NKEY_OPERATOR = 'O', NKEY_ACCOUNT = 'A', NKEY_USER = 'U', NKEY_SERVER = 'N',
    NKEY_CLUSTER = 'C', NKEY_CURVE = 'X',
};

/* Decode the public key text of the given kind into raw. BAD_INPUT: another kind, length,
 * alphabet or checksum. */
MUST_USE enum status nkey_decode(enum nkey_kind kind, struct span text,
                                 unsigned char raw[NKEY_RAW_BYTES]);

/* text[NKEY_TEXT_BYTES] becomes NUL. */
void nkey_encode(enum nkey_kind kind, const unsigned char raw[NKEY_RAW_BYTES],
                 char text[NKEY_TEXT_BYTES + 1]);

/* Whether text is the public key of a user ("U..."). */
bool nkey_is_user(struct span text);

/* Whether sig (raw-URL base64, or standard base64 with padding) is the signature of message by
 * the user key text. */
bool nkey_verify(struct span user_key, struct span message, struct span sig);

/* Text of the public Ed25519 key "N..." (a server's id) of a 32 byte seed. */
void nkey_server_id(const unsigned char seed[NKEY_RAW_BYTES], char text[NKEY_TEXT_BYTES + 1]);

/* Text of the public X25519 key "X..." (a server's xkey) of a 32 byte seed. */
void nkey_server_xkey(const unsigned char seed[NKEY_RAW_BYTES], char text[NKEY_TEXT_BYTES + 1]);

/* Text of a nonce for INFO: raw-URL base64. text[NKEY_NONCE_BYTES] becomes NUL. */
void nkey_nonce(const unsigned char raw[NKEY_NONCE_RAW_BYTES], char text[NKEY_NONCE_BYTES + 1]);

#endif
