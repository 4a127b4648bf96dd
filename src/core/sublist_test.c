/* SPDX-License-Identifier: Apache-2.0 */
/* sublist_test.c - random operations against a naive list of filters, and the edges by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#undef assert_fail

#include "base/mem.h"
#include "base/rng.h"
#include "core/sublist.h"
#include "proto/subject.h"

struct entry {                          /* the oracle's view of one subscription */
    struct sub *sub;
    char filter[32], queue[4];
};

static struct sub *new_sub(void)
{
    return mem_zero(sizeof(struct sub) + 1);
}

static void random_subject(struct rng *r, const char *alphabet, char *out)
{
    size_t n = 1 + rng_below(r, 5), kinds = strlen(alphabet), len = 0;

    for (size_t i = 0; i < n; i++) {
        char c = alphabet[rng_below(r, (uint32_t)kinds)];
        if (c == '>' && i + 1 < n) c = '*';
        if (i > 0) out[len++] = '.';
        out[len++] = c;
        if (c == 'b') out[len++] = 'b';
    }
    out[len] = '\0';
}

static bool contains(struct sub **all, size_t count, const struct sub *sub)
{
    for (size_t i = 0; i < count; i++)
        if (all[i] == sub) return true;
    return false;
}

static void compare(const struct sublist *sl, const struct entry *all, size_t count,
                    const char *subject, struct sublist_result *r)
{
    size_t plain = 0, queued = 0, members = 0;

    sublist_match(sl, span_of(subject), r);
    for (size_t i = 0; i < count; i++) {
        bool found = false;
        if (!subject_matches(span_of(all[i].filter), span_of(subject))) continue;
        if (all[i].queue[0] == '\0') {
            plain++;
            found = contains(r->plain, r->plain_count, all[i].sub);
        } else {
            queued++;
            for (size_t g = 0; g < r->group_count; g++)
                if (span_is(span_make(r->groups[g].name, r->groups[g].name_len), all[i].queue))
                    found = contains(r->groups[g].members, r->groups[g].count, all[i].sub);
        }
        if (!found) fail_msg("%s does not reach %s %s", subject, all[i].filter, all[i].queue);
    }
    for (size_t g = 0; g < r->group_count; g++) members += r->groups[g].count;
    if (plain != r->plain_count || queued != members) fail_msg("too many matches of %s", subject);
}

static void check_filter(const struct entry *e)
{
    struct buf text = { 0 };

    sublist_append_filter(e->sub, &text);
    assert_string_equal(buf_text(&text), e->filter);
    assert_true(span_is(sublist_queue(e->sub), e->queue));
    buf_free(&text);
}

static void agrees_with_a_naive_list(void **state)
{
    static const char *const queues[] = { "", "", "q1", "q2" };
    struct sublist *sl = sublist_new(7);
    struct sublist_result r = { 0 };
    struct entry *all = mem_zero(400 * sizeof *all);
    size_t count = 0;
    struct rng rng;

    (void)state;
    rng_seed(&rng, 20261123);
    for (int step = 0; step < 40000; step++) {
        char subject[32];
        if (count < 400 && rng_below(&rng, 100) < (step < 20000 ? 30u : 10u)) {
            struct entry *e = &all[count++];
            e->sub = new_sub();
            random_subject(&rng, "abc*>*", e->filter);
            snprintf(e->queue, sizeof e->queue, "%s", queues[rng_below(&rng, 4)]);
            assert_int_equal(sublist_insert(sl, e->sub, span_of(e->filter), span_of(e->queue)),
                             ST_OK);
            check_filter(e);
        } else if (count > 0 && rng_below(&rng, 100) < 20) {
            size_t i = rng_below(&rng, (uint32_t)count);
            sublist_remove(sl, all[i].sub);
            mem_free(all[i].sub);
            all[i] = all[--count];
        }
        random_subject(&rng, "abcd", subject);
        compare(sl, all, count, subject, &r);
    }
    assert_int_equal(sublist_counts(sl).subs, count);
    while (count > 0) {
        sublist_remove(sl, all[--count].sub);
        mem_free(all[count].sub);
    }
    sublist_result_fini(&r);
    mem_free(all);
    sublist_free(&sl);
    assert_null(sl);
}

