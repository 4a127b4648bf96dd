/* SPDX-License-Identifier: Apache-2.0 */
/* msgs_test.c - random changes of the index against plain arrays; the limits of its memory. */
#include "jetstream/msgs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#undef assert_fail

#include "base/rng.h"
#include "proto/subject.h"

enum { SEQS = 6000, NAMES = 60 };

struct model {
    struct msgs *m;
    struct rng rng;
    uint64_t seed;
    bool live[SEQS + 1];
    uint32_t name[SEQS + 1], size[SEQS + 1];
    uint64_t first, last, count, bytes;
    uint64_t base;                      /* seq of the index = base + seq of the model */
    struct msgs_filter *filters[6];
};

static const char *const filter_texts[6][3] = {
    { "a.1" }, { "a.*" }, { "b.7", "a.3", "a.3" }, { "*.5", "b.*", "b.1" }, { ">" },
    { "none", "c.2" },
};

static struct span name_of(uint32_t name, char out[16])
{
    return span_make(out, (size_t)snprintf(out, 16, "%c.%u", 'a' + (char)(name % 3), name / 3));
}

static bool model_matches(uint32_t name, size_t filter)
{
    char text[16];

    for (size_t i = 0; i < 3 && filter_texts[filter][i] != NULL; i++) {
        if (subject_matches(span_of(filter_texts[filter][i]), name_of(name, text))) return true;
    }
    return false;
}

static uint64_t out_of(const struct model *t, uint64_t seq)     /* the index's */
{
    return seq ? t->base + seq : 0;
}

static void model_add(struct model *t, uint64_t seq, uint32_t name)
{
    char text[16];
    struct msg_entry e = { { 7, (uint32_t)seq }, msgs_intern(t->m, name_of(name, text)),
                           1 + rng_below(&t->rng, 100) };

    msgs_add(t->m, t->base + seq, &e);
    t->live[seq] = true;
    t->name[seq] = name;
    t->size[seq] = e.size;
    if (t->count == 0 || seq < t->first) t->first = seq;
    if (seq > t->last) t->last = seq;
    t->count++;
    t->bytes += e.size;
}

static void model_remove(struct model *t, uint64_t seq)
{
    struct msg_entry gone;
    bool was = msgs_remove(t->m, t->base + seq, &gone);

    if (was != t->live[seq]) fail_msg("seed %lu: remove %lu", t->seed, seq);
    if (!was) return;
    if (gone.size != t->size[seq] || gone.loc.at != (uint32_t)seq)
        fail_msg("seed %lu: another entry gone at %lu", t->seed, seq);
    t->live[seq] = false;
    t->count--;
    t->bytes -= gone.size;
    if (t->count == 0) t->first = t->last + 1;
    else while (!t->live[t->first]) t->first++;
}

static void check_state(const struct model *t, int step)
{
    struct msgs_state s = msgs_state(t->m);
    uint64_t names = 0;
    bool seen[NAMES] = { false };

    for (uint64_t seq = 1; seq <= t->last; seq++) {
        if (!t->live[seq] || seen[t->name[seq]]) continue;
        seen[t->name[seq]] = true;
        names++;
    }
    if (s.first_seq != t->base + t->first || s.last_seq != t->base + t->last ||
        s.count != t->count || s.bytes != t->bytes || s.subjects != names)
        fail_msg("seed %lu step %d: state %lu..%lu, %lu messages, %lu subjects; wanted "
                 "%lu..%lu, %lu, %lu", t->seed, step, s.first_seq, s.last_seq, s.count,
                 s.subjects, t->base + t->first, t->base + t->last, t->count, names);
    if (t->count && msgs_deleted_count(t->m) != t->last - t->first + 1 - t->count)
        fail_msg("seed %lu step %d: deleted count", t->seed, step);
}

static void check_entries(const struct model *t, int step)
{
    uint64_t next = 0, previous = 0;

    for (uint64_t seq = SEQS; seq >= 1; seq--) {
        const struct msg_entry *e = msgs_get(t->m, t->base + seq);

        if (t->live[seq]) next = seq;
        if ((e != NULL) != t->live[seq] || (e && e->loc.at != (uint32_t)seq) ||
            msgs_next(t->m, t->base + seq) != out_of(t, next))
            fail_msg("seed %lu step %d: seq %lu", t->seed, step, seq);
    }
    for (uint64_t seq = 1; seq <= SEQS; seq++) {
        if (t->live[seq]) previous = seq;
        if (msgs_previous(t->m, t->base + seq) != out_of(t, previous))
            fail_msg("seed %lu step %d: previous of %lu", t->seed, step, seq);
    }
}

