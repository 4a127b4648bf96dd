/* SPDX-License-Identifier: Apache-2.0 */
/* store_fault_test.c - the store on a simulated disk: a fault in every operation, a full disk, and
 * damage in every file.
 *
 *     store_fault_test [SEEDS [FIRST]]
 *
 * A fault must be reported, fence the store or be survived, and cost nothing that was reported
 * durable. Damage must be reported and never read as something else. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "sim/sim_crash.h"
#include "sim/store_world.h"

#define STEPS 24                        /* of a script */
#define CRASHES 2                       /* after a script with a fault */
#define PATHS_MAX 64
#define WHAT_BYTES 240

static const struct world_options variants[] = {
    { .cache_bytes = 64 << 10 },
    { .cache_bytes = 1 << 20, .sealed = true },
};

static const struct world_options *variant_of(uint64_t seed)
{
    return &variants[seed % COUNT_OF(variants)];
}

/* ---- faults ---- */

struct fault_row {
    const char *name;
    enum sim_fault fault;
    bool forever;
};

static const struct fault_row faults[] = {
    { "EIO once", SIM_FAULT_IO, false },
    { "EIO from then on", SIM_FAULT_IO, true },
    { "a short write", SIM_FAULT_SHORT, false },
    { "ENOSPC once", SIM_FAULT_SPACE, false },
    { "ENOSPC from then on", SIM_FAULT_SPACE, true },
};

/* Everything that was reported durable is found on disk, without damage. disk is changed. */
static void expect_durable(const struct world *w, struct sim_disk *disk, const char *script,
                           const char *end)
{
    char what[WHAT_BYTES];
    struct world got;

    snprintf(what, sizeof(what), "%s, then %s", script, end);

    if (world_open(&got, disk, &w->options, w->verdict, 5) == ST_OK)
        world_compare(w, &got, what);
    else
        verdict_fail(w->verdict, "%s: not opened: %s", what, got.why);
    world_close(&got);
}

/* The fault is over. Either the store is fenced, or it makes everything durable after all. */
static void end_script(struct world *w, bool failed_already, const char *what)
{
    struct store_stats stats;

    if (!w->store) return;
    if (!failed_already) world_settle(w);
    store_stats(w->store, &stats);
    if (stats.failed != w->failed) verdict_fail(w->verdict, "%s: fenced and not told", what);
    if (!w->failed && store_durable(w->store) < store_appended(w->store))
        verdict_fail(w->verdict, "%s: not durable and nothing was reported", what);
    if (w->failed) {                    /* nothing is taken any more */
        struct world_group *g = world_pick(w);
        unsigned refused = w->refused;

        if (g && !g->in_memory) world_append(w, g, 100, 0);
        if (g && !g->in_memory && w->refused == refused && g->now.last_seq + 1 < WORLD_SEQS)
            verdict_fail(w->verdict, "%s: fenced and takes more", what);
    }
}

/* Returns false when the fault did not come to pass: the script has fewer operations. */
static bool fault_script(uint64_t seed, const struct fault_row *row, uint64_t at,
                         struct verdict *v)
{
    struct sim_disk *disk = sim_disk_new(seed), *d;
    struct world w;
    char what[WHAT_BYTES - 20];
    bool came, reached;

    snprintf(what, sizeof(what), "seed %" PRIu64 ", %s in operation %" PRIu64, seed, row->name,
             at);
    sim_disk_fail(disk, at, row->fault, row->forever);
    if (world_open(&w, disk, variant_of(seed), v, seed) == ST_OK) {
        w.what = what;
        for (int step = 0; step < STEPS && w.store && !v->failures; step++) world_step(&w);
    } else if (!sim_disk_has_failed(disk)) {
        verdict_fail(v, "%s: not opened: %s", what, w.why);
    }
    if (w.store) world_settle(&w);
    came = sim_disk_has_failed(disk);
    reached = sim_disk_operations(disk) >= at;
    sim_disk_fail(disk, 0, SIM_FAULT_NONE, false);
    end_script(&w, w.failed, what);
    for (int i = 0; i < CRASHES && came && !v->failures; i++) {
        d = sim_crash_random(disk, &w.rng);
        expect_durable(&w, d, what, "a crash");
        sim_disk_free(&d);
    }
    if (came && !v->failures) {         /* the process ends, the machine goes on */
        v->checked++;
        d = sim_disk_clone(disk);
        expect_durable(&w, d, what, "a kill");
        sim_disk_free(&d);
    }
    if (came && w.store && !v->failures && !world_reopen(&w))
        verdict_fail(v, "%s: not opened again: %s", what, w.why);
    world_close(&w);
    sim_disk_free(&disk);
    return reached;
}

