/* SPDX-License-Identifier: Apache-2.0 */
/* sim_crash.c - from the logs of a disk's nodes to states after a crash.
 *
 * A unit is something that is decided on its own: which version of a sector, which size of a file,
 * whether a change of a directory took place. Its alternatives are in order of time, the first
 * being what is synced. A state is one pick per unit. */
#include "sim/sim_crash.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "sim/sim_priv.h"

#define SECTORS (SIM_PAGE / SIM_SECTOR)

enum unit_kind { UNIT_SECTOR, UNIT_SIZE, UNIT_LINK };

struct unit {
    enum unit_kind kind;
    size_t node, index;                 /* index: sector of the file, link of the directory */
    size_t first;                       /* into alternatives */
    uint32_t count;
};

struct alternative {
    uint64_t time;                      /* 0: synced */
    const char *bytes;                  /* sector */
    uint64_t size;
};

enum phase { PHASE_ALL, PHASE_PREFIX, PHASE_WITHOUT, PHASE_ONLY, PHASE_SAMPLES, PHASE_DONE };

struct sim_crash {
    const struct sim_disk *s;
    struct unit *units;
    struct alternative *alternatives;
    uint64_t *times;                    /* ascending, distinct */
    uint32_t *picks;
    size_t unit_count, unit_cap, alternative_count, alternative_cap, time_count;
    uint64_t combinations, samples, next;
    enum phase phase;
    struct rng rng;
};

static const char zeros[SIM_SECTOR];

/* ---- units ---- */

static void add_alternative(struct sim_crash *c, struct alternative a)
{
    if (c->alternative_count == c->alternative_cap) {
        c->alternative_cap = c->alternative_cap ? 2 * c->alternative_cap : 64;
        c->alternatives = mem_resize(c->alternatives,
                                     c->alternative_cap * sizeof(*c->alternatives));
    }
    c->alternatives[c->alternative_count++] = a;
}

/* End the unit that began with alternative first: with only one there is nothing to decide. */
static void add_unit(struct sim_crash *c, enum unit_kind kind, size_t node, size_t index,
                     size_t first)
{
    size_t count = c->alternative_count - first;

    if (count < 2) {
        c->alternative_count = first;
        return;
    }
    if (c->unit_count == c->unit_cap) {
        c->unit_cap = c->unit_cap ? 2 * c->unit_cap : 64;
        c->units = mem_resize(c->units, c->unit_cap * sizeof(*c->units));
    }
    c->units[c->unit_count++] = (struct unit){ kind, node, index, first, (uint32_t)count };
}

static const char *sector_of(const struct sim_page *page, size_t k)
{
    return page ? page->bytes + k * SIM_SECTOR : zeros;
}

static void add_page_units(struct sim_crash *c, size_t id, const struct sim_node *n, size_t page)
{
    for (size_t k = 0; k < SECTORS; k++) {
        size_t first = c->alternative_count;
        const char *last = sector_of(sim_content_get(&n->synced, page), k);

        add_alternative(c, (struct alternative){ 0, last, 0 });
        for (size_t i = 0; i < n->change_count; i++) {
            const char *bytes = sector_of(n->changes[i].content, k);

            if (n->changes[i].page != page || memcmp(bytes, last, SIM_SECTOR) == 0) continue;
            add_alternative(c, (struct alternative){ n->changes[i].time, bytes, 0 });
            last = bytes;
        }
        add_unit(c, UNIT_SECTOR, id, page * SECTORS + k, first);
    }
}

/* The sizes come after the sectors, which may lie beyond them. */
static void add_file_units(struct sim_crash *c, size_t id, const struct sim_node *n)
{
    size_t first;
    uint64_t last = n->synced.size;

    for (size_t i = 0; i < n->change_count; i++) {
        bool seen = n->changes[i].page == SIZE_MAX;

        for (size_t k = 0; k < i && !seen; k++) seen = n->changes[k].page == n->changes[i].page;
        if (!seen) add_page_units(c, id, n, n->changes[i].page);
    }
    first = c->alternative_count;
    add_alternative(c, (struct alternative){ 0, NULL, last });
    for (size_t i = 0; i < n->change_count; i++) {
        if (n->changes[i].size == last) continue;
        last = n->changes[i].size;
        add_alternative(c, (struct alternative){ n->changes[i].time, NULL, last });
    }
    add_unit(c, UNIT_SIZE, id, 0, first);
}

static void add_node_units(struct sim_crash *c, size_t id, const struct sim_node *n)
{
    add_file_units(c, id, n);
    for (size_t i = 0; i < n->link_count; i++) {
        size_t first = c->alternative_count;

        add_alternative(c, (struct alternative){ 0, NULL, 0 });
        add_alternative(c, (struct alternative){ n->links[i].time, NULL, 0 });
        add_unit(c, UNIT_LINK, id, i, first);
    }
}