static void check_names(const struct model *t, int step)
{
    char text[16];

    for (uint32_t name = 0; name < NAMES; name++) {
        uint64_t first = 0, last = 0, count = 0;
        uint32_t n = msgs_find_subject(t->m, name_of(name, text));
        struct msgs_subject s;

        for (uint64_t seq = 1; seq <= t->last; seq++) {
            if (!t->live[seq] || t->name[seq] != name) continue;
            if (count++ == 0) first = seq;
            last = seq;
        }
        if ((n == UINT32_MAX) != (count == 0)) fail_msg("seed %lu: find %u", t->seed, name);
        if (count == 0) continue;
        s = msgs_subject(t->m, n);
        if (s.count != count || s.first_seq != t->base + first || s.last_seq != t->base + last ||
            !span_equal(s.text, name_of(name, text)))
            fail_msg("seed %lu step %d: subject %s: %lu of %lu..%lu", t->seed, step, text,
                     s.count, s.first_seq, s.last_seq);
    }
}

/* Through msgs_next_match or msgs_previous_match with pieces of budget. */
static uint64_t find(struct model *t, size_t filter, uint64_t from, bool up)
{
    uint32_t budget_max = rng_below(&t->rng, 2) ? 300 : 1;

    for (int turns = 0; turns < 2 * SEQS; turns++) {
        uint64_t budget = 1 + rng_below(&t->rng, budget_max), at = 0, seq;

        seq = up ? msgs_next_match(t->m, t->filters[filter], from, &budget, &at)
                 : msgs_previous_match(t->m, t->filters[filter], from, &budget, &at);
        if (seq != 0 || budget != 0) return seq;
        if (up ? at < from : at > from) fail_msg("seed %lu: from %lu back", t->seed, from);
        from = at;
    }
    fail_msg("seed %lu: filter %zu from %lu: no end", t->seed, filter, from);
    return 0;
}

static void check_filter(struct model *t, size_t filter, uint64_t from, int step)
{
    uint64_t next = 0, previous = 0, count = 0, last_count = 0;
    bool seen[NAMES] = { false };

    for (uint64_t seq = t->last; seq >= 1; seq--) {
        if (!t->live[seq] || !model_matches(t->name[seq], filter)) continue;
        if (seq >= from) {
            next = seq;
            count++;
            last_count += !seen[t->name[seq]];
            seen[t->name[seq]] = true;
        }
        if (seq <= from && previous == 0) previous = seq;
    }
    if (find(t, filter, t->base + from, true) != out_of(t, next))
        fail_msg("seed %lu step %d: filter %zu next of %lu", t->seed, step, filter, from);
    if (find(t, filter, t->base + from, false) != out_of(t, previous))
        fail_msg("seed %lu step %d: filter %zu previous of %lu", t->seed, step, filter, from);
    if (msgs_count(t->m, t->filters[filter], t->base + from, false) != count)
        fail_msg("seed %lu step %d: filter %zu count from %lu", t->seed, step, filter, from);
    if (msgs_count(t->m, t->filters[filter], t->base + from, true) != last_count)
        fail_msg("seed %lu step %d: filter %zu lasts from %lu", t->seed, step, filter, from);
}

static void check_lasts(struct model *t, size_t filter, uint64_t up_to, int step)
{
    struct buf got = { 0 };
    uint64_t wanted[NAMES], limit = up_to ? up_to : t->last, n = 0, seq;
    bool seen[NAMES] = { false };

    for (seq = limit < t->last ? limit : t->last; seq >= 1; seq--) {
        if (!t->live[seq] || seen[t->name[seq]] || !model_matches(t->name[seq], filter)) continue;
        seen[t->name[seq]] = true;
        wanted[n++] = t->base + seq;
    }
    buf_append_text(&got, "12345678");  /* appends */
    if (msgs_last_per_subject(t->m, t->filters[filter], out_of(t, up_to), &got) != n ||
        got.len != 8 + n * 8)
        fail_msg("seed %lu step %d: filter %zu lasts up to %lu", t->seed, step, filter, up_to);
    for (uint64_t i = 0; i < n; i++) {
        memcpy(&seq, got.p + 8 + i * 8, 8);
        if (seq != wanted[n - 1 - i]) fail_msg("seed %lu step %d: last %lu", t->seed, step, i);
    }
    buf_free(&got);
}

