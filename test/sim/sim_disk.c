/* SPDX-License-Identifier: Apache-2.0 */
/* sim_disk.c - the simulated disk's operations: numbering, trace, faults, and os/disk.h on nodes.
 *
 * Nodes are found by number and live as long as the disk, so that handles and unsynced names can
 * refer to what was removed; a clone leaves out what nothing refers to. */
#include "sim/sim_disk.h"

#include <string.h>

#include "base/assert.h"
#include "base/hash.h"
#include "base/mem.h"
#include "sim/sim_priv.h"

struct sim_dir {
    struct disk_dir dir;                /* first */
    struct sim_disk *s;
    size_t node;
};

struct sim_file {
    struct disk_file file;              /* first */
    struct sim_disk *s;
    size_t node;
    char *name;                         /* for error texts and the trace */
    bool writes, locks;
};

enum traits { CHANGES = 1, TAKES_SPACE = 2, MAY_LIE = 4, MAY_MISS = 8 };

static const struct disk_ops sim_ops;

/* ---- numbering, trace, faults ---- */

static void trace_bytes(struct sim_disk *s, const void *p, size_t len)
{
    s->trace = XXH3_64bits_withSeed(p, len, s->trace);
}

/* One more operation begins; returns what goes wrong with it. */
static enum sim_fault begin(struct sim_disk *s, const char *what, const char *name, uint64_t at,
                            unsigned traits)
{
    enum sim_fault fault = s->fault;
    uint64_t numbers[2];

    if (s->hook && (traits & CHANGES)) s->hook(s->hook_arg, s, what);
    numbers[0] = ++s->operations;
    numbers[1] = at;
    trace_bytes(s, what, strlen(what));
    trace_bytes(s, name, strlen(name));
    trace_bytes(s, numbers, sizeof(numbers));
    if (s->operations != s->fail_at && !(s->fail_forever && s->operations > s->fail_at))
        return SIM_FAULT_NONE;
    if (fault == SIM_FAULT_SPACE && !(traits & TAKES_SPACE)) return SIM_FAULT_NONE;
    if (fault == SIM_FAULT_LOST && !(traits & MAY_LIE)) return SIM_FAULT_NONE;
    if (fault == SIM_FAULT_ELSEWHERE && !(traits & MAY_MISS)) return SIM_FAULT_NONE;
    s->failed = s->failed || fault != SIM_FAULT_NONE;
    return fault;
}

static enum status no_space(struct error *why, const char *what, const char *name)
{
    return error_set(why, ST_LIMIT, "%s %s: No space left on device", what, name);
}

static enum status broken(struct error *why, const char *what, const char *name)
{
    return error_set(why, ST_IO, "%s %s: Input/output error", what, name);
}

/* What begin said as a status: OK for faults that don't say anything. */
static enum status fault_status(enum sim_fault fault, struct error *why, const char *what,
                                const char *name)
{
    if (fault == SIM_FAULT_SPACE) return no_space(why, what, name);
    if (fault == SIM_FAULT_IO || fault == SIM_FAULT_SHORT) return broken(why, what, name);
    return ST_OK;
}

static enum status not_found(struct error *why, const char *what, const char *name)
{
    return error_set(why, ST_NOT_FOUND, "%s %s: No such file or directory", what, name);
}

/* ---- nodes ---- */

static size_t add_node(struct sim_disk *s, bool is_dir)
{
    if (s->node_count == s->node_cap) {
        s->node_cap = s->node_cap ? 2 * s->node_cap : 16;
        s->nodes = mem_resize(s->nodes, s->node_cap * sizeof(struct sim_node *));
    }
    s->nodes[s->node_count] = sim_node_new(is_dir);
    return s->node_count++;
}

static void mark_entries(const struct sim_entries *e, bool *wanted)
{
    for (size_t i = 0; i < e->count; i++) wanted[e->list[i].node] = true;
}

/* A directory has a higher number than its parent. */
void sim_disk_mark(const struct sim_disk *s, bool *wanted, bool unsynced)
{
    wanted[0] = true;
    for (size_t i = 0; i < s->node_count; i++) {
        const struct sim_node *n = s->nodes[i];

        if (!wanted[i] || !n || !n->is_dir) continue;
        mark_entries(&n->entries, wanted);
        if (!unsynced) continue;
        mark_entries(&n->synced_entries, wanted);
        for (size_t k = 0; k < n->link_count; k++) wanted[n->links[k].node] = true;
    }
}

