/* SPDX-License-Identifier: Apache-2.0 */
/* go_index_test.c - indexes that nats-server 2.11.8 and 2.9.25 wrote, and ones made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#undef assert_fail

#include <openssl/evp.h>

#include "base/highwayhash.h"
#include "base/mem.h"
#include "proto/fixture_test.h"
#include "proto/go_index.h"

static void note(struct buf *log, const struct go_index *x)
{
    buf_printf(log, "%llu messages %llu bytes %llu@%lld-%llu@%lld last %u %016llx",
               (unsigned long long)x->messages, (unsigned long long)x->bytes,
               (unsigned long long)x->first_seq, (long long)x->first_timestamp_ns,
               (unsigned long long)x->last_seq, (long long)x->last_timestamp_ns,
               (unsigned)x->last_block, (unsigned long long)x->last_hash);
    for (size_t i = 0; i < x->block_count; i++) {
        const struct go_index_block *b = &x->blocks[i];
        buf_printf(log, " block %u %llu:", (unsigned)b->number, (unsigned long long)b->bytes);
        for (uint64_t seq = 0; seq < 5000; seq++)
            if (go_index_has(x, b->number, seq)) buf_printf(log, " %d", (int)seq);
        assert_false(go_index_has(x, b->number + 100, b->first_seq));
    }
}

static void expect(struct span bytes, const char *stream, const char *want)
{
    char *exact = mem_dup_span(bytes);
    struct buf log = { 0 };
    struct go_index x;
    struct error why;
    enum status st = go_index_decode(&x, span_of(stream), span_make(exact, bytes.len), &why);

    if (st == ST_OK) note(&log, &x);
    else buf_printf(&log, "%s: %s", status_text(st), why.text);
    if (strcmp(buf_text(&log), want) != 0) fail_msg("got %s, not %s", buf_text(&log), want);
    go_index_fini(&x);
    buf_free(&log);
    mem_free(exact);
}

static void test_real_indexes(void **state)
{
    static const struct { const char *fixture, *stream, *want; } rows[] = {
        { "snapshot-2.11.8.tar.s2", "ORDERS",
          "10 messages 2652 bytes 2@1795468927773165484-14@1795468928329633706 last 1 "
          "7324c97e275c31c9 block 1 2652: 2 3 4 6 7 8 9 10 11 12" },
        { "snapshot-2.11.8-deleted.tar.s2", "KEYS",
          "5 messages 263 bytes 7@1795469981289364003-13@1795469981487619076 last 1 "
          "84369cd2e4c21410 block 1 263: 7 9 10 12 13" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf bytes = fixture_read_tar(rows[i].fixture, "msgs/index.db");
        expect(buf_span(&bytes), rows[i].stream, rows[i].want);
        expect(buf_span(&bytes), "OTHER", "invalid input: stream index: invalid checksum");
        for (size_t cut = 0; cut < bytes.len; cut++)
            expect(span_make(bytes.p, cut), rows[i].stream,
                   "invalid input: stream index: invalid checksum");
        buf_free(&bytes);
    }
}

/* ---- by hand, for the stream "S" ---- */

static void seal(struct buf *b)
{
    unsigned char key[HIGHWAYHASH_KEY_BYTES];
    struct highwayhash h;
    uint64_t hash;

    assert_int_equal(EVP_Digest("S", 1, key, NULL, EVP_sha256(), NULL), 1);
    highwayhash_init(&h, key);
    highwayhash_update(&h, b->p, b->len);
    hash = highwayhash_final(&h);
    for (int i = 0; i < 8; i++) buf_append_char(b, (char)(hash >> (8 * i)));
}

static void expect_sealed(struct span bytes, const char *want)
{
    struct buf b = { 0 };

    buf_append_span(&b, bytes);
    seal(&b);
    expect(buf_span(&b), "S", want);
    buf_free(&b);
}

#define TAIL "\3HHHHHHHH"
#define TAIL_LOG " last 3 4848484848484848"
#define CORRUPT "invalid input: stream index: corrupt"
#define MANY "\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"

