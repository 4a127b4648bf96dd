/* SPDX-License-Identifier: Apache-2.0 */
/* go_block_test.c - blocks that nats-server 2.11.8 wrote, every byte of them damaged in turn, and
 * records made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#undef assert_fail

#include <openssl/evp.h>

#include "base/mem.h"
#include "proto/fixture_test.h"
#include "proto/go_block.h"

enum { RECORD_MAX = 2000 };

static void note(struct buf *log, const struct go_record *rec)
{
    static const char *const kinds[] = { "more", "message", "erased", "tombstone" };

    if (rec->kind == GO_RECORD_MORE) return;
    buf_printf(log, "%s %llu", kinds[rec->kind], (unsigned long long)rec->seq);
    if (rec->kind == GO_RECORD_MESSAGE)
        buf_printf(log, " %.*s [%.*s] [%.*s]", SPAN_ARG(rec->subject), SPAN_ARG(rec->headers),
                   (int)(rec->body.len > 20 ? 20 : rec->body.len), rec->body.p);
    buf_append_char(log, '\n');
}

struct block { const char *stream; uint32_t number; uint64_t record_max; };

/* The hash of the last record, or 0. */
static uint64_t read_in_steps(struct span in, size_t step, const struct block *b, struct buf *log)
{
    struct go_block_reader r;
    struct go_record rec;
    struct error why = { "" };
    enum status st = ST_OK;
    uint64_t hash;

    go_block_reader_init(&r, span_of(b->stream), b->number, b->record_max);
    for (size_t start = 0; start < in.len && st == ST_OK; start += step) {
        size_t n = in.len - start < step ? in.len - start : step, used, at = 0;
        char *exact = mem_dup_span(span_make(in.p + start, n));
        do {
            st = go_block_read(&r, span_make(exact + at, n - at), &used, &rec, &why);
            at += used;
            if (st == ST_OK) note(log, &rec);
        } while (st == ST_OK && rec.kind != GO_RECORD_MORE);
        mem_free(exact);
    }
    if (st == ST_OK) st = go_block_read_end(&r, &why);
    if (st != ST_OK) buf_printf(log, "%s: %s", status_text(st), why.text);
    hash = r.last_hash;
    go_block_reader_fini(&r);
    return hash;
}

static void expect(struct span in, const struct block *b, const char *want)
{
    for (size_t step = 1; step <= in.len + 1; step = step < 40 ? step + 1 : step * 3) {
        struct buf log = { 0 };
        read_in_steps(in, step, b, &log);
        if (strcmp(buf_text(&log), want) != 0) fail_msg("step %zu: %s", step, buf_text(&log));
        buf_free(&log);
    }
}

