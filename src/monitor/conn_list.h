/* SPDX-License-Identifier: Apache-2.0 */
/* conn_list.h - finding connections over all loops, and copying some. Inside monitor/ only.
 *
 * Two steps, so that a loop with a hundred thousand connections spends little time on a page of a
 * thousand: first a small key of each, then full copies of the chosen, a batch at a time. */
#ifndef MONITOR_CONN_LIST_H
#define MONITOR_CONN_LIST_H

#include "core/client_stats.h"
#include "monitor/connz.h"
#include "monitor/gather.h"

struct conn_list {
    struct connz_key *keys;             /* open ones unsorted, then closed ones */
    size_t count;
    uint64_t open_total, closed_total;  /* of the account, before the other filters */
};

/* Look through the connections that o wants. O(connections). */
void conn_list_init(struct conn_list *l, struct core *core, const struct connz_options *o);
void conn_list_fini(struct conn_list *l);

/* Full copies of the connections behind keys into out (zeroed), in step; one that is gone
 * meanwhile stays zero (kind_type NULL). The caller owns what out holds. */
void conn_list_fetch(struct core *core, const struct connz_key *keys, size_t count,
                     enum client_stats_parts parts, struct client_stats *out);

#endif
