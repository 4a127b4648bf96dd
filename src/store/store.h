/* SPDX-License-Identifier: Apache-2.0 */
/* store.h - one store directory: the logs of many groups, committed together.
 *
 * A group is a stream with its consumers (the store knows only records and bytes). All groups of a
 * directory share one log of segment files: what one iteration of the owning loop appends is
 * written and synced by the store's own thread with one fdatasync, while the next batch fills.
 * Records stay where they were committed; a segment that is mostly dead is copied forward and
 * removed. What is in memory is a cache under one budget.
 *
 * Records of a group:
 *   message      lives until store_release; found again by its place
 *   delta        a change of the group's state; needed until a later checkpoint
 *   checkpoint   the whole state but the messages; makes earlier checkpoints and deltas dead
 * A message may carry state as well (what it removed, in extra), so that a segment is reclaimed
 * only when each group in it has a later checkpoint.
 *
 * Threads: everything here is called on one loop, the owner, except where it says otherwise; the
 * writer and reader threads are the store's own and report back by mail. With options.threads
 * false nothing runs beside: store_step does one piece of their work (simulation, tests).
 * Formats: docs/format/store.md. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/buf.h"
#include "base/status.h"
#include "os/sync.h"

struct store;
struct store_group;
struct disk;                            /* os/disk.h: files, real or simulated */

#define STORE_EXTRA_MAX 65535           /* bytes of a record's extra */
#define STORE_SUBJECT_MAX 65535
#define STORE_PAYLOAD_MAX (1u << 30)    /* of header and of body, each */
#define STORE_NO_POSITION 0             /* nothing to wait for */
#define STORE_NEVER UINT64_MAX          /* of what the store did not take: never durable */

struct store_id {                       /* of a group: random, never used again */
    uint8_t bytes[16];
};

struct store_loc {                      /* where a record stands; segment 0: nowhere */
    uint32_t segment;
    uint32_t at;                        /* in units of 8 bytes */
};

enum store_kind { STORE_MESSAGE = 1, STORE_DELTA, STORE_CHECKPOINT };

/* One record, as given to append and as read back. All spans are borrowed. */
struct store_record {
    enum store_kind kind;
    uint8_t flags;                      /* the owner's; known at recovery without the body */
    uint32_t size;                      /* the owner's measure of it; live bytes are sums of it */
    uint64_t seq;                       /* messages: unique within the group, never used again */
    int64_t time_ns;                    /* wall clock */
    struct span extra;                  /* the owner's; known at recovery without the body */
    struct span subject, header, body;
};

enum store_sync {
    STORE_SYNC_ALWAYS,                  /* durable means synced */
    STORE_SYNC_LAZY,                    /* durable means written; synced every sync_interval_ns */
};

struct store_options {
    const char *dir;                    /* made if absent */
    struct disk *disk;
    enum store_sync sync;
    int64_t sync_interval_ns;
    uint64_t segment_bytes;             /* 0: default 16 MiB; larger records get larger segments */
    uint64_t cache_bytes;               /* 0: default 64 MiB */
    uint64_t headroom_bytes;            /* free disk space kept for what frees space; 0: default */
    struct span key, previous_key;      /* encryption at rest; empty: none. Copied */
    bool threads;
    /* Deliver mail to the owner. Any thread. */
    void (*post)(void *arg, struct sync_mail *mail);
    /* Everything up to position is durable now. On the owner. */
    void (*on_durable)(void *arg, uint64_t position);
    /* The store turned read-only (fenced) for this reason: what was not durable is lost and no
     * append succeeds until the process starts again. On the owner, once. */
    void (*on_failed)(void *arg, const char *why);
    /* Damage found while running; as in struct store_recovery. On the owner. May be NULL. */
    void (*on_damage)(void *arg, void *owner, const char *text);
    /* Monotonic nanoseconds; NULL: os/clock.h. Any thread. */
    int64_t (*now)(void *arg);
    void *arg;
};

/* What recovery tells the owner, on the thread that calls store_open. Per group: group, then each
 * delta after that checkpoint in order of appending, then its messages in no promised order, then
 * group_done. A message may be reported that a delta or another message's extra removed: the
 * owner knows better and calls store_release for it after store_open. */
struct store_recovery {
    /* Returns the owner of the group, for the calls below; NULL: not understood; the group is kept
     * on disk as it is and nothing more of it is reported. */
    void *(*group)(void *arg, struct store_group *g, const struct store_record *checkpoint);
    void (*delta)(void *owner, const struct store_record *r);
    /* r has no header or body. memo: a number kept with the distinct subject within a segment,
     * UINT32_MAX at first, so that the owner need not look it up for every message. */
    void (*message)(void *owner, const struct store_record *r, struct store_loc loc,
                    uint32_t *memo);
    void (*group_done)(void *owner);
    /* Damage: text names file and range; groups it may have cost records are told by owner
     * (NULL: unknown which). */
    void (*damage)(void *arg, void *owner, const char *text);
    void *arg;
};

