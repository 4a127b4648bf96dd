/* SPDX-License-Identifier: Apache-2.0 */
/* clock_test.c - calendar arithmetic around its edges; entropy that differs. */
#include "os/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/span.h"
#include "os/entropy.h"

static void test_calendar(void **state)
{
    static const struct {
        int64_t ns;
        bool utc;
        struct calendar want;
    } rows[] = {
        { 0, true, { 1970, 1, 1, 0, 0, 0, 0, 0 } },
        { -1, true, { 1969, 12, 31, 23, 59, 59, 999999999, 0 } },
        { 1709164800123456789, true, { 2024, 2, 29, 0, 0, 0, 123456789, 0 } },
        { 0, false, { 1970, 1, 1, 5, 30, 0, 0, 19800 } },
        { -19800000000001, false, { 1969, 12, 31, 23, 59, 59, 999999999, 19800 } },
    };

    (void)state;
    setenv("TZ", "XYZ-5:30", 1);
    tzset();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct calendar got = clock_calendar(rows[i].ns, rows[i].utc);

        if (memcmp(&got, &rows[i].want, sizeof(got)) != 0)
            fail_msg("row %zu: %d-%d-%d %d:%d:%d.%d %d", i, got.year, got.month, got.day, got.hour,
                     got.minute, got.second, got.nanosecond, got.utc_offset_s);
    }
}

static void test_clocks_advance(void **state)
{
    int64_t mono = clock_mono_ns(), wall = clock_wall_ns();
    time_t now = time(NULL);

    (void)state;
    for (int i = 0; i < 1000; i++) assert_true(clock_mono_ns() >= mono);
    assert_true(wall / 1000000000 <= now + 1 && wall / 1000000000 >= now - 60);
}

static void test_entropy_differs(void **state)
{
    unsigned char a[300] = { 0 }, b[300] = { 0 };
    int zeros = 0;

    (void)state;
    entropy_fill(a, sizeof(a));
    entropy_fill(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
    for (size_t i = 0; i < sizeof(a); i++) zeros += a[i] == 0 && b[i] == 0;
    assert_true(zeros < 10);            /* every part was filled */
    assert_true(entropy_u64() != entropy_u64());
    entropy_fill(a, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calendar),
        cmocka_unit_test(test_clocks_advance),
        cmocka_unit_test(test_entropy_differs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
