/* SPDX-License-Identifier: Apache-2.0 */
/* metadata_test.c - pairs kept in order, and those that belong to the server. */
#include "jetstream/stream_config.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#undef assert_fail

#include "jetstream/js_level.h"

static void expect(const struct js_metadata *m, const char *version, const char *want)
{
    struct buf out = { 0 };
    struct jsonw w = jsonw_start(&out);

    jsonw_object(&w, NULL);
    js_metadata_write_info(m, &w, version);
    jsonw_end_object(&w);
    assert_string_equal(buf_text(&out), want);
    buf_free(&out);
}

static void test_pairs(void **state)
{
    struct js_metadata m = { 0 }, copy;

    (void)state;
    expect(&m, NULL, "{}");
    js_metadata_set(&m, "b", "2");
    js_metadata_set(&m, "a", "1");
    js_metadata_set(&m, "c\"", "<3>");
    js_metadata_set(&m, "b", "4");
    expect(&m, NULL, "{\"metadata\":{\"a\":\"1\",\"b\":\"4\",\"c\\\"\":\"\\u003c3\\u003e\"}}");
    assert_string_equal(js_metadata_get(&m, "b"), "4");
    assert_null(js_metadata_get(&m, "bb"));
    assert_int_equal(js_metadata_size(&m), 1 + 1 + 1 + 1 + 2 + 3);
    js_metadata_copy(&copy, &m);
    assert_true(js_metadata_equal(&m, &copy));
    js_metadata_remove(&m, "x");
    js_metadata_remove(&m, "a");
    assert_false(js_metadata_equal(&m, &copy));
    expect(&m, NULL, "{\"metadata\":{\"b\":\"4\",\"c\\\"\":\"\\u003c3\\u003e\"}}");
    js_metadata_remove_prefix(&m, "c");
    js_metadata_remove(&m, "b");
    expect(&m, NULL, "{}");
    assert_null(m.pairs);
    js_metadata_free(&m);
    js_metadata_free(&copy);
}

static void test_server(void **state)
{
    struct js_metadata m = { 0 }, old = { 0 };

    (void)state;
    expect(&m, "2.12.0", "{\"metadata\":{\"_nats.level\":\"2\",\"_nats.ver\":\"2.12.0\"}}");
    js_metadata_set(&m, JS_KEY_LEVEL, "9");
    js_metadata_set(&m, JS_KEY_VERSION, "9");
    js_metadata_set(&m, JS_KEY_REQUIRED_LEVEL, "9");
    js_metadata_set(&m, "A", "1");
    js_metadata_set(&m, "a", "1");
    assert_false(js_metadata_level_is_supported(&m));
    expect(&m, "2.12.0", "{\"metadata\":{\"A\":\"1\",\"_nats.level\":\"2\",\"_nats.req.level\":"
           "\"9\",\"_nats.ver\":\"2.12.0\",\"a\":\"1\"}}");
    js_metadata_set_static(&m, 1);
    expect(&m, NULL, "{\"metadata\":{\"A\":\"1\",\"_nats.req.level\":\"1\",\"a\":\"1\"}}");
    assert_true(js_metadata_level_is_supported(&m));
    js_metadata_set(&old, JS_KEY_REQUIRED_LEVEL, "0");
    js_metadata_copy_static(&m, &old);
    assert_string_equal(js_metadata_get(&m, JS_KEY_REQUIRED_LEVEL), "0");
    js_metadata_remove(&old, JS_KEY_REQUIRED_LEVEL);
    js_metadata_copy_static(&m, &old);
    assert_null(js_metadata_get(&m, JS_KEY_REQUIRED_LEVEL));
    assert_true(js_metadata_level_is_supported(&m));
    js_metadata_set(&m, JS_KEY_REQUIRED_LEVEL, "x");
    assert_false(js_metadata_level_is_supported(&m));
    js_metadata_set(&m, JS_KEY_REQUIRED_LEVEL, "3");
    assert_false(js_metadata_level_is_supported(&m));
    js_metadata_set(&m, JS_KEY_REQUIRED_LEVEL, "2");
    assert_true(js_metadata_level_is_supported(&m));
    js_metadata_free(&m);
    js_metadata_free(&old);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_server),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
