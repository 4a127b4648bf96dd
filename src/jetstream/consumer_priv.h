/* SPDX-License-Identifier: Apache-2.0 */
/* consumer_priv.h - how the files of a consumer call each other. Inside jetstream/ only. */
#ifndef JETSTREAM_CONSUMER_PRIV_H
#define JETSTREAM_CONSUMER_PRIV_H

#include "jetstream/consumer.h"
#include "jetstream/pending.h"

enum consumer_due {                     /* what its timer is for */
    DUE_REDELIVERY, DUE_REQUESTS, DUE_HEARTBEAT, DUE_INACTIVE, DUE_PAUSE, DUE_DELAY, DUE_PIN,
    DUE_COUNT
};

#define DUE_NEVER INT64_MAX
#define PIN_ID_MAX 64                   /* ids of clients are not longer than ours, else wrong */

/* One pull request that waits. */
struct pull_request {
    struct list link;
    struct account *account;            /* in which the reply is listened to */
    int64_t left, delivered;            /* messages */
    int64_t bytes;                      /* left of max_bytes; 0: no limit */
    int64_t expires_ns;                 /* monotonic; 0: never */
    int64_t heartbeat_ns, heartbeat_due_ns;     /* 0: none */
    int64_t min_pending, min_ack_pending;
    int priority;                       /* INT_MAX: came without */
    bool no_wait, has_group;
    char pin_id[PIN_ID_MAX];            /* empty: none */
    uint16_t reply_len;
    char reply[];
};

/* What a request says; texts are owned. */
struct pull_body {
    int64_t batch, max_bytes, expires_ns, heartbeat_ns;
    int64_t min_pending, min_ack_pending, priority;
    bool no_wait;
    bool has_group;                     /* it was an object: its group counts */
    char *group, *id;
};

/* What is delivered first under last_per_subject. */
struct skip_list {
    uint64_t *seqs;
    size_t at, count;
    uint64_t resume;                    /* go on after this one */
};

/* One kind of step of one turn, several at once; consumer_state.c has the bytes. */
struct consumer_run_of {
    char kind;                          /* 0: none */
    uint64_t first, count;
};

struct push_window {                    /* of flow control */
    int64_t limit, size, held, requested;       /* bytes; size 0: no flow control */
    char id[5];                         /* of the request that is open; empty: none */
};

struct consumer {
    struct stream *stream;
    struct consumer_config config;
    char *ack_prefix;                   /* "$JS.ACK.<stream>.<consumer>." */
    size_t ack_prefix_len;
    struct msgs_filter *filter;         /* NULL: everything */
    int64_t created_ns;

    /* Progress: what deltas carry. */
    uint64_t next_seq, next_delivery;   /* to look at, to give out */
    uint64_t delivered_seq;             /* the last that was delivered */
    uint64_t floor_seq, floor_delivery; /* all up to here is acknowledged */
    int64_t delivered_ns, acked_ns;     /* wall clock; 0: never */
    struct pending pending;
    struct skip_list *skip;             /* NULL: none left */

    /* The delta of this turn. */
    struct buf steps;
    struct consumer_run_of run;
    uint64_t steps_seq;                 /* the last one mentioned there */
    int64_t steps_ns;                   /* the time of all steps of this turn */
    int64_t replay_ns;                  /* while records are replayed: their time */
    uint64_t steps_next_seq;            /* next_seq as replaying them gives it */
    bool logs, wants_full;
    struct buf replies;                 /* of confirmed acks, until the delta is appended */

    /* What is pending: matches from next_seq to counted_to. */
    uint64_t counted_to;
    int64_t counted;

    /* Demand. */
    struct list ready;                  /* in js->ready_consumers */
    struct stream_waiter waiter;
    struct store_wait read;
    struct list requests;               /* struct pull_request */
    uint32_t request_count, no_wait_count;
    bool active;                        /* push: somebody listens */
    bool reading;                       /* stops until a message is read from disk */
    bool replays;                       /* original pace, up to replay_to */
    uint64_t replay_to;
    int64_t replayed_ns;                /* time of the message before; 0: none */
    int64_t used_ns;                    /* monotonic, of the last request or delivery */
    int64_t checked_ns;                 /* monotonic, when requests were looked through */
    int64_t inactive_ns;                /* length; 0: never deleted */
    struct push_window window;
    int64_t rate_free_ns;               /* monotonic: when the rate limit lets the next one go */
    char pin_id[PIN_ID_MAX];
    int64_t pinned_ns;                  /* wall clock */

    struct timer timer;
    int64_t due[DUE_COUNT];             /* monotonic */
};

/* consumer.c */
struct consumer *consumer_alloc(struct stream *s, struct consumer_config *config);
void consumer_compile(struct consumer *c);              /* what follows from its config */
void consumer_start(struct consumer *c);                /* timers, interest */
void consumer_make_ready(struct consumer *c);
void consumer_set_due(struct consumer *c, enum consumer_due what, int64_t due_ns);
void consumer_clear_due(struct consumer *c, enum consumer_due what);
bool consumer_is_paused(const struct consumer *c);
struct js *consumer_js(const struct consumer *c);
struct span consumer_stream_name(const struct consumer *c);
uint64_t consumer_pending(struct consumer *c);          /* num_pending, counted up to now */
void consumer_recount(struct consumer *c);

