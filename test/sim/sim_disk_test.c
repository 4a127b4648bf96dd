/* SPDX-License-Identifier: Apache-2.0 */
/* sim_disk_test.c - the simulated disk against the real one, its crash states against lists made by
 * hand, its faults one by one. */
#include "sim/sim_disk.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "sim/sim_crash.h"

#define FILES 4
#define STEPS 4000
#define BYTES_MAX 20000

static struct disk_dir *open_root(struct sim_disk *s)
{
    struct disk_dir *dir;

    assert_int_equal(disk_dir_open(sim_disk_of(s), "/data", true, &dir, NULL), ST_OK);
    return dir;
}

static struct disk_file *open_file(struct disk_dir *dir, const char *name, enum disk_mode mode)
{
    struct disk_file *f;

    assert_int_equal(disk_open(dir, name, mode, &f, NULL), ST_OK);
    return f;
}

static enum status put(struct disk_file *f, uint64_t offset, const char *text)
{
    struct span part = span_of(text);

    return disk_write(f, offset, &part, 1, NULL);
}

/* Bytes of a file, "-" when there is none. */
static void content(struct sim_disk *s, const char *name, char *out, size_t cap)
{
    struct disk_dir *dir = open_root(s);
    struct disk_file *f;
    size_t n = 0;

    if (disk_open(dir, name, DISK_READ, &f, NULL) == ST_OK) {
        assert_int_equal(disk_read(f, 0, out, cap - 1, &n, NULL), ST_OK);
        for (size_t i = 0; i < n; i++)
            if (!out[i]) out[i] = '.';
        out[n] = '\0';
    } else {
        snprintf(out, cap, "-");
    }
    disk_close(&f);
    disk_dir_close(&dir);
}

/* ---- the same as a real disk ---- */

struct pair {
    struct disk_dir *dirs[2];
    struct disk_file *files[2][FILES];
    char names[FILES][8];
    struct rng rng;
};

static void same(enum status a, enum status b, const char *what, unsigned step)
{
    if (a == b) return;
    print_error("step %u, %s: %s, simulated %s\n", step, what, status_text(a), status_text(b));
    fail();
}

static void compare_read(struct pair *p, unsigned step, unsigned i, uint64_t offset, size_t len)
{
    char *got[2];
    size_t n[2];
    uint64_t size[2];
    enum status st[2];

    for (int k = 0; k < 2; k++) {
        got[k] = calloc(1, len + 1);
        st[k] = disk_read(p->files[k][i], offset, got[k], len, &n[k], NULL);
        assert_int_equal(disk_size(p->files[k][i], &size[k], NULL), ST_OK);
    }
    same(st[0], st[1], "read", step);
    assert_int_equal(n[0], n[1]);
    assert_int_equal(size[0], size[1]);
    assert_memory_equal(got[0], got[1], n[0]);
    free(got[0]);
    free(got[1]);
}

static void change_names(struct pair *p, unsigned step, unsigned i)
{
    char other[8];
    enum status st[2];
    uint32_t what = rng_below(&p->rng, 3);
    enum disk_mode mode = rng_below(&p->rng, 3);

    snprintf(other, sizeof(other), "f%u", rng_below(&p->rng, 6));
    for (int k = 0; k < 2; k++) {
        if (what == 0) st[k] = disk_rename(p->dirs[k], p->names[i], other, NULL);
        else if (what == 1) st[k] = disk_remove(p->dirs[k], other, NULL);
        else disk_close(&p->files[k][i]), st[k] = disk_open(p->dirs[k], other, mode,
                                                            &p->files[k][i], NULL);
    }
    same(st[0], st[1], what == 0 ? "rename" : what == 1 ? "remove" : "open", step);
    if (what != 1) snprintf(p->names[i], sizeof(p->names[i]), "%s", other);
}

