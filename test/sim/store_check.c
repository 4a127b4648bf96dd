/* SPDX-License-Identifier: Apache-2.0 */
/* store_check.c - what a store recovered against what its owner had appended. */
#include <stdio.h>

#include "base/mem.h"
#include "sim/store_world.h"

#define MARKER 16                       /* bytes of a body that occur nowhere else */

struct range {                          /* events [low, high] of a group fit what was recovered */
    size_t low, high;
    bool fits;
};

static const struct world_group *recovered(const struct world *w, uint64_t tag)
{
    return tag < w->group_count && w->groups[tag] && w->groups[tag]->group ? w->groups[tag] : NULL;
}

static bool event_fits(const struct event *e, const struct world_group *g)
{
    if (!e->exists || !g) return e->exists == (g != NULL);
    return memcmp(&e->after, &g->now, sizeof(e->after)) == 0;
}

/* Events from the last durable one on that are what was recovered. */
static struct range fitting(const struct world_group *wanted, uint64_t durable,
                            const struct world_group *g)
{
    struct range r = { 0, 0, false };
    size_t from = 0;

    for (size_t i = 0; i < wanted->event_count; i++)
        if (wanted->events[i].position <= durable) from = i;
    for (size_t i = from; i < wanted->event_count; i++) {
        if (!event_fits(&wanted->events[i], g)) continue;
        if (!r.fits) r.low = i;
        r.high = i;
        r.fits = true;
    }
    return r;
}

static void explain(const struct world *wanted, const struct world_group *w,
                    const struct world_group *g, struct world *got, const char *what)
{
    const struct event *last = &w->events[w->event_count - 1];
    size_t durable = 0;

    for (size_t i = 0; i < w->event_count; i++)
        if (w->events[i].position <= wanted->durable) durable = i;
    verdict_fail(got->verdict, "%s: group %u is in no state that it had: recovered %s deltas %u "
                 "last %u; durable %s deltas %u last %u; at the end %s deltas %u last %u", what,
                 (unsigned)w->now.tag, g ? "is," : "is not,", g ? (unsigned)g->now.deltas : 0,
                 g ? (unsigned)g->now.last_seq : 0, w->events[durable].exists ? "is," : "is not,",
                 (unsigned)w->events[durable].after.deltas,
                 (unsigned)w->events[durable].after.last_seq, last->exists ? "is," : "is not,",
                 (unsigned)last->after.deltas, (unsigned)last->after.last_seq);
}

/* Every live message was found and reads as it was written. */
static void check_messages(struct world *got, struct world_group *g, const char *what)
{
    for (uint64_t seq = 1; seq < WORLD_SEQS; seq++) {
        enum read_result r;

        if (!state_has(g->now.live, seq)) continue;
        if (!g->messages[seq].reported) {
            verdict_fail(got->verdict, "%s: group %u: message %u is missing", what,
                         (unsigned)g->now.tag, (unsigned)seq);
            continue;
        }
        r = world_read(got, g, seq);
        if (r == READ_LOST && sim_disk_has_failed(got->disk)) continue;     /* a failed read */
        if (r != READ_GOOD)
            verdict_fail(got->verdict, "%s: group %u: message %u reads %s", what,
                         (unsigned)g->now.tag, (unsigned)seq, r == READ_LOST ? "damaged" : "wrong");
    }
}

static void check_phantoms(const struct world *wanted, struct world *got, const char *what)
{
    for (size_t i = 0; i < got->group_count; i++) {
        const struct world_group *g = got->groups[i];

        if (!g) continue;
        if (i >= wanted->group_count || !wanted->groups[i] || wanted->groups[i]->in_memory)
            verdict_fail(got->verdict, "%s: group %u was never there", what, (unsigned)i);
        else if (memcmp(&g->id, &wanted->groups[i]->id, sizeof(g->id)) != 0)
            verdict_fail(got->verdict, "%s: group %u has another id", what, (unsigned)i);
    }
}

/* ---- erased messages ---- */

struct markers {
    const struct sim_disk *disk;
    char (*bytes)[MARKER];
    size_t count;
    char found[256];                    /* path of a file that has one */
};

