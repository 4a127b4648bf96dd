/* SPDX-License-Identifier: Apache-2.0 */
/* go_consumer_test.c - states that nats-server 2.11.8 wrote, and broken ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#undef assert_fail

#include "base/mem.h"
#include "proto/fixture_test.h"
#include "proto/go_consumer.h"

static void note(struct buf *log, const struct go_consumer_state *s)
{
    buf_printf(log, "floor %llu/%llu delivered %llu/%llu",
               (unsigned long long)s->ack_floor_consumer, (unsigned long long)s->ack_floor_stream,
               (unsigned long long)s->delivered_consumer,
               (unsigned long long)s->delivered_stream);
    for (size_t i = 0; i < s->pending_count; i++)
        buf_printf(log, " p%llu=%llu@%lld", (unsigned long long)s->pending[i].stream_seq,
                   (unsigned long long)s->pending[i].consumer_seq,
                   (long long)s->pending[i].timestamp_ns / 1000000000);
    for (size_t i = 0; i < s->redelivered_count; i++)
        buf_printf(log, " r%llu=%llu", (unsigned long long)s->redelivered[i].stream_seq,
                   (unsigned long long)s->redelivered[i].count);
}

static void expect(struct span bytes, const char *want)
{
    char *exact = mem_dup_span(bytes);
    struct go_consumer_state s;
    struct buf log = { 0 };
    struct error why;
    enum status st = go_consumer_decode(&s, span_make(exact, bytes.len), &why);

    if (st == ST_OK) note(&log, &s);
    else buf_printf(&log, "%s: %s", status_text(st), why.text);
    if (strcmp(buf_text(&log), want) != 0) fail_msg("got %s, not %s", buf_text(&log), want);
    go_consumer_state_fini(&s);
    buf_free(&log);
    mem_free(exact);
}

static void test_real_states(void **state)
{
    static const struct { const char *fixture, *path, *want; } rows[] = {
        { "snapshot-2.11.8.tar.s2", "obs/worker/o.dat",
          "floor 3/4 delivered 6/8 p7=5@1795468928 p8=6@1795468928 p6=4@1795468928" },
        { "snapshot-2.11.8.tar.s2", "obs/mailer/o.dat", "floor 0/0 delivered 0/1" },
        { "snapshot-2.11.8-deleted.tar.s2", "obs/worker/o.dat",
          "floor 0/0 delivered 6/10 p7=1@1795469981 p9=2@1795469981 r7=1 r9=1" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf bytes = fixture_read_tar(rows[i].fixture, rows[i].path);
        expect(buf_span(&bytes), rows[i].want);
        for (size_t cut = 0; cut < bytes.len; cut++)
            expect(span_make(bytes.p, cut), "invalid input: corrupt consumer state");
        buf_free(&bytes);
    }
}

#define BIG "\xff\xff\xff\xff\xff\xff\xff\xff\x7f"         /* 2^63 - 1 */
#define CORRUPT "invalid input: corrupt consumer state"

static void test_rows(void **state)
{
    static const struct { struct span bytes; const char *want; } rows[] = {
        { SPAN_LIT("\x16\2\0\0\0\0\0\0"), "floor 0/0 delivered 0/0" },
        { SPAN_LIT("\x16\2\1\2\3\4\0\0rest"), "floor 1/2 delivered 3/4" },
        { SPAN_LIT("\x16\1\3\4\1\2\0\0"), "floor 3/4 delivered 3/5" },
        { SPAN_LIT("\x16\1\3\4\1\2\1\x14\5\4\1\1\2"), "floor 3/4 delivered 3/5 p9=0@12 r5=2" },
        { SPAN_LIT("\x16\2\3\4\5\6\1\x14\5\4\4\1\1\2"), "floor 3/4 delivered 5/6 p9=7@8 r5=2" },
        { SPAN_LIT("\x16\2\3\4\5\6\0\3\0\1\1\0\2\1"), "floor 3/4 delivered 5/6 r6=1" },
        { SPAN_LIT("\x16\2\3\4\5\6\0\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\1"),
          "floor 3/4 delivered 5/6 r3=1" },
        { SPAN_LIT("\x16\2\0" BIG "\0\0\0\0"), "floor 0/9223372036854775807 delivered 0/0" },
        { SPAN_LIT("\x16\2\0\x80\x80\x80\x80\x80\x80\x80\x80\x80\1\0\0\0\0"), CORRUPT },
        { SPAN_LIT("\x16\2\0\0\0\x80\x80\x80\x80\x80\x80\x80\x80\x80\1\0\0"), CORRUPT },
        { SPAN_LIT("\x16\3\0\0\0\0\0\0"), "not supported: consumer state of version 3" },
        { SPAN_LIT("\x17\2\0\0\0\0\0\0"), CORRUPT },
        { SPAN_LIT("\x16\2\0\0\0\0\1\0\0\0\0\0"), CORRUPT },         /* sequence 0 pending */
        { SPAN_LIT("\x16\2\0\0\0\0" BIG "\0\1\1\0\0"), CORRUPT },     /* counts */
        { SPAN_LIT("\x16\2\0\0\0\0\2\0\1\1\0\0"), CORRUPT },
        { SPAN_LIT("\x16\2\0\0\0\0\0" BIG "\1\1"), CORRUPT },
        { SPAN_LIT("\x16\2\0\0\0\0\0\2\1\1"), CORRUPT },
        { SPAN_LIT("\x16\2\0\0\0\0\1" BIG "\1\1\0\0"), CORRUPT },     /* times */
        { SPAN_LIT("\x16\2\0\0\0\0\1\1\1\1\xfe\xff\xff\xff\xff\xff\xff\xff\xff\1\0"), CORRUPT },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) expect(rows[i].bytes, rows[i].want);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_real_states),
        cmocka_unit_test(test_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
