/* SPDX-License-Identifier: Apache-2.0 */
/* match.h - a loop's memory of who wants which literal subject.
 *
 * In front of the accounts' sublists stands a cache per loop. An entry is used only while the
 * sublist's generation for its subject stands, and what it points to can't be freed within the
 * iteration that checked this. Subscriptions whose permissions deny the subject are left out when
 * the entry is made. Owned by one loop. */
#ifndef CORE_MATCH_H
#define CORE_MATCH_H

#include "core/account.h"

struct perms;
struct match_cache;

struct match_group {
    struct sub *const *members;
    uint32_t count;
};

struct match {
    struct sub *const *plain;
    const struct match_group *groups;
    uint32_t plain_count, group_count;
    /* Decisions of publish permissions on this subject, see match_publish_allowed; NULL when the
     * subject is not in the cache. */
    struct match_permits *permits;
};

/* An empty cache for that loop; seed: of the hashes, secret. Memory comes with the first use. */
struct match_cache *match_cache_new(unsigned loop, uint64_t seed);
void match_cache_free(struct match_cache **mc);

/* Who gets subject in account. Valid until the next call on the same cache, and in this
 * iteration only. use_cache false: always ask the sublist (disable_sublist_cache).
 * O(1) for a recurring subject, else as sublist_match. */
struct match match_find(struct match_cache *mc, struct account *a, struct span subject,
                        bool use_cache);

/* Whether perms allow to publish to the subject of m. Remembered with the cached entry. */
bool match_publish_allowed(const struct match *m, struct perms *perms, struct span subject);

struct match_stats {
    uint64_t entries, lookups, hits, max_fanout;
    uint64_t fanout_sum;                /* of the entries made */
    uint64_t fanout_count;
};

/* The counters so far. On the owning loop. */
struct match_stats match_cache_stats(const struct match_cache *mc);

#endif
