/* SPDX-License-Identifier: Apache-2.0 */
/* maker.h - files: making the next one ahead, closing complete ones, removing dead ones, and the
 * manifest that says which there are. One round of this at a time, on the reader's thread. */
#ifndef STORE_MAKER_H
#define STORE_MAKER_H

#include "store/store_priv.h"

/* A segment of at least bytes, known to the store; its file is made by a round. */
struct segment *maker_new_segment(struct store *s, uint64_t bytes);

/* The segment made ahead is too small for what comes next: it stays empty and is removed. */
void maker_skip(struct store *s, struct segment *seg);

/* The segment is complete but for its last commits: it will get a footer. */
void maker_add_closed(struct store *s, struct segment *seg);

/* Begin a round if there is something to do and none is under way. O(segments) when it begins. */
void maker_step(struct store *s);

/* Remove the segment's file and then the segment, which must not be read any more; gone(s, number)
 * of collect.c follows. */
void maker_remove(struct store *s, struct segment *seg);

/* The manifest as it should be now; arrays are the caller's. O(segments). */
void maker_snapshot(struct store *s, struct manifest *out);

void maker_init(struct store *s);        /* before the others */
void maker_free(struct store *s);

#endif