/* ---- picks ---- */

/* The last alternative of u that is not after time. */
static uint32_t pick_until(const struct sim_crash *c, const struct unit *u, uint64_t time)
{
    uint32_t pick = 0;

    for (uint32_t i = 1; i < u->count; i++)
        if (c->alternatives[u->first + i].time <= time) pick = i;
    return pick;
}

static uint32_t pick_without(const struct sim_crash *c, const struct unit *u, uint64_t time)
{
    uint32_t pick = 0;

    for (uint32_t i = 1; i < u->count; i++)
        if (c->alternatives[u->first + i].time != time) pick = i;
    return pick;
}

static uint32_t pick_only(const struct sim_crash *c, const struct unit *u, uint64_t time)
{
    uint32_t pick = 0;

    for (uint32_t i = 1; i < u->count; i++)
        if (c->alternatives[u->first + i].time == time) pick = i;
    return pick;
}

/* Everything before one operation, that one torn, nothing after it; or each unit apart, with a
 * chance of an eighth, a half or seven eighths to be new. */
static void pick_random(struct sim_crash *c, struct rng *r)
{
    uint32_t style = rng_below(r, 4), odds = style == 0 ? 1 : style == 1 ? 4 : 7;
    uint64_t time = c->time_count ? c->times[rng_below(r, (uint32_t)c->time_count)] : 0;

    for (size_t i = 0; i < c->unit_count; i++) {
        const struct unit *u = &c->units[i];

        if (style == 3)
            c->picks[i] = pick_until(c, u, rng_below(r, 2) ? time : time - 1);
        else
            c->picks[i] = rng_below(r, 8) < odds ? 1 + rng_below(r, u->count - 1) : 0;
    }
}

static void apply(struct sim_node *n, const struct sim_crash *c, const struct unit *u,
                  uint32_t pick, const struct sim_node *from)
{
    const struct alternative *a = &c->alternatives[u->first + pick];

    if (u->kind == UNIT_SIZE) {         /* also where it stays: nothing is left beyond it */
        sim_node_resize(n, 0, a->size);
    } else if (pick > 0 && u->kind == UNIT_LINK) {
        sim_entries_apply(&n->entries, &from->links[u->index]);
    } else if (pick > 0) {
        struct sim_page *page = sim_page_new(sim_content_get(&n->now, u->index / SECTORS));

        memcpy(page->bytes + u->index % SECTORS * SIM_SECTOR, a->bytes, SIM_SECTOR);
        sim_content_set(&n->now, u->index / SECTORS, page);
    }
}

/* What is synced of from, as a node that reads so. */
static struct sim_node *synced_node(const struct sim_node *from)
{
    struct sim_node *n = sim_node_new(from->is_dir);

    sim_content_copy(&n->now, &from->synced);
    sim_entries_copy(&n->entries, &from->synced_entries);
    return n;
}

/* What n reads becomes what is synced. Bytes beyond the size are no content. */
static void settle(struct sim_node *n)
{
    if (!n->is_dir) {
        uint64_t size = n->now.size;

        n->now.size = UINT64_MAX;
        sim_node_resize(n, 0, size);
    }
    sim_node_forget(n);
    sim_content_free(&n->synced);
    sim_content_copy(&n->synced, &n->now);
    sim_entries_free(&n->synced_entries);
    sim_entries_copy(&n->synced_entries, &n->entries);
}

static struct sim_disk *build(const struct sim_crash *c)
{
    struct sim_disk *d = sim_disk_clone(c->s), *small;

    for (size_t i = 0; i < d->node_count; i++) {
        if (!d->nodes[i]) continue;
        sim_node_free(d->nodes[i]);
        d->nodes[i] = synced_node(c->s->nodes[i]);
    }
    for (size_t i = 0; i < c->unit_count; i++) {
        const struct unit *u = &c->units[i];

        if (d->nodes[u->node])
            apply(d->nodes[u->node], c, u, c->picks[i], c->s->nodes[u->node]);
    }
    for (size_t i = 0; i < d->node_count; i++)
        if (d->nodes[i]) settle(d->nodes[i]);
    small = sim_disk_clone(d);          /* without the nodes that nothing refers to any more */
    sim_disk_free(&d);
    return small;
}

/* ---- states in order ---- */

