/* SPDX-License-Identifier: Apache-2.0 */
/* cache.c - which chunks of the files are in memory. Loaded by the reader's thread straight into
 * the image, where nobody looks until the owner is told; dropped oldest first, those used since
 * the last look spared once. Only store_flush drops, so that spans stay until then. */
#include "base/assert.h"
#include "base/mem.h"
#include "os/pages.h"
#include "store/files.h"
#include "store/store_priv.h"

#define LOAD_CHUNKS_MAX 4u              /* at once: 1 MiB */

struct load {
    struct task task;
    struct load *next;
    struct store *store;
    struct segment *segment;
    uint32_t first, count;
    uint64_t end;                       /* bytes of the file that count */
    bool is_bad;                        /* something could not be read */
    struct store_wait *waits, **waits_end;
};

static uint64_t chunk_bytes(const struct segment *seg, uint32_t i)
{
    uint64_t left = seg->bytes - (uint64_t)i * SEGMENT_CHUNK;

    return left < SEGMENT_CHUNK ? left : SEGMENT_CHUNK;
}

void cache_fill(struct store *s, struct segment *seg, uint64_t to)
{
    uint32_t i = (uint32_t)((seg->present + SEGMENT_CHUNK - 1) / SEGMENT_CHUNK);

    segment_map(seg);
    for (; seg->present < to; seg->present += chunk_bytes(seg, i), i++) {
        seg->chunks[i].state = CHUNK_FRESH;
        seg->chunks_present++;
        if (!seg->in_memory) s->stats.cache_bytes += SEGMENT_CHUNK;
    }
}

void cache_add(struct store *s, struct segment *seg, uint32_t chunk)
{
    struct chunk *c = &seg->chunks[chunk];

    if (c->state >= CHUNK_FRESH && !list_is_linked(&c->lru)) list_append(&s->lru, &c->lru);
}

static void drop(struct store *s, struct chunk *c)
{
    struct segment *seg = c->segment;
    uint32_t i = (uint32_t)(c - seg->chunks);

    pages_drop(seg->image + (uint64_t)i * SEGMENT_CHUNK, chunk_bytes(seg, i));
    list_remove(&c->lru);
    c->state = CHUNK_ABSENT;
    c->is_bad = false;
    seg->chunks_present--;
    s->stats.cache_bytes -= SEGMENT_CHUNK;
    if (seg->chunks_present == 0 && seg->is_closed && seg->loads == 0) segment_unmap(seg);
}

/* What could not be read is tried again by the next one who wants it. */
static void drop_bad(struct store *s)
{
    struct list *next;

    for (struct list *l = s->lru.next; s->has_bad_chunks && l != &s->lru; l = next) {
        struct chunk *c = CONTAINER_OF(l, struct chunk, lru);
        next = l->next;
        if (c->is_bad && !c->segment->is_busy) drop(s, c);
    }
    s->has_bad_chunks = false;
}

void cache_trim(struct store *s)
{
    uint64_t looks = 2 * s->stats.cache_bytes / SEGMENT_CHUNK;
    uint64_t budget = s->options.cache_bytes;

    drop_bad(s);
    if (budget < s->cache_floor) budget = s->cache_floor;
    while (s->stats.cache_bytes > budget && !list_is_empty(&s->lru) &&
           looks-- > 0) {
        struct chunk *c = CONTAINER_OF(s->lru.next, struct chunk, lru);
        if (!c->used && !c->segment->is_busy) {
            drop(s, c);
            continue;
        }
        c->used = false;
        list_remove(&c->lru);
        list_append(&s->lru, &c->lru);
    }
}

void cache_drop(struct store *s, struct segment *seg)
{
    assert(seg->loads == 0);
    for (uint32_t i = 0; seg->image && i < seg->chunk_count; i++) {
        struct chunk *c = &seg->chunks[i];
        if (c->state == CHUNK_ABSENT) continue;
        list_remove(&c->lru);
        c->state = CHUNK_ABSENT;
        seg->chunks_present--;
        if (!seg->in_memory) s->stats.cache_bytes -= SEGMENT_CHUNK;
    }
}

/* Read [from, to) into p; what can't be read stays zero. False: some of it can't. */
static bool read_range(struct disk_file *f, uint64_t from, uint64_t to, char *p)
{
    bool all = true;
    size_t got;

    if (disk_read(f, from, p, to - from, &got, NULL) == ST_OK) return true;
    memset(p, 0, to - from);
    for (uint64_t at = from; at < to; at += RECORD_BLOCK) {     /* around the bad blocks */
        size_t len = to - at < RECORD_BLOCK ? to - at : RECORD_BLOCK;
        if (disk_read(f, at, p + (at - from), len, &got, NULL) == ST_OK) continue;
        memset(p + (at - from), 0, len);
        all = false;
    }
    return all;
}

