/* SPDX-License-Identifier: Apache-2.0 */
/* store_test.c - append, commit, read, release and reopen, on real files in a directory of /tmp. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/store_test_owner.h"

/* Several groups over many segments, with and without threads, reopened twice. */
static void what_was_appended_is_there_again(void **state)
{
    (void)state;
    for (int threads = 0; threads < 2; threads++) {
        char *dir = owner_make_dir();
        struct owner o;
        uint64_t position = 0;
        owner_start(&o, dir, threads);
        for (int g = 0; g < 4; g++) owner_new_group(&o, g == 3 ? 9000 : 300, g == 2);
        for (int i = 0; i < 4000; i++) {
            assert_int_equal(owner_append(o.groups[i % 4], i % 4 == 2 ? NULL : &position), ST_OK);
            if (i % 7 == 0) assert_int_equal(owner_delta(o.groups[i % 2], 0, &position), ST_OK);
            if (i % 50 == 0) owner_turn(&o);
            if (i % 500 == 0) owner_checkpoint(o.groups[1]);
        }
        owner_wait_durable(&o, position);
        owner_check_all(&o);
        owner_reopen(&o);
        assert_int_equal(owner_append(o.groups[0], &position), ST_OK);
        owner_reopen(&o);
        owner_stop(&o, dir);
    }
}

/* A record is readable at once, durable only after its commit. */
static void durable_follows_the_commit(void **state)
{
    char *dir = owner_make_dir();
    struct owner o;
    struct owner_group *og;
    uint64_t position;

    (void)state;
    owner_start(&o, dir, false);
    og = owner_new_group(&o, 100, false);
    assert_int_equal(owner_append(og, &position), ST_OK);
    assert_int_equal(owner_check(og, 1), ST_OK);
    assert_true(store_durable(o.s) < position && store_appended(o.s) == position);
    owner_settle(&o);
    assert_true(store_durable(o.s) >= position && o.durable == store_durable(o.s));
    owner_stop(&o, dir);
}

/* What is not handed over before a crash is gone, what was durable is not. */
static void a_second_store_is_denied(void **state)
{
    char *dir = owner_make_dir();
    struct owner o, other;
    struct error why;

    (void)state;
    owner_start(&o, dir, false);
    other = (struct owner){ .disk = o.disk, .options = o.options };
    assert_int_equal(owner_open(&other, &why), ST_DENIED);
    owner_check_all(&o);
    owner_stop(&o, dir);
}

/* Released messages are not read any more after the owner knows; deleted groups are gone. */
static void a_deleted_group_is_gone(void **state)
{
    char *dir = owner_make_dir();
    struct owner o;
    uint64_t position;

    (void)state;
    owner_start(&o, dir, false);
    for (int g = 0; g < 2; g++) owner_new_group(&o, 100, false);
    for (int i = 0; i < 100; i++) assert_int_equal(owner_append(o.groups[i % 2], NULL), ST_OK);
    owner_settle(&o);
    for (uint64_t seq = 1; seq <= 10; seq++) {
        owner_release(o.groups[1], seq);
        assert_int_equal(owner_delta(o.groups[1], seq, &position), ST_OK);
    }
    store_group_delete(&o.groups[0]->g, &position);
    mem_free(o.groups[0]);
    o.groups[0] = o.groups[--o.count];
    owner_wait_durable(&o, position);
    owner_reopen(&o);
    assert_int_equal(o.count, 1);
    assert_int_equal(o.groups[0]->name, 2);
    owner_stop(&o, dir);
}

/* Records from nothing to larger than a segment. */
static void records_of_all_sizes(void **state)
{
    static const uint32_t sizes[] = { 0, 1, 4000, 65536, 300000, 3000000 };
    char *dir = owner_make_dir();
    struct owner o;

    (void)state;
    owner_start(&o, dir, false);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct owner_group *og = owner_new_group(&o, sizes[i], false);
        for (int k = 0; k < 3; k++) assert_int_equal(owner_append(og, NULL), ST_OK);
    }
    owner_settle(&o);
    owner_reopen(&o);
    owner_stop(&o, dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durable_follows_the_commit),
        cmocka_unit_test(what_was_appended_is_there_again),
        cmocka_unit_test(a_second_store_is_denied),
        cmocka_unit_test(a_deleted_group_is_gone),
        cmocka_unit_test(records_of_all_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
