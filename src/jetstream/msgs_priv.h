/* SPDX-License-Identifier: Apache-2.0 */
/* msgs_priv.h - how the files of the message index know each other. Inside msgs*.c only.
 *
 * Entries lie in chunks of 512 sequences, each with a bitmap of what lives and one of which
 * sequences have a slot; slots are packed in order of sequence. Removing only clears a live bit;
 * when half the slots are dead the chunk is packed anew. 64 chunks make a group; the groups that
 * hold something stand in one sorted array, so that gaps of any size cost nothing. */
#ifndef JETSTREAM_MSGS_PRIV_H
#define JETSTREAM_MSGS_PRIV_H

#include "base/assert.h"
#include "jetstream/msgs.h"

#define MSGS_CHUNK_BITS 9
#define MSGS_CHUNK_SEQS (1u << MSGS_CHUNK_BITS)
#define MSGS_CHUNK_WORDS (MSGS_CHUNK_SEQS / 64)
#define MSGS_GROUP_CHUNKS 64
#define MSGS_SUMMARY_GROUP_MIN 8192     /* live entries of a group that summaries are made for */
#define MSGS_LITERALS_MAX 16            /* of a filter that follows subjects' facts */

struct msgs_chunk {
    uint64_t live[MSGS_CHUNK_WORDS], slots[MSGS_CHUNK_WORDS];
    uint16_t rank[MSGS_CHUNK_WORDS];    /* slots before the word */
    uint16_t live_count, slot_count, cap;
    struct msg_entry entries[];
};

struct msgs_group {
    uint64_t present;                   /* chunks with a live entry; others are NULL */
    uint64_t live_count;
    struct msgs_chunk *chunks[MSGS_GROUP_CHUNKS];
    /* msgs_scan.c's: per chunk a set of its subjects that may say yes wrongly. */
    struct msgs_summary *summaries;     /* of each chunk; NULL: not worth it so far */
    uint64_t summarised;                /* chunks whose summary holds */
    uint32_t visits;                    /* chunks scanned for few subjects without one */
};

struct msgs_summary {
    uint64_t words[64];                 /* a Bloom filter of subject numbers */
};

struct msgs_group_ref {
    uint64_t no;                        /* chunk number / 64 */
    struct msgs_group *group;
};

struct msgs_fact {                      /* of a subject number */
    char *text;                         /* heap; NULL: the number is free */
    uint64_t first;                     /* free: the next free number */
    uint64_t last;
    uint64_t count : 40, len : 16;
    /* A stale first is a lower bound, a stale last an upper bound of the real one. */
    uint64_t first_stale : 1, last_stale : 1;
    uint64_t idle : 1;                  /* stands in the list of those without a message */
};

struct msgs_slot {
    uint32_t hash;
    uint32_t number;                    /* + 1; 0: free */
};

struct msgs {
    uint64_t seed;
    uint64_t first, last, count, bytes;
    size_t memory;

    struct msgs_group_ref *groups;      /* sorted; [group_head, group_head + group_count) */
    size_t group_head, group_count, group_cap;

    struct msgs_fact *facts;            /* by number */
    struct msgs_slot *slots;            /* open addressing, linear */
    uint32_t fact_count, fact_cap, slot_count;
    uint32_t used_count;                /* numbers in the table */
    uint32_t subject_count;             /* of them with a message */
    uint32_t *idle;                     /* numbers to free unless they get a message */
    uint32_t idle_count, idle_cap;
    /* A freed number rests until many are, then all rest at once become free and the epoch moves:
     * that is when filters forget what they decided. */
    uint32_t free_head, resting_head, resting_count;    /* lists; UINT32_MAX: end */
    uint64_t epoch;
};

/* What a scan looks for: one of a few numbers, or what filter matches when numbers is NULL. */
struct msgs_want {
    const uint32_t *numbers;
    size_t count;
    struct msgs_filter *filter;
};

/* Roughly what an allocation costs with malloc's own words. */
static inline size_t msgs_heap_size(size_t size)
{
    return size < 24 ? 32 : (size + 8 + 15) & ~(size_t)15;
}

static inline uint64_t msgs_bits_from(unsigned bit)     /* bit and those above */
{
    return UINT64_MAX << bit;
}

static inline uint64_t msgs_bits_until(unsigned bit)    /* bit and those below */
{
    return UINT64_MAX >> (63 - bit);
}