static void look_for_markers(void *arg, const char *path, uint64_t size)
{
    struct markers *m = arg;
    char *all = mem_alloc((size_t)size + 1);

    if (sim_disk_peek(m->disk, path, 0, all, (size_t)size) == ST_OK)
        for (size_t i = 0; i < m->count; i++)
            if (memmem(all, (size_t)size, m->bytes[i], MARKER))
                snprintf(m->found, sizeof(m->found), "%s", path);
    mem_free(all);
}

static void check_erased(const struct world *wanted, struct world *got, const char *what)
{
    struct markers m = { .disk = got->disk };

    for (size_t i = 0; i < wanted->group_count; i++)
        for (uint64_t seq = 1; wanted->groups[i] && seq < WORLD_SEQS; seq++) {
            if (!wanted->groups[i]->messages[seq].erased) continue;
            m.bytes = mem_resize(m.bytes, (m.count + 1) * MARKER);
            world_marker(m.bytes[m.count++], i, seq);
        }
    if (m.count > 0) sim_disk_files(got->disk, look_for_markers, &m);
    if (m.found[0])
        verdict_fail(got->verdict, "%s: %s has bytes of an erased message", what, m.found);
    mem_free(m.bytes);
}

/* ---- the whole ---- */

void world_compare(const struct world *wanted, struct world *got, const char *what)
{
    uint64_t from = 0, to = UINT64_MAX;         /* the end of the log lies in [from, to) */

    check_phantoms(wanted, got, what);
    for (size_t i = 0; i < wanted->group_count; i++) {
        const struct world_group *w = wanted->groups[i], *g = recovered(got, i);
        struct range r;

        if (!w || w->in_memory) continue;
        r = fitting(w, wanted->durable, g);
        if (!r.fits) {
            explain(wanted, w, g, got, what);
            continue;
        }
        if (w->events[r.low].position > from) from = w->events[r.low].position;
        if (r.high + 1 < w->event_count && w->events[r.high + 1].position < to)
            to = w->events[r.high + 1].position;
        if (g) check_messages(got, got->groups[i], what);
    }
    if (from >= to)
        verdict_fail(got->verdict, "%s: groups of different moments: record %llu without %llu",
                     what, (unsigned long long)from, (unsigned long long)to);
    if (got->damages > 0)
        verdict_fail(got->verdict, "%s: damage reported: %s", what, got->damage);
    if (got->failed) verdict_fail(got->verdict, "%s: failed: %s", what, got->why);
    check_erased(wanted, got, what);
}

static void silent(struct world *got, const char *what, uint64_t tag, const char *loss)
{
    if (got->damages == 0)
        verdict_fail(got->verdict, "%s: group %u: %s, and nothing was reported", what,
                     (unsigned)tag, loss);
}

static unsigned compare_group_damaged(const struct world_group *w, struct world_group *g,
                                      struct world *got, const char *what)
{
    const struct event *last = &w->events[w->event_count - 1];
    unsigned lost = 0;

    if (!event_fits(last, g)) silent(got, what, w->now.tag, "not as it was");
    for (uint64_t seq = 1; seq < WORLD_SEQS; seq++) {
        bool was = last->exists && state_has(last->after.live, seq), found;

        found = g && state_has(g->now.live, seq) && g->messages[seq].reported;
        if (was && !found) {
            lost++;
            silent(got, what, w->now.tag, "a message is missing");
        }
        if (!found) continue;
        switch (world_read(got, g, seq)) {
        case READ_LOST:
            lost++;
            break;
        case READ_WRONG:
            verdict_fail(got->verdict, "%s: group %u: message %u reads wrong", what,
                         (unsigned)w->now.tag, (unsigned)seq);
            break;
        case READ_GOOD:
            break;
        }
    }
    return lost;
}

unsigned world_compare_damaged(const struct world *wanted, struct world *got, const char *what)
{
    unsigned lost = 0;

    check_phantoms(wanted, got, what);
    for (size_t i = 0; i < wanted->group_count; i++) {
        const struct world_group *w = wanted->groups[i];

        if (!w || w->in_memory) continue;
        lost += compare_group_damaged(w, recovered(got, i) ? got->groups[i] : NULL, got, what);
    }
    return lost;
}
