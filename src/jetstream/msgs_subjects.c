/* SPDX-License-Identifier: Apache-2.0 */
/* msgs_subjects.c - the subjects of one stream's messages, by number. Owned by struct msgs.
 *
 * A number without messages stands in the idle list; msgs_remove frees what is still there. */
#include "base/hash.h"
#include "base/mem.h"
#include "jetstream/msgs_priv.h"

enum {
    IDLE_MAX = 1024,                    /* numbers without messages that interning may pile up */
    RESTING_MIN = 1024,                 /* freed numbers before any is given out again */
    SMALL_TABLE = 4096,                 /* kept when the last subject goes */
};

static uint32_t hash_of(const struct msgs *m, struct span text)
{
    return (uint32_t)(hash_span(text, m->seed) >> 32);
}

static uint32_t home_of(uint32_t hash, uint32_t slot_count)
{
    return (uint32_t)(((uint64_t)hash * slot_count) >> 32);
}

static size_t table_size(const struct msgs *m)
{
    return (m->facts ? msgs_heap_size(m->fact_cap * sizeof(*m->facts)) : 0) +
           (m->slots ? msgs_heap_size(m->slot_count * sizeof(*m->slots)) : 0) +
           (m->idle ? msgs_heap_size(m->idle_cap * sizeof(*m->idle)) : 0);
}

/* Slot of the subject, or of the free place where it would stand. */
static uint32_t slot_find(const struct msgs *m, struct span text, uint32_t hash)
{
    uint32_t i = home_of(hash, m->slot_count);

    for (; m->slots[i].number != 0; i = i + 1 == m->slot_count ? 0 : i + 1) {
        const struct msgs_fact *fact;

        if (m->slots[i].hash != hash) continue;
        fact = &m->facts[m->slots[i].number - 1];
        if (span_equal(span_make(fact->text, fact->len), text)) break;
    }
    return i;
}

/* Keep the slots at most 4/5 full with one more. */
static void slots_grow(struct msgs *m)
{
    struct msgs_slot *old = m->slots;
    uint32_t old_count = m->slot_count, count;

    if ((uint64_t)m->used_count * 5 + 5 <= (uint64_t)old_count * 4) return;
    count = old_count < 8 ? 8 : old_count + old_count / 8 + 8;
    assert(count > old_count);
    m->memory -= table_size(m);
    m->slots = mem_zero(count * sizeof(*m->slots));
    m->slot_count = count;
    for (uint32_t k = 0; k < old_count; k++) {
        uint32_t i;

        if (old[k].number == 0) continue;
        i = home_of(old[k].hash, count);
        while (m->slots[i].number != 0) i = i + 1 == count ? 0 : i + 1;
        m->slots[i] = old[k];
    }
    mem_free(old);
    m->memory += table_size(m);
}

/* Empty slot i and move those behind it that may come closer to their home. */
static void slot_clear(struct msgs *m, uint32_t i)
{
    uint32_t k = i, count = m->slot_count;

    for (;;) {
        uint32_t home, from_home, from_hole;

        k = k + 1 == count ? 0 : k + 1;
        if (m->slots[k].number == 0) break;
        home = home_of(m->slots[k].hash, count);
        from_home = k >= home ? k - home : k + count - home;
        from_hole = k >= i ? k - i : k + count - i;
        if (from_home < from_hole) continue;
        m->slots[i] = m->slots[k];
        i = k;
    }
    m->slots[i] = (struct msgs_slot){ 0, 0 };
}

static uint32_t number_take(struct msgs *m)
{
    uint32_t n = m->free_head;

    if (n != UINT32_MAX) {
        m->free_head = (uint32_t)m->facts[n].first;
        return n;
    }
    if (m->fact_count == m->fact_cap) {
        uint32_t cap = m->fact_cap;

        cap = cap < 4 ? 4 : cap < SMALL_TABLE ? cap * 2 : cap + cap / 16;
        assert(cap > m->fact_cap);
        m->memory -= table_size(m);
        m->facts = mem_resize(m->facts, cap * sizeof(*m->facts));
        m->fact_cap = cap;
        m->memory += table_size(m);
    }
    return m->fact_count++;
}

/* Put n into the idle list. */
static void idle_push(struct msgs *m, uint32_t n)
{
    if (m->facts[n].idle) return;
    if (m->idle_count == m->idle_cap) {
        m->memory -= table_size(m);
        m->idle_cap = m->idle_cap ? m->idle_cap * 2 : 4;
        m->idle = mem_resize(m->idle, m->idle_cap * sizeof(*m->idle));
        m->memory += table_size(m);
    }
    m->idle[m->idle_count++] = n;
    m->facts[n].idle = 1;
}

static void number_free(struct msgs *m, uint32_t n)
{
    struct msgs_fact *fact = &m->facts[n];
    struct span text = span_make(fact->text, fact->len);

    slot_clear(m, slot_find(m, text, hash_of(m, text)));
    m->memory -= msgs_heap_size(fact->len);
    mem_free(fact->text);
    *fact = (struct msgs_fact){ .first = m->resting_head };
    m->resting_head = n;
    m->resting_count++;
    m->used_count--;
}

/* All resting numbers become free; what filters know about numbers ends. */
static void wake_resting(struct msgs *m)
{
    uint32_t n = m->resting_head;

    while (n != UINT32_MAX) {
        uint32_t next = (uint32_t)m->facts[n].first;

        m->facts[n].first = m->free_head;
        m->free_head = n;
        n = next;
    }
    m->resting_head = UINT32_MAX;
    m->resting_count = 0;
    m->epoch++;
}

