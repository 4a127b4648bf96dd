/* SPDX-License-Identifier: Apache-2.0 */
/* tar_reader_test.c - the tar of nats-server 2.11.8, and heads made by hand: good, hostile and
 * too large ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#undef assert_fail

#include "base/mem.h"
#include "proto/fixture_test.h"
#include "proto/tar_reader.h"

enum { FILE_MAX = 5000 };

/* "name:size=bytes;" for each file; its bytes are left out when many or binary. */
static void note(struct buf *log, size_t *in_file, const struct tar_event *ev)
{
    switch (ev->kind) {
    case TAR_MORE: break;
    case TAR_FILE:
        *in_file = 0;
        buf_printf(log, "%.*s:%llu=", SPAN_ARG(ev->name), (unsigned long long)ev->size);
        break;
    case TAR_DATA:
        assert_true(ev->data.len > 0);
        *in_file += ev->data.len;
        if (ev->size < 20 && ev->data.p[0] >= ' ') buf_append_span(log, ev->data);
        break;
    case TAR_FILE_END:
        assert_int_equal(*in_file, ev->size);
        buf_append_text(log, ";");
        break;
    case TAR_END: buf_append_text(log, "end"); break;
    }
}

static void read_in_steps(struct span in, size_t step, struct buf *log)
{
    struct tar_reader r;
    struct tar_event ev = { 0 };
    struct error why = { "" };
    enum status st = ST_OK;
    size_t in_file = 0;

    tar_reader_init(&r, FILE_MAX);
    for (size_t start = 0; start < in.len && st == ST_OK; start += step) {
        size_t n = in.len - start < step ? in.len - start : step, used, at = 0;
        char *exact = mem_dup_span(span_make(in.p + start, n));
        do {
            st = tar_read(&r, span_make(exact + at, n - at), &used, &ev, &why);
            at += used;
            if (st == ST_OK) note(log, &in_file, &ev);
        } while (st == ST_OK && ev.kind != TAR_MORE && ev.kind != TAR_END);
        mem_free(exact);
    }
    if (st == ST_OK) st = tar_read_end(&r, &why);
    if (st != ST_OK) buf_printf(log, "%s: %s", status_text(st), why.text);
    tar_reader_fini(&r);
}

static void expect(struct span in, const char *want)
{
    for (size_t step = 1; step <= in.len + 1; step = step < 40 ? step + 3 : step * 3 / 2) {
        struct buf log = { 0 };
        read_in_steps(in, step, &log);
        if (strcmp(buf_text(&log), want) != 0)
            fail_msg("step %zu: %s, not %s", step, buf_text(&log), want);
        buf_free(&log);
    }
}

static void test_real_tar(void **state)
{
    struct buf in = fixture_read_s2("snapshot-2.11.8.tar.s2");

    (void)state;
    expect(buf_span(&in),
           "meta.inf:517=;meta.sum:16=8180643deb2df10b;msgs/1.blk:2963=;msgs/index.db:446=;"
           "obs/worker/meta.inf:343=;obs/worker/meta.sum:16=293c372bbaee7e14;"
           "obs/worker/o.dat:22=;obs/mailer/meta.inf:371=;obs/mailer/meta.sum:16="
           "efbee425200714b3;obs/mailer/o.dat:8=;end");
    for (size_t cut = 0; cut + 2 * TAR_BLOCK_BYTES <= in.len; cut += 100) {
        struct buf log = { 0 };
        read_in_steps(span_make(in.p, cut), 1000, &log);
        assert_non_null(strstr(buf_text(&log), "invalid input: backup was truncated"));
        buf_free(&log);
    }
    buf_free(&in);
}

/* ---- by hand ---- */

struct head {
    const char *name, *prefix, *size;   /* size: the field as it is */
    char type;
    bool gnu, bad_checksum;
};

static void add(struct buf *out, const struct head *h, const char *content, size_t len)
{
    unsigned char block[TAR_BLOCK_BYTES] = { 0 };
    unsigned sum = 0;

    memcpy(block, h->name, strlen(h->name) < 100 ? strlen(h->name) : 100);
    if (h->prefix) memcpy(block + 345, h->prefix, strlen(h->prefix));
    if (h->size) memcpy(block + 124, h->size, strlen(h->size));
    else snprintf((char *)block + 124, 12, "%011o", (unsigned)len);
    block[156] = (unsigned char)h->type;
    memcpy(block + 257, h->gnu ? "ustar  " : "ustar\0" "00", 8);
    memset(block + 148, ' ', 8);
    for (size_t i = 0; i < sizeof block; i++) sum += block[i];
    snprintf((char *)block + 148, 8, "%06o", sum + h->bad_checksum);
    buf_append(out, block, sizeof block);
    buf_append(out, content, len);
    while (out->len % TAR_BLOCK_BYTES != 0) buf_append_char(out, 0);
}

