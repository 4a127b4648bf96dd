/* SPDX-License-Identifier: Apache-2.0 */
/* collect_test.c - segments go when what is in them is dead, and nothing else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/store_test_owner.h"

static struct store_stats stats_of(struct owner *o)
{
    struct store_stats stats;

    store_stats(o->s, &stats);
    return stats;
}

/* Run until so many segments are gone, and without threads until nothing is to do. */
static void settle(struct owner *o, uint64_t reclaimed)
{
    int64_t deadline = clock_mono_ns() + INT64_C(30000000000);

    owner_wait_durable(o, store_appended(o->s));
    while (stats_of(o).reclaimed_segments < reclaimed) {
        assert_true(clock_mono_ns() < deadline);
        owner_turn(o);
    }
    if (!o->options.threads) owner_settle(o);
}

/* Three of four messages go; the rest is copied forward and still right, also after reopening. */
static void live_messages_are_copied_forward(void **state)
{
    (void)state;
    for (int mode = 0; mode < 4; mode++) {
        char *dir = owner_make_dir();
        static struct owner o;
        struct owner_group *og;
        owner_start(&o, dir, mode & 1);
        og = owner_new_group(&o, 600, false);
        owner_new_group(&o, 100, false);
        if (mode & 2) {                 /* encrypted from the next opening on */
            o.options.key = SPAN_LIT("secret");
            owner_reopen(&o);
            og = o.groups[0]->size_max == 600 ? o.groups[0] : o.groups[1];
        }
        for (int i = 0; i < 8000; i++) {
            assert_int_equal(owner_append(og, NULL), ST_OK);
            if (i % 100 == 0) owner_turn(&o);
            if (i % 16 == 15)
                for (uint64_t k = 0; k < 12; k++) {
                    owner_release(og, og->last - k);
                    assert_int_equal(owner_delta(og, og->last - k, NULL), ST_OK);
                }
        }
        settle(&o, 9);
        assert_true(og->moved > 500);
        if (mode == 0)
            assert_true(stats_of(&o).disk_bytes < 2 * stats_of(&o).live_bytes + 4 * OWNER_SEGMENT);
        owner_check_all(&o);
        owner_reopen(&o);
        owner_reopen(&o);
        owner_stop(&o, dir);
    }
}

/* A segment stays as long as one of its groups has no later checkpoint. */
static void a_segment_waits_for_checkpoints(void **state)
{
    char *dir = owner_make_dir();
    static struct owner o;
    struct owner_group *og;

    (void)state;
    owner_start(&o, dir, false);
    og = owner_new_group(&o, 600, false);
    o.without_checkpoint = true;
    for (int i = 0; i < 3000; i++) {
        assert_int_equal(owner_append(og, NULL), ST_OK);
        owner_release(og, og->last);
        assert_int_equal(owner_delta(og, og->last, NULL), ST_OK);
        if (i % 100 == 0) owner_turn(&o);
    }
    for (int i = 0; i < 1000; i++) owner_turn(&o);
    assert_int_equal(stats_of(&o).reclaimed_segments, 0);
    o.without_checkpoint = false;
    settle(&o, 3);
    owner_reopen(&o);
    owner_stop(&o, dir);
}

/* A deleted group frees its segments and stays deleted, however often its end is copied. */
static void an_end_outlives_its_segment(void **state)
{
    char *dir = owner_make_dir();
    static struct owner o;
    struct owner_group *og;

    (void)state;
    owner_start(&o, dir, false);
    owner_new_group(&o, 600, false);
    owner_new_group(&o, 200, false);
    for (int i = 0; i < 1000; i++)      /* both in the first segments; those of the first stay */
        assert_int_equal(owner_append(o.groups[i % 50 == 0], NULL), ST_OK);
    store_group_delete(&o.groups[1]->g, NULL);
    mem_free(o.groups[1]);
    o.count = 1;
    og = o.groups[0];
    for (int i = 0; i < 2000; i++) {    /* what follows the end dies */
        assert_int_equal(owner_append(og, NULL), ST_OK);
        owner_release(og, og->last);
        if (i % 100 == 0) owner_turn(&o);
    }
    owner_checkpoint(og);
    settle(&o, 1);
    owner_reopen(&o);
    assert_int_equal(o.count, 1);
    settle(&o, 0);
    owner_reopen(&o);
    owner_stop(&o, dir);
}

/* Memory of groups without files is given back, also when a few messages stay. */
static void memory_is_compacted(void **state)
{
    char *dir = owner_make_dir();
    static struct owner o;
    struct owner_group *og;

    (void)state;
    owner_start(&o, dir, false);
    og = owner_new_group(&o, 2000, true);
    for (int i = 0; i < 30000; i++) {
        assert_int_equal(owner_append(og, NULL), ST_OK);
        if (og->last % 100) owner_release(og, og->last);
        if (i % 100 == 0) owner_turn(&o);
    }
    for (int i = 0; i < 1000; i++) owner_turn(&o);
    assert_true(og->moved > 100);
    owner_check_all(&o);
    owner_stop(&o, dir);
}

/* Many short lives of the process do not leave many files. */
static void small_segments_are_merged(void **state)
{
    char *dir = owner_make_dir();
    static struct owner o;

    (void)state;
    owner_start(&o, dir, false);
    owner_new_group(&o, 300, false);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(owner_append(o.groups[0], NULL), ST_OK);
        owner_settle(&o);
        owner_reopen(&o);
    }
    owner_settle(&o);
    assert_true(stats_of(&o).segments < 15);
    owner_stop(&o, dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_messages_are_copied_forward),
        cmocka_unit_test(a_segment_waits_for_checkpoints),
        cmocka_unit_test(an_end_outlives_its_segment),
        cmocka_unit_test(memory_is_compacted),
        cmocka_unit_test(small_segments_are_merged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
