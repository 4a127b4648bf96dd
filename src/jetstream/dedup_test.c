/* SPDX-License-Identifier: Apache-2.0 */
/* dedup_test.c - random ids against a plain array; the limits of the memory. */
#include "jetstream/dedup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#undef assert_fail

#include "base/rng.h"

enum { IDS = 700 };

struct known {
    uint64_t seq;                       /* 0: never added */
    int64_t time_ns;
};

static struct span id_of(uint32_t id, char out[64])
{
    return span_make(out, (size_t)snprintf(out, 64, "%.*s%u", (int)(id % 40),
                                           "0123456789012345678901234567890123456789", id));
}

static void check(const struct dedup *d, const struct known known[IDS], int64_t oldest,
                  uint64_t seed)
{
    char text[64];

    for (uint32_t id = 0; id < IDS; id++) {
        uint64_t seq = known[id].time_ns > oldest ? known[id].seq : 0;
        uint64_t got = dedup_find(d, id_of(id, text));

        if (got != seq) fail_msg("seed %lu: id %u stands for %lu, not %lu", seed, id, got, seq);
    }
}

static void test_agrees_with_an_array(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        int64_t window = 1000, now = 5000;
        struct dedup *d = dedup_new(window, seed);
        struct known known[IDS] = { { 0, 0 } };
        char text[64];
        struct rng rng;

        rng_seed(&rng, seed);
        for (uint64_t step = 1; step < 30000; step++) {
            uint32_t id = rng_below(&rng, IDS);

            now += rng_below(&rng, step / 3000 % 2 ? 4 : 40);
            if (rng_below(&rng, 2000) == 0) {           /* the forgotten don't come back */
                while (dedup_expire(d, now)) continue;
                for (uint32_t i = 0; i < IDS; i++) {
                    if (known[i].time_ns <= now - window) known[i].seq = 0;
                }
                window = 1 + rng_below(&rng, 3000);
                dedup_set_window(d, window);
            }
            dedup_expire(d, now);
            if (rng_below(&rng, 4) == 0 || dedup_find(d, id_of(id, text)) == 0) {
                dedup_add(d, id_of(id, text), step, now);
                known[id] = (struct known){ step, now };
            }
            if (step % 100 == 0) check(d, known, now - window, seed);
        }
        while (dedup_expire(d, now + window)) continue;
        check(d, known, INT64_MAX - 1, seed);
        assert_int_equal(dedup_count(d), 0);
        assert_true(dedup_memory(d) < 512);
        dedup_free(&d);
        assert_null(d);
    }
}

static void test_end_of_the_window(void **state)
{
    struct dedup *d = dedup_new(100, 1);

    (void)state;
    assert_int_equal(dedup_find(d, SPAN_LIT("a")), 0);
    assert_false(dedup_expire(d, 1000));
    dedup_add(d, SPAN_LIT("a"), 7, 1000);
    dedup_expire(d, 1099);
    assert_int_equal(dedup_find(d, SPAN_LIT("a")), 7);
    assert_int_equal(dedup_find(d, SPAN_LIT("A")), 0);
    dedup_expire(d, 1100);
    assert_int_equal(dedup_find(d, SPAN_LIT("a")), 0);
    assert_int_equal(dedup_count(d), 0);
    dedup_add(d, SPAN_LIT("b"), 8, 1100);
    dedup_set_window(d, 10);
    dedup_expire(d, 1110);
    assert_int_equal(dedup_find(d, SPAN_LIT("b")), 0);
    dedup_free(&d);
}

/* The clock went back: what came later with an earlier time is forgotten by its own time. */
static void test_times_out_of_order(void **state)
{
    struct dedup *d = dedup_new(100, 1);

    (void)state;
    dedup_add(d, SPAN_LIT("late"), 1, 500);
    dedup_add(d, SPAN_LIT("early"), 2, 400);
    assert_false(dedup_expire(d, 550));
    assert_int_equal(dedup_find(d, SPAN_LIT("late")), 1);
    assert_int_equal(dedup_find(d, SPAN_LIT("early")), 0);
    assert_int_equal(dedup_count(d), 2);
    dedup_expire(d, 600);
    assert_int_equal(dedup_count(d), 0);
    dedup_add(d, SPAN_LIT("min"), 3, INT64_MIN);
    dedup_add(d, SPAN_LIT("max"), 4, INT64_MAX);
    dedup_expire(d, 600);
    assert_int_equal(dedup_find(d, SPAN_LIT("min")), 0);
    assert_int_equal(dedup_find(d, SPAN_LIT("max")), 4);
    assert_int_equal(dedup_count(d), 1);
    dedup_free(&d);
}

