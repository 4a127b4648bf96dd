/* SPDX-License-Identifier: Apache-2.0 */
/* msgs_filter.c - sets of subject filters over the messages of one stream.
 *
 * Whoever made a filter owns it. A set of few literals is answered from the facts of their
 * subjects as far as those go; any other set is decided once per subject number. */
#include <stdlib.h>

#include "base/mem.h"
#include "jetstream/msgs_priv.h"
#include "proto/subject.h"

struct msgs_filter *msgs_filter_new(const struct span *filters, size_t count)
{
    struct msgs_filter *f = mem_zero(sizeof(*f));
    size_t size = 0;
    char *at;

    f->count = count;
    f->is_all = count == 0;
    f->is_literal = count > 0 && count <= MSGS_LITERALS_MAX;
    if (count == 0) return f;
    for (size_t i = 0; i < count; i++) {
        size += filters[i].len;
        if (span_is(filters[i], ">")) f->is_all = true;
        if (!subject_is_literal(filters[i])) f->is_literal = false;
    }
    f->filters = mem_alloc(count * sizeof(*f->filters));
    at = f->texts = mem_alloc(size + 1);
    for (size_t i = 0; i < count; i++) {
        if (filters[i].len > 0) memcpy(at, filters[i].p, filters[i].len);
        f->filters[i] = span_make(at, filters[i].len);
        at += filters[i].len;
    }
    return f;
}

void msgs_filter_free(struct msgs_filter **f)
{
    if (*f == NULL) return;
    mem_free((*f)->decided);
    mem_free((*f)->filters);
    mem_free((*f)->texts);
    mem_free(*f);
    *f = NULL;
}

bool msgs_filter_is_all(const struct msgs_filter *f)
{
    return f == NULL || f->is_all;
}

bool msgs_filter_matches_text(const struct msgs_filter *f, struct span subject)
{
    if (msgs_filter_is_all(f)) return true;
    for (size_t i = 0; i < f->count; i++) {
        if (subject_matches(f->filters[i], subject)) return true;
    }
    return false;
}

bool msgs_filter_decide(struct msgs_filter *f, struct msgs *m, uint32_t n)
{
    bool yes;

    assert(n < m->fact_count);
    if (f->epoch != m->epoch) {
        if (f->word_count > 0) memset(f->decided, 0, f->word_count * sizeof(*f->decided));
        f->epoch = m->epoch;
    }
    if (n / 32 >= f->word_count) {
        size_t count = (size_t)m->fact_cap / 32 + 1;

        f->decided = mem_resize(f->decided, count * sizeof(*f->decided));
        memset(f->decided + f->word_count, 0, (count - f->word_count) * sizeof(*f->decided));
        f->word_count = count;
    }
    yes = msgs_filter_matches_text(f, span_make(m->facts[n].text, m->facts[n].len));
    f->decided[n / 32] |= (uint64_t)(yes ? MSGS_YES : MSGS_NO) << (n % 32 * 2);
    return yes;
}

bool msgs_filter_matches(struct msgs_filter *f, struct msgs *m, uint32_t subject)
{
    return f == NULL || msgs_filter_passes(f, m, subject);
}

bool msgs_filter_numbers(const struct msgs_filter *f, const struct msgs *m,
                         uint32_t numbers[MSGS_LITERALS_MAX], size_t *count)
{
    if (f == NULL || !f->is_literal) return false;
    *count = 0;
    for (size_t i = 0; i < f->count; i++) {
        uint32_t n = msgs_find_subject(m, f->filters[i]);
        size_t k = 0;

        if (n == UINT32_MAX) continue;
        while (k < *count && numbers[k] != n) k++;
        if (k == *count) numbers[(*count)++] = n;
    }
    return true;
}

/* ---- the next and the previous ---- */

/* The first sequence >= from of a few subjects, by their facts as far as those are exact. */
static uint64_t next_of(struct msgs *m, const uint32_t *numbers, size_t count, uint64_t from,
                        uint64_t *budget, uint64_t *at)
{
    uint32_t open[MSGS_LITERALS_MAX];
    struct msgs_want want = { open, 0, NULL };
    uint64_t low = UINT64_MAX, high = 0, best = UINT64_MAX, found;

    for (size_t i = 0; i < count; i++) {
        const struct msgs_fact *fact = &m->facts[numbers[i]];
        uint64_t exact = 0;

        if (fact->last < from) continue;
        if (fact->first >= from && !fact->first_stale) exact = fact->first;
        else if (fact->count == 1 && !fact->last_stale) exact = fact->last;
        if (exact != 0) {
            if (exact < best) best = exact;
            continue;
        }
        open[want.count++] = numbers[i];
        if (fact->first < low) low = fact->first;
        if (fact->last > high) high = fact->last;
    }
    if (low < from) low = from;
    if (low < m->first) low = m->first;
    if (high >= best) high = best - 1;
    if (want.count > 0 && low <= high) {
        found = msgs_scan_up(m, &want, low, high, budget, at);
        if (found != 0) return found;
        if (*budget == 0) {
            if (*at > best) *at = best;
            return 0;
        }
    }
    return best == UINT64_MAX ? 0 : best;
}