static void change_content(struct pair *p, unsigned step, unsigned i)
{
    static char bytes[BYTES_MAX];
    uint64_t offset = rng_below(&p->rng, BYTES_MAX);
    size_t len = rng_below(&p->rng, rng_below(&p->rng, 2) ? 64 : BYTES_MAX);
    struct span parts[2] = { { bytes, len / 3 }, { bytes + len / 3, len - len / 3 } };
    uint32_t what = rng_below(&p->rng, 5);
    enum status st[2];

    memset(bytes, (int)(1 + step % 255), len);
    for (int k = 0; k < 2; k++) {
        struct disk_file *f = p->files[k][i];

        if (what < 2) st[k] = disk_write(f, offset, parts, 2, NULL);
        else if (what == 2) st[k] = disk_zero(f, offset, len, NULL);
        else if (what == 3) st[k] = disk_truncate(f, offset, NULL);
        else st[k] = disk_sync(f, NULL);
    }
    /* A file opened to be read refuses with other words, but refuses. */
    if (st[0] != ST_OK && st[1] != ST_OK) return;
    same(st[0], st[1], "change", step);
}

static void test_as_real(void **state)
{
    char path[] = "/tmp/sim_disk_test.XXXXXX", command[64];
    struct disk *real = disk_real_new();
    struct sim_disk *s = sim_disk_new(1);
    struct pair p = { 0 };

    (void)state;
    rng_seed(&p.rng, 7);
    assert_non_null(mkdtemp(path));
    assert_int_equal(disk_dir_open(real, path, false, &p.dirs[0], NULL), ST_OK);
    p.dirs[1] = open_root(s);
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned i = rng_below(&p.rng, FILES);

        if (!p.files[0][i] || rng_below(&p.rng, 8) == 0) change_names(&p, step, i);
        else if (rng_below(&p.rng, 2)) change_content(&p, step, i);
        else compare_read(&p, step, i, rng_below(&p.rng, BYTES_MAX), rng_below(&p.rng, BYTES_MAX));
        assert_int_equal(!p.files[0][i], !p.files[1][i]);
    }
    for (int k = 0; k < 2; k++) {
        for (unsigned i = 0; i < FILES; i++) disk_close(&p.files[k][i]);
        disk_dir_close(&p.dirs[k]);
    }
    snprintf(command, sizeof(command), "rm -rf '%s'", path);
    assert_int_equal(system(command), 0);
    disk_free(&real);
    sim_disk_free(&s);
}

/* ---- crashes ---- */

/* All states of s that name can be in, sorted, without repetition, one space after each. */
static void states_of(struct sim_disk *s, const char *name, struct buf *out)
{
    struct sim_crash *c = sim_crash_new(s, 100000, 0, 1);
    char found[64][64];
    size_t count = 0;
    struct sim_disk *d;

    while ((d = sim_crash_next(c)) != NULL) {
        char text[64];
        size_t at = 0;

        content(d, name, text, sizeof(text));
        sim_disk_free(&d);
        while (at < count && strcmp(found[at], text) < 0) at++;
        if (at < count && strcmp(found[at], text) == 0) continue;
        assert_true(count < 64);
        memmove(found + at + 1, found + at, (count - at) * sizeof(found[0]));
        memcpy(found[at], text, sizeof(text));
        count++;
    }
    for (size_t i = 0; i < count; i++) buf_printf(out, "%s ", found[i]);
    sim_crash_free(&c);
}

static void expect_states(struct sim_disk *s, const char *name, const char *wanted)
{
    struct buf got = { 0 };

    states_of(s, name, &got);
    assert_string_equal(buf_text(&got), wanted);
    buf_free(&got);
}

