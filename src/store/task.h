/* SPDX-License-Identifier: Apache-2.0 */
/* task.h - pieces of blocking work, done beside the owner on one of two threads, or one by one
 * where there are no threads (task_step).
 *
 * A task belongs to the owner, then from task_submit on to its thread, then from its done on to the
 * owner again. Completions go through the store's own mailbox, and one mail wakes the owner for
 * all of them, so that the store can be closed while that mail is under way. */
#ifndef STORE_TASK_H
#define STORE_TASK_H

#include "os/sync.h"
#include "os/worker.h"

enum task_lane {
    TASK_WRITER,                /* commits */
    TASK_READER,                /* loads, files made ahead, footers, clean-up */
    TASK_LANES,
};

struct tasks;

struct task {                   /* embedded; zero-initialise */
    struct worker_job job;
    struct sync_mail mail;
    struct tasks *tasks;
    struct task *next;
    void (*run)(struct task *t);        /* on the lane: blocking work only */
    void (*done)(struct task *t);       /* on the owner; may free the task */
};

/* threads: start them; post(arg, mail) then delivers mail to the owner. IO: no thread. */
MUST_USE enum status tasks_new(struct tasks **out, bool threads,
                               void (*post)(void *arg, struct sync_mail *mail), void *arg);

/* Wait until everything that was submitted has run, and run the completions. Blocks. */
void tasks_finish(struct tasks *t);

/* tasks_finish for good; then free. *t may be NULL. */
void tasks_free(struct tasks **t);

/* Queue a task; tasks of a lane run in order. Owner only. */
void tasks_submit(struct tasks *t, enum task_lane lane, struct task *task);

/* Without threads: run one task and its completion, a commit first; false: there is none. */
bool tasks_step(struct tasks *t);

#endif