static void test_rows(void **state)
{
    static const struct { struct span bytes; const char *want; } rows[] = {
        { SPAN_LIT("\x0b\1\1\2\3\4\5\6\0\0" TAIL), "1 messages 2 bytes 3@2-5@3" TAIL_LOG },
        /* a subject with one message, with two, and how version 4 differs */
        { SPAN_LIT("\x0b\1\1\2\3\4\5\6\3\0\1a\1\1\1b\2\1\1\0" TAIL),
          "1 messages 2 bytes 3@2-5@3" TAIL_LOG },
        { SPAN_LIT("\x0b\4\1\2\3\4\5\6\1\1a\1\1\1\0" TAIL), "1 messages 2 bytes 3@2-5@3" TAIL_LOG },
        /* a block; a field more each in versions 2 and 3 */
        { SPAN_LIT("\x0b\1\1\2\3\4\5\6\0\1\3\x09\3\0\5\0\0" TAIL),
          "1 messages 2 bytes 3@2-5@3" TAIL_LOG " block 3 9: 3 4 5" },
        { SPAN_LIT("\x0b\2\1\2\3\4\5\6\0\1\3\x09\3\0\5\0\0\7" TAIL),
          "1 messages 2 bytes 3@2-5@3" TAIL_LOG " block 3 9: 3 4 5" },
        { SPAN_LIT("\x0b\3\1\2\3\4\5\6\0\1\3\x09\3\0\5\0\0\7\7" TAIL),
          "1 messages 2 bytes 3@2-5@3" TAIL_LOG " block 3 9: 3 4 5" },
        { SPAN_LIT("\x0b\4\1\2\3\4\5\6\0\2\2\0\6\0\5\0\0\7\7\3\x09\3\0\5\0\0\7\7" TAIL),
          "1 messages 2 bytes 3@2-5@3" TAIL_LOG " block 2 0: block 3 9: 3 4 5" },
        /* broken */
        { SPAN_LIT("\x0b\5\1\2\3\4\5\6\0\0" TAIL), "not supported: stream index of version 5" },
        { SPAN_LIT("\x0b\0\1\2\3\4\5\6\0\0" TAIL), "not supported: stream index of version 0" },
        { SPAN_LIT("\x0c\1\1\2\3\4\5\6\0\0" TAIL), "not supported: stream index of version 1" },
        { SPAN_LIT("\x0b\1\1\2\3\4\5\6\0\0\3HHHHHHH"), CORRUPT },
        { SPAN_LIT("\x0b\1\1\2\3\4\5\6\0\0" MANY "HHHHHHHH"), CORRUPT },
        { SPAN_LIT("\x0b\1\1\2\3\4\5\6\1\7a\1\1\0" TAIL "HHHHHHHH"), CORRUPT },
        { SPAN_LIT("\x0b\1\1\2\3\4\5\6" MANY "\1a\1\1\0" TAIL), CORRUPT },
        { SPAN_LIT("\x0b\1\1\2\3\4\5\6\1" MANY "a\1\1\0" TAIL), CORRUPT },
        { SPAN_LIT("\x0b\1\1\2\3\4\5\6\0" MANY "\3\x09\3\0\5\0\0" TAIL), CORRUPT },
        { SPAN_LIT("\x0b\1\1\2\3\4\5\6\0\1" MANY "\x09\3\0\5\0\0" TAIL), CORRUPT },
        { SPAN_LIT("\x0b\1\1\2\3\4\5\6\0\2\3\x09\3\0\5\0\0\3\x09\3\0\5\0\0" TAIL), CORRUPT },
        { SPAN_LIT("\x0b\1\1\2\3\4\5\6\0\1\3\x09\3\0\5\0\1" TAIL), CORRUPT },
        { SPAN_LIT("\x0b\1\1\2\3\4\5\6\0\1\3\x09\3\0\5\0\1\x16\2\1\0\0\0\1\0\0\0" TAIL), CORRUPT },
        { SPAN_LIT("\x0b\1\1\2\3\4\5\6\0\1\3\x09\3\0\5\0\1\x16\3\0\0\0\0\0\0\0\0" TAIL), CORRUPT },
        { SPAN_LIT("\x0b\1\1\2\3\4\5\6\0\1\3\x09\3\0\5\0\1\x16\2\xff\xff\xff\xff\0\0\0\0" TAIL),
          CORRUPT },
        { SPAN_LIT("\x0b\1\1\2\3\4\5\6\0\1\3\x09\3\0\5\0\1\x16\2\0\0\0\0\0\0\0\0" TAIL),
          "1 messages 2 bytes 3@2-5@3" TAIL_LOG " block 3 9: 3 4 5" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) expect_sealed(rows[i].bytes, rows[i].want);
}

static void add_node(struct buf *b, unsigned words, uint64_t base, uint64_t deleted)
{
    unsigned bit = (unsigned)(deleted - base);

    for (int i = 0; i < 8; i++) buf_append_char(b, (char)(base >> (8 * i)));
    for (unsigned i = 0; i < words * 8; i++)
        buf_append_char(b, (char)(i == bit / 8 ? 1u << bit % 8 : 0));
    buf_append_text(b, "hh");
}

/* Both versions of sets, nodes in no order, and blocks that share one. */
static void test_sets(void **state)
{
    struct buf b = { 0 };

    (void)state;
    buf_append_span(&b, SPAN_LIT("\x0b\1\1\2\3\4\5\6\0\2"));
    buf_append_span(&b, SPAN_LIT("\1\0\xff\x0f\0\x82\x10\0\2\x16\2\2\0\0\0\2\0\0\0"));
    add_node(&b, 32, 2048, 2048);
    add_node(&b, 32, 0, 2047);
    buf_append_span(&b, SPAN_LIT("\2\0\x83\x10\0\x85\x10\0\2\x16\1\1\0\0\0\2\0\0\0"));
    add_node(&b, 64, 0, 2052);
    buf_append_span(&b, SPAN_LIT(TAIL));
    expect_sealed(buf_span(&b), "1 messages 2 bytes 3@2-5@3" TAIL_LOG
                  " block 1 0: 2049 2050 block 2 0: 2051 2053");
    b.p[30] = 1;                        /* a base that is no multiple */
    expect_sealed(buf_span(&b), CORRUPT);
    buf_free(&b);
}

/* ---- the form before 2.10 ---- */

static void test_real_block_index(void **state)
{
    struct buf bytes = fixture_read_tar("snapshot-2.9.25.tar.s2", "msgs/1.idx"), log = { 0 };
    struct go_index x = { 0 };

    (void)state;
    for (size_t cut = 0; cut < bytes.len; cut++)
        assert_int_equal(go_index_add_block(&x, 1, span_make(bytes.p, cut), NULL), ST_BAD_INPUT);
    assert_int_equal(go_index_add_block(&x, 1, buf_span(&bytes), NULL), ST_OK);
    note(&log, &x);
    assert_string_equal(buf_text(&log), "5 messages 263 bytes 7@1795470912353171756-13@"
                        "1795470912498972303 last 1 9cbd2b24c1713277 block 1 263: 7 9 10 12 13");
    go_index_fini(&x);
    buf_free(&bytes);
    buf_free(&log);
}

/* Added one after the other; the transcript of what was good. */
static void test_block_rows(void **state)
{
    static const struct { uint32_t number; struct span bytes; bool good; } rows[] = {
        { 2, SPAN_LIT("\x16\1\0\0\3\0\2\0\0HHHHHHHH"), true },           /* nothing live */
        { 3, SPAN_LIT("\x16\1\2\7\3\2\5\4\1HHHHHHHH\1"), true },
        { 3, SPAN_LIT("\x16\1\1\7\6\2\6\4\0HHHHHHHH"), false },          /* the same number */
        { 4, SPAN_LIT("\x16\1\1\7\5\2\5\4\0HHHHHHHH"), false },          /* the same sequence */
        { 4, SPAN_LIT("\x16\2\1\7\6\2\6\4\0HHHHHHHH"), false },
        { 4, SPAN_LIT("\x17\1\1\7\6\2\6\4\0HHHHHHHH"), false },
        { 4, SPAN_LIT("\x16\1\1\7\6\2\6\4\0HHHHHHH"), false },
        { 4, SPAN_LIT("\x16\1\2\7\6\2\6\4\0HHHHHHHH"), false },          /* a wrong count */
        { 4, SPAN_LIT("\x16\1\1\7\6\2\x08\4\2HHHHHHHH\1"), false },      /* a short list */
        { 4, SPAN_LIT("\x16\1\1\7\6\2\x08\4\2HHHHHHHH\1\x80"), false },
        { 4, SPAN_LIT("\x16\1\1\7\6\2\x08\4\2HHHHHHHH\1\3"), false },   /* outside */
        { 4, SPAN_LIT("\x16\1\1\7\6\2\x08\4\2HHHHHHHH\1\xff\xff\xff\xff\xff\xff\xff\xff"
                      "\xff\1"), false },
        { 4, SPAN_LIT("\x16\1\1\7\6\2\x08\4\2HHHHHHHH\2\1"), true },     /* in no order */
        { 9, SPAN_LIT("\x16\1\2\7\x09\2\x0b\4\1HHHHHHHH\0\1"), true },    /* ends early */
    };
    struct go_index x = { 0 };
    struct buf log = { 0 };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char *exact = mem_dup_span(rows[i].bytes);
        struct error why = { "" };
        enum status st = go_index_add_block(&x, rows[i].number,
                                            span_make(exact, rows[i].bytes.len), &why);
        if (st != (rows[i].good ? ST_OK : ST_BAD_INPUT)) fail_msg("row %zu: %d", i, st);
        assert_string_equal(why.text, rows[i].good ? "" : "block index: corrupt");
        mem_free(exact);
    }
    note(&log, &x);
    assert_string_equal(buf_text(&log), "5 messages 21 bytes 3@1-11@2 last 9 4848484848484848 "
                        "block 2 0: block 3 7: 3 5 block 4 7: 6 block 9 7: 9 10 11");
    go_index_fini(&x);
    buf_free(&log);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_real_indexes),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_sets),
        cmocka_unit_test(test_real_block_index),
        cmocka_unit_test(test_block_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
