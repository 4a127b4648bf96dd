/* SPDX-License-Identifier: Apache-2.0 */
/* nuid_test.c - form and difference of names. */
#include "base/nuid.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#undef assert_fail

enum { NAMES = 20000 };

static void test_form(void **state)
{
    struct rng r;
    bool seen[128] = { false };
    int kinds = 0;

    (void)state;
    rng_seed(&r, 7);
    for (int i = 0; i < NAMES; i++) {
        struct nuid n = nuid_next(&r);
        assert_int_equal(strlen(n.text), NUID_BYTES);
        for (const char *p = n.text; *p; p++) {
            assert_true(isalnum((unsigned char)*p));
            seen[(unsigned char)*p] = true;
        }
    }
    for (int i = 0; i < 128; i++) kinds += seen[i];
    assert_int_equal(kinds, 62);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct nuid *)a)->text, ((const struct nuid *)b)->text);
}

static void test_all_differ(void **state)
{
    struct nuid *names = calloc(NAMES, sizeof *names);
    struct rng r;

    (void)state;
    assert_non_null(names);
    rng_seed(&r, 1);
    for (int i = 0; i < NAMES; i++) names[i] = nuid_next(&r);
    qsort(names, NAMES, sizeof *names, by_text);
    for (int i = 1; i < NAMES; i++) assert_int_not_equal(by_text(&names[i - 1], &names[i]), 0);
    free(names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_all_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