static uint64_t used_pages(const struct sim_disk *s)
{
    bool *wanted = mem_zero(s->node_count);
    uint64_t used = 0;

    sim_disk_mark(s, wanted, false);
    for (size_t i = 0; i < s->node_count; i++)
        if (wanted[i]) used += sim_node_pages(s->nodes[i]);
    mem_free(wanted);
    return used;
}

static uint64_t pages_left(const struct sim_disk *s)
{
    uint64_t used;

    if (s->limit_pages == UINT64_MAX) return UINT64_MAX;
    used = used_pages(s);
    return used < s->limit_pages ? s->limit_pages - used : 0;
}

static bool has_space(const struct sim_disk *s, const struct sim_node *n, uint64_t offset,
                      uint64_t len)
{
    uint64_t wanted = 0;

    if (s->limit_pages == UINT64_MAX) return true;
    for (uint64_t i = offset / SIM_PAGE; i <= (offset + len - 1) / SIM_PAGE; i++)
        wanted += !sim_content_get(&n->now, (size_t)i);
    return wanted <= pages_left(s);
}

/* ---- directories ---- */

static struct sim_node *dir_node(struct disk_dir *dir)
{
    return ((struct sim_dir *)dir)->s->nodes[((struct sim_dir *)dir)->node];
}

static void keep_dir(struct sim_disk *s, size_t node, struct disk_dir **out)
{
    struct sim_dir *d = mem_zero(sizeof(*d));

    d->dir.ops = &sim_ops;
    d->s = s;
    d->node = node;
    s->handles++;
    *out = &d->dir;
}

/* Node of the directory at path, made durably with create; SIZE_MAX: there is none. */
static size_t walk(struct sim_disk *s, const char *path, bool create)
{
    char *copy = mem_dup(path), *rest = copy, *part;
    size_t node = 0;

    while (node != SIZE_MAX && (part = strsep(&rest, "/")) != NULL) {
        struct sim_node *n = s->nodes[node];
        struct sim_entry *e;

        if (!*part || strcmp(part, ".") == 0) continue;
        e = n->is_dir ? sim_entries_find(&n->entries, part) : NULL;
        if (e) {
            node = e->node;
        } else if (create && n->is_dir) {
            node = add_node(s, true);
            sim_entries_set(&n->entries, part, node);
            sim_entries_set(&n->synced_entries, part, node);
        } else {
            node = SIZE_MAX;
        }
    }
    mem_free(copy);
    return node;
}

static enum status sim_dir_open(struct disk *d, const char *path, bool create,
                                struct disk_dir **out, struct error *why)
{
    struct sim_disk *s = (struct sim_disk *)d;
    enum status st = fault_status(begin(s, "open", path, create, create ? CHANGES : 0), why,
                                  "open", path);
    size_t node;

    if (st != ST_OK) return st;
    node = walk(s, path, create);
    if (node == SIZE_MAX) return not_found(why, "open", path);
    if (!s->nodes[node]->is_dir)
        return error_set(why, ST_DENIED, "open %s: Not a directory", path);
    keep_dir(s, node, out);
    return ST_OK;
}

static enum status sim_dir_open_in(struct disk_dir *parent, const char *name, bool create,
                                   struct disk_dir **out, struct error *why)
{
    struct sim_disk *s = ((struct sim_dir *)parent)->s;
    struct sim_entry *e = sim_entries_find(&dir_node(parent)->entries, name);
    bool makes = create && !e;
    enum status st = fault_status(begin(s, "mkdir", name, create, makes ? CHANGES : 0), why,
                                  "open", name);
    size_t node;

    if (st != ST_OK) return st;
    if (!e && !create) return not_found(why, "open", name);
    if (e && !s->nodes[e->node]->is_dir)
        return error_set(why, ST_DENIED, "open %s: Not a directory", name);
    if (e) {
        node = e->node;
    } else {
        node = add_node(s, true);
        sim_dir_log(dir_node(parent), s->operations, SIM_LINK, name, NULL, node);
    }
    keep_dir(s, node, out);
    return ST_OK;
}

static void sim_dir_close(struct disk_dir *dir)
{
    ((struct sim_dir *)dir)->s->handles--;
    mem_free(dir);
}

