/* SPDX-License-Identifier: Apache-2.0 */
/* stream.h - one stream: a state machine over its group's log.
 *
 * What happens to a stream (a message, a removal, a new configuration, a consumer's progress) is
 * decided and applied in memory first, its outcome appended to the log, and answered when that is
 * durable. Consumers see a message only then: `visible`. At recovery the same records give the
 * same state. The stream knows its log only as struct replicator.
 *
 * Owned by the home loop. Freed when deleted and nothing under way refers to it (stream_ref). */
#ifndef JETSTREAM_STREAM_H
#define JETSTREAM_STREAM_H

#include "jetstream/js.h"
#include "jetstream/msgs.h"
#include "jetstream/replicator.h"
#include "jetstream/ttl.h"
#include "net/timers.h"

struct dedup;
struct source_positions;
struct transform;
struct stream_recovery;

/* Somebody waits for stream->visible to go up; embedded. */
struct stream_waiter {
    struct list link;
    void (*wake)(struct stream_waiter *w);      /* it is out of the list when called */
};

struct stream {
    struct inbox_target target;         /* of its subjects */
    struct js *js;
    struct js_account *account;
    struct stream_config config;
    int64_t created_ns;
    struct replicator *log;
    struct msgs *msgs;
    struct dedup *dedup;                /* NULL: no window */
    char *last_msg_id;                  /* Nats-Msg-Id of the newest message; NULL: none */
    struct transform *subject_transform, *republish;    /* compiled; NULL: none */
    uint64_t position;                  /* of its newest record; STORE_NO_POSITION in memory */
    uint64_t visible;                   /* the last sequence that consumers may deliver */
    int64_t last_ns;                    /* time of the newest message */
    uint64_t first_seq_known;           /* the message whose time first_ns is; 0: none */
    int64_t first_ns;
    struct map consumers;               /* name -> struct consumer */
    struct list waiters;                /* struct stream_waiter */
    struct list readers;                /* struct source of those that copy it */
    struct buf sources;                 /* its own mirror or sources: struct source * */
    struct source_positions *positions; /* of those; NULL: none yet */
    struct sub **subs;                  /* one per subject */
    size_t sub_count;
    struct list dirty;                  /* in js->dirty_streams */
    struct buf removed;                 /* runs removed in this turn: pairs of uint64_t */
    struct buf marks;                   /* last sequences of turns that are not durable yet */
    uint64_t delta_bytes, checkpoint_bytes;     /* since, and of, the last checkpoint */
    struct timer expiry;
    uint64_t expiry_from;               /* messages before it expire by their TTL alone */
    struct ttl ttl;
    struct ttl schedules;               /* messages that are schedules */
    struct timer schedule_timer;
    struct store_wait schedule_wait;
    struct store_wait expiry_wait;
    struct map batches;                 /* id -> struct batch, open atomic batches */
    struct buf lost;                    /* runs lost to damage: pairs of uint64_t */
    struct stream_recovery *recovery;   /* only while the store is opened */
    unsigned refs;
    bool stored;                        /* messages were stored in this turn */
    bool closed;                        /* deleted; only waiting for its refs */
    bool restoring;                     /* not listed yet, and to be deleted after a crash */
};

void stream_ref(struct stream *s);              /* somebody refers to it beyond the turn */
void stream_unref(struct stream *s);            /* the last one frees it */

/* ---- life ---- */

/* A new stream from a checked config (taken over): logged, subscribed. *position: when that is
 * durable. IO, LIMIT: the store takes nothing; nothing happened, config is the caller's. */
MUST_USE enum status stream_new(struct stream **out, struct js_account *a,
                                struct stream_config *config, uint64_t *position);
/* Take over a checked new config. */
MUST_USE enum status stream_update(struct stream *s, struct stream_config *next,
                                   uint64_t *position);
/* End it with its consumers and messages. *position: when it can't come back. */
void stream_delete(struct stream *s, uint64_t *position);
/* The process ends: free without a trace. */
void stream_close(struct stream *s);

/* A stream that is filled before anybody sees it: from a checked config (taken over), without a
 * place in its account's table, without subscriptions; its consumers come by consumer_restore. A
 * crash before it is published leaves nothing of it. created_ns 0: now. Errors as stream_new;
 * stream_delete gives it up. */
