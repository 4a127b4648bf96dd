/* SPDX-License-Identifier: Apache-2.0 */
/* sublist_stats.c - see sublist_stats.h. */
#include "monitor/sublist_stats.h"

static double ratio(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

void sublist_stats_put(struct jsonw *w, struct sublist_counts counts,
                       const struct match_stats *matches)
{
    jsonw_uint(w, "num_subscriptions", counts.subs);
    jsonw_uint(w, "num_cache", matches->entries);
    jsonw_uint(w, "num_inserts", counts.inserts);
    jsonw_uint(w, "num_removes", counts.removes);
    jsonw_uint(w, "num_matches", matches->lookups);
    jsonw_double(w, "cache_hit_rate", ratio(matches->hits, matches->lookups));
    jsonw_uint(w, "max_fanout", matches->max_fanout);
    jsonw_double(w, "avg_fanout", ratio(matches->fanout_sum, matches->fanout_count));
}
