/* SPDX-License-Identifier: Apache-2.0 */
/* batch.h - atomic batch publish (ADR-50): messages are held until the last one commits them all.
 *
 * A batch is checked as a whole against the stream when it is committed; then its messages get
 * consecutive sequences, and on disk they count only together. What is held is bounded: messages of
 * a batch, batches of a stream and of the server, bytes of the server, time between messages. */
#ifndef JETSTREAM_BATCH_H
#define JETSTREAM_BATCH_H

#include "jetstream/ingest.h"

#define BATCH_MESSAGES_MAX 1000
#define BATCH_PER_STREAM_MAX 50
#define BATCH_TOTAL_MAX 1000
#define BATCH_BYTES_MAX (INT64_C(256) * 1024 * 1024)
#define BATCH_ID_MAX 64
#define BATCH_IDLE_NS INT64_C(10000000000)

/* A message with Nats-Batch-Id. */
enum ingest_result batch_take(struct ingest *in);

/* What the messages of a batch under check did so far; in->batch. */
struct batch_effects;
/* Whether an earlier message of the batch has this subject. */
bool batch_has_subject(const struct batch_effects *b, struct span subject);
bool batch_has_id(const struct batch_effects *b, struct span id);
uint64_t batch_message_count(const struct batch_effects *b);
uint64_t batch_bytes(const struct batch_effects *b);
uint64_t batch_subject_count(const struct batch_effects *b, struct span subject);

/* Drop the stream's open batches; it ends. */
void batch_drop_all(struct stream *s);

#endif
