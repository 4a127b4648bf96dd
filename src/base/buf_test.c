/* SPDX-License-Identifier: Apache-2.0 */
/* buf_test.c - growth, text, and quoting as Go's %q. */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#undef assert_fail

#include "base/mem.h"

#define TEXT(lit) { "" lit, sizeof(lit) - 1 }

static void test_quoted(void **state)
{
    static const struct { struct span in; const char *out; } rows[] = {
        { TEXT(""), "\"\"" }, { TEXT("foo.bar"), "\"foo.bar\"" },
        { TEXT("a\"\\b"), "\"a\\\"\\\\b\"" },
        { TEXT("\a\b\f\n\r\t\v"), "\"\\a\\b\\f\\n\\r\\t\\v\"" },
        { TEXT("\0\1\x1f\x7f"), "\"\\x00\\x01\\x1f\\x7f\"" }, { TEXT("<'%s'>"), "\"<'%s'>\"" },
        { TEXT("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
          "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"" },
        { TEXT("\xff\xc3("), "\"\\xff\\xc3(\"" }, { TEXT("\xed\xa0\x80"), "\"\\xed\\xa0\\x80\"" },
        { TEXT("\xe2\x82"), "\"\\xe2\\x82\"" }, { TEXT("\xc2\x85\xc2\xa0"), "\"\\u0085\\u00a0\"" },
        { TEXT("\xe2\x80\xa8\xe2\x80\xae\xef\xbb\xbf"), "\"\\u2028\\u202e\\ufeff\"" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf out = { 0 };
        buf_append_quoted(&out, rows[i].in);
        assert_string_equal(buf_text(&out), rows[i].out);
        buf_free(&out);
    }
}

static void test_growth(void **state)
{
    struct buf b = { 0 };
    char want[1000];

    (void)state;
    for (size_t i = 0; i < sizeof want; i++) {
        want[i] = (char)('a' + i % 26);
        buf_append_char(&b, want[i]);
        assert_true(b.len == i + 1 && b.cap >= b.len);
    }
    assert_memory_equal(b.p, want, sizeof want);
    buf_append_span(&b, SPAN_NONE);
    buf_append(&b, NULL, 0);
    assert_int_equal(b.len, sizeof want);
    buf_consume(&b, 990);
    assert_true(span_is(buf_span(&b), "cdefghijkl"));
    buf_consume(&b, 0);
    buf_consume(&b, 10);
    assert_int_equal(b.len, 0);
    buf_free(&b);
    assert_null(b.p);
}

static void test_text(void **state)
{
    struct buf b = { 0 };
    char *taken;

    (void)state;
    assert_string_equal(buf_text(&b), "");
    assert_int_equal(b.len, 0);
    buf_append_text(&b, "x=");
    buf_printf(&b, "%d,%0*d", 7, 100, 8);
    assert_int_equal(b.len, 2 + 2 + 100);
    assert_int_equal(buf_text(&b)[103], '8');
    assert_int_equal(buf_text(&b)[104], '\0');
    taken = buf_take(&b);
    assert_null(b.p);
    assert_int_equal(strlen(taken), 104);
    mem_free(taken);
    taken = buf_take(&b);
    assert_string_equal(taken, "");
    mem_free(taken);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quoted),
        cmocka_unit_test(test_growth),
        cmocka_unit_test(test_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
