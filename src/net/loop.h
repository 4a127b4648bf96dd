/* SPDX-License-Identifier: Apache-2.0 */
/* loop.h - one thread's event loop and what it owns: connections, timers, staged output.
 *
 * All loops of a server form a group. A loop is an object that somebody steps; nothing here is
 * global, and several groups may live in one process. Functions are called on the loop's own
 * thread unless they say otherwise. */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include "base/list.h"
#include "base/rng.h"
#include "base/span.h"
#include "base/status.h"
#include "net/block.h"
#include "net/timers.h"
#include "os/poll.h"
#include "os/sync.h"

#define LOOP_READ_BYTES (256 * 1024)            /* one recv; 64 KiB costs more on long queues */
#define LOOP_HANDSHAKES_MAX 8                   /* steps of handshakes in one iteration */
#define LOOP_STAGED_BYTES_MAX (1024 * 1024)     /* blocks staged before they are spliced */

struct conn;
struct loop;
struct loop_group;
struct websocket_deflater;

/* Something the poll set watches; embedded first in its object. */
struct pollable {
    void (*on_event)(struct pollable *p, struct loop *loop, const struct poll_event *e);
};

/* What this iteration wants to send to one target, not visible to anybody yet. */
struct stage {
    struct conn *conn;
    struct block *head, *tail;
    size_t bytes;                       /* of the blocks, all of it */
    uint64_t msgs, msg_bytes;           /* messages among them and their payload */
    _Atomic int64_t *counter;           /* of the subscription of the last deliveries ... */
    int64_t count;                      /* ... and how many it still has to be increased by */
};

/* What somebody does once per iteration, after its events; run returns true when it has more to do
 * at once. Everything it staged is committed. */
struct loop_turn {
    bool (*run)(struct loop *l, void *arg);
    void *arg;
};

struct loop_stats {                     /* written by the loop */
    uint64_t in_msgs, in_bytes, out_msgs, out_bytes;
    uint64_t slow_pending, slow_deadline, stale, stalled;
    uint64_t matches, cache_hits;
    uint64_t iterations, chunks, flushes;
};

struct loop {
    unsigned index;
    struct loop_group *group;
    struct poll_set poll;
    struct timers timers;
    struct list conns, ready;           /* all of ours; those with work left over */
    struct list lingers;                /* sockets that wait for the peer's close: linger.h */
    unsigned linger_count;
    int64_t now_ns;                     /* monotonic, as of this iteration or chunk */
    struct rng rng;
    void *core;                         /* what core/ keeps per loop */
    struct loop_turn turn;              /* run NULL: none; set before the loops run */
    bool turn_left;                     /* it had more to do */
    struct websocket_deflater *deflater;        /* made for the first compressed output */

    unsigned handshakes_left;           /* in this iteration: they are costly, others wait */

    char *read_buffer;                  /* a kept tail, then LOOP_READ_BYTES */
    size_t read_headroom;

    struct block_pool blocks;
    struct stage *stages;               /* of this chunk: [0, stage_count) */
    uint32_t stage_count, stage_cap;
    uint32_t *stage_of;                 /* by connection slot: index + 1, or 0 */
    uint32_t stage_of_cap;
    size_t staged_bytes;
    int64_t stall_ns;                   /* wished by targets spliced in this chunk */

    struct sync_retired *retired, **retired_end;
    struct loop_stats stats;
    int64_t window_start_ns, window_cpu_ns;     /* of the load measurement */
    unsigned busy_windows;              /* in a row */

    /* Written by others. */
    _Alignas(SYNC_LINE) struct sync_mailbox mailbox;
    atomic_bool sleeping;
    _Atomic uint32_t load;              /* busy per mille over the last window ... */
    _Atomic int64_t load_ns;            /* ... which ended then */
    atomic_bool stopping;
};

/* Settings that all loops look at; changed by a reload. */
struct loop_limits {
    _Atomic int64_t max_pending;        /* bytes queued for one target */
    _Atomic int64_t write_deadline_ns;
    atomic_bool no_stall;               /* no_fast_producer_stall */
};

struct loop_group {
    unsigned count;
    struct loop **loops;
    struct sync_epochs epochs;
    struct loop_limits limits;
    bool spread;                        /* see balance_pick; set before the loops run */
    atomic_uint next_pick;
    struct sync_mutex slot_mutex;
    uint32_t *free_slots, free_slot_count, free_slot_cap, slot_end;
};

/* count loops on fresh poll sets. IO: out of descriptors. The seed feeds every loop's rng. */
MUST_USE enum status loop_group_init(struct loop_group *g, unsigned count, uint64_t seed);

/* After the loops have stopped: run the mail that is left and release what is retired. Call it
 * before what mail refers to goes. All connections must be closed. */
void loop_group_drain(struct loop_group *g);

/* Drains, then frees. */
void loop_group_fini(struct loop_group *g);

/* Wait until something happens and handle it: one iteration. max_wait_ms < 0: no limit. */
void loop_step(struct loop *l, int max_wait_ms);

/* loop_step until loop_stop. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);                         /* any thread */

/* Have mail->run called on l. Any thread. */
void loop_post(struct loop *l, struct sync_mail *mail);

/* Free object by release once no loop can hold it any more. It must be unreachable already. */
void loop_retire(struct loop *l, struct sync_retired *object,
                 void (*release)(struct sync_retired *object, void *loop));

/* Make everything staged visible to its targets and send it. Ends every chunk. */
void loop_commit(struct loop *l);

/* Read the clock into now_ns and return it. */
int64_t loop_now(struct loop *l);

/* A wait until every other loop that is awake has spliced what it had staged when this began.
 * done runs on l; at once (before the call returns) when no other loop is awake. */
struct loop_grace {
    struct sync_mail home;
    struct loop *loop;
    atomic_uint left;
    void (*done)(struct loop_grace *g);
};

/* Begin the wait; g is the caller's and stays until done. On l. O(loops). */
void loop_grace(struct loop *l, struct loop_grace *g, void (*done)(struct loop_grace *g));

/* Numbers for connections, dense, reused after release. Any thread. */
uint32_t loop_group_take_slot(struct loop_group *g);
void loop_group_give_slot(struct loop_group *g, uint32_t slot);

#endif