static enum status sync_node(struct sim_disk *s, struct sim_node *n, const char *name,
                             struct error *why)
{
    enum sim_fault fault = begin(s, n->is_dir ? "sync directory" : "sync", name, 0,
                                 CHANGES | MAY_LIE);
    enum status st = fault_status(fault, why, "sync", name);

    if (st != ST_OK) sim_node_fail_sync(n, &s->rng);
    else if (fault == SIM_FAULT_NONE && !(n->is_dir ? s->ignores_dir_sync : s->ignores_file_sync))
        sim_node_sync(n);
    return st;
}

static enum status sim_dir_sync(struct disk_dir *dir, struct error *why)
{
    return sync_node(((struct sim_dir *)dir)->s, dir_node(dir), "directory", why);
}

static enum status sim_dir_list(struct disk_dir *dir, disk_entry_f *each, void *arg,
                                struct error *why)
{
    struct sim_disk *s = ((struct sim_dir *)dir)->s;
    const struct sim_entries *e = &dir_node(dir)->entries;
    enum status st = fault_status(begin(s, "list", "directory", 0, 0), why, "list", "directory");

    for (size_t i = 0; st == ST_OK && i < e->count; i++)
        each(arg, e->list[i].name, s->nodes[e->list[i].node]->is_dir);
    return st;
}

static enum status sim_dir_space(struct disk_dir *dir, uint64_t *free_bytes, struct error *why)
{
    uint64_t left = pages_left(((struct sim_dir *)dir)->s);

    (void)why;
    *free_bytes = left > INT64_MAX / SIM_PAGE ? INT64_MAX : left * SIM_PAGE;
    return ST_OK;
}

static enum status sim_rename(struct disk_dir *dir, const char *from, const char *to,
                              struct error *why)
{
    struct sim_disk *s = ((struct sim_dir *)dir)->s;
    struct sim_entry *e = sim_entries_find(&dir_node(dir)->entries, from);
    enum status st = fault_status(begin(s, "rename", from, hash_span(span_of(to), 0), CHANGES),
                                  why, "rename", from);

    if (st != ST_OK) return st;
    if (!e) return not_found(why, "rename", from);
    sim_dir_log(dir_node(dir), s->operations, SIM_RENAME, from, to, e->node);
    return ST_OK;
}

static enum status sim_remove(struct disk_dir *dir, const char *name, struct error *why)
{
    struct sim_disk *s = ((struct sim_dir *)dir)->s;
    struct sim_entry *e = sim_entries_find(&dir_node(dir)->entries, name);
    enum status st = fault_status(begin(s, "remove", name, 0, CHANGES), why, "remove", name);

    if (st != ST_OK) return st;
    if (!e) return not_found(why, "remove", name);
    if (s->nodes[e->node]->is_dir)
        return error_set(why, ST_DENIED, "remove %s: Is a directory", name);
    sim_dir_log(dir_node(dir), s->operations, SIM_UNLINK, name, NULL, e->node);
    return ST_OK;
}

/* ---- files ---- */

static struct sim_file *keep_file(struct sim_disk *s, size_t node, const char *name,
                                  struct disk_file **out)
{
    struct sim_file *f = mem_zero(sizeof(*f));

    f->file.ops = &sim_ops;
    f->s = s;
    f->node = node;
    f->name = mem_dup(name);
    s->handles++;
    *out = &f->file;
    return f;
}

static enum status sim_open(struct disk_dir *dir, const char *name, enum disk_mode mode,
                            struct disk_file **out, struct error *why)
{
    struct sim_disk *s = ((struct sim_dir *)dir)->s;
    struct sim_entry *e = sim_entries_find(&dir_node(dir)->entries, name);
    unsigned traits = mode == DISK_CREATE ? CHANGES | TAKES_SPACE : 0;
    enum status st = fault_status(begin(s, "open", name, mode, traits), why, "open", name);
    size_t node;

    if (st != ST_OK) return st;
    if (mode == DISK_CREATE && e) return error_set(why, ST_EXISTS, "open %s: File exists", name);
    if (mode != DISK_CREATE && !e) return not_found(why, "open", name);
    if (e && s->nodes[e->node]->is_dir)
        return error_set(why, ST_DENIED, "open %s: not a regular file", name);
    if (e) {
        node = e->node;
    } else {
        node = add_node(s, false);
        sim_dir_log(dir_node(dir), s->operations, SIM_LINK, name, NULL, node);
    }
    keep_file(s, node, name, out)->writes = mode != DISK_READ;
    return ST_OK;
}

