/* SPDX-License-Identifier: Apache-2.0 */
/* secret.c - libsodium for plain secrets, libcrypt for bcrypt. */
#include "auth/secret.h"

#include <crypt.h>
#include <sodium.h>

#include "base/assert.h"
#include "base/mem.h"

#define BCRYPT_PREFIX_BYTES 7           /* "$2b$10$" */

static_assert(SECRET_DIGEST_BYTES == crypto_hash_sha256_BYTES, "SHA-256");

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_bcrypt(struct span text)
{
    const char *p = text.p;

    return text.len >= BCRYPT_PREFIX_BYTES && p[0] == '$' && p[1] == '2'
        && (p[2] == 'a' || p[2] == 'b' || p[2] == 'x' || p[2] == 'y') && p[3] == '$'
        && is_digit(p[4]) && is_digit(p[5]) && p[6] == '$';
}

void secret_init(struct secret *s, const char *text)
{
    struct span all = span_of(text);

    s->hash = is_bcrypt(all) ? mem_dup_span(all) : NULL;
    secret_digest(all, s->digest);
}

void secret_fini(struct secret *s)
{
    if (s->hash != NULL) mem_wipe(s->hash, strlen(s->hash));
    mem_free(s->hash);
    mem_wipe(s, sizeof *s);
}

bool secret_matches(const struct secret *s, struct span presented)
{
    unsigned char digest[SECRET_DIGEST_BYTES];

    assert(s->hash == NULL);
    secret_digest(presented, digest);
    return secret_digest_equal(s->digest, digest);
}

void secret_digest(struct span text, unsigned char digest[SECRET_DIGEST_BYTES])
{
    crypto_hash_sha256(digest, (const unsigned char *)text.p, text.len);
}

bool secret_digest_equal(const unsigned char *a, const unsigned char *b)
{
    return sodium_memcmp(a, b, SECRET_DIGEST_BYTES) == 0;
}

bool secret_bcrypt_matches(const char *hash, struct span password)
{
    char setting[BCRYPT_TEXT_BYTES + 1], key[BCRYPT_PASSWORD_BYTES_MAX + 1] = "";
    size_t key_len = password.len;
    struct crypt_data *data;
    const char *out;
    bool matches = false;

    if (strlen(hash) < BCRYPT_TEXT_BYTES) return false;
    memcpy(setting, hash, BCRYPT_TEXT_BYTES);
    setting[2] = 'b';
    setting[BCRYPT_TEXT_BYTES] = '\0';
    if (key_len > BCRYPT_PASSWORD_BYTES_MAX) key_len = BCRYPT_PASSWORD_BYTES_MAX;
    if (key_len > 0) memcpy(key, password.p, key_len);

    data = mem_zero(sizeof *data);
    /* Not crypt_r: AddressSanitizer's wrapper of that hides it from the linker. */
    out = crypt_rn(key, setting, data, (int)sizeof *data);
    if (out != NULL && strlen(out) == BCRYPT_TEXT_BYTES)
        matches = sodium_memcmp(out, setting, BCRYPT_TEXT_BYTES) == 0;
    mem_wipe(data, sizeof *data);
    mem_free(data);
    mem_wipe(key, sizeof key);
    mem_wipe(setting, sizeof setting);
    return matches && span_find(password, '\0') == password.len;
}
