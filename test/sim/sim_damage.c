/* SPDX-License-Identifier: Apache-2.0 */
/* sim_damage.c - looking at a simulated disk's files, and damaging them, by path. */
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "sim/sim_disk.h"
#include "sim/sim_priv.h"

#define PATH_MAX_BYTES 1024

/* Directory of path, and the last component in *name; NULL: there is none. */
static struct sim_node *parent_of(const struct sim_disk *s, const char *path, const char **name)
{
    size_t node = 0;

    for (;;) {
        const char *slash;
        struct sim_entry *e;
        char *part;

        path += strspn(path, "/");
        *name = path;
        slash = strchr(path, '/');
        if (!slash) return s->nodes[node];
        part = mem_dup_span(span_make(path, (size_t)(slash - path)));
        e = sim_entries_find(&s->nodes[node]->entries, part);
        mem_free(part);
        if (!e || !s->nodes[e->node]->is_dir) return NULL;
        node = e->node;
        path = slash;
    }
}

static struct sim_node *file_at(const struct sim_disk *s, const char *path)
{
    const char *name;
    struct sim_node *parent = parent_of(s, path, &name);
    struct sim_entry *e = parent ? sim_entries_find(&parent->entries, name) : NULL;

    return e && !s->nodes[e->node]->is_dir ? s->nodes[e->node] : NULL;
}

/* What reads now becomes what is synced. */
static void settle(struct sim_node *n)
{
    sim_node_forget(n);
    sim_content_free(&n->synced);
    sim_content_copy(&n->synced, &n->now);
    sim_entries_free(&n->synced_entries);
    sim_entries_copy(&n->synced_entries, &n->entries);
}

enum status sim_disk_flip(struct sim_disk *s, const char *path, uint64_t offset, uint8_t bits)
{
    struct sim_node *n = file_at(s, path);
    char byte;

    if (!n || offset >= n->now.size) return ST_NOT_FOUND;
    sim_node_read(&n->now, offset, &byte, 1);
    byte = (char)(byte ^ bits);
    sim_node_write(n, s->operations, offset, &byte, 1);
    settle(n);
    return ST_OK;
}

enum status sim_disk_blank(struct sim_disk *s, const char *path, uint64_t offset, uint64_t len)
{
    struct sim_node *n = file_at(s, path);

    if (!n || offset >= n->now.size) return ST_NOT_FOUND;
    if (len > n->now.size - offset) len = n->now.size - offset;
    sim_node_write(n, s->operations, offset, NULL, len);
    settle(n);
    return ST_OK;
}

enum status sim_disk_cut(struct sim_disk *s, const char *path, uint64_t size)
{
    struct sim_node *n = file_at(s, path);

    if (!n || size > n->now.size) return ST_NOT_FOUND;
    sim_node_resize(n, s->operations, size);
    settle(n);
    return ST_OK;
}

enum status sim_disk_delete(struct sim_disk *s, const char *path)
{
    const char *name;
    struct sim_node *parent = parent_of(s, path, &name);

    if (!file_at(s, path)) return ST_NOT_FOUND;
    sim_entries_remove(&parent->entries, name);
    settle(parent);
    return ST_OK;
}

enum status sim_disk_swap(struct sim_disk *s, const char *path, const char *other)
{
    struct sim_node *a = file_at(s, path), *b = file_at(s, other);
    struct sim_content kept;

    if (!a || !b) return ST_NOT_FOUND;
    kept = a->now;
    a->now = b->now;
    b->now = kept;
    settle(a);
    settle(b);
    return ST_OK;
}

enum status sim_disk_peek(const struct sim_disk *s, const char *path, uint64_t offset, void *p,
                          size_t len)
{
    const struct sim_node *n = file_at(s, path);

    if (!n || offset > n->now.size || len > n->now.size - offset) return ST_NOT_FOUND;
    sim_node_read(&n->now, offset, p, len);
    return ST_OK;
}

/* Depth first; directories of a store are a few levels at most. */
static void files_in(const struct sim_disk *s, size_t node, const char *prefix, sim_file_f *each,
                     void *arg)
{
    const struct sim_entries *e = &s->nodes[node]->entries;
    char path[PATH_MAX_BYTES];

    for (size_t i = 0; i < e->count; i++) {
        const struct sim_node *n = s->nodes[e->list[i].node];

        snprintf(path, sizeof(path), "%s%s%s", prefix, *prefix ? "/" : "", e->list[i].name);
        if (n->is_dir) files_in(s, e->list[i].node, path, each, arg);
        else each(arg, path, n->now.size);
    }
}

void sim_disk_files(const struct sim_disk *s, sim_file_f *each, void *arg)
{
    files_in(s, 0, "", each, arg);
}

struct hashing {
    const struct sim_disk *s;
    uint64_t hash;
};

static void hash_file(void *arg, const char *path, uint64_t size)
{
    struct hashing *h = arg;
    const struct sim_content *c = &file_at(h->s, path)->now;
    uint64_t page[2] = { 0, 0 };

    h->hash = XXH3_64bits_withSeed(path, strlen(path), h->hash + size);
    for (size_t i = 0; i < c->count; i++) {
        if (!c->pages[i]) continue;
        page[0] = i;
        page[1] = XXH3_64bits(c->pages[i]->bytes, SIM_PAGE);
        h->hash = XXH3_64bits_withSeed(page, sizeof(page), h->hash);
    }
}

uint64_t sim_disk_hash(const struct sim_disk *s)
{
    struct hashing h = { s, 0 };

    sim_disk_files(s, hash_file, &h);
    return h.hash;
}
