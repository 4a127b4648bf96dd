/* SPDX-License-Identifier: Apache-2.0 */
/* mapping.c - weighted destinations in one set per cluster, the first for all other clusters. */
#include "proto/mapping.h"

#include "base/mem.h"
#include "proto/subject.h"
#include "proto/transform.h"

struct choice {
    struct transform *transform;
    unsigned up_to;             /* a draw below this, and not below the one before, takes it */
};

struct choice_set {
    char *cluster;              /* "" in the first set */
    struct choice *choices;
    size_t count;
    unsigned weight;            /* sum, at most 100 */
};

struct mapping {
    char *source;
    struct choice_set *sets;
    size_t set_count;
};

static struct choice_set *set_find(const struct mapping *m, struct span cluster)
{
    for (size_t i = 0; i < m->set_count; i++)
        if (span_is(cluster, m->sets[i].cluster)) return &m->sets[i];
    return NULL;
}

static struct choice_set *set_add(struct mapping *m, struct span cluster)
{
    struct choice_set *set;

    m->sets = mem_resize(m->sets, (m->set_count + 1) * sizeof *m->sets);
    set = &m->sets[m->set_count++];
    *set = (struct choice_set){ .cluster = mem_dup_span(cluster) };
    return set;
}

static enum status choice_add(struct choice_set *set, struct span source, struct span destination,
                              unsigned weight, struct error *why)
{
    struct transform *t;
    enum status st = transform_compile(&t, source, destination, TRANSFORM_ANY, why);

    if (st != ST_OK) return st;
    set->weight += weight;
    set->choices = mem_resize(set->choices, (set->count + 1) * sizeof *set->choices);
    set->choices[set->count++] = (struct choice){ t, set->weight };
    return ST_OK;
}

static enum status target_add(struct mapping *m, const struct mapping_target *target,
                              struct error *why)
{
    struct choice_set *set = set_find(m, target->cluster);
    enum status st;

    if (target->weight > 100)
        return error_set(why, ST_BAD_INPUT, "individual weights need to be <= 100");
    if (set == NULL) set = set_add(m, target->cluster);
    if (set->weight + target->weight > 100)
        return error_set(why, ST_BAD_INPUT, "total weight needs to be <= 100");
    st = transform_check_destination(target->subject, why);
    if (st != ST_OK) return st;
    return choice_add(set, span_of(m->source), target->subject, target->weight, why);
}

/* The destination that leaves subjects of source as they are: "a.*.>" gives "a.$1.>". */
static void append_identity(struct buf *out, struct span source)
{
    struct subject_cursor c = subject_cursor(source);
    struct span token;
    unsigned star = 0;

    while (subject_next(&c, &token)) {
        if (out->len > 0) buf_append_char(out, '.');
        if (subject_token_is_star(token)) buf_printf(out, "$%u", ++star);
        else buf_append_span(out, token);
    }
}

/* What is missing to 100 percent stays with the source. */
static enum status fill_sets(struct mapping *m, struct error *why)
{
    struct buf identity = { 0 };
    enum status st = ST_OK;

    append_identity(&identity, span_of(m->source));
    for (size_t i = 0; i < m->set_count && st == ST_OK; i++) {
        struct choice_set *set = &m->sets[i];
        if (set->weight == 100) continue;
        st = choice_add(set, span_of(m->source), buf_span(&identity), 100 - set->weight, why);
    }
    buf_free(&identity);
    return st;
}

enum status mapping_compile(struct mapping **out, struct span source,
                            const struct mapping_target *targets, size_t count, struct error *why)
{
    struct mapping *m;
    bool keeps_source = false;
    enum status st = ST_OK;

    *out = NULL;
    if (!subject_is_valid(source)) return error_set(why, ST_BAD_SUBJECT, "invalid subject");
    m = mem_zero(sizeof *m);
    m->source = mem_dup_span(source);
    set_add(m, SPAN_NONE);
    for (size_t i = 0; i < count && st == ST_OK; i++) {
        keeps_source |= span_equal(targets[i].subject, source);
        for (size_t j = 0; j < i && st == ST_OK; j++)
            if (span_equal(targets[j].subject, targets[i].subject))
                st = error_set(why, ST_BAD_INPUT, "duplicate entry for \"%.*s\"",
                               SPAN_ARG(targets[i].subject));
        if (st == ST_OK) st = target_add(m, &targets[i], why);
    }
    if (st == ST_OK && !keeps_source) st = fill_sets(m, why);
    if (st != ST_OK) mapping_free(&m);
    *out = m;
    return st;
}

void mapping_free(struct mapping **m)
{
    if (*m == NULL) return;
    for (size_t i = 0; i < (*m)->set_count; i++) {
        struct choice_set *set = &(*m)->sets[i];
        for (size_t j = 0; j < set->count; j++) transform_free(&set->choices[j].transform);
        mem_free(set->choices);
        mem_free(set->cluster);
    }
    mem_free((*m)->sets);
    mem_free((*m)->source);
    mem_free(*m);
    *m = NULL;
}

bool mapping_matches(const struct mapping *m, struct span subject)
{
    return subject_matches(span_of(m->source), subject);
}

bool mapping_choose(const struct mapping *m, struct span cluster, struct span subject,
                    struct rng *rng, struct buf *out)
{
    const struct choice_set *set = set_find(m, cluster);
    unsigned draw;

    if (set == NULL) set = &m->sets[0];
    draw = set->count > 0 && set->choices[0].up_to == 100 ? 0 : rng_below(rng, 100);
    for (size_t i = 0; i < set->count; i++) {
        if (draw >= set->choices[i].up_to) continue;
        transform_apply(set->choices[i].transform, subject, rng, out);
        return true;
    }
    return false;
}