/* An id that came again outlives its first record. */
static void test_an_id_again(void **state)
{
    struct dedup *d = dedup_new(100, 1);

    (void)state;
    dedup_add(d, SPAN_LIT("a"), 1, 0);
    dedup_add(d, SPAN_LIT("b"), 2, 10);
    dedup_add(d, SPAN_LIT("a"), 3, 50);
    dedup_expire(d, 120);
    assert_int_equal(dedup_count(d), 1);
    assert_int_equal(dedup_find(d, SPAN_LIT("a")), 3);
    assert_int_equal(dedup_find(d, SPAN_LIT("b")), 0);
    dedup_free(&d);
}

static void test_expires_some_per_call(void **state)
{
    struct dedup *d = dedup_new(100, 1);
    char text[64];

    (void)state;
    for (uint32_t i = 0; i < 129; i++) dedup_add(d, id_of(i, text), i + 1, 0);
    assert_true(dedup_expire(d, 100));
    assert_int_equal(dedup_count(d), 65);
    assert_int_equal(dedup_find(d, id_of(128, text)), 0);       /* counts no more all the same */
    assert_true(dedup_expire(d, 100));
    assert_int_equal(dedup_count(d), 1);
    assert_false(dedup_expire(d, 100));
    assert_int_equal(dedup_count(d), 0);
    dedup_free(&d);
}

static void test_ids_of_any_length(void **state)
{
    enum { LARGE = 300000 };
    struct dedup *d = dedup_new(100, 1);
    char *text = calloc(1, LARGE);

    (void)state;
    assert_non_null(text);
    for (size_t len = 0; len <= LARGE; len = len * 3 + 1)
        dedup_add(d, span_make(text, len), len + 1, 0);
    for (size_t len = 0; len <= LARGE; len = len * 3 + 1) {
        assert_int_equal(dedup_find(d, span_make(text, len)), len + 1);
        assert_int_equal(dedup_find(d, span_make(text, len + 1)), len == 0 ? 2 : 0);
    }
    dedup_expire(d, 100);
    assert_int_equal(dedup_count(d), 0);
    assert_true(dedup_memory(d) < 512);
    dedup_free(&d);
    free(text);
}

static void test_memory_of_many_ids(void **state)
{
    enum { COUNT = 200000 };
    struct dedup *d = dedup_new(COUNT, 1);
    size_t texts = 0, full = 0;
    char text[64];

    (void)state;
    for (uint32_t i = 0; i < COUNT; i++) {
        texts += id_of(i, text).len;
        dedup_add(d, id_of(i, text), i + 1, i);
        if (i > 1000 && dedup_memory(d) > texts + i * UINT64_C(64)) fail_msg("at %u", i);
    }
    full = dedup_memory(d);
    for (uint32_t i = COUNT; i < 1000000 + COUNT; i++) {        /* one comes, one goes */
        dedup_expire(d, i);
        dedup_add(d, id_of(i, text), i + 1, i);
    }
    assert_int_equal(dedup_count(d), COUNT);
    assert_int_equal(dedup_find(d, id_of(999999, text)), 0);
    assert_int_equal(dedup_find(d, id_of(1000000, text)), 1000001);
    assert_true(dedup_memory(d) < full + full / 8);
    while (dedup_expire(d, 3000000)) continue;
    assert_true(dedup_memory(d) < 512);
    dedup_free(&d);
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agrees_with_an_array),
        cmocka_unit_test(test_end_of_the_window),
        cmocka_unit_test(test_times_out_of_order),
        cmocka_unit_test(test_an_id_again),
        cmocka_unit_test(test_expires_some_per_call),
        cmocka_unit_test(test_ids_of_any_length),
        cmocka_unit_test(test_memory_of_many_ids),
    };

    return cmocka_run_group_tests_name("dedup", tests, NULL, NULL);
}