static void check_all(struct model *t, int step)
{
    check_state(t, step);
    for (size_t filter = 0; filter < 6; filter++) {
        check_filter(t, filter, 1 + rng_below(&t->rng, (uint32_t)t->last + 2), step);
        check_filter(t, filter, t->first, step);
        check_lasts(t, filter, rng_below(&t->rng, 2) ? 1 + rng_below(&t->rng, SEQS) : 0, step);
    }
    if (rng_below(&t->rng, 4) == 0) check_names(t, step);
    if (rng_below(&t->rng, 4) == 0) check_entries(t, step);
}

static void model_start(struct model *t, uint64_t seed, uint64_t base)
{
    memset(t, 0, sizeof(*t));
    t->seed = seed;
    t->base = base;
    rng_seed(&t->rng, seed);
    t->m = msgs_new(seed);
    for (size_t i = 0; i < 6; i++) {
        struct span texts[3];
        size_t n = 0;

        for (; n < 3 && filter_texts[i][n] != NULL; n++) texts[n] = span_of(filter_texts[i][n]);
        t->filters[i] = msgs_filter_new(texts, n);
    }
}

static void model_end(struct model *t)
{
    for (size_t i = 0; i < 6; i++) msgs_filter_free(&t->filters[i]);
    msgs_free(&t->m);
    assert_null(t->m);
}

/* One change: add at the end or with a gap, remove at the front, at random or a run. */
static void change(struct model *t, uint32_t add_percent)
{
    uint64_t seq;

    if (rng_below(&t->rng, 100) < add_percent) {
        seq = t->last + 1 + (rng_below(&t->rng, 50) == 0 ? rng_below(&t->rng, 700) : 0);
        if (seq <= SEQS) model_add(t, seq, rng_below(&t->rng, 1 + rng_below(&t->rng, NAMES)));
        return;
    }
    if (t->last == 0) return;
    switch (rng_below(&t->rng, 4)) {
    case 0:
        if (t->count > 0) model_remove(t, t->first);
        break;
    case 1:
        seq = 1 + rng_below(&t->rng, (uint32_t)t->last);
        for (uint32_t n = rng_below(&t->rng, 30); n > 0 && seq <= t->last; n--, seq++)
            model_remove(t, seq);
        break;
    default:
        model_remove(t, 1 + rng_below(&t->rng, (uint32_t)t->last));
    }
}

static void test_agrees_with_arrays(void **state)
{
    static const uint64_t bases[] = { 0, 32767, UINT64_C(1) << 40, UINT64_MAX - 2 * SEQS };
    struct model *t = *state;

    for (uint64_t seed = 1; seed <= 12; seed++) {
        model_start(t, seed, bases[seed % 4]);
        if (t->base != 0) msgs_set_last(t->m, t->base);
        for (int step = 0; t->last < SEQS - 700 || step % 1000; step++) {
            if (step >= 60000) break;
            change(t, step / 1500 % 3 ? 85 : 20);
            if (step % 400 == 0 && t->last > 0) check_all(t, step);
        }
        check_all(t, -1);
        while (t->count > 0) model_remove(t, t->first);
        check_all(t, -2);
        model_end(t);
    }
}

static void test_recovers_in_any_order(void **state)
{
    struct model *t = *state;

    for (uint64_t seed = 50; seed < 56; seed++) {
        model_start(t, seed, 1000);
        msgs_set_last(t->m, 1000 + SEQS);
        t->last = SEQS;
        t->first = SEQS + 1;
        check_state(t, 0);
        for (int step = 1; step < 4000; step++) {
            uint64_t seq = 1 + rng_below(&t->rng, SEQS);
            if (seed % 2) seq = SEQS - (uint64_t)step;
            if (t->live[seq]) model_remove(t, seq);
            else model_add(t, seq, rng_below(&t->rng, NAMES));
            if (step % 250 == 0) check_all(t, step);
        }
        model_end(t);
    }
}

static struct msgs_state state_of(const struct msgs *m)
{
    return msgs_state(m);
}

