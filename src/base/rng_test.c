/* SPDX-License-Identifier: Apache-2.0 */
/* rng_test.c - the published sequence, and evenness. */
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#undef assert_fail

/* The first numbers of xoshiro256++ with state 1, 2, 3, 4, as its authors' code gives them. */
static void test_sequence(void **state)
{
    static const uint64_t want[] = { 41943041, 58720359, 3588806011781223, 3591011842654386 };
    struct rng r = { .s = { 1, 2, 3, 4 } };

    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
        assert_int_equal(rng_next(&r), want[i]);
}

/* splitmix64 from seed 0, as Java's SplittableRandom and the authors' code give it. */
static void test_seed(void **state)
{
    struct rng r;

    (void)state;
    rng_seed(&r, 0);
    assert_int_equal(r.s[0], UINT64_C(0xe220a8397b1dcdaf));
    assert_int_equal(r.s[1], UINT64_C(0x6e789e6aa1b965f4));
    assert_int_equal(r.s[2], UINT64_C(0x06c45d188009454f));
}

static void test_below(void **state)
{
    unsigned counts[7] = { 0 };
    struct rng r;

    (void)state;
    rng_seed(&r, 5);
    for (int i = 0; i < 70000; i++) {
        uint32_t n = rng_below(&r, 7);
        assert_in_range(n, 0, 6);
        counts[n]++;
    }
    for (int i = 0; i < 7; i++) assert_in_range(counts[i], 9500, 10500);
    assert_int_equal(rng_below(&r, 1), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sequence),
        cmocka_unit_test(test_seed),
        cmocka_unit_test(test_below),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
