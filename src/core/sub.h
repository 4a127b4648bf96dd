/* SPDX-License-Identifier: Apache-2.0 */
/* sub.h - one subscription: who listens, under which sid, how often at most.
 *
 * Made and removed by the loop that owns the subscriber. Between insertion into an account's
 * sublist and retirement any loop may look at it and count deliveries. */
#ifndef CORE_SUB_H
#define CORE_SUB_H

#include "base/span.h"
#include "os/sync.h"

struct message;
struct loop;
struct subscriber;
struct sublist_node;
struct sublist_group;

#define SUB_MAX_PENDING INT64_MAX       /* counted exactly from now on, not limited yet */

struct sub {
    struct sync_retired retired;
    struct subscriber *subscriber;
    struct sublist_node *node;          /* where it stands in the sublist; NULL: nowhere */
    struct sublist_group *group;        /* queue group at that node; NULL: plain */
    struct sync_mail reap;              /* to the owner: it reached its max */
    _Atomic int64_t max;                /* UNSUB max; 0: no limit; or SUB_MAX_PENDING */
    _Atomic int64_t delivered;
    uint32_t index;                     /* position in the node's or group's array */
    uint16_t sid_len;
    bool check_delivery;                /* a deny rule may forbid single messages */
    bool no_echo, headers;              /* what the client wished when it subscribed */
    atomic_bool track_responses;        /* allow_responses: remember reply subjects */
    atomic_bool reaping;                /* reap is under way */
    atomic_bool closed;                 /* removed; loops that still see it skip it */
    char sid[];
};

/* Whatever receives messages: a client now; a route, stream or service later. Embedded first in
 * its object. */
struct subscriber {
    /* Format m for sub and stage it on loop. Returns false when the target is gone or must not
     * get it, so that a queue group tries its next member. */
    bool (*deliver)(struct loop *loop, struct sub *sub, const struct message *m);
    /* Whether the rules of the subscriber forbid this subject on sub; only asked for subs with
     * check_delivery, when a match result is built. */
    bool (*is_denied)(const struct sub *sub, struct span subject);
    bool is_internal;                   /* the server itself, not a client */
};

static inline struct span sub_sid(const struct sub *sub)
{
    return span_make(sub->sid, sub->sid_len);
}

#endif
