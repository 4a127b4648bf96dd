/* SPDX-License-Identifier: Apache-2.0 */
/* msgs.c - the messages of one stream: its state, and what comes and goes. One loop owns a struct
 * msgs. Invariant: while count > 0, first is live and last is at or above every live sequence. */
#include "jetstream/msgs.h"

#include "base/mem.h"
#include "jetstream/msgs_priv.h"

struct msgs *msgs_new(uint64_t seed)
{
    struct msgs *m = mem_zero(sizeof(*m));

    m->seed = seed;
    m->free_head = m->resting_head = UINT32_MAX;
    m->memory = msgs_heap_size(sizeof(*m));
    return m;
}

void msgs_free(struct msgs **m)
{
    if (*m == NULL) return;
    msgs_chunks_free(*m);
    msgs_subjects_free(*m);
    mem_free(*m);
    *m = NULL;
}

struct msgs_state msgs_state(const struct msgs *m)
{
    return (struct msgs_state){
        .first_seq = m->first,
        .last_seq = m->last,
        .count = m->count,
        .bytes = m->bytes,
        .subjects = m->subject_count,
    };
}

size_t msgs_memory(const struct msgs *m)
{
    return m->memory;
}

void msgs_add(struct msgs *m, uint64_t seq, const struct msg_entry *e)
{
    assert(seq > 0);
    assert(e->subject < m->fact_count);
    msgs_chunk_put(m, seq, e);
    if (seq > m->last) {
        if (seq >> MSGS_CHUNK_BITS != m->last >> MSGS_CHUNK_BITS)
            msgs_chunk_trim(m, m->last >> MSGS_CHUNK_BITS);
        m->last = seq;
    }
    if (m->count == 0 || seq < m->first) m->first = seq;
    m->count++;
    m->bytes += e->size;
    msgs_subject_gain(m, e->subject, seq);
}

void msgs_set_last(struct msgs *m, uint64_t last)
{
    if (last <= m->last) return;
    if (last >> MSGS_CHUNK_BITS != m->last >> MSGS_CHUNK_BITS)
        msgs_chunk_trim(m, m->last >> MSGS_CHUNK_BITS);
    m->last = last;
    if (m->count == 0) m->first = last + 1;
}

const struct msg_entry *msgs_get(const struct msgs *m, uint64_t seq)
{
    struct msgs_chunk *c = msgs_chunk_at(m, seq >> MSGS_CHUNK_BITS);

    return c ? msgs_chunk_entry(c, (unsigned)(seq % MSGS_CHUNK_SEQS)) : NULL;
}

void msgs_move(struct msgs *m, uint64_t seq, struct store_loc loc)
{
    struct msgs_chunk *c = msgs_chunk_at(m, seq >> MSGS_CHUNK_BITS);
    struct msg_entry *e = c ? msgs_chunk_entry(c, (unsigned)(seq % MSGS_CHUNK_SEQS)) : NULL;

    assert(e != NULL);
    e->loc = loc;
}

bool msgs_remove(struct msgs *m, uint64_t seq, struct msg_entry *gone)
{
    const struct msg_entry *found = msgs_get(m, seq);
    struct msg_entry e;

    msgs_subjects_reap(m);
    if (found == NULL) return false;
    e = *found;
    if (gone != NULL) *gone = e;
    msgs_chunk_take(m, seq);
    m->count--;
    m->bytes -= e.size;
    if (m->count == 0) m->first = m->last + 1;
    else if (seq == m->first) m->first = msgs_next(m, seq + 1);
    msgs_subject_lose(m, e.subject, seq);
    return true;
}

uint64_t msgs_next(const struct msgs *m, uint64_t from)
{
    uint64_t no, live;
    unsigned bit, w;
    const struct msgs_chunk *c;

    if (m->count == 0 || from > m->last) return 0;
    no = from >> MSGS_CHUNK_BITS;
    for (; (c = msgs_chunk_from(m, &no)) != NULL; no++) {
        bit = no == from >> MSGS_CHUNK_BITS ? (unsigned)(from % MSGS_CHUNK_SEQS) : 0;
        w = bit / 64;
        live = c->live[w] & msgs_bits_from(bit % 64);
        while (live == 0 && w < MSGS_CHUNK_WORDS - 1) live = c->live[++w];
        if (live != 0) return (no << MSGS_CHUNK_BITS) + w * 64 + msgs_lowest(live);
    }
    return 0;
}

uint64_t msgs_previous(const struct msgs *m, uint64_t from)
{
    uint64_t no, live;
    unsigned bit, w;
    const struct msgs_chunk *c;

    if (m->count == 0 || from < m->first) return 0;
    if (from > m->last) from = m->last;
    no = from >> MSGS_CHUNK_BITS;
    /* first is live and below: a chunk is always found. */
    while ((c = msgs_chunk_until(m, &no)) != NULL) {
        bit = no == from >> MSGS_CHUNK_BITS ? (unsigned)(from % MSGS_CHUNK_SEQS)
                                            : MSGS_CHUNK_SEQS - 1;
        w = bit / 64;
        live = c->live[w] & msgs_bits_until(bit % 64);
        while (live == 0 && w > 0) live = c->live[--w];
        if (live != 0) return (no << MSGS_CHUNK_BITS) + w * 64 + msgs_highest(live);
        no--;
    }
    unreachable();
}
