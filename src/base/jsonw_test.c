/* SPDX-License-Identifier: Apache-2.0 */
/* jsonw_test.c - what Go's encoding/json writes for the same values. */
#include "base/jsonw.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#undef assert_fail

#define TEXT(lit) { "" lit, sizeof(lit) - 1 }

static void test_strings(void **state)
{
    static const struct { struct span value; const char *json; } rows[] = {
        { TEXT(""), "\"\"" }, { TEXT("a"), "\"a\"" }, { TEXT("\"\\"), "\"\\\"\\\\\"" },
        { TEXT("\n\r\t\b\f"), "\"\\n\\r\\t\\b\\f\"" },
        { TEXT("\0\1\x1f\x7f"), "\"\\u0000\\u0001\\u001f\x7f\"" },
        { TEXT("<>&'/"), "\"\\u003c\\u003e\\u0026'/\"" },
        { TEXT("\xc3\xa9\xe2\x82\xac"), "\"\xc3\xa9\xe2\x82\xac\"" },
        { TEXT("\xff\xc3("), "\"\\ufffd\\ufffd(\"" },
        { TEXT("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\"" },
        { TEXT("\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa"), "\"\\u2028\\u2029\xe2\x80\xaa\"" },
        { TEXT("\xf0\x9f\x98\x80"), "\"\xf0\x9f\x98\x80\"" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf out = { 0 };
        jsonw_append_quoted(&out, rows[i].value);
        assert_string_equal(buf_text(&out), rows[i].json);
        buf_free(&out);
    }
}

static void test_doubles(void **state)
{
    static const struct { double value; const char *json; } rows[] = {
        { 0, "0" }, { -0.0, "-0" }, { 1, "1" }, { -1, "-1" }, { 0.1, "0.1" }, { -2.25, "-2.25" },
        { 100, "100" }, { 1e20, "100000000000000000000" }, { 1e21, "1e+21" },
        { 1.5e21, "1.5e+21" }, { 123456789012345680000., "123456789012345680000" },
        { 1e-6, "0.000001" }, { 1e-7, "1e-7" }, { 1.234e-6, "0.000001234" },
        { 1.2345e-7, "1.2345e-7" }, { 1.0 / 3, "0.3333333333333333" },
        { 0.1 + 0.2, "0.30000000000000004" }, { 1.7976931348623157e308, "1.7976931348623157e+308" },
        { 5e-324, "5e-324" }, { 9007199254740993., "9007199254740992" },
        { 12345678.9, "12345678.9" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf out = { 0 };
        struct jsonw w = jsonw_start(&out);
        jsonw_double(&w, NULL, rows[i].value);
        assert_string_equal(buf_text(&out), rows[i].json);
        buf_free(&out);
    }
}

static void test_structure(void **state)
{
    struct buf out = { 0 };
    struct jsonw w = jsonw_start(&out);

    (void)state;
    jsonw_object(&w, NULL);
    jsonw_text(&w, "none", NULL);
    jsonw_text_if(&w, "left out", "");
    jsonw_text_if(&w, "left out", NULL);
    jsonw_int_if(&w, "left out", 0);
    jsonw_bool_if(&w, "left out", false);
    jsonw_text_if(&w, "t", "x");
    jsonw_int_if(&w, "i", -5);
    jsonw_bool_if(&w, "b", true);
    jsonw_array(&w, "empty");
    jsonw_end_array(&w);
    jsonw_array(&w, "list");
    jsonw_int(&w, NULL, INT64_MIN);
    jsonw_uint(&w, NULL, UINT64_MAX);
    jsonw_null(&w, NULL);
    jsonw_object(&w, NULL);
    jsonw_end_object(&w);
    jsonw_object(&w, NULL);
    jsonw_bool(&w, "no", false);
    jsonw_end_object(&w);
    jsonw_end_array(&w);
    jsonw_key(&w, SPAN_LIT("a\"b"));
    jsonw_time(&w, NULL, 0);
    jsonw_duration(&w, "d", 1500000000);
    jsonw_end_object(&w);
    assert_string_equal(buf_text(&out),
                        "{\"none\":\"\",\"t\":\"x\",\"i\":-5,\"b\":true,\"empty\":[],\"list\":["
                        "-9223372036854775808,18446744073709551615,null,{},{\"no\":false}],"
                        "\"a\\\"b\":\"1970-01-01T00:00:00Z\",\"d\":\"1.5s\"}");
    buf_free(&out);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_doubles),
        cmocka_unit_test(test_structure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
