/* SPDX-License-Identifier: Apache-2.0 */
/* store_crash_test.c - the store on a simulated disk: crashes at every operation, a fault in every
 * operation, damage in every file.
 *
 *     store_crash_test [SEEDS [FIRST]]
 *
 * Random scripts of an owner (store_world.c) run step by step. Before every operation that changes
 * the disk, the states that a crash may leave there are made, each is recovered and compared with
 * the model; in some the recovery is interrupted as well, and in some the owner goes on and crashes
 * again. A failure names seed, step and operation; the same seed gives the same run. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "sim/sim_crash.h"
#include "sim/store_world.h"

#define STEPS 40                        /* of a script */
#define STATES_ALL_MAX 48               /* where there are no more, all are made */
#define STATES_SAMPLED 8
#define NESTED_ALL_MAX 6                /* of an interrupted recovery */
#define NESTED_SAMPLED 2
#define NESTED_EVERY 16                 /* states whose recovery is interrupted: one in so many */
#define CONTINUED_EVERY 8               /* states after which the owner goes on */
#define SEEN_SLOTS (1u << 20)

struct search {
    const struct world *wanted;
    struct verdict *verdict;
    uint64_t seed, limit, samples;
    uint64_t base;                      /* verdict->checked when the script began */
    unsigned step, depth;
    uint64_t *seen;                     /* hashes of states that were checked */
    size_t seen_count;
};

/* ---- crash states ---- */

static bool is_new(struct search *s, uint64_t hash)
{
    uint32_t at = (uint32_t)hash & (SEEN_SLOTS - 1);

    if (!s->seen || s->seen_count > SEEN_SLOTS / 2) return true;
    hash |= 1;
    for (; s->seen[at]; at = (at + 1) & (SEEN_SLOTS - 1))
        if (s->seen[at] == hash) return false;
    s->seen[at] = hash;
    s->seen_count++;
    return true;
}

static void check_crashes(void *arg, const struct sim_disk *disk, const char *operation);

/* The owner goes on for some steps in the recovered world, then everything crashes once more. */
static void go_on(struct search *s, struct world *got, const char *what)
{
    struct verdict *v = got->verdict;
    struct world again;
    struct sim_disk *d;

    v->continued++;
    got->what = what;
    for (int i = 0; i < 6 && got->store && !v->failures; i++) world_step(got);
    if (!got->store || v->failures) return;
    d = sim_crash_random(got->disk, &got->rng);
    if (world_open(&again, d, &got->options, v, s->seed) == ST_OK) {
        world_compare(got, &again, what);
        world_settle(&again);
    } else {
        verdict_fail(v, "%s: opening again: %s", what, again.why);
    }
    world_close(&again);
    sim_disk_free(&d);
}

static void check_state(struct search *s, struct sim_disk *d, const char *what)
{
    struct search nested = { .wanted = s->wanted, .verdict = s->verdict, .seed = s->seed,
                             .limit = NESTED_ALL_MAX, .samples = NESTED_SAMPLED, .base = s->base,
                             .step = s->step, .depth = s->depth + 1 };
    struct verdict *v = s->verdict;
    uint64_t number = ++v->checked - s->base;
    struct world got;
    enum status st;

    if (s->depth == 0 && number % NESTED_EVERY == 0) {
        v->recovered_twice++;
        sim_disk_hook(d, check_crashes, &nested);
    }
    st = world_open(&got, d, &s->wanted->options, v, s->seed + number);
    sim_disk_hook(d, NULL, NULL);
    if (st == ST_OK) {
        world_compare(s->wanted, &got, what);
        if (s->depth == 0 && number % CONTINUED_EVERY == 0) go_on(s, &got, what);
    } else {
        verdict_fail(v, "%s: not opened: %s", what, got.why);
    }
    world_close(&got);
}

/* The process ends here, but not the machine: what is not synced is read back. What the store then
 * recovers must outlast the machine as well, because the owner acts on it. */
static void check_kill(struct search *s, const struct sim_disk *disk, const char *what)
{
    struct sim_disk *d = sim_disk_clone(disk), *left;
    struct verdict *v = s->verdict;
    struct sim_crash *c;
    struct world got, again;

    v->killed++;
    if (world_open(&got, d, &s->wanted->options, v, s->seed) == ST_OK)
        world_compare(s->wanted, &got, what);
    else
        verdict_fail(v, "%s: not opened: %s", what, got.why);
    c = sim_crash_new(d, NESTED_ALL_MAX, NESTED_SAMPLED, s->seed);
    while (!v->failures && (left = sim_crash_next(c)) != NULL) {
        if (world_open(&again, left, &got.options, v, s->seed) == ST_OK)
            world_compare(&got, &again, what);
        else
            verdict_fail(v, "%s: not opened: %s", what, again.why);
        world_close(&again);
        sim_disk_free(&left);
    }
    sim_crash_free(&c);
    world_close(&got);
    sim_disk_free(&d);
}