static inline unsigned msgs_lowest(uint64_t bits)
{
    return (unsigned)__builtin_ctzll(bits);
}

static inline unsigned msgs_highest(uint64_t bits)
{
    return 63u - (unsigned)__builtin_clzll(bits);
}

static inline unsigned msgs_bit_count(uint64_t bits)
{
    return bits == UINT64_MAX ? 64u : (unsigned)__builtin_popcountll(bits);
}

/* ---- msgs_chunks.c ---- */

/* The group with this number, or NULL when nothing lives there. */
struct msgs_group *msgs_group_at(const struct msgs *m, uint64_t no);
/* The chunk with this number, or NULL when nothing lives there. */
struct msgs_chunk *msgs_chunk_at(const struct msgs *m, uint64_t no);
/* The first chunk numbered >= *no, which becomes its number; NULL: none. */
struct msgs_chunk *msgs_chunk_from(const struct msgs *m, uint64_t *no);
/* The last chunk numbered <= *no, which becomes its number; NULL: none. */
struct msgs_chunk *msgs_chunk_until(const struct msgs *m, uint64_t *no);
/* Live entries below seq. O(groups + 64). */
uint64_t msgs_live_below(const struct msgs *m, uint64_t seq);

/* Put an entry for seq, which must not be live. Amortised O(1) in order. */
void msgs_chunk_put(struct msgs *m, uint64_t seq, const struct msg_entry *e);
/* Take the live seq out. */
void msgs_chunk_take(struct msgs *m, uint64_t seq);
/* The slot of bit, or NULL when it is not live. */
struct msg_entry *msgs_chunk_entry(struct msgs_chunk *c, unsigned bit);
/* Give back spare room of a chunk that no longer grows. */
void msgs_chunk_trim(struct msgs *m, uint64_t no);
void msgs_chunks_free(struct msgs *m);

/* ---- msgs_subjects.c ---- */

/* Account for the message seq of subject number n: comes, goes. */
void msgs_subject_gain(struct msgs *m, uint32_t n, uint64_t seq);
void msgs_subject_lose(struct msgs *m, uint32_t n, uint64_t seq);
/* Free the numbers that have no message. */
void msgs_subjects_reap(struct msgs *m);
/* Make first and last exact. n has a message. */
void msgs_subject_settle(struct msgs *m, uint32_t n);
void msgs_subjects_free(struct msgs *m);

/* ---- msgs_scan.c ---- */

/* The first (up) or last (down) live sequence in [low, high] that is wanted; 0: none. *budget as
 * in msgs_next_match; when it ran out *at is where to go on and the answer 0. */
uint64_t msgs_scan_up(struct msgs *m, const struct msgs_want *want, uint64_t low, uint64_t high,
                      uint64_t *budget, uint64_t *at);
uint64_t msgs_scan_down(struct msgs *m, const struct msgs_want *want, uint64_t low,
                        uint64_t high, uint64_t *budget, uint64_t *at);

/* ---- msgs_filter.c ---- */

struct msgs_filter {
    char *texts;                        /* all, one after the other */
    struct span *filters;
    size_t count;
    bool is_all, is_literal;            /* literal: few, none with a wildcard */
    /* What is decided: 2 bits per subject number, 0: nothing, MSGS_NO, MSGS_YES. */
    uint64_t *decided;
    size_t word_count;
    uint64_t epoch;                     /* of the numbers that decided is about */
};

enum { MSGS_NO = 2, MSGS_YES = 3 };

/* Decide a number that is not in f->decided. */
bool msgs_filter_decide(struct msgs_filter *f, struct msgs *m, uint32_t n);

static inline bool msgs_filter_passes(struct msgs_filter *f, struct msgs *m, uint32_t n)
{
    unsigned known = 0;

    if (f->is_all) return true;
    if (f->epoch == m->epoch && n / 32 < f->word_count)
        known = (unsigned)(f->decided[n / 32] >> (n % 32 * 2)) & 3;
    return known ? known == MSGS_YES : msgs_filter_decide(f, m, n);
}

/* Of a filter of few literals: the numbers of those that have messages; false: not such a one. */
bool msgs_filter_numbers(const struct msgs_filter *f, const struct msgs *m,
                         uint32_t numbers[MSGS_LITERALS_MAX], size_t *count);

#endif
