/* SPDX-License-Identifier: Apache-2.0 */
/* rules.c - the token trie behind permissions. Indices instead of pointers keep it flat. */
#include "auth/rules.h"

#include "base/assert.h"
#include "base/hash.h"
#include "base/mem.h"
#include "proto/subject.h"

#define RULES_END UINT32_MAX
#define STACK_FRAMES 64

struct rules_node {
    struct span token;          /* edge that leads here; into a rule's text */
    uint32_t parent;
    uint32_t star, full;        /* children for "*" and ">", or 0 */
    uint32_t queued;            /* first rule with a queue group that ends here, or RULES_END */
    bool plain;                 /* a rule without queue group ends here */
};

/* A place in the trie and in the subject: the next token starts at offset at. */
struct frame {
    uint32_t node;
    size_t at;
};

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The next run of non-spaces of *rest, empty at the end. */
static struct span next_word(struct span *rest)
{
    size_t from = 0, to;

    while (from < rest->len && is_space(rest->p[from])) from++;
    to = from;
    while (to < rest->len && !is_space(rest->p[to])) to++;
    struct span word = span_make(rest->p + from, to - from);
    *rest = span_from(*rest, to);
    return word;
}

bool rules_add(struct rules *r, const char *entry, bool with_queue)
{
    struct span rest = span_of(entry), subject = next_word(&rest), queue = next_word(&rest);
    struct rule *rule;
    char *text;

    if (next_word(&rest).len > 0 || !subject_is_valid(subject)) return false;
    if (queue.len > 0 && (!with_queue || !subject_is_valid(queue))) return false;

    if (queue.len > 0) text = mem_printf("%.*s %.*s", SPAN_ARG(subject), SPAN_ARG(queue));
    else text = mem_dup_span(subject);
    r->items = mem_resize(r->items, (r->count + 1) * sizeof *r->items);
    rule = &r->items[r->count++];
    *rule = (struct rule){ text, span_make(text, subject.len), SPAN_NONE };
    if (queue.len > 0) rule->queue = span_make(text + subject.len + 1, queue.len);
    return true;
}

static uint32_t add_node(struct rules *r, uint32_t parent, struct span token)
{
    assert(r->node_count < r->node_cap);
    r->nodes[r->node_count] = (struct rules_node){
        .token = token, .parent = parent, .queued = RULES_END,
    };
    return (uint32_t)r->node_count++;
}

/* The slot of the edge from parent by token, or the free slot where it would go. */
static uint32_t *find_edge(const struct rules *r, uint32_t parent, struct span token)
{
    size_t mask = r->edge_count - 1;

    for (size_t i = hash_span(token, parent) & mask;; i = (i + 1) & mask) {
        const struct rules_node *n = &r->nodes[r->edges[i]];
        if (r->edges[i] == 0) return &r->edges[i];
        if (n->parent == parent && span_equal(n->token, token)) return &r->edges[i];
    }
}

static uint32_t child_of(struct rules *r, uint32_t parent, struct span token)
{
    uint32_t *slot, child;

    if (subject_token_is_star(token)) child = r->nodes[parent].star;
    else if (subject_token_is_full(token)) child = r->nodes[parent].full;
    else child = *find_edge(r, parent, token);
    if (child != 0) return child;

    child = add_node(r, parent, token);
    if (subject_token_is_star(token)) slot = &r->nodes[parent].star;
    else if (subject_token_is_full(token)) slot = &r->nodes[parent].full;
    else slot = find_edge(r, parent, token);
    *slot = child;
    return child;
}

static void insert(struct rules *r, uint32_t index)
{
    struct subject_cursor c = subject_cursor(r->items[index].subject);
    struct span token;
    size_t depth = 0;
    uint32_t at = 0;

    for (; subject_next(&c, &token); depth++) at = child_of(r, at, token);
    if (depth > r->depth) r->depth = depth;
    if (r->items[index].queue.len == 0) {
        r->nodes[at].plain = true;
        return;
    }
    r->next[index] = r->nodes[at].queued;
    r->nodes[at].queued = index;
}