/* The hook: disk is as the operations so far left it, and the next one is about to begin. */
static void check_crashes(void *arg, const struct sim_disk *disk, const char *operation)
{
    struct search *s = arg, here = *s;
    struct sim_crash *c;
    struct sim_disk *d;
    char what[160];
    unsigned number = 0;

    if (s->verdict->failures) return;
    if (s->wanted->before) here.wanted = s->wanted->before;
    snprintf(what, sizeof(what), "seed %" PRIu64 ", step %u, before operation %" PRIu64
             " (%s), the process killed", s->seed, s->step, sim_disk_operations(disk), operation);
    if (s->depth == 0) check_kill(&here, disk, what);
    c = sim_crash_new(disk, s->limit, s->samples, s->seed ^ sim_disk_operations(disk));
    while (!s->verdict->failures && (d = sim_crash_next(c)) != NULL) {
        snprintf(what, sizeof(what), "seed %" PRIu64 ", step %u, before operation %" PRIu64
                 " (%s), state %u%s", s->seed, s->step, sim_disk_operations(disk), operation,
                 number++, s->depth ? ", while recovering" : "");
        s->verdict->states++;
        if (is_new(s, sim_disk_hash(d) ^ here.wanted->durable * 0x9e3779b97f4a7c15))
            check_state(&here, d, what);
        sim_disk_free(&d);
    }
    s->seen_count = here.seen_count > s->seen_count ? here.seen_count : s->seen_count;
    sim_crash_free(&c);
}

enum lie { LIE_NONE, LIE_FILES, LIE_DIRECTORIES };

static const struct world_options variants[] = {
    { .cache_bytes = 64 << 10 },
    { .cache_bytes = 1 << 20, .sealed = true },
    { .cache_bytes = 1 << 20, .lazy = true },
};

/* One script with all its crashes. */
static void crash_script(uint64_t seed, enum lie lie, struct verdict *v)
{
    struct sim_disk *disk = sim_disk_new(seed);
    struct world w = { 0 };
    struct search s = { .wanted = &w, .verdict = v, .seed = seed, .limit = STATES_ALL_MAX,
                        .samples = STATES_SAMPLED, .base = v->checked,
                        .seen = mem_zero(SEEN_SLOTS * sizeof(uint64_t)) };

    sim_disk_ignore_sync(disk, lie == LIE_FILES, lie == LIE_DIRECTORIES);
    w.options = variants[seed % COUNT_OF(variants)];
    sim_disk_hook(disk, check_crashes, &s);
    if (world_open(&w, disk, &variants[seed % COUNT_OF(variants)], v, seed) != ST_OK)
        verdict_fail(v, "seed %" PRIu64 ": not opened: %s", seed, w.why);
    for (s.step = 1; s.step <= STEPS && w.store && !v->failures; s.step++) world_step(&w);
    if (w.store && !v->failures) world_settle(&w);
    if (w.failed && !v->failures) verdict_fail(v, "seed %" PRIu64 ": failed: %s", seed, w.why);
    check_crashes(&s, disk, "the end");
    sim_disk_hook(disk, NULL, NULL);
    world_close(&w);
    sim_disk_free(&disk);
    mem_free(s.seen);
}

static void print_verdict(const char *what, const struct verdict *v)
{
    print_message("%s: %" PRIu64 " states, %" PRIu64 " different ones recovered, %" PRIu64
                  " recoveries interrupted, %" PRIu64 " gone on with, %" PRIu64 " kills, %" PRIu64
                  " failures\n", what, v->states, v->checked, v->recovered_twice, v->continued,
                  v->killed, v->failures);
    print_message("the scripts: %" PRIu64 " segments reclaimed, %" PRIu64 " records moved, %" PRIu64
                  " messages erased\n", v->reclaimed, v->moved, v->erased);
    if (v->failures) print_error("%s\n", v->first);
}

static void run_crashes(uint64_t first, uint64_t count)
{
    struct verdict v = { 0 };

    for (uint64_t seed = first; seed < first + count && !v.failures; seed++)
        crash_script(seed, LIE_NONE, &v);
    print_verdict("crashes", &v);
    assert_int_equal(v.failures, 0);
    assert_true(v.checked > 100 * count && v.recovered_twice > 0 && v.continued > 0);
}

static void test_crashes(void **state)
{
    (void)state;
    run_crashes(1, 6);
}

/* Negative control: the search must find the loss on a disk that does not sync. */
static void test_lying_disks(void **state)
{
    (void)state;
    for (enum lie lie = LIE_FILES; lie <= LIE_DIRECTORIES; lie++) {
        struct verdict v = { 0 };

        for (uint64_t seed = 0; seed < 12 && !v.failures; seed += COUNT_OF(variants))
            crash_script(seed, lie, &v);
        print_message("caught: %s\n", v.first);
        assert_true(v.failures > 0);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crashes),
        cmocka_unit_test(test_lying_disks),
    };

    if (argc > 1) {
        uint64_t count = strtoull(argv[1], NULL, 10);

        run_crashes(argc > 2 ? strtoull(argv[2], NULL, 10) : 1, count);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
