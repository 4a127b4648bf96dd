/* SPDX-License-Identifier: Apache-2.0 */
/* perms.h - what a user may publish, subscribe to and be sent. perms_allow decides all of it.
 *
 * A struct perms is compiled once from the options and never changes; it is counted atomically
 * and may be used by any thread. NULL stands for "everything is allowed" in every function.
 * The meaning of rules is nats-server's: an entry covers a subscription when it matches the
 * subscription's subject with wildcard tokens taken as they are written, and a deny that a
 * broader subscription overlaps is applied to each message on delivery. */
#ifndef AUTH_PERMS_H
#define AUTH_PERMS_H

#include "base/jsonw.h"
#include "config/options.h"

struct perms;

enum perms_verb {
    PERMS_PUBLISH,              /* subject of a PUB; queue is ignored */
    PERMS_SUBSCRIBE,            /* subject and queue group of a SUB; wildcards as written */
    PERMS_DELIVER,              /* subject of a message, queue group of the receiving SUB */
};

/* Compile o (read only during the call). NULL gives NULL. An invalid entry is left out with an
 * error in the log. The caller owns one reference. O(bytes of all entries). */
struct perms *perms_new(const struct permission_options *o);

struct perms *perms_ref(struct perms *p);       /* returns p */
void perms_unref(struct perms *p);

/* Whether verb is allowed on subject; queue is empty without a queue group. Dynamic permission
 * for replies (perms_responses) is the caller's to try when a publish is not allowed here.
 * O(tokens) for rules without "*" in common places; never more than O(rules). */
bool perms_allow(const struct perms *p, enum perms_verb verb, struct span subject,
                 struct span queue);

/* Whether messages for a subscription that perms_allow admitted need a PERMS_DELIVER check
 * each. O(deny entries). */
bool perms_needs_deliver_check(const struct perms *p, struct span filter, struct span queue);

/* Whether the user may also publish to reply subjects it was sent: then *max is the number of
 * messages per reply subject and *ttl_ns how long they may take, each <= 0 for no limit. */
bool perms_responses(const struct perms *p, int64_t *max, int64_t *ttl_ns);

/* Same rules in the same order. O(bytes of all entries). */
bool perms_equal(const struct perms *a, const struct perms *b);

/* Write "permissions": {...} as $SYS.REQ.USER.INFO shows it; nothing for NULL. Entries stand in
 * the order of the options (nats-server's order is random). */
void perms_write(const struct perms *p, struct jsonw *w, const char *key);

#endif
