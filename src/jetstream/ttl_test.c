/* SPDX-License-Identifier: Apache-2.0 */
/* ttl_test.c - entries come out in the order of their time, whatever order they went in. */
#include "jetstream/ttl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"

static void test_order(void **state)
{
    struct ttl t = { 0 };
    struct rng rng;
    int64_t before = 0;
    uint64_t sum = 0;

    (void)state;
    rng_seed(&rng, 7);
    for (uint64_t seq = 1; seq <= 5000; seq++) ttl_add(&t, rng_below(&rng, 1000), seq);
    assert_int_equal(t.count, 5000);
    while (t.count) {
        struct ttl_entry e = ttl_first(&t);
        assert_true(e.due_ns >= before);
        assert_int_equal(ttl_next(&t), e.due_ns);
        before = e.due_ns;
        sum += e.seq;
        ttl_drop_first(&t);
    }
    assert_int_equal(sum, 5000 * 5001 / 2);
    assert_true(ttl_next(&t) == INT64_MAX);
    assert_null(t.entries);             /* an empty heap holds no memory */
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_order) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