static void bad_filters_change_nothing(void **state)
{
    static const char *const bad[] = { "", ".", "a.", ".a", "a..b", "a.>.b", "a b" };
    struct sublist *sl = sublist_new(1);
    struct sub *sub = new_sub();

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(sublist_insert(sl, sub, span_of(bad[i]), SPAN_NONE), ST_BAD_SUBJECT);
    assert_int_equal(sublist_counts(sl).subs, 0);
    mem_free(sub);
    sublist_free(&sl);
}

static void empty_tokens_match_nothing(void **state)
{
    static const char *const subjects[] = { "a..b", ".a", "a.", "", "." };
    struct sublist *sl = sublist_new(1);
    struct sublist_result r = { 0 };
    struct sub *sub = new_sub();

    (void)state;
    assert_int_equal(sublist_insert(sl, sub, span_of(">"), SPAN_NONE), ST_OK);
    for (size_t i = 0; i < COUNT_OF(subjects); i++)
        assert_false(sublist_has_interest(sl, span_of(subjects[i]), &r));
    assert_true(sublist_has_interest(sl, span_of("a.b"), &r));
    sublist_remove(sl, sub);
    mem_free(sub);
    sublist_result_fini(&r);
    sublist_free(&sl);
}

static bool same(struct sublist_generation a, struct sublist_generation b)
{
    return a.bucket == b.bucket && a.wild == b.wild;
}

static struct sublist_generation generation_of(const struct sublist *sl, const char *subject)
{
    return sublist_generation(sl, sublist_bucket(sl, span_of(subject)));
}

static void generations_follow_the_first_token(void **state)
{
    struct sublist *sl = sublist_new(1);
    struct sub *sub = new_sub();
    struct sublist_generation before = generation_of(sl, "a.b"), other, after;

    (void)state;
    other = generation_of(sl, "zz.b");
    assert_int_equal(sublist_insert(sl, sub, span_of("a.*"), SPAN_NONE), ST_OK);
    after = generation_of(sl, "a.b");
    assert_false(same(before, after));
    assert_true(same(other, generation_of(sl, "zz.b")));
    sublist_remove(sl, sub);
    assert_false(same(after, generation_of(sl, "a.b")));
    assert_int_equal(sublist_insert(sl, sub, span_of("*.b"), SPAN_NONE), ST_OK);
    assert_false(same(other, generation_of(sl, "zz.b")));
    sublist_remove(sl, sub);
    mem_free(sub);
    sublist_free(&sl);
}

/* Thousands of tokens: the walk needs no stack of its own and ends. */
static void deep_subjects(void **state)
{
    struct sublist *sl = sublist_new(1);
    struct sublist_result r = { 0 };
    struct sub *stars = new_sub(), *full = new_sub();
    struct buf filter = { 0 }, subject = { 0 };

    (void)state;
    for (int i = 0; i < 2000; i++) {
        buf_append_text(&filter, i ? ".*" : "*");
        buf_append_text(&subject, i ? ".x" : "x");
    }
    assert_int_equal(sublist_insert(sl, stars, buf_span(&filter), SPAN_NONE), ST_OK);
    assert_int_equal(sublist_insert(sl, full, span_of("x.>"), SPAN_NONE), ST_OK);
    sublist_match(sl, buf_span(&subject), &r);
    assert_int_equal(r.plain_count, 2);
    sublist_remove(sl, stars);
    sublist_remove(sl, full);
    mem_free(stars);
    mem_free(full);
    buf_free(&filter);
    buf_free(&subject);
    sublist_result_fini(&r);
    sublist_free(&sl);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_a_naive_list),
        cmocka_unit_test(bad_filters_change_nothing),
        cmocka_unit_test(empty_tokens_match_nothing),
        cmocka_unit_test(generations_follow_the_first_token),
        cmocka_unit_test(deep_subjects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
