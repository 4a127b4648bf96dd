/* SPDX-License-Identifier: Apache-2.0 */
/* sync.h - everything loops use to share something. What is not built from this file is owned by
 * one loop (ARCHITECTURE.md lists what is shared, and why).
 *
 * Lock order: sublist (brlock sides by number) before output queue; never two output queues at
 * once; posting to a mailbox takes no lock. Callbacks under a lock: see ARCHITECTURE.md. */
#ifndef OS_SYNC_H
#define OS_SYNC_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/assert.h"

#define SYNC_LINE 64            /* bytes of a cache line: what one thread writes gets its own */

/* ---- mutex: 4 bytes, spins briefly, then sleeps on a futex. Zero-initialise. ---- */

struct sync_mutex {
    atomic_uint state;          /* 0 free, 1 held, 2 held and somebody sleeps */
};

/* The parts of lock and unlock that may call the system; not for others. */
void sync_mutex_lock_slow(struct sync_mutex *m);
void sync_mutex_wake(struct sync_mutex *m);

static inline void sync_mutex_lock(struct sync_mutex *m)
{
    unsigned free_state = 0;

    if (!atomic_compare_exchange_strong_explicit(&m->state, &free_state, 1, memory_order_acquire,
                                                 memory_order_relaxed))
        sync_mutex_lock_slow(m);
}

static inline void sync_mutex_unlock(struct sync_mutex *m)
{
    unsigned before = atomic_exchange_explicit(&m->state, 0, memory_order_release);

    assert(before != 0);
    if (before == 2) sync_mutex_wake(m);
}

static inline bool sync_mutex_is_held(struct sync_mutex *m)
{
    return atomic_load_explicit(&m->state, memory_order_relaxed) != 0;
}

/* ---- big-reader lock: one side per loop. A reader takes its own side, which nobody else touches
 * unless somebody writes; a writer takes all of them in order. ---- */

struct sync_brlock_side {
    struct sync_mutex mutex;
    char pad[SYNC_LINE - sizeof(struct sync_mutex)];
};

struct sync_brlock {
    struct sync_brlock_side *sides;
    unsigned count;
};

/* A lock with so many sides, all free. O(sides) memory. */
void sync_brlock_init(struct sync_brlock *l, unsigned sides);
void sync_brlock_fini(struct sync_brlock *l);

static inline void sync_brlock_read(struct sync_brlock *l, unsigned side)
{
    sync_mutex_lock(&l->sides[side].mutex);
}

static inline void sync_brlock_read_done(struct sync_brlock *l, unsigned side)
{
    sync_mutex_unlock(&l->sides[side].mutex);
}

void sync_brlock_write(struct sync_brlock *l);          /* O(sides) */
void sync_brlock_write_done(struct sync_brlock *l);

/* ---- mailbox: any thread posts, one loop takes everything. Posting never blocks or fails,
 * because the node is embedded in what is sent. Order is kept per poster. ---- */

struct sync_mail {
    struct sync_mail *next;
    void (*run)(struct sync_mail *mail, void *loop);    /* on the receiving loop */
};

struct sync_mailbox {
    _Atomic(struct sync_mail *) head;   /* newest first */
};

/* True when the box was empty, that is when the receiver may have to be woken. */
static inline bool sync_mailbox_post(struct sync_mailbox *box, struct sync_mail *mail)
{
    struct sync_mail *head = atomic_load_explicit(&box->head, memory_order_relaxed);

    do
        mail->next = head;
    while (!atomic_compare_exchange_weak_explicit(&box->head, &head, mail, memory_order_seq_cst,
                                                  memory_order_relaxed));
    return head == NULL;
}

static inline bool sync_mailbox_is_empty(struct sync_mailbox *box)
{
    return atomic_load_explicit(&box->head, memory_order_seq_cst) == NULL;
}

/* Everything posted so far, oldest first, linked by next; NULL when there is nothing. O(n). */
struct sync_mail *sync_mailbox_take(struct sync_mailbox *box);

/* ---- gate: one thread waits until count others have passed. ---- */

struct sync_gate {
    atomic_uint left;
};

static inline void sync_gate_init(struct sync_gate *g, unsigned count)
{
    atomic_init(&g->left, count);
}

void sync_gate_pass(struct sync_gate *g);       /* the gate may be gone when this returns */
void sync_gate_wait(struct sync_gate *g);

/* ---- retirement: memory that other loops may still look at is freed when every loop has begun
 * a later iteration, or sleeps. ---- */

struct sync_retired {
    struct sync_retired *next;
    uint64_t epoch;
    void (*release)(struct sync_retired *object, void *loop);
};

struct sync_epoch_slot {
    _Atomic uint64_t seen;      /* the epoch at the start of the iteration; UINT64_MAX: asleep */
    char pad[SYNC_LINE - sizeof(uint64_t)];
};

struct sync_epochs {
    _Atomic uint64_t now;
    struct sync_epoch_slot *slots;
    unsigned count;
};

/* For so many loops, all asleep. */
void sync_epochs_init(struct sync_epochs *e, unsigned loops);
void sync_epochs_fini(struct sync_epochs *e);

/* A loop begins an iteration (after waking up): what it finds from now on is later than epoch. */
static inline void sync_epochs_enter(struct sync_epochs *e, unsigned loop)
{
    uint64_t now = atomic_load_explicit(&e->now, memory_order_seq_cst);

    /* Whoever retires something first makes it unreachable by a sequentially consistent write.
     * Either it sees us awake here, or our sequentially consistent loads of what leads to the
     * object (a generation, a settings pointer) come after that write and don't find it. */
    atomic_exchange_explicit(&e->slots[loop].seen, now, memory_order_seq_cst);
}

/* A loop is about to sleep and holds no reference to shared objects. */
static inline void sync_epochs_leave(struct sync_epochs *e, unsigned loop)
{
    atomic_store_explicit(&e->slots[loop].seen, UINT64_MAX, memory_order_release);
}

/* Stamp an object that can't be found any more. */
static inline uint64_t sync_epochs_stamp(struct sync_epochs *e)
{
    return atomic_fetch_add_explicit(&e->now, 1, memory_order_seq_cst);
}

/* Objects stamped below this are unreachable by every loop. O(loops). */
uint64_t sync_epochs_safe(struct sync_epochs *e);

#endif
