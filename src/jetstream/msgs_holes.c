/* SPDX-License-Identifier: Apache-2.0 */
/* msgs_holes.c - the removed sequences of a stream, listed and as text.
 *
 * The text: the first sequence, then for each hole in ascending order how many sequences live
 * before it (since the hole before) and how long it is; neither is 0. Each number is a varint (7
 * bits per byte, lowest first, the top bit says that more follow; the shortest form only). No
 * hole: no bytes. Who decodes owns the set. */
#include "base/mem.h"
#include "jetstream/msgs_priv.h"

struct hole {
    uint64_t first, last;
};

struct msgs_holes {
    struct hole *holes;                 /* ascending, not touching */
    size_t count;
};

uint64_t msgs_deleted_count(const struct msgs *m)
{
    return m->count == 0 ? 0 : m->last - m->first + 1 - m->count;
}

/* The first sequence >= from that is not live. */
static uint64_t next_dead(const struct msgs *m, uint64_t from)
{
    for (;;) {
        const struct msgs_chunk *c = msgs_chunk_at(m, from >> MSGS_CHUNK_BITS);
        unsigned bit = (unsigned)(from % MSGS_CHUNK_SEQS), w = bit / 64;
        uint64_t dead;

        if (c == NULL) return from;
        if (c->live_count < MSGS_CHUNK_SEQS) {
            dead = ~c->live[w] & msgs_bits_from(bit % 64);
            while (dead == 0 && ++w < MSGS_CHUNK_WORDS) dead = ~c->live[w];
            if (dead != 0) return from - bit + w * 64 + msgs_lowest(dead);
        }
        from = from - bit + MSGS_CHUNK_SEQS;
    }
}

/* The first hole at or after from, which is live or above last. */
static bool next_hole(const struct msgs *m, uint64_t from, struct hole *h)
{
    uint64_t live;

    if (m->count == 0 || from > m->last) return false;
    h->first = next_dead(m, from);
    if (h->first > m->last) return false;
    live = msgs_next(m, h->first);
    h->last = live ? live - 1 : m->last;
    return true;
}

size_t msgs_deleted(const struct msgs *m, size_t max, struct buf *seqs)
{
    struct hole h = { 0, 0 };
    size_t count = 0;

    for (uint64_t at = m->first; count < max && next_hole(m, at, &h); at = h.last + 1) {
        for (uint64_t seq = h.first; seq <= h.last && count < max; seq++, count++)
            buf_append(seqs, &seq, sizeof(seq));
    }
    return count;
}

static void append_varint(struct buf *out, uint64_t n)
{
    for (; n >= 0x80; n >>= 7) buf_append_char(out, (char)(n | 0x80));
    buf_append_char(out, (char)n);
}

void msgs_encode_holes(const struct msgs *m, struct buf *out)
{
    struct hole h = { 0, 0 };
    uint64_t at = m->first;

    if (msgs_deleted_count(m) == 0) return;
    append_varint(out, at);
    for (; next_hole(m, at, &h); at = h.last + 1) {
        append_varint(out, h.first - at);
        append_varint(out, h.last - h.first + 1);
    }
}

/* Take a varint of 1 or more off the front of text. */
static bool take_varint(struct span *text, uint64_t *n)
{
    *n = 0;
    for (unsigned i = 0; i < text->len && i < 10; i++) {
        uint64_t seven = (uint8_t)text->p[i] & 0x7f;

        if (i == 9 && seven > 1) return false;
        *n |= seven << (i * 7);
        if ((uint8_t)text->p[i] & 0x80) continue;
        *text = span_from(*text, i + 1);
        return seven != 0;              /* else 0, or not the shortest form */
    }
    return false;
}

enum status msgs_holes_decode(struct msgs_holes **out, struct span text)
{
    struct msgs_holes *h = mem_zero(sizeof(*h));
    uint64_t at, alive, dead;
    size_t cap = 0;

    *out = NULL;
    if (text.len > 0 && (!take_varint(&text, &at) || text.len == 0)) goto fail;
    while (text.len > 0) {
        if (!take_varint(&text, &alive) || !take_varint(&text, &dead)) goto fail;
        if (__builtin_add_overflow(at, alive, &at)) goto fail;
        if (h->count == cap) {
            cap = cap ? cap * 2 : 8;
            h->holes = mem_resize(h->holes, cap * sizeof(*h->holes));
        }
        h->holes[h->count].first = at;
        if (__builtin_add_overflow(at, dead, &at)) goto fail;
        h->holes[h->count++].last = at - 1;
    }
    *out = h;
    return ST_OK;
fail:
    msgs_holes_free(&h);
    return ST_BAD_INPUT;
}

bool msgs_holes_next(const struct msgs_holes *h, uint64_t seq, uint64_t *first, uint64_t *last)
{
    size_t low = 0, high = h->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (h->holes[middle].last < seq) low = middle + 1;
        else high = middle;
    }
    if (low == h->count) return false;
    *first = h->holes[low].first;
    *last = h->holes[low].last;
    return true;
}

bool msgs_holes_has(const struct msgs_holes *h, uint64_t seq)
{
    uint64_t first, last;

    return msgs_holes_next(h, seq, &first, &last) && first <= seq;
}

void msgs_holes_free(struct msgs_holes **h)
{
    if (*h == NULL) return;
    mem_free((*h)->holes);
    mem_free(*h);
    *h = NULL;
}
