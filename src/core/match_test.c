/* SPDX-License-Identifier: Apache-2.0 */
/* match_test.c - the cache against the sublist itself, its admission and its bound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "core/match.h"

#define SUBS 60
#define STEPS 60000
#define BYTES_MAX (16 * 1024 * 1024)    /* as in match.c */

static bool deliver(struct loop *l, struct sub *sub, const struct message *m)
{
    (void)l;
    (void)sub;
    (void)m;
    return true;
}

/* Subscriptions with sid "x" must not get subjects that end in 3. */
static bool is_denied(const struct sub *sub, struct span subject)
{
    (void)sub;
    return subject.p[subject.len - 1] == '3';
}

static struct subscriber subscriber = { deliver, is_denied, false };

static struct sub *sub_new(bool check)
{
    struct sub *s = mem_zero(sizeof *s + 1);

    s->subscriber = &subscriber;
    s->check_delivery = check;
    return s;
}

static void insert(struct account *a, struct sub *s, struct span filter, struct span queue)
{
    sync_brlock_write(&a->lock);
    assert_int_equal(sublist_insert(a->sublist, s, filter, queue), ST_OK);
    sync_brlock_write_done(&a->lock);
}

static void drop(struct account *a, struct sub *s)
{
    sync_brlock_write(&a->lock);
    sublist_remove(a->sublist, s);
    sync_brlock_write_done(&a->lock);
    mem_free(s);
}

static struct span random_text(struct rng *r, char *out, bool filter)
{
    static const char *const last[] = { "1", "2", "3", "*", ">" };
    static const char *const first[] = { "a", "b", "c", "*" };
    int n = snprintf(out, 32, "%s.%s.%s", first[rng_below(r, filter ? 4 : 3)],
                     last[rng_below(r, filter ? 4 : 3)], last[rng_below(r, filter ? 5 : 3)]);

    return span_make(out, (size_t)n);
}

static int by_address(const void *a, const void *b)
{
    uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;

    return x < y ? -1 : x > y;
}

/* Everybody in m, groups behind the plain ones, each sorted, with a NULL between. */
static size_t flatten(const struct match *m, struct sub **out)
{
    size_t n = m->plain_count;

    if (n) memcpy(out, m->plain, n * sizeof *out);
    qsort(out, n, sizeof *out, by_address);
    out[n++] = NULL;
    for (uint32_t i = 0; i < m->group_count; i++) {     /* there is one group only */
        memcpy(out + n, m->groups[i].members, m->groups[i].count * sizeof *out);
        qsort(out + n, m->groups[i].count, sizeof *out, by_address);
        n += m->groups[i].count;
    }
    return n;
}

static void agrees_with_the_sublist(void **state)
{
    struct account *a = account_new(SPAN_LIT("A"), 2, 1, account_settings_new());
    struct match_cache *cached = match_cache_new(0, 1), *asking = match_cache_new(1, 1);
    struct sub *subs[SUBS] = { NULL };
    struct rng r;

    (void)state;
    rng_seed(&r, 7);
    for (int step = 0; step < STEPS; step++) {
        struct sub *got[2 * SUBS], *want[2 * SUBS];
        char text[32];
        uint32_t i = rng_below(&r, SUBS);
        if (rng_below(&r, 8) == 0 && subs[i]) {
            drop(a, subs[i]);
            subs[i] = NULL;
        } else if (rng_below(&r, 8) == 0 && !subs[i]) {
            subs[i] = sub_new(rng_below(&r, 4) == 0);
            insert(a, subs[i], random_text(&r, text, true),
                   rng_below(&r, 3) == 0 ? SPAN_LIT("g") : SPAN_NONE);
        }
        struct span subject = random_text(&r, text, false);
        struct match m = match_find(cached, a, subject, true), o;
        size_t n = flatten(&m, got);
        o = match_find(asking, a, subject, false);
        if (flatten(&o, want) != n || memcmp(got, want, n * sizeof *got) != 0)
            fail_msg("seed 7, step %d, subject %s", step, text);
    }
    assert_true(match_cache_stats(cached).hits > STEPS / 4);
    assert_int_equal(match_cache_stats(asking).hits, 0);
    for (int i = 0; i < SUBS; i++)
        if (subs[i]) drop(a, subs[i]);
    match_cache_free(&cached);
    match_cache_free(&asking);
    account_free(&a);
}

/* A subject seen once leaves nothing behind; seen again it is remembered. */
static void only_what_recurs_gets_in(void **state)
{
    struct account *a = account_new(SPAN_LIT("A"), 1, 1, account_settings_new());
    struct match_cache *mc = match_cache_new(0, 1);
    uint64_t entries;
    char text[32];

    (void)state;
    for (int i = 0; i < 10000; i++) {
        snprintf(text, sizeof text, "_INBOX.%d", i);
        match_find(mc, a, span_of(text), true);
    }
    assert_true(match_cache_stats(mc).entries < 100);   /* fingerprints that happen to agree */
    entries = match_cache_stats(mc).entries;
    assert_null(match_find(mc, a, SPAN_LIT("orders"), true).permits);
    assert_non_null(match_find(mc, a, SPAN_LIT("orders"), true).permits);
    assert_int_equal(match_cache_stats(mc).entries, entries + 1);
    match_cache_free(&mc);
    account_free(&a);
}

/* Entries with a huge fan-out: at the limit of bytes the cache starts over. */
static void bytes_are_bounded(void **state)
{
    const uint32_t fanout = 2000;
    const uint64_t most = BYTES_MAX / (fanout * sizeof(struct sub *));
    struct account *a = account_new(SPAN_LIT("A"), 1, 1, account_settings_new());
    struct match_cache *mc = match_cache_new(0, 1);
    struct sub **subs = mem_zero(fanout * sizeof(struct sub *));
    uint64_t peak = 0;
    bool started_over = false;
    char text[32];

    (void)state;
    for (uint32_t i = 0; i < fanout; i++) {
        subs[i] = sub_new(false);
        insert(a, subs[i], SPAN_LIT(">"), SPAN_NONE);
    }
    for (uint64_t i = 0; i < 2 * most; i++) {
        uint64_t before = match_cache_stats(mc).entries, now;
        snprintf(text, sizeof text, "s.%llu", (unsigned long long)i);
        match_find(mc, a, span_of(text), true);
        match_find(mc, a, span_of(text), true);
        now = match_cache_stats(mc).entries;
        if (now > peak) peak = now;
        if (now + 1 < before) started_over = true;
        assert_int_equal(match_find(mc, a, span_of(text), true).plain_count, fanout);
    }
    assert_true(peak > most / 2 && peak <= most);
    assert_true(started_over);
    for (uint32_t i = 0; i < fanout; i++) drop(a, subs[i]);
    mem_free(subs);
    match_cache_free(&mc);
    account_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_sublist),
        cmocka_unit_test(only_what_recurs_gets_in),
        cmocka_unit_test(bytes_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
