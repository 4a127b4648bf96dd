/* SPDX-License-Identifier: Apache-2.0 */
/* msgs_holes_test.c - removed sequences listed, written and read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#undef assert_fail

#include "base/rng.h"
#include "jetstream/msgs.h"

static void add(struct msgs *m, uint64_t seq)
{
    struct msg_entry e = { { 1, 1 }, msgs_intern(m, SPAN_LIT("a")), 1 };

    msgs_add(m, seq, &e);
}

/* The hole at or after at, which is gone itself or not. */
static void check_next(const struct msgs *m, const struct msgs_holes *h, uint64_t at, bool gone)
{
    struct msgs_state s = msgs_state(m);
    uint64_t first, last, from = at > s.first_seq ? at : s.first_seq;

    if (!msgs_holes_next(h, at, &first, &last)) {
        for (; from <= s.last_seq; from++) assert_non_null(msgs_get(m, from));
        return;
    }
    assert_true(last >= at && last >= first && (first <= at) == gone);
    for (; from < first; from++) assert_non_null(msgs_get(m, from));
    for (from = first; from <= last; from++) assert_null(msgs_get(m, from));
    assert_true(last == s.last_seq || msgs_get(m, last + 1) != NULL);
}

static void check_against_lists(const struct msgs *m, uint64_t seed)
{
    struct msgs_state s = msgs_state(m);
    struct buf seqs = { 0 }, some = { 0 }, text = { 0 };
    struct msgs_holes *h;
    uint64_t count = 0, seq;

    assert_int_equal(msgs_deleted(m, SIZE_MAX, &seqs), msgs_deleted_count(m));
    msgs_encode_holes(m, &text);
    assert_int_equal(msgs_holes_decode(&h, buf_span(&text)), ST_OK);
    for (uint64_t at = s.first_seq - 1; at <= s.last_seq + 1; at++) {
        bool gone = at >= s.first_seq && at <= s.last_seq && msgs_get(m, at) == NULL;

        if (msgs_holes_has(h, at) != gone) fail_msg("seed %lu: %lu in the text", seed, at);
        check_next(m, h, at, gone);
        if (!gone) continue;
        memcpy(&seq, seqs.p + count++ * 8, 8);
        if (seq != at) fail_msg("seed %lu: %lu is listed for %lu", seed, seq, at);
    }
    assert_int_equal(seqs.len, count * 8);
    assert_int_equal(msgs_deleted(m, count / 2, &some), count / 2);
    assert_int_equal(some.len, count / 2 * 8);
    if (some.len > 0) assert_memory_equal(some.p, seqs.p, some.len);
    msgs_holes_free(&h);
    buf_free(&seqs);
    buf_free(&some);
    buf_free(&text);
}

static void test_agrees_with_the_entries(void **state)
{
    static const uint32_t percents[] = { 0, 1, 10, 50, 90, 99 };
    struct rng rng;

    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct msgs *m = msgs_new(seed);
        uint64_t base = seed % 2 ? 1 : UINT64_C(1) << 45, run = 0;
        uint32_t count = 1;
        bool alive = true;

        rng_seed(&rng, seed);
        count += rng_below(&rng, 5000);
        add(m, base);
        for (uint64_t i = 1; i < count; i++) {
            if (run-- == 0) {
                run = seed % 3 ? 0 : rng_below(&rng, 1200);
                alive = rng_below(&rng, 100) >= percents[seed % 6];
            }
            if (alive) add(m, base + i);
        }
        msgs_set_last(m, base + count - 1);
        check_against_lists(m, seed);
        msgs_free(&m);
    }
}

static void test_without_holes_no_bytes(void **state)
{
    struct msgs *m = msgs_new(1);
    struct buf text = { 0 };
    struct msgs_holes *h;

    (void)state;
    for (int i = 0; i < 2; i++) {
        msgs_encode_holes(m, &text);
        assert_int_equal(text.len, 0);
        assert_int_equal(msgs_deleted_count(m), 0);
        assert_int_equal(msgs_deleted(m, 9, &text), 0);
        if (i == 0) add(m, 7);
    }
    msgs_remove(m, 7, NULL);
    assert_int_equal(msgs_deleted_count(m), 0);
    assert_int_equal(msgs_holes_decode(&h, SPAN_NONE), ST_OK);
    assert_false(msgs_holes_has(h, 1));
    msgs_holes_free(&h);
    msgs_free(&m);
}

/* The bytes are a format on disk. */
static void test_bytes_of_a_text(void **state)
{
    static const uint8_t wanted[] = { 0xac, 0x02, 1, 2, 1, 0x80, 0x80, 0x80, 0x80, 0x10, 1, 5 };
    struct msgs *m = msgs_new(1);
    struct buf text = { 0 };
    uint64_t after = UINT64_C(304) + (UINT64_C(1) << 32);

    (void)state;
    add(m, 300);
    add(m, 303);
    add(m, after);
    msgs_set_last(m, after + 5);
    msgs_encode_holes(m, &text);
    assert_int_equal(text.len, sizeof wanted);
    assert_memory_equal(text.p, wanted, sizeof wanted);
    buf_free(&text);
    msgs_free(&m);
}

#define TOP "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"

static void test_refuses_other_texts(void **state)
{
    static const struct {
        struct span text;
        enum status status;
    } rows[] = {
        { SPAN_LIT("\x01\x01\x01"), ST_OK },
        { SPAN_LIT("\x01"), ST_BAD_INPUT },                     /* no hole */
        { SPAN_LIT("\x01\x01"), ST_BAD_INPUT },                 /* half a hole */
        { SPAN_LIT("\x01\x01\x01\x01"), ST_BAD_INPUT },
        { SPAN_LIT("\x00\x01\x01"), ST_BAD_INPUT },             /* zeros */
        { SPAN_LIT("\x01\x00\x01"), ST_BAD_INPUT },
        { SPAN_LIT("\x01\x01\x00"), ST_BAD_INPUT },
        { SPAN_LIT("\x81\x00\x01\x01"), ST_BAD_INPUT },         /* not the shortest form */
        { SPAN_LIT("\x01\x01\x81"), ST_BAD_INPUT },             /* cut */
        { SPAN_LIT(TOP), ST_BAD_INPUT },
        { SPAN_LIT(TOP "\x01\x01"), ST_BAD_INPUT },             /* beyond 64 bits */
        { SPAN_LIT("\x01" TOP "\x01"), ST_BAD_INPUT },
        { SPAN_LIT("\x01\x01" TOP), ST_BAD_INPUT },
        { SPAN_LIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02\x01\x01"), ST_BAD_INPUT },
        { SPAN_LIT("\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x01\x01\x01"), ST_BAD_INPUT },
        { SPAN_LIT("\x01\x01\xfd\xff\xff\xff\xff\xff\xff\xff\xff\x01"), ST_OK },     /* the last */
        { SPAN_LIT("\x01\x01\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"), ST_BAD_INPUT },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct msgs_holes *h;
        enum status st = msgs_holes_decode(&h, rows[i].text);

        if (st != rows[i].status) fail_msg("row %zu: %s", i, status_text(st));
        if ((st == ST_OK) != (h != NULL)) fail_msg("row %zu: the set", i);
        msgs_holes_free(&h);
    }
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agrees_with_the_entries),
        cmocka_unit_test(test_without_holes_no_bytes),
        cmocka_unit_test(test_bytes_of_a_text),
        cmocka_unit_test(test_refuses_other_texts),
    };

    return cmocka_run_group_tests_name("msgs_holes", tests, NULL, NULL);
}