static void test_crash_file(void **state)
{
    struct sim_disk *s = sim_disk_new(1);
    struct disk_dir *dir = open_root(s);
    struct disk_file *f = open_file(dir, "a", DISK_CREATE);

    (void)state;
    assert_int_equal(put(f, 0, "one"), ST_OK);
    expect_states(s, "a", " - ... one ");
    assert_int_equal(disk_dir_sync(dir, NULL), ST_OK);
    expect_states(s, "a", " ... one ");
    assert_int_equal(disk_sync(f, NULL), ST_OK);
    expect_states(s, "a", "one ");
    assert_int_equal(put(f, 0, "two"), ST_OK);
    assert_int_equal(put(f, 1, "WO"), ST_OK);
    expect_states(s, "a", "one tWO two ");
    assert_int_equal(put(f, 3, "er"), ST_OK);
    expect_states(s, "a", "one one.. tWO tWO.. tWOer two two.. ");
    assert_int_equal(disk_truncate(f, 1, NULL), ST_OK);
    expect_states(s, "a", "o one one.. t t.. t.... tWO tWO.. tWOer two two.. ");
    assert_int_equal(disk_sync(f, NULL), ST_OK);
    expect_states(s, "a", "t ");
    disk_close(&f);
    disk_dir_close(&dir);
    sim_disk_free(&s);
}

static void test_crash_torn(void **state)
{
    struct sim_disk *s = sim_disk_new(1);
    struct disk_dir *dir = open_root(s);
    struct disk_file *f = open_file(dir, "a", DISK_CREATE);
    char bytes[2 * SIM_SECTOR + 1];
    struct sim_crash *c;
    struct sim_disk *d;
    unsigned seen = 0;

    (void)state;
    memset(bytes, 'n', sizeof(bytes) - 1);
    bytes[sizeof(bytes) - 1] = '\0';
    assert_int_equal(disk_zero(f, 0, SIM_PAGE * 2, NULL), ST_OK);
    assert_int_equal(disk_sync(f, NULL), ST_OK);
    assert_int_equal(disk_dir_sync(dir, NULL), ST_OK);
    c = sim_crash_new(s, 100, 0, 1);
    assert_int_equal(sim_crash_count(c), 1);
    sim_crash_free(&c);
    assert_int_equal(put(f, SIM_PAGE - SIM_SECTOR, bytes), ST_OK);      /* across pages */
    c = sim_crash_new(s, 100, 0, 1);
    assert_int_equal(sim_crash_count(c), 4);
    while ((d = sim_crash_next(c)) != NULL) {
        char got[2 * SIM_SECTOR];
        unsigned is = 0;

        assert_int_equal(sim_disk_peek(d, "data/a", SIM_PAGE - SIM_SECTOR, got, sizeof(got)),
                         ST_OK);
        for (unsigned i = 0; i < sizeof(got); i++)
            assert_int_equal(got[i], got[i / SIM_SECTOR * SIM_SECTOR]);
        is = (unsigned)(got[0] == 'n') | (unsigned)(got[SIM_SECTOR] == 'n') << 1;
        seen |= 1u << is;
        sim_disk_free(&d);
    }
    assert_int_equal(seen, 15);
    sim_crash_free(&c);
    disk_close(&f);
    disk_dir_close(&dir);
    sim_disk_free(&s);
}

static void test_crash_names(void **state)
{
    struct sim_disk *s = sim_disk_new(1);
    struct disk_dir *dir = open_root(s), *sub;
    struct disk_file *f;

    (void)state;
    f = open_file(dir, "a", DISK_CREATE);
    assert_int_equal(put(f, 0, "old"), ST_OK);
    assert_int_equal(disk_sync(f, NULL), ST_OK);
    disk_close(&f);
    f = open_file(dir, "b", DISK_CREATE);
    assert_int_equal(put(f, 0, "new"), ST_OK);
    assert_int_equal(disk_dir_sync(dir, NULL), ST_OK);
    assert_int_equal(disk_sync(f, NULL), ST_OK);
    disk_close(&f);
    assert_int_equal(disk_rename(dir, "b", "a", NULL), ST_OK);
    expect_states(s, "a", "new old ");
    expect_states(s, "b", "- new ");
    assert_int_equal(disk_remove(dir, "a", NULL), ST_OK);
    expect_states(s, "a", "- new old ");
    assert_int_equal(disk_dir_sync(dir, NULL), ST_OK);
    expect_states(s, "a", "- ");
    assert_int_equal(disk_dir_open_in(dir, "sub", true, &sub, NULL), ST_OK);
    f = open_file(sub, "c", DISK_CREATE);
    assert_int_equal(disk_dir_sync(sub, NULL), ST_OK);
    expect_states(s, "sub/c", "- ");            /* no plain name: never there */
    disk_close(&f);
    disk_dir_close(&sub);
    disk_dir_close(&dir);
    sim_disk_free(&s);
}