static const struct { const char *fixture; struct block block; uint64_t hash; const char *want; }
reals[] = {
    { "snapshot-2.11.8.tar.s2", { "ORDERS", 1, RECORD_MAX + 500 }, UINT64_C(0x7324c97e275c31c9),
      "erased 1\n"
      "message 2 orders.2 [NATS/1.0\r\nOther: value of the header\r\nKind: test\r\n\r\n] "
      "[second]\n"
      "message 3 orders.1 [] [repeated text repeat]\n"
      "message 4 orders.4 [] [body number 4]\n"
      "erased 5\n"
      "message 6 orders.6 [] [body number 6]\n"
      "message 7 orders.7 [] [body number 7]\n"
      "message 8 orders.8 [] [body number 8]\n"
      "message 9 orders.9 [] [body number 9]\n"
      "message 10 orders.10 [] [body number 10]\n"
      "message 11 orders.11 [] [body number 11]\n"
      "message 12 orders.12 [] [body number 12]\n"
      "erased 13\ntombstone 13\nerased 14\ntombstone 14\n" },
    { "snapshot-2.11.8-deleted.tar.s2", { "KEYS", 1, RECORD_MAX }, UINT64_C(0x84369cd2e4c21410),
      "message 1 k.a [NATS/1.0\r\nN: 1\r\n\r\n] [a1]\n"
      "message 2 k.b [NATS/1.0\r\nN: 1\r\n\r\n] [b1]\n"
      "message 3 k.c [NATS/1.0\r\nN: 1\r\n\r\n] [c1]\n"
      "message 4 k.a [NATS/1.0\r\nN: 2\r\n\r\n] [a2]\n"
      "message 5 k.b [NATS/1.0\r\nN: 2\r\n\r\n] [b2]\n"
      "message 6 k.c [NATS/1.0\r\nN: 2\r\n\r\n] [c2]\n"
      "message 7 k.a [NATS/1.0\r\nN: 3\r\n\r\n] [a3]\n"
      "message 8 k.b [NATS/1.0\r\nN: 3\r\n\r\n] [b3]\n"
      "message 9 k.c [NATS/1.0\r\nN: 3\r\n\r\n] [c3]\n"
      "message 10 k.a [NATS/1.0\r\nN: 4\r\n\r\n] [a4]\n"
      "message 11 k.b [NATS/1.0\r\nN: 4\r\n\r\n] [b4]\n"
      "message 12 k.c [NATS/1.0\r\nN: 4\r\n\r\n] [c4]\n"
      "message 13 k.d [] [d1]\ntombstone 8\ntombstone 11\n" },
};

static void test_real_blocks(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(reals); i++) {
        struct buf in = fixture_read_tar(reals[i].fixture, "msgs/1.blk"), log = { 0 };
        expect(buf_span(&in), &reals[i].block, reals[i].want);
        assert_true(read_in_steps(buf_span(&in), 100, &reals[i].block, &log) == reals[i].hash);
        buf_free(&in);
        buf_free(&log);
    }
}

/* The lengths that the hash can't tell from what follows them. */
static bool is_unprotected(struct span in, size_t at)
{
    for (;;) {
        const unsigned char *p = (const unsigned char *)in.p;
        size_t length = p[0] | (size_t)p[1] << 8, subject = p[20] | (size_t)p[21] << 8;
        if (at < length && (p[3] & 0x80) == 0) return at == 20 || at == 21;
        if (at < length) return at >= 22 + subject && at < 26 + subject;
        in = span_from(in, length);
        at -= length;
    }
}

/* No other damaged byte goes unnoticed. */
static void test_damage(void **state)
{
    struct buf in = fixture_read_tar(reals[1].fixture, "msgs/1.blk");

    (void)state;
    for (size_t at = 0; at < in.len; at++) {
        struct buf log = { 0 };
        in.p[at] ^= 0x10;
        read_in_steps(buf_span(&in), in.len, &reals[1].block, &log);
        in.p[at] ^= 0x10;
        if (strstr(buf_text(&log), "message block: ") == NULL &&
            !is_unprotected(buf_span(&in), at))
            fail_msg("byte %zu", at);
        buf_free(&log);
    }
    expect(buf_span(&in), &(struct block){ "KEYS", 2, RECORD_MAX },
           "invalid input: message block: invalid checksum");
    expect(buf_span(&in), &(struct block){ "KEYZ", 1, RECORD_MAX },
           "invalid input: message block: invalid checksum");
    buf_free(&in);
}

/* ---- by hand, for block 7 of "S" ---- */

struct parts {
    uint32_t length;            /* 0: the right one */
    uint64_t seq;
    uint16_t subject_bytes;
    struct span rest;           /* subject, header length and so on */
    size_t unhashed_at;         /* in rest: where a header length stands, or 0 */
    bool headers;
};

