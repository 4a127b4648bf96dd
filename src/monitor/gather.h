/* SPDX-License-Identifier: Apache-2.0 */
/* gather.h - a copy of what the loops know, for one request.
 *
 * Made on the monitoring thread by visiting every loop once (each copies its own numbers; loop 0
 * also counts subscriptions), then owned by it. */
#ifndef MONITOR_GATHER_H
#define MONITOR_GATHER_H

#include "core/core.h"

struct gather_loop {
    struct loop_stats stats;
    struct match_stats matches;         /* of the loop's two caches */
    uint64_t clients;
    int64_t cpu_ns;                     /* of the loop's thread */
};

struct gather_account {
    struct account *account;            /* name and is_system are safe to read */
    int64_t connections;
    struct sublist_counts subs;
    struct account_stats stats;         /* of all loops */
    struct account_stats *by_loop;      /* [loop] */
};

struct gather {
    struct core *core;
    struct core_config *config;         /* a reference */
    struct gather_loop *loops;          /* [core->loops.count] */
    struct gather_loop sum;
    uint64_t subs;                      /* of all accounts */
    struct gather_account *accounts;    /* in the order of their creation, without removed ones */
    size_t account_count;
    int64_t now_wall_ns, now_mono_ns;
};

/* O(loops * accounts). */
void gather_init(struct gather *g, struct core *core);
void gather_fini(struct gather *g);

/* NULL: no such account. O(accounts). */
const struct gather_account *gather_account(const struct gather *g, struct span name);

/* Of the system account; NULL: there is none. O(accounts). */
const char *gather_system_name(const struct gather *g);

#endif
