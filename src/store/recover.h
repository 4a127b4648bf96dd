/* SPDX-License-Identifier: Apache-2.0 */
/* recover.h - what recovery keeps while it runs. */
#ifndef STORE_RECOVER_H
#define STORE_RECOVER_H

#include "store/store_priv.h"

struct recover_batch {
    uint64_t at, length, position, previous_end, durable;
    bool is_good, is_used;
};

struct recover_segment {
    struct segment *segment;
    uint64_t bytes, mapped;             /* of the file, and of its image in memory */
    uint64_t cut, cut_end;
    struct recover_batch *batches;      /* heap */
    size_t count, cap;
};

struct recover_group {
    uint32_t number;
    bool is_ended;
    uint64_t index, checkpoint_index;
    struct store_loc checkpoint;
    struct store_group *group;          /* NULL: no checkpoint was found */
    void *owner;                        /* NULL: not understood */
};

struct recovery {
    struct store *store;
    const struct store_recovery *tell;
    bool has_manifest, has_id, is_torn;
    enum status manifest_status[MANIFEST_COPIES];
    struct recover_segment *segments;   /* ascending */
    size_t segment_count;
    uint64_t durable;                   /* the furthest mark found */
    uint64_t expected;                  /* end of the batch before; 0: not known */
    uint64_t floor;                     /* not known: it is no later than this */
    struct map groups;                  /* 4 bytes -> recover_group */
    struct recover_group *last;
    int pass;
};

#endif