static void add(struct buf *b, const struct parts *p)
{
    size_t start = b->len;
    uint32_t length = p->length ? p->length : (uint32_t)(GO_RECORD_BYTES_MIN + p->rest.len);
    struct go_block_reader r;
    struct highwayhash h;
    uint64_t hash;

    if (p->headers) length |= UINT32_C(1) << 31;
    for (int i = 0; i < 4; i++) buf_append_char(b, (char)(length >> (8 * i)));
    for (int i = 0; i < 8; i++) buf_append_char(b, (char)(p->seq >> (8 * i)));
    for (int i = 0; i < 8; i++) buf_append_char(b, (char)i);
    for (int i = 0; i < 2; i++) buf_append_char(b, (char)(p->subject_bytes >> (8 * i)));
    buf_append_span(b, p->rest);
    go_block_reader_init(&r, SPAN_LIT("S"), 7, RECORD_MAX);
    highwayhash_init(&h, r.key);
    highwayhash_update(&h, b->p + start + 4, 16);
    if (p->headers) {
        highwayhash_update(&h, p->rest.p, p->unhashed_at);
        highwayhash_update(&h, p->rest.p + p->unhashed_at + 4, p->rest.len - p->unhashed_at - 4);
    } else {
        highwayhash_update(&h, p->rest.p, p->rest.len);
    }
    hash = highwayhash_final(&h);
    for (int i = 0; i < 8; i++) buf_append_char(b, (char)(hash >> (8 * i)));
}

static void test_rows(void **state)
{
    static const struct { struct parts parts; const char *want; } rows[] = {
        { { .seq = 1, .subject_bytes = 1, .rest = SPAN_LIT("abody") }, "message 1 a [] [body]\n" },
        { { .seq = 1, .subject_bytes = 1, .rest = SPAN_LIT("a") }, "message 1 a [] []\n" },
        { { .seq = 1, .subject_bytes = 1, .rest = SPAN_LIT("a\2\0\0\0hhb"), .headers = true,
            .unhashed_at = 1 }, "message 1 a [hh] [b]\n" },
        { { .seq = 1, .subject_bytes = 1, .rest = SPAN_LIT("a\3\0\0\0hhb"), .headers = true,
            .unhashed_at = 1 }, "message 1 a [hhb] []\n" },
        { { .seq = 1, .subject_bytes = 1, .rest = SPAN_LIT("a\4\0\0\0hhb"), .headers = true,
            .unhashed_at = 1 }, "invalid input: message block: invalid header length" },
        { { .seq = 1, .subject_bytes = 1, .rest = SPAN_LIT("a\xff\xff\xff\xffhhb"),
            .headers = true, .unhashed_at = 1 },
          "invalid input: message block: invalid header length" },
        { { .seq = 1, .subject_bytes = 6, .rest = SPAN_LIT("abody") },
          "invalid input: message block: invalid subject length" },
        { { .seq = 1, .subject_bytes = 2, .rest = SPAN_LIT("abody"), .headers = true },
          "invalid input: message block: invalid subject length" },
        { { .seq = 0, .rest = SPAN_LIT("") }, "erased 0\n" },
        { { .seq = UINT64_C(1) << 63 | 5, .rest = SPAN_LIT("noise") }, "erased 5\n" },
        { { .seq = UINT64_C(1) << 62 | 5, .rest = SPAN_LIT("") }, "tombstone 5\n" },
        { { .seq = 1, .length = 29 }, "invalid input: message block: record of 29 bytes" },
        { { .seq = 1, .length = 31 }, "invalid input: message block: ends inside a record" },
        { { .seq = 1, .length = RECORD_MAX },
          "invalid input: message block: ends inside a record" },
        { { .seq = 1, .length = RECORD_MAX + 1 },
          "limit reached: message block: record of 2001 bytes" },
        { { .seq = 1, .length = 0x7fffffff },
          "limit reached: message block: record of 2147483647 bytes" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf in = { 0 };
        add(&in, &rows[i].parts);
        expect(buf_span(&in), &(struct block){ "S", 7, RECORD_MAX }, rows[i].want);
        buf_free(&in);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_real_blocks),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
