/* SPDX-License-Identifier: Apache-2.0 */
/* pub_headers_test.c - headers are found, the first of a key counts, numbers and TTLs as Go's. */
#include "jetstream/pub_headers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_scan(void **state)
{
    struct pub_headers h;

    (void)state;
    pub_headers_scan(SPAN_LIT("NATS/1.0\r\nNats-Msg-Id: a b \r\nX: y\r\nNats-Msg-Id: c\r\n"
                              "Nats-TTL:1s\r\nnats-rollup: sub\r\nKV-Operation: DEL\r\n\r\n"), &h);
    assert_true(h.any);
    assert_true(span_is(h.msg_id, "a b "));     /* spaces behind a value belong to it */
    assert_true(span_is(h.ttl, "1s"));
    assert_null(h.rollup.p);            /* keys have a case */
    assert_true(span_is(h.kv_operation, "DEL"));
    pub_headers_scan(SPAN_LIT("NATS/1.0\r\nNats-Batch-Commit:\r\n\r\n"), &h);
    assert_non_null(h.batch_commit.p);  /* there, though empty */
    pub_headers_scan(SPAN_LIT("NATS/1.0\r\nX: y\r\n\r\n"), &h);
    assert_false(h.any);
    pub_headers_scan(SPAN_LIT("Nats-TTL: 1"), &h);      /* the first line is the version */
    assert_false(h.any);
}

static void test_numbers(void **state)
{
    (void)state;
    assert_true(pub_headers_number(SPAN_LIT("0")) == 0);
    assert_true(pub_headers_number(SPAN_LIT("9223372036854775807")) == INT64_MAX);
    assert_true(pub_headers_number(SPAN_LIT("9223372036854775808")) == UINT64_MAX);
    assert_true(pub_headers_number(SPAN_LIT("-1")) == UINT64_MAX);
    assert_true(pub_headers_number(SPAN_LIT("1x")) == UINT64_MAX);
    assert_true(pub_headers_number(SPAN_NONE) == UINT64_MAX);
}

static void test_rollup(void **state)
{
    static const struct {
        const char *text;
        enum rollup expected;
    } rows[] = {
        { "sub", ROLLUP_SUBJECT }, { "SUB", ROLLUP_SUBJECT }, { "All", ROLLUP_ALL },
        { "", ROLLUP_NONE }, { "subs", ROLLUP_NONE }, { "sub ", ROLLUP_NONE },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct pub_headers h = { .rollup = span_of(rows[i].text) };
        assert_int_equal(pub_headers_rollup(&h), rows[i].expected);
    }
}

static void test_ttl(void **state)
{
    static const struct {
        const char *text;
        bool good;
        int64_t seconds;
    } rows[] = {
        { "", true, 0 }, { "1", true, 1 }, { "1s", true, 1 }, { "1500ms", true, 1 },
        { "1h", true, 3600 }, { "never", true, -1 }, { "NEVER", true, -1 },
        { "9223372036854775807", true, INT64_MAX },
        { "99999999999999999999", true, INT64_MAX }, { "1 ", false, 0 },
        { "999ms", false, 0 }, { "0", false, 0 }, { "-1", false, 0 }, { "x", false, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t seconds;
        assert_int_equal(pub_headers_ttl(span_of(rows[i].text), &seconds), rows[i].good);
        if (rows[i].good) assert_int_equal(seconds, rows[i].seconds);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scan),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_rollup),
        cmocka_unit_test(test_ttl),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
