/* SPDX-License-Identifier: Apache-2.0 */
/* thread.h - threads that take no signals. */
#ifndef OS_THREAD_H
#define OS_THREAD_H

#include <pthread.h>

#include "base/status.h"

struct thread {
    pthread_t raw;
};

/* Run run(arg) on a new thread called name (15 bytes at most), all signals blocked.
 * IO: the system has no more threads. */
enum status thread_start(struct thread *t, const char *name, void *(*run)(void *arg), void *arg);

/* Wait until it ended. Once per thread. */
void thread_join(struct thread *t);

int thread_core_count(void);            /* cores this process may use, at least 1 */

/* CPU time of the calling thread. A system call. */
long long thread_cpu_ns(void);

#endif