static void add_end(struct buf *out)
{
    static const unsigned char zeros[2 * TAR_BLOCK_BYTES];

    buf_append(out, zeros, sizeof zeros);
}

static void expect_file(const struct head *h, const char *want)
{
    struct buf in = { 0 };

    add(&in, h, "data", 4);
    add_end(&in);
    expect(buf_span(&in), want);
    buf_free(&in);
}

static void test_heads(void **state)
{
    static const struct { struct head head; const char *want; } rows[] = {
        { { .name = "a", .type = '0' }, "a:4=data;end" },
        { { .name = "a", .type = 0 }, "a:4=data;end" },
        { { .name = "a", .type = '0', .size = "4" }, "a:4=data;end" },
        { { .name = "a", .type = '0', .size = "00000000004 " }, "a:4=data;end" },
        { { .name = "b", .prefix = "msgs/a", .type = '0' }, "msgs/a/b:4=data;end" },
        { { .name = "b", .prefix = "12345", .type = '0', .gnu = true }, "b:4=data;end" },
        { { .name = "a..b/.c", .type = '0' }, "a..b/.c:4=data;end" },
        /* names that lead elsewhere */
        { { .name = "/etc/passwd", .type = '0' },
          "invalid input: tar: bad file name \"/etc/passwd\"" },
        { { .name = "../a", .type = '0' }, "invalid input: tar: bad file name \"../a\"" },
        { { .name = "a/../../b", .type = '0' }, "invalid input: tar: bad file name \"a/../../b\"" },
        { { .name = "a/..", .type = '0' }, "invalid input: tar: bad file name \"a/..\"" },
        { { .name = "b", .prefix = "..", .type = '0' },
          "invalid input: tar: bad file name \"../b\"" },
        { { .name = "./a", .type = '0' }, "invalid input: tar: bad file name \"./a\"" },
        { { .name = "a//b", .type = '0' }, "invalid input: tar: bad file name \"a//b\"" },
        { { .name = "a/", .type = '0' }, "invalid input: tar: bad file name \"a/\"" },
        { { .name = "", .type = '0' }, "invalid input: tar: bad file name \"\"" },
        { { .name = "a\\b", .type = '0' }, "invalid input: tar: bad file name \"a\\\\b\"" },
        { { .name = "a\nb", .type = '0' }, "invalid input: tar: bad file name \"a\\nb\"" },
        /* what is no regular file */
        { { .name = "a", .type = '1' }, "not supported: tar: unexpected content of type 0x31" },
        { { .name = "a", .type = '2' }, "not supported: tar: unexpected content of type 0x32" },
        { { .name = "a", .type = '3' }, "not supported: tar: unexpected content of type 0x33" },
        { { .name = "a", .type = '5' }, "not supported: tar: unexpected content of type 0x35" },
        { { .name = "a", .type = '6' }, "not supported: tar: unexpected content of type 0x36" },
        { { .name = "a", .type = 'g' }, "not supported: tar: unexpected content of type 0x67" },
        { { .name = "a", .type = 'L' }, "not supported: tar: unexpected content of type 0x4c" },
        { { .name = "a", .type = 'S' }, "not supported: tar: unexpected content of type 0x53" },
        /* broken */
        { { .name = "a", .type = '0', .bad_checksum = true },
          "invalid input: tar: invalid header" },
        { { .name = "a", .type = '0', .size = "0000000008" },
          "invalid input: tar: invalid header" },
        { { .name = "a", .type = '0', .size = "-1" }, "invalid input: tar: invalid header" },
        { { .name = "a", .type = '0', .size = " " }, "invalid input: tar: invalid header" },
        { { .name = "a", .type = '0', .size = "\x80" "1" }, "limit reached: tar: size too large" },
        { { .name = "a", .type = '0', .size = "00000011611" },
          "limit reached: tar: a is too large" },
        { { .name = "a", .type = '0', .size = "777777777777" },
          "limit reached: tar: a is too large" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) expect_file(&rows[i].head, rows[i].want);
}

static void test_size_at_limit(void **state)
{
    struct buf in = { 0 };
    char content[FILE_MAX] = { 0 };

    (void)state;
    add(&in, &(struct head){ .name = "a", .type = '0' }, content, sizeof content);
    add(&in, &(struct head){ .name = "b", .type = '0' }, content, 512);
    add(&in, &(struct head){ .name = "c", .type = '0' }, content, 0);
    add_end(&in);
    buf_append_text(&in, "what follows is ignored");
    expect(buf_span(&in), "a:5000=;b:512=;c:0=;end");
    buf_free(&in);
}

static void test_zero_blocks(void **state)
{
    struct buf in = { 0 };

    (void)state;
    expect(SPAN_LIT("abc"), "invalid input: backup was truncated");
    add_end(&in);
    expect(buf_span(&in), "end");
    in.len = TAR_BLOCK_BYTES;
    expect(buf_span(&in), "invalid input: backup was truncated");
    add(&in, &(struct head){ .name = "a", .type = '0' }, "data", 4);
    expect(buf_span(&in), "invalid input: tar: invalid header");
    in.len = 0;
    for (int i = 0; i < TAR_BLOCK_BYTES; i++) buf_append_char(&in, 'x');
    expect(buf_span(&in), "invalid input: tar: invalid header");
    buf_free(&in);
}

static void expect_pax(struct span pax, const char *want)
{
    struct buf in = { 0 };

    add(&in, &(struct head){ .name = "x", .type = 'x' }, pax.p, pax.len);
    add(&in, &(struct head){ .name = "a", .type = '0' }, "data", 4);
    add(&in, &(struct head){ .name = "b", .type = '0' }, "data", 4);
    add_end(&in);
    expect(buf_span(&in), want);
    buf_free(&in);
}

static void test_pax(void **state)
{
    static const struct { struct span pax; const char *want; } rows[] = {
        { SPAN_LIT(""), "a:4=data;b:4=data;end" },
        { SPAN_LIT("30 mtime=1795468928.674328101\n"), "a:4=data;b:4=data;end" },
        { SPAN_LIT("11 path=cd\n"), "cd:4=data;b:4=data;end" },
        { SPAN_LIT("10 path=c\n11 comment=\n"), "invalid input: tar: invalid pax header" },
        { SPAN_LIT("11 comment=\n11 path=ef\n"), "invalid input: tar: invalid pax header" },
        { SPAN_LIT("12 comment=\n11 path=ef\n"), "ef:4=data;b:4=data;end" },
        { SPAN_LIT("9 path=\n"), "invalid input: tar: invalid pax header" },
        { SPAN_LIT("8 path=\n"), "a:4=data;b:4=data;end" },
        { SPAN_LIT("9 size=3\n"), "a:3=dat;b:4=data;end" },
        { SPAN_LIT("12 size=5001\n"), "invalid input: tar: invalid pax header" },
        { SPAN_LIT("13 size=5001\n"), "limit reached: tar: a is too large" },
        { SPAN_LIT("11 size=501\n"), "invalid input: tar: invalid pax header" },
        { SPAN_LIT("11 size=-1\n"), "invalid input: tar: invalid pax size" },
        { SPAN_LIT("29 size=18446744073709551616\n"), "invalid input: tar: invalid pax size" },
        { SPAN_LIT("29 size=18446744073709551615\n"), "limit reached: tar: a is too large" },
        { SPAN_LIT("13 path=../c\n"), "invalid input: tar: bad file name \"../c\"" },
        { SPAN_LIT("12 path=a\0b\n"), "invalid input: tar: bad file name \"a\\x00b\"" },
        { SPAN_LIT("22 GNU.sparse.major=1\n"), "not supported: tar: sparse file" },
        { SPAN_LIT("x path=c\n"), "invalid input: tar: invalid pax header" },
        { SPAN_LIT("9 path=c;"), "invalid input: tar: invalid pax header" },
        { SPAN_LIT("8 =path\n"), "invalid input: tar: invalid pax header" },
        { SPAN_LIT("7 path\n"), "invalid input: tar: invalid pax header" },
        { SPAN_LIT("2 \n"), "invalid input: tar: invalid pax header" },
        { SPAN_LIT("0 \n"), "invalid input: tar: invalid pax header" },
        { SPAN_LIT("9"), "invalid input: tar: invalid pax header" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) expect_pax(rows[i].pax, rows[i].want);
}

static void test_pax_limits(void **state)
{
    struct buf pax = { 0 }, want = { 0 };

    (void)state;
    for (int over = 0; over < 2; over++) {
        pax.len = want.len = 0;
        buf_printf(&pax, "%d path=", 10 + TAR_NAME_BYTES_MAX + over + 1);
        for (int i = 0; i < TAR_NAME_BYTES_MAX + over; i++) buf_append_char(&pax, 'n');
        buf_append_char(&pax, '\n');
        buf_append(&want, pax.p + 10, TAR_NAME_BYTES_MAX);
        buf_append_text(&want, ":4=data;b:4=data;end");
        expect_pax(buf_span(&pax), over ? "limit reached: tar: name too long" : buf_text(&want));
    }
    for (int over = 0; over < 2; over++) {
        pax.len = 0;
        buf_printf(&pax, "%d comment=", TAR_PAX_BYTES_MAX + over);
        while (pax.len < (size_t)(TAR_PAX_BYTES_MAX + over - 1)) buf_append_char(&pax, 'c');
        buf_append_char(&pax, '\n');
        expect_pax(buf_span(&pax), over ? "limit reached: tar: pax header too large"
                                        : "a:4=data;b:4=data;end");
    }
    buf_free(&pax);
    buf_free(&want);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_real_tar),
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_size_at_limit),
        cmocka_unit_test(test_zero_blocks),
        cmocka_unit_test(test_pax),
        cmocka_unit_test(test_pax_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