static void add(struct msgs *m, uint64_t seq, const char *subject)
{
    struct msg_entry e = { { 1, (uint32_t)seq }, msgs_intern(m, span_of(subject)), 10 };

    msgs_add(m, seq, &e);
}

static void test_state_when_empty(void **state)
{
    struct msgs *m = msgs_new(1);
    uint64_t budget = 5, at = 0;

    (void)state;
    assert_int_equal(state_of(m).first_seq, 0);
    assert_int_equal(state_of(m).last_seq, 0);
    assert_int_equal(msgs_next(m, 0), 0);
    assert_int_equal(msgs_previous(m, 9), 0);
    assert_int_equal(msgs_count(m, NULL, 0, false), 0);
    assert_int_equal(msgs_next_match(m, NULL, 1, &budget, &at), 0);
    assert_int_equal(budget, 5);
    msgs_set_last(m, 99);
    assert_int_equal(state_of(m).first_seq, 100);
    msgs_set_last(m, 50);               /* only forward */
    assert_int_equal(state_of(m).last_seq, 99);
    add(m, 100, "a");
    assert_int_equal(state_of(m).first_seq, 100);
    assert_true(msgs_remove(m, 100, NULL));
    assert_false(msgs_remove(m, 100, NULL));
    assert_int_equal(state_of(m).first_seq, 101);
    assert_int_equal(state_of(m).last_seq, 100);
    assert_int_equal(state_of(m).bytes, 0);
    add(m, 103, "a");
    msgs_move(m, 103, (struct store_loc){ 5, 6 });
    assert_int_equal(msgs_get(m, 103)->loc.segment, 5);
    assert_null(msgs_get(m, 102));
    msgs_free(&m);
}

/* A number without messages lives until the next remove, then its subject is gone. */
static void test_numbers_without_messages(void **state)
{
    struct msgs *m = msgs_new(3);
    char text[16];
    uint32_t a, b;
    size_t before;

    (void)state;
    a = msgs_intern(m, SPAN_LIT("a"));
    assert_int_equal(msgs_intern(m, SPAN_LIT("a")), a);
    assert_int_equal(msgs_find_subject(m, SPAN_LIT("a")), UINT32_MAX);
    assert_int_equal(state_of(m).subjects, 0);
    add(m, 1, "b");
    b = msgs_find_subject(m, SPAN_LIT("b"));
    msgs_remove(m, 1, NULL);
    assert_int_equal(msgs_subject(m, b).count, 0);
    assert_true(span_is(msgs_subject(m, b).text, "b"));
    assert_int_equal(msgs_intern(m, SPAN_LIT("b")), b);
    before = msgs_memory(m);
    for (uint32_t i = 0; i < 200000; i++)
        msgs_intern(m, span_make(text, (size_t)snprintf(text, sizeof text, "s%u", i)));
    assert_true(msgs_memory(m) < before + 400000);
    msgs_free(&m);
}

/* A filter must not take a subject for the one that had its number before. */
static void test_numbers_come_back(void **state)
{
    struct msgs *m = msgs_new(4);
    struct span wild = SPAN_LIT("yes.*");
    struct msgs_filter *f = msgs_filter_new(&wild, 1);
    char text[24];
    uint32_t highest = 0;

    (void)state;
    for (uint32_t i = 1; i < 30000; i++) {
        bool yes = i * 2654435761u >> 31;
        const struct msg_entry *e;

        snprintf(text, sizeof text, "%s.%u", yes ? "yes" : "no", i);
        add(m, i, text);
        e = msgs_get(m, i);
        if (e->subject > highest) highest = e->subject;
        if (msgs_filter_matches(f, m, e->subject) != yes) fail_msg("%s", text);
        if (i > 100) msgs_remove(m, i - 100, NULL);
    }
    assert_true(highest < 3000);
    msgs_filter_free(&f);
    msgs_free(&m);
}

