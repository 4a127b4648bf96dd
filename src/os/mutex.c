/* SPDX-License-Identifier: Apache-2.0 */
/* mutex.c - pthread mutexes; every failure is a programming error. */
#include "os/mutex.h"

#include "base/assert.h"

void mutex_init(struct mutex *m)
{
    int rc = pthread_mutex_init(&m->raw, NULL);

    assert(rc == 0);
}

void mutex_fini(struct mutex *m)
{
    int rc = pthread_mutex_destroy(&m->raw);

    assert(rc == 0);
}

void mutex_lock(struct mutex *m)
{
    int rc = pthread_mutex_lock(&m->raw);

    assert(rc == 0);
}

void mutex_unlock(struct mutex *m)
{
    int rc = pthread_mutex_unlock(&m->raw);

    assert(rc == 0);
}
