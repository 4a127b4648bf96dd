/* SPDX-License-Identifier: Apache-2.0 */
/* thread.c - thread.h on pthreads. */
#include "os/thread.h"

#include <sched.h>
#include <signal.h>
#include <time.h>

#include "base/assert.h"

enum status thread_start(struct thread *t, const char *name, void *(*run)(void *arg), void *arg)
{
    sigset_t all, before;
    int code;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    code = pthread_create(&t->raw, NULL, run, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code != 0) return ST_IO;
    pthread_setname_np(t->raw, name);
    return ST_OK;
}

void thread_join(struct thread *t)
{
    int code = pthread_join(t->raw, NULL);

    assert(code == 0);
}

int thread_core_count(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    return CPU_COUNT(&set) > 0 ? CPU_COUNT(&set) : 1;
}

long long thread_cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}
