/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint_test.c - paths, and the bound of an answer. */
#include "monitor/endpoint.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_paths(void **state)
{
    static const struct { const char *path; enum endpoint endpoint; } rows[] = {
        { "/", ENDPOINT_ROOT }, { "/varz", ENDPOINT_VARZ }, { "/subsz", ENDPOINT_SUBSZ },
        { "/subscriptionsz", ENDPOINT_SUBSZ }, { "/debug/vars", ENDPOINT_EXPVARZ },
        { "", ENDPOINT_COUNT }, { "varz", ENDPOINT_COUNT }, { "/varz/", ENDPOINT_COUNT },
        { "/Varz", ENDPOINT_COUNT }, { "/debug", ENDPOINT_COUNT },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (endpoint_find(span_of(rows[i].path)) != rows[i].endpoint)
            fail_msg("path %s", rows[i].path);
    for (unsigned i = 0; i < ENDPOINT_COUNT; i++)
        assert_int_equal(endpoint_find(span_of(endpoint_path((enum endpoint)i))), i);
}

/* The largest answer, and one byte more. */
static void test_bound(void **state)
{
    (void)state;
    for (size_t more = 0; more < 2; more++) {
        struct buf json = { 0 };
        struct reply r = { .status = 0 };
        size_t len = REPLY_BYTES_MAX + more;

        buf_reserve(&json, len);
        memset(json.p, 'x', len);
        json.p[0] = json.p[len - 1] = '"';
        json.len = len;
        reply_json(&r, &json);
        assert_int_equal(r.status, more ? 400 : 200);
        assert_int_equal(r.any_origin, !more);
        if (more)
            assert_true(r.body.len < 100);
        else
            assert_int_equal(r.body.len, len);
        buf_free(&r.body);
        buf_free(&json);
    }
}

/* Small before it is spread over lines, too large then. */
static void test_bound_indented(void **state)
{
    struct buf json = { 0 };
    struct reply r = { .status = 0 };

    (void)state;
    buf_append_char(&json, '[');
    while (json.len < REPLY_BYTES_MAX / 2) buf_append_text(&json, "1,1,");
    buf_append_text(&json, "1]");
    reply_json(&r, &json);
    assert_int_equal(r.status, 400);
    buf_free(&r.body);
    buf_free(&json);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_bound_indented),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
