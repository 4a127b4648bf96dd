/* SPDX-License-Identifier: Apache-2.0 */
/* trim_test.c - less is resident afterwards, and everything still runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "os/trim.h"

/* Resident pages that belong to files. */
static long file_pages(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    long size, resident, shared;

    assert_non_null(f);
    assert_int_equal(fscanf(f, "%ld %ld %ld", &size, &resident, &shared), 3);
    fclose(f);
    return shared;
}

static void code_goes_and_comes_back(void **state)
{
    long before = file_pages();

    (void)state;
    assert_true(trim_code() > 0);
    assert_true(file_pages() < before);
    assert_int_equal(strtol("42", NULL, 10), 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(code_goes_and_comes_back) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
