/* SPDX-License-Identifier: Apache-2.0 */
/* consumer_state_test.c - a consumer's records give its state again: deltas one by one, whole
 * states at any time; what is no such record is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#undef assert_fail

#include "base/mem.h"
#include "base/rng.h"
#include "jetstream/consumer_priv.h"

#define TURNS 3000

struct world {                          /* a consumer without a store */
    struct js js;
    struct loop home;
    struct replicator log;
    struct stream stream;
    struct consumer live, copy;
    struct rng rng;
    uint64_t seed;
};

static void begin(struct world *w, enum js_ack ack)
{
    static uint64_t seeds = 1;

    *w = (struct world){ .seed = seeds++ };
    rng_seed(&w->rng, w->seed);
    w->js.wall_ns = 1700000000000000000;
    w->js.home = &w->home;
    list_init(&w->js.ready_consumers);
    w->log.in_memory = true;
    w->stream.js = &w->js;
    w->stream.log = &w->log;
    w->live.stream = w->copy.stream = &w->stream;
    w->live.config.ack = w->copy.config.ack = ack;
    w->live.config.name = w->copy.config.name = (char *)(uintptr_t)"C";
    list_init(&w->live.ready);
    list_init(&w->copy.ready);
    w->live.logs = true;
    w->live.next_seq = w->live.next_delivery = 1;
    w->live.steps_next_seq = 1;
}

static void compare(const struct world *w, bool with_next_seq)
{
    const struct consumer *a = &w->live, *b = &w->copy;
    const struct pending_entry *x = pending_first(&a->pending), *y = pending_first(&b->pending);

    if ((with_next_seq && a->next_seq != b->next_seq) || a->next_delivery != b->next_delivery ||
        a->delivered_seq != b->delivered_seq || a->floor_seq != b->floor_seq ||
        a->floor_delivery != b->floor_delivery || a->delivered_ns != b->delivered_ns ||
        a->acked_ns != b->acked_ns)
        fail_msg("seed %lu: progress differs", w->seed);
    if (a->pending.total != b->pending.total || a->pending.count != b->pending.count ||
        a->pending.redelivered != b->pending.redelivered)
        fail_msg("seed %lu: what is pending differs", w->seed);
    for (; x; x = pending_next(&a->pending, x), y = pending_next(&b->pending, y))
        if (x->seq != y->seq || x->delivery != y->delivery || x->time_ns != y->time_ns ||
            x->redelivered != y->redelivered)
            fail_msg("seed %lu: %lu differs", w->seed, x->seq);
    assert_int_equal(a->skip != NULL, b->skip != NULL);
}

static struct pending_entry *any_waiting(struct world *w)
{
    struct consumer *c = &w->live;
    struct pending_entry *e;

    if (c->pending.count == 0) return NULL;
    e = pending_first(&c->pending);
    for (uint32_t n = rng_below(&w->rng, c->pending.count); n > 0; n--)
        e = pending_next(&c->pending, e);
    return e;
}

static void deliver_some(struct world *w)
{
    struct consumer *c = &w->live;

    for (uint32_t n = 1 + rng_below(&w->rng, 20); n > 0; n--) {
        if (c->skip) {
            uint64_t seq = c->skip->seqs[c->skip->at];
            if (rng_below(&w->rng, 3) == 0) progress_skip(c);
            else progress_deliver(c, seq, w->js.wall_ns);
            continue;
        }
        if (rng_below(&w->rng, 8) == 0) c->next_seq += rng_below(&w->rng, 100);
        progress_deliver(c, c->next_seq, w->js.wall_ns);
    }
}

static void step(struct world *w)
{
    struct consumer *c = &w->live;
    struct pending_entry *e = any_waiting(w);
    uint64_t gone;

    switch (e ? rng_below(&w->rng, 9) : 0) {
    case 0:
        deliver_some(w);
        break;
    case 1:
        progress_redeliver(c, e, w->js.wall_ns);
        break;
    case 2:
        progress_exhaust(c, e);
        break;
    case 3:
        progress_drop(c, e);
        break;
    case 4:
        progress_touch(c, e, w->js.wall_ns - 1000);
        break;
    case 5:
        c->next_seq += rng_below(&w->rng, 3);   /* passed over what nobody wants */
        break;
    default:
        gone = e->seq;
        assert_true(progress_ack(c, gone, e->delivery, NULL));
        if (c->config.ack == JS_ACK_EXPLICIT)
            assert_false(progress_ack(c, gone, 0, NULL));
        break;
    }
}

static void end(struct world *w)
{
    consumer_progress_free(&w->live);
    consumer_progress_free(&w->copy);
    buf_free(&w->live.steps);
}