static enum status sim_dir_lock(struct disk_dir *dir, const char *name, struct disk_file **out,
                                struct error *why)
{
    struct sim_disk *s = ((struct sim_dir *)dir)->s;
    struct sim_entry *e = sim_entries_find(&dir_node(dir)->entries, name);
    enum status st = fault_status(begin(s, "lock", name, 0, e ? 0 : CHANGES), why, "lock", name);
    size_t node;

    if (st != ST_OK) return st;
    if (e && (s->nodes[e->node]->is_dir || s->nodes[e->node]->locked))
        return error_set(why, ST_DENIED, "lock %s: in use by another process", name);
    if (e) {
        node = e->node;
    } else {
        node = add_node(s, false);
        sim_dir_log(dir_node(dir), s->operations, SIM_LINK, name, NULL, node);
    }
    keep_file(s, node, name, out)->locks = true;
    s->nodes[node]->locked = true;
    return ST_OK;
}

static void sim_close(struct disk_file *file)
{
    struct sim_file *f = (struct sim_file *)file;

    if (f->locks) f->s->nodes[f->node]->locked = false;
    f->s->handles--;
    mem_free(f->name);
    mem_free(f);
}

static enum status sim_size(struct disk_file *file, uint64_t *bytes, struct error *why)
{
    struct sim_file *f = (struct sim_file *)file;

    (void)why;
    *bytes = f->s->nodes[f->node]->now.size;
    return ST_OK;
}

static enum status sim_read(struct disk_file *file, uint64_t offset, void *p, size_t len,
                            size_t *got, struct error *why)
{
    struct sim_file *f = (struct sim_file *)file;
    const struct sim_content *c = &f->s->nodes[f->node]->now;
    enum sim_fault fault = begin(f->s, "read", f->name, offset, MAY_LIE | MAY_MISS);
    enum status st = fault_status(fault, why, "read", f->name);

    if (st != ST_OK) return st;
    if (offset >= c->size) return ST_OK;
    *got = len < c->size - offset ? len : (size_t)(c->size - offset);
    if (fault == SIM_FAULT_LOST) memset(p, 0, *got);
    else sim_node_read(c, offset + (fault == SIM_FAULT_ELSEWHERE ? SIM_PAGE : 0), p, *got);
    trace_bytes(f->s, p, *got);
    return ST_OK;
}

static enum status read_only(const struct sim_file *f, struct error *why, const char *what)
{
    return error_set(why, ST_IO, "%s %s: Bad file descriptor", what, f->name);
}

static enum status sim_write(struct disk_file *file, uint64_t offset, const struct span *parts,
                             size_t count, struct error *why)
{
    struct sim_file *f = (struct sim_file *)file;
    struct sim_node *n = f->s->nodes[f->node];
    enum sim_fault fault = begin(f->s, "write", f->name, offset,
                                 CHANGES | TAKES_SPACE | MAY_LIE | MAY_MISS);
    enum status st = fault_status(fault, why, "write", f->name);
    struct buf all = { 0 };

    for (size_t i = 0; i < count; i++) buf_append_span(&all, parts[i]);
    trace_bytes(f->s, all.p, all.len);
    if (!f->writes) {
        st = read_only(f, why, "write");
        fault = SIM_FAULT_LOST;
    } else if (fault == SIM_FAULT_NONE && !has_space(f->s, n, offset, all.len)) {
        st = no_space(why, "write", f->name);
        fault = SIM_FAULT_SPACE;
    }
    if (fault == SIM_FAULT_SHORT) all.len /= 2;
    if (fault == SIM_FAULT_ELSEWHERE) offset += SIM_PAGE;
    if (fault == SIM_FAULT_NONE || fault == SIM_FAULT_SHORT || fault == SIM_FAULT_ELSEWHERE)
        sim_node_write(n, f->s->operations, offset, all.p, all.len);
    buf_free(&all);
    return st;
}

static enum status sim_zero(struct disk_file *file, uint64_t offset, uint64_t len,
                            struct error *why)
{
    struct sim_file *f = (struct sim_file *)file;
    struct sim_node *n = f->s->nodes[f->node];
    enum sim_fault fault = begin(f->s, "reserve", f->name, offset + len, CHANGES | TAKES_SPACE);
    enum status st = fault_status(fault, why, "reserve", f->name);

