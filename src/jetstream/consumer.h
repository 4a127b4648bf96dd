/* SPDX-License-Identifier: Apache-2.0 */
/* consumer.h - one consumer: what of a stream goes to whom, and what was acknowledged.
 *
 * Owned by its stream, on the home loop. It delivers visible messages to pull requests or to its
 * deliver subject, tracks acknowledgements and redelivers. Its progress is appended to the
 * stream's log as one delta per turn; deliveries don't wait for that, confirmed acks do. */
#ifndef JETSTREAM_CONSUMER_H
#define JETSTREAM_CONSUMER_H

#include "jetstream/api.h"
#include "jetstream/consumer_config.h"
#include "jetstream/stream.h"

struct consumer;

/* Make a consumer from a checked config (copied), start it and log it (unless it lives in memory).
 * The caller has checked names and limits. by_time: what stream_seq_from_time says of its start
 * time, if it has one. *position: when its creation is durable. */
struct consumer *consumer_new(struct stream *s, const struct consumer_config *config,
                              uint64_t by_time, uint64_t *position);
/* Take a new configuration. */
void consumer_update(struct consumer *c, const struct consumer_config *next, uint64_t *position);
/* Stop, tell waiting requests why ("Consumer Deleted"), log its end, free. */
void consumer_delete(struct consumer *c, uint64_t *position);
/* Free without a trace: its stream is deleted or the server ends. status: what waiting requests are
 * told, or NULL ("409 Consumer Deleted", "409 Server Shutdown"). */
void consumer_free(struct consumer *c, const char *status);

/* Borrowed until the next consumer_update. */
const struct consumer_config *consumer_config_of(const struct consumer *c);
struct span consumer_name(const struct consumer *c);            /* borrowed as well */
bool consumer_is_durable(const struct consumer *c);             /* else it goes when unused */

/* Whether its filter matches this subject (number in s->msgs). */
bool consumer_wants(struct consumer *c, uint32_t subject);
bool consumer_wants_text(const struct consumer *c, struct span subject);
/* Whether seq, which it wants, is not acknowledged by it yet: pending or not delivered. */
bool consumer_needs(const struct consumer *c, uint64_t seq);

/* ---- told by the stream ---- */

/* New messages are not told one by one: a consumer that could deliver waits by
 * stream_wait_visible, and counts what is pending when that is asked for. */
void consumer_on_removed(struct consumer *c, uint64_t seq, uint32_t subject);
/* Many went at once, all below first and perhaps others: count anew. */
void consumer_on_purged(struct consumer *c);
/* Interest in some subject changed: look whether the deliver subject's did. */
void consumer_on_interest(struct consumer *c);

/* ---- told by the engine ---- */

/* The consumer of a link in js->ready_consumers. */
struct consumer *consumer_of_ready(struct list *link);
/* Deliver what can be delivered, at most budget messages; false: nothing left to do. Then append
 * the delta of the turn. Called for consumers in js->ready_consumers. */
bool consumer_run(struct consumer *c, unsigned budget);

/* $JS.ACK.<stream>.<consumer>... and v2; finds stream and consumer. */
bool consumer_handle_ack(struct inbox_target *t, const struct inbox_msg *m);
/* $JS.FC.... */
bool consumer_handle_flow(struct inbox_target *t, const struct inbox_msg *m);
/* Stored state back: one body of stream_log_consumer, oldest first; the first one makes it.
 * BAD_INPUT: not such a body. */
MUST_USE enum status consumer_recover(struct stream *s, struct span name, struct span body);
/* After all of them and after the stream's messages are known. */
void consumer_recovered(struct consumer *c);
/* Append the whole state as one body for a checkpoint; what this turn has noted so far is in it. */
void consumer_encode(struct consumer *c, struct buf *body);

/* ---- information ---- */

/* The fields of ConsumerInfo, within an object. */
void consumer_write_fields(struct consumer *c, struct jsonw *w);
/* That object in an array, for lists: the config as it is stored, or without it. */
void consumer_write_detail(struct consumer *c, struct jsonw *w, bool config);

struct consumer_facts {                 /* for monitoring and checks */
    uint64_t delivered_consumer_seq, delivered_stream_seq;
    uint64_t floor_consumer_seq, floor_stream_seq;
    uint64_t pending, ack_pending, redelivered, waiting;
    bool push_bound, paused;
};
void consumer_facts(struct consumer *c, struct consumer_facts *out);

/* ---- snapshot and restore ---- */

struct go_consumer_state;
struct error;

/* Its progress in nats-server's terms; free with go_consumer_state_fini. O(pending). */
void consumer_export(struct consumer *c, struct go_consumer_state *out);

/* A consumer of a stream that is being restored, from a checked config (taken over): neither
 * logged nor started; stream_restore_publish does both. */
struct consumer *consumer_restore(struct stream *s, struct consumer_config *config,
                                  int64_t created_ns);
/* Give it that progress. BAD_INPUT: it contradicts itself; why has nats-server's words. */
MUST_USE enum status consumer_restore_state(struct consumer *c,
                                            const struct go_consumer_state *state,
                                            struct error *why);

#endif