static void run_load(struct task *t)
{
    struct load *l = CONTAINER_OF(t, struct load, task);
    char name[FILES_NAME_BYTES];
    struct disk_file *f = NULL;

    files_segment_name(name, l->segment->number);
    l->is_bad = disk_open(l->store->dir, name, DISK_READ, &f, NULL) != ST_OK &&
                disk_open(l->store->dir, name, DISK_READ, &f, NULL) != ST_OK;
    if (l->is_bad) return;
    for (uint32_t i = 0; i < l->count; i++) {
        uint64_t from = (uint64_t)(l->first + i) * SEGMENT_CHUNK;
        uint64_t to = from + SEGMENT_CHUNK < l->end ? from + SEGMENT_CHUNK : l->end;
        if (from < to && !read_range(f, from, to, l->segment->image + from)) l->is_bad = true;
    }
    disk_close(&f);
}

static void on_load(struct task *t)
{
    struct load *l = CONTAINER_OF(t, struct load, task), **link = &l->store->loads;
    struct store *s = l->store;
    struct store_wait *w;

    l->segment->loads--;
    for (uint32_t i = l->first; i < l->first + l->count; i++) {
        struct chunk *c = &l->segment->chunks[i];
        c->state = CHUNK_LOADED;
        c->used = true;
        c->load = NULL;
        c->is_bad = l->is_bad;
        s->has_bad_chunks |= l->is_bad;
        l->segment->chunks_present++;
        s->stats.cache_bytes += SEGMENT_CHUNK;
        cache_add(s, l->segment, i);
    }
    while ((w = l->waits) != NULL) {
        l->waits = w->next;
        w->next = NULL;
        w->queued = false;
        w->done(w);                     /* may cancel others that wait here */
    }
    while (*link != l) link = &(*link)->next;
    *link = l->next;
    mem_free(l);
}

static struct load *start_load(struct store *s, struct segment *seg, uint32_t first, uint32_t count)
{
    struct load *l = mem_zero(sizeof *l);

    l->task = (struct task){ .run = run_load, .done = on_load };
    l->store = s;
    l->segment = seg;
    l->first = first;
    l->count = count;
    l->end = seg->tail;
    l->waits_end = &l->waits;
    l->next = s->loads;
    s->loads = l;
    seg->loads++;
    for (uint32_t i = first; i < first + count; i++) {
        seg->chunks[i].state = CHUNK_LOADING;
        seg->chunks[i].load = l;
    }
    tasks_submit(s->tasks, TASK_READER, &l->task);
    return l;
}

/* Begin to load what is absent of chunks [first, last]. */
static void load_absent(struct store *s, struct segment *seg, uint32_t first, uint32_t last)
{
    for (uint32_t i = first; i <= last; i++) {
        uint32_t n = 0;
        while (i + n <= last && n < LOAD_CHUNKS_MAX && seg->chunks[i + n].state == CHUNK_ABSENT)
            n++;
        if (n > 0) {
            start_load(s, seg, i, n);
            i += n - 1;
        }
    }
}

bool cache_has(struct store *s, struct segment *seg, uint64_t from, uint64_t to,
               struct store_wait *wait)
{
    uint32_t first = (uint32_t)(from / SEGMENT_CHUNK), last = (uint32_t)((to - 1) / SEGMENT_CHUNK);
    struct load *l = NULL;
    uint64_t size;

    segment_map(seg);
    for (uint32_t i = first; i <= last; i++) {
        if (seg->chunks[i].state >= CHUNK_FRESH) {
            seg->chunks[i].used = true;
            continue;
        }
        if (l == NULL) load_absent(s, seg, i, last);
        l = seg->chunks[i].load;        /* the last one comes last */
    }
    /* What is being loaded for one read stays together, however small the cache. */
    size = (last - first + 3ull) * SEGMENT_CHUNK;
    if (l && size > s->cache_floor) s->cache_floor = size;
    if (l == NULL && size >= s->cache_floor) s->cache_floor = 0;
    if (l && wait && !wait->queued) {
        wait->next = NULL;
        wait->queued = true;
        *l->waits_end = wait;
        l->waits_end = &wait->next;
    }
    return l == NULL;
}

bool cache_is_bad(const struct segment *seg, uint64_t at)
{
    uint64_t i = at / SEGMENT_CHUNK;

    return seg->image && (seg->chunks[i].is_bad ||
                          (i + 1 < seg->chunk_count && seg->chunks[i + 1].is_bad));
}

void cache_cancel(struct store *s, struct store_wait *w)
{
    if (!w->queued) return;
    for (struct load *l = s->loads; l; l = l->next)
        for (struct store_wait **link = &l->waits; *link; link = &(*link)->next) {
            if (*link != w) continue;
            *link = w->next;
            if (l->waits_end == &w->next) l->waits_end = link;
            w->next = NULL;
            w->queued = false;
            return;
        }
}

void cache_read_ahead(struct store *s, struct segment *seg, uint64_t from)
{
    uint32_t first = (uint32_t)(from / SEGMENT_CHUNK), last = first + LOAD_CHUNKS_MAX - 1;
    uint32_t end = (uint32_t)((seg->tail - 1) / SEGMENT_CHUNK);

    segment_map(seg);
    if (first <= end) load_absent(s, seg, first, last < end ? last : end);
}
