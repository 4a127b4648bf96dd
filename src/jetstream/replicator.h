/* SPDX-License-Identifier: Apache-2.0 */
/* replicator.h - what a stream needs of the log that it is a state machine over.
 *
 * With one replica the local one commits through the store; Raft is to take its place without any
 * change in stream or consumer code. Records that are proposed carry their outcome; they count
 * when their position is durable (committed). On the home loop. */
#ifndef JETSTREAM_REPLICATOR_H
#define JETSTREAM_REPLICATOR_H

#include "store/store.h"

struct replicator;

struct replicator_ops {
    /* As store_append. */
    enum status (*propose)(struct replicator *r, const struct store_record *record,
                           struct store_loc *loc, uint64_t *position);
    /* As store_read and store_wait_cancel. */
    enum status (*read)(struct replicator *r, struct store_loc loc, struct store_record *out,
                        struct store_wait *wait);
    void (*read_cancel)(struct replicator *r, struct store_wait *wait);
    void (*read_ahead)(struct replicator *r, struct store_loc loc);
    /* As store_release and store_erase. */
    void (*release)(struct replicator *r, struct store_loc loc, uint32_t size);
    void (*erase)(struct replicator *r, struct store_loc loc, struct store_wait *wait);
    /* The group ends for good: as store_group_delete. */
    void (*end)(struct replicator *r, uint64_t *position);
    void (*free)(struct replicator *r);
};

struct replicator {                     /* embedded first in each kind */
    const struct replicator_ops *ops;
    bool in_memory;                     /* nothing outlives the process; no positions */
};

/* On a group of the store. ops and owner: as store_group_new; group NULL: a new one in s. */
struct replicator *replicator_local_new(struct store *s, struct store_group *group, bool in_memory,
                                        const struct store_group_ops *ops, void *owner);

#endif
