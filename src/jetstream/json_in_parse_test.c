/* SPDX-License-Identifier: Apache-2.0 */
/* json_in_parse_test.c - text that is JSON, or is not, with Go's words for why; and limits. */
#include "jetstream/json_in.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#undef assert_fail
#include <jansson.h>

/* What was parsed, written again by json_in_append_raw. */
static void test_good(void **state)
{
    static const struct { const char *text, *again; } rows[] = {
        { "", "null" }, { " \t\r\n", "null" }, { " null ", "null" }, { "true", "true" },
        { "-0", "0" }, { "12", "12" }, { "-9223372036854775808", "-9223372036854775808" },
        { "1e3", "1e3" }, { "1.50", "1.50" }, { "-0.0E-2", "-0.0E-2" },
        { "9223372036854775808", "9223372036854775808" }, { "\"\"", "\"\"" },
        { "[]", "[]" }, { "{}", "{}" }, { "[1, {\"a\" :[ ]}]", "[1,{\"a\":[]}]" },
        { "{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}" },
        { "\"\xff\xc3(\"", "\"\xef\xbf\xbd\xef\xbf\xbd(\"" },
        { "\"\\ud800x\\udc00\"", "\"\xef\xbf\xbdx\xef\xbf\xbd\"" },
        { "\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"" },
        { "\"\\n\\/\\u0041\"", "\"\\n/A\"" },
        { "{\"\\u0000\":1}", "{\"\xef\xbf\xbd\":1}" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct error why = { "" };
        json_t *tree = json_in_parse(span_of(rows[i].text), &why);
        struct buf out = { 0 };
        if (tree == NULL) fail_msg("%s: %s", rows[i].text, why.text);
        json_in_append_raw(&out, tree);
        assert_string_equal(buf_text(&out), rows[i].again);
        buf_free(&out);
        json_decref(tree);
    }
}

#define BAD(text, why) { { "" text, sizeof(text) - 1 }, why }
static void test_bad(void **state)
{
    static const struct { struct span text; const char *why; } rows[] = {
        BAD("{", "unexpected EOF"), BAD("[1", "unexpected EOF"), BAD("\"a", "unexpected EOF"),
        BAD("\"\\", "unexpected EOF"), BAD("\"\\u00", "unexpected EOF"),
        BAD("-", "unexpected EOF"), BAD("1.", "unexpected EOF"), BAD("1e", "unexpected EOF"),
        BAD("tru", "unexpected EOF"), BAD("{\"a\"", "unexpected EOF"),
        BAD("{\"a\":", "unexpected EOF"), BAD("{\"a\":1,", "unexpected EOF"),
        BAD("x", "invalid character 'x' looking for beginning of value at offset 1"),
        BAD("'", "invalid character '\\'' looking for beginning of value at offset 1"),
        BAD("\0", "invalid character '\\x00' looking for beginning of value at offset 1"),
        BAD("\xc3\xa9", "invalid character '\xc3\x83' looking for beginning of value at "
            "offset 1"),
        BAD("[1,]", "invalid character ']' looking for beginning of value at offset 4"),
        BAD("{,}", "invalid character ',' looking for beginning of object key string at "
            "offset 2"),
        BAD("{\"a\":1,}", "invalid character '}' looking for beginning of object key string at "
            "offset 8"),
        BAD("{\"a\" 1}", "invalid character '1' after object key at offset 6"),
        BAD("{\"a\":1 \"b\"}", "invalid character '\"' after object key:value pair at offset 8"),
        BAD("[1 2]", "invalid character '2' after array element at offset 4"),
        BAD("\"\n\"", "invalid character '\\n' in string literal at offset 2"),
        BAD("\"\\x\"", "invalid character 'x' in string escape code at offset 3"),
        BAD("\"\\u12g4\"", "invalid character 'g' in \\u hexadecimal character escape at "
            "offset 6"),
        BAD("-a", "invalid character 'a' in numeric literal at offset 2"),
        BAD("1.x", "invalid character 'x' after decimal point in numeric literal at offset 3"),
        BAD("1e+x", "invalid character 'x' in exponent of numeric literal at offset 4"),
        BAD("trux", "invalid character 'x' in literal true (expecting 'e') at offset 4"),
        BAD("fx", "invalid character 'x' in literal false (expecting 'a') at offset 2"),
        BAD("nux", "invalid character 'x' in literal null (expecting 'l') at offset 3"),
        BAD("{} x", "invalid character 'x' looking for beginning of value at offset 4"),
        BAD("{} {}", "invalid character '{' looking for beginning of value at offset 4"),
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct error why = { "" };
        json_t *tree = json_in_parse(rows[i].text, &why);
        if (tree != NULL) fail_msg("%.*s is JSON", SPAN_ARG(rows[i].text));
        assert_string_equal(why.text, rows[i].why);
    }
}

static json_t *parse(const struct buf *text, struct error *why)
{
    return json_in_parse(buf_span(text), why);
}

static void test_limits(void **state)
{
    struct buf text = { 0 };
    struct error why;
    json_t *tree;

    (void)state;
    for (int depth = 32; depth <= 33; depth++) {
        text.len = 0;
        for (int i = 0; i < depth; i++) buf_append_char(&text, '[');
        for (int i = 0; i < depth; i++) buf_append_char(&text, ']');
        tree = parse(&text, &why);
        assert_true((tree != NULL) == (depth == 32));
        json_decref(tree);
    }
    assert_string_equal(why.text, "invalid character '[' exceeded max depth at offset 33");
    text.len = 0;
    buf_append_text(&text, "[0");               /* the array and one number */
    for (int i = 2; i < JSON_IN_VALUES_MAX; i++) buf_append_text(&text, ",0");
    buf_append_char(&text, ']');
    tree = parse(&text, &why);
    assert_int_equal(json_array_size(tree), JSON_IN_VALUES_MAX - 1);
    json_decref(tree);
    text.len--;
    buf_append_text(&text, ",0]");
    assert_null(parse(&text, &why));
    assert_string_equal(why.text, "more than 262144 values at offset 524288");
    buf_free(&text);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