static void run_faults(uint64_t first, uint64_t seeds, uint64_t stride)
{
    struct verdict v = { 0 };

    for (uint64_t seed = first; seed < first + seeds; seed++)
        for (size_t i = 0; i < COUNT_OF(faults); i++) {
            uint64_t at = 1 + seed % stride;

            while (!v.failures && fault_script(seed, &faults[i], at, &v)) at += stride;
        }
    print_message("faults: %" PRIu64 " scripts with one, %" PRIu64 " failures\n", v.checked,
                  v.failures);
    if (v.failures) print_error("%s\n", v.first);
    assert_int_equal(v.failures, 0);
    assert_true(v.checked > 50 * seeds);
}

static void test_faults(void **state)
{
    (void)state;
    run_faults(1, 4, 5);
}

/* ---- damage ---- */

struct damage {
    struct verdict *v;
    const struct world *wanted;         /* everything in it is durable */
    const struct sim_disk *disk;
    char paths[PATHS_MAX][64];
    uint64_t sizes[PATHS_MAX];
    size_t count;
    uint64_t cases, unnoticed, refused, lost_max;
};

static void add_path(void *arg, const char *path, uint64_t size)
{
    struct damage *d = arg;

    if (d->count == PATHS_MAX) return;
    snprintf(d->paths[d->count], sizeof(d->paths[0]), "%s", path);
    d->sizes[d->count++] = size;
}

/* Open a damaged copy, compare, free it. must: something is lost for sure, so a report is due. */
static unsigned try_damage(struct damage *d, struct sim_disk *copy, const char *what, bool must)
{
    struct world got;
    unsigned lost = 0;

    d->cases++;
    if (world_open(&got, copy, &d->wanted->options, d->v, 3) == ST_OK) {
        lost = world_compare_damaged(d->wanted, &got, what);
        if (must && got.damages == 0) verdict_fail(d->v, "%s: nothing was reported", what);
        d->unnoticed += got.damages == 0 && lost == 0;
    } else {
        d->refused++;
    }
    world_close(&got);
    sim_disk_free(&copy);
    if (lost > d->lost_max) d->lost_max = lost;
    return lost;
}

static void flip_bits(struct damage *d, size_t i, struct rng *r)
{
    uint64_t step = d->sizes[i] / 150 + 1;
    char what[WHAT_BYTES];
    struct sim_disk *copy;

    for (uint64_t at = rng_below(r, 8); at < d->sizes[i] && !d->v->failures;
         at += 1 + rng_below(r, (uint32_t)(at < 400 ? 16 : 2 * step))) {
        snprintf(what, sizeof(what), "seed %" PRIu64 ", %s, a bit of byte %" PRIu64, d->v->states,
                 d->paths[i], at);
        copy = sim_disk_clone(d->disk);
        assert_int_equal(sim_disk_flip(copy, d->paths[i], at, (uint8_t)(1u << rng_below(r, 8))),
                         ST_OK);
        (void)try_damage(d, copy, what, false);
    }
}