static void test_many_subjects_by_text(void **state)
{
    enum { COUNT = 20000 };
    struct msgs *m = msgs_new(5);
    char text[24];

    (void)state;
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < COUNT; i++) {
            snprintf(text, sizeof text, "k.%u", i);
            add(m, round * COUNT + i + 1, text);
            if (round > 0 && i % 2) msgs_remove(m, (round - 1) * COUNT + i + 1, NULL);
        }
    }
    assert_int_equal(state_of(m).subjects, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        uint32_t n;

        snprintf(text, sizeof text, "k.%u", i);
        n = msgs_find_subject(m, span_of(text));
        if (n == UINT32_MAX || msgs_subject(m, n).count != (i % 2 ? 1 : 3) ||
            msgs_subject(m, n).first_seq != (i % 2 ? 2 * COUNT + i + 1 : i + 1) ||
            msgs_subject(m, n).last_seq != 2 * COUNT + i + 1)
            fail_msg("%s", text);
    }
    assert_int_equal(msgs_find_subject(m, SPAN_LIT("k.20000")), UINT32_MAX);
    msgs_free(&m);
}

struct listing {
    uint64_t count, messages;
    uint64_t stop_after;
};

static bool list_one(void *arg, uint32_t number, const struct msgs_subject *s)
{
    struct listing *l = arg;

    (void)number;
    assert_true(s->first_seq <= s->last_seq);
    l->count++;
    l->messages += s->count;
    return l->count != l->stop_after;
}

static void test_lists_subjects(void **state)
{
    struct msgs *m = msgs_new(6);
    struct span filters[] = { SPAN_LIT("a.x"), SPAN_LIT("a.*"), SPAN_LIT("c") };
    struct msgs_filter *f = msgs_filter_new(filters, 3), *one = msgs_filter_new(filters + 2, 1);
    struct listing all = { 0 }, some = { 0 }, c = { 0 }, stopped = { .stop_after = 2 };

    (void)state;
    add(m, 1, "a.x");
    add(m, 2, "a.y");
    add(m, 3, "b");
    add(m, 4, "c");
    add(m, 5, "a.x");
    add(m, 6, "gone");
    msgs_remove(m, 6, NULL);
    msgs_each_subject(m, NULL, list_one, &all);
    msgs_each_subject(m, f, list_one, &some);
    msgs_each_subject(m, one, list_one, &c);
    msgs_each_subject(m, NULL, list_one, &stopped);
    assert_int_equal(all.count, 4);
    assert_int_equal(all.messages, 5);
    assert_int_equal(some.count, 3);
    assert_int_equal(some.messages, 4);
    assert_int_equal(c.count, 1);
    assert_int_equal(stopped.count, 2);
    assert_false(msgs_filter_is_all(f));
    assert_true(msgs_filter_is_all(NULL));
    assert_true(msgs_filter_matches_text(one, SPAN_LIT("c")));
    assert_false(msgs_filter_matches_text(one, SPAN_LIT("a.x")));
    msgs_filter_free(&f);
    msgs_filter_free(&one);
    msgs_free(&m);
}

/* Few literals among many: scans that pass again and again use summaries. */
static void test_sparse_literals(void **state)
{
    enum { COUNT = 60000 };
    struct msgs *m = msgs_new(7);
    char text[24];

    (void)state;
    for (uint32_t i = 1; i <= COUNT; i++) {
        snprintf(text, sizeof text, "k.%u", i % 1000);
        add(m, i, text);
    }
    for (uint64_t seq = 1; seq <= 3000; seq++) {
        struct span name = span_make(text, (size_t)snprintf(text, sizeof text, "k.%u",
                                                            (unsigned)(seq % 1000)));
        struct msgs_filter *f = msgs_filter_new(&name, 1);
        uint64_t budget = COUNT, at, first;

        assert_true(msgs_remove(m, seq, NULL));
        first = msgs_subject(m, msgs_find_subject(m, name)).first_seq;
        if (first != seq + 1000) fail_msg("%s starts at %lu", text, first);
        assert_int_equal(msgs_next_match(m, f, first + 1, &budget, &at), first + 1000);
        assert_int_equal(msgs_previous_match(m, f, COUNT - 1000, &budget, &at),
                         COUNT - 2000 + seq % 1000 + (seq % 1000 ? 0 : 1000));
        msgs_filter_free(&f);
    }
    msgs_free(&m);
}

/* ---- memory ---- */

