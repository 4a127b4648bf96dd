/* SPDX-License-Identifier: Apache-2.0 */
/* inbox.h - how messages reach JetStream: copied on the publisher's loop, handled on the home loop.
 *
 * A target subscribes in an account's sublist as the server itself. What matches is copied into
 * the publishing loop's inbox; at the end of that loop's turn the inbox is handed to the home
 * loop, which handles its messages in order. So nothing of JetStream runs inside a fan-out, and the
 * order of a publisher's messages is kept. Bound: INBOX_BYTES_MAX over all loops; beyond it a
 * message is refused as nats-server does (429) or dropped where there is no reply. */
#ifndef JETSTREAM_INBOX_H
#define JETSTREAM_INBOX_H

#include "core/core.h"
#include "core/sub.h"

#define INBOX_BYTES_MAX (INT64_C(128) * 1024 * 1024)

struct inbox_target;
struct inboxes;
struct message;

/* One message as its target gets it. Borrowed during handle. */
struct inbox_msg {
    struct span subject, reply;
    struct span header, body;           /* header: with its version line and the empty line */
    struct account *account;            /* in which it was published */
    struct span client;                 /* who sent it, as JSON, for targets that want it */
    bool wants_503;                     /* its publisher wants to know of no responders */
};

/* Embedded in a stream, an account's API and so on. Zero-initialise, set owner and handle. */
struct inbox_target {
    struct subscriber subscriber;
    struct inboxes *inboxes;
    void *owner;
    /* On the home loop. False: can't be taken now (the store is behind), give it again next turn,
     * and nothing after it before. */
    bool (*handle)(struct inbox_target *t, const struct inbox_msg *m);
    void (*release)(struct inbox_target *t);    /* after inbox_target_close, when nothing refers */
    bool wants_client;                  /* client is filled in */
    bool refuses;                       /* 429 where the inbox is full */
    atomic_uint refs;
    atomic_bool closed;
};

/* For all loops of core; home handles. */
struct inboxes *inboxes_new(struct core *core, struct loop *home);
void inboxes_free(struct inboxes **i);          /* after the loops have stopped */

void inbox_target_init(struct inbox_target *t, struct inboxes *i);
/* No new messages; release runs on the home loop when the last one has been handled. All its
 * subscriptions must have been removed. */
void inbox_target_close(struct inbox_target *t);

/* Subscribe t in account to filter; queue may be empty. On the home loop. BAD_SUBJECT. */
MUST_USE enum status inbox_subscribe(struct inbox_target *t, struct account *a,
                                     struct span filter, struct sub **out);
void inbox_unsubscribe(struct inbox_target *t, struct account *a, struct sub **sub);

/* Put a message directly, on the home loop, as if published. */
void inbox_put(struct inbox_target *t, const struct message *m);

/* End of a loop's turn: hand over; on the home loop handle what is there, at most for budget
 * messages; true: some are left. */
bool inboxes_turn(struct inboxes *i, struct loop *l, unsigned budget);

#endif
