/* SPDX-License-Identifier: Apache-2.0 */
/* map_test.c - random operations against an array indexed by key. */
#include "base/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#undef assert_fail

#include "base/rng.h"

enum { KEYS = 300 };

static struct span name_of(uint32_t key, char out[16])
{
    return span_make(out, (size_t)snprintf(out, 16, "k%u", key));
}

static void check_all(const struct map *m, char *const oracle[KEYS], size_t count)
{
    char text[16];

    assert_int_equal(m->count, count);
    for (uint32_t key = 0; key < KEYS; key++) {
        struct span name = name_of(key, text);
        if (map_get(m, name) != oracle[key] || map_has(m, name) != (oracle[key] != NULL))
            fail_msg("key %u", key);
    }
}

static void test_agrees_with_an_array(void **state)
{
    char values[KEYS * 2] = { 0 }, *oracle[KEYS] = { 0 }, text[16];
    struct map m = { 0 };
    size_t count = 0;
    struct rng rng;

    (void)state;
    rng_seed(&rng, 31);
    for (int step = 0; step < 60000; step++) {
        uint32_t key = rng_below(&rng, KEYS);
        bool fill = rng_below(&rng, 100) < (step / 10000 % 2 ? 25u : 75u);
        char *value = fill ? &values[rng_below(&rng, sizeof values)] : NULL;
        struct span name = name_of(key, text);
        void *before = fill ? map_set(&m, name, value) : map_remove(&m, name);
        if (before != oracle[key]) fail_msg("seed 31, step %d: another value before", step);
        if (value != NULL && oracle[key] == NULL) count++;
        if (value == NULL && oracle[key] != NULL) count--;
        oracle[key] = value;
        if (step % 500 == 0) check_all(&m, oracle, count);
    }
    check_all(&m, oracle, count);
    map_free(&m);
    assert_int_equal(m.count, 0);
    assert_null(map_get(&m, SPAN_LIT("k1")));
    assert_null(map_remove(&m, SPAN_LIT("k1")));
}

static void test_keys_are_bytes(void **state)
{
    struct map m = { 0 };
    char name[] = "abc", a, b;

    (void)state;
    map_set(&m, span_of(name), &a);
    name[0] = 'x';                              /* the map has its own copy */
    assert_ptr_equal(map_get(&m, SPAN_LIT("abc")), &a);
    map_set(&m, SPAN_NONE, &b);
    map_set(&m, SPAN_LIT("abc\0d"), NULL);
    assert_ptr_equal(map_get(&m, SPAN_NONE), &b);
    assert_true(map_has(&m, SPAN_LIT("abc\0d")));
    assert_null(map_get(&m, SPAN_LIT("abc\0d")));
    assert_string_equal(m.entries[0].key, "abc");       /* in the order of insertion */
    assert_int_equal(m.entries[1].key_len, 0);
    assert_int_equal(m.entries[2].key_len, 5);
    assert_ptr_equal(map_remove(&m, SPAN_LIT("abc")), &a);
    assert_int_equal(m.entries[0].key_len, 5);          /* the last takes the free place */
    map_free(&m);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agrees_with_an_array),
        cmocka_unit_test(test_keys_are_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
