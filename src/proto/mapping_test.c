/* SPDX-License-Identifier: Apache-2.0 */
/* mapping_test.c - weights, the remainder, loss, clusters, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/mapping.h"

enum { DRAWS = 20000 };

#define TO(subject, weight) { SPAN_LIT(subject), weight, SPAN_LIT("") }
#define TO_CLUSTER(subject, weight, cluster) { SPAN_LIT(subject), weight, SPAN_LIT(cluster) }

/* How many percent of DRAWS of subject become want; NULL: get lost. Rounded. */
static int share(const struct mapping *m, const char *cluster, const char *subject,
                 const char *want)
{
    struct rng rng;
    int hits = 0;

    rng_seed(&rng, 7);
    for (int i = 0; i < DRAWS; i++) {
        struct buf out = { 0 };
        bool kept = mapping_choose(m, span_of(cluster), span_of(subject), &rng, &out);
        hits += want == NULL ? !kept : kept && span_is(buf_span(&out), want);
        buf_free(&out);
    }
    return (hits * 100 + DRAWS / 2) / DRAWS;
}

static struct mapping *compile(const char *source, const struct mapping_target *targets, size_t n)
{
    struct mapping *m;
    struct error why;

    if (mapping_compile(&m, span_of(source), targets, n, &why) != ST_OK) fail_msg("%s", why.text);
    return m;
}

static void weights(void **state)
{
    static const struct mapping_target whole[] = { TO("b.$1", 100) };
    static const struct mapping_target part[] = { TO("b.$1", 20), TO("c.$1", 50) };
    static const struct mapping_target loss[] = { TO("a.*", 30), TO("b.$1", 50) };
    static const struct mapping_target drop[] = { TO("a", 0) };
    struct mapping *m;
    struct error why;

    (void)state;
    m = compile("a.*", whole, 1);
    assert_true(mapping_matches(m, SPAN_LIT("a.x")) && !mapping_matches(m, SPAN_LIT("a")));
    assert_int_equal(share(m, "", "a.x", "b.x"), 100);
    mapping_free(&m);

    m = compile("a.*", part, 2);
    assert_in_range(share(m, "", "a.x", "b.x"), 19, 21);
    assert_in_range(share(m, "", "a.x", "c.x"), 49, 51);
    assert_in_range(share(m, "", "a.x", "a.x"), 29, 31);
    mapping_free(&m);

    m = compile("a", drop, 1);
    assert_int_equal(share(m, "", "a", NULL), 100);
    mapping_free(&m);
    /* A source with wildcards is no destination: loss needs the literal source. */
    assert_int_equal(mapping_compile(&m, SPAN_LIT("a.*"), loss, 2, &why), ST_BAD_SUBJECT);
    assert_string_equal(why.text, "invalid subject");
}

static void loss_needs_the_source_listed(void **state)
{
    static const struct mapping_target targets[] = { TO("a", 30), TO("b", 50) };
    struct mapping *m = compile("a", targets, 2);

    (void)state;
    assert_in_range(share(m, "", "a", "a"), 29, 31);
    assert_in_range(share(m, "", "a", "b"), 49, 51);
    assert_in_range(share(m, "", "a", NULL), 19, 21);
    mapping_free(&m);
}

static void clusters_have_sets_of_their_own(void **state)
{
    static const struct mapping_target targets[] = {
        TO_CLUSTER("east", 100, "E"), TO_CLUSTER("west", 40, "W"), TO("rest", 100),
    };
    struct mapping *m = compile("a", targets, 3);

    (void)state;
    assert_int_equal(share(m, "E", "a", "east"), 100);
    assert_in_range(share(m, "W", "a", "west"), 39, 41);
    assert_in_range(share(m, "W", "a", "a"), 59, 61);
    assert_int_equal(share(m, "", "a", "rest"), 100);
    assert_int_equal(share(m, "X", "a", "rest"), 100);
    mapping_free(&m);

    m = compile("a", targets, 1);
    assert_int_equal(share(m, "X", "a", "a"), 100);
    mapping_free(&m);
}

static void refusals(void **state)
{
    static const struct mapping_target twice[] = { TO("b", 10), TO("b", 10) };
    static const struct mapping_target heavy[] = { TO("b", 101) };
    static const struct mapping_target sum[] = { TO("b", 60), TO("c", 41) };
    static const struct mapping_target empty_token[] = { TO("b..c", 60) };
    static const struct mapping_target after[] = { TO(">.c", 60) };
    static const struct mapping_target blank[] = { TO("b c", 60) };
    static const struct mapping_target unknown[] = { TO("{{nope(1)}}", 60) };
    static const struct mapping_target none[] = { TO("", 100) };
    static const struct {
        const char *source;
        const struct mapping_target *targets;
        size_t count;
        const char *want;
    } rows[] = {
        { "a b", sum, 1, "invalid subject" }, { "a", twice, 2, "duplicate entry for \"b\"" },
        { "a", heavy, 1, "individual weights need to be <= 100" },
        { "a", sum, 2, "total weight needs to be <= 100" },
        { "a", empty_token, 1, "invalid mapping destination: invalid transform" },
        { "a", after, 1, "invalid mapping destination: invalid transform in c" },
        { "a", blank, 1, "invalid mapping destination: invalid transform" },
        { "a", unknown, 1, "invalid mapping destination: unknown function in {{nope(1)}}" },
        { "a", none, 1, "invalid subject" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct mapping *m;
        struct error why = { "" };
        enum status st = mapping_compile(&m, span_of(rows[i].source), rows[i].targets,
                                         rows[i].count, &why);
        assert_null(m);
        if (st == ST_OK || strcmp(why.text, rows[i].want) != 0)
            fail_msg("row %zu: '%s'", i, why.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights), cmocka_unit_test(loss_needs_the_source_listed),
        cmocka_unit_test(clusters_have_sets_of_their_own), cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
