/* SPDX-License-Identifier: Apache-2.0 */
/* msgs_chunks.c - the entries by sequence: chunks in groups in a sorted array. Owned by struct
 * msgs.
 *
 * Invariants: a chunk in a group has a live entry; a group in the array has a chunk; live is a
 * subset of slots; rank[w] is the number of slots in the words before w. */
#include "jetstream/msgs_priv.h"

#include "base/mem.h"

enum { CAP_MIN = 4, PACK_MIN = 8 };

static size_t chunk_size(unsigned cap)
{
    return sizeof(struct msgs_chunk) + cap * sizeof(struct msg_entry);
}

static void chunk_free(struct msgs *m, struct msgs_chunk *c)
{
    m->memory -= msgs_heap_size(chunk_size(c->cap));
    mem_free(c);
}

static struct msgs_chunk *chunk_resize(struct msgs *m, struct msgs_chunk *c, unsigned cap)
{
    m->memory -= msgs_heap_size(chunk_size(c->cap));
    c = mem_resize(c, chunk_size(cap));
    c->cap = (uint16_t)cap;
    m->memory += msgs_heap_size(chunk_size(cap));
    return c;
}

/* ---- the array of groups ---- */

/* Index from the head of the first group numbered >= no. O(1) when groups are dense, else
 * O(log groups). */
static size_t group_find(const struct msgs *m, uint64_t no)
{
    const struct msgs_group_ref *refs;
    size_t low = 0, high = m->group_count;

    if (high == 0) return 0;
    refs = m->groups + m->group_head;
    if (no <= refs[0].no) return 0;
    if (no > refs[high - 1].no) return high;
    if (no == refs[high - 1].no) return high - 1;
    if (no - refs[0].no < high && refs[no - refs[0].no].no == no) return no - refs[0].no;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (refs[middle].no < no) low = middle + 1;
        else high = middle;
    }
    return low;
}

struct msgs_group *msgs_group_at(const struct msgs *m, uint64_t no)
{
    size_t i = group_find(m, no);
    const struct msgs_group_ref *ref;

    if (i == m->group_count) return NULL;
    ref = m->groups + m->group_head + i;
    return ref->no == no ? ref->group : NULL;
}

static struct msgs_group *group_add(struct msgs *m, uint64_t no)
{
    size_t i = group_find(m, no);
    struct msgs_group_ref *refs;

    if (m->group_head + m->group_count == m->group_cap) {
        if (m->group_head > m->group_cap / 2) {
            memmove(m->groups, m->groups + m->group_head, m->group_count * sizeof(*m->groups));
            m->group_head = 0;
        } else {
            m->memory -= m->groups ? msgs_heap_size(m->group_cap * sizeof(*m->groups)) : 0;
            m->group_cap = m->group_cap ? m->group_cap * 2 : 2;
            m->groups = mem_resize(m->groups, m->group_cap * sizeof(*m->groups));
            m->memory += msgs_heap_size(m->group_cap * sizeof(*m->groups));
        }
    }
    refs = m->groups + m->group_head;
    memmove(refs + i + 1, refs + i, (m->group_count - i) * sizeof(*refs));
    m->group_count++;
    refs[i] = (struct msgs_group_ref){ no, mem_zero(sizeof(struct msgs_group)) };
    m->memory += msgs_heap_size(sizeof(struct msgs_group));
    return refs[i].group;
}

static void summaries_drop(struct msgs *m, struct msgs_group *g)
{
    if (g->summaries == NULL) return;
    m->memory -= msgs_heap_size(MSGS_GROUP_CHUNKS * sizeof(struct msgs_summary));
    mem_free(g->summaries);
    g->summaries = NULL;
    g->summarised = 0;
    g->visits = 0;
}

static void group_remove(struct msgs *m, uint64_t no)
{
    size_t i = group_find(m, no);
    struct msgs_group_ref *refs = m->groups + m->group_head;

    assert(i < m->group_count);
    assert(refs[i].no == no);
    summaries_drop(m, refs[i].group);
    mem_free(refs[i].group);
    m->memory -= msgs_heap_size(sizeof(struct msgs_group));
    m->group_count--;
    if (i == 0) m->group_head++;
    else memmove(refs + i, refs + i + 1, (m->group_count - i) * sizeof(*refs));
    if (m->group_count > 0) return;
    m->memory -= msgs_heap_size(m->group_cap * sizeof(*m->groups));
    mem_free(m->groups);
    m->groups = NULL;
    m->group_head = m->group_cap = 0;
}

/* ---- finding chunks ---- */