/* Many combinations: the plan covers what a disk in order leaves, and what lacks one write. */
static void test_crash_plan(void **state)
{
    struct sim_disk *s = sim_disk_new(1), *d;
    struct disk_dir *dir = open_root(s);
    struct disk_file *f = open_file(dir, "a", DISK_CREATE);
    struct sim_crash *c;
    unsigned states = 0, whole = 0, torn = 0;
    bool in_order[41] = { false }, lacks[40] = { false };

    (void)state;
    assert_int_equal(disk_truncate(f, 40 * SIM_SECTOR, NULL), ST_OK);
    assert_int_equal(disk_sync(f, NULL), ST_OK);
    assert_int_equal(disk_dir_sync(dir, NULL), ST_OK);
    for (unsigned i = 0; i < 40; i++) assert_int_equal(put(f, i * SIM_SECTOR, "x"), ST_OK);
    c = sim_crash_new(s, 1000, 50, 3);
    assert_true(sim_crash_count(c) == (uint64_t)1 << 40);
    for (; (d = sim_crash_next(c)) != NULL; states++) {
        unsigned count = 0, first_gap = 40;

        for (unsigned i = 0; i < 40; i++) {
            char got;

            assert_int_equal(sim_disk_peek(d, "data/a", i * SIM_SECTOR, &got, 1), ST_OK);
            count += got == 'x';
            if (got != 'x' && first_gap == 40) first_gap = i;
        }
        if (first_gap == count) in_order[count] = true;
        else if (count == 39) lacks[first_gap] = true;
        else torn++;
        whole += count == 40;
        sim_disk_free(&d);
    }
    assert_int_equal(states, 41 + 40 + 40 + 50);
    assert_true(whole >= 1 && torn > 0);
    for (unsigned i = 0; i <= 40; i++) assert_true(in_order[i]);
    for (unsigned i = 0; i < 39; i++) assert_true(lacks[i]);
    sim_crash_free(&c);
    disk_close(&f);
    disk_dir_close(&dir);
    sim_disk_free(&s);
}

/* After a failed sync a good one does not bring back what was lost. */
static void test_failed_sync(void **state)
{
    unsigned lost = 0, kept = 0;

    (void)state;
    for (uint64_t seed = 0; seed < 32; seed++) {
        struct sim_disk *s = sim_disk_new(seed);
        struct disk_dir *dir = open_root(s);
        struct disk_file *f = open_file(dir, "a", DISK_CREATE);
        struct buf states = { 0 };
        char got[64];

        assert_int_equal(put(f, 0, "one"), ST_OK);
        assert_int_equal(disk_sync(f, NULL), ST_OK);
        assert_int_equal(disk_dir_sync(dir, NULL), ST_OK);
        assert_int_equal(put(f, 0, "two"), ST_OK);
        sim_disk_fail(s, sim_disk_operations(s) + 1, SIM_FAULT_IO, false);
        assert_int_equal(disk_sync(f, NULL), ST_IO);
        assert_true(sim_disk_has_failed(s));
        assert_int_equal(disk_sync(f, NULL), ST_OK);
        content(s, "a", got, sizeof(got));
        assert_string_equal(got, "two");        /* in memory */
        states_of(s, "a", &states);
        lost += span_is(buf_span(&states), "one ");
        kept += span_is(buf_span(&states), "two ");
        buf_free(&states);
        assert_int_equal(put(f, 2, "O"), ST_OK);        /* written again, whole */
        assert_int_equal(disk_sync(f, NULL), ST_OK);
        expect_states(s, "a", "twO ");
        disk_close(&f);
        disk_dir_close(&dir);
        sim_disk_free(&s);
    }
    assert_int_equal(lost + kept, 32);
    assert_true(lost > 0 && kept > 0);
}

