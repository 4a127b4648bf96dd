/* SPDX-License-Identifier: Apache-2.0 */
/* worker_test.c - order, bound and end of the worker's queue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "os/sync.h"
#include "os/worker.h"

#define QUEUE_MAX 3

struct job {
    struct worker_job job;
    struct sync_gate *started, *may_end;        /* NULL: neither told nor held */
    int *order, number;
};

static void run(struct worker_job *job)
{
    struct job *j = CONTAINER_OF(job, struct job, job);

    if (j->started) sync_gate_pass(j->started);
    if (j->may_end) sync_gate_wait(j->may_end);
    j->order[j->number] = ++j->order[0];
}

/* One job runs, QUEUE_MAX wait, one more is refused; all that were taken run, in order. */
static void the_queue_is_bounded_and_ordered(void **state)
{
    struct worker *w = NULL;
    struct sync_gate started, may_end;
    int order[QUEUE_MAX + 3] = { 0 };
    struct job jobs[QUEUE_MAX + 2];

    (void)state;
    sync_gate_init(&started, 1);
    sync_gate_init(&may_end, 1);
    assert_int_equal(worker_new(&w, "test", QUEUE_MAX), ST_OK);
    for (int i = 0; i < QUEUE_MAX + 2; i++)
        jobs[i] = (struct job){ .job.run = run, .order = order, .number = i + 1 };
    jobs[0].started = &started;
    jobs[0].may_end = &may_end;
    assert_int_equal(worker_submit(w, &jobs[0].job), ST_OK);
    sync_gate_wait(&started);                   /* it does not wait in the queue any more */
    for (int i = 1; i <= QUEUE_MAX; i++)
        assert_int_equal(worker_submit(w, &jobs[i].job), ST_OK);
    assert_int_equal(worker_submit(w, &jobs[QUEUE_MAX + 1].job), ST_LIMIT);
    sync_gate_pass(&may_end);
    worker_free(&w);                            /* finishes what waits */
    assert_null(w);
    for (int i = 1; i <= QUEUE_MAX + 1; i++) assert_int_equal(order[i], i);
    assert_int_equal(order[QUEUE_MAX + 2], 0);
    worker_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_queue_is_bounded_and_ordered) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
