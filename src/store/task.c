/* SPDX-License-Identifier: Apache-2.0 */
/* task.c - two workers and a mailbox. The waker outlives the store when its mail is under way. */
#include "store/task.h"

#include "base/assert.h"
#include "base/mem.h"

struct waker {
    struct sync_mail mail;
    struct tasks *tasks;                /* NULL: they are gone */
    atomic_bool posted;
};

struct tasks {
    struct worker *workers[TASK_LANES]; /* NULL without threads */
    struct task *first[TASK_LANES], **end[TASK_LANES];  /* without threads: what waits */
    struct sync_mailbox box;            /* of completions */
    struct waker *waker;
    void (*post)(void *arg, struct sync_mail *mail);
    void *arg;
};

static void complete(struct sync_mail *mail, void *loop)
{
    struct task *task = CONTAINER_OF(mail, struct task, mail);

    (void)loop;
    task->done(task);
}

static void drain(struct tasks *t)
{
    struct sync_mail *mail = sync_mailbox_take(&t->box);

    while (mail) {
        struct sync_mail *next = mail->next;
        mail->run(mail, NULL);
        mail = next;
    }
}

static void on_wake(struct sync_mail *mail, void *loop)
{
    struct waker *w = CONTAINER_OF(mail, struct waker, mail);

    (void)loop;
    atomic_store(&w->posted, false);
    if (w->tasks) drain(w->tasks);
    else mem_free(w);
}

static void run_job(struct worker_job *job)
{
    struct task *task = CONTAINER_OF(job, struct task, job);
    struct tasks *t = task->tasks;

    task->run(task);
    task->mail.run = complete;
    sync_mailbox_post(&t->box, &task->mail);
    if (!atomic_exchange(&t->waker->posted, true)) t->post(t->arg, &t->waker->mail);
}

enum status tasks_new(struct tasks **out, bool threads,
                      void (*post)(void *arg, struct sync_mail *mail), void *arg)
{
    static const char *const names[TASK_LANES] = { "store-writer", "store-reader" };
    struct tasks *t = mem_zero(sizeof *t);

    t->post = post;
    t->arg = arg;
    t->waker = mem_zero(sizeof *t->waker);
    t->waker->tasks = t;
    t->waker->mail.run = on_wake;
    for (int i = 0; i < TASK_LANES; i++) {
        t->end[i] = &t->first[i];
        if (threads && worker_new(&t->workers[i], names[i], SIZE_MAX) != ST_OK) {
            tasks_free(&t);
            return ST_IO;
        }
    }
    *out = t;
    return ST_OK;
}

struct barrier {
    struct worker_job job;
    struct sync_gate gate;
};

static void pass_barrier(struct worker_job *job)
{
    sync_gate_pass(&CONTAINER_OF(job, struct barrier, job)->gate);
}

void tasks_finish(struct tasks *t)
{
    bool more;

    do {
        for (int i = 0; i < TASK_LANES && t->workers[i]; i++) {
            struct barrier b = { .job.run = pass_barrier };
            enum status st;
            sync_gate_init(&b.gate, 1);
            st = worker_submit(t->workers[i], &b.job);
            assert(st == ST_OK);
            sync_gate_wait(&b.gate);
        }
        more = !sync_mailbox_is_empty(&t->box);
        drain(t);
    } while (tasks_step(t) || more);
}

void tasks_free(struct tasks **tasks)
{
    struct tasks *t = *tasks;

    if (t == NULL) return;
    tasks_finish(t);
    for (int i = 0; i < TASK_LANES; i++) worker_free(&t->workers[i]);
    if (atomic_load(&t->waker->posted)) t->waker->tasks = NULL;
    else mem_free(t->waker);
    mem_free(t);
    *tasks = NULL;
}

void tasks_submit(struct tasks *t, enum task_lane lane, struct task *task)
{
    enum status st = ST_OK;

    task->tasks = t;
    if (t->workers[lane]) {
        task->job.run = run_job;
        st = worker_submit(t->workers[lane], &task->job);
    } else {
        task->next = NULL;
        *t->end[lane] = task;
        t->end[lane] = &task->next;
    }
    assert(st == ST_OK);
}

bool tasks_step(struct tasks *t)
{
    for (int i = 0; i < TASK_LANES; i++) {
        struct task *task = t->first[i];
        if (task == NULL) continue;
        t->first[i] = task->next;
        if (t->first[i] == NULL) t->end[i] = &t->first[i];
        task->run(task);
        task->done(task);
        return true;
    }
    return false;
}
