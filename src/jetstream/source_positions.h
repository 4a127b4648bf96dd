/* SPDX-License-Identifier: Apache-2.0 */
/* source_positions.h - how far a stream has copied each of its sources.
 *
 * A source is known by its key (source_header.h) and gets a number, by which the records of the
 * copied messages refer to it, so that message and position are one write. Checkpoints and deltas
 * carry the positions as well: messages may be removed. A source that is taken out of the
 * configuration keeps its position for the case that it comes back. Owned by its stream. */
#ifndef JETSTREAM_SOURCE_POSITIONS_H
#define JETSTREAM_SOURCE_POSITIONS_H

#include "base/buf.h"

struct source_position {
    uint64_t seq;                       /* the newest that was copied; 0: none */
    uint64_t id;                        /* above 0 */
    bool named;                         /* a record in the log gives id its key */
    bool moved;                         /* since the log was told by a delta or checkpoint */
    char *key;
};

struct source_positions;

#define SOURCE_POSITIONS_MAX 4096

/* Without any. */
struct source_positions *source_positions_new(void);
void source_positions_free(struct source_positions **p);

/* NULL: not known. p may be NULL. */
struct source_position *source_positions_find(const struct source_positions *p, struct span key);
struct source_position *source_positions_by_id(const struct source_positions *p, uint64_t id);

/* The position of key, made at 0 when it is not known. */
struct source_position *source_positions_add(struct source_positions *p, struct span key);
/* The same for what a message says: NULL when it is not known and there are SOURCE_POSITIONS_MAX;
 * messages of mirrors and archives may tell of any number. */
struct source_position *source_positions_note(struct source_positions *p, struct span key);

/* Set it if that is forward. */
void source_position_move(struct source_position *at, uint64_t seq);

/* Append sections (STATE_SOURCE) of those that moved or are not named yet, or of all with their
 * keys; they count as told then. p may be NULL. */
void source_positions_put(struct source_positions *p, bool all, struct buf *out);

/* Take a section's body. False: not such bytes. */
bool source_positions_take(struct source_positions *p, struct span body);

#endif
