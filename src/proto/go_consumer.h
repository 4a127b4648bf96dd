/* SPDX-License-Identifier: Apache-2.0 */
/* go_consumer.h - the state of a consumer ("obs/NAME/o.dat") of nats-server's file store.
 *
 * Sans I/O. Varints: ack floor, delivered, then what is pending and redelivered, with sequences as
 * differences from the ack floor and times in whole seconds. Releases write version 2; version 1
 * of early ones is read, too. The bytes carry no checksum. */
#ifndef PROTO_GO_CONSUMER_H
#define PROTO_GO_CONSUMER_H

#include "base/span.h"
#include "base/status.h"

struct go_pending {
    uint64_t stream_seq, consumer_seq;  /* consumer_seq 0: not known (version 1) */
    int64_t timestamp_ns;               /* of the delivery, in whole seconds */
};

struct go_redelivered {
    uint64_t stream_seq, count;         /* count: redeliveries so far */
};

struct go_consumer_state {              /* owns the arrays, which are in no order */
    uint64_t ack_floor_consumer, ack_floor_stream;
    uint64_t delivered_consumer, delivered_stream;
    struct go_pending *pending;
    size_t pending_count;
    struct go_redelivered *redelivered;
    size_t redelivered_count;
};

/* Decode bytes; what follows the state is ignored. BAD_INPUT: corrupt; UNSUPPORTED: another
 * version; *s is empty then. A sequence may occur twice; the later one counts. Memory: at most
 * 12 times bytes.len. O(n). */
MUST_USE enum status go_consumer_decode(struct go_consumer_state *s, struct span bytes,
                                        struct error *why);
void go_consumer_state_fini(struct go_consumer_state *s);

#endif
