/* SPDX-License-Identifier: Apache-2.0 */
/* account.h - an isolated world of subjects: its interest, limits, mappings and counters.
 *
 * Accounts are made at start and by reloads and live as long as the core. What a reload changes
 * is an immutable struct account_settings that readers load once per iteration. */
#ifndef CORE_ACCOUNT_H
#define CORE_ACCOUNT_H

#include "core/sublist.h"
#include "proto/mapping.h"

struct account_settings {               /* immutable, retired when replaced */
    struct sync_retired retired;
    int64_t max_connections, max_subscriptions, max_payload;    /* -1: no limit of its own */
    struct mapping **mappings;
    size_t mapping_count;
};

struct account_stats {                  /* one per loop, written by that loop */
    uint64_t in_msgs, in_bytes, out_msgs, out_bytes, slow_consumers;
    char pad[SYNC_LINE - 5 * sizeof(uint64_t)];
};

/* Somebody on one loop who wants to know that interest in the account changed. */
struct account_watch {
    struct sync_mail mail;              /* run: what is done about it, on that loop */
    struct loop *loop;
    atomic_bool posted;                 /* run clears it before it looks */
};

struct account {
    char *name;
    bool is_system;
    atomic_bool removed;                /* no longer in the configuration */
    struct sync_brlock lock;            /* of sublist */
    struct sublist *sublist;
    _Atomic(struct account_settings *) settings;
    _Atomic int64_t connections;        /* exact: taken before use, given back after */
    _Atomic int64_t total_connections;
    struct account_stats *stats;        /* [loop] */
    _Atomic(struct account_watch *) watch;      /* or NULL; set before it may be posted */
};

/* loops: how many loops will use it. settings: owned by the account from now on. */
struct account *account_new(struct span name, unsigned loops, uint64_t seed,
                            struct account_settings *settings);
void account_free(struct account **a);          /* its sublist must be empty */

struct account_settings *account_settings_new(void);            /* no limits, no mappings */
void account_settings_free(struct account_settings *s);

/* One connection more, unless that is one too many: LIMIT. */
MUST_USE enum status account_reserve_connection(struct account *a);
void account_release_connection(struct account *a);

/* A subscription came or went: tell who watches. Any loop. */
void account_interest_changed(struct account *a);

#endif
