/* SPDX-License-Identifier: Apache-2.0 */
/* pending_test.c - what waits for an acknowledgement, against a plain array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#undef assert_fail

#include "base/rng.h"
#include "base/span.h"
#include "jetstream/pending.h"

#define SEQS 400
#define ROUNDS 60000

struct naive {
    bool in, waits, queued;
    uint32_t redelivered;
    uint64_t queued_at;
};

static void check_counts(const struct pending *p, const struct naive *n, uint64_t seed)
{
    uint32_t total = 0, count = 0, queued = 0, redelivered = 0;

    for (uint64_t seq = 1; seq <= SEQS; seq++) {
        total += n[seq].in;
        count += n[seq].in && n[seq].waits;
        queued += n[seq].in && n[seq].queued;
        redelivered += n[seq].in && n[seq].redelivered > 0;
    }
    if (p->total != total || p->count != count || p->queued != queued ||
        p->redelivered != redelivered)
        fail_msg("seed %lu: %u %u %u %u, not %u %u %u %u", seed, p->total, p->count, p->queued,
                 p->redelivered, total, count, queued, redelivered);
}

static void check_orders(const struct pending *p, const struct naive *n, uint64_t seed)
{
    const struct pending_entry *e = pending_first(p);
    uint64_t oldest = UINT64_MAX, first = 0;

    for (uint64_t seq = 1; seq <= SEQS; seq++) {
        if (!n[seq].in) continue;
        if (n[seq].waits) {
            if (e == NULL || e->seq != seq) fail_msg("seed %lu: %lu is not next", seed, seq);
            e = pending_next(p, e);
        }
        if (n[seq].queued && n[seq].queued_at < oldest) {
            oldest = n[seq].queued_at;
            first = seq;
        }
    }
    assert_null(e);
    e = pending_first_queued(p);
    if ((e ? e->seq : 0) != first) fail_msg("seed %lu: %lu is first in the queue", seed, first);
}

static void step(struct pending *p, struct naive *n, struct rng *rng, uint64_t now)
{
    uint64_t seq = 1 + rng_below(rng, SEQS);
    struct pending_entry *e = pending_find(p, seq);

    assert_int_equal(e != NULL, n[seq].in);
    if (e == NULL) {
        e = pending_add(p, seq);
        assert_int_equal(e->seq, seq);
        n[seq] = (struct naive){ .in = true, .waits = true };
        return;
    }
    switch (rng_below(rng, 5)) {
    case 0:
        pending_queue(p, e);
        if (!n[seq].queued) n[seq].queued_at = now;
        n[seq].queued = true;
        break;
    case 1:
        pending_unqueue(p, e);
        n[seq].queued = false;
        break;
    case 2:
        pending_set_count(p, e, rng_below(rng, 3));
        n[seq].redelivered = e->redelivered;
        break;
    case 3:
        pending_exhaust(p, e);
        n[seq].waits = n[seq].queued = false;
        break;
    default:
        pending_remove(p, e);
        n[seq].in = false;
        break;
    }
}

static void test_agrees_with_an_array(void **state)
{
    uint64_t seed = 20261123;
    struct naive n[SEQS + 1] = { { false, false, false, 0, 0 } };
    struct pending p = { 0 };
    struct rng rng;

    (void)state;
    rng_seed(&rng, seed);
    for (uint64_t i = 0; i < ROUNDS; i++) {
        step(&p, n, &rng, i);
        if (i % 97) continue;
        check_counts(&p, n, seed);
        check_orders(&p, n, seed);
    }
    for (uint64_t seq = 1; seq <= SEQS; seq++) {
        struct pending_entry *e = pending_find(&p, seq);
        if (e) pending_remove(&p, e);
    }
    assert_int_equal(p.total, 0);
    assert_null(pending_first(&p));
    pending_free(&p);
}

/* Much memory is given back when nothing is pending. */
static void test_memory(void **state)
{
    struct pending p = { 0 };

    (void)state;
    assert_null(pending_find(&p, 1));
    for (uint64_t seq = 1; seq <= 5000; seq++) pending_add(&p, seq * 1000);
    for (uint64_t seq = 1; seq <= 5000; seq++) {
        struct pending_entry *e = pending_find(&p, seq * 1000);
        assert_non_null(e);
        pending_remove(&p, e);
    }
    assert_null(p.entries);
    assert_null(p.slots);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agrees_with_an_array),
        cmocka_unit_test(test_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
