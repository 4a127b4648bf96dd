/* SPDX-License-Identifier: Apache-2.0 */
/* config_overlap_test.c - overlapping subjects, compared with trying all pairs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#undef assert_fail

#include "base/mem.h"
#include "base/rng.h"
#include "jetstream/config_priv.h"
#include "proto/subject.h"

static bool overlaps(struct span a, struct span b, enum config_relation relation)
{
    if (span_equal(a, b)) return true;
    return relation == CONFIG_SUBSET ? subject_is_subset(a, b) : subject_collides(a, b);
}

/* The contract, pair by pair. */
static enum config_overlap try_all(const struct span *items, size_t count,
                                   enum config_relation relation, size_t *first, size_t *second)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = relation == CONFIG_COLLIDE ? i + 1 : 0; j < count; j++) {
            if (i == j || !overlaps(items[i], items[j], relation)) continue;
            *first = i;
            *second = j;
            return CONFIG_OVERLAP;
        }
    return CONFIG_DISJOINT;
}

static void random_subject(struct rng *rng, char out[32])
{
    static const char *const tokens[] = { "a", "b", "c", "d", "e", "f", "*" };
    size_t count = 1 + (size_t)rng_below(rng, 4), len = 0;

    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(out + len, 32 - len, "%s%s", i > 0 ? "." : "",
                                tokens[rng_below(rng, COUNT_OF(tokens))]);
    if (rng_below(rng, 8) == 0) snprintf(out + len, 32 - len, ".>");
}

static void test_random(void **state)
{
    size_t found[2] = { 0, 0 };
    struct rng rng;

    (void)state;
    rng_seed(&rng, 20261123);
    for (int round = 0; round < 20000; round++) {
        char texts[8][32];
        struct span items[8];
        size_t count = (size_t)rng_below(&rng, 9), first, second, f = 0, s = 0;
        enum config_relation relation = rng_below(&rng, 2) ? CONFIG_SUBSET : CONFIG_COLLIDE;
        enum config_overlap want, got;
        for (size_t i = 0; i < count; i++) {
            random_subject(&rng, texts[i]);
            items[i] = span_of(texts[i]);
        }
        got = config_find_overlap(items, count, relation, &first, &second);
        want = try_all(items, count, relation, &f, &s);
        if (got != want || (want == CONFIG_OVERLAP && first != f))
            fail_msg("seed 20261123, round %d: %d %zu, not %d %zu", round, got, first, want, f);
        if (want == CONFIG_OVERLAP && relation == CONFIG_COLLIDE) assert_int_equal(second, s);
        found[want == CONFIG_OVERLAP]++;
    }
    assert_true(found[0] > 1000 && found[1] > 1000);
}

static void test_invalid(void **state)
{
    const struct span items[] = { SPAN_LIT("a..b"), SPAN_LIT(">"), SPAN_LIT(""),
                                  SPAN_LIT("a..b") };
    size_t first, second;

    (void)state;
    assert_int_equal(config_find_overlap(items, 3, CONFIG_COLLIDE, &first, &second),
                     CONFIG_DISJOINT);
    assert_int_equal(config_find_overlap(items, 4, CONFIG_COLLIDE, &first, &second),
                     CONFIG_OVERLAP);
    assert_true(first == 0 && second == 3);
}

/* The bound on the work: wildcards times all. */
static void test_many(void **state)
{
    enum { MOST = 2048 };
    size_t first, second;
    char (*texts)[16] = mem_alloc((MOST + 1) * sizeof *texts);
    struct span *items = mem_alloc((MOST + 1) * sizeof *items);

    (void)state;
    for (int i = 0; i <= MOST; i++) {
        snprintf(texts[i], sizeof texts[i], "*.%d", i);
        items[i] = span_of(texts[i]);
    }
    assert_int_equal(config_find_overlap(items, MOST, CONFIG_COLLIDE, &first, &second),
                     CONFIG_DISJOINT);
    assert_int_equal(config_find_overlap(items, MOST + 1, CONFIG_COLLIDE, &first, &second),
                     CONFIG_TOO_MANY);
    for (int i = 0; i <= MOST; i++) items[i] = span_from(items[i], 2);
    assert_int_equal(config_find_overlap(items, MOST + 1, CONFIG_COLLIDE, &first, &second),
                     CONFIG_DISJOINT);
    mem_free(texts);
    mem_free(items);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_invalid),
        cmocka_unit_test(test_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
