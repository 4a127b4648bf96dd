/* SPDX-License-Identifier: Apache-2.0 */
/* worker.h - one thread for slow computations (bcrypt), so that no loop waits for them. */
#ifndef OS_WORKER_H
#define OS_WORKER_H

#include "base/span.h"
#include "base/status.h"

struct worker;

struct worker_job {                     /* embedded in what it works on; zero-initialise */
    struct worker_job *next;
    void (*run)(struct worker_job *job);        /* on the worker; hands its result on itself */
};

/* Start the thread. queue_max: jobs that may wait. IO: no thread. */
MUST_USE enum status worker_new(struct worker **out, const char *name, size_t queue_max);

/* Finish the jobs that wait, then end the thread. *w may be NULL. */
void worker_free(struct worker **w);

/* Queue a job, borrowed until it has run. Any thread. LIMIT: too many wait; nothing happened. */
MUST_USE enum status worker_submit(struct worker *w, struct worker_job *job);

#endif
