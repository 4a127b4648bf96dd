/* SPDX-License-Identifier: Apache-2.0 */
/* dedup.c - ids in a queue of blocks, and a table that finds them. One loop owns a struct dedup.
 *
 * Records are appended to the last block and leave from the first, which is freed once it is used
 * up. The table has open addressing with linear probing and keeps between 1/5 and 4/5 full.
 * Invariant: a slot points to the youngest record of its id; older ones of the same id are in the
 * queue only. */
#include "jetstream/dedup.h"

#include "base/assert.h"
#include "base/hash.h"
#include "base/mem.h"

enum {
    BLOCK_MIN = 1024,
    BLOCK_MAX = 64 * 1024,              /* but for an id that needs more */
    SLOTS_MIN = 8,
    EXPIRE_MAX = 64,                    /* per call, so that no publisher waits for many */
};

struct record {
    uint64_t seq;
    int64_t time_ns;
    uint32_t hash, len;
    char text[];                        /* then up to a multiple of 8 */
};

struct block {
    struct block *next;
    size_t from, to, cap;               /* records are in [from, to) of bytes */
    _Alignas(8) char bytes[];
};

struct slot {
    struct record *record;              /* NULL: free */
    uint32_t hash;
};

struct dedup {
    uint64_t seed;
    int64_t window_ns, now_ns;
    struct block *head, *tail;
    struct slot *slots;
    uint32_t slot_count, used_count;    /* used: slots with a record */
    size_t record_count;
    size_t memory;
};

struct dedup *dedup_new(int64_t window_ns, uint64_t seed)
{
    struct dedup *d = mem_zero(sizeof(*d));

    d->seed = seed;
    d->window_ns = window_ns;
    d->now_ns = INT64_MIN;
    d->memory = sizeof(*d);
    return d;
}

void dedup_free(struct dedup **d)
{
    if (*d == NULL) return;
    for (struct block *b = (*d)->head, *next; b != NULL; b = next) {
        next = b->next;
        mem_free(b);
    }
    mem_free((*d)->slots);
    mem_free(*d);
    *d = NULL;
}

void dedup_set_window(struct dedup *d, int64_t window_ns)
{
    d->window_ns = window_ns;
}

size_t dedup_count(const struct dedup *d)
{
    return d->record_count;
}

size_t dedup_memory(const struct dedup *d)
{
    return d->memory;
}

/* ---- the table ---- */

static uint32_t home_of(const struct dedup *d, uint32_t hash)
{
    return (uint32_t)(((uint64_t)hash * d->slot_count) >> 32);
}

static uint32_t next_slot(const struct dedup *d, uint32_t i)
{
    return i + 1 == d->slot_count ? 0 : i + 1;
}

/* Slot of the id, or the free one where it would stand. */
static uint32_t slot_find(const struct dedup *d, struct span id, uint32_t hash)
{
    uint32_t i = home_of(d, hash);

    for (; d->slots[i].record != NULL; i = next_slot(d, i)) {
        const struct record *r = d->slots[i].record;

        if (d->slots[i].hash == hash && span_equal(span_make(r->text, r->len), id)) break;
    }
    return i;
}

static void slots_resize(struct dedup *d, uint32_t count)
{
    struct slot *old = d->slots;
    uint32_t old_count = d->slot_count;

    d->slots = mem_zero(count * sizeof(*d->slots));
    d->slot_count = count;
    d->memory += count * sizeof(*d->slots);
    d->memory -= old_count * sizeof(*d->slots);
    for (uint32_t k = 0; k < old_count; k++) {
        uint32_t i;

        if (old[k].record == NULL) continue;
        i = home_of(d, old[k].hash);
        while (d->slots[i].record != NULL) i = next_slot(d, i);
        d->slots[i] = old[k];
    }
    mem_free(old);
}

