/* SPDX-License-Identifier: Apache-2.0 */
/* subject_test.c - the grammar, row by row; matching against a naive definition. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/rng.h"
#include "proto/subject.h"

static void validity(void **state)
{
    static const struct { const char *text; bool valid, literal; } rows[] = {
        { "a", true, true }, { "a.b.c", true, true }, { "", false, true }, { ".", false, true },
        { "a.", false, true }, { ".a", false, true }, { "a..b", false, true },
        { "*", true, false }, { ">", true, false }, { "a.*.c", true, false },
        { "a.>", true, false }, { "a.>.c", false, false }, { "a*.b", true, true },
        { "a.b>", true, true }, { ">a", true, true }, { "**", true, true },
        { "a b", false, true }, { "a\tb", false, true }, { "a\rb", false, true },
        { "a\nb", false, true }, { "a\fb", false, true }, { "\xff.\xfe", true, true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct span s = span_of(rows[i].text);
        if (subject_is_valid(s) != rows[i].valid || subject_is_literal(s) != rows[i].literal)
            fail_msg("row %zu: '%s'", i, rows[i].text);
    }
    assert_false(subject_is_valid(span_make("a\0b", 3)));
    assert_int_equal(subject_token_count(SPAN_LIT("a.b.c")), 3);
    assert_int_equal(subject_token_count(SPAN_NONE), 0);
}

static void wildcards_match_whole_tokens(void **state)
{
    static const struct { const char *filter, *subject; bool want; } rows[] = {
        { "orders.*", "orders.eu", true }, { "orders.*", "orders", false },
        { "orders.*", "orders.eu.1", false }, { "orders.>", "orders.eu.1", true },
        { "orders.>", "orders", false }, { ">", "a", true }, { "*", "a", true },
        { "*", "a.b", false }, { "*.b", "a.b", true }, { "a.b", "a.b", true },
        { "a.b", "a.bc", false }, { "a*", "a*", true }, { "a*", "ab", false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (subject_matches(span_of(rows[i].filter), span_of(rows[i].subject)) != rows[i].want)
            fail_msg("row %zu: %s vs %s", i, rows[i].filter, rows[i].subject);
}

/* A random filter of 1..4 tokens over {a, b, *, >}. */
static size_t random_filter(struct rng *r, char *out)
{
    size_t n = 1 + rng_below(r, 4), len = 0;

    for (size_t i = 0; i < n; i++) {
        char c = "ab*>"[rng_below(r, i + 1 == n ? 4 : 3)];
        if (i > 0) out[len++] = '.';
        out[len++] = c;
    }
    return len;
}

/* All literals of 1..6 tokens over {a, b, c}: enough to tell filters of 4 tokens apart. */
static void compare_sets(struct span f, struct span g, bool *subset, bool *collide)
{
    *subset = true;
    *collide = false;
    for (unsigned tokens = 1; tokens <= 6; tokens++) {
        unsigned total = 1;
        for (unsigned i = 0; i < tokens; i++) total *= 3;
        for (unsigned code = 0; code < total; code++) {
            char text[12];
            size_t len = 0;
            for (unsigned i = 0, c = code; i < tokens; i++, c /= 3) {
                if (i > 0) text[len++] = '.';
                text[len++] = "abc"[c % 3];
            }
            bool in_f = subject_matches(f, span_make(text, len));
            bool in_g = subject_matches(g, span_make(text, len));
            if (in_f && !in_g) *subset = false;
            if (in_f && in_g) *collide = true;
        }
    }
}

static void subset_and_collision_agree_with_enumeration(void **state)
{
    struct rng r;

    (void)state;
    rng_seed(&r, 42);
    for (int i = 0; i < 2000; i++) {
        char a[16], b[16];
        struct span f = span_make(a, random_filter(&r, a)), g = span_make(b, random_filter(&r, b));
        bool subset, collide;
        compare_sets(f, g, &subset, &collide);
        if (subject_is_subset(f, g) != subset || subject_collides(f, g) != collide)
            fail_msg("case %d: %.*s vs %.*s", i, SPAN_ARG(f), SPAN_ARG(g));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(validity),
        cmocka_unit_test(wildcards_match_whole_tokens),
        cmocka_unit_test(subset_and_collision_agree_with_enumeration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