MUST_USE enum status stream_restore_begin(struct stream **out, struct js_account *a,
                                          struct stream_config *config, int64_t created_ns,
                                          uint64_t first_seq);
/* It is complete and its name is free: list it, apply its limits, start it with its consumers.
 * *position: when that is durable. Errors as stream_new: nothing happened. */
MUST_USE enum status stream_restore_publish(struct stream *s, uint64_t *position);

/* ---- messages ---- */

/* A message to be stored as it is: limits, dedup and expectations were checked. */
struct stream_message {
    struct span subject, header, body;
    struct span msg_id;                 /* empty: none */
    int64_t time_ns;                    /* 0: now */
    int64_t ttl_s;                      /* 0: none; -1: never expires */
    int64_t schedule_ns;                /* it is a schedule, due then; 0: it is none */
    uint64_t seq;                       /* 0: the next one */
    bool no_limits;                     /* a restored message: limits are applied at the end, its
                                           time is kept even if it is before the last one's */
};

/* Append it and let limits remove others. *seq: what it got. As store_append. */
MUST_USE enum status stream_store(struct stream *s, const struct stream_message *m, uint64_t *seq);

/* Bytes that nats-server counts for a message in this storage. */
uint32_t stream_message_size(const struct stream *s, size_t subject, size_t header, size_t body);

/* Sequences up to last have no message and never will. */
void stream_skip_to(struct stream *s, uint64_t last);

/* Read a live message by sequence: as store_read, NOT_FOUND when it is not there. */
MUST_USE enum status stream_read(struct stream *s, uint64_t seq, struct store_record *out,
                                 struct store_wait *wait);

/* Time of the first message; AGAIN: as store_read. An empty stream gives 0. */
MUST_USE enum status stream_first_time(struct stream *s, int64_t *ns, struct store_wait *wait);

/* The first live sequence whose message is not older than ns; last + 1 when all are. Messages lost
 * to damage are passed over. AGAIN: as store_read; ask again then. O(log messages) reads, and one
 * per lost message. */
MUST_USE enum status stream_seq_from_time(struct stream *s, int64_t ns, uint64_t *seq,
                                          struct store_wait *wait);

/* Remove a message for good, with its record at the end of the turn. False: not there. */
bool stream_remove(struct stream *s, uint64_t seq);

struct stream_purge {
    struct span subject;                /* filter; empty: all */
    uint64_t before;                    /* only sequences below; 0: all */
    uint64_t keep;                      /* that many of the newest stay */
};
/* Returns how many went. O(messages that match). */
uint64_t stream_purge(struct stream *s, const struct stream_purge *p);

/* The last sequence with a subject that matches filter; 0: none. */
uint64_t stream_last_of(struct stream *s, struct span filter);

/* ---- what consumers need ---- */

/* Whether something newer than visible is under way; w is woken when visible goes up. */
void stream_wait_visible(struct stream *s, struct stream_waiter *w);

/* A record of consumer's state: name and body, to be given back at recovery. Appended now. Nothing
 * happens for streams in memory. Returns the position, for answers. */
uint64_t stream_log_consumer(struct stream *s, struct span name, struct span body);
/* The consumer is gone. Returns the position. */
uint64_t stream_log_consumer_end(struct stream *s, struct span name);

/* A consumer has no more need of seq (acknowledged, or its filter never wanted it): under interest
 * and workqueue retention the stream removes it when nobody else needs it. */
void stream_consumer_done(struct stream *s, uint64_t seq);
/* A consumer is gone or changed its filter: messages that nobody needs go. */
void stream_check_interest(struct stream *s);

/* Append what was removed so far, so that position covers it. */
void stream_log_now(struct stream *s);

/* ---- told by the engine ---- */

/* End of a turn: append what was removed, remember what becomes visible when. */
void stream_flush(struct stream *s);

/* Recovery's calls (store.h); arg of group and damage is struct js. */
void *stream_recover_group(void *js, struct store_group *g, const struct store_record *checkpoint);
void stream_recover_delta(void *owner, const struct store_record *r);
void stream_recover_message(void *owner, const struct store_record *r, struct store_loc loc,
                            uint32_t *memo);
void stream_recover_done(void *owner);
/* After store_open: start all recovered streams of the account (subjects, timers, limits). */
void stream_recover_start(struct stream *s);

#endif