/* Empty slot i and move those behind it that may come closer to their home. */
static void slot_clear(struct dedup *d, uint32_t i)
{
    for (uint32_t k = next_slot(d, i); d->slots[k].record != NULL; k = next_slot(d, k)) {
        uint32_t home = home_of(d, d->slots[k].hash);
        uint32_t from_home = k >= home ? k - home : k + d->slot_count - home;
        uint32_t from_hole = k >= i ? k - i : k + d->slot_count - i;

        if (from_home < from_hole) continue;
        d->slots[i] = d->slots[k];
        i = k;
    }
    d->slots[i] = (struct slot){ NULL, 0 };
    d->used_count--;
}

static uint32_t hash_of(const struct dedup *d, struct span id)
{
    return (uint32_t)(hash_span(id, d->seed) >> 32);
}

/* ---- the queue ---- */

static size_t record_size(size_t len)
{
    return (sizeof(struct record) + len + 7) & ~(size_t)7;
}

static struct record *record_at(const struct block *b, size_t at)
{
    return (struct record *)(void *)(b->bytes + at);
}

static struct record *record_new(struct dedup *d, struct span id)
{
    size_t size = record_size(id.len), cap = d->memory / 8;
    struct block *b = d->tail;
    struct record *r;

    if (b == NULL || b->cap - b->to < size) {
        cap = cap < BLOCK_MIN ? BLOCK_MIN : cap > BLOCK_MAX ? BLOCK_MAX : cap;
        if (cap < size) cap = size;
        b = mem_alloc(sizeof(*b) + cap);
        *b = (struct block){ .cap = cap };
        if (d->tail != NULL) d->tail->next = b;
        else d->head = b;
        d->tail = b;
        d->memory += sizeof(*b) + cap;
    }
    r = record_at(b, b->to);
    b->to += size;
    r->len = (uint32_t)id.len;
    if (id.len > 0) memcpy(r->text, id.p, id.len);
    d->record_count++;
    return r;
}

/* Forget the first record of the queue. */
static void pop(struct dedup *d)
{
    struct block *b = d->head;
    struct record *r = record_at(b, b->from);
    uint32_t i = slot_find(d, span_make(r->text, r->len), r->hash);

    if (d->slots[i].record == r) slot_clear(d, i);
    b->from += record_size(r->len);
    d->record_count--;
    if (b->from < b->to) return;
    d->head = b->next;
    if (d->head == NULL) d->tail = NULL;
    d->memory -= sizeof(*b) + b->cap;
    mem_free(b);
}

static bool is_old(const struct dedup *d, const struct record *r)
{
    int64_t age;

    if (__builtin_sub_overflow(d->now_ns, r->time_ns, &age)) return r->time_ns < 0;
    return age >= d->window_ns;
}

void dedup_add(struct dedup *d, struct span id, uint64_t seq, int64_t time_ns)
{
    uint32_t hash = hash_of(d, id), count = d->slot_count, i;
    struct record *r;

    assert(id.len <= UINT32_MAX);
    if ((uint64_t)d->used_count * 5 + 5 > (uint64_t)count * 4)
        slots_resize(d, count < SLOTS_MIN ? SLOTS_MIN : count + count / 8 + 8);
    r = record_new(d, id);
    r->seq = seq;
    r->time_ns = time_ns;
    r->hash = hash;
    i = slot_find(d, id, hash);
    if (d->slots[i].record == NULL) d->used_count++;
    d->slots[i] = (struct slot){ r, hash };
}

uint64_t dedup_find(const struct dedup *d, struct span id)
{
    const struct record *r;

    if (d->slot_count == 0) return 0;
    r = d->slots[slot_find(d, id, hash_of(d, id))].record;
    return r == NULL || is_old(d, r) ? 0 : r->seq;
}

bool dedup_expire(struct dedup *d, int64_t now_ns)
{
    int popped = 0;

    d->now_ns = now_ns;
    while (d->head != NULL && is_old(d, record_at(d->head, d->head->from))) {
        if (popped++ == EXPIRE_MAX) return true;
        pop(d);
    }
    if (d->slot_count > SLOTS_MIN && d->used_count < d->slot_count / 5)
        slots_resize(d, d->used_count * 5 / 3 + SLOTS_MIN);
    return false;
}
