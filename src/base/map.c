/* SPDX-License-Identifier: Apache-2.0 */
/* map.c - dense entries plus an index of slots with backward-shift deletion. */
#include "base/map.h"

#include "base/assert.h"
#include "base/hash.h"
#include "base/mem.h"

static struct span entry_key(const struct map_entry *e)
{
    return span_make(e->key, e->key_len);
}

/* The slot of key, or the free slot where it would go. */
static size_t find_slot(const struct map *m, struct span key, uint64_t hash)
{
    size_t mask = m->slot_count - 1;

    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        const struct map_entry *e;
        if (m->slots[i] == 0) return i;
        e = &m->entries[m->slots[i] - 1];
        if (e->hash == hash && span_equal(entry_key(e), key)) return i;
    }
}

static void grow(struct map *m)
{
    size_t slot_count = m->slot_count ? m->slot_count * 2 : 8;

    mem_free(m->slots);
    m->slots = mem_zero(slot_count * sizeof *m->slots);
    m->slot_count = slot_count;
    m->cap = slot_count / 4 * 3;
    m->entries = mem_resize(m->entries, m->cap * sizeof *m->entries);
    for (size_t i = 0; i < m->count; i++) {
        const struct map_entry *e = &m->entries[i];
        m->slots[find_slot(m, entry_key(e), e->hash)] = (uint32_t)(i + 1);
    }
}

void map_free(struct map *m)
{
    for (size_t i = 0; i < m->count; i++) mem_free(m->entries[i].key);
    mem_free(m->entries);
    mem_free(m->slots);
    *m = (struct map){ 0 };
}

static struct map_entry *lookup(const struct map *m, struct span key)
{
    uint32_t at;

    if (m->count == 0) return NULL;
    at = m->slots[find_slot(m, key, hash_span(key, 0))];
    return at ? &m->entries[at - 1] : NULL;
}

void *map_get(const struct map *m, struct span key)
{
    const struct map_entry *e = lookup(m, key);

    return e ? e->value : NULL;
}

bool map_has(const struct map *m, struct span key)
{
    return lookup(m, key) != NULL;
}

void *map_set(struct map *m, struct span key, void *value)
{
    struct map_entry *e = lookup(m, key);
    void *before;
    uint64_t hash;

    if (e != NULL) {
        before = e->value;
        e->value = value;
        return before;
    }
    if (m->count == m->cap) grow(m);
    hash = hash_span(key, 0);
    m->slots[find_slot(m, key, hash)] = (uint32_t)(m->count + 1);
    m->entries[m->count++] = (struct map_entry){ mem_dup_span(key), key.len, hash, value };
    return NULL;
}

/* Empty slot i and move later entries of its run back, so that no tombstone is needed. */
static void vacate(struct map *m, size_t i)
{
    size_t mask = m->slot_count - 1;

    for (size_t j = (i + 1) & mask; m->slots[j] != 0; j = (j + 1) & mask) {
        size_t home = m->entries[m->slots[j] - 1].hash & mask;
        if (((j - home) & mask) < ((j - i) & mask)) continue;
        m->slots[i] = m->slots[j];
        i = j;
    }
    m->slots[i] = 0;
}

void *map_remove(struct map *m, struct span key)
{
    struct map_entry *e = lookup(m, key), *last;
    void *value;

    if (e == NULL) return NULL;
    value = e->value;
    last = &m->entries[m->count - 1];
    vacate(m, find_slot(m, key, e->hash));
    mem_free(e->key);
    if (e != last) {
        m->slots[find_slot(m, entry_key(last), last->hash)] = (uint32_t)(e - m->entries + 1);
        *e = *last;
    }
    m->count--;
    return value;
}