static uint64_t previous_of(struct msgs *m, const uint32_t *numbers, size_t count,
                            uint64_t from, uint64_t *budget, uint64_t *at)
{
    uint32_t open[MSGS_LITERALS_MAX];
    struct msgs_want want = { open, 0, NULL };
    uint64_t low = UINT64_MAX, high = 0, best = 0, found;

    for (size_t i = 0; i < count; i++) {
        const struct msgs_fact *fact = &m->facts[numbers[i]];
        uint64_t exact = 0;

        if (fact->first > from) continue;
        if (fact->last <= from && !fact->last_stale) exact = fact->last;
        else if (fact->count == 1 && !fact->first_stale) exact = fact->first;
        if (exact != 0) {
            if (exact > best) best = exact;
            continue;
        }
        open[want.count++] = numbers[i];
        if (fact->first < low) low = fact->first;
        if (fact->last > high) high = fact->last;
    }
    if (high > from) high = from;
    if (low <= best) low = best + 1;
    if (want.count > 0 && low <= high) {
        found = msgs_scan_down(m, &want, low, high, budget, at);
        if (found != 0) return found;
        if (*budget == 0) {
            if (*at < best) *at = best;
            return 0;
        }
    }
    return best;
}

uint64_t msgs_next_match(struct msgs *m, struct msgs_filter *f, uint64_t from, uint64_t *budget,
                         uint64_t *at)
{
    struct msgs_want want = { NULL, 0, f };
    uint32_t numbers[MSGS_LITERALS_MAX];
    uint64_t seq;
    size_t count;

    *at = from;
    if (m->count == 0 || from > m->last || *budget == 0) return 0;
    if (msgs_filter_is_all(f)) {
        seq = msgs_next(m, from);
        *budget -= seq != 0;
        return seq;
    }
    if (msgs_filter_numbers(f, m, numbers, &count))
        return next_of(m, numbers, count, from, budget, at);
    return msgs_scan_up(m, &want, from > m->first ? from : m->first, m->last, budget, at);
}

uint64_t msgs_previous_match(struct msgs *m, struct msgs_filter *f, uint64_t from,
                             uint64_t *budget, uint64_t *at)
{
    struct msgs_want want = { NULL, 0, f };
    uint32_t numbers[MSGS_LITERALS_MAX];
    uint64_t seq;
    size_t count;

    *at = from;
    if (m->count == 0 || from < m->first || *budget == 0) return 0;
    if (msgs_filter_is_all(f)) {
        seq = msgs_previous(m, from);
        *budget -= seq != 0;
        return seq;
    }
    if (msgs_filter_numbers(f, m, numbers, &count))
        return previous_of(m, numbers, count, from, budget, at);
    return msgs_scan_down(m, &want, m->first, from < m->last ? from : m->last, budget, at);
}

/* ---- counts ---- */

/* Matching live messages in [low, high], by looking at each. */
static uint64_t count_between(struct msgs *m, const struct msgs_want *want, uint64_t low,
                              uint64_t high)
{
    uint64_t budget = UINT64_MAX, at, count = 0, seq;

    for (; low <= high; low = seq + 1, count++) {
        seq = msgs_scan_up(m, want, low, high, &budget, &at);
        if (seq == 0) break;
    }
    return count;
}

/* Number i of the matching candidates: of a few numbers, or of the whole table. */
static bool is_match(struct msgs *m, const struct msgs_want *want, uint32_t n)
{
    return m->facts[n].count > 0 &&
           (want->numbers != NULL || msgs_filter_matches(want->filter, m, n));
}

static uint32_t candidate_count(const struct msgs *m, const struct msgs_want *want)
{
    return want->numbers ? (uint32_t)want->count : m->fact_count;
}

static uint32_t candidate(const struct msgs_want *want, uint32_t i)
{
    return want->numbers ? want->numbers[i] : i;
}

/* What to look for, as few numbers where that is possible. */
static struct msgs_want want_of(const struct msgs *m, struct msgs_filter *f,
                                uint32_t numbers[MSGS_LITERALS_MAX])
{
    struct msgs_want want = { NULL, 0, f };

    if (msgs_filter_numbers(f, m, numbers, &want.count)) want.numbers = numbers;
    return want;
}

/* Subjects whose last message is at or after from. */
static uint64_t count_subjects(struct msgs *m, const struct msgs_want *want, uint64_t from)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < candidate_count(m, want); i++) {
        uint32_t n = candidate(want, i);

        if (!is_match(m, want, n) || m->facts[n].last < from) continue;
        if (m->facts[n].last_stale && m->facts[n].first < from) msgs_subject_settle(m, n);
        count += m->facts[n].last >= from;
    }
    return count;
}

