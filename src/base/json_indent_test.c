/* SPDX-License-Identifier: Apache-2.0 */
/* json_indent_test.c - what Go's json.MarshalIndent(v, "", "  ") gives for the same values. */
#include "base/json_indent.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_rows(void **state)
{
    static const struct { const char *in, *out; } rows[] = {
        { "1", "1" },
        { "{}", "{}" },
        { "[]", "[]" },
        { "\"a\"", "\"a\"" },
        { "{\"a\":1}", "{\n  \"a\": 1\n}" },
        { "[1,2]", "[\n  1,\n  2\n]" },
        { "{\"a\":{},\"b\":[]}", "{\n  \"a\": {},\n  \"b\": []\n}" },
        { "{\"a\":[{\"b\":[1]}]}",
          "{\n  \"a\": [\n    {\n      \"b\": [\n        1\n      ]\n    }\n  ]\n}" },
        { "{\"{,:[\":\"}],:\"}", "{\n  \"{,:[\": \"}],:\"\n}" },
        { "[\"\\\"\",\"\\\\\",\"x\\\\\\\"y\"]",
          "[\n  \"\\\"\",\n  \"\\\\\",\n  \"x\\\\\\\"y\"\n]" },
        { "[true,null,-1.5e+21]", "[\n  true,\n  null,\n  -1.5e+21\n]" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf out = { 0 };

        json_append_indented(&out, span_of(rows[i].in));
        if (!span_is(buf_span(&out), rows[i].out))
            fail_msg("%s gave\n%s", rows[i].in, buf_text(&out));
        buf_free(&out);
    }
}

/* Bytes that no writer makes: must end, and stay in bounds. */
static void test_broken(void **state)
{
    static const char *const rows[] = { "", "\"", "\"\\", "{", "}", "]]]", "[\"a", "{\"a\":" };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf out = { 0 };

        json_append_indented(&out, span_of(rows[i]));
        assert_true(out.len >= strlen(rows[i]));
        buf_free(&out);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_broken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
