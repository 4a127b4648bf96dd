/* SPDX-License-Identifier: Apache-2.0 */
/* config_overlap.c - overlapping subjects within a list.
 *
 * Subjects without wildcards overlap with their equals only, which sorting finds; those with
 * wildcards are compared with all others, up to a number of comparisons. */
#include <stdlib.h>

#include "base/mem.h"
#include "jetstream/config_priv.h"
#include "proto/subject.h"

#define COMPARISONS_MAX (4u * 1024 * 1024)      /* a fraction of a second */

struct item {
    struct span text;
    size_t index;
};

static int item_order(const void *a, const void *b)
{
    const struct item *left = a, *right = b;
    int order = span_compare(left->text, right->text);

    if (order != 0) return order;
    return left->index < right->index ? -1 : left->index > right->index;
}

/* For each item the next equal one, or count. */
static size_t *find_equals(const struct span *items, size_t count)
{
    size_t *next = mem_alloc(count * sizeof *next);
    struct item *sorted = mem_alloc(count * sizeof *sorted);

    for (size_t i = 0; i < count; i++) sorted[i] = (struct item){ items[i], i };
    qsort(sorted, count, sizeof *sorted, item_order);
    for (size_t i = 0; i < count; i++) {
        bool again = i + 1 < count && span_equal(sorted[i].text, sorted[i + 1].text);
        next[sorted[i].index] = again ? sorted[i + 1].index : count;
    }
    mem_free(sorted);
    return next;
}

struct search {
    const struct span *items;
    size_t count;
    enum config_relation relation;
    const bool *valid;
    const size_t *equal;
    const size_t *wild;         /* indexes of those with wildcards, ascending */
    size_t wild_count;
};

/* Of items that are not equal. */
static bool overlaps(const struct search *s, size_t i, size_t j)
{
    if (!s->valid[i] || !s->valid[j]) return false;
    return s->relation == CONFIG_SUBSET ? subject_is_subset(s->items[i], s->items[j])
                                        : subject_collides(s->items[i], s->items[j]);
}

/* The partner of item i, or count: the first one after it (COLLIDE), or any other (SUBSET). */
static size_t partner_of(const struct search *s, size_t i)
{
    size_t found = s->equal[i];

    if (!subject_is_literal(s->items[i])) {
        size_t from = s->relation == CONFIG_COLLIDE ? i + 1 : 0;
        for (size_t j = from; j < found; j++)
            if (j != i && overlaps(s, i, j)) return j;
        return found;
    }
    for (size_t k = 0; k < s->wild_count; k++) {
        size_t j = s->wild[k];
        if (s->relation == CONFIG_COLLIDE && j <= i) continue;
        if (j >= found) break;
        if (overlaps(s, i, j)) return j;
    }
    return found;
}

enum config_overlap config_find_overlap(const struct span *items, size_t count,
                                        enum config_relation relation, size_t *first,
                                        size_t *second)
{
    struct search s = { .items = items, .count = count, .relation = relation };
    enum config_overlap result = CONFIG_DISJOINT;
    size_t *wild, *equal;
    bool *valid;

    *first = *second = count;
    if (count < 2) return CONFIG_DISJOINT;
    wild = mem_alloc(count * sizeof *wild);
    for (size_t i = 0; i < count; i++)
        if (!subject_is_literal(items[i])) wild[s.wild_count++] = i;
    if (s.wild_count > COMPARISONS_MAX / count) {
        mem_free(wild);
        return CONFIG_TOO_MANY;
    }
    valid = mem_alloc(count * sizeof *valid);
    for (size_t i = 0; i < count; i++) valid[i] = subject_is_valid(items[i]);
    s.valid = valid;
    s.wild = wild;
    s.equal = equal = find_equals(items, count);
    for (size_t i = 0; i < count && result == CONFIG_DISJOINT; i++) {
        size_t j = partner_of(&s, i);
        if (j == count) continue;
        *first = i;
        *second = j;
        result = CONFIG_OVERLAP;
    }
    mem_free(valid);
    mem_free(wild);
    mem_free(equal);
    return result;
}
