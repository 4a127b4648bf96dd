/* SPDX-License-Identifier: Apache-2.0 */
/* timers_test.c - random sets, clears and pops against a scan of all timers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/rng.h"
#include "base/span.h"
#include "net/timers.h"

static int64_t earliest(const struct timer *all, size_t count)
{
    int64_t min = INT64_MAX;

    for (size_t i = 0; i < count; i++)
        if (timer_is_set(&all[i]) && all[i].due_ns < min) min = all[i].due_ns;
    return min;
}

static void agrees_with_a_scan(void **state)
{
    struct timer all[200] = { 0 };
    struct timers ts = { 0 };
    struct rng r;

    (void)state;
    rng_seed(&r, 5);
    for (int step = 0; step < 50000; step++) {
        struct timer *t = &all[rng_below(&r, COUNT_OF(all))];
        switch (rng_below(&r, 4)) {
        case 0:
        case 1: timers_set(&ts, t, rng_below(&r, 1000)); break;
        case 2: timers_clear(&ts, t); break;
        default: {
            int64_t now = rng_below(&r, 1000), min = earliest(all, COUNT_OF(all));
            struct timer *due = timers_pop(&ts, now);
            if ((due != NULL) != (min <= now)) fail_msg("step %d", step);
            if (due) assert_true(due->due_ns == min && !timer_is_set(due));
        }
        }
        assert_true(timers_next(&ts) == earliest(all, COUNT_OF(all)));
    }
    timers_fini(&ts);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(agrees_with_a_scan) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
