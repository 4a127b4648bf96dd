/* SPDX-License-Identifier: Apache-2.0 */
/* errors_test.c - codes, places filled, texts that are too long. */
#include "jetstream/errors.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#undef assert_fail

static const struct { enum js_err err; unsigned code; const char *text; } rows[] = {
#define JS_ERROR(name, err_code, code, text) { JS_ERR_##name, code, text },
#include "jetstream/errors.def"
#undef JS_ERROR
};

static void test_all(void **state)
{
    struct js_error e;

    (void)state;
    assert_int_equal(COUNT_OF(rows), 226);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (i > 0) assert_true(rows[i - 1].err < rows[i].err);
        assert_int_equal(js_error_set(&e, rows[i].err), rows[i].err);
        assert_int_equal(e.err, rows[i].err);
        assert_int_equal(e.code, rows[i].code);
        assert_string_equal(e.text, rows[i].text);
    }
}

static void test_places(void **state)
{
    static const char *const two[] = { "a.{x}", "b" };
    struct js_error e;

    (void)state;
    js_error_set_arg(&e, JS_ERR_INVALID_JSON, "x");
    assert_string_equal(e.text, "invalid JSON: x");
    js_error_set_arg(&e, JS_ERR_STREAM_CREATE, "");
    assert_string_equal(e.text, "");
    js_error_set_args(&e, JS_ERR_STREAM_EXTERNAL_API_OVERLAP, two, 2);
    assert_string_equal(e.text, "stream external api prefix a.{x} must not overlap with b");
    js_error_set_args(&e, JS_ERR_RESTORE_SUBSCRIBE_FAILED, two, 1);
    assert_string_equal(e.text, "JetStream unable to subscribe to restore snapshot a.{x}: {err}");
}

static void test_length(void **state)
{
    char text[600];
    struct js_error e;

    (void)state;
    memset(text, 'a', sizeof text);
    text[511] = '\0';
    js_error_set_arg(&e, JS_ERR_STREAM_CREATE, text);
    assert_string_equal(e.text, text);
    text[511] = 'a';
    text[512] = '\0';
    js_error_set_arg(&e, JS_ERR_STREAM_CREATE, text);
    assert_int_equal(strlen(e.text), 511);
    memcpy(text + 509, "\xe2\x82\xac", 4);
    js_error_set_arg(&e, JS_ERR_STREAM_CREATE, text);
    assert_int_equal(strlen(e.text), 509);          /* not the half of a character */
    js_error_set_arg(&e, JS_ERR_STREAM_RESTORE, text);
    assert_int_equal(strlen(e.text), 511);
}

static void test_write(void **state)
{
    struct buf out = { 0 };
    struct jsonw w = jsonw_start(&out);
    struct js_error e;

    (void)state;
    js_error_set(&e, JS_ERR_STREAM_NOT_FOUND);
    jsonw_object(&w, NULL);
    js_error_write(&e, &w);
    jsonw_end_object(&w);
    assert_string_equal(buf_text(&out), "{\"error\":{\"code\":404,\"err_code\":10059,"
                        "\"description\":\"stream not found\"}}");
    buf_free(&out);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_write),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
