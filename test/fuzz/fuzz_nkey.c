/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_nkey.c - keys and signatures from a client: what is accepted reads the same when written
 * again. Input: key, newline, signature, newline, message. */
#include "auth/nkey.h"
#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct span next_line(struct span *rest)
{
    size_t len = span_find(*rest, '\n');
    struct span line = span_make(rest->p, len);

    *rest = span_from(*rest, len < rest->len ? len + 1 : len);
    return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum nkey_kind kinds[] = { NKEY_OPERATOR, NKEY_ACCOUNT, NKEY_USER, NKEY_SERVER,
                                            NKEY_CLUSTER, NKEY_CURVE };
    struct span rest = span_make((const char *)data, size);
    struct span key = next_line(&rest), sig = next_line(&rest);
    unsigned char raw[NKEY_RAW_BYTES];
    char text[NKEY_TEXT_BYTES + 1];

    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (nkey_decode(kinds[i], key, raw) != ST_OK) continue;
        nkey_encode(kinds[i], raw, text);
        assert(span_is(key, text));
    }
    if (nkey_verify(key, rest, sig)) assert(nkey_is_user(key));
    return 0;
}
