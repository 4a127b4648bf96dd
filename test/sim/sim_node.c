/* SPDX-License-Identifier: Apache-2.0 */
/* sim_node.c - contents and names of the simulated disk: as they read, as they are synced, and the
 * log of what lies between. A page is shared by whoever refers to it and copied before a write. */
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "sim/sim_priv.h"

/* ---- pages and contents ---- */

struct sim_page *sim_page_new(const struct sim_page *from)
{
    struct sim_page *p = mem_alloc(sizeof(*p));

    if (from) memcpy(p->bytes, from->bytes, SIM_PAGE);
    else memset(p->bytes, 0, SIM_PAGE);
    p->refs = 1;
    return p;
}

struct sim_page *sim_page_ref(struct sim_page *p)
{
    if (p) p->refs++;
    return p;
}

void sim_page_unref(struct sim_page *p)
{
    if (p && --p->refs == 0) mem_free(p);
}

void sim_content_free(struct sim_content *c)
{
    for (size_t i = 0; i < c->count; i++) sim_page_unref(c->pages[i]);
    mem_free(c->pages);
    *c = (struct sim_content){ 0 };
}

void sim_content_copy(struct sim_content *to, const struct sim_content *from)
{
    *to = *from;
    to->pages = from->count ? mem_alloc(from->count * sizeof(*to->pages)) : NULL;
    for (size_t i = 0; i < from->count; i++) to->pages[i] = sim_page_ref(from->pages[i]);
}

struct sim_page *sim_content_get(const struct sim_content *c, size_t page)
{
    return page < c->count ? c->pages[page] : NULL;
}

void sim_content_set(struct sim_content *c, size_t page, struct sim_page *content)
{
    if (page >= c->count) {
        if (!content) return;
        c->pages = mem_resize(c->pages, (page + 1) * sizeof(*c->pages));
        memset(c->pages + c->count, 0, (page + 1 - c->count) * sizeof(*c->pages));
        c->count = page + 1;
    }
    sim_page_unref(c->pages[page]);
    c->pages[page] = content;
}

void sim_node_read(const struct sim_content *c, uint64_t offset, char *p, size_t len)
{
    while (len > 0) {
        size_t at = (size_t)(offset % SIM_PAGE), n = SIM_PAGE - at < len ? SIM_PAGE - at : len;
        const struct sim_page *page = sim_content_get(c, (size_t)(offset / SIM_PAGE));

        if (page) memcpy(p, page->bytes + at, n);
        else memset(p, 0, n);
        offset += n;
        p += n;
        len -= n;
    }
}

/* ---- files ---- */

static void log_change(struct sim_node *n, uint64_t time, size_t page, struct sim_page *content)
{
    if (n->change_count == n->change_cap) {
        n->change_cap = n->change_cap ? 2 * n->change_cap : 8;
        n->changes = mem_resize(n->changes, n->change_cap * sizeof(*n->changes));
    }
    n->changes[n->change_count++] = (struct sim_change){ time, page, sim_page_ref(content),
                                                         n->now.size };
}

size_t sim_node_write(struct sim_node *n, uint64_t time, uint64_t offset, const char *p,
                      uint64_t len)
{
    size_t added = 0;

    if (offset + len > n->now.size) n->now.size = offset + len;
    while (len > 0) {
        size_t page = (size_t)(offset / SIM_PAGE), at = (size_t)(offset % SIM_PAGE);
        size_t part = SIM_PAGE - at < len ? SIM_PAGE - at : (size_t)len;
        struct sim_page *old = sim_content_get(&n->now, page), *fresh = sim_page_new(old);

        if (p) memcpy(fresh->bytes + at, p, part);
        else memset(fresh->bytes + at, 0, part);
        added += !old;
        sim_content_set(&n->now, page, fresh);
        log_change(n, time, page, fresh);
        offset += part;
        len -= part;
        if (p) p += part;
    }
    return added;
}

void sim_node_resize(struct sim_node *n, uint64_t time, uint64_t size)
{
    size_t page = (size_t)(size / SIM_PAGE), at = (size_t)(size % SIM_PAGE);
    uint64_t old = n->now.size;

    n->now.size = size;
    log_change(n, time, SIZE_MAX, NULL);
    if (size >= old) return;
    if (at > 0 && sim_content_get(&n->now, page)) {
        struct sim_page *fresh = sim_page_new(n->now.pages[page]);

        memset(fresh->bytes + at, 0, SIM_PAGE - at);
        sim_content_set(&n->now, page, fresh);
        log_change(n, time, page, fresh);
    }
    for (size_t i = page + (at > 0); i < n->now.count; i++) {
        if (!n->now.pages[i]) continue;
        sim_content_set(&n->now, i, NULL);
        log_change(n, time, i, NULL);
    }
}

size_t sim_node_pages(const struct sim_node *n)
{
    size_t count = 0;

    for (size_t i = 0; i < n->now.count; i++) count += n->now.pages[i] != NULL;
    return count;
}

void sim_node_forget(struct sim_node *n)
{
    for (size_t i = 0; i < n->change_count; i++) sim_page_unref(n->changes[i].content);
    n->change_count = 0;
    for (size_t i = 0; i < n->link_count; i++) {
        mem_free(n->links[i].name);
        mem_free(n->links[i].to);
    }
    n->link_count = 0;
}

