/* SPDX-License-Identifier: Apache-2.0 */
/* js.h - JetStream of one server: its accounts, its store, and how answers leave.
 *
 * Everything here and in this folder runs on one loop, the home loop, unless it says otherwise; no
 * locks. A turn is one iteration of that loop: messages from the inboxes are handled, consumers
 * deliver, what changed is appended to the store and handed to its writer. An answer that depends
 * on a record leaves only when the record is durable: js_send_when. */
#ifndef JETSTREAM_JS_H
#define JETSTREAM_JS_H

#include "base/list.h"
#include "config/options_jetstream.h"
#include "core/core.h"
#include "jetstream/inbox.h"
#include "jetstream/stream_config.h"
#include "store/store.h"

struct gate;
struct stream;
struct consumer;

struct js_account {
    struct js *js;
    struct account *account;
    struct jetstream_account_limits limits;
    bool enabled;                       /* its streams stay when it is disabled by a reload */
    struct map streams;                 /* name -> struct stream */
    struct list waiting_sources;        /* struct source whose origin is not there */
    uint64_t memory_used, store_used;   /* bytes of its streams */
    uint64_t memory_reserved, store_reserved;   /* sums of max_bytes */
    uint64_t api_total, api_errors;
    struct inbox_target api, acks, flow;        /* $JS.API.> $JS.ACK.> $JS.FC.> */
    struct account_watch watch;         /* interest changed: look at push consumers */
    struct sub *api_sub, *domain_sub, *acks_sub, *flow_sub;
};

struct js_metrics {                     /* for monitoring; read on the home loop */
    uint64_t api_total, api_errors, api_inflight;
    uint64_t commits;
};

struct js {
    struct core *core;
    struct core_loop *cl;               /* of the home loop */
    struct loop *home;
    struct store *store;
    struct inboxes *inboxes;
    struct gate *gate;
    size_t parked;                      /* requests that wait for a read */
    struct map accounts;                /* name -> struct js_account, also of those that may not */
    const struct options_jetstream *options;    /* of options_ref */
    struct core_config *options_ref;
    struct disk *disk;                  /* borrowed */
    int64_t max_memory, max_store;      /* of the server, bytes */
    uint64_t memory_used, store_used, memory_reserved, store_reserved;
    struct list dirty_streams;          /* have something to append at the end of the turn */
    struct list ready_consumers;        /* have something to deliver or to append */
    struct list ready_sources;          /* have something to copy */
    struct list transfers;              /* snapshots and restores: transfer.h */
    struct buf unfinished;              /* struct stream *: half restored, found at the start */
    struct sync_mail durable_mail;
    const char *failed;                 /* why the store is fenced; NULL: it is not */
    struct js_metrics metrics;
    uint64_t batches;                   /* open atomic batches of all streams */
    int64_t batch_bytes;                /* that they hold */
    int64_t wall_ns;                    /* of this iteration of the loop; never steps back */
    uint64_t wall_iteration;
    int64_t wall_offset_ns;             /* wall clock minus monotonic clock, as believed */
    int64_t jumped_ns;                  /* since when the wall clock says otherwise, or 0 */
    struct timer flush;                 /* when the store wants to be flushed without a reason */
    struct buf scratch;
};

struct jetstream_settings;

/* Open the store in settings->store_dir and recover, by the core's newest configuration. disk:
 * borrowed. Before the loops run; loop 0 becomes home. Errors as store_open. */
MUST_USE enum status js_new(struct js **out, struct core *core,
                            const struct jetstream_settings *settings, struct disk *disk,
                            struct error *why);
/* After the loops have stopped: sync, close, free. */
void js_free(struct js **js);

/* Before the loops stop: tell pull requests ("409 Server Shutdown"), take no messages. On home. */
void js_shutdown(struct js *js);

/* A reload is done: enable, disable, update accounts and limits. On home. */
void js_apply_config(struct js *js);

struct js_account *js_account_find(struct js *js, struct span name);    /* NULL: not enabled */
struct stream *js_stream_find(struct js_account *a, struct span name);

/* Wall clock for records: never steps back, at most the turn's. */
int64_t js_now(struct js *js);

/* The turn's time becomes the present: for what runs outside of a turn. */
void js_update_time(struct js *js);

/* Publish in account now, or when the store has made position durable (STORE_NO_POSITION: now).
 * Spans are copied. subject: whom it is for; shown_subject: what MSG says instead (consumers
 * deliver the stream's subject to an inbox), empty: subject. header may be empty. Messages to the
 * same account leave in the order of these calls only if their positions don't decrease. */
struct js_message {
    struct account *account;
    struct span subject, shown_subject, reply, header, body;
};
void js_send_when(struct js *js, uint64_t position, const struct js_message *m);
/* Returns how many got it. Only with nothing to wait for. */
uint64_t js_send(struct js *js, const struct js_message *m);

/* Whether anybody in account listens to the literal subject. */
bool js_has_interest(struct js *js, struct account *a, struct span subject);

/* Whether anybody in account subscribed to exactly this subject, alone. Takes its lock. */
bool js_has_literal_interest(struct js *js, struct account *a, struct span subject);

/* A number that changes when interest in the literal subject may have changed; compare only. */
uint64_t js_interest_generation(struct js *js, struct account *a, struct span subject);

/* Run fn(arg) on home when position is durable; in order with the messages. */
void js_call_when(struct js *js, uint64_t position, void (*fn)(void *arg), void *arg);

/* As many answers wait for the disk, or requests for what is read from it, as may: take no further
 * request before that changes. */
bool js_is_behind(const struct js *js);
bool js_gate_is_full(const struct js *js);      /* the former alone */

/* Answer "no responders" to m if its publisher wants that. */
void js_no_responders(struct js *js, const struct inbox_msg *m);

#endif
