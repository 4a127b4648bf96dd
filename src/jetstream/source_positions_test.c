/* SPDX-License-Identifier: Apache-2.0 */
/* source_positions_test.c - positions go forward, and come back from their records. */
#include "jetstream/source_positions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "jetstream/state_record.h"

/* Give all sections of log to p; false: one was refused. */
static bool replay(struct source_positions *p, struct span log)
{
    struct state_section section;
    bool bad, good = true;

    while (state_next(&log, &section, &bad)) {
        assert_int_equal(section.tag, STATE_SOURCE);
        good = source_positions_take(p, section.body) && good;
    }
    assert_false(bad);
    return good;
}

static uint64_t seq_of(const struct source_positions *p, const char *key)
{
    const struct source_position *at = source_positions_find(p, span_of(key));

    assert_non_null(at);
    return at->seq;
}

static void test_moves_forward_only(void **state)
{
    struct source_positions *p = source_positions_new();
    struct source_position *at = source_positions_add(p, SPAN_LIT("a > >"));

    (void)state;
    source_position_move(at, 5);
    source_position_move(at, 3);
    assert_int_equal(at->seq, 5);
    assert_ptr_equal(source_positions_add(p, SPAN_LIT("a > >")), at);
    assert_ptr_equal(source_positions_by_id(p, at->id), at);
    assert_null(source_positions_by_id(p, 0));
    assert_null(source_positions_by_id(p, 2));
    assert_null(source_positions_find(p, SPAN_LIT("b > >")));
    source_positions_free(&p);
}

static void test_records(void **state)
{
    struct source_positions *p = source_positions_new(), *again = source_positions_new();
    struct source_position *a = source_positions_add(p, SPAN_LIT("a > >"));
    struct source_position *b = source_positions_add(p, SPAN_LIT("b > >"));
    struct buf log = { 0 };
    size_t before;

    (void)state;
    source_positions_put(p, false, &log);       /* both are new */
    source_position_move(b, 300);
    before = log.len;
    source_positions_put(p, false, &log);
    assert_true(log.len > before);
    before = log.len;
    source_positions_put(p, false, &log);       /* nothing moved */
    assert_int_equal(log.len, before);
    assert_true(replay(again, buf_span(&log)));
    assert_int_equal(seq_of(again, "a > >"), 0);
    assert_int_equal(seq_of(again, "b > >"), 300);
    assert_int_equal(source_positions_by_id(again, b->id)->seq, 300);

    log.len = 0;                                /* a checkpoint says it all */
    source_position_move(a, 7);
    source_positions_put(p, true, &log);
    assert_false(a->moved);
    source_positions_free(&again);
    again = source_positions_new();
    assert_true(replay(again, buf_span(&log)));
    assert_int_equal(seq_of(again, "a > >"), 7);
    assert_int_equal(seq_of(again, "b > >"), 300);
    buf_free(&log);
    source_positions_free(&again);
    source_positions_free(&p);
}

static void test_old_records_change_nothing(void **state)
{
    struct source_positions *p = source_positions_new();

    (void)state;
    assert_true(source_positions_take(p, SPAN_LIT("\x01\x09" "a > >")));
    assert_true(source_positions_take(p, SPAN_LIT("\x01\x05")));
    assert_int_equal(seq_of(p, "a > >"), 9);
    source_positions_free(&p);
}

static void test_messages_name_so_many_only(void **state)
{
    struct source_positions *p = source_positions_new();
    char key[32];

    (void)state;
    for (int i = 0; i < SOURCE_POSITIONS_MAX; i++) {
        snprintf(key, sizeof key, "s%d > >", i);
        assert_non_null(source_positions_note(p, span_of(key)));
    }
    assert_null(source_positions_note(p, SPAN_LIT("one more")));
    assert_non_null(source_positions_note(p, SPAN_LIT("s0 > >")));
    assert_non_null(source_positions_add(p, SPAN_LIT("configured > >")));
    source_positions_free(&p);
}

static void test_damaged_records(void **state)
{
    struct source_positions *p = source_positions_new();

    (void)state;
    assert_true(source_positions_take(p, SPAN_LIT("\x01\x09" "a > >")));
    assert_false(source_positions_take(p, SPAN_LIT("")));
    assert_false(source_positions_take(p, SPAN_LIT("\x02")));
    assert_false(source_positions_take(p, SPAN_LIT("\x80")));
    assert_false(source_positions_take(p, SPAN_LIT("\x02\x01")));               /* no key */
    assert_false(source_positions_take(p, SPAN_LIT("\x02\x01" "a > >")));       /* has number 1 */
    assert_false(source_positions_take(p, SPAN_LIT("\x03\x01" "c > >")));       /* 2 is missing */
    assert_int_equal(seq_of(p, "a > >"), 9);
    source_positions_free(&p);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moves_forward_only),
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_old_records_change_nothing),
        cmocka_unit_test(test_messages_name_so_many_only),
        cmocka_unit_test(test_damaged_records),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
