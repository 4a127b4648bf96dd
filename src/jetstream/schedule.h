/* SPDX-License-Identifier: Apache-2.0 */
/* schedule.h - messages that publish another one at a time (ADR-51): Nats-Schedule: @at <time>.
 *
 * The schedule is a message of the stream; when it is due, its body (or the last message of a
 * source subject) is published to its target within the same stream, and it goes. */
#ifndef JETSTREAM_SCHEDULE_H
#define JETSTREAM_SCHEDULE_H

#include "jetstream/ingest.h"

/* Check the schedule headers; false: refused and answered. A schedule replaces what its subject
 * had: the header Nats-Rollup is added, and in->schedule_ns is set. */
bool schedule_check(struct ingest *in);

/* A message that is a schedule was stored, or found at recovery. */
void schedule_note(struct stream *s, uint64_t seq, int64_t due_ns);

/* Publish what is due and arm the timer for the rest. */
void schedule_run(struct stream *s);
void schedule_on_timer(struct timer *t, void *loop);
void schedule_on_read(struct store_wait *w);

#endif