    if (st != ST_OK) return st;
    if (!f->writes) return read_only(f, why, "reserve");
    if (!has_space(f->s, n, offset, len)) return no_space(why, "reserve", f->name);
    sim_node_write(n, f->s->operations, offset, NULL, len);
    return ST_OK;
}

static enum status sim_truncate(struct disk_file *file, uint64_t size, struct error *why)
{
    struct sim_file *f = (struct sim_file *)file;
    enum sim_fault fault = begin(f->s, "truncate", f->name, size, CHANGES);
    enum status st = fault_status(fault, why, "truncate", f->name);

    if (st != ST_OK) return st;
    if (!f->writes) return read_only(f, why, "truncate");
    sim_node_resize(f->s->nodes[f->node], f->s->operations, size);
    return ST_OK;
}

static enum status sim_sync(struct disk_file *file, struct error *why)
{
    struct sim_file *f = (struct sim_file *)file;

    return sync_node(f->s, f->s->nodes[f->node], f->name, why);
}

static void sim_free(struct disk *d)
{
    (void)d;            /* whoever made it frees it: sim_disk_free */
}

static const struct disk_ops sim_ops = {
    .free = sim_free,
    .dir_open = sim_dir_open,
    .dir_open_in = sim_dir_open_in,
    .dir_close = sim_dir_close,
    .dir_sync = sim_dir_sync,
    .dir_list = sim_dir_list,
    .dir_lock = sim_dir_lock,
    .dir_space = sim_dir_space,
    .rename = sim_rename,
    .remove = sim_remove,
    .open = sim_open,
    .close = sim_close,
    .size = sim_size,
    .read = sim_read,
    .write = sim_write,
    .zero = sim_zero,
    .truncate = sim_truncate,
    .sync = sim_sync,
};

/* ---- the disk ---- */

struct sim_disk *sim_disk_new(uint64_t seed)
{
    struct sim_disk *s = mem_zero(sizeof(*s));

    s->disk.ops = &sim_ops;
    s->limit_pages = UINT64_MAX;
    rng_seed(&s->rng, seed);
    add_node(s, true);
    return s;
}

void sim_disk_free(struct sim_disk **s)
{
    if (!*s) return;
    assert((*s)->handles == 0);
    for (size_t i = 0; i < (*s)->node_count; i++) sim_node_free((*s)->nodes[i]);
    mem_free((*s)->nodes);
    mem_free(*s);
    *s = NULL;
}

struct disk *sim_disk_of(struct sim_disk *s)
{
    return &s->disk;
}

struct sim_disk *sim_disk_clone(const struct sim_disk *s)
{
    struct sim_disk *c = mem_zero(sizeof(*c));
    bool *wanted = mem_zero(s->node_count);

    c->disk.ops = &sim_ops;
    c->nodes = mem_zero(s->node_count * sizeof(struct sim_node *));
    c->node_count = c->node_cap = s->node_count;
    c->operations = s->operations;
    c->trace = s->trace;
    c->limit_pages = s->limit_pages;
    c->ignores_file_sync = s->ignores_file_sync;
    c->ignores_dir_sync = s->ignores_dir_sync;
    c->rng = s->rng;
    sim_disk_mark(s, wanted, true);
    for (size_t i = 0; i < s->node_count; i++)
        if (wanted[i]) c->nodes[i] = sim_node_clone(s->nodes[i]);
    mem_free(wanted);
    return c;
}

uint64_t sim_disk_operations(const struct sim_disk *s)
{
    return s->operations;
}

uint64_t sim_disk_trace(const struct sim_disk *s)
{
    return s->trace;
}

void sim_disk_fail(struct sim_disk *s, uint64_t at, enum sim_fault fault, bool forever)
{
    s->fail_at = at;
    s->fault = fault;
    s->fail_forever = forever;
    s->failed = false;
}

bool sim_disk_has_failed(const struct sim_disk *s)
{
    return s->failed;
}

void sim_disk_limit(struct sim_disk *s, uint64_t bytes)
{
    s->limit_pages = bytes == UINT64_MAX ? UINT64_MAX : bytes / SIM_PAGE;
}

void sim_disk_ignore_sync(struct sim_disk *s, bool files, bool directories)
{
    s->ignores_file_sync = files;
    s->ignores_dir_sync = directories;
}

void sim_disk_hook(struct sim_disk *s, sim_hook_f *hook, void *arg)
{
    s->hook = hook;
    s->hook_arg = arg;
}