static void test_memory_of_many_messages(void **state)
{
    enum { MESSAGES = 1000000, SUBJECTS = 100000 };
    struct msgs *m = msgs_new(8);
    size_t texts = 0;
    char text[40];

    (void)state;
    for (uint32_t i = 0; i < MESSAGES; i++) {
        int len = snprintf(text, sizeof text, "order.%.*s.%u", (int)(i % SUBJECTS % 16) + 1,
                           "abcdefghijklmnopq", i % SUBJECTS);

        if (i < SUBJECTS) texts += (size_t)len;
        add(m, i + 1, text);
    }
    /* Texts of all lengths: malloc rounds them up. */
    assert_true((double)msgs_memory(m) < MESSAGES * 16.5 + SUBJECTS * 64.0 + (double)texts);
    while (msgs_state(m).count > 0) msgs_remove(m, msgs_state(m).first_seq, NULL);
    msgs_remove(m, 1, NULL);            /* frees the last number */
    assert_true(msgs_memory(m) < 1000);
    msgs_free(&m);
}

/* Many sequences given out, few left: what is gone takes hardly any memory. */
static void test_memory_of_few_left(void **state)
{
    enum { LIVE = 20000, GIVEN = 2000000 };
    struct msgs *m = msgs_new(9);
    struct rng rng;
    char text[24];

    (void)state;
    rng_seed(&rng, 9);
    for (uint32_t i = 1; i <= GIVEN; i++) {
        uint32_t n;
        uint64_t old;

        snprintf(text, sizeof text, "$KV.b.%u", rng_below(&rng, LIVE));
        n = msgs_find_subject(m, span_of(text));
        old = n == UINT32_MAX ? 0 : msgs_subject(m, n).last_seq;
        add(m, i, text);
        if (old != 0) msgs_remove(m, old, NULL);
    }
    assert_int_equal(msgs_state(m).count, LIVE);
    assert_true(msgs_memory(m) < LIVE * 16 + LIVE * 80 + GIVEN * 1.0);
    msgs_free(&m);
}

static void test_memory_of_a_queue(void **state)
{
    struct msgs *m = msgs_new(10);
    struct rng rng;
    size_t peak = 0, bound = 0;
    uint64_t live[1000];
    char text[24];

    (void)state;
    rng_seed(&rng, 10);
    for (uint32_t i = 0; i < 1000000; i++) {
        uint32_t at = rng_below(&rng, 1000);

        snprintf(text, sizeof text, "work.%u", i);
        if (i < 1000) at = i;
        else msgs_remove(m, live[at], NULL);
        add(m, i + 1, text);
        live[at] = i + 1;
        if (msgs_memory(m) > peak) peak = msgs_memory(m);
        if (i == 20000) bound = peak * 2;
    }
    assert_true(peak < bound);
    msgs_free(&m);
}

/* A gap of any size costs nothing. */
static void test_memory_of_gaps(void **state)
{
    struct msgs *m = msgs_new(11);

    (void)state;
    for (uint64_t i = 1; i < 1000; i++) add(m, i << 50, "gap");
    assert_true(msgs_memory(m) < 1000 * 1024);
    for (uint64_t i = 1; i < 1000; i++) {
        assert_int_equal(msgs_next(m, (i << 50) - 7), i << 50);
        assert_int_equal(msgs_previous(m, (i << 50) + 7), i << 50);
        assert_int_equal(msgs_count(m, NULL, i << 50, false), 1000 - i);
    }
    for (uint64_t i = 1; i < 1000; i += 2) assert_true(msgs_remove(m, i << 50, NULL));
    assert_int_equal(msgs_next(m, UINT64_C(5) << 50), UINT64_C(6) << 50);
    assert_int_equal(msgs_deleted_count(m), (UINT64_C(997) << 50) + 1 - 499);
    msgs_free(&m);
}

int main(void)
{
    struct model model;
    struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_agrees_with_arrays, &model),
        cmocka_unit_test_prestate(test_recovers_in_any_order, &model),
        cmocka_unit_test(test_state_when_empty),
        cmocka_unit_test(test_numbers_without_messages),
        cmocka_unit_test(test_numbers_come_back),
        cmocka_unit_test(test_many_subjects_by_text),
        cmocka_unit_test(test_lists_subjects),
        cmocka_unit_test(test_sparse_literals),
        cmocka_unit_test(test_memory_of_many_messages),
        cmocka_unit_test(test_memory_of_few_left),
        cmocka_unit_test(test_memory_of_a_queue),
        cmocka_unit_test(test_memory_of_gaps),
    };

    return cmocka_run_group_tests_name("msgs", tests, NULL, NULL);
}
