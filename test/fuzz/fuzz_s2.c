/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_s2.c - byte 0: what, byte 1: step; then a stream decoded whole and in steps, whose chunks'
 * checksums are made right first (what & 1), a block, and bytes that go through the encoder. */
#include "base/assert.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "proto/s2.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The checksum of random bytes is never right: put the right one into each whole chunk. */
static void mend(uint8_t *data, size_t size)
{
    for (size_t at = 0; size - at >= 8;) {
        size_t n = data[at + 1] | (size_t)data[at + 2] << 8 | (size_t)data[at + 3] << 16;
        struct span body = span_make((char *)data + at + 8, n - 4);
        struct buf plain = { 0 };
        if (n > size - at - 4) return;
        if (data[at] <= 1 && n >= 4 &&
            (data[at] == 1 || s2_block_decode(body, &plain) == ST_OK)) {
            if (data[at] == 0) body = buf_span(&plain);
            uint32_t crc = crc32c(0, body.p, body.len);
            crc = (crc >> 15 | crc << 17) + UINT32_C(0xa282ead8);
            for (int i = 0; i < 4; i++) data[at + 4 + (size_t)i] = (uint8_t)(crc >> (8 * i));
        }
        buf_free(&plain);
        at += 4 + n;
    }
}

static enum status decode(const uint8_t *data, size_t size, size_t step, struct buf *out)
{
    struct s2_decoder d = { 0 };
    enum status st = ST_OK;

    for (size_t start = 0; start < size && st == ST_OK; start += step) {
        struct span piece, in = span_make((const char *)data + start,
                                          size - start < step ? size - start : step);
        size_t used;
        for (; in.len > 0 && st == ST_OK; in = span_from(in, used)) {
            st = s2_decode(&d, in, &used, &piece, NULL);
            assert(used <= in.len);
            assert(piece.len <= S2_BLOCK_BYTES_MAX);
            if (out->len < 1 << 20) buf_append_span(out, piece);
        }
    }
    if (st == ST_OK) st = s2_decode_end(&d, NULL);
    s2_decoder_fini(&d);
    return st;
}

static void go_round(const uint8_t *data, size_t size, size_t step)
{
    struct buf coded = { 0 }, plain = { 0 };
    struct s2_encoder e = { 0 };
    enum status st;

    for (size_t start = 0; start < size; start += step)
        s2_encode(&e, span_make((const char *)data + start,
                                size - start < step ? size - start : step), &coded);
    s2_encode_flush(&e, &coded);
    st = decode((const uint8_t *)coded.p, coded.len, step, &plain);
    assert(st == ST_OK);
    assert(span_equal(buf_span(&plain), span_make((const char *)data, size)));
    s2_encoder_fini(&e);
    buf_free(&coded);
    buf_free(&plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole = { 0 }, steps = { 0 };
    uint8_t *copy;
    size_t step;

    if (size < 3) return 0;
    step = data[1] * 5u + 1u;
    size -= 2;
    copy = mem_alloc(size);
    memcpy(copy, data + 2, size);
    if (data[0] & 1) mend(copy, size);
    enum status a = decode(copy, size, size, &whole);
    enum status b = decode(copy, size, step, &steps);
    assert(a == b);
    assert(span_equal(buf_span(&whole), buf_span(&steps)));
    whole.len = 0;
    a = s2_block_decode(span_make((const char *)copy, size), &whole);
    assert(a == ST_OK || whole.len == 0);
    go_round(copy, size, step);
    mem_free(copy);
    buf_free(&whole);
    buf_free(&steps);
    return 0;
}
