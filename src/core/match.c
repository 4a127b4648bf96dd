/* SPDX-License-Identifier: Apache-2.0 */
/* match.c - a set-associative cache with an admission filter.
 *
 * A subject that is seen once (the reply inbox of a request) is answered from scratch space and
 * leaves only a fingerprint; seen again, it gets an entry. So a flood of unique subjects neither
 * allocates nor drives out what recurs. Bytes are bounded: at the limit everything goes. */
#include "core/match.h"

#include "auth/perms.h"
#include "base/hash.h"
#include "base/mem.h"

#define WAYS 2
#define SETS 8192                       /* power of two */
#define FILTER 16384                    /* fingerprints, power of two */
#define BYTES_MAX (16 * 1024 * 1024)
#define PERMITS 2

struct match_permits {
    struct perms *perms[PERMITS];       /* references: no other takes the address; or NULL */
    bool allowed[PERMITS];
    unsigned next;
};

struct entry {
    uint64_t hash;
    struct account *account;
    struct sublist_generation generation;
    struct match match;
    size_t subject_len;
    struct match_permits permits;
    size_t bytes;
    uint32_t bucket;
    char *subject;                      /* behind the arrays, in the same allocation */
};

struct match_cache {
    unsigned loop;
    uint64_t seed;
    struct entry **ways;                /* SETS * WAYS; NULL until first used */
    uint16_t *filter;
    struct entry *last;                 /* the entry found last, or NULL: runs on one subject */
    size_t bytes;
    struct match_stats stats;
    struct sublist_result scratch;
    struct match_group *scratch_groups;
    size_t scratch_group_cap;
};

struct match_cache *match_cache_new(unsigned loop, uint64_t seed)
{
    struct match_cache *mc = mem_zero(sizeof *mc);

    mc->loop = loop;
    mc->seed = seed;
    return mc;
}

static void forget(struct match_cache *mc, struct entry **way)
{
    if (*way == NULL) return;
    if (mc->last == *way) mc->last = NULL;
    for (unsigned i = 0; i < PERMITS; i++) perms_unref((*way)->permits.perms[i]);
    mc->bytes -= (*way)->bytes;
    mc->stats.entries--;
    mem_free(*way);
    *way = NULL;
}

void match_cache_free(struct match_cache **mc)
{
    if (*mc == NULL) return;
    for (size_t i = 0; (*mc)->ways && i < SETS * WAYS; i++) forget(*mc, &(*mc)->ways[i]);
    mem_free((*mc)->ways);
    mem_free((*mc)->filter);
    mem_free((*mc)->scratch_groups);
    sublist_result_fini(&(*mc)->scratch);
    mem_free(*mc);
    *mc = NULL;
}

static bool is_current(const struct entry *e)
{
    struct sublist_generation now = sublist_generation(e->account->sublist, e->bucket);

    return now.bucket == e->generation.bucket && now.wild == e->generation.wild;
}

static bool is_for(const struct entry *e, const struct account *a, struct span subject)
{
    return e->account == a && e->subject_len == subject.len &&
           memcmp(e->subject, subject.p, subject.len) == 0;
}

static struct entry *lookup(struct match_cache *mc, const struct account *a, struct span subject,
                            uint64_t hash)
{
    struct entry **set = &mc->ways[(hash & (SETS - 1)) * WAYS];

    for (int i = 0; i < WAYS; i++) {
        struct entry *e = set[i];
        if (e == NULL || e->hash != hash || !is_for(e, a, subject)) continue;
        if (is_current(e)) return e;
        forget(mc, &set[i]);
        mc->filter[(hash >> 32) & (FILTER - 1)] = (uint16_t)(hash >> 48);   /* it recurs */
        return NULL;
    }
    return NULL;
}

/* Drop the subscriptions whose rules deny the subject. */
static uint32_t drop_denied(struct sub **subs, size_t count, struct span subject)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++)
        if (!subs[i]->check_delivery || !subs[i]->subscriber->is_denied(subs[i], subject))
            subs[kept++] = subs[i];
    return (uint32_t)kept;
}

/* Ask the sublist; the answer stays in scratch. The generation is read under the lock, so that it
 * is the one of the answer. */
static struct match ask(struct match_cache *mc, struct account *a, struct span subject,
                        uint32_t bucket, struct sublist_generation *generation)
{
    struct sublist_result *r = &mc->scratch;
    struct match m;

    sync_brlock_read(&a->lock, mc->loop);
    *generation = sublist_generation(a->sublist, bucket);
    sublist_match(a->sublist, subject, r);
    r->plain_count = drop_denied(r->plain, r->plain_count, subject);
    for (size_t i = 0; i < r->group_count; i++)
        r->groups[i].count = drop_denied(r->groups[i].members, r->groups[i].count, subject);
    sync_brlock_read_done(&a->lock, mc->loop);
    if (mc->scratch_group_cap < r->group_cap) {
        mc->scratch_group_cap = r->group_cap;
        mc->scratch_groups = mem_resize(mc->scratch_groups,
                                        r->group_cap * sizeof *mc->scratch_groups);
    }
    m = (struct match){ .plain = r->plain, .groups = mc->scratch_groups,
                        .plain_count = (uint32_t)r->plain_count };
    for (size_t i = 0; i < r->group_count; i++)
        if (r->groups[i].count)
            mc->scratch_groups[m.group_count++] =
                (struct match_group){ r->groups[i].members, (uint32_t)r->groups[i].count };
    return m;
}

