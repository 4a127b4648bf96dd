/* SPDX-License-Identifier: Apache-2.0 */
/* mem_test.c - zeroing, alignment, copies, wiping. */
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#undef assert_fail

static bool is_zero(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != 0) return false;
    return true;
}

static void test_blocks(void **state)
{
    char *p = mem_alloc(100);

    (void)state;
    memset(p, 'x', 100);
    p = mem_resize(p, 5000);
    assert_true(p[0] == 'x' && p[99] == 'x');
    mem_wipe(p + 10, 80);
    assert_true(is_zero(p + 10, 80));
    assert_true(p[9] == 'x' && p[90] == 'x');
    mem_free(p);
    p = mem_zero(1000);
    assert_true(is_zero(p, 1000));
    mem_free(p);
    p = mem_aligned(128, 1280);
    assert_int_equal((uintptr_t)p % 128, 0);
    assert_true(is_zero(p, 1280));
    mem_free(p);
    mem_free(NULL);
}

static void test_copies(void **state)
{
    char *copy = mem_dup_span(SPAN_LIT("a\0b"));

    (void)state;
    assert_memory_equal(copy, "a\0b", 4);
    mem_free(copy);
    copy = mem_dup_span(SPAN_NONE);
    assert_string_equal(copy, "");
    mem_free(copy);
    copy = mem_dup("text");
    assert_string_equal(copy, "text");
    mem_free(copy);
    assert_null(mem_dup(NULL));
    copy = mem_printf("%0*d|%s", 200, 7, "end");
    assert_int_equal(strlen(copy), 204);
    assert_string_equal(copy + 199, "7|end");
    mem_free(copy);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_copies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
