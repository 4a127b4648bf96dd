/* SPDX-License-Identifier: Apache-2.0 */
/* block.c - two free lists with a bound each; everything else goes back to the heap. */
#include "net/block.h"

#include "base/assert.h"
#include "base/mem.h"

#define SMALL_CAP (BLOCK_SMALL_BYTES - sizeof(struct block))
#define LARGE_CAP (BLOCK_LARGE_BYTES - sizeof(struct block))
#define POOL_SMALL_MAX 256
#define POOL_LARGE_MAX 32

struct shared_bytes *shared_bytes_new(size_t cap)
{
    struct shared_bytes *s = mem_alloc(sizeof *s + cap);

    atomic_init(&s->refs, 1);
    s->len = 0;
    s->cap = cap;
    return s;
}

struct shared_bytes *shared_bytes_ref(struct shared_bytes *s)
{
    unsigned before = atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);

    assert(before > 0);
    return s;
}

void shared_bytes_unref(struct shared_bytes *s)
{
    if (s && atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1) mem_free(s);
}

static struct block *take(struct block **list, unsigned *count, size_t cap)
{
    struct block *b = *list;

    if (b) {
        *list = b->next;
        (*count)--;
    } else {
        b = mem_alloc(sizeof *b + cap);
        b->cap = (uint32_t)cap;
    }
    b->next = NULL;
    b->shared = NULL;
    b->data = b->bytes;
    b->start = b->end = 0;
    return b;
}

struct block *block_new(struct block_pool *pool, size_t want, int prefer_large)
{
    struct block *none = NULL;
    unsigned zero = 0;

    if (want <= SMALL_CAP && !prefer_large)
        return take(&pool->small, &pool->small_count, SMALL_CAP);
    if (want <= LARGE_CAP) return take(&pool->large, &pool->large_count, LARGE_CAP);
    assert(want <= UINT32_MAX);
    return take(&none, &zero, want);
}

struct block *block_new_shared(struct block_pool *pool, struct shared_bytes *s, const char *data,
                               size_t len)
{
    struct block *b = mem_alloc(sizeof *b);

    (void)pool;
    *b = (struct block){ .shared = shared_bytes_ref(s), .data = data, .end = len };
    return b;
}

void block_free(struct block_pool *pool, struct block *b)
{
    if (b->shared) {
        shared_bytes_unref(b->shared);
        mem_free(b);
    } else if (b->cap == SMALL_CAP && pool->small_count < POOL_SMALL_MAX) {
        b->next = pool->small;
        pool->small = b;
        pool->small_count++;
    } else if (b->cap == LARGE_CAP && pool->large_count < POOL_LARGE_MAX) {
        b->next = pool->large;
        pool->large = b;
        pool->large_count++;
    } else {
        mem_free(b);
    }
}

void block_free_list(struct block_pool *pool, struct block *b)
{
    while (b) {
        struct block *next = b->next;
        block_free(pool, b);
        b = next;
    }
}

void block_pool_fini(struct block_pool *pool)
{
    for (struct block *b; (b = pool->small);) {
        pool->small = b->next;
        mem_free(b);
    }
    for (struct block *b; (b = pool->large);) {
        pool->large = b->next;
        mem_free(b);
    }
    *pool = (struct block_pool){ 0 };
}
