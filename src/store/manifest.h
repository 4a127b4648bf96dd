/* SPDX-License-Identifier: Apache-2.0 */
/* manifest.h - the codec of the small file that says which segments there are. No I/O.
 *
 * Two copies stand in the directory; each is replaced whole, one after the other, whenever a
 * segment was made or before one is removed. So a file that is missing, or of another store, is
 * noticed, and so is the loss of one copy. Precisely: docs/format/store.md. */
#ifndef STORE_MANIFEST_H
#define STORE_MANIFEST_H

#include "base/buf.h"
#include "store/store.h"

#define MANIFEST_COPIES 2
#define MANIFEST_KEY_BYTES 72           /* nonce, tag, the master key encrypted by the store key */

struct manifest_segment {
    uint32_t number;
    uint32_t footer_crc;
    uint64_t bytes;                     /* the file is at least so long */
    uint64_t footer_at;                 /* 0: none known */
    uint64_t footer_bytes;
};

struct manifest {
    uint64_t generation;                /* grows by one from version to version */
    struct store_id store;
    bool sealed;                        /* the store is encrypted */
    uint8_t key[MANIFEST_KEY_BYTES];
    uint32_t next_segment, next_group, next_round;
    uint64_t durable;                   /* all below was synced */
    struct manifest_segment *segments;  /* heap, ascending */
    size_t segment_count;
    uint32_t *void_rounds;              /* heap: copies made in these do not count */
    size_t void_count;
};

void manifest_put(const struct manifest *m, struct buf *out);   /* appends; O(segments) */

/* OK: *m is set, its arrays the caller's (manifest_free). DAMAGED. UNSUPPORTED: a newer version. */
MUST_USE enum status manifest_get(struct span in, struct manifest *m);
void manifest_free(struct manifest *m);

#endif
