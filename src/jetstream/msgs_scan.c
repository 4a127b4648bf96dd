/* SPDX-License-Identifier: Apache-2.0 */
/* msgs_scan.c - walks over the entries of one stream for a few subjects or a filter.
 *
 * The chunks of a group that is scanned again and again for few subjects get summaries: 8 bits per
 * sequence, a Bloom filter of the subject numbers with three bits in one word for each, so that
 * most chunks are skipped from then on. Removing leaves a summary as it is: it may say yes wrongly
 * anyway. */
#include "base/mem.h"
#include "jetstream/msgs_priv.h"

enum { SUMMARY_VISITS = 4 * MSGS_GROUP_CHUNKS };

/* A scan under way. */
struct scan {
    struct msgs *m;
    const struct msgs_want *want;
    uint64_t budget;
    uint64_t at;                        /* where it stopped for want of budget */
    struct msgs_group *group;           /* the last one it came to */
    uint64_t group_no;
};

static uint32_t summary_hash(uint32_t subject)
{
    return subject * UINT32_C(0x9e3779b1);
}

static uint64_t summary_mask(uint32_t hash)
{
    return UINT64_C(1) << (hash >> 20 & 63) | UINT64_C(1) << (hash >> 14 & 63) |
           UINT64_C(1) << (hash >> 8 & 63);
}

static void summary_make(struct msgs_summary *summary, const struct msgs_chunk *c)
{
    unsigned index = 0;

    memset(summary, 0, sizeof(*summary));
    for (unsigned w = 0; w < MSGS_CHUNK_WORDS; w++) {
        for (uint64_t slots = c->slots[w]; slots != 0; slots &= slots - 1, index++) {
            uint32_t hash = summary_hash(c->entries[index].subject);
            if (c->live[w] >> msgs_lowest(slots) & 1)
                summary->words[hash >> 26] |= summary_mask(hash);
        }
    }
}

/* Nothing in the chunk can be wanted. Makes a summary when that seems to pay. */
static bool can_skip(struct scan *s, const struct msgs_chunk *c, uint64_t no)
{
    unsigned at = (unsigned)(no % MSGS_GROUP_CHUNKS);
    struct msgs_group *g = s->group;

    if (s->want->numbers == NULL) return false;
    if (g == NULL || s->group_no != no / MSGS_GROUP_CHUNKS) {
        s->group_no = no / MSGS_GROUP_CHUNKS;
        g = s->group = msgs_group_at(s->m, s->group_no);
    }
    if (!(g->summarised >> at & 1)) {
        if (g->live_count < MSGS_SUMMARY_GROUP_MIN || no == s->m->last >> MSGS_CHUNK_BITS ||
            g->visits++ < SUMMARY_VISITS)
            return false;
        g->visits = SUMMARY_VISITS;
        if (g->summaries == NULL) {
            g->summaries = mem_alloc(MSGS_GROUP_CHUNKS * sizeof(*g->summaries));
            s->m->memory += msgs_heap_size(MSGS_GROUP_CHUNKS * sizeof(*g->summaries));
        }
        summary_make(&g->summaries[at], c);
        g->summarised |= UINT64_C(1) << at;
    }
    for (size_t i = 0; i < s->want->count; i++) {
        uint32_t hash = summary_hash(s->want->numbers[i]);
        if ((~g->summaries[at].words[hash >> 26] & summary_mask(hash)) == 0) return false;
    }
    return true;
}

static inline bool is_wanted(const struct scan *s, uint32_t subject)
{
    if (s->want->numbers == NULL) return msgs_filter_passes(s->want->filter, s->m, subject);
    for (size_t i = 0; i < s->want->count; i++) {
        if (s->want->numbers[i] == subject) return true;
    }
    return false;
}

/* All 64 entries are live and none is wanted. Without a branch per entry. */
static bool is_word_unwanted(const struct scan *s, uint64_t live, const struct msg_entry *entries)
{
    uint32_t hits = 0;

    if (live != UINT64_MAX || s->want->numbers == NULL || s->want->count != 1) return false;
    for (unsigned i = 0; i < 64; i++) hits |= entries[i].subject == s->want->numbers[0];
    return hits == 0;
}