void rules_compile(struct rules *r)
{
    size_t cap = 1;

    assert(r->nodes == NULL && r->count < RULES_END);
    for (size_t i = 0; i < r->count; i++) cap += subject_token_count(r->items[i].subject);
    assert(cap < RULES_END);
    r->node_cap = cap;
    r->nodes = mem_alloc(cap * sizeof *r->nodes);
    for (r->edge_count = 4; r->edge_count < cap * 2; r->edge_count *= 2) continue;
    r->edges = mem_zero(r->edge_count * sizeof *r->edges);
    r->next = mem_zero(r->count * sizeof *r->next);
    add_node(r, 0, SPAN_NONE);
    for (size_t i = 0; i < r->count; i++) insert(r, (uint32_t)i);
}

void rules_fini(struct rules *r)
{
    for (size_t i = 0; i < r->count; i++) mem_free(r->items[i].text);
    mem_free(r->items);
    mem_free(r->nodes);
    mem_free(r->edges);
    mem_free(r->next);
    *r = (struct rules){ 0 };
}

/* A queue name is made of tokens as a subject is, and pattern may have wildcards. The name comes
 * from a client: empty tokens are possible and match nothing but a ">" before them. */
static bool queue_covers(struct span pattern, struct span queue)
{
    struct subject_cursor p = subject_cursor(pattern), q = subject_cursor(queue);
    struct span want, have;

    while (subject_next(&p, &want)) {
        if (!subject_next(&q, &have)) return false;
        if (subject_token_is_full(want)) return true;
        if (have.len == 0 || subject_token_is_full(have)) return span_equal(pattern, queue);
        if (!subject_token_is_star(want) && !span_equal(want, have)) return false;
    }
    return !subject_next(&q, &have);
}

static unsigned node_says(const struct rules *r, const struct rules_node *n, struct span queue)
{
    unsigned found = n->plain ? RULES_PLAIN : 0;

    for (uint32_t i = n->queued; i != RULES_END; i = r->next[i]) {
        found |= RULES_QUEUED;
        if (queue.len > 0 && queue_covers(r->items[i].queue, queue)) return found | RULES_QUEUE;
    }
    return found;
}

static bool has_empty_token(struct span s)
{
    if (s.len == 0 || s.p[0] == '.' || s.p[s.len - 1] == '.') return true;
    return memmem(s.p, s.len, "..", 2) != NULL;
}

/* Depth first; a frame is replaced by at most two, so the stack never holds more than depth + 1. */
static unsigned walk(const struct rules *r, struct span subject, struct span queue,
                     unsigned enough, struct frame *stack)
{
    unsigned found = 0;
    size_t used = 0;

    stack[used++] = (struct frame){ 0, 0 };
    while (used > 0 && !(found & enough)) {
        struct frame f = stack[--used];
        const struct rules_node *n = &r->nodes[f.node];
        struct span token;
        uint32_t child;

        if (f.at > subject.len) {
            found |= node_says(r, n, queue);
            continue;
        }
        token = span_from(subject, f.at);
        token.len = span_find(token, '.');
        f.at += token.len + 1;
        if (n->full != 0) found |= node_says(r, &r->nodes[n->full], queue);
        if (n->star != 0) stack[used++] = (struct frame){ n->star, f.at };
        child = *find_edge(r, f.node, token);
        if (child != 0) stack[used++] = (struct frame){ child, f.at };
    }
    return found;
}

unsigned rules_match(const struct rules *r, struct span subject, struct span queue,
                     unsigned enough)
{
    struct frame fixed[STACK_FRAMES], *stack = fixed;
    unsigned found;

    if (r->count == 0 || has_empty_token(subject)) return 0;
    if (r->depth + 1 > STACK_FRAMES) stack = mem_alloc((r->depth + 1) * sizeof *stack);
    found = walk(r, subject, queue, enough, stack);
    if (stack != fixed) mem_free(stack);
    return found;
}
