/* SPDX-License-Identifier: Apache-2.0 */
/* mutex.h - a lock for cold paths. What loops share on the message path is built from os/sync.h. */
#ifndef OS_MUTEX_H
#define OS_MUTEX_H

#include <pthread.h>

struct mutex {
    pthread_mutex_t raw;
};

void mutex_init(struct mutex *m);
void mutex_fini(struct mutex *m);       /* must not be held */
void mutex_lock(struct mutex *m);       /* not recursive */
void mutex_unlock(struct mutex *m);     /* only by its holder */

#endif