/* consumer_progress.c: the steps of the state machine. Each changes the state and, unless replayed
 * from records, notes itself for the delta of the turn. */
void progress_deliver(struct consumer *c, uint64_t seq, int64_t time_ns);
void progress_redeliver(struct consumer *c, struct pending_entry *e, int64_t time_ns);
void progress_exhaust(struct consumer *c, struct pending_entry *e);
/* Acknowledged as the policy says: it alone, or all up to it. Those that went are appended to
 * gone (uint64_t) if that is not NULL. False: nothing to acknowledge. */
bool progress_ack(struct consumer *c, uint64_t seq, uint64_t delivery, struct buf *gone);
/* seq alone, whatever the policy. */
void progress_drop(struct consumer *c, struct pending_entry *e);
void progress_touch(struct consumer *c, struct pending_entry *e, int64_t time_ns);
void progress_skip(struct consumer *c);                 /* the first of the skip list is gone */

/* consumer_state.c */
struct span consumer_steps(struct consumer *c);         /* the delta of this turn so far */
void consumer_log_turn(struct consumer *c);             /* append the delta, if there is one */
void consumer_log_full(struct consumer *c, uint64_t *position);
void consumer_note(struct consumer *c, char kind, uint64_t seq);        /* a step */
void consumer_note_number(struct consumer *c, char kind, uint64_t seq, uint64_t n);
int64_t consumer_step_time(const struct consumer *c);   /* wall clock of the step */
/* Apply a body to c's progress; *config: the JSON of a full one, else empty. BAD_INPUT: not such
 * a body; c is to be thrown away then. Touches nothing but the fields of progress. */
MUST_USE enum status consumer_state_apply(struct consumer *c, struct span body,
                                          struct span *config);
void consumer_progress_free(struct consumer *c);        /* what progress holds */

/* consumer_deliver.c */
int64_t consumer_ack_wait(const struct consumer *c, uint32_t redelivered);
void consumer_on_redelivery_due(struct consumer *c);
void consumer_arm_redelivery(struct consumer *c, uint32_t redelivered);

/* consumer_pull.c */
void pull_handle(struct consumer *c, struct account *a, struct span reply, struct span body);
/* The request that takes a message of size bytes, or NULL; told off are those that can't. */
struct pull_request *pull_next(struct consumer *c, int64_t size);
/* It got the message. */
void pull_delivered(struct consumer *c, struct pull_request *r);
void pull_drop(struct consumer *c, struct pull_request *r);     /* nobody listens */
/* Expiries, heartbeats, lost interest; out: there is no message now. Returns messages wanted. */
int64_t pull_check(struct consumer *c, bool out);
void pull_end(struct consumer *c, const char *status);
void pull_shutdown(struct consumer *c);
void pull_on_pin_due(struct consumer *c);
void pull_unpin(struct consumer *c);
void pull_send_status(struct consumer *c, struct account *a, struct span reply,
                      const char *status);
/* Read a request. False: *why is what is wrong with it (valid until pull_body_free). */
bool pull_body_read(struct pull_body *b, struct span text, struct buf *why);
void pull_body_free(struct pull_body *b);
/* Where a request of that priority goes: before this link. */
struct list *pull_place(struct list *requests, int priority);

/* consumer_push.c */
void push_start(struct consumer *c);
bool push_may_send(const struct consumer *c);
void push_delivered(struct consumer *c, int64_t size);
void push_set_active(struct consumer *c, bool active);
void push_on_heartbeat_due(struct consumer *c);
void consumer_send_heartbeat(struct consumer *c, struct account *a, struct span subject);

/* consumer_ack.c */
struct ack_subject {
    struct span stream, consumer;
    uint64_t deliveries, seq, delivery;
    int64_t time_ns;
};
/* Acknowledge as the policy says; messages that nobody needs any more go. */
bool consumer_acknowledge(struct consumer *c, uint64_t seq, uint64_t delivery);
/* Cut "$JS.ACK..." of version 1 or 2. False: neither. ADR-15. */
bool ack_subject_parse(struct span subject, struct ack_subject *out);

/* consumer_advisory.c: events, if somebody listens. */
void advise_action(struct consumer *c, const char *space, const char *action, uint64_t position);
void advise_pause(struct consumer *c);
void advise_nak(struct consumer *c, const struct ack_subject *ack);
void advise_terminated(struct consumer *c, const struct ack_subject *ack, struct span reason);
void advise_exceeded(struct consumer *c, uint64_t seq, uint64_t deliveries);
void advise_acknowledged(struct consumer *c, const struct ack_subject *ack);    /* a sample */
void advise_pinned(struct consumer *c, bool pinned, const char *reason);

#endif