/* Matching messages at or after from, which is above m->first. */
static uint64_t count_after(struct msgs *m, const struct msgs_want *want, uint64_t from)
{
    uint64_t all = 0, after = 0, before = msgs_live_below(m, from);
    bool is_cut = false;                /* a subject has messages on both sides, perhaps */

    if (want->numbers == NULL && m->count - before < before + m->subject_count)
        return count_between(m, want, from, m->last);
    for (uint32_t i = 0; i < candidate_count(m, want); i++) {
        const struct msgs_fact *fact;
        uint32_t n = candidate(want, i);

        if (!is_match(m, want, n)) continue;
        fact = &m->facts[n];
        all += fact->count;
        if (fact->first >= from) after += fact->count;
        else if (fact->last >= from) is_cut = true;
    }
    if (!is_cut) return after;
    if (m->count - before < before) return count_between(m, want, from, m->last);
    return all - count_between(m, want, m->first, from - 1);
}

uint64_t msgs_count(struct msgs *m, struct msgs_filter *f, uint64_t from, bool last_per_subject)
{
    uint32_t numbers[MSGS_LITERALS_MAX];
    struct msgs_want want = want_of(m, f, numbers);
    uint64_t count = 0;

    if (m->count == 0 || from > m->last) return 0;
    if (last_per_subject) return count_subjects(m, &want, from);
    if (msgs_filter_is_all(f)) return m->count - (from > m->first ? msgs_live_below(m, from) : 0);
    if (from > m->first) return count_after(m, &want, from);
    for (uint32_t i = 0; i < candidate_count(m, &want); i++) {
        uint32_t n = candidate(&want, i);
        if (is_match(m, &want, n)) count += m->facts[n].count;
    }
    return count;
}

/* ---- subjects ---- */

void msgs_each_subject(struct msgs *m, struct msgs_filter *f,
                       bool (*fn)(void *arg, uint32_t number, const struct msgs_subject *s),
                       void *arg)
{
    uint32_t numbers[MSGS_LITERALS_MAX];
    struct msgs_want want = want_of(m, f, numbers);

    for (uint32_t i = 0; i < candidate_count(m, &want); i++) {
        uint32_t n = candidate(&want, i);
        const struct msgs_fact *fact = &m->facts[n];
        struct msgs_subject s = { { fact->text, fact->len }, fact->first, fact->last,
                                  fact->count };

        if (is_match(m, &want, n) && !fn(arg, n, &s)) return;
    }
}

static int compare_seqs(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* Append the last message <= up_to of each subject in wanted (a bit per number, count of them).
 * Walks down until each is found. */
static void append_before(struct msgs *m, uint64_t *wanted, size_t count, uint64_t up_to,
                          struct buf *seqs)
{
    uint64_t seq = up_to;

    while (count > 0 && (seq = msgs_previous(m, seq)) != 0) {
        uint32_t n = msgs_get(m, seq)->subject;
        uint64_t bit = UINT64_C(1) << (n % 64);

        if (wanted[n / 64] & bit) {
            wanted[n / 64] &= ~bit;
            count--;
            buf_append(seqs, &seq, sizeof(seq));
        }
        seq--;
    }
}

size_t msgs_last_per_subject(struct msgs *m, struct msgs_filter *f, uint64_t up_to,
                             struct buf *seqs)
{
    uint32_t numbers[MSGS_LITERALS_MAX];
    struct msgs_want want = want_of(m, f, numbers);
    size_t start = seqs->len, count, later = 0;
    uint64_t *wanted = NULL;

    if (up_to == 0 || up_to > m->last) up_to = m->last;
    for (uint32_t i = 0; i < candidate_count(m, &want); i++) {
        uint32_t n = candidate(&want, i);
        struct msgs_fact *fact = &m->facts[n];

        if (!is_match(m, &want, n) || fact->first > up_to) continue;
        if (fact->last_stale || (fact->first_stale && fact->last > up_to))
            msgs_subject_settle(m, n);
        if (fact->first > up_to) continue;
        if (fact->last <= up_to) {
            buf_append(seqs, &fact->last, sizeof(fact->last));
            continue;
        }
        if (wanted == NULL) wanted = mem_zero(((size_t)m->fact_count / 64 + 1) * 8);
        wanted[n / 64] |= UINT64_C(1) << (n % 64);
        later++;
    }
    append_before(m, wanted, later, up_to, seqs);
    mem_free(wanted);
    count = (seqs->len - start) / sizeof(uint64_t);
    if (count > 1) qsort(seqs->p + start, count, sizeof(uint64_t), compare_seqs);
    return count;
}