/* Only what was changed since the last sync is written, and so not what a failed sync lost. */
void sim_node_sync(struct sim_node *n)
{
    for (size_t i = 0; i < n->change_count; i++) {
        size_t page = n->changes[i].page;

        if (page != SIZE_MAX)
            sim_content_set(&n->synced, page, sim_page_ref(sim_content_get(&n->now, page)));
        n->synced.size = n->now.size;
    }
    for (size_t i = 0; i < n->link_count; i++)
        sim_entries_apply(&n->synced_entries, &n->links[i]);
    sim_node_forget(n);
}

/* ---- names ---- */

struct sim_entry *sim_entries_find(const struct sim_entries *e, const char *name)
{
    for (size_t i = 0; i < e->count; i++)
        if (strcmp(e->list[i].name, name) == 0) return &e->list[i];
    return NULL;
}

void sim_entries_set(struct sim_entries *e, const char *name, size_t node)
{
    struct sim_entry *have = sim_entries_find(e, name);
    size_t at = 0;

    if (have) {
        have->node = node;
        return;
    }
    if (e->count == e->cap) {
        e->cap = e->cap ? 2 * e->cap : 8;
        e->list = mem_resize(e->list, e->cap * sizeof(*e->list));
    }
    while (at < e->count && strcmp(e->list[at].name, name) < 0) at++;
    memmove(e->list + at + 1, e->list + at, (e->count - at) * sizeof(*e->list));
    e->list[at] = (struct sim_entry){ mem_dup(name), node };
    e->count++;
}

void sim_entries_remove(struct sim_entries *e, const char *name)
{
    struct sim_entry *have = sim_entries_find(e, name);
    size_t at;

    if (!have) return;
    at = (size_t)(have - e->list);
    mem_free(have->name);
    e->count--;
    memmove(have, have + 1, (e->count - at) * sizeof(*have));
}

void sim_entries_free(struct sim_entries *e)
{
    for (size_t i = 0; i < e->count; i++) mem_free(e->list[i].name);
    mem_free(e->list);
    *e = (struct sim_entries){ 0 };
}

void sim_entries_copy(struct sim_entries *to, const struct sim_entries *from)
{
    *to = (struct sim_entries){ 0 };
    for (size_t i = 0; i < from->count; i++)
        sim_entries_set(to, from->list[i].name, from->list[i].node);
}

/* A change takes place also where one before it did not: a file that was made and renamed may be
 * found under the new name only. */
void sim_entries_apply(struct sim_entries *e, const struct sim_link *l)
{
    struct sim_entry *have = sim_entries_find(e, l->name);

    if (l->kind == SIM_LINK) {
        sim_entries_set(e, l->name, l->node);
        return;
    }
    if (have && have->node == l->node) sim_entries_remove(e, l->name);
    if (l->kind == SIM_RENAME) sim_entries_set(e, l->to, l->node);
}

void sim_dir_log(struct sim_node *n, uint64_t time, enum sim_link_kind kind, const char *name,
                 const char *to, size_t node)
{
    if (n->link_count == n->link_cap) {
        n->link_cap = n->link_cap ? 2 * n->link_cap : 8;
        n->links = mem_resize(n->links, n->link_cap * sizeof(*n->links));
    }
    n->links[n->link_count] = (struct sim_link){ kind, time, mem_dup(name), mem_dup(to), node };
    sim_entries_apply(&n->entries, &n->links[n->link_count++]);
}

/* ---- nodes ---- */

struct sim_node *sim_node_new(bool is_dir)
{
    struct sim_node *n = mem_zero(sizeof(*n));

    n->is_dir = is_dir;
    return n;
}

void sim_node_free(struct sim_node *n)
{
    if (!n) return;
    sim_node_forget(n);
    mem_free(n->changes);
    mem_free(n->links);
    sim_content_free(&n->now);
    sim_content_free(&n->synced);
    sim_entries_free(&n->entries);
    sim_entries_free(&n->synced_entries);
    mem_free(n);
}

struct sim_node *sim_node_clone(const struct sim_node *n)
{
    struct sim_node *c = sim_node_new(n->is_dir);

    sim_content_copy(&c->now, &n->now);
    sim_content_copy(&c->synced, &n->synced);
    sim_entries_copy(&c->entries, &n->entries);
    sim_entries_copy(&c->synced_entries, &n->synced_entries);
    c->change_count = c->change_cap = n->change_count;
    if (n->change_count > 0) {
        c->changes = mem_alloc(n->change_count * sizeof(*c->changes));
        memcpy(c->changes, n->changes, n->change_count * sizeof(*c->changes));
    }
    for (size_t i = 0; i < c->change_count; i++) sim_page_ref(c->changes[i].content);
    c->link_count = c->link_cap = n->link_count;
    c->links = n->link_count ? mem_alloc(n->link_count * sizeof(*c->links)) : NULL;
    for (size_t i = 0; i < n->link_count; i++) {
        c->links[i] = n->links[i];
        c->links[i].name = mem_dup(n->links[i].name);
        c->links[i].to = mem_dup(n->links[i].to);
    }
    return c;
}
