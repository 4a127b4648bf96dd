/* SPDX-License-Identifier: Apache-2.0 */
/* sublist.c - a hash table for literals beside a trie for wildcards.
 *
 *      literals: { "a.b.c" -> node }           trie:  root
 *                                                     ├ kids { "orders" -> node }
 *      node = subs + queue groups                     │           ├ star  (orders.*)
 *                                                     │           └ full  (orders.>)
 *                                                     └ star  (*...)
 *
 * Nodes of both kinds have the same struct: a literal's node has the whole subject as its token
 * and no parent. One subscription or one child is stored in place, so that a hundred thousand
 * filters cost one small node each. Matching walks with an explicit stack: depth and work are
 * bounded by the tokens of the subject and the nodes of the trie. */
#include "core/sublist.h"

#include "base/hash.h"
#include "base/mem.h"
#include "proto/subject.h"

struct sublist_group {
    struct sub **members;
    uint32_t count, cap;
    size_t name_len;
    char name[];
};

/* Nodes by token: open addressing over a byte of each hash, which are dense in memory, beside the
 * pointers. A single node, the usual case inside the trie, is stored in place. */
struct table {
    union {
        struct sublist_node *one;       /* while cap is 0 */
        struct sublist_node **nodes;    /* cap of them, then cap bytes of prints */
    };
    uint32_t count, cap;                /* cap is 0 or a power of two */
};

struct extras {                         /* what few nodes have */
    struct sublist_node *star, *full;
    struct table kids;
    struct sublist_group **groups;
    uint32_t group_count;
};

struct sublist_node {
    struct sublist_node *parent;        /* NULL: root or literal */
    struct extras *extras;              /* NULL: a leaf without queue groups, as most are */
    union { struct sub *one; struct sub **many; } plain;        /* one while plain_cap is 0 */
    uint32_t plain_count, plain_cap;
    uint32_t hash;
    uint16_t token_len;
    bool literal;
    char token[];
};

struct sublist {
    struct table literals;
    struct sublist_node *root;
    uint64_t seed;
    size_t wild_count;                  /* subs in the trie */
    struct sublist_counts counts;
    _Atomic uint64_t generations[SUBLIST_BUCKETS];
    _Atomic uint64_t wild_generation;
};

/* ---- table of nodes ---- */

static struct span token_of(const struct sublist_node *n)
{
    return span_make(n->token, n->token_len);
}

static bool is_node(const struct sublist_node *n, struct span token, uint32_t hash)
{
    return n->hash == hash && span_equal(token_of(n), token);
}

/* One byte per slot: 0 for a free one. */
static uint8_t *prints_of(const struct table *t)
{
    return (uint8_t *)(t->nodes + t->cap);
}

static uint8_t print_of(uint32_t hash)
{
    return (uint8_t)(hash >> 24 | 1);
}

static struct sublist_node *table_get(const struct table *t, struct span token, uint32_t hash)
{
    const uint8_t *prints;
    uint32_t mask = t->cap - 1;

    if (t->cap == 0) return t->count && is_node(t->one, token, hash) ? t->one : NULL;
    prints = prints_of(t);
    for (uint32_t i = hash & mask; prints[i]; i = (i + 1) & mask)
        if (prints[i] == print_of(hash) && is_node(t->nodes[i], token, hash)) return t->nodes[i];
    return NULL;
}

static void table_place(struct table *t, struct sublist_node *n)
{
    uint8_t *prints = prints_of(t);
    uint32_t i = n->hash & (t->cap - 1);

    while (prints[i]) i = (i + 1) & (t->cap - 1);
    prints[i] = print_of(n->hash);
    t->nodes[i] = n;
}

static void table_resize(struct table *t, uint32_t cap)
{
    struct table old = *t;

    t->nodes = mem_zero(cap * (sizeof *t->nodes + 1));
    t->cap = cap;
    if (old.cap == 0) {
        if (old.count) table_place(t, old.one);
        return;
    }
    for (uint32_t i = 0; i < old.cap; i++)
        if (prints_of(&old)[i]) table_place(t, old.nodes[i]);
    mem_free(old.nodes);
}

