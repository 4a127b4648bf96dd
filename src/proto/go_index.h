/* SPDX-License-Identifier: Apache-2.0 */
/* go_index.h - the index ("msgs/index.db", before "msgs/N.idx") of a stream in nats-server's file
 * store.
 *
 * Sans I/O. It says which messages of the blocks are live: those that a limit removed leave no
 * trace in the blocks themselves. Releases since 2.10 write one file, of versions 1 to 4 so far,
 * which follows the blocks in a snapshot; those before a file for each block, in front of it.
 *
 * An index holds for the blocks only if last_hash is the hash of the last record of last_block
 * (proto/go_block.h); else the stream changed between, and only the blocks count, with their
 * erased records and tombstones. */
#ifndef PROTO_GO_INDEX_H
#define PROTO_GO_INDEX_H

#include "base/span.h"
#include "base/status.h"

struct go_index_block {
    uint32_t number;
    uint64_t bytes, first_seq, last_seq;        /* first_seq > last_seq: no live message */
};

enum { GO_INDEX_SET_WORDS = 32 };

struct go_index_set {                   /* deleted sequences, from base, one bit each */
    uint64_t base;
    uint64_t bits[GO_INDEX_SET_WORDS];
};

struct go_index {                       /* owns the arrays */
    uint64_t messages, bytes, first_seq, last_seq;
    int64_t first_timestamp_ns, last_timestamp_ns;      /* 0: none */
    struct go_index_block *blocks;      /* ascending numbers */
    size_t block_count;
    struct go_index_set *sets;          /* ascending bases */
    size_t set_count;
    uint64_t *deleted;                  /* more deleted sequences, ascending */
    size_t deleted_count;
    uint32_t last_block;
    uint64_t last_hash;                 /* of the last record of last_block */
};

/* Decode the index of stream. BAD_INPUT: corrupt, or the checksum (HighwayHash-64, whose key is
 * the SHA-256 of the stream's name) differs; UNSUPPORTED: another version; *x is empty then.
 * Memory: about 6 times bytes.len. O(n log n). */
MUST_USE enum status go_index_decode(struct go_index *x, struct span stream, struct span bytes,
                                     struct error *why);
void go_index_fini(struct go_index *x);

/* Add block number from its own file, "msgs/N.idx", to *x, which is zeroed before the first; in
 * ascending order of numbers and sequences. The file carries no checksum. BAD_INPUT: corrupt, or
 * out of order; *x is as before then (nats-server goes on with the block alone). Memory: at most
 * 8 times bytes.len. O(n log n). */
MUST_USE enum status go_index_add_block(struct go_index *x, uint32_t number, struct span bytes,
                                        struct error *why);

/* Whether the message seq in block number is live. O(log n). */
bool go_index_has(const struct go_index *x, uint32_t number, uint64_t seq);

#endif
