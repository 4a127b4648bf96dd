/* SPDX-License-Identifier: Apache-2.0 */
/* store_priv.h - the store's object, shared by the files of this folder. Owner only, but for what a
 * task was given. */
#ifndef STORE_STORE_PRIV_H
#define STORE_STORE_PRIV_H

#include "base/map.h"
#include "os/disk.h"
#include "store/crypt.h"
#include "store/manifest.h"
#include "store/record.h"
#include "store/segment.h"
#include "store/store.h"
#include "store/task.h"

#define STORE_UNSYNCED_MAX (UINT64_C(128) << 20)        /* bytes that may wait for the disk */
#define STORE_RETRY_NS (INT64_C(1000) * 1000 * 1000)    /* between looks at a full disk */

struct store_group {
    struct store *store;
    struct store_group *next, *prev;    /* of the store */
    struct store_id id;
    uint32_t number;
    bool in_memory;
    bool is_orphan;                     /* not understood at recovery: kept as it is */
    uint64_t index;                     /* of the last record */
    uint64_t checkpoint_index;          /* of the last checkpoint; 0: none */
    uint64_t checkpoint_position;       /* where it ends */
    uint32_t checkpoint_segment, checkpoint_bytes;
    const struct store_group_ops *ops;
    void *owner;
    uint32_t in, out;                   /* segments where the last was appended, released; */
    uint32_t in_entry, out_entry;       /* and the group's index in their groups */
    struct crypt_key key;               /* if the store is encrypted */
};

struct write {                          /* a finished batch */
    struct segment *segment;
    uint64_t from, to;                  /* bytes of the image, whole blocks */
};

struct write_list {
    struct write *items;
    size_t count, cap;
};

struct commit {                         /* what the writer has in hand */
    struct task task;
    struct store *store;
    struct write_list writes;
    struct segment **sync;              /* to be synced afterwards */
    size_t sync_count, sync_cap;
    uint64_t end;                       /* position after it */
    int64_t start_ns, sync_ns;
    enum status status;
    struct error why;
    bool is_active;
};

struct store {
    struct store_options options;       /* dir is a copy; the keys are wiped */
    struct disk *disk;
    struct disk_dir *dir;
    struct tasks *tasks;
    struct store_id id;
    bool sealed;                        /* encrypted, by: */
    struct crypt_key master;            /* constant once open */
    struct crypt_nonces nonces, reader_nonces;  /* of the owner; of tasks of the reader */

    struct segment_table files, memory;
    struct segment *active, *spare;     /* being filled; made ahead. NULL: none */
    struct segment *memory_active;
    uint32_t next_segment, next_memory, next_group, next_round;
    struct disk_file *lock;
    uint64_t next_base;                 /* position where the next segment begins */
    uint64_t cut, cut_end;              /* positions that recovery declared void */
    struct manifest manifest;           /* generation, rounds, key; segments come from files */

    bool batch_is_open;
    uint64_t batch_at;                  /* where in active */
    uint32_t batch_count;
    uint64_t previous_end;              /* of the batch before */
    struct write_list writes;           /* finished, not handed over */
    struct commit commit;
    struct segment **dirty;             /* written, not synced (lazy) */
    size_t dirty_count, dirty_cap;
    int64_t next_sync_ns;
    int64_t next_try_ns, next_make_ns;  /* full: when to look for space for more; for anything */
    uint64_t appended, durable, synced; /* positions */
    uint64_t unsynced_bytes;

    struct list lru;                    /* chunks that may be dropped, oldest first */
    struct load *loads;                 /* under way */
    bool has_bad_chunks;
    uint64_t cache_floor;               /* bytes that the read under way needs at once */
    struct buf *scratch;                /* decrypted for reads; freed at flush */
    size_t scratch_count, scratch_cap;

    struct store_group *groups;
    struct map by_number;               /* 4 bytes -> store_group */

    struct maker *maker;
    struct collect *collect;
    struct scrub *scrub;
    struct erase *erases;               /* under way */
    uint64_t void_segments;             /* with what a crash made void */
    bool collect_more;                  /* it could go on at once */
    uint64_t small_count;               /* closed segments with little in them */
    uint64_t ends_end;                  /* position after the last end of a group */
    struct segment **closed;            /* without a footer yet */
    size_t closed_count, closed_cap;
    struct segment *dead;               /* freed at flush */
    bool is_closing;
    struct store_stats stats;
};

/* store.c */
int64_t store_now(const struct store *s);
void store_fail(struct store *s, const char *why);      /* fence; once */
void store_damage(struct store *s, struct store_group *g, const char *text);
struct store_group *store_find_group(const struct store *s, uint32_t number);
struct store_group *store_add_group(struct store *s, uint32_t number);
/* Room for bytes more at the tail of a segment, on disk in an open batch. LIMIT, AGAIN, IO as
 * store_append. */
MUST_USE enum status store_make_room(struct store *s, bool in_memory, uint64_t bytes,
                                     bool frees_space, struct segment **out);
void store_advance(struct store *s, struct segment *seg, uint64_t bytes);      /* it was used */
/* Nothing more goes into the segment that is filled; it will be sealed. */
void store_close_active(struct store *s);
/* Account for a record that was just laid out at at. */
void store_account(struct store_group *g, struct segment *seg, const struct record *r);
void store_free(struct store **s);      /* what store_open built so far; no task may run */
/* The newest checkpoint of g stands in seg (and no longer where the one before stood). */
void store_note_checkpoint(struct store_group *g, struct segment *seg, uint64_t bytes);

/* The segment is complete and sealed: it may be worth reclaiming. */
void store_closed(struct store *s, struct segment *seg);

/* recover.c */
/* Read the directory and tell the owner; sets where the log goes on. */
MUST_USE enum status recover_run(struct store *s, const struct store_recovery *recovery,
                                 struct error *why);

/* writer.c */
void writer_close_batch(struct store *s);               /* finish the open batch, if any */
void writer_start(struct store *s);                     /* hand over if idle */
bool writer_is_idle(const struct store *s);

/* cache.c */
/* The chunks of [seg->present, to) are being filled from now on. */
void cache_fill(struct store *s, struct segment *seg, uint64_t to);
void cache_add(struct store *s, struct segment *seg, uint32_t chunk);   /* it may be dropped now */
void cache_trim(struct store *s);
void cache_drop(struct store *s, struct segment *seg);  /* forget all chunks; none is loading */
/* Whether the bytes from at on could not be read. */
bool cache_is_bad(const struct segment *seg, uint64_t at);
void cache_cancel(struct store *s, struct store_wait *w);
/* The chunk at from and some after it will be wanted. */
void cache_read_ahead(struct store *s, struct segment *seg, uint64_t from);
/* Whether bytes [from, to) of the image are there; if not, begin to load them, with wait. */
bool cache_has(struct store *s, struct segment *seg, uint64_t from, uint64_t to,
               struct store_wait *wait);

#endif