/* Copy m into one allocation. */
static struct entry *entry_new(const struct match *m, struct span subject)
{
    size_t subs = m->plain_count, bytes;
    struct match_group *groups;
    struct sub **at;
    struct entry *e;

    for (uint32_t i = 0; i < m->group_count; i++) subs += m->groups[i].count;
    bytes = sizeof *e + m->group_count * sizeof *groups + subs * sizeof *at + subject.len;
    e = mem_zero(bytes);
    e->bytes = bytes;
    groups = (struct match_group *)(void *)(e + 1);
    at = (struct sub **)(void *)(groups + m->group_count);
    e->match = (struct match){ .plain = at, .groups = groups, .plain_count = m->plain_count,
                               .group_count = m->group_count, .permits = &e->permits };
    if (m->plain_count) memcpy(at, m->plain, m->plain_count * sizeof *at);
    at += m->plain_count;
    for (uint32_t i = 0; i < m->group_count; i++) {
        memcpy(at, m->groups[i].members, m->groups[i].count * sizeof *at);
        groups[i] = (struct match_group){ at, m->groups[i].count };
        at += m->groups[i].count;
    }
    e->subject = (char *)at;
    e->subject_len = subject.len;
    memcpy(e->subject, subject.p, subject.len);
    return e;
}

static struct entry *admit(struct match_cache *mc, struct entry *e)
{
    struct entry **set = &mc->ways[(e->hash & (SETS - 1)) * WAYS], **way = &set[0];

    if (mc->bytes + e->bytes > BYTES_MAX)
        for (size_t i = 0; i < SETS * WAYS; i++) forget(mc, &mc->ways[i]);
    if (set[0] && (!set[1] || (e->hash >> 40 & 1))) way = &set[1];
    forget(mc, way);
    *way = e;
    mc->bytes += e->bytes;
    mc->stats.entries++;
    return e;
}

static void note_fanout(struct match_cache *mc, const struct match *m)
{
    uint64_t fanout = (uint64_t)m->plain_count + m->group_count;

    mc->stats.fanout_count++;
    mc->stats.fanout_sum += fanout;
    if (fanout > mc->stats.max_fanout) mc->stats.max_fanout = fanout;
}

/* Not in the cache: ask, and remember the subject if it was asked for before. */
static struct match find_anew(struct match_cache *mc, struct account *a, struct span subject,
                              uint64_t hash)
{
    uint32_t bucket = sublist_bucket(a->sublist, subject);
    struct sublist_generation generation;
    struct match m = ask(mc, a, subject, bucket, &generation);
    uint16_t *print = &mc->filter[(hash >> 32) & (FILTER - 1)];
    struct entry *e;

    note_fanout(mc, &m);
    if (*print != (uint16_t)(hash >> 48)) {
        *print = (uint16_t)(hash >> 48);
        return m;
    }
    e = entry_new(&m, subject);
    e->hash = hash;
    e->account = a;
    e->bucket = bucket;
    e->generation = generation;
    return admit(mc, e)->match;
}

struct match match_find(struct match_cache *mc, struct account *a, struct span subject,
                        bool use_cache)
{
    struct sublist_generation unused;
    uint64_t hash;
    struct entry *e = mc->last;

    mc->stats.lookups++;
    if (e && use_cache && is_for(e, a, subject) && is_current(e)) {
        mc->stats.hits++;
        return e->match;
    }
    if (!use_cache) return ask(mc, a, subject, sublist_bucket(a->sublist, subject), &unused);
    if (mc->ways == NULL) {
        mc->ways = mem_zero(SETS * WAYS * sizeof(struct entry *));
        mc->filter = mem_zero(FILTER * sizeof *mc->filter);
    }
    hash = hash_span(subject, mc->seed ^ (uintptr_t)a);
    e = lookup(mc, a, subject, hash);
    if (e == NULL) return find_anew(mc, a, subject, hash);
    mc->stats.hits++;
    mc->last = e;
    return e->match;
}

bool match_publish_allowed(const struct match *m, struct perms *perms, struct span subject)
{
    struct match_permits *p = m->permits;
    bool allowed;

    if (perms == NULL) return true;
    if (p == NULL) return perms_allow(perms, PERMS_PUBLISH, subject, SPAN_NONE);
    for (unsigned i = 0; i < PERMITS; i++)
        if (p->perms[i] == perms) return p->allowed[i];
    allowed = perms_allow(perms, PERMS_PUBLISH, subject, SPAN_NONE);
    perms_unref(p->perms[p->next]);
    p->perms[p->next] = perms_ref(perms);
    p->allowed[p->next] = allowed;
    p->next = (p->next + 1) % PERMITS;
    return allowed;
}

struct match_stats match_cache_stats(const struct match_cache *mc)
{
    return mc->stats;
}
