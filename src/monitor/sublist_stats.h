/* SPDX-License-Identifier: Apache-2.0 */
/* sublist_stats.h - the block of counters that /subsz and /accountz share. Inside monitor/ only. */
#ifndef MONITOR_SUBLIST_STATS_H
#define MONITOR_SUBLIST_STATS_H

#include "base/jsonw.h"
#include "core/match.h"

/* num_subscriptions up to avg_fanout, into the open object. */
void sublist_stats_put(struct jsonw *w, struct sublist_counts counts,
                       const struct match_stats *matches);

#endif