struct msgs_chunk *msgs_chunk_at(const struct msgs *m, uint64_t no)
{
    const struct msgs_group *g = msgs_group_at(m, no / MSGS_GROUP_CHUNKS);

    return g ? g->chunks[no % MSGS_GROUP_CHUNKS] : NULL;
}

struct msgs_chunk *msgs_chunk_from(const struct msgs *m, uint64_t *no)
{
    uint64_t group_no = *no / MSGS_GROUP_CHUNKS;
    size_t i = group_find(m, group_no);

    for (; i < m->group_count; i++) {
        const struct msgs_group_ref *ref = m->groups + m->group_head + i;
        unsigned at = ref->no == group_no ? (unsigned)(*no % MSGS_GROUP_CHUNKS) : 0;
        uint64_t present = ref->group->present & msgs_bits_from(at);

        if (present == 0) continue;
        at = msgs_lowest(present);
        *no = ref->no * MSGS_GROUP_CHUNKS + at;
        return ref->group->chunks[at];
    }
    return NULL;
}

struct msgs_chunk *msgs_chunk_until(const struct msgs *m, uint64_t *no)
{
    uint64_t group_no = *no / MSGS_GROUP_CHUNKS;
    size_t i = group_find(m, group_no);

    if (i < m->group_count && m->groups[m->group_head + i].no == group_no) i++;
    while (i-- > 0) {
        const struct msgs_group_ref *ref = m->groups + m->group_head + i;
        unsigned at = ref->no == group_no ? (unsigned)(*no % MSGS_GROUP_CHUNKS) : 63;
        uint64_t present = ref->group->present & msgs_bits_until(at);

        if (present == 0) continue;
        at = msgs_highest(present);
        *no = ref->no * MSGS_GROUP_CHUNKS + at;
        return ref->group->chunks[at];
    }
    return NULL;
}

uint64_t msgs_live_below(const struct msgs *m, uint64_t seq)
{
    uint64_t no = seq >> MSGS_CHUNK_BITS, count = 0, present;
    unsigned bit = (unsigned)(seq % MSGS_CHUNK_SEQS);
    size_t i = group_find(m, no / MSGS_GROUP_CHUNKS);
    const struct msgs_group_ref *refs;
    const struct msgs_chunk *c;

    if (m->group_count == 0) return 0;
    refs = m->groups + m->group_head;
    for (size_t k = 0; k < i; k++) count += refs[k].group->live_count;
    if (i == m->group_count || refs[i].no != no / MSGS_GROUP_CHUNKS) return count;
    present = refs[i].group->present & ~msgs_bits_from((unsigned)(no % MSGS_GROUP_CHUNKS));
    for (; present != 0; present &= present - 1)
        count += refs[i].group->chunks[msgs_lowest(present)]->live_count;
    c = refs[i].group->chunks[no % MSGS_GROUP_CHUNKS];
    if (c == NULL) return count;
    for (unsigned w = 0; w < bit / 64; w++) count += msgs_bit_count(c->live[w]);
    return count + msgs_bit_count(c->live[bit / 64] & ~msgs_bits_from(bit % 64));
}

/* ---- entries ---- */

static unsigned slot_index(const struct msgs_chunk *c, unsigned bit)
{
    uint64_t slots = c->slots[bit / 64];

    if (slots == UINT64_MAX) return c->rank[bit / 64] + bit % 64;
    return c->rank[bit / 64] + msgs_bit_count(slots & ~msgs_bits_from(bit % 64));
}

struct msg_entry *msgs_chunk_entry(struct msgs_chunk *c, unsigned bit)
{
    if (!(c->live[bit / 64] >> (bit % 64) & 1)) return NULL;
    return &c->entries[slot_index(c, bit)];
}

static struct msgs_chunk *chunk_new(struct msgs *m, unsigned cap)
{
    struct msgs_chunk *c = mem_alloc(chunk_size(cap));

    memset(c, 0, sizeof(*c));
    c->cap = (uint16_t)cap;
    m->memory += msgs_heap_size(chunk_size(cap));
    return c;
}

/* The chunk no of g, made if absent. */
static struct msgs_chunk *chunk_make(struct msgs *m, struct msgs_group *g, uint64_t no)
{
    unsigned at = (unsigned)(no % MSGS_GROUP_CHUNKS);

    if (g->chunks[at] == NULL) {
        g->chunks[at] = chunk_new(m, CAP_MIN);
        g->present |= UINT64_C(1) << at;
    }
    return g->chunks[at];
}