/* No number is in use: give a large table back. */
static void drop_table(struct msgs *m)
{
    m->memory -= table_size(m);
    mem_free(m->facts);
    mem_free(m->slots);
    mem_free(m->idle);
    m->facts = NULL;
    m->slots = NULL;
    m->idle = NULL;
    m->fact_count = m->fact_cap = m->slot_count = m->idle_count = m->idle_cap = 0;
    m->free_head = m->resting_head = UINT32_MAX;
    m->resting_count = 0;
    m->epoch++;
}

void msgs_subjects_reap(struct msgs *m)
{
    if (m->idle_count == 0) return;
    for (uint32_t i = 0; i < m->idle_count; i++) {
        uint32_t n = m->idle[i];

        m->facts[n].idle = 0;
        if (m->facts[n].count == 0) number_free(m, n);
    }
    m->idle_count = 0;
    if (m->used_count == 0 && m->fact_cap > SMALL_TABLE) drop_table(m);
    else if (m->resting_count >= RESTING_MIN + m->used_count / 2) wake_resting(m);
}

void msgs_subjects_free(struct msgs *m)
{
    for (uint32_t n = 0; n < m->fact_count; n++) mem_free(m->facts[n].text);
    drop_table(m);
}

uint32_t msgs_intern(struct msgs *m, struct span subject)
{
    uint32_t hash = hash_of(m, subject), n, i;
    struct msgs_fact *fact;

    assert(subject.len <= STORE_SUBJECT_MAX);
    if (m->slot_count > 0) {
        i = slot_find(m, subject, hash);
        if (m->slots[i].number != 0) return m->slots[i].number - 1;
    }
    if (m->idle_count >= IDLE_MAX) msgs_subjects_reap(m);
    slots_grow(m);
    n = number_take(m);
    fact = &m->facts[n];
    *fact = (struct msgs_fact){ .text = mem_alloc(subject.len + (subject.len == 0)),
                                .len = (uint16_t)subject.len };
    if (subject.len > 0) memcpy(fact->text, subject.p, subject.len);
    m->memory += msgs_heap_size(subject.len);
    m->slots[slot_find(m, subject, hash)] = (struct msgs_slot){ hash, n + 1 };
    m->used_count++;
    idle_push(m, n);
    return n;
}

uint32_t msgs_find_subject(const struct msgs *m, struct span subject)
{
    uint32_t n;

    if (m->slot_count == 0) return UINT32_MAX;
    n = m->slots[slot_find(m, subject, hash_of(m, subject))].number;
    return n == 0 || m->facts[n - 1].count == 0 ? UINT32_MAX : n - 1;
}

void msgs_subject_gain(struct msgs *m, uint32_t n, uint64_t seq)
{
    struct msgs_fact *fact = &m->facts[n];

    assert(fact->text != NULL);
    if (fact->idle && m->idle[m->idle_count - 1] == n) {
        m->idle_count--;
        fact->idle = 0;
    }
    if (fact->count == 0) {
        m->subject_count++;
        fact->first = fact->last = seq;
        fact->first_stale = fact->last_stale = 0;
    }
    fact->count++;
    if (seq < fact->first) {
        fact->first = seq;
        fact->first_stale = 0;
    }
    if (seq > fact->last) {
        fact->last = seq;
        fact->last_stale = 0;
    }
}

/* One message left: the bound that is exact holds for both. */
static void settle_single(struct msgs_fact *fact)
{
    if (fact->count != 1 || (fact->first_stale && fact->last_stale)) return;
    if (fact->first_stale) fact->first = fact->last;
    else if (fact->last_stale) fact->last = fact->first;
    fact->first_stale = fact->last_stale = 0;
}

void msgs_subject_lose(struct msgs *m, uint32_t n, uint64_t seq)
{
    struct msgs_fact *fact = &m->facts[n];

    assert(fact->count > 0);
    if (--fact->count == 0) {
        m->subject_count--;
        idle_push(m, n);
        return;
    }
    if (seq == fact->first) {
        fact->first = seq + 1;
        fact->first_stale = 1;
    }
    if (seq == fact->last) {
        fact->last = seq - 1;
        fact->last_stale = 1;
    }
    settle_single(fact);
}

void msgs_subject_settle(struct msgs *m, uint32_t n)
{
    struct msgs_fact *fact = &m->facts[n];
    struct msgs_want want = { &n, 1, NULL };
    uint64_t budget = UINT64_MAX, at;

    if (fact->first_stale) {
        fact->first = msgs_scan_up(m, &want, fact->first, fact->last, &budget, &at);
        fact->first_stale = 0;
        settle_single(fact);
    }
    if (fact->last_stale) {
        fact->last = msgs_scan_down(m, &want, fact->first, fact->last, &budget, &at);
        fact->last_stale = 0;
    }
    assert(fact->first != 0);
    assert(fact->last >= fact->first);
}

struct msgs_subject msgs_subject(struct msgs *m, uint32_t subject)
{
    const struct msgs_fact *fact;

    assert(subject < m->fact_count);
    fact = &m->facts[subject];
    assert(fact->text != NULL);
    if (fact->count == 0) return (struct msgs_subject){ .text = { fact->text, fact->len } };
    msgs_subject_settle(m, subject);
    return (struct msgs_subject){ { fact->text, fact->len }, fact->first, fact->last,
                                  fact->count };
}
