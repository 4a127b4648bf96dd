/* SPDX-License-Identifier: Apache-2.0 */
/* state_record_test.c - sections, numbers and runs come back; what is cut off is noticed. */
#include "jetstream/state_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_sections(void **state)
{
    struct buf out = { 0 };
    struct span rest, name, body;
    struct state_section section;
    uint64_t n;
    bool bad;

    (void)state;
    state_put_number(&out, STATE_LAST, UINT64_MAX);
    state_put(&out, STATE_ACCOUNT, SPAN_LIT("$G"));
    state_put_consumer(&out, SPAN_LIT("C"), SPAN_LIT("state"));
    rest = buf_span(&out);
    assert_true(state_next(&rest, &section, &bad));
    assert_int_equal(section.tag, STATE_LAST);
    assert_true(state_number(section.body, &n));
    assert_true(n == UINT64_MAX);
    assert_true(state_next(&rest, &section, &bad));
    assert_true(span_is(section.body, "$G"));
    assert_false(state_number(section.body, &n));       /* two numbers, not one */
    assert_true(state_next(&rest, &section, &bad));
    assert_true(state_consumer(section.body, &name, &body));
    assert_true(span_is(name, "C") && span_is(body, "state"));
    assert_false(state_next(&rest, &section, &bad));
    assert_false(bad);
    for (size_t len = 1; len < out.len; len++) {        /* every cut inside a section is bad */
        rest = span_make(out.p, len);
        while (state_next(&rest, &section, &bad)) continue;
        assert_true(bad || rest.len == 0);
    }
    buf_free(&out);
}

static void test_runs(void **state)
{
    static const uint64_t runs[][2] = { { 5, 5 }, { 7, 100 }, { 1, 3 },
                                        { UINT64_MAX - 10, UINT64_MAX - 2 } };
    struct buf out = { 0 }, back = { 0 };
    struct span rest;
    struct state_section section;
    bool bad;

    (void)state;
    state_put_runs(&out, STATE_REMOVED, span_make((const char *)runs, sizeof runs));
    rest = buf_span(&out);
    assert_true(state_next(&rest, &section, &bad));
    assert_true(state_runs(section.body, &back));
    assert_int_equal(back.len, sizeof runs);
    assert_memory_equal(back.p, runs, sizeof runs);
    assert_false(state_runs(SPAN_LIT("\x02"), &back));          /* no length */
    assert_false(state_runs(SPAN_LIT("\x02\x00"), &back));      /* an empty run */
    buf_free(&out);
    buf_free(&back);
}

static void test_zigzag(void **state)
{
    static const int64_t numbers[] = { 0, -1, 1, INT64_MAX, INT64_MIN, -12345678901 };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        assert_true(unzigzag(zigzag(numbers[i])) == numbers[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sections),
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_zigzag),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
