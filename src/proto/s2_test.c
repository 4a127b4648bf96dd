/* SPDX-License-Identifier: Apache-2.0 */
/* s2_test.c - blocks and chunks by hand, streams of nats-server's encoder, and round trips. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#undef assert_fail

#include "base/crc32c.h"
#include "base/mem.h"
#include "base/rng.h"
#include "proto/fixture_test.h"
#include "proto/s2.h"

/* ---- blocks ---- */

static void test_block_elements(void **state)
{
    static const struct { struct span block; const char *want; } rows[] = {
        { SPAN_LIT("\x00"), "" },
        { SPAN_LIT("\x03\x08" "abc"), "abc" },
        { SPAN_LIT("\x03\xf0\x02" "abc"), "abc" },
        { SPAN_LIT("\x03\xf4\x02\0" "abc"), "abc" },
        { SPAN_LIT("\x03\xf8\x02\0\0" "abc"), "abc" },
        { SPAN_LIT("\x03\xfc\x02\0\0\0" "abc"), "abc" },
        { SPAN_LIT("\x07\x08" "abc\x01\x03"), "abcabca" },
        { SPAN_LIT("\x05\x08" "abc\x06\x02\0"), "abcbc" },
        { SPAN_LIT("\x05\x08" "abc\x07\x03\0\0\0"), "abcab" },
        { SPAN_LIT("\x0b\x00" "a\x01\x01\x15\x00\x00" "b"), NULL },
        { SPAN_LIT("\x09\x00" "a\x01\x01\x01\x00"), "aaaaaaaaa" },
        { SPAN_LIT("\x0d\x00" "a\x01\x01\x11\x00"), "aaaaaaaaaaaaa" },
        { SPAN_LIT("\x0f\x00" "a\x01\x01\x15\x00\x01"), NULL },
        { SPAN_LIT("\x0e\x00" "a\x01\x01\x15\x00\x01"), "aaaaaaaaaaaaaa" },
        { SPAN_LIT("\x1a\x24" "abcdefghij\x1d\x09" "\x00" "z\x01\x00"),
          "abcdefghijbcdefghijbcz" "efgh" },
        /* broken ones */
        { SPAN_LIT(""), NULL },
        { SPAN_LIT("\x80"), NULL },
        { SPAN_LIT("\x80\x80\x80\x80\x80\x00"), NULL },
        { SPAN_LIT("\x03"), NULL },
        { SPAN_LIT("\x03\x08" "ab"), NULL },
        { SPAN_LIT("\x02\x08" "abc"), NULL },
        { SPAN_LIT("\x04\x08" "abc"), NULL },
        { SPAN_LIT("\x03\xf0"), NULL },
        { SPAN_LIT("\x03\xfc\xff\xff\xff\xff" "abc"), NULL },
        { SPAN_LIT("\x07\x08" "abc\x01"), NULL },
        { SPAN_LIT("\x07\x08" "abc\x01\x04"), NULL },
        { SPAN_LIT("\x07\x08" "abc\x01\x00"), NULL },
        { SPAN_LIT("\x07\x01\x00\x08" "abc"), NULL },
        { SPAN_LIT("\x06\x08" "abc\x01\x03"), NULL },
        { SPAN_LIT("\x05\x08" "abc\x06\x00\x00"), NULL },
        { SPAN_LIT("\x05\x08" "abc\x06\x02"), NULL },
        { SPAN_LIT("\x05\x08" "abc\x07\x03\0\0"), NULL },
        { SPAN_LIT("\x05\x08" "abc\x07\x03\0\0\x80"), NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf out = { 0 };
        char *exact = mem_dup_span(rows[i].block);
        buf_append_text(&out, "before");
        enum status st = s2_block_decode(span_make(exact, rows[i].block.len), &out);
        if ((st == ST_OK) != (rows[i].want != NULL)) fail_msg("row %zu: %s", i, status_text(st));
        if (strcmp(buf_text(&out) + 6, rows[i].want ? rows[i].want : "") != 0)
            fail_msg("row %zu: %s", i, buf_text(&out));
        mem_free(exact);
        buf_free(&out);
    }
}

/* S2's repeats of 256 + 4 + n and 65536 + 4 + n bytes. */
static void test_block_long_repeats(void **state)
{
    static const struct { struct span block; size_t bytes; } rows[] = {
        { SPAN_LIT("\x8b\x02\x04" "ab\x01\x02\x19\x00\x01\x00"), 267 },
        { SPAN_LIT("\x8a\x80\x04\x04" "ab\x01\x02\x1d\x00\x00\x00\x00"), 65546 },
        { SPAN_LIT("\x8b\x80\x04\x04" "ab\x01\x02\x1d\x00\x01\x00\x00"), 65547 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf out = { 0 };
        assert_int_equal(s2_block_decode(rows[i].block, &out), ST_OK);
        assert_int_equal(out.len, rows[i].bytes);
        for (size_t at = 0; at < out.len; at++) assert_int_equal(out.p[at], "ab"[at & 1]);
        buf_free(&out);
    }
}

static void test_block_limit(void **state)
{
    struct buf out = { 0 };
    size_t bytes = 0;

    (void)state;
    assert_int_equal(s2_block_decoded_bytes(SPAN_LIT("\x80\x80\x80\x02"), &bytes), ST_OK);
    assert_int_equal(bytes, S2_BLOCK_BYTES_MAX);
    assert_int_equal(s2_block_decoded_bytes(SPAN_LIT("\x81\x80\x80\x02"), &bytes), ST_LIMIT);
    assert_int_equal(s2_block_decode(SPAN_LIT("\xff\xff\xff\xff\x0f"), &out), ST_LIMIT);
    buf_free(&out);
}

/* ---- streams ---- */

#define S2_HEAD "\xff\x06\0\0S2sTwO"
#define SNAPPY_HEAD "\xff\x06\0\0sNaPpY"

/* Decode in steps; text: the bytes, then " !status" when it failed or ended too early. */
static void decode(struct span in, size_t step, struct buf *out)
{
    struct s2_decoder d = { 0 };
    struct error why;
    enum status st = ST_OK;

    for (size_t start = 0; start < in.len && st == ST_OK; start += step) {
        size_t n = in.len - start < step ? in.len - start : step, used;
        char *exact = mem_dup_span(span_make(in.p + start, n));
        for (size_t at = 0; at < n && st == ST_OK; at += used) {
            struct span piece;
            st = s2_decode(&d, span_make(exact + at, n - at), &used, &piece, &why);
            buf_append_span(out, piece);
            if (piece.len == 0 && st == ST_OK) assert_int_equal(used, n - at);
        }
        mem_free(exact);
    }
    if (st == ST_OK) st = s2_decode_end(&d, &why);
    else assert_int_equal(s2_decode_end(&d, NULL), ST_BAD_INPUT);
    if (st != ST_OK) buf_printf(out, " !%s: %s", status_text(st), why.text);
    s2_decoder_fini(&d);
}

static void expect(struct span in, struct span want)
{
    for (size_t step = 1; step <= in.len + 1; step = step < 20 ? step + 1 : step * 3) {
        struct buf out = { 0 };
        decode(in, step, &out);
        if (!span_equal(buf_span(&out), want))
            fail_msg("step %zu: got %s, want %.*s", step, buf_text(&out), SPAN_ARG(want));
        buf_free(&out);
    }
}

/* Append a chunk; data chunks get the right checksum of plain. */
static void add_chunk(struct buf *out, unsigned type, struct span body, const struct span *plain)
{
    size_t n = body.len + (plain ? 4 : 0);
    uint32_t crc = plain ? crc32c(0, plain->p, plain->len) : 0;

    buf_append_char(out, (char)type);
    for (int i = 0; i < 3; i++) buf_append_char(out, (char)(n >> (8 * i)));
    crc = (crc >> 15 | crc << 17) + UINT32_C(0xa282ead8);
    for (int i = 0; plain && i < 4; i++) buf_append_char(out, (char)(crc >> (8 * i)));
    buf_append_span(out, body);
}

static void test_stream_chunks(void **state)
{
    struct span abc = SPAN_LIT("abc");
    struct buf in = { 0 };

    (void)state;
    buf_append_span(&in, SPAN_LIT(S2_HEAD));
    add_chunk(&in, 0x01, abc, &abc);
    add_chunk(&in, 0x00, SPAN_LIT("\x03\x08" "abc"), &abc);
    add_chunk(&in, 0xfe, SPAN_LIT("padding"), NULL);
    add_chunk(&in, 0x99, SPAN_LIT("index"), NULL);
    add_chunk(&in, 0x80, SPAN_NONE, NULL);
    add_chunk(&in, 0x01, SPAN_NONE, &SPAN_NONE);
    buf_append_span(&in, SPAN_LIT(SNAPPY_HEAD));
    add_chunk(&in, 0x01, SPAN_LIT("xyz"), &SPAN_LIT("xyz"));
    expect(buf_span(&in), SPAN_LIT("abcabcxyz"));
    buf_free(&in);
    expect(SPAN_LIT(S2_HEAD), SPAN_LIT(""));
}

static void test_stream_errors(void **state)
{
    static const struct { struct span in; const char *want; } rows[] = {
        { SPAN_LIT(S2_HEAD "\x01"), " !invalid input: S2 stream: ends too early" },
        { SPAN_LIT(S2_HEAD "\x01\x05\0\0\0\0\0\0"),
          " !invalid input: S2 stream: ends too early" },
        { SPAN_LIT("\xff\x06\0\0S2s"), " !invalid input: S2 stream: ends too early" },
        { SPAN_LIT("\x01\x05\0\0abcde"), " !invalid input: S2 stream: no stream identifier" },
        { SPAN_LIT("\xff\x07\0\0S2sTwO "),
          " !invalid input: S2 stream: invalid stream identifier" },
        { SPAN_LIT("\xff\x06\0\0s2sTwO"),
          " !invalid input: S2 stream: invalid stream identifier" },
        { SPAN_LIT(S2_HEAD "\x01\x03\0\0abc"), " !invalid input: S2 stream: chunk of 3 bytes" },
        { SPAN_LIT(S2_HEAD "\x01\x05\0\0abcde"),
          " !invalid input: S2 stream: checksum mismatch" },
        { SPAN_LIT(S2_HEAD "\x00\x06\0\0abcd\x03\x08"),
          " !invalid input: S2 stream: corrupt block" },
        { SPAN_LIT(S2_HEAD "\x00\x04\0\0abcd"), " !invalid input: S2 stream: corrupt block" },
        { SPAN_LIT(S2_HEAD "\x02\x01\0\0a"),
          " !not supported: S2 stream: unknown chunk type 0x02" },
        { SPAN_LIT(S2_HEAD "\x7f\x01\0\0a"),
          " !not supported: S2 stream: unknown chunk type 0x7f" },
        { SPAN_LIT(S2_HEAD "\x01\x05\0\x40"),
          " !limit reached: S2 stream: chunk of 4194309 bytes" },
        { SPAN_LIT(S2_HEAD "\x01\x04\0\x40"), " !invalid input: S2 stream: ends too early" },
        { SPAN_LIT(SNAPPY_HEAD "\x01\x05\0\x01"),
          " !limit reached: S2 stream: chunk of 65541 bytes" },
        { SPAN_LIT(S2_HEAD "\x00\xff\xff\xff"),
          " !limit reached: S2 stream: chunk of 16777215 bytes" },
        { SPAN_LIT(SNAPPY_HEAD "\x00\x07\0\0abcd\x81\x80\x04"),
          " !limit reached: S2 stream: block too large" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) expect(rows[i].in, span_of(rows[i].want));
}

static void test_empty(void **state)
{
    struct s2_decoder d = { 0 };

    (void)state;
    assert_int_equal(s2_decode_end(&d, NULL), ST_BAD_INPUT);
    s2_decoder_fini(&d);
}

/* nats-server's own streams; the archive and the tar within have tests of their own. */
static void test_real_streams(void **state)
{
    static const struct { const char *name; size_t bytes; } rows[] = {
        { "snapshot-2.15.1.arc.s2", 3757 },
        { "snapshot-2.11.8.tar.s2", 24576 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf in = fixture_read(rows[i].name), plain = fixture_read_s2(rows[i].name);
        assert_int_equal(plain.len, rows[i].bytes);
        expect(buf_span(&in), buf_span(&plain));
        buf_free(&in);
        buf_free(&plain);
    }
}

/* ---- round trips ---- */

enum { WORDS, NOISE, ZEROS, MIXED, KINDS };

static void add_bytes(struct buf *b, int kind, size_t n, struct rng *r)
{
    for (size_t i = 0; i < n; i++) {
        switch (kind) {
        case WORDS: buf_append_char(b, "the order of messages "[rng_below(r, 22)]); break;
        case NOISE: buf_append_char(b, (char)rng_next(r)); break;
        case ZEROS: buf_append_char(b, 0); break;
        default:
            if (b->len > 0 && rng_below(r, 4) != 0) {
                size_t from = rng_below(r, (uint32_t)b->len), more = rng_below(r, 100);
                if (more > b->len - from) more = b->len - from;
                buf_reserve(b, more);
                buf_append(b, b->p + from, more);
                i += more;
            } else {
                buf_append_char(b, (char)rng_next(r));
            }
            break;
        }
    }
}

static void encode_in_pieces(struct span in, struct rng *r, struct buf *out)
{
    struct s2_encoder e = { 0 };

    while (in.len > 0) {
        size_t n = 1 + rng_below(r, rng_below(r, 3) ? 3000 : 300000);
        if (n > in.len) n = in.len;
        s2_encode(&e, span_make(in.p, n), out);
        if (rng_below(r, 5) == 0) s2_encode_flush(&e, out);
        in = span_from(in, n);
    }
    s2_encode_flush(&e, out);
    s2_encoder_fini(&e);
}

static void test_round_trips(void **state)
{
    static const size_t sizes[] = { 0, 1, 2, 14, 15, 16, 17, 63, 64, 65, 256, 257, 1000, 65535,
                                    65536, 65537, 300000 };
    struct rng r;

    (void)state;
    rng_seed(&r, 7);
    for (size_t i = 0; i < COUNT_OF(sizes) * KINDS * 8; i++) {
        struct buf in = { 0 }, coded = { 0 }, out = { 0 };
        int kind = (int)(i % KINDS);
        add_bytes(&in, kind, sizes[i / KINDS % COUNT_OF(sizes)], &r);
        encode_in_pieces(buf_span(&in), &r, &coded);
        decode(buf_span(&coded), 1 + rng_below(&r, 100000), &out);
        if (!span_equal(buf_span(&in), buf_span(&out)))
            fail_msg("round %zu, kind %d, %zu bytes", i, kind, in.len);
        buf_free(&in);
        buf_free(&coded);
        buf_free(&out);
    }
}

/* What the encoder is for: text shrinks, noise grows by the chunks' heads only. */
static void test_sizes(void **state)
{
    struct buf in = { 0 }, out = { 0 };
    struct s2_encoder e = { 0 };
    struct rng r;

    (void)state;
    rng_seed(&r, 3);
    while (in.len < 2 * S2_ENCODED_BLOCK_BYTES)
        buf_printf(&in, "order %u from Delft, quantity %u\r\n", rng_below(&r, 1000),
                   rng_below(&r, 50));
    s2_encode(&e, span_make(in.p, 2 * S2_ENCODED_BLOCK_BYTES), &out);
    assert_in_range(out.len, 1, S2_ENCODED_BLOCK_BYTES * 2 / 3);
    in.len = out.len = 0;
    add_bytes(&in, NOISE, 2 * S2_ENCODED_BLOCK_BYTES, &r);
    s2_encode(&e, buf_span(&in), &out);
    assert_int_equal(out.len, in.len + 2 * 8);
    in.len = out.len = 0;
    add_bytes(&in, ZEROS, 2 * S2_ENCODED_BLOCK_BYTES, &r);
    s2_encode(&e, buf_span(&in), &out);
    assert_in_range(out.len, 1, 2 * S2_ENCODED_BLOCK_BYTES / 20);
    s2_encoder_fini(&e);
    buf_free(&in);
    buf_free(&out);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_block_elements),
        cmocka_unit_test(test_block_long_repeats),
        cmocka_unit_test(test_block_limit),
        cmocka_unit_test(test_stream_chunks),
        cmocka_unit_test(test_stream_errors),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_real_streams),
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_sizes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
