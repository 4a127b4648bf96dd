/* SPDX-License-Identifier: Apache-2.0 */
/* advisory.h - what happened, told under $JS.EVENT to whoever listens; nothing is written when
 * nobody does. Fields and subjects are nats-server's (schemas io.nats.jetstream.advisory.v1). On
 * the home loop. position: when what is told of is durable; the message waits for that. */
#ifndef JETSTREAM_ADVISORY_H
#define JETSTREAM_ADVISORY_H

#include "jetstream/stream.h"

struct consumer;

enum advisory_action { ADVISORY_CREATE, ADVISORY_DELETE, ADVISORY_MODIFY };

/* ---- the API ---- */

/* A call of the API was answered: $JS.EVENT.ADVISORY.API. client: JSON, empty: not known. */
void advisory_api(struct js_account *a, const struct inbox_msg *request, struct span response,
                  uint64_t position);

/* ---- streams ---- */

/* It was created, changed or deleted. */
void advisory_stream_action(struct stream *s, enum advisory_action action, uint64_t position);

/* A batch came to nothing; reason: "timeout", "large", "incomplete" or "unsupported". The system
 * account hears of it, too. */
void advisory_batch_abandoned(struct stream *s, struct span id, const char *reason);

/* client: who asked, as JSON; first_ns: time of the first message. */
void advisory_snapshot_begun(struct stream *s, struct span client, int64_t first_ns);
/* error: NULL: none. */
void advisory_snapshot_ended(struct stream *s, struct span client, int64_t start_ns,
                             const char *error);
/* It was allowed; chunks may come. */
void advisory_restore_begun(struct js_account *a, struct span stream, struct span client);

struct advisory_restore {
    struct span stream, client;
    int64_t start_ns;
    uint64_t bytes;
};
/* Whatever its end. */
void advisory_restore_ended(struct js_account *a, const struct advisory_restore *r);

/* ---- consumers ---- */

/* It was created or deleted. Those of mirrors and sources are not told of. */
void advisory_consumer_action(struct consumer *c, enum advisory_action action,
                              uint64_t position);
/* Its pause_until changed, or has come. */
void advisory_consumer_pause(struct consumer *c);
void advisory_pinned(struct consumer *c);
void advisory_unpinned(struct consumer *c, const char *reason);         /* "admin", "timeout" */

/* A message was delivered as often as is allowed. */
void advisory_max_deliver(struct consumer *c, uint64_t seq, uint64_t deliveries);

struct advisory_ack {                   /* of the subject acknowledged to */
    uint64_t seq, delivery, deliveries;
};
void advisory_nak(struct consumer *c, const struct advisory_ack *ack);
void advisory_terminated(struct consumer *c, const struct advisory_ack *ack, struct span reason);
/* $JS.EVENT.METRIC.CONSUMER.ACK, for as many acknowledgements as the config samples. */
void advisory_sample_ack(struct consumer *c, const struct advisory_ack *ack, int64_t delay_ns);

#endif