static void table_add(struct table *t, struct sublist_node *n)
{
    if (t->count == 0) {
        t->one = n;
    } else {
        if (t->cap == 0)
            table_resize(t, 4);
        else if ((t->count + 1) * 4 > t->cap * 3)
            table_resize(t, t->cap * 2);
        table_place(t, n);
    }
    t->count++;
}

static void table_delete(struct table *t, const struct sublist_node *n)
{
    uint32_t mask = t->cap - 1, i = n->hash & mask;
    uint8_t *prints;

    if (--t->count == 0) {
        if (t->cap) mem_free(t->nodes);
        *t = (struct table){ 0 };
        return;
    }
    prints = prints_of(t);
    while (prints[i] == 0 || t->nodes[i] != n) i = (i + 1) & mask;
    for (uint32_t j = (i + 1) & mask; prints[j]; j = (j + 1) & mask) {
        uint32_t home = t->nodes[j]->hash & mask;
        if (((j - home) & mask) < ((j - i) & mask)) continue;
        t->nodes[i] = t->nodes[j];
        prints[i] = prints[j];
        i = j;
    }
    prints[i] = 0;
    if (t->cap > 8 && t->count * 8 < t->cap) table_resize(t, t->cap / 2);
}

/* ---- nodes ---- */

static uint32_t hash_of(const struct sublist *sl, struct span text)
{
    return (uint32_t)hash_span(text, sl->seed);
}

static struct sublist_node *node_new(struct sublist_node *parent, struct span token, uint32_t hash)
{
    struct sublist_node *n = mem_zero(sizeof *n + token.len);

    n->parent = parent;
    n->hash = hash;
    assert(token.len <= UINT16_MAX);
    n->token_len = (uint16_t)token.len;
    if (token.len) memcpy(n->token, token.p, token.len);
    return n;
}

static struct extras *extras_of(struct sublist_node *n)
{
    if (n->extras == NULL) n->extras = mem_zero(sizeof *n->extras);
    return n->extras;
}

/* Something left the extras of n: free them when they are empty. */
static void trim_extras(struct sublist_node *n)
{
    struct extras *x = n->extras;

    if (x->star || x->full || x->kids.count || x->group_count) return;
    mem_free(x);
    n->extras = NULL;
}

static struct sublist_node *child(struct sublist *sl, struct sublist_node *n, struct span token)
{
    struct extras *x = extras_of(n);
    struct sublist_node **place, *kid;
    uint32_t hash;

    if (subject_token_is_star(token) || subject_token_is_full(token)) {
        place = token.p[0] == '*' ? &x->star : &x->full;
        if (*place == NULL) *place = node_new(n, token, 0);
        return *place;
    }
    hash = hash_of(sl, token);
    kid = table_get(&x->kids, token, hash);
    if (kid == NULL) {
        kid = node_new(n, token, hash);
        table_add(&x->kids, kid);
    }
    return kid;
}

static bool node_is_empty(const struct sublist_node *n)
{
    return n->plain_count == 0 && n->extras == NULL;
}

static void cut_branch(struct sublist_node *n, const struct sublist_node *kid)
{
    struct extras *x = n->extras;

    if (x->star == kid)
        x->star = NULL;
    else if (x->full == kid)
        x->full = NULL;
    else
        table_delete(&x->kids, kid);
    trim_extras(n);
}

/* Free n and the ancestors that only led to it. */
static void prune(struct sublist *sl, struct sublist_node *n)
{
    while (n != sl->root && node_is_empty(n)) {
        struct sublist_node *parent = n->parent;
        if (n->literal)
            table_delete(&sl->literals, n);
        else
            cut_branch(parent, n);
        bool was_literal = n->literal;
        mem_free(n);
        if (was_literal) return;
        n = parent;
    }
}

static struct sub **plain_array(const struct sublist_node *n)
{
    return n->plain_cap ? n->plain.many : (struct sub **)(uintptr_t)&n->plain.one;
}

