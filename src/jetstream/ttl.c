/* SPDX-License-Identifier: Apache-2.0 */
/* ttl.c - sifting up and down. */
#include "jetstream/ttl.h"

#include "base/assert.h"
#include "base/mem.h"

void ttl_free(struct ttl *t)
{
    mem_free(t->entries);
    *t = (struct ttl){ 0 };
}

void ttl_add(struct ttl *t, int64_t due_ns, uint64_t seq)
{
    size_t at = t->count++;

    if (t->count > t->cap) {
        t->cap = t->cap ? t->cap * 2 : 64;
        t->entries = mem_resize(t->entries, t->cap * sizeof *t->entries);
    }
    for (; at > 0 && t->entries[(at - 1) / 2].due_ns > due_ns; at = (at - 1) / 2)
        t->entries[at] = t->entries[(at - 1) / 2];
    t->entries[at] = (struct ttl_entry){ due_ns, seq };
}

void ttl_drop_first(struct ttl *t)
{
    struct ttl_entry last;
    size_t at = 0;

    assert(t->count > 0);
    last = t->entries[--t->count];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= t->count) break;
        if (child + 1 < t->count && t->entries[child + 1].due_ns < t->entries[child].due_ns)
            child++;
        if (t->entries[child].due_ns >= last.due_ns) break;
        t->entries[at] = t->entries[child];
        at = child;
    }
    if (t->count) t->entries[at] = last;
    if (t->count == 0) ttl_free(t);
}