static void take_whole(struct world *w)
{
    struct buf body = { 0 };
    struct span config;

    consumer_encode(&w->live, &body);
    assert_int_equal(consumer_state_apply(&w->copy, buf_span(&body), &config), ST_OK);
    assert_true(config.len > 0 && config.p[0] == '{');
    compare(w, true);
    buf_free(&body);
}

static void replay(struct world *w)
{
    take_whole(w);
    for (int turn = 0; turn < TURNS; turn++) {
        struct span steps, config;
        w->js.wall_ns += 1 + rng_below(&w->rng, 1000000);
        for (uint32_t n = rng_below(&w->rng, 30); n > 0; n--) step(w);
        if (rng_below(&w->rng, 50) == 0) {
            take_whole(w);
            continue;
        }
        steps = consumer_steps(&w->live);
        if (steps.len == 0) continue;
        assert_int_equal(consumer_state_apply(&w->copy, steps, &config), ST_OK);
        compare(w, false);
        consumer_log_turn(&w->live);
        assert_int_equal(consumer_steps(&w->live).len, 0);
    }
}

static void test_explicit(void **state)
{
    struct world w;

    (void)state;
    begin(&w, JS_ACK_EXPLICIT);
    replay(&w);
    end(&w);
}

static void test_all(void **state)
{
    struct world w;

    (void)state;
    begin(&w, JS_ACK_ALL);
    replay(&w);
    end(&w);
}

static void test_none(void **state)
{
    struct world w;

    (void)state;
    begin(&w, JS_ACK_NONE);
    replay(&w);
    assert_int_equal(w.live.pending.total, 0);
    end(&w);
}

static void test_skip_list(void **state)
{
    struct world w;

    (void)state;
    begin(&w, JS_ACK_EXPLICIT);
    w.live.skip = mem_zero(sizeof *w.live.skip);
    w.live.skip->count = 100;
    w.live.skip->resume = 5000;
    w.live.skip->seqs = mem_zero(100 * sizeof(uint64_t));
    for (uint64_t i = 0; i < 100; i++) w.live.skip->seqs[i] = 7 + i * 31;
    w.live.next_seq = w.live.steps_next_seq = 7;
    replay(&w);
    assert_null(w.copy.skip);
    assert_true(w.copy.next_seq > 5000);
    end(&w);
}

/* The floor is below the first that waits, in the order of the stream. */
static void test_floor(void **state)
{
    struct world w;
    struct consumer *c = &w.live;

    (void)state;
    begin(&w, JS_ACK_EXPLICIT);
    for (uint64_t seq = 10; seq <= 50; seq += 10) progress_deliver(c, seq, 1);
    progress_ack(c, 30, 0, NULL);
    assert_int_equal(c->floor_seq, 0);
    progress_ack(c, 10, 0, NULL);
    assert_int_equal(c->floor_seq, 19);
    assert_int_equal(c->floor_delivery, 1);
    progress_ack(c, 20, 0, NULL);
    assert_int_equal(c->floor_seq, 39);
    assert_int_equal(c->floor_delivery, 3);
    progress_exhaust(c, pending_find(&c->pending, 40));
    assert_int_equal(c->floor_delivery, 4);
    progress_ack(c, 50, 0, NULL);
    assert_int_equal(c->floor_seq, 50);
    assert_int_equal(c->floor_delivery, 5);
    assert_int_equal(c->pending.total, 1);
    end(&w);
}

/* Every prefix of a record is refused, or is one; the decoder never reads beyond it. */
static void test_cut(void **state)
{
    struct buf body = { 0 };
    struct span config;
    struct world w;

    (void)state;
    begin(&w, JS_ACK_EXPLICIT);
    for (int i = 0; i < 300; i++) step(&w);
    consumer_encode(&w.live, &body);
    for (size_t length = 0; length < body.len; length++) {
        struct consumer fresh = { .stream = &w.stream };
        char *copy = mem_alloc(length + 1);
        memcpy(copy, body.p, length);
        assert_int_equal(consumer_state_apply(&fresh, span_make(copy, length), &config),
                         ST_BAD_INPUT);
        consumer_progress_free(&fresh);
        mem_free(copy);
    }
    body.p[1]++;                        /* a version that we don't know */
    assert_int_equal(consumer_state_apply(&w.copy, buf_span(&body), &config), ST_BAD_INPUT);
    assert_int_equal(consumer_state_apply(&w.copy, SPAN_LIT("D\x01" "d\x02\x01"), &config),
                     ST_BAD_INPUT);     /* no whole state came before */
    buf_free(&body);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_explicit), cmocka_unit_test(test_all), cmocka_unit_test(test_none),
        cmocka_unit_test(test_skip_list), cmocka_unit_test(test_floor), cmocka_unit_test(test_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
