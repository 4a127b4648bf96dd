/* SPDX-License-Identifier: Apache-2.0 */
/* store_world.h - a store on a simulated disk, its owner, and the model of what must be in it.
 *
 * The owner is a small stream: messages with growing numbers, deltas and messages that remove
 * others, checkpoints with the whole state. Everything in a message follows from its group's tag,
 * its number and its length, so that a wrong byte is seen without keeping the bytes. For each group
 * the world keeps its state after every record with that record's position: recovery must give
 * one of them, none before what was reported durable, and all groups as of one moment. */
#ifndef SIM_STORE_WORLD_H
#define SIM_STORE_WORLD_H

#include "base/rng.h"
#include "sim/sim_disk.h"
#include "store/store.h"

#define WORLD_SEQS 512                  /* messages of a group */
#define WORLD_GROUPS 64                 /* in all, deleted ones as well */
#define WORLD_DIR "/store"

struct verdict {                        /* what a check found */
    uint64_t states, checked, recovered_twice, continued, killed, failures;
    uint64_t reclaimed, moved, erased;  /* what the scripts made the store do */
    char first[1024];                   /* the first failure */
};

struct state {                          /* of a group; padding-free: it is written as it stands */
    uint64_t tag, deltas, digest, last_seq;
    uint64_t live[WORLD_SEQS / 64];
};

struct event {                          /* a record that was appended */
    uint64_t position;
    bool exists;                        /* the group does, after it */
    struct state after;
};

struct message {
    struct store_loc loc;
    uint32_t size;
    bool reported;                      /* by this recovery */
    bool erased;                        /* its bytes must be nowhere */
};

struct world_group {
    struct world *world;
    struct store_group *group;          /* NULL: deleted */
    struct store_id id;
    bool in_memory, is_done;
    struct state now;
    uint64_t checkpoint_seq;            /* the last of the recovered checkpoint */
    uint64_t removed[WORLD_SEQS / 64];  /* by deltas and messages after it, while recovering */
    struct message messages[WORLD_SEQS];
    struct event *events;
    size_t event_count, event_cap;
};

struct world_options {
    bool lazy, sealed;
    uint64_t cache_bytes, headroom_bytes;
};

struct world {
    struct sim_disk *disk;              /* borrowed */
    struct store *store;
    struct world_options options;
    struct world_group *groups[WORLD_GROUPS];   /* by tag */
    size_t group_count;
    uint64_t reported, durable;         /* as reported; what a crash must leave (lazy: 0) */
    const struct world *before;         /* while it is opened again: what must be there */
    bool failed;                        /* on_failed was called */
    unsigned damages, refused;
    char why[512], damage[512];         /* of the failure; the first report of damage */
    int64_t now_ns;
    const char *what;                   /* heads failures of the script itself */
    struct rng rng;
    struct verdict *verdict;
};

/* Note a failure: printf style, with what was found first kept. */
void verdict_fail(struct verdict *v, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Open the store on disk and take what it recovers as the state. On a failure w->store is NULL and
 * w->why says why. */
MUST_USE enum status world_open(struct world *w, struct sim_disk *disk,
                                const struct world_options *options, struct verdict *v,
                                uint64_t seed);
void world_close(struct world *w);      /* closes the store if there is one, frees the model */

/* ---- what the owner does; harmless where it makes no sense or the store refuses ---- */

void world_new_group(struct world *w, bool in_memory);
void world_append(struct world *w, struct world_group *g, uint32_t body, unsigned replaces);
void world_remove(struct world *w, struct world_group *g, unsigned odds);   /* odds in 16 of each */
void world_checkpoint(struct world *w, struct world_group *g);
void world_delete(struct world *w, struct world_group *g);
void world_erase(struct world *w, struct world_group *g);   /* the oldest message, durably */
void world_flush(struct world *w);
void world_settle(struct world *w);     /* until nothing is left to do */
bool world_reopen(struct world *w);     /* close and open; false: not opened */
struct world_group *world_pick(struct world *w);    /* a group that exists, NULL: none */

/* One step of a random script. */
void world_step(struct world *w);

/* ---- checks ---- */

enum read_result { READ_GOOD, READ_LOST, READ_WRONG };

/* Write the first 16 bytes of a message's body, which occur nowhere else. */
void world_marker(char *out, uint64_t tag, uint64_t seq);

/* Read a live message and compare it. */
enum read_result world_read(struct world *w, struct world_group *g, uint64_t seq);

static inline bool state_has(const uint64_t *set, uint64_t seq)
{
    return set[seq / 64] >> (seq % 64) & 1;
}

/* Compare what was recovered with what was appended: a prefix with all that is durable, nothing
 * else, every byte right, no damage. Failures go to got->verdict, headed by what. */
void world_compare(const struct world *wanted, struct world *got, const char *what);

/* The same after damage was done to the files: what is missing must have been reported, and what is
 * there must be right. Returns the messages that are lost. */
unsigned world_compare_damaged(const struct world *wanted, struct world *got, const char *what);

#endif
