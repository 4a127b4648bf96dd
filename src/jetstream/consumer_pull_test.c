/* SPDX-License-Identifier: Apache-2.0 */
/* consumer_pull_test.c - order of pull requests by priority. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#undef assert_fail

#include "base/mem.h"
#include "jetstream/consumer_priv.h"

/* Equal ones keep the order in which they came; those without a priority are last. */
static void test_order(void **state)
{
    static const int priorities[] = { 5, 0, INT_MAX, 9, 5, 0, 0, INT_MAX, 9, 3 };
    static const int64_t expected[] = { 1, 5, 6, 9, 0, 4, 3, 8, 2, 7 };
    struct pull_request *requests[COUNT_OF(priorities)];
    struct list queue, *at = &queue;

    (void)state;
    list_init(&queue);
    for (size_t i = 0; i < COUNT_OF(priorities); i++) {
        requests[i] = mem_zero(sizeof **requests);
        requests[i]->priority = priorities[i];
        requests[i]->left = (int64_t)i;
        list_append(pull_place(&queue, priorities[i]), &requests[i]->link);
    }
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        at = at->next;
        assert_int_equal(CONTAINER_OF(at, struct pull_request, link)->left, expected[i]);
    }
    assert_true(at->next == &queue);
    for (size_t i = 0; i < COUNT_OF(priorities); i++) mem_free(requests[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_order) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
