/* SPDX-License-Identifier: Apache-2.0 */
/* sublist.h - the interest of an account: which subscriptions want this subject?
 *
 * Literal filters stand in one hash table, filters with wildcards in a trie of tokens. The sublist
 * owns its nodes and groups and borrows each struct sub from insert until remove. Not thread-safe
 * by itself: the account guards it with a big-reader lock. It knows nothing of clients or
 * permissions. */
#ifndef CORE_SUBLIST_H
#define CORE_SUBLIST_H

#include "base/buf.h"
#include "base/status.h"
#include "core/sub.h"

#define SUBLIST_BUCKETS 64

struct sublist;

/* What changed since: a cached result for a subject is valid while both numbers stand. Bumped
 * before a removal and after an insertion becomes visible. */
struct sublist_generation {
    uint64_t bucket, wild;
};

/* The answer to a match. Reused: zero-initialise once, sublist_match clears it. */
struct sublist_result {
    struct sub **plain;                 /* plain_count of them, in no particular order */
    size_t plain_count, plain_cap;
    struct sublist_result_group {
        const char *name;               /* of the group; valid until the next change */
        size_t name_len;
        struct sub **members;
        size_t count, cap;
    } *groups;
    size_t group_count, group_cap;
};

void sublist_result_fini(struct sublist_result *r);

struct sublist *sublist_new(uint64_t seed);     /* seed: of the hashes, secret */
void sublist_free(struct sublist **sl);         /* must be empty; NULLs *sl */

/* Add sub under filter; queue is empty for a plain subscription. O(tokens).
 * BAD_SUBJECT: not a valid filter; nothing changed. */
MUST_USE enum status sublist_insert(struct sublist *sl, struct sub *sub, struct span filter,
                                    struct span queue);

/* Take sub out again; it must be in. O(tokens). */
void sublist_remove(struct sublist *sl, struct sub *sub);

/* Fill r with everything that matches the literal subject; members of the same queue group are
 * brought together over all filters. An invalid subject matches nothing. O(nodes visited). */
void sublist_match(const struct sublist *sl, struct span subject, struct sublist_result *r);

/* Whether any subscription matches. Same cost as sublist_match. */
bool sublist_has_interest(const struct sublist *sl, struct span subject,
                          struct sublist_result *scratch);

/* Which bucket governs a subject: remember it with what is cached. O(first token). */
uint32_t sublist_bucket(const struct sublist *sl, struct span subject);

/* The generation of a bucket's subjects. Callable without the lock. */
struct sublist_generation sublist_generation(const struct sublist *sl, uint32_t bucket);

/* Void every cached result, for example because permissions changed. Callable without the lock. */
void sublist_invalidate(struct sublist *sl);

/* Append the filter of a sub that is in. O(tokens). */
void sublist_append_filter(const struct sub *sub, struct buf *out);
/* Its queue name, or empty. */
struct span sublist_queue(const struct sub *sub);

struct sublist_counts {
    uint64_t subs, inserts, removes;
};

/* Subscriptions in it now, and changes since it was made. Under the lock. */
struct sublist_counts sublist_counts(const struct sublist *sl);

#endif
