/* SPDX-License-Identifier: Apache-2.0 */
/* worker.c - a queue under a mutex and a condition. */
#include "os/worker.h"

#include <pthread.h>

#include "base/mem.h"
#include "os/thread.h"

struct worker {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct worker_job *head, **end;
    size_t count, max;
    bool stopping;
    struct thread thread;
};

static void *work(void *arg)
{
    struct worker *w = arg;

    pthread_mutex_lock(&w->mutex);
    for (;;) {
        struct worker_job *job = w->head;
        if (job == NULL && w->stopping) break;
        if (job == NULL) {
            pthread_cond_wait(&w->changed, &w->mutex);
            continue;
        }
        w->head = job->next;
        if (w->head == NULL) w->end = &w->head;
        w->count--;
        pthread_mutex_unlock(&w->mutex);
        job->run(job);
        pthread_mutex_lock(&w->mutex);
    }
    pthread_mutex_unlock(&w->mutex);
    return NULL;
}

enum status worker_new(struct worker **out, const char *name, size_t queue_max)
{
    struct worker *w = mem_zero(sizeof *w);

    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->changed, NULL);
    w->end = &w->head;
    w->max = queue_max;
    if (thread_start(&w->thread, name, work, w) != ST_OK) {
        mem_free(w);
        return ST_IO;
    }
    *out = w;
    return ST_OK;
}

void worker_free(struct worker **w)
{
    if (*w == NULL) return;
    pthread_mutex_lock(&(*w)->mutex);
    (*w)->stopping = true;
    pthread_cond_signal(&(*w)->changed);
    pthread_mutex_unlock(&(*w)->mutex);
    thread_join(&(*w)->thread);
    pthread_cond_destroy(&(*w)->changed);
    pthread_mutex_destroy(&(*w)->mutex);
    mem_free(*w);
    *w = NULL;
}

enum status worker_submit(struct worker *w, struct worker_job *job)
{
    enum status st = ST_LIMIT;

    pthread_mutex_lock(&w->mutex);
    if (w->count < w->max) {
        job->next = NULL;
        *w->end = job;
        w->end = &job->next;
        w->count++;
        pthread_cond_signal(&w->changed);
        st = ST_OK;
    }
    pthread_mutex_unlock(&w->mutex);
    return st;
}