static int compare_times(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static void collect_times(struct sim_crash *c)
{
    size_t n = 0;

    c->times = mem_alloc((c->alternative_count + 1) * sizeof(*c->times));
    for (size_t i = 0; i < c->alternative_count; i++)
        if (c->alternatives[i].time > 0) c->times[n++] = c->alternatives[i].time;
    qsort(c->times, n, sizeof(*c->times), compare_times);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || c->times[i] != c->times[i - 1]) c->times[c->time_count++] = c->times[i];
}

/* With the units of all that names may refer to; s NULL: none. */
static struct sim_crash *prepare(const struct sim_disk *s)
{
    struct sim_crash *c = mem_zero(sizeof(*c));

    c->s = s;
    if (s) {
        bool *wanted = mem_zero(s->node_count);

        sim_disk_mark(s, wanted, true);
        for (size_t i = 0; i < s->node_count; i++)
            if (wanted[i]) add_node_units(c, i, s->nodes[i]);
        mem_free(wanted);
    }
    return c;
}

static void finish(struct sim_crash *c)
{
    c->combinations = 1;
    for (size_t i = 0; i < c->unit_count; i++)
        if (__builtin_mul_overflow(c->combinations, c->units[i].count, &c->combinations)) {
            c->combinations = UINT64_MAX;
            break;
        }
    c->picks = mem_zero((c->unit_count + 1) * sizeof(*c->picks));
    collect_times(c);
}

struct sim_crash *sim_crash_new(const struct sim_disk *s, uint64_t limit, uint64_t samples,
                                uint64_t seed)
{
    struct sim_crash *c = prepare(s);

    finish(c);
    c->phase = c->combinations <= limit ? PHASE_ALL : PHASE_PREFIX;
    c->samples = samples;
    rng_seed(&c->rng, seed);
    return c;
}

void sim_crash_free(struct sim_crash **c)
{
    if (!*c) return;
    mem_free((*c)->units);
    mem_free((*c)->alternatives);
    mem_free((*c)->times);
    mem_free((*c)->picks);
    mem_free(*c);
    *c = NULL;
}

uint64_t sim_crash_count(const struct sim_crash *c)
{
    return c->combinations;
}

/* How many states the phase has. */
static uint64_t phase_states(const struct sim_crash *c)
{
    switch (c->phase) {
    case PHASE_ALL:
        return c->combinations;
    case PHASE_PREFIX:
        return c->time_count + 1;
    case PHASE_WITHOUT:
    case PHASE_ONLY:
        return c->time_count;
    case PHASE_SAMPLES:
        return c->samples;
    case PHASE_DONE:
        break;
    }
    return 0;
}

static void pick_number(struct sim_crash *c, uint64_t number)
{
    for (size_t i = 0; i < c->unit_count; i++) {
        const struct unit *u = &c->units[i];

        if (c->phase == PHASE_ALL) {
            c->picks[i] = (uint32_t)(number % u->count);
            number /= u->count;
        } else if (c->phase == PHASE_PREFIX) {
            c->picks[i] = number ? pick_until(c, u, c->times[number - 1]) : 0;
        } else if (c->phase == PHASE_WITHOUT) {
            c->picks[i] = pick_without(c, u, c->times[number]);
        } else {
            c->picks[i] = pick_only(c, u, c->times[number]);
        }
    }
}

struct sim_disk *sim_crash_next(struct sim_crash *c)
{
    while (c->phase != PHASE_DONE && c->next >= phase_states(c)) {
        c->phase = c->phase == PHASE_ALL ? PHASE_DONE : c->phase + 1;
        c->next = 0;
    }
    if (c->phase == PHASE_DONE) return NULL;
    if (c->phase == PHASE_SAMPLES) pick_random(c, &c->rng);
    else pick_number(c, c->next);
    c->next++;
    return build(c);
}

struct sim_disk *sim_crash_random(const struct sim_disk *s, struct rng *r)
{
    struct sim_crash *c = prepare(s);
    struct sim_disk *d;

    finish(c);
    pick_random(c, r);
    d = build(c);
    sim_crash_free(&c);
    return d;
}

void sim_node_fail_sync(struct sim_node *n, struct rng *r)
{
    struct sim_crash *c = prepare(NULL);
    struct sim_node *left = synced_node(n);

    add_node_units(c, 0, n);
    finish(c);
    pick_random(c, r);
    for (size_t i = 0; i < c->unit_count; i++) apply(left, c, &c->units[i], c->picks[i], n);
    settle(left);
    sim_content_free(&n->synced);
    sim_content_copy(&n->synced, &left->synced);
    sim_entries_free(&n->synced_entries);
    sim_entries_copy(&n->synced_entries, &left->synced_entries);
    sim_node_forget(n);
    sim_node_free(left);
    sim_crash_free(&c);
}
