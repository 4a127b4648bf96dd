/* SPDX-License-Identifier: Apache-2.0 */
/* base64.c - by OpenSSL's block coder, in pieces that fit its int lengths. */
#include "proto/base64.h"

#include <openssl/evp.h>

#define PIECE (48 * 1024 * 1024)        /* bytes, a multiple of 3: no padding in between */

void base64_append(struct buf *out, struct span bytes)
{
    while (bytes.len) {
        size_t len = bytes.len < PIECE ? bytes.len : PIECE;
        buf_reserve(out, (len + 2) / 3 * 4 + 1);
        out->len += (size_t)EVP_EncodeBlock((unsigned char *)out->p + out->len,
                                            (const unsigned char *)bytes.p, (int)len);
        bytes = span_from(bytes, len);
    }
}
