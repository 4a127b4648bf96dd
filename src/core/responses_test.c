/* SPDX-License-Identifier: Apache-2.0 */
/* responses_test.c - how often, how long and for how many subjects an answer is due. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "core/responses.h"

static bool take(struct responses *r, const char *subject, int64_t now_ns)
{
    return responses_take(r, span_of(subject), now_ns);
}

static void answers_are_counted(void **state)
{
    struct responses *r = responses_new(2, 0);

    (void)state;
    assert_false(take(r, "a", 0));
    responses_add(r, SPAN_LIT("a"), 0);
    assert_true(take(r, "a", 0));
    assert_false(take(r, "b", 0));
    assert_true(take(r, "a", INT64_MAX));       /* no expiry */
    assert_false(take(r, "a", 0));
    responses_add(r, SPAN_LIT("a"), 0);         /* asked again: due again */
    assert_true(take(r, "a", 0));
    responses_free(&r);
    assert_null(r);
    assert_false(take(NULL, "a", 0));
}

static void answers_expire(void **state)
{
    struct responses *r = responses_new(0, 100);

    (void)state;
    responses_add(r, SPAN_LIT("a"), 1000);
    for (int i = 0; i < 100; i++) assert_true(take(r, "a", 1099));      /* no limit */
    assert_false(take(r, "a", 1100));
    assert_false(take(r, "a", 1000));           /* forgotten with that */
    responses_free(&r);
}

static void subjects_are_bounded(void **state)
{
    struct responses *r = responses_new(1, 100);
    char subject[32];

    (void)state;
    for (int i = 0; i < RESPONSES_MAX; i++) {
        snprintf(subject, sizeof subject, "s.%d", i);
        responses_add(r, span_of(subject), i == 7 ? 0 : 50);
    }
    responses_add(r, SPAN_LIT("one more"), 120);        /* takes the place of what expired */
    assert_false(take(r, "s.7", 20));
    assert_true(take(r, "s.0", 120));
    responses_add(r, SPAN_LIT("full again"), 120);
    responses_add(r, SPAN_LIT("too many"), 120);        /* something goes, this does not */
    assert_true(take(r, "too many", 120));
    assert_true(take(r, "full again", 120));
    responses_free(&r);
}

static void a_reload_changes_the_rules(void **state)
{
    struct responses *r = responses_new(1, 0);

    (void)state;
    responses_add(r, SPAN_LIT("a"), 0);
    responses_configure(r, false, 0, 0);
    assert_false(take(r, "a", 0));
    responses_add(r, SPAN_LIT("a"), 0);
    assert_false(take(r, "a", 0));
    responses_configure(r, true, 2, 0);
    responses_add(r, SPAN_LIT("a"), 0);
    assert_true(take(r, "a", 0));
    assert_true(take(r, "a", 0));
    assert_false(take(r, "a", 0));
    responses_configure(NULL, true, 1, 1);
    responses_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_counted),
        cmocka_unit_test(answers_expire),
        cmocka_unit_test(subjects_are_bounded),
        cmocka_unit_test(a_reload_changes_the_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
