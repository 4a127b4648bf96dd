/* SPDX-License-Identifier: Apache-2.0 */
/* block.h - pieces of output. A block is filled by the loop that stages it, then belongs to the
 * output queue of its target, then returns to the pool of whichever loop flushed it. */
#ifndef NET_BLOCK_H
#define NET_BLOCK_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCK_SMALL_BYTES 2048          /* with the head: an idle target's first message */
#define BLOCK_LARGE_BYTES (72 * 1024)   /* with the head: a whole chunk of input and its framing */

/* Bytes with several holders: a large payload that goes to many targets uncopied. */
struct shared_bytes {
    atomic_uint refs;
    size_t len, cap;
    char bytes[];
};

struct shared_bytes *shared_bytes_new(size_t cap);      /* one reference; len 0 */
struct shared_bytes *shared_bytes_ref(struct shared_bytes *s);
void shared_bytes_unref(struct shared_bytes *s);        /* s may be NULL */

struct block {
    struct block *next;
    struct shared_bytes *shared;        /* the bytes are there and counted; NULL: they are here */
    const char *data;                   /* of either */
    uint32_t cap;                       /* of bytes; 0 with shared */
    size_t start, end;                  /* what is still to be sent */
    char bytes[];
};

struct block_pool {                     /* one per loop; zero-initialise */
    struct block *small, *large;
    unsigned small_count, large_count;
};

/* An empty block with room for at least want bytes: small if that suffices and prefer_large is
 * not set, else large, else as big as needed. */
struct block *block_new(struct block_pool *pool, size_t want, int prefer_large);

/* A block that refers to len bytes at data inside s and holds a reference. */
struct block *block_new_shared(struct block_pool *pool, struct shared_bytes *s, const char *data,
                               size_t len);

void block_free(struct block_pool *pool, struct block *b);
void block_free_list(struct block_pool *pool, struct block *b);         /* b and all behind it */
void block_pool_fini(struct block_pool *pool);

#endif
