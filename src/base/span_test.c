/* SPDX-License-Identifier: Apache-2.0 */
/* span_test.c - numbers at their limits, order, trimming. */
#include "base/span.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#undef assert_fail

static void test_numbers(void **state)
{
    static const struct { const char *text; bool u, i; } rows[] = {
        { "", false, false }, { "0", true, true }, { "007", true, true }, { "-1", false, true },
        { "+1", false, true }, { "-", false, false }, { "--1", false, false },
        { " 1", false, false },
        { "1 ", false, false }, { "1a", false, false }, { "0x1", false, false },
        { "9223372036854775807", true, true }, { "9223372036854775808", true, false },
        { "-9223372036854775808", false, true }, { "-9223372036854775809", false, false },
        { "18446744073709551615", true, false }, { "18446744073709551616", false, false },
        { "99999999999999999999999", false, false }, { "/", false, false }, { ":", false, false },
    };

    (void)state;
    for (size_t n = 0; n < COUNT_OF(rows); n++) {
        uint64_t u = 42;
        int64_t i = 42;
        if (span_to_u64(span_of(rows[n].text), &u) != rows[n].u) fail_msg("u64 %s", rows[n].text);
        if (span_to_i64(span_of(rows[n].text), &i) != rows[n].i) fail_msg("i64 %s", rows[n].text);
        if (u != (rows[n].u ? strtoull(rows[n].text, NULL, 10) : 42)) fail_msg("%s", rows[n].text);
        if (i != (rows[n].i ? strtoll(rows[n].text, NULL, 10) : 42)) fail_msg("%s", rows[n].text);
    }
}

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

static void test_order(void **state)
{
    static const struct { const char *a, *b; int order; bool nocase; } rows[] = {
        { "", "", 0, true }, { "", "a", -1, false }, { "a", "ab", -1, false },
        { "a", "b", -1, false }, { "ab", "b", -1, false }, { "a", "A", 1, true },
        { "a", "\xff", -1, false }, { "Foo-BAR9", "fOO-bar9", -1, true },
        { "[", "{", -1, false }, { "@", "`", -1, false }, { "\xc3\x84", "\xc3\xa4", -1, false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct span a = span_of(rows[i].a), b = span_of(rows[i].b);
        if (sign(span_compare(a, b)) != rows[i].order) fail_msg("row %zu", i);
        if (sign(span_compare(b, a)) != -rows[i].order) fail_msg("row %zu", i);
        if (span_equal_nocase(a, b) != rows[i].nocase) fail_msg("row %zu", i);
        if (span_equal(a, b) != (rows[i].order == 0)) fail_msg("row %zu", i);
    }
}

static void test_parts(void **state)
{
    struct span none = SPAN_NONE, text = SPAN_LIT("\t a b\r\n ");

    (void)state;
    assert_true(span_is(span_trim(text), "a b"));
    assert_int_equal(span_trim(SPAN_LIT(" \r\n\t")).len, 0);
    assert_int_equal(span_trim(none).len, 0);
    assert_int_equal(span_find(text, 'b'), 4);
    assert_int_equal(span_find(text, 'x'), text.len);
    assert_int_equal(span_find(none, 'x'), 0);
    assert_true(span_is(span_from(text, 4), "b\r\n "));
    assert_int_equal(span_from(text, text.len).len, 0);
    assert_null(span_from(none, 0).p);
    assert_true(span_has_prefix(text, none));
    assert_true(span_has_prefix(text, SPAN_LIT("\t a")));
    assert_false(span_has_prefix(SPAN_LIT("a"), SPAN_LIT("ab")));
    assert_true(span_is(span_of(NULL), ""));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_parts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
