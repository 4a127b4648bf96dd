/* SPDX-License-Identifier: Apache-2.0 */
/* gate.h - what must not be seen before the store has made something durable.
 *
 * A queue in the order of positions: messages that leave, and calls that are made, when their
 * position is durable. Streams wait for positions of their own: an entry behind one with a higher
 * position waits for that one, which is at most one more commit away. An entry with nothing to
 * wait for does not go through here. Owned by the home loop. */
#ifndef JETSTREAM_GATE_H
#define JETSTREAM_GATE_H

#include "jetstream/js.h"

struct gate;

struct gate *gate_new(void);
/* Drops what waits; calls are not made. */
void gate_free(struct gate **g);

/* Copies the message. O(bytes). */
void gate_add_message(struct gate *g, uint64_t position, const struct js_message *m);
void gate_add_call(struct gate *g, uint64_t position, void (*fn)(void *arg), void *arg);

/* Let everything up to position out, messages by send. fn and send may add entries. Returns how
 * many left. */
size_t gate_open(struct gate *g, struct js *js, uint64_t position,
                 uint64_t (*send)(struct js *js, const struct js_message *m));

size_t gate_waiting(const struct gate *g);      /* entries */
size_t gate_bytes(const struct gate *g);        /* of those */

#endif
