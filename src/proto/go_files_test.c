/* SPDX-License-Identifier: Apache-2.0 */
/* go_files_test.c - paths, and the checksums that nats-server 2.11.8 wrote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#undef assert_fail

#include "proto/fixture_test.h"
#include "proto/go_files.h"

static void test_paths(void **state)
{
    static const struct { const char *path; struct go_file want; const char *consumer; } rows[] = {
        { "meta.inf", { .kind = GO_FILE_STREAM_META }, "" },
        { "meta.sum", { .kind = GO_FILE_STREAM_SUM }, "" },
        { "errors.txt", { .kind = GO_FILE_ERRORS }, "" },
        { "msgs/index.db", { .kind = GO_FILE_INDEX }, "" },
        { "msgs/1.blk", { .kind = GO_FILE_BLOCK, .block = 1 }, "" },
        { "msgs/4294967295.blk", { .kind = GO_FILE_BLOCK, .block = UINT32_MAX }, "" },
        { "msgs/4294967296.blk", { .kind = GO_FILE_OTHER }, "" },
        { "msgs/12.idx", { .kind = GO_FILE_BLOCK_INDEX, .block = 12 }, "" },
        { "msgs/12.fss", { .kind = GO_FILE_OTHER }, "" },
        { "msgs/.blk", { .kind = GO_FILE_OTHER }, "" },
        { "msgs/-1.blk", { .kind = GO_FILE_OTHER }, "" },
        { "msgs/1.blk.tmp", { .kind = GO_FILE_OTHER }, "" },
        { "msgs/thw.db", { .kind = GO_FILE_OTHER }, "" },
        { "obs/C/meta.inf", { .kind = GO_FILE_CONSUMER_META }, "C" },
        { "obs/C/meta.sum", { .kind = GO_FILE_CONSUMER_SUM }, "C" },
        { "obs/C/o.dat", { .kind = GO_FILE_CONSUMER_STATE }, "C" },
        { "obs//o.dat", { .kind = GO_FILE_OTHER }, "" },
        { "obs/o.dat", { .kind = GO_FILE_OTHER }, "" },
        { "obs/C/D/o.dat", { .kind = GO_FILE_OTHER }, "" },
        { "obs/C/other", { .kind = GO_FILE_OTHER }, "" },
        { "", { .kind = GO_FILE_OTHER }, "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct go_file f = go_files_classify(span_of(rows[i].path));
        if (f.kind != rows[i].want.kind || f.block != rows[i].want.block ||
            !span_is(f.consumer, rows[i].consumer))
            fail_msg("%s: kind %d", rows[i].path, f.kind);
    }
}

static void test_real_sums(void **state)
{
    static const struct { const char *folder, *consumer; } rows[] = {
        { "", "" }, { "obs/worker/", "worker" }, { "obs/mailer/", "mailer" },
    };
    const char *fixture = "snapshot-2.11.8.tar.s2";

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct span stream = SPAN_LIT("ORDERS"), consumer = span_of(rows[i].consumer);
        struct buf path = { 0 }, meta, sum;
        buf_printf(&path, "%smeta.inf", rows[i].folder);
        meta = fixture_read_tar(fixture, buf_text(&path));
        path.len = 0;
        buf_printf(&path, "%smeta.sum", rows[i].folder);
        sum = fixture_read_tar(fixture, buf_text(&path));
        assert_true(go_files_meta_matches(stream, consumer, buf_span(&meta), buf_span(&sum)));
        assert_false(go_files_meta_matches(stream, SPAN_LIT("x"), buf_span(&meta),
                                           buf_span(&sum)));
        meta.p[0] ^= 1;
        assert_false(go_files_meta_matches(stream, consumer, buf_span(&meta), buf_span(&sum)));
        buf_free(&path);
        buf_free(&meta);
        buf_free(&sum);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_real_sums),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
