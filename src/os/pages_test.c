/* SPDX-License-Identifier: Apache-2.0 */
/* pages_test.c - fresh and dropped pages are zero, their neighbours stay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "os/pages.h"

#define PAGE 4096

static void dropped_pages_are_zero(void **state)
{
    char *p = pages_map(3 * PAGE);

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(p[i * PAGE], 0);
        p[i * PAGE] = 'x';
    }
    pages_drop(p + PAGE, PAGE);
    assert_int_equal(p[0], 'x');
    assert_int_equal(p[PAGE], 0);
    assert_int_equal(p[2 * PAGE], 'x');
    pages_unmap(p, 3 * PAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(dropped_pages_are_zero) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
