/* SPDX-License-Identifier: Apache-2.0 */
/* source_header.h - how a copied message tells where it comes from: Nats-Stream-Source.
 *
 * Value: "stream sequence filter destination subject identity", as nats-server writes it. Stream,
 * filter and destination (several joined by form feeds) name one source of a stream for good, the
 * identity tells a stream that was made anew from the one before. Pure. */
#ifndef JETSTREAM_SOURCE_HEADER_H
#define JETSTREAM_SOURCE_HEADER_H

#include "base/buf.h"
#include "jetstream/stream_config.h"

#define SOURCE_HASH_LEN 8

/* Letters and digits from SHA-256 of text, NUL-terminated. */
void source_hash(struct span text, char out[SOURCE_HASH_LEN + 1]);

/* The identity of a stream that was made at created_ns (wall). */
void source_identity(int64_t created_ns, char out[SOURCE_HASH_LEN + 1]);

/* Append the name that a source goes by: "stream filter destination". */
void source_append_name(const struct js_source_config *c, struct buf *out);

/* Append the value for the message seq, that was published as subject. name: as above. */
void source_append_header(struct buf *out, struct span name, uint64_t seq, struct span subject,
                          struct span identity);

/* Append the key of what value is about, "name" or "name identity", and give its sequence. False
 * (nothing appended): not such a value; forms before nats-server 2.10 are none. */
bool source_read_header(struct span value, struct buf *key, uint64_t *seq);

#endif
