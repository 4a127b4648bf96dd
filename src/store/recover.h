/* SPDX-License-Identifier: Apache-2.0 */
/* recover.h - what recovery keeps while it runs. recover.c finds out what there is and counts,
 * recover_tell.c tells the owner. */
#ifndef STORE_RECOVER_H
#define STORE_RECOVER_H

#include "store/footer.h"
#include "store/seal.h"
#include "store/store_priv.h"

struct recover_batch {
    uint64_t at, length, position, previous_end, durable;
    bool is_good, is_used;
};

struct recover_segment {
    struct segment *segment;
    uint64_t bytes, mapped;             /* of the file, and of its image in memory */
    uint64_t cut, cut_end;
    bool has_header;
    bool is_unreadable;                 /* nothing of it counts */
    struct recover_batch *batches;      /* heap; of segments without a footer */
    size_t count, cap;
};

struct recover_group {
    uint32_t number;
    bool is_ended, is_told;
    uint64_t index, checkpoint_index;
    uint64_t bad_index;                 /* checkpoints from this one on are bad; 0: none is */
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
    size_t void_used;                   /* void rounds of which copies were seen */
    struct disk_file *file;             /* of segment file_of, and bytes of it from window_at */
    uint32_t file_of;
    struct buf window;
    uint64_t window_at;
    struct seal_keys keys;
    struct buf plain;                   /* a decrypted record */
    struct buf footer, stored;          /* the footer looked at, and as it stands in the file */
};

/* Tell the owner of damage. owner NULL: unknown whose. */
void recover_damage(struct recovery *r, void *owner, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Set out to the footer of rs, decrypted: from the file or as made by recovery. DAMAGED
 * (reported): it is not good. O(footer). */
MUST_USE enum status recover_load_footer(struct recovery *r, struct recover_segment *rs,
                                         struct buf *out);

/* Groups, deltas, messages, ends. */
void recover_tell_all(struct recovery *r);

#endif
