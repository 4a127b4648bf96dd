/* SPDX-License-Identifier: Apache-2.0 */
/* nkey.c - base32, CRC-16 and libsodium calls. */
#include "auth/nkey.h"

#include <sodium.h>

#include "base/assert.h"
#include "base/mem.h"

#define TEXT_RAW_BYTES (1 + NKEY_RAW_BYTES + 2)

static_assert(TEXT_RAW_BYTES * 8 == NKEY_TEXT_BYTES * 5, "base32 leaves no bits over");
static_assert(NKEY_RAW_BYTES == crypto_sign_PUBLICKEYBYTES, "Ed25519");
static_assert(NKEY_RAW_BYTES == crypto_sign_SEEDBYTES, "Ed25519");
static_assert(NKEY_RAW_BYTES == crypto_scalarmult_BYTES, "X25519");
static_assert(NKEY_SIGNATURE_BYTES == crypto_sign_BYTES, "Ed25519");

/* CRC-16/XMODEM: polynomial 0x1021, initial value 0. */
static unsigned checksum(const unsigned char *p, size_t len)
{
    unsigned crc = 0;

    for (size_t i = 0; i < len; i++) {
        crc ^= (unsigned)p[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0);
        crc &= 0xffff;
    }
    return crc;
}

static int digit_value(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= '2' && c <= '7') return c - '2' + 26;
    return -1;
}

static unsigned char prefix_of(enum nkey_kind kind)
{
    return (unsigned char)((kind - 'A') << 3);
}

enum status nkey_decode(enum nkey_kind kind, struct span text, unsigned char raw[NKEY_RAW_BYTES])
{
    unsigned char bytes[TEXT_RAW_BYTES];
    unsigned acc = 0, bits = 0, crc;
    size_t used = 0;

    if (text.len != NKEY_TEXT_BYTES) return ST_BAD_INPUT;
    for (size_t i = 0; i < text.len; i++) {
        int digit = digit_value(text.p[i]);
        if (digit < 0) return ST_BAD_INPUT;
        acc = (acc << 5 | (unsigned)digit) & 0xfff;
        bits += 5;
        if (bits < 8) continue;
        bits -= 8;
        bytes[used++] = (unsigned char)(acc >> bits);
    }
    crc = checksum(bytes, TEXT_RAW_BYTES - 2);
    if (bytes[TEXT_RAW_BYTES - 2] != (crc & 0xff) || bytes[TEXT_RAW_BYTES - 1] != crc >> 8)
        return ST_BAD_INPUT;
    if (bytes[0] != prefix_of(kind)) return ST_BAD_INPUT;
    memcpy(raw, bytes + 1, NKEY_RAW_BYTES);
    return ST_OK;
}

void nkey_encode(enum nkey_kind kind, const unsigned char raw[NKEY_RAW_BYTES],
                 char text[NKEY_TEXT_BYTES + 1])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    unsigned char bytes[TEXT_RAW_BYTES];
    unsigned acc = 0, bits = 0, crc;
    size_t used = 0;

    bytes[0] = prefix_of(kind);
    memcpy(bytes + 1, raw, NKEY_RAW_BYTES);
    crc = checksum(bytes, TEXT_RAW_BYTES - 2);
    bytes[TEXT_RAW_BYTES - 2] = (unsigned char)(crc & 0xff);
    bytes[TEXT_RAW_BYTES - 1] = (unsigned char)(crc >> 8);
    for (size_t i = 0; i < TEXT_RAW_BYTES; i++) {
        acc = (acc << 8 | bytes[i]) & 0xfff;
        for (bits += 8; bits >= 5; bits -= 5) text[used++] = digits[acc >> (bits - 5) & 31];
    }
    assert(used == NKEY_TEXT_BYTES);
    text[used] = '\0';
}

bool nkey_is_user(struct span text)
{
    unsigned char raw[NKEY_RAW_BYTES];

    return nkey_decode(NKEY_USER, text, raw) == ST_OK;
}

static bool decode_signature(struct span sig, int variant,
                             unsigned char out[NKEY_SIGNATURE_BYTES])
{
    size_t len;

    if (sig.len == 0) return false;
    if (sodium_base642bin(out, NKEY_SIGNATURE_BYTES, sig.p, sig.len, NULL, &len, NULL, variant))
        return false;
    return len == NKEY_SIGNATURE_BYTES;
}

bool nkey_verify(struct span user_key, struct span message, struct span sig)
{
    unsigned char key[NKEY_RAW_BYTES], bytes[NKEY_SIGNATURE_BYTES];

    if (nkey_decode(NKEY_USER, user_key, key) != ST_OK) return false;
    if (!decode_signature(sig, sodium_base64_VARIANT_URLSAFE_NO_PADDING, bytes)
        && !decode_signature(sig, sodium_base64_VARIANT_ORIGINAL, bytes))
        return false;
    return crypto_sign_verify_detached(bytes, (const unsigned char *)message.p, message.len,
                                       key) == 0;
}

void nkey_server_id(const unsigned char seed[NKEY_RAW_BYTES], char text[NKEY_TEXT_BYTES + 1])
{
    unsigned char public[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];

    crypto_sign_seed_keypair(public, secret, seed);
    mem_wipe(secret, sizeof secret);
    nkey_encode(NKEY_SERVER, public, text);
}

void nkey_server_xkey(const unsigned char seed[NKEY_RAW_BYTES], char text[NKEY_TEXT_BYTES + 1])
{
    unsigned char public[NKEY_RAW_BYTES];

    crypto_scalarmult_base(public, seed);
    nkey_encode(NKEY_CURVE, public, text);
}

void nkey_nonce(const unsigned char raw[NKEY_NONCE_RAW_BYTES], char text[NKEY_NONCE_BYTES + 1])
{
    sodium_bin2base64(text, NKEY_NONCE_BYTES + 1, raw, NKEY_NONCE_RAW_BYTES,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}