static void plain_add(struct sublist_node *n, struct sub *sub)
{
    if (n->plain_count == 0 && n->plain_cap == 0) {
        n->plain.one = sub;
    } else {
        if (n->plain_cap == 0) {
            struct sub **many = mem_alloc(4 * sizeof(struct sub *));
            many[0] = n->plain.one;
            n->plain.many = many;
            n->plain_cap = 4;
        } else if (n->plain_count == n->plain_cap) {
            n->plain_cap *= 2;
            n->plain.many = mem_resize(n->plain.many, n->plain_cap * sizeof(struct sub *));
        }
        n->plain.many[n->plain_count] = sub;
    }
    sub->index = n->plain_count++;
}

static void plain_delete(struct sublist_node *n, const struct sub *sub)
{
    struct sub **all = plain_array(n), *last = all[n->plain_count - 1];

    assert(all[sub->index] == sub);
    all[sub->index] = last;
    last->index = sub->index;
    if (--n->plain_count == 0 && n->plain_cap) {
        mem_free(n->plain.many);
        n->plain_cap = 0;
    }
}

static struct sublist_group *group_get(struct sublist_node *n, struct span name)
{
    struct extras *x = extras_of(n);
    struct sublist_group *g;

    for (uint32_t i = 0; i < x->group_count; i++)
        if (span_equal(span_make(x->groups[i]->name, x->groups[i]->name_len), name))
            return x->groups[i];
    g = mem_zero(sizeof *g + name.len);
    g->name_len = name.len;
    memcpy(g->name, name.p, name.len);
    x->groups = mem_resize(x->groups, (x->group_count + 1) * sizeof *x->groups);
    x->groups[x->group_count++] = g;
    return g;
}

static void group_add(struct sublist_group *g, struct sub *sub)
{
    if (g->count == g->cap) {
        g->cap = g->cap ? g->cap * 2 : 2;
        g->members = mem_resize(g->members, g->cap * sizeof(struct sub *));
    }
    sub->index = g->count;
    g->members[g->count++] = sub;
}

static void group_delete(struct sublist_node *n, struct sublist_group *g, const struct sub *sub)
{
    struct extras *x = n->extras;
    struct sub *last = g->members[g->count - 1];
    uint32_t at = 0;

    assert(g->members[sub->index] == sub);
    g->members[sub->index] = last;
    last->index = sub->index;
    if (--g->count > 0) return;
    while (x->groups[at] != g) at++;
    x->groups[at] = x->groups[--x->group_count];
    mem_free(g->members);
    mem_free(g);
    if (x->group_count == 0) {
        mem_free(x->groups);
        x->groups = NULL;
        trim_extras(n);
    }
}

/* ---- generations ---- */

static struct span first_token(struct span subject)
{
    return span_make(subject.p, span_find(subject, '.'));
}

static uint32_t bucket_of(const struct sublist *sl, struct span first)
{
    return hash_of(sl, first) % SUBLIST_BUCKETS;
}

uint32_t sublist_bucket(const struct sublist *sl, struct span subject)
{
    return bucket_of(sl, first_token(subject));
}

static void bump(struct sublist *sl, struct span first)
{
    if (subject_token_is_star(first) || subject_token_is_full(first))
        atomic_fetch_add(&sl->wild_generation, 1);
    else
        atomic_fetch_add(&sl->generations[bucket_of(sl, first)], 1);
}

/* Sequentially consistent, because of a loop that wakes up while a subscription is retired: either
 * the retirer sees it awake, or it sees the generation of after the removal. */
struct sublist_generation sublist_generation(const struct sublist *sl, uint32_t bucket)
{
    struct sublist *s = (struct sublist *)(uintptr_t)sl;

    return (struct sublist_generation){
        atomic_load(&s->generations[bucket]),
        atomic_load(&s->wild_generation),
    };
}

void sublist_invalidate(struct sublist *sl)
{
    atomic_fetch_add(&sl->wild_generation, 1);
}

/* ---- insert, remove ---- */

struct sublist *sublist_new(uint64_t seed)
{
    struct sublist *sl = mem_zero(sizeof *sl);

    sl->seed = seed;
    sl->root = node_new(NULL, SPAN_NONE, 0);
    return sl;
}

