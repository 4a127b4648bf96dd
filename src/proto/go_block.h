/* SPDX-License-Identifier: Apache-2.0 */
/* go_block.h - message blocks ("msgs/N.blk") of nats-server's file store.
 *
 * Sans I/O. A block is records one after the other, little-endian: length (4 bytes, with the top
 * bit set when there are headers), sequence (8, with flags in the top bits), time stamp in ns (8),
 * subject length (2), subject, [header length (4), headers,] body, HighwayHash-64 (8). The hash
 * covers all but the three lengths; its key is the SHA-256 of "STREAM-N". A wrong length of the
 * record or of a subject before headers changes what is hashed; one of headers, or of a subject
 * before a body, may go unnoticed: so the form is. Snapshots hold blocks decrypted and
 * decompressed. */
#ifndef PROTO_GO_BLOCK_H
#define PROTO_GO_BLOCK_H

#include "base/buf.h"
#include "base/highwayhash.h"
#include "base/status.h"

enum go_record_kind {
    GO_RECORD_MORE,             /* all bytes are used; more are needed */
    GO_RECORD_MESSAGE,
    GO_RECORD_ERASED,           /* seq holds nothing: overwritten or skipped. seq 0: no meaning */
    GO_RECORD_TOMBSTONE,        /* the message seq, of this or an earlier block, is deleted */
};

struct go_record {
    enum go_record_kind kind;
    uint64_t seq;
    int64_t timestamp_ns;       /* 0 when erased in place */
    struct span subject, headers, body;         /* of a message; until the next call */
};

struct go_block_reader {                /* private but for record_max, last_hash */
    uint64_t record_max;
    unsigned char key[HIGHWAYHASH_KEY_BYTES];
    size_t want;                        /* bytes of the record at hand, once known */
    bool handed_out;
    uint64_t last_hash;                 /* public: of the last record read, for the index */
    struct buf record;
};

/* Bytes of a record besides subject, headers and body, with and without headers. */
enum { GO_RECORD_HEAD_BYTES = 22, GO_RECORD_BYTES_MIN = GO_RECORD_HEAD_BYTES + 8 };

/* Make *r ready for block number of stream. record_max: bytes of the largest record. */
void go_block_reader_init(struct go_block_reader *r, struct span stream, uint32_t number,
                          uint64_t record_max);
void go_block_reader_fini(struct go_block_reader *r);

/* Read from in until a record is whole; *used bytes are not to be given again. The block may be
 * cut anywhere. BAD_INPUT: no record, or its hash differs; LIMIT: it is larger than record_max,
 * said before it is gathered. After an error the reader is of no use. Memory: one record.
 *
 * Whoever restores from a block's records takes them in order; a message whose sequence is not
 * above all before it in the block is void. Messages that a limit removed leave no trace in
 * blocks: the index says which those are (proto/go_index.h). */
MUST_USE enum status go_block_read(struct go_block_reader *r, struct span in, size_t *used,
                                   struct go_record *record, struct error *why);

/* At the end of the block: BAD_INPUT inside a record. */
MUST_USE enum status go_block_read_end(const struct go_block_reader *r, struct error *why);

#endif
