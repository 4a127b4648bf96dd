/* SPDX-License-Identifier: Apache-2.0 */
/* driver.h - parts of the torture driver.
 *
 * A worker is a thread with a connection, a random generator and a history file of its own; they
 * share nothing but the constant struct settings and the stop flag. History lines, one per event,
 * times in ns of CLOCK_MONOTONIC, t0 taken before the first byte is sent, t1 after the answer:
 *   P kind worker n expected subject t0 t1 ok|err|unk seq|code duplicate|stated-sequence
 *   G subject t0 t1 seq kind worker n expected good|bad     a read of the last message
 *   R t seq consumer-seq deliveries subject kind worker n expected good|bad   a delivery
 *   K t seq         an ack is about to be sent
 *   Y t seq         its confirmation has arrived
 *   F t0 t1 ack-floor delivered pending                     consumer info
 *   X t             the connection was lost
 *   M seq subject kind worker n expected good|bad           a stored message (dump, replay)
 *   Z t text        something no server may do */
#ifndef TORTURE_DRIVER_H
#define TORTURE_DRIVER_H

#include "client.h"

#include <signal.h>
#include <stdio.h>

#define STREAM "T"
#define CONSUMER "C1"
#define BUCKET "torture"
#define KEYS 20u
#define CAS_SUBJECTS 4u

struct settings {
    uint16_t port;
    uint64_t seed;
    uint32_t window;            /* appends in flight of one worker */
    uint32_t rate;              /* publishes per second of one worker */
    bool drain;                 /* consume until nothing is left, acks confirmed */
    volatile sig_atomic_t *stop;
};

struct worker {
    const struct settings *set;
    struct client client;
    FILE *out;
    uint64_t random, n, due_ns;
    char *body, *scratch;       /* BODY_BYTES_MAX each */
    uint32_t index;             /* among its kind */
};

bool worker_stopped(const struct worker *w);
/* Connects if need be; false when it could not or it is time to stop. */
bool worker_ready(struct worker *w);
uint64_t worker_random(struct worker *w);
/* Milliseconds until the next publish is due. */
int worker_due_ms(struct worker *w);
/* Waits until then, if need be, and counts one publish. */
void worker_take_turn(struct worker *w);
void worker_lost(struct worker *w);

void worker_append(struct worker *w);
void worker_cas(struct worker *w);
void worker_dedup(struct worker *w);
void worker_kv(struct worker *w);
void worker_consume(struct worker *w);
void worker_info(struct worker *w);

/* Both write an M line per message to out; false: could not read to the end (reason on stderr).
 * silent_ms without a message are the end of a replay. */
bool dump_stream(uint16_t port, const char *stream, FILE *out);
bool dump_replay(uint16_t port, const char *stream, FILE *out, int silent_ms);

#endif
