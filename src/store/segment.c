/* SPDX-License-Identifier: Apache-2.0 */
/* segment.c - segments by number (two levels, as numbers only grow), groups by hash. */
#include "store/segment.h"

#include "base/assert.h"
#include "base/mem.h"
#include "os/pages.h"

#define PAGE 1024u

struct segment *segment_new(uint32_t number, uint64_t bytes)
{
    struct segment *seg = mem_zero(sizeof *seg);

    seg->number = number;
    seg->in_memory = number & SEGMENT_IN_MEMORY;
    seg->bytes = bytes;
    return seg;
}

void segment_free(struct segment **seg)
{
    struct segment *g = *seg;

    if (g == NULL) return;
    if (g->image) pages_unmap(g->image, g->bytes);
    buf_free(&g->footer);
    mem_free(g->chunks);
    mem_free(g->groups);
    mem_free(g->group_slots);
    mem_free(g);
    *seg = NULL;
}

void segment_map(struct segment *seg)
{
    if (seg->image) return;
    seg->image = pages_map(seg->bytes);
    seg->chunk_count = (uint32_t)((seg->bytes + SEGMENT_CHUNK - 1) / SEGMENT_CHUNK);
    seg->chunks = mem_zero(seg->chunk_count * sizeof *seg->chunks);
    for (uint32_t i = 0; i < seg->chunk_count; i++) {
        list_init(&seg->chunks[i].lru);
        seg->chunks[i].segment = seg;
    }
}

void segment_unmap(struct segment *seg)
{
    assert(seg->chunks_present == 0);
    if (seg->image == NULL) return;
    pages_unmap(seg->image, seg->bytes);
    mem_free(seg->chunks);
    seg->image = NULL;
    seg->chunks = NULL;
}

static uint32_t *slot_of(const struct segment *seg, uint32_t number)
{
    uint32_t i = number * UINT32_C(2654435761) & (seg->slot_count - 1);

    while (seg->group_slots[i] && seg->groups[seg->group_slots[i] - 1].number != number)
        i = (i + 1) & (seg->slot_count - 1);
    return &seg->group_slots[i];
}

static void grow(struct segment *seg)
{
    seg->group_cap = seg->group_cap ? 2 * seg->group_cap : 8;
    seg->groups = mem_resize(seg->groups, seg->group_cap * sizeof *seg->groups);
    seg->slot_count = 2 * seg->group_cap;
    mem_free(seg->group_slots);
    seg->group_slots = mem_zero(seg->slot_count * sizeof *seg->group_slots);
    for (uint32_t i = 0; i < seg->group_count; i++) *slot_of(seg, seg->groups[i].number) = i + 1;
}

struct segment_group *segment_group(struct segment *seg, uint32_t number, bool create)
{
    uint32_t *slot = seg->slot_count ? slot_of(seg, number) : NULL;

    if (slot && *slot) return &seg->groups[*slot - 1];
    if (!create) return NULL;
    if (seg->group_count == seg->group_cap) {
        grow(seg);
        slot = slot_of(seg, number);
    }
    seg->groups[seg->group_count] = (struct segment_group){ .number = number };
    *slot = ++seg->group_count;
    return &seg->groups[*slot - 1];
}

void segment_put(struct segment_table *t, struct segment *seg)
{
    uint32_t n = seg->number & ~SEGMENT_IN_MEMORY, page = n / PAGE;

    if (page >= t->page_count) {
        uint32_t count = page + 8;
        t->pages = mem_resize(t->pages, count * sizeof *t->pages);
        memset(t->pages + t->page_count, 0, (count - t->page_count) * sizeof *t->pages);
        t->page_count = count;
    }
    if (t->pages[page] == NULL) t->pages[page] = mem_zero(PAGE * sizeof **t->pages);
    assert(t->pages[page][n % PAGE] == NULL);
    t->pages[page][n % PAGE] = seg;
    t->count++;
    if (n > t->last) t->last = n;
}

void segment_remove(struct segment_table *t, uint32_t number)
{
    uint32_t n = number & ~SEGMENT_IN_MEMORY, page = n / PAGE;

    assert(segment_find(t, number));
    t->pages[page][n % PAGE] = NULL;
    t->count--;
    for (uint32_t i = 0; i < PAGE; i++)
        if (t->pages[page][i]) return;
    mem_free(t->pages[page]);
    t->pages[page] = NULL;
}

struct segment *segment_next(const struct segment_table *t, uint32_t after)
{
    for (uint32_t n = (after & ~SEGMENT_IN_MEMORY) + 1; n <= t->last; n++) {
        if (n / PAGE >= t->page_count) break;
        if (t->pages[n / PAGE] == NULL) n |= PAGE - 1;
        else if (t->pages[n / PAGE][n % PAGE]) return t->pages[n / PAGE][n % PAGE];
    }
    return NULL;
}

void segment_table_free(struct segment_table *t)
{
    for (uint32_t page = 0; page < t->page_count; page++) {
        for (uint32_t i = 0; t->pages[page] && i < PAGE; i++)
            segment_free(&t->pages[page][i]);
        mem_free(t->pages[page]);
    }
    mem_free(t->pages);
    *t = (struct segment_table){ 0 };
}
