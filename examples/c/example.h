// SPDX-License-Identifier: Apache-2.0

// What the C examples share: the server's URL, an error check, and a latch by which the client
// library's threads (each asynchronous subscription's callback runs on one) tell main().
#ifndef EXAMPLES_C_EXAMPLE_H
#define EXAMPLES_C_EXAMPLE_H

#include <nats/nats.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// Ends the program with the library's text if `s` is not NATS_OK.
static inline void check(natsStatus s, const char *what)
{
    if (s != NATS_OK) {
        fprintf(stderr, "%s: %s\n", what, natsStatus_GetText(s));
        nats_PrintLastErrorStack(stderr);
        exit(1);
    }
}

// Ends the program if a result is not what the example promises.
static inline void expect(bool right, const char *what)
{
    if (!right) {
        fprintf(stderr, "failed: %s\n", what);
        exit(1);
    }
}

static inline const char *server_url(int argc, char **argv)
{
    const char *env = getenv("NATS_URL");
    if (argc > 1) {
        return argv[1];
    }
    return env != NULL ? env : NATS_DEFAULT_URL;
}

// Counts up to a wanted number.
struct latch {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int count;
};

#define LATCH_INIT {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0}

static inline void latch_add(struct latch *l)
{
    pthread_mutex_lock(&l->lock);
    l->count++;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
}

// Waits until the count has reached `wanted`; ends the program after `seconds`.
static inline void latch_wait(struct latch *l, int wanted, int seconds, const char *what)
{
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += seconds;
    pthread_mutex_lock(&l->lock);
    int rc = 0;
    while (l->count < wanted && rc == 0) {
        rc = pthread_cond_timedwait(&l->changed, &l->lock, &deadline);
    }
    bool reached = l->count >= wanted;
    pthread_mutex_unlock(&l->lock);
    expect(reached, what);
}

#endif
