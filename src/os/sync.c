/* SPDX-License-Identifier: Apache-2.0 */
/* sync.c - the slow paths of sync.h. */
#include "os/sync.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

#define SPINS 100

static void futex(atomic_uint *word, int op, unsigned value)
{
    syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

static void pause_cpu(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

void sync_mutex_lock_slow(struct sync_mutex *m)
{
    for (int i = 0; i < SPINS; i++) {
        unsigned free_state = 0;
        if (atomic_load_explicit(&m->state, memory_order_relaxed) == 0 &&
            atomic_compare_exchange_weak_explicit(&m->state, &free_state, 1, memory_order_acquire,
                                                  memory_order_relaxed))
            return;
        pause_cpu();
    }
    while (atomic_exchange_explicit(&m->state, 2, memory_order_acquire) != 0)
        futex(&m->state, FUTEX_WAIT, 2);
}

void sync_mutex_wake(struct sync_mutex *m)
{
    futex(&m->state, FUTEX_WAKE, 1);
}

void sync_brlock_init(struct sync_brlock *l, unsigned sides)
{
    assert(sides > 0);
    l->sides = mem_zero(sides * sizeof *l->sides);
    l->count = sides;
}

void sync_brlock_fini(struct sync_brlock *l)
{
    mem_free(l->sides);
    l->sides = NULL;
}

void sync_brlock_write(struct sync_brlock *l)
{
    for (unsigned i = 0; i < l->count; i++) sync_mutex_lock(&l->sides[i].mutex);
}

void sync_brlock_write_done(struct sync_brlock *l)
{
    for (unsigned i = l->count; i-- > 0;) sync_mutex_unlock(&l->sides[i].mutex);
}

struct sync_mail *sync_mailbox_take(struct sync_mailbox *box)
{
    struct sync_mail *mail = atomic_exchange_explicit(&box->head, NULL, memory_order_acquire);
    struct sync_mail *oldest = NULL;

    while (mail != NULL) {
        struct sync_mail *next = mail->next;
        mail->next = oldest;
        oldest = mail;
        mail = next;
    }
    return oldest;
}

void sync_epochs_init(struct sync_epochs *e, unsigned loops)
{
    e->slots = mem_zero(loops * sizeof *e->slots);
    e->count = loops;
    atomic_store(&e->now, 1);
    for (unsigned i = 0; i < loops; i++) atomic_store(&e->slots[i].seen, UINT64_MAX);
}

void sync_epochs_fini(struct sync_epochs *e)
{
    mem_free(e->slots);
    e->slots = NULL;
}

uint64_t sync_epochs_safe(struct sync_epochs *e)
{
    uint64_t safe = atomic_load_explicit(&e->now, memory_order_seq_cst);

    for (unsigned i = 0; i < e->count; i++) {
        uint64_t seen = atomic_load_explicit(&e->slots[i].seen, memory_order_seq_cst);
        if (seen < safe) safe = seen;
    }
    return safe;
}

/* The word is the number left; the waker touches the gate's address for the last time in the
 * futex call, which is harmless on memory that is gone. */
void sync_gate_pass(struct sync_gate *g)
{
    if (atomic_fetch_sub_explicit(&g->left, 1, memory_order_acq_rel) == 1)
        futex(&g->left, FUTEX_WAKE, 1);
}

void sync_gate_wait(struct sync_gate *g)
{
    unsigned left;

    while ((left = atomic_load_explicit(&g->left, memory_order_acquire)) > 0)
        futex(&g->left, FUTEX_WAIT, left);
}
