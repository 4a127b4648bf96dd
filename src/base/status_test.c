/* SPDX-License-Identifier: Apache-2.0 */
/* status_test.c - texts, and reasons that are too long. */
#include "base/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#undef assert_fail

static void test_texts(void **state)
{
    (void)state;
    assert_string_equal(status_text(ST_OK), "ok");
    assert_string_equal(status_text(ST_LIMIT), "limit reached");
    assert_string_equal(status_text(ST_UNSUPPORTED), "not supported");
}

static void test_reason(void **state)
{
    struct error why = { "" };

    (void)state;
    assert_int_equal(error_set(&why, ST_IO, "%s: %d", "file", 3), ST_IO);
    assert_string_equal(why.text, "file: 3");
    assert_int_equal(error_set(NULL, ST_CLOSED, "unread"), ST_CLOSED);
    error_set(&why, ST_OK, "%511s", "fits");
    assert_int_equal(strlen(why.text), 511);
    assert_string_equal(why.text + 507, "fits");
    error_set(&why, ST_OK, "%513s", "cut");
    assert_int_equal(strlen(why.text), sizeof why.text - 1);
    assert_string_equal(why.text + 510, "c");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
