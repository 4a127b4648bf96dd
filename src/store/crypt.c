/* SPDX-License-Identifier: Apache-2.0 */
/* crypt.c - around libsodium. Head and body of a record have nonces that differ in one bit. */
#include "store/crypt.h"

#include <sodium.h>

#include "base/assert.h"
#include "base/mem.h"
#include "os/entropy.h"

#define BODY_BIT 0x80u                  /* in the nonce's last byte; counters stay below it */
#define AAD_BYTES (RECORD_FRAME_BYTES - 8)

void crypt_nonces_init(struct crypt_nonces *n)
{
    int rc = sodium_init();

    assert(rc >= 0);
    entropy_fill(n->random, sizeof n->random);
    n->counter = 0;
}

static void next_nonce(struct crypt_nonces *n, uint8_t out[RECORD_NONCE_BYTES])
{
    memcpy(out, n->random, sizeof n->random);
    record_put64((char *)out + sizeof n->random, n->counter++);
}

void crypt_new_master(struct crypt_key *master)
{
    entropy_fill(master->bytes, sizeof master->bytes);
}

static struct crypt_key hash(const char *what, struct span key, uint32_t number)
{
    struct crypt_key out;
    crypto_generichash_state state;
    char n[4];

    record_put32(n, number);
    crypto_generichash_init(&state, NULL, 0, sizeof out.bytes);
    crypto_generichash_update(&state, (const uint8_t *)what, strlen(what) + 1);
    crypto_generichash_update(&state, (const uint8_t *)n, sizeof n);
    crypto_generichash_update(&state, (const uint8_t *)key.p, key.len);
    crypto_generichash_final(&state, out.bytes, sizeof out.bytes);
    mem_wipe(&state, sizeof state);
    return out;
}

struct crypt_key crypt_derive(const struct crypt_key *master, uint32_t group)
{
    return hash("myelin store group", span_make((const char *)master->bytes, CRYPT_KEY_BYTES),
                group);
}

void crypt_wrap(const struct crypt_key *master, struct span key, struct crypt_nonces *n,
                uint8_t out[MANIFEST_KEY_BYTES])
{
    struct crypt_key k = hash("myelin store key", key, 0);
    struct buf b = { 0 };

    crypt_seal(&k, n, span_make((const char *)master->bytes, sizeof master->bytes), &b);
    assert(b.len == MANIFEST_KEY_BYTES);
    memcpy(out, b.p, MANIFEST_KEY_BYTES);
    buf_free(&b);
    mem_wipe(&k, sizeof k);
}

enum status crypt_unwrap(const uint8_t in[MANIFEST_KEY_BYTES], struct span key,
                         struct crypt_key *master)
{
    struct crypt_key k = hash("myelin store key", key, 0);
    struct buf b = { 0 };
    enum status st = crypt_open(&k, span_make((const char *)in, MANIFEST_KEY_BYTES), &b);

    if (st == ST_OK) {
        memcpy(master->bytes, b.p, sizeof master->bytes);
        mem_wipe(b.p, b.len);
    }
    buf_free(&b);
    mem_wipe(&k, sizeof k);
    return st == ST_OK ? ST_OK : ST_DENIED;
}

/* What is authenticated besides: the frame but for checksums and what a copy changes. */
static void fill_aad(const char *frame, bool of_body, uint8_t aad[AAD_BYTES])
{
    memcpy(aad, frame + 8, AAD_BYTES);
    aad[2] = of_body;                   /* instead of the form */
}

static void body_nonce(const struct record *r, uint8_t nonce[RECORD_NONCE_BYTES])
{
    memcpy(nonce, r->nonce, RECORD_NONCE_BYTES);
    nonce[RECORD_NONCE_BYTES - 1] ^= BODY_BIT;
}

void crypt_seal_record(const struct crypt_key *key, struct crypt_nonces *n, struct record *r,
                       char *out)
{
    uint8_t *nonce = (uint8_t *)out + (r->nonce - (uint8_t *)out);
    uint8_t *tag = nonce + RECORD_NONCE_BYTES;
    uint8_t *head = (uint8_t *)out + (r->head - out), *body = (uint8_t *)out + (r->body - out);
    uint8_t aad[AAD_BYTES], other[RECORD_NONCE_BYTES];
    size_t body_len = (size_t)r->header_len + r->body_len;

    next_nonce(n, nonce);
    fill_aad(out, false, aad);
    crypto_aead_xchacha20poly1305_ietf_encrypt_detached(head, tag, NULL, head,
        (size_t)r->extra_len + r->subject_len, aad, sizeof aad, NULL, nonce, key->bytes);
    fill_aad(out, true, aad);
    body_nonce(r, other);
    crypto_aead_xchacha20poly1305_ietf_encrypt_detached(body + RECORD_TAG_BYTES, body, NULL,
        body + RECORD_TAG_BYTES, body_len, aad, sizeof aad, NULL, other, key->bytes);
}

enum status crypt_open_head(const struct crypt_key *key, const struct record *r, const char *in,
                            char *out)
{
    uint8_t aad[AAD_BYTES];

    fill_aad(in, false, aad);
    return crypto_aead_xchacha20poly1305_ietf_decrypt_detached((uint8_t *)out, NULL,
        (const uint8_t *)r->head, (size_t)r->extra_len + r->subject_len,
        r->nonce + RECORD_NONCE_BYTES, aad, sizeof aad, r->nonce, key->bytes) == 0
        ? ST_OK : ST_DAMAGED;
}

enum status crypt_open_body(const struct crypt_key *key, const struct record *r, const char *in,
                            char *out)
{
    uint8_t aad[AAD_BYTES], nonce[RECORD_NONCE_BYTES];
    const uint8_t *body = (const uint8_t *)r->body;

    fill_aad(in, true, aad);
    body_nonce(r, nonce);
    return crypto_aead_xchacha20poly1305_ietf_decrypt_detached((uint8_t *)out, NULL,
        body + RECORD_TAG_BYTES, (size_t)r->header_len + r->body_len, body, aad, sizeof aad,
        nonce, key->bytes) == 0 ? ST_OK : ST_DAMAGED;
}

void crypt_seal(const struct crypt_key *key, struct crypt_nonces *n, struct span in,
                struct buf *out)
{
    uint8_t *p;

    buf_reserve(out, in.len + RECORD_NONCE_BYTES + RECORD_TAG_BYTES);
    p = (uint8_t *)out->p + out->len;
    next_nonce(n, p);
    crypto_aead_xchacha20poly1305_ietf_encrypt_detached(
        p + RECORD_NONCE_BYTES + RECORD_TAG_BYTES, p + RECORD_NONCE_BYTES, NULL,
        (const uint8_t *)in.p, in.len, NULL, 0, NULL, p, key->bytes);
    out->len += in.len + RECORD_NONCE_BYTES + RECORD_TAG_BYTES;
}

enum status crypt_open(const struct crypt_key *key, struct span in, struct buf *out)
{
    const uint8_t *p = (const uint8_t *)in.p;
    size_t extra = RECORD_NONCE_BYTES + RECORD_TAG_BYTES;

    if (in.len < extra) return ST_DAMAGED;
    buf_reserve(out, in.len - extra + 1);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt_detached((uint8_t *)out->p + out->len, NULL,
            p + extra, in.len - extra, p + RECORD_NONCE_BYTES, NULL, 0, p, key->bytes) != 0)
        return ST_DAMAGED;
    out->len += in.len - extra;
    return ST_OK;
}