static void cut_and_blank(struct damage *d, size_t i, struct rng *r)
{
    char what[WHAT_BYTES];
    struct sim_disk *copy;

    for (int k = 0; k < 12 && d->sizes[i] > 0 && !d->v->failures; k++) {
        uint64_t at = rng_below(r, (uint32_t)d->sizes[i]);

        if (k % 2) at = at / 4096 * 4096;
        copy = sim_disk_clone(d->disk);
        snprintf(what, sizeof(what), "seed %" PRIu64 ", %s, cut at byte %" PRIu64, d->v->states,
                 d->paths[i], at);
        assert_int_equal(sim_disk_cut(copy, d->paths[i], at), ST_OK);
        (void)try_damage(d, copy, what, false);
        copy = sim_disk_clone(d->disk);
        snprintf(what, sizeof(what), "seed %" PRIu64 ", %s, zeros from byte %" PRIu64,
                 d->v->states, d->paths[i], at);
        assert_int_equal(sim_disk_blank(copy, d->paths[i], at, 4096), ST_OK);
        (void)try_damage(d, copy, what, false);
    }
}

/* The file is gone, or another one has its name. */
static void swap_and_delete(struct damage *d, size_t i)
{
    char what[WHAT_BYTES];
    bool is_lock = strstr(d->paths[i], "/lock") != NULL;
    struct sim_disk *copy = sim_disk_clone(d->disk);

    snprintf(what, sizeof(what), "seed %" PRIu64 ", %s, deleted", d->v->states, d->paths[i]);
    assert_int_equal(sim_disk_delete(copy, d->paths[i]), ST_OK);
    (void)try_damage(d, copy, what, !is_lock);
    for (size_t k = i + 1; k < d->count && !d->v->failures; k++) {
        bool are_manifests = strstr(d->paths[i], "manifest") && strstr(d->paths[k], "manifest");

        copy = sim_disk_clone(d->disk);
        snprintf(what, sizeof(what), "seed %" PRIu64 ", %s, swapped with %s", d->v->states,
                 d->paths[i], d->paths[k]);
        assert_int_equal(sim_disk_swap(copy, d->paths[i], d->paths[k]), ST_OK);
        (void)try_damage(d, copy, what, !is_lock && !are_manifests);
    }
}

/* A store that was closed: the torn end of an open one can't be told from one that was cut. */
static void damage_script(uint64_t seed, struct damage *d)
{
    struct sim_disk *disk = sim_disk_new(seed);
    struct world w;
    struct rng r;

    rng_seed(&r, seed);
    if (world_open(&w, disk, variant_of(seed), d->v, seed) != ST_OK)
        verdict_fail(d->v, "not opened: %s", w.why);
    for (int step = 0; step < 2 * STEPS && w.store; step++) world_step(&w);
    if (w.store) world_settle(&w);
    if (w.store) store_close(&w.store);
    w.durable = UINT64_MAX - 1;         /* everything */
    d->wanted = &w;
    d->disk = disk;
    d->count = 0;
    d->v->states = seed;                /* for the texts */
    sim_disk_files(disk, add_path, d);
    for (size_t i = 0; i < d->count && !d->v->failures; i++) {
        flip_bits(d, i, &r);
        cut_and_blank(d, i, &r);
        swap_and_delete(d, i);
    }
    world_close(&w);
    sim_disk_free(&disk);
}

static void run_damage(uint64_t first, uint64_t seeds)
{
    struct verdict v = { 0 };
    struct damage d = { .v = &v };

    for (uint64_t seed = first; seed < first + seeds && !v.failures; seed++)
        damage_script(seed, &d);
    print_message("damage: %" PRIu64 " cases, %" PRIu64 " refused to open, %" PRIu64
                  " without effect, at most %" PRIu64 " messages lost, %" PRIu64 " failures\n",
                  d.cases, d.refused, d.unnoticed, d.lost_max, v.failures);
    if (v.failures) print_error("%s\n", v.first);
    assert_int_equal(v.failures, 0);
}

static void test_damage(void **state)
{
    (void)state;
    run_damage(1, 3);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_damage),
    };

    if (argc > 1) {
        uint64_t count = strtoull(argv[1], NULL, 10);
        uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;

        run_faults(first, count, 1);
        run_damage(first, count);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
