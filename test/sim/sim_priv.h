/* SPDX-License-Identifier: Apache-2.0 */
/* sim_priv.h - Private to the simulated disk: its nodes, contents and what is not synced yet. */
#ifndef SIM_SIM_PRIV_H
#define SIM_SIM_PRIV_H

#include "base/buf.h"
#include "sim/sim_disk.h"

struct sim_page {                       /* immutable once it is shared */
    unsigned refs;
    char bytes[SIM_PAGE];
};

struct sim_content {
    struct sim_page **pages;            /* NULL: a hole */
    size_t count;
    uint64_t size;
};

struct sim_change {                     /* of a file, since its last sync */
    uint64_t time;                      /* number of the operation */
    size_t page;                        /* SIZE_MAX: of the size only */
    struct sim_page *content;
    uint64_t size;                      /* after it */
};

enum sim_link_kind { SIM_LINK, SIM_UNLINK, SIM_RENAME };

struct sim_link {                       /* of a directory, since its last sync */
    enum sim_link_kind kind;
    uint64_t time;
    char *name, *to;
    size_t node;
};

struct sim_entry {
    char *name;
    size_t node;
};

struct sim_entries {
    struct sim_entry *list;             /* in order of names */
    size_t count, cap;
};

struct sim_node {
    bool is_dir, locked;
    struct sim_content now, synced;     /* a file's */
    struct sim_change *changes;
    size_t change_count, change_cap;
    struct sim_entries entries, synced_entries;     /* a directory's */
    struct sim_link *links;
    size_t link_count, link_cap;
};

struct sim_disk {
    struct disk disk;                   /* first */
    struct sim_node **nodes;            /* by id; 0 is the root; NULL: gone */
    size_t node_count, node_cap;
    size_t handles;
    uint64_t operations, trace;
    uint64_t fail_at;
    enum sim_fault fault;
    bool fail_forever, failed;
    bool ignores_file_sync, ignores_dir_sync;
    uint64_t limit_pages;
    sim_hook_f *hook;
    void *hook_arg;
    struct rng rng;
};

/* sim_node.c: */
struct sim_node *sim_node_new(bool is_dir);
void sim_node_free(struct sim_node *n);
struct sim_node *sim_node_clone(const struct sim_node *n);

void sim_content_free(struct sim_content *c);
void sim_content_copy(struct sim_content *to, const struct sim_content *from);  /* shares pages */
void sim_content_set(struct sim_content *c, size_t page, struct sim_page *content); /* takes ref */
struct sim_page *sim_content_get(const struct sim_content *c, size_t page);
struct sim_page *sim_page_new(const struct sim_page *from);     /* from NULL: zeros */
struct sim_page *sim_page_ref(struct sim_page *p);
void sim_page_unref(struct sim_page *p);

/* Write, zero (p NULL) or resize what reads now, and log it. Returns pages that were added. */
size_t sim_node_write(struct sim_node *n, uint64_t time, uint64_t offset, const char *p,
                      uint64_t len);
void sim_node_resize(struct sim_node *n, uint64_t time, uint64_t size);
size_t sim_node_pages(const struct sim_node *n);
void sim_node_read(const struct sim_content *c, uint64_t offset, char *p, size_t len);
void sim_node_sync(struct sim_node *n);
void sim_node_forget(struct sim_node *n);       /* drop the log of a file or directory */

struct sim_entry *sim_entries_find(const struct sim_entries *e, const char *name);
void sim_entries_set(struct sim_entries *e, const char *name, size_t node);
void sim_entries_remove(struct sim_entries *e, const char *name);
void sim_entries_free(struct sim_entries *e);
void sim_entries_copy(struct sim_entries *to, const struct sim_entries *from);
void sim_entries_apply(struct sim_entries *e, const struct sim_link *l);
void sim_dir_log(struct sim_node *n, uint64_t time, enum sim_link_kind kind, const char *name,
                 const char *to, size_t node);

/* sim_disk.c: set wanted[id] of what names refer to; unsynced: also what they may after a crash. */
void sim_disk_mark(const struct sim_disk *s, bool *wanted, bool unsynced);

/* sim_crash.c: what a failed sync leaves becomes what is synced. */
void sim_node_fail_sync(struct sim_node *n, struct rng *r);

#endif