void msgs_chunk_put(struct msgs *m, uint64_t seq, const struct msg_entry *e)
{
    uint64_t no = seq >> MSGS_CHUNK_BITS;
    unsigned bit = (unsigned)(seq % MSGS_CHUNK_SEQS), word = bit / 64, index;
    struct msgs_group *g = msgs_group_at(m, no / MSGS_GROUP_CHUNKS);
    struct msgs_chunk *c;

    if (g == NULL) g = group_add(m, no / MSGS_GROUP_CHUNKS);
    c = chunk_make(m, g, no);
    assert(!(c->live[word] >> (bit % 64) & 1));
    if (!(c->slots[word] >> (bit % 64) & 1)) {
        if (c->slot_count == c->cap) {
            c = chunk_resize(m, c, c->cap * 2u < MSGS_CHUNK_SEQS ? c->cap * 2u : MSGS_CHUNK_SEQS);
            g->chunks[no % MSGS_GROUP_CHUNKS] = c;
        }
        index = slot_index(c, bit);
        if (index < c->slot_count)
            memmove(c->entries + index + 1, c->entries + index,
                    (c->slot_count - index) * sizeof(*c->entries));
        c->slots[word] |= UINT64_C(1) << (bit % 64);
        c->slot_count++;
        for (unsigned w = word + 1; w < MSGS_CHUNK_WORDS; w++) c->rank[w]++;
    } else {
        index = slot_index(c, bit);
    }
    c->entries[index] = *e;
    c->live[word] |= UINT64_C(1) << (bit % 64);
    c->live_count++;
    g->live_count++;
    g->summarised &= ~(UINT64_C(1) << (no % MSGS_GROUP_CHUNKS));
}

/* A copy of c without its dead slots; c is freed. */
static struct msgs_chunk *chunk_pack(struct msgs *m, struct msgs_chunk *c)
{
    struct msgs_chunk *packed = chunk_new(m, c->live_count);
    unsigned from = 0, to = 0;

    for (unsigned w = 0; w < MSGS_CHUNK_WORDS; w++) {
        packed->rank[w] = (uint16_t)to;
        packed->live[w] = packed->slots[w] = c->live[w];
        for (uint64_t slots = c->slots[w]; slots != 0; slots &= slots - 1, from++) {
            if (c->live[w] >> msgs_lowest(slots) & 1) packed->entries[to++] = c->entries[from];
        }
    }
    packed->live_count = packed->slot_count = c->live_count;
    chunk_free(m, c);
    return packed;
}

void msgs_chunk_take(struct msgs *m, uint64_t seq)
{
    uint64_t no = seq >> MSGS_CHUNK_BITS;
    unsigned bit = (unsigned)(seq % MSGS_CHUNK_SEQS), at = (unsigned)(no % MSGS_GROUP_CHUNKS);
    struct msgs_group *g = msgs_group_at(m, no / MSGS_GROUP_CHUNKS);
    struct msgs_chunk *c;

    assert(g != NULL);
    c = g->chunks[at];
    assert(c != NULL);
    assert(c->live[bit / 64] >> (bit % 64) & 1);
    c->live[bit / 64] &= ~(UINT64_C(1) << (bit % 64));
    c->live_count--;
    g->live_count--;
    if (g->live_count < MSGS_SUMMARY_GROUP_MIN / 2) summaries_drop(m, g);
    if (c->live_count == 0) {
        chunk_free(m, c);
        g->chunks[at] = NULL;
        g->present &= ~(UINT64_C(1) << at);
        g->summarised &= g->present;
        if (g->present == 0) group_remove(m, no / MSGS_GROUP_CHUNKS);
    } else if (c->slot_count >= PACK_MIN && c->live_count * 2u <= c->slot_count) {
        g->chunks[at] = chunk_pack(m, c);
    }
}

void msgs_chunk_trim(struct msgs *m, uint64_t no)
{
    struct msgs_group *g = msgs_group_at(m, no / MSGS_GROUP_CHUNKS);
    struct msgs_chunk *c = g ? g->chunks[no % MSGS_GROUP_CHUNKS] : NULL;

    if (c == NULL || c->cap == c->slot_count) return;
    g->chunks[no % MSGS_GROUP_CHUNKS] = chunk_resize(m, c, c->slot_count);
}

void msgs_chunks_free(struct msgs *m)
{
    for (size_t i = 0; i < m->group_count; i++) {
        struct msgs_group *g = m->groups[m->group_head + i].group;

        for (unsigned k = 0; k < MSGS_GROUP_CHUNKS; k++) {
            if (g->chunks[k] != NULL) chunk_free(m, g->chunks[k]);
        }
        summaries_drop(m, g);
        mem_free(g);
    }
    mem_free(m->groups);
}