/* The lowest wanted bit in [low, high] of a chunk, or -1; -2: out of budget at s->at. */
static int chunk_up(struct scan *s, const struct msgs_chunk *c, unsigned low, unsigned high)
{
    for (unsigned w = low / 64; w <= high / 64; w++) {
        uint64_t mask = w == low / 64 ? msgs_bits_from(low % 64) : UINT64_MAX;
        uint64_t slots = c->slots[w], live;
        unsigned index = c->rank[w] + msgs_bit_count(slots & ~mask);

        if (w == high / 64) mask &= msgs_bits_until(high % 64);
        live = c->live[w] & mask;
        if (s->budget >= 64 && is_word_unwanted(s, live, c->entries + index)) {
            s->budget -= 64;
            continue;
        }
        for (slots &= mask; slots != 0; slots &= slots - 1, index++) {
            unsigned bit = msgs_lowest(slots);

            if (!(live >> bit & 1)) continue;
            if (s->budget == 0) {
                s->at = w * 64 + bit;
                return -2;
            }
            s->budget--;
            if (is_wanted(s, c->entries[index].subject)) return (int)(w * 64 + bit);
        }
    }
    return -1;
}

/* As chunk_up, the highest. */
static int chunk_down(struct scan *s, const struct msgs_chunk *c, unsigned low, unsigned high)
{
    for (unsigned w = high / 64 + 1; w-- > low / 64;) {
        uint64_t mask = w == high / 64 ? msgs_bits_until(high % 64) : UINT64_MAX;
        uint64_t slots = c->slots[w] & mask, live = c->live[w];
        unsigned index = c->rank[w] + msgs_bit_count(slots);

        if (w == low / 64) mask &= msgs_bits_from(low % 64);
        live &= mask;
        if (s->budget >= 64 && index >= 64 &&
            is_word_unwanted(s, live, c->entries + index - 64)) {
            s->budget -= 64;
            continue;
        }
        for (slots &= mask; slots != 0; slots &= ~(UINT64_C(1) << msgs_highest(slots))) {
            unsigned bit = msgs_highest(slots);

            index--;
            if (!(live >> bit & 1)) continue;
            if (s->budget == 0) {
                s->at = w * 64 + bit;
                return -2;
            }
            s->budget--;
            if (is_wanted(s, c->entries[index].subject)) return (int)(w * 64 + bit);
        }
    }
    return -1;
}

uint64_t msgs_scan_up(struct msgs *m, const struct msgs_want *want, uint64_t low, uint64_t high,
                      uint64_t *budget, uint64_t *at)
{
    struct scan s = { m, want, *budget, 0, NULL, 0 };
    uint64_t no = low >> MSGS_CHUNK_BITS, top = high >> MSGS_CHUNK_BITS, found = 0;
    struct msgs_chunk *c;

    *at = low;
    for (; low <= high && (c = msgs_chunk_from(m, &no)) != NULL && no <= top; no++) {
        uint64_t base = no << MSGS_CHUNK_BITS;
        int bit;

        if (s.budget == 0) {
            *at = base > low ? base : low;
            break;
        }
        if (can_skip(&s, c, no)) {
            s.budget--;
            bit = -1;
        } else {
            bit = chunk_up(&s, c, base > low ? 0 : (unsigned)(low - base),
                           no < top ? MSGS_CHUNK_SEQS - 1 : (unsigned)(high - base));
        }
        if (bit == -2) *at = base + s.at;
        else if (bit >= 0) found = base + (unsigned)bit;
        else *at = base + MSGS_CHUNK_SEQS;
        if (bit != -1) break;
    }
    *budget = s.budget;
    return found;
}

uint64_t msgs_scan_down(struct msgs *m, const struct msgs_want *want, uint64_t low,
                        uint64_t high, uint64_t *budget, uint64_t *at)
{
    struct scan s = { m, want, *budget, 0, NULL, 0 };
    uint64_t no = high >> MSGS_CHUNK_BITS, end = low >> MSGS_CHUNK_BITS, found = 0;
    struct msgs_chunk *c;

    *at = high;
    for (; low <= high && (c = msgs_chunk_until(m, &no)) != NULL && no >= end; no--) {
        uint64_t base = no << MSGS_CHUNK_BITS, top = base + MSGS_CHUNK_SEQS - 1;
        int bit;

        if (s.budget == 0) {
            *at = top < high ? top : high;
            break;
        }
        if (can_skip(&s, c, no)) {
            s.budget--;
            bit = -1;
        } else {
            bit = chunk_down(&s, c, no > end ? 0 : (unsigned)(low - base),
                             top < high ? MSGS_CHUNK_SEQS - 1 : (unsigned)(high - base));
        }
        if (bit == -2) *at = base + s.at;
        else if (bit >= 0) found = base + (unsigned)bit;
        else *at = base ? base - 1 : 0;
        if (bit != -1 || no == 0) break;
    }
    *budget = s.budget;
    return found;
}
