/* SPDX-License-Identifier: Apache-2.0 */
/* stream.h - one stream: a state machine over its group's log.
 *
 * What happens to a stream (a message, a removal, a new configuration, a consumer's progress) is
 * decided and applied in memory first, its outcome appended to the log, and answered when that is
 * durable. Consumers see a message only then: `visible`. At recovery the same records give the
 * same state. The stream's code knows its log only as struct replicator (replicator.h).
 *
 * Owned by the home loop. Freed when deleted and nothing under way refers to it (stream_ref). */
#ifndef JETSTREAM_STREAM_H
#define JETSTREAM_STREAM_H

#include "jetstream/js.h"
#include "jetstream/msgs.h"
#include "net/timers.h"

struct dedup;

struct stream {
    struct inbox_target target;         /* of its subjects */
    struct js *js;
    struct js_account *account;
    struct stream_config config;
    int64_t created_ns;
    struct store_group *group;
    struct msgs *msgs;
    struct dedup *dedup;                /* NULL: no window */
    uint64_t position;                  /* of its newest record; STORE_NO_POSITION in memory */
    uint64_t visible;                   /* the last sequence that consumers may deliver */
    int64_t last_ns;                    /* time of the newest message */
    struct map consumers;               /* name -> struct consumer */
    struct sub **subs;                  /* one per subject */
    size_t sub_count;
    struct list dirty;                  /* in js->dirty_streams */
    struct buf removed;                 /* sequences (uint64_t) removed in this turn */
    struct timer expiry;
    unsigned refs;
    bool closed;                        /* deleted; only waiting for its refs */
};

void stream_ref(struct stream *s);
void stream_unref(struct stream *s);

/* Read a live message by sequence: as store_read, NOT_FOUND when it is not there. */
MUST_USE enum status stream_read(struct stream *s, uint64_t seq, struct store_record *out,
                                 struct store_wait *wait);

/* Time of a stored message is in its record; nothing cheaper knows it. */

/* ---- what consumers need ---- */

/* A record of consumer's state: name and body, to be given back at recovery. Appended now. Nothing
 * happens for streams or consumers in memory. Returns the position, for answers. */
uint64_t stream_log_consumer(struct stream *s, struct span name, struct span body);

/* A consumer has no more need of seq (acknowledged, or its filter never wanted it): under interest
 * and workqueue retention the stream removes it when nobody else needs it. */
void stream_consumer_done(struct stream *s, struct consumer *c, uint64_t seq);

/* Remove a message for good, with its record at the end of the turn. False: not there. */
bool stream_remove(struct stream *s, uint64_t seq);

#endif