void sublist_free(struct sublist **sl)
{
    if (*sl == NULL) return;
    assert((*sl)->counts.subs == 0);
    mem_free((*sl)->root);
    mem_free(*sl);
    *sl = NULL;
}

static struct sublist_node *find_or_make(struct sublist *sl, struct span filter)
{
    struct subject_cursor c = subject_cursor(filter);
    struct sublist_node *n = sl->root;
    struct span token = SPAN_NONE;
    uint32_t hash;

    if (!subject_is_literal(filter)) {
        while (subject_next(&c, &token)) n = child(sl, n, token);
        return n;
    }
    hash = hash_of(sl, filter);
    n = table_get(&sl->literals, filter, hash);
    if (n == NULL) {
        n = node_new(NULL, filter, hash);
        n->literal = true;
        table_add(&sl->literals, n);
    }
    return n;
}

enum status sublist_insert(struct sublist *sl, struct sub *sub, struct span filter,
                           struct span queue)
{
    assert(sub->node == NULL);
    if (filter.len > UINT16_MAX || !subject_is_valid(filter)) return ST_BAD_SUBJECT;
    sub->node = find_or_make(sl, filter);
    if (queue.len > 0) {
        sub->group = group_get(sub->node, queue);
        group_add(sub->group, sub);
    } else {
        plain_add(sub->node, sub);
    }
    if (!sub->node->literal) sl->wild_count++;
    sl->counts.subs++;
    sl->counts.inserts++;
    bump(sl, first_token(filter));
    return ST_OK;
}

/* The first token of the filter that n stands for. */
static struct span first_of(const struct sublist *sl, const struct sublist_node *n)
{
    if (n->literal) return first_token(token_of(n));
    while (n->parent != sl->root) n = n->parent;
    return token_of(n);
}

void sublist_remove(struct sublist *sl, struct sub *sub)
{
    struct sublist_node *n = sub->node;

    assert(n != NULL);
    bump(sl, first_of(sl, n));
    if (sub->group)
        group_delete(n, sub->group, sub);
    else
        plain_delete(n, sub);
    if (!n->literal) sl->wild_count--;
    sl->counts.subs--;
    sl->counts.removes++;
    prune(sl, n);
    sub->node = NULL;
    sub->group = NULL;
}

struct sublist_counts sublist_counts(const struct sublist *sl)
{
    return sl->counts;
}

void sublist_append_filter(const struct sub *sub, struct buf *out)
{
    const struct sublist_node *n = sub->node;
    size_t len = 0, at;

    if (n->literal) {
        buf_append_span(out, token_of(n));
        return;
    }
    for (const struct sublist_node *up = n; up->parent; up = up->parent) len += up->token_len + 1u;
    buf_reserve(out, len);
    at = out->len + len - 1;                    /* written from the end, tokens known leaf first */
    out->len = at;
    for (const struct sublist_node *up = n; up->parent; up = up->parent) {
        at -= up->token_len;
        memcpy(out->p + at, up->token, up->token_len);
        if (up->parent->parent) out->p[--at] = '.';
    }
}

struct span sublist_queue(const struct sub *sub)
{
    return sub->group ? span_make(sub->group->name, sub->group->name_len) : SPAN_NONE;
}

/* ---- match ---- */

void sublist_result_fini(struct sublist_result *r)
{
    for (size_t i = 0; i < r->group_cap; i++) mem_free(r->groups[i].members);
    mem_free(r->groups);
    mem_free(r->plain);
    *r = (struct sublist_result){ 0 };
}

static void reserve_subs(struct sub ***array, size_t *cap, size_t want)
{
    if (want <= *cap) return;
    while (*cap < want) *cap = *cap ? *cap * 2 : 16;
    *array = mem_resize(*array, *cap * sizeof **array);
}

