/* SPDX-License-Identifier: Apache-2.0 */
/* state_record.h - the bytes of a stream's deltas and checkpoints: tagged sections.
 *
 * A section is a tag, a length (varint) and that many bytes. Readers pass over tags that they
 * don't know. Format: docs/format/stream.md. Bytes come from a disk: everything is checked. */
#ifndef JETSTREAM_STATE_RECORD_H
#define JETSTREAM_STATE_RECORD_H

#include "base/buf.h"
#include "base/status.h"

enum state_tag {
    STATE_ACCOUNT = 'A',                /* name */
    STATE_CONFIG = 'C',                 /* JSON */
    STATE_CREATED = 'N',                /* varint, wall ns */
    STATE_FIRST = 'F',                  /* varint, sequence: nothing below lives */
    STATE_LAST = 'L',                   /* varint, sequence: given out up to here */
    STATE_LAST_TIME = 'T',              /* varint, wall ns */
    STATE_HOLES = 'H',                  /* msgs_encode_holes */
    STATE_REMOVED = 'R',                /* runs: varint first - end of the one before (zigzag),
                                           varint length */
    STATE_CONSUMER = 'P',               /* varint length of the name, name, body */
    STATE_CONSUMER_END = 'E',           /* name */
    STATE_SOURCE = 'O',                 /* varint number, varint sequence, key (may be missing) */
    STATE_BATCH = 'B',                  /* varint, sequence: from here on messages count only ... */
    STATE_BATCH_END = 'b',              /* ... if this follows in the log */
    STATE_LOST = 'X',                   /* runs, as STATE_REMOVED: known to be lost */
    STATE_RESTORING = 'S',              /* varint, 1: of no use before a checkpoint without it */
};

/* Append a section. */
void state_put(struct buf *out, enum state_tag tag, struct span body);
void state_put_number(struct buf *out, enum state_tag tag, uint64_t n);
void state_put_consumer(struct buf *out, struct span name, struct span body);
/* runs: pairs of uint64_t first, last in any order. */
void state_put_runs(struct buf *out, enum state_tag tag, struct span runs);

struct state_section {
    unsigned tag;
    struct span body;
};

/* Take the next section off *rest: true. False: none left, or *bad set. */
bool state_next(struct span *rest, struct state_section *out, bool *bad);

/* Read the bodies. False: not such bytes. */
bool state_number(struct span body, uint64_t *n);
bool state_consumer(struct span body, struct span *name, struct span *state);
/* Append pairs of uint64_t first, last to out. */
bool state_runs(struct span body, struct buf *out);

/* Varints, least significant seven bits first; for extra facts and consumers' bodies, too. */
void varint_put(struct buf *out, uint64_t n);
bool varint_take(struct span *rest, uint64_t *n);

static inline uint64_t zigzag(int64_t n)
{
    return ((uint64_t)n << 1) ^ (n < 0 ? UINT64_MAX : 0);
}

static inline int64_t unzigzag(uint64_t n)
{
    return (int64_t)(n >> 1) ^ -(int64_t)(n & 1);
}

#endif
