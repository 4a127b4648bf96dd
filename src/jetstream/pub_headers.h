/* SPDX-License-Identifier: Apache-2.0 */
/* pub_headers.h - what the headers of a published message ask of a stream (inventory 4.4). */
#ifndef JETSTREAM_PUB_HEADERS_H
#define JETSTREAM_PUB_HEADERS_H

#include "base/span.h"

/* Values as they stand in the block; p NULL: absent. The first of a key counts. */
struct pub_headers {
    struct span msg_id, expected_stream, expected_last_msg_id;
    struct span expected_last_seq, expected_last_subject_seq, expected_last_subject;
    struct span rollup, ttl, incr, counter_sources;
    struct span schedule, schedule_target, schedule_source, schedule_ttl, schedule_rollup,
        schedule_time_zone, scheduler, schedule_next;
    struct span batch_id, batch_seq, batch_commit;
    struct span stream_source, required_api_level, marker_reason, kv_operation;
    bool any;                           /* one of these is there */
};

/* Look through block once. O(block). */
void pub_headers_scan(struct span block, struct pub_headers *h);

enum rollup { ROLLUP_NONE, ROLLUP_SUBJECT, ROLLUP_ALL };

/* What Nats-Rollup asks for, in any case; NONE also for what it does not know. */
enum rollup pub_headers_rollup(const struct pub_headers *h);

/* A number as nats-server reads it: digits only; anything else gives UINT64_MAX. */
uint64_t pub_headers_number(struct span value);

/* Nats-TTL: seconds (> 0), -1 for never, 0 when absent; more than 64 bits hold is
 * INT64_MAX. False: not valid. */
bool pub_headers_ttl(struct span value, int64_t *seconds);

#endif
