/* SPDX-License-Identifier: Apache-2.0 */
/* connz.h - the parts of /connz that are pure: options and order. Inside monitor/ only. */
#ifndef MONITOR_CONNZ_H
#define MONITOR_CONNZ_H

#include "monitor/query.h"

enum connz_sort {
    CONNZ_CID, CONNZ_START, CONNZ_SUBS, CONNZ_PENDING, CONNZ_MSGS_TO, CONNZ_MSGS_FROM,
    CONNZ_BYTES_TO, CONNZ_BYTES_FROM, CONNZ_LAST, CONNZ_IDLE, CONNZ_UPTIME, CONNZ_STOP,
    CONNZ_REASON, CONNZ_RTT, CONNZ_SORTS
};

enum connz_state { CONNZ_OPEN, CONNZ_CLOSED, CONNZ_ALL };

struct connz_options {
    enum connz_sort sort;
    enum connz_state state;
    bool auth, subs, detail;
    struct page page;
    uint64_t cid;                       /* 0: any */
    struct span user, account, mqtt_client;     /* empty: any; as long as the query */
};

/* BAD_INPUT: *error has nats-server's text. */
MUST_USE enum status connz_options_read(struct connz_options *o, const struct query *q,
                                        struct buf *error);

/* What a connection is found and sorted by. */
struct connz_key {
    uint64_t cid;
    int64_t value;                      /* of what is sorted by; not used by cid and start */
    uint32_t sub_count;
    bool closed;
};

/* Sort as /connz shows them; equal ones by cid. Removes a second key of the same open connection
 * (it moved to another loop meanwhile). Returns how many are left. O(count log count). */
size_t connz_sort_keys(struct connz_key *keys, size_t count, enum connz_sort sort);

#endif