static struct sublist_result_group *result_group(struct sublist_result *r,
                                                 const struct sublist_group *g)
{
    struct sublist_result_group *out;

    for (size_t i = 0; i < r->group_count; i++)
        if (span_equal(span_make(r->groups[i].name, r->groups[i].name_len),
                       span_make(g->name, g->name_len)))
            return &r->groups[i];
    if (r->group_count == r->group_cap) {
        size_t cap = r->group_cap ? r->group_cap * 2 : 4;
        r->groups = mem_resize(r->groups, cap * sizeof *r->groups);
        memset(r->groups + r->group_cap, 0, (cap - r->group_cap) * sizeof *r->groups);
        r->group_cap = cap;
    }
    out = &r->groups[r->group_count++];
    out->name = g->name;
    out->name_len = g->name_len;
    out->count = 0;
    return out;
}

static void emit(const struct sublist_node *n, struct sublist_result *r)
{
    if (n->plain_count) {
        reserve_subs(&r->plain, &r->plain_cap, r->plain_count + n->plain_count);
        memcpy(r->plain + r->plain_count, plain_array(n), n->plain_count * sizeof *r->plain);
        r->plain_count += n->plain_count;
    }
    for (uint32_t i = 0; n->extras && i < n->extras->group_count; i++) {
        const struct sublist_group *g = n->extras->groups[i];
        struct sublist_result_group *out = result_group(r, g);
        reserve_subs(&out->members, &out->cap, out->count + g->count);
        memcpy(out->members + out->count, g->members, g->count * sizeof *out->members);
        out->count += g->count;
    }
}

/* One pending step of the walk: node stands for the tokens before at. */
struct step {
    const struct sublist_node *node;
    const char *at;                     /* start of the next token; end + 1: none left */
};

/* Room for one path and its star branches: two steps per token at most are pending. */
#define WALK_INLINE 64

struct walk {
    struct step inline_steps[WALK_INLINE], *steps;
    size_t count, cap;
};

static void push(struct walk *w, const struct sublist_node *node, const char *at)
{
    if (w->count == w->cap) {
        struct step *more = mem_alloc(w->cap * 2 * sizeof *more);
        memcpy(more, w->steps, w->count * sizeof *more);
        if (w->steps != w->inline_steps) mem_free(w->steps);
        w->steps = more;
        w->cap *= 2;
    }
    w->steps[w->count++] = (struct step){ node, at };
}

static void walk_trie(const struct sublist *sl, struct span subject, struct sublist_result *r)
{
    const char *end = subject.p + subject.len;
    struct walk w = { .steps = w.inline_steps, .count = 0, .cap = WALK_INLINE };

    push(&w, sl->root, subject.p);
    while (w.count > 0) {
        struct step s = w.steps[--w.count];
        const struct sublist_node *kid;
        const struct extras *x;
        const char *dot;
        struct span token;
        if (s.at > end) {
            emit(s.node, r);
            continue;
        }
        x = s.node->extras;
        if (x == NULL) continue;
        if (x->full) emit(x->full, r);
        if (x->star == NULL && x->kids.count == 0) continue;
        dot = s.at == end ? NULL : memchr(s.at, '.', (size_t)(end - s.at));
        token = span_make(s.at, (size_t)((dot ? dot : end) - s.at));
        if (x->star) push(&w, x->star, token.p + token.len + 1);
        if (x->kids.count == 0) continue;
        kid = table_get(&x->kids, token, hash_of(sl, token));
        if (kid) push(&w, kid, token.p + token.len + 1);
    }
    if (w.steps != w.inline_steps) mem_free(w.steps);
}

static bool has_empty_token(struct span subject)
{
    char before = '.';

    for (size_t i = 0; i < subject.len; before = subject.p[i++])
        if (subject.p[i] == '.' && before == '.') return true;
    return before == '.';
}

void sublist_match(const struct sublist *sl, struct span subject, struct sublist_result *r)
{
    const struct sublist_node *n;

    r->plain_count = r->group_count = 0;
    n = table_get(&sl->literals, subject, hash_of(sl, subject));
    if (n) emit(n, r);
    if (sl->wild_count > 0 && !has_empty_token(subject)) walk_trie(sl, subject, r);
}

bool sublist_has_interest(const struct sublist *sl, struct span subject,
                          struct sublist_result *scratch)
{
    sublist_match(sl, subject, scratch);
    return scratch->plain_count + scratch->group_count > 0;
}
