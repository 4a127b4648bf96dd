/* SPDX-License-Identifier: Apache-2.0 */
/* segment.h - what is known in memory of a segment, and the tables of segments.
 *
 * The image is an address range as long as the file, of which chunks are present: those being
 * filled, and those the cache holds. What lies above written is in no file yet and stays.
 * Owner only, but for the parts of an image that a task was given. */
#ifndef STORE_SEGMENT_H
#define STORE_SEGMENT_H

#include "base/buf.h"
#include "base/list.h"
#include "base/span.h"
#include "store/record.h"

#define SEGMENT_CHUNK (256u * 1024)
#define SEGMENT_IN_MEMORY UINT32_C(0x80000000)  /* in numbers of segments without a file */

enum chunk_state {
    CHUNK_ABSENT,
    CHUNK_LOADING,
    CHUNK_FRESH,                /* written here */
    CHUNK_LOADED,               /* read back: check what is read from it */
};

struct chunk {
    struct list lru;            /* of the cache while it may be dropped */
    struct segment *segment;
    struct load *load;          /* LOADING: by this */
    uint8_t state;
    bool is_bad;                /* some of it could not be read */
    bool used;                  /* since the cache last looked */
};

struct segment_group {          /* what a segment holds of a group */
    uint32_t number;
    uint32_t live_count;
    uint64_t live_bytes;
    uint64_t index_max;         /* of its records; a later checkpoint makes them unneeded */
};

struct segment {
    uint32_t number;
    bool in_memory;
    bool is_ready;              /* the file is there and the manifests name it */
    bool is_closed;             /* nothing more is appended */
    bool is_sealed;             /* it has a footer */
    bool is_pinned;             /* holds what is not understood: stays as it is */
    bool has_void;              /* copies or batches that a crash made void */
    bool is_small;              /* counted in small_count */
    bool is_candidate;          /* collect.c knows it */
    bool is_removed;            /* its file is going; not read any more */
    bool must_wipe, is_wiped;   /* overwrite the file before removing it; the round does */
    bool is_busy;               /* a task works with the image: nothing of it is dropped */
    struct record_salt salt;
    uint64_t bytes;             /* of the image */
    uint64_t file_bytes;        /* of the file */
    uint64_t base;              /* position of its first byte */
    uint64_t tail;              /* where the next byte goes; end of what counts when closed */
    uint64_t written;           /* all below is in the file */
    uint64_t present;           /* all below was given memory to be filled */
    uint64_t live_count, live_bytes;
    uint64_t checkpoint_bytes;  /* of the newest checkpoints of their groups */
    uint32_t ends;              /* records of deleted groups */
    uint32_t damaged;           /* records known to be */
    uint32_t loads;             /* under way into the image */
    char *image;                /* NULL: no chunk is present */
    struct chunk *chunks;       /* with image */
    uint32_t chunk_count, chunks_present;
    struct disk_file *file;     /* while it is written; else NULL */
    struct segment_group *groups;       /* dense */
    uint32_t *group_slots;      /* open addressing over groups, index + 1; 0: free */
    uint32_t group_count, group_cap, slot_count;
    uint64_t footer_at, footer_bytes;
    uint32_t footer_crc;
    uint64_t footer_place;      /* where the footer goes; 0: at tail */
    struct buf footer;          /* made by recovery, not written yet */
    struct segment *next_dead;
};

struct segment_table {          /* from number to segment; zero-initialise */
    struct segment ***pages;
    uint32_t page_count, count;
    uint32_t last;              /* the highest number ever put in */
};

struct segment *segment_new(uint32_t number, uint64_t bytes);
void segment_free(struct segment **seg);                /* the image as well; not the file */

/* Make the address range, all chunks absent. Nothing if it is there. */
void segment_map(struct segment *seg);
void segment_unmap(struct segment *seg);                /* no chunk may be present */

/* The entry of a group; made when create, else NULL if absent. Valid until another is made.
 * Amortised O(1). */
struct segment_group *segment_group(struct segment *seg, uint32_t number, bool create);

static inline struct segment *segment_find(const struct segment_table *t, uint32_t number)
{
    uint32_t n = number & ~SEGMENT_IN_MEMORY, page = n / 1024;

    return page < t->page_count && t->pages[page] ? t->pages[page][n % 1024] : NULL;
}

void segment_put(struct segment_table *t, struct segment *seg);
void segment_remove(struct segment_table *t, uint32_t number);
/* The next segment with a number above after; NULL: none. */
struct segment *segment_next(const struct segment_table *t, uint32_t after);
void segment_table_free(struct segment_table *t);       /* and the segments */

#endif
