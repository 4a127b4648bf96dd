/* SPDX-License-Identifier: Apache-2.0 */
/* s2.h - the S2 extension of the Snappy formats: blocks, and streams of framed blocks.
 *
 * Sans I/O. nats-server writes stream snapshots as S2 streams. The decoder takes the streams of S2
 * and Snappy encoders, cut anywhere; the encoder writes blocks of at most 64 KiB with Snappy's
 * elements only, which either decoder reads. Dictionaries are not part of the stream format and
 * not supported. A decoder or encoder belongs to one thread. */
#ifndef PROTO_S2_H
#define PROTO_S2_H

#include "base/buf.h"
#include "base/status.h"

enum {
    S2_BLOCK_BYTES_MAX = 4 << 20,       /* decoded bytes of a block in an S2 stream */
    S2_SNAPPY_BLOCK_BYTES_MAX = 1 << 16,        /* ...in a Snappy stream */
    S2_ENCODED_BLOCK_BYTES = 1 << 16,   /* what the encoder puts into a block */
};

/* ---- streams: decoder ---- */

struct s2_decoder {                     /* private; zero-initialised is ready */
    unsigned char head[4];
    unsigned head_len;                  /* 4: inside a chunk */
    uint32_t left;                      /* bytes of the chunk to come */
    bool started, snappy, failed;
    struct buf chunk, block;
};

void s2_decoder_fini(struct s2_decoder *d);

/* Take bytes from in until a block is decoded or all are used; *used says how many to not give
 * again. *out: the block, its checksum verified, at most S2_BLOCK_BYTES_MAX, valid until the next
 * call; empty when more bytes are needed (then *used is in.len). Skippable chunks, padding and
 * indexes are passed over. BAD_INPUT: the stream is corrupt; LIMIT: a block or chunk is too large;
 * UNSUPPORTED: a chunk that must not be skipped. After an error every call gives BAD_INPUT.
 * Memory: one chunk and one block. */
MUST_USE enum status s2_decode(struct s2_decoder *d, struct span in, size_t *used,
                               struct span *out, struct error *why);

/* Whether the stream may end here: BAD_INPUT inside a chunk, before the stream identifier, or
 * after an error. */
MUST_USE enum status s2_decode_end(const struct s2_decoder *d, struct error *why);

/* ---- streams: encoder ---- */

struct s2_encoder {                     /* private; zero-initialised is ready */
    struct buf block;                   /* not encoded yet, less than a block */
    uint16_t *table;                    /* 32 KiB, allocated at first use */
    bool started;
};

void s2_encoder_fini(struct s2_encoder *e);

/* Append the stream identifier, once, and every block that is full to out; keep the rest. */
void s2_encode(struct s2_encoder *e, struct span in, struct buf *out);

/* Append what s2_encode kept, so that out holds all that was given. Often called, it costs
 * compression; once at the end is needed. The encoder goes on as before. */
void s2_encode_flush(struct s2_encoder *e, struct buf *out);

/* ---- blocks: the unframed format ---- */

/* Set *bytes to the decoded length that the block states. BAD_INPUT: none there; LIMIT: over
 * S2_BLOCK_BYTES_MAX. */
MUST_USE enum status s2_block_decoded_bytes(struct span block, size_t *bytes);

/* Decode a block, S2 or Snappy, and append to out. Errors as above, and BAD_INPUT for an element
 * that reaches outside the block or its decoded length; out is as before then. */
MUST_USE enum status s2_block_decode(struct span block, struct buf *out);

#endif