static void test_faults(void **state)
{
    static const struct { enum sim_fault fault; enum status st; const char *then; } rows[] = {
        { SIM_FAULT_IO, ST_IO, "0123456789" },
        { SIM_FAULT_SPACE, ST_LIMIT, "0123456789" },
        { SIM_FAULT_SHORT, ST_IO, "AB23456789" },
        { SIM_FAULT_LOST, ST_OK, "0123456789" },
        { SIM_FAULT_NONE, ST_OK, "ABCD456789" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct sim_disk *s = sim_disk_new(1);
        struct disk_dir *dir = open_root(s);
        struct disk_file *f = open_file(dir, "a", DISK_CREATE);
        char got[64];

        print_message("fault %d\n", (int)rows[i].fault);
        assert_int_equal(put(f, 0, "0123456789"), ST_OK);
        sim_disk_fail(s, sim_disk_operations(s) + 1, rows[i].fault, false);
        assert_int_equal(put(f, 0, "ABCD"), rows[i].st);
        assert_int_equal(sim_disk_has_failed(s), rows[i].fault != SIM_FAULT_NONE);
        content(s, "a", got, sizeof(got));
        assert_string_equal(got, rows[i].then);
        sim_disk_fail(s, sim_disk_operations(s) + 1, SIM_FAULT_IO, true);
        assert_int_equal(disk_sync(f, NULL), ST_IO);
        assert_int_equal(disk_dir_sync(dir, NULL), ST_IO);
        assert_int_equal(disk_rename(dir, "a", "b", NULL), ST_IO);
        sim_disk_fail(s, 0, SIM_FAULT_NONE, false);
        assert_int_equal(disk_rename(dir, "a", "b", NULL), ST_OK);
        disk_close(&f);
        disk_dir_close(&dir);
        sim_disk_free(&s);
    }
}

static void test_space(void **state)
{
    struct sim_disk *s = sim_disk_new(1);
    struct disk_dir *dir = open_root(s);
    struct disk_file *f = open_file(dir, "a", DISK_CREATE), *g = open_file(dir, "b", DISK_CREATE);
    uint64_t left;

    (void)state;
    sim_disk_limit(s, 3 * SIM_PAGE + 5);
    assert_int_equal(disk_zero(f, 0, 2 * SIM_PAGE, NULL), ST_OK);
    assert_int_equal(put(g, SIM_PAGE - 1, "xy"), ST_LIMIT);     /* two pages */
    assert_int_equal(put(g, SIM_PAGE - 1, "x"), ST_OK);
    assert_int_equal(disk_dir_space(dir, &left, NULL), ST_OK);
    assert_int_equal(left, 0);
    assert_int_equal(put(f, 2 * SIM_PAGE - 1, "x"), ST_OK);     /* reserved */
    assert_int_equal(disk_remove(dir, "a", NULL), ST_OK);
    assert_int_equal(disk_dir_space(dir, &left, NULL), ST_OK);
    assert_int_equal(left, 2 * SIM_PAGE);
    disk_close(&f);
    disk_close(&g);
    disk_dir_close(&dir);
    sim_disk_free(&s);
}

/* A disk that lies loses what it said was synced. */
static void test_ignored_sync(void **state)
{
    struct sim_disk *s = sim_disk_new(1);
    struct disk_dir *dir = open_root(s);
    struct disk_file *f = open_file(dir, "a", DISK_CREATE);

    (void)state;
    sim_disk_ignore_sync(s, true, false);
    assert_int_equal(put(f, 0, "one"), ST_OK);
    assert_int_equal(disk_sync(f, NULL), ST_OK);
    assert_int_equal(disk_dir_sync(dir, NULL), ST_OK);
    expect_states(s, "a", " ... one ");
    sim_disk_ignore_sync(s, false, true);
    assert_int_equal(disk_sync(f, NULL), ST_OK);
    assert_int_equal(disk_remove(dir, "a", NULL), ST_OK);
    assert_int_equal(disk_dir_sync(dir, NULL), ST_OK);
    expect_states(s, "a", "- one ");
    disk_close(&f);
    disk_dir_close(&dir);
    sim_disk_free(&s);
}

static void test_damage(void **state)
{
    struct sim_disk *s = sim_disk_new(1), *copy;
    struct disk_dir *dir = open_root(s);
    struct disk_file *f = open_file(dir, "a", DISK_CREATE), *g = open_file(dir, "b", DISK_CREATE);
    uint64_t hash = sim_disk_hash(s);

    (void)state;
    assert_int_equal(disk_dir_sync(dir, NULL), ST_OK);
    assert_int_equal(put(f, 0, "0123456789"), ST_OK);
    assert_int_equal(put(g, 0, "bb"), ST_OK);
    assert_true(sim_disk_hash(s) != hash);
    copy = sim_disk_clone(s);
    assert_true(sim_disk_hash(copy) == sim_disk_hash(s));
    assert_int_equal(sim_disk_flip(copy, "data/a", 1, 'A' ^ '1'), ST_OK);
    expect_states(copy, "a", "0A23456789 ");
    assert_int_equal(sim_disk_cut(copy, "/data/a", 4), ST_OK);
    expect_states(copy, "a", "0A23 ");
    assert_int_equal(sim_disk_blank(copy, "data/a", 2, 100), ST_OK);
    expect_states(copy, "a", "0A.. ");
    assert_int_equal(sim_disk_swap(copy, "data/a", "data/b"), ST_OK);
    expect_states(copy, "a", "bb ");
    expect_states(copy, "b", "0A.. ");
    assert_int_equal(sim_disk_delete(copy, "data/b"), ST_OK);
    expect_states(copy, "b", "- ");
    assert_int_equal(sim_disk_delete(copy, "data/b"), ST_NOT_FOUND);
    assert_int_equal(sim_disk_flip(copy, "data/a", 2, 1), ST_NOT_FOUND);
    assert_int_equal(sim_disk_flip(copy, "else/a", 0, 1), ST_NOT_FOUND);
    assert_true(sim_disk_hash(copy) != sim_disk_hash(s));
    sim_disk_free(&copy);
    expect_states(s, "a", " .......... 0123456789 ");        /* the copy was apart */
    disk_close(&f);
    disk_close(&g);
    disk_dir_close(&dir);
    sim_disk_free(&s);
}

static void count_hook(void *arg, const struct sim_disk *s, const char *operation)
{
    (void)s;
    (void)operation;
    ++*(unsigned *)arg;
}

static uint64_t trace_of(const char *text)
{
    struct sim_disk *s = sim_disk_new(5);
    struct disk_dir *dir = open_root(s);
    struct disk_file *f, *lock, *again;
    unsigned hooked = 0;
    uint64_t trace;
    char got[8];
    size_t n;

    sim_disk_hook(s, count_hook, &hooked);
    assert_int_equal(disk_dir_lock(dir, "lock", &lock, NULL), ST_OK);
    assert_int_equal(disk_dir_lock(dir, "lock", &again, NULL), ST_DENIED);
    disk_close(&lock);
    f = open_file(dir, "a", DISK_CREATE);
    assert_int_equal(put(f, 0, text), ST_OK);
    assert_int_equal(disk_read(f, 0, got, 8, &n, NULL), ST_OK);
    assert_int_equal(disk_sync(f, NULL), ST_OK);
    assert_int_equal(hooked, 4);                /* lock, open, write, sync */
    assert_int_equal(sim_disk_operations(s), 7);
    trace = sim_disk_trace(s);
    disk_close(&f);
    disk_dir_close(&dir);
    sim_disk_free(&s);
    return trace;
}

static void test_trace(void **state)
{
    (void)state;
    assert_true(trace_of("x") == trace_of("x"));
    assert_true(trace_of("x") != trace_of("y"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_real),
        cmocka_unit_test(test_crash_file),
        cmocka_unit_test(test_crash_torn),
        cmocka_unit_test(test_crash_names),
        cmocka_unit_test(test_crash_plan),
        cmocka_unit_test(test_failed_sync),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_space),
        cmocka_unit_test(test_ignored_sync),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_trace),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