/* How the store asks the owner of a group. On the owning loop. */
struct store_group_ops {
    /* Whether the message seq is still live and stands at loc. */
    bool (*is_live)(void *owner, uint64_t seq, struct store_loc loc);
    /* It stands elsewhere now. */
    void (*moved)(void *owner, uint64_t seq, struct store_loc from, struct store_loc to);
    /* Append a checkpoint now (so that segments can go). */
    void (*checkpoint)(void *owner);
};

/* Open the directory, alone (a lock file is held), and recover everything. DENIED: another
 * process has it, or it can't be written; BAD_INPUT: not a store, a newer format, wrong key;
 * IO. Nothing is ever deleted or truncated because it is unreadable. O(footers + tail). */
MUST_USE enum status store_open(struct store **out, const struct store_options *options,
                                const struct store_recovery *recovery, struct error *why);

/* Write and sync what is pending, seal, stop the threads, free. Groups are freed as well. */
void store_close(struct store **s);

/* A new group. in_memory: its records live and die with the process (no position, no checkpoint
 * needed). The first record of another group must be a checkpoint. ops, owner: see above; set them
 * for recovered groups with store_group_own. */
struct store_group *store_group_new(struct store *s, bool in_memory,
                                    const struct store_group_ops *ops, void *owner);
void store_group_own(struct store_group *g, const struct store_group_ops *ops, void *owner);
const struct store_id *store_group_id(const struct store_group *g);
struct store *store_of_group(const struct store_group *g);

/* Forget the group and all its records, durably once *position is (STORE_NEVER: it will be there
 * again after a restart); *g is NULL afterwards. */
void store_group_delete(struct store_group **g, uint64_t *position);

/* Append a record; spans are copied. *loc: where it stands, readable at once. *position: durable
 * when the store says so (STORE_NO_POSITION for groups in memory). May be NULL both.
 * LIMIT: no space on disk but for records that free some (deltas, checkpoints); AGAIN: a message
 * while 128 MiB wait for the disk; IO: fenced. Nothing was appended then. */
MUST_USE enum status store_append(struct store_group *g, const struct store_record *r,
                                  struct store_loc *loc, uint64_t *position);

/* The message at loc is needed no more. size: as appended. */
void store_release(struct store_group *g, struct store_loc loc, uint32_t size);

/* A wait for a read; embedded in who waits. */
struct store_wait {
    struct store_wait *next;            /* the store's; non-NULL or queued while waiting */
    bool queued;
    /* On the owner: read again, there and then; the next store_flush may drop it again. */
    void (*done)(struct store_wait *w);
};

/* Read the record at loc. OK: *out borrows memory that stays until the owner returns to
 * store_flush. AGAIN: not in memory; wait->done will run (wait NULL: just not available).
 * DAMAGED: its bytes are lost. IO: they can't be read now; another try reads the disk again. */
MUST_USE enum status store_read(struct store_group *g, struct store_loc loc,
                                struct store_record *out, struct store_wait *wait);
void store_wait_cancel(struct store *s, struct store_wait *w);  /* harmless if not queued */

/* The reader will go on from loc: load ahead. */
void store_read_ahead(struct store_group *g, struct store_loc loc);

/* Overwrite the header and body of a released message on disk and in memory wherever they stand,
 * copies that a reclaimed segment left included. w->done runs on the owner, from a later
 * store_flush, when that is synced and nothing of it is left in the store's files; w->queued is
 * false then. Call it when the record of the removal is durable. store_close does not wait. */
void store_erase(struct store_group *g, struct store_loc loc, struct store_wait *w);

/* End of the owner's iteration: hand what was appended to the writer when that is idle, drop
 * cached memory over the budget, copy forward a little (which calls the owner's ops; not for groups
 * whose owner is not set yet). Spans of reads end here. */
void store_flush(struct store *s);

/* When store_flush must be called at the latest, by the clock of options.now; INT64_MAX: whenever
 * something was appended. Ask after store_flush. (Lazy syncs, a full disk.) */
int64_t store_next_flush_ns(const struct store *s);

uint64_t store_appended(const struct store *s);         /* position of the end */
uint64_t store_durable(const struct store *s);

/* Do one pending piece of the threads' work; false: nothing to do. Only without threads. */
bool store_step(struct store *s);

#define STORE_LATENCY_BUCKETS 24        /* of powers of two microseconds */

struct store_stats {
    uint64_t appends, append_bytes;     /* records and bytes with their frames */
    uint64_t commits, syncs, sync_ns;
    uint64_t commit_latency[STORE_LATENCY_BUCKETS];     /* from hand-over to durable */
    uint64_t commit_latency_ns;         /* their sum */
    uint64_t cache_hits, cache_misses, cache_bytes;
    uint64_t segments, disk_bytes, live_bytes;
    uint64_t moved_records, moved_bytes, reclaimed_segments;
    uint64_t scrubbed_bytes, damaged_records;
    bool failed, full;
};

/* What happened since store_open, and what there is. O(segments). */
void store_stats(const struct store *s, struct store_stats *out);

#endif
