/* SPDX-License-Identifier: Apache-2.0 */
/* loop.c - one iteration: sleep, mail, timers, events, leftovers, retirement.
 *
 * While a loop sleeps it holds no reference to shared objects and has nothing staged, so it counts
 * as quiescent for retirement and grace periods. */
#include "net/loop.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/span.h"
#include "net/conn.h"
#include "net/conn_priv.h"
#include "net/linger.h"
#include "os/clock.h"
#include "proto/websocket.h"

#define RETIRE_WAIT_MS 10       /* look again for retired objects after this long */
#define READ_HEADROOM (64 * 1024)

int64_t loop_now(struct loop *l)
{
    return l->now_ns = clock_mono_ns();
}

static enum status init_one(struct loop *l, struct loop_group *g, unsigned index, uint64_t seed)
{
    *l = (struct loop){ .group = g, .index = index };
    list_init(&l->conns);
    list_init(&l->ready);
    list_init(&l->lingers);
    rng_seed(&l->rng, seed + index);
    l->read_buffer = mem_alloc(READ_HEADROOM + LOOP_READ_BYTES);
    l->read_headroom = READ_HEADROOM;
    l->retired_end = &l->retired;
    loop_now(l);
    return poll_init(&l->poll);
}

enum status loop_group_init(struct loop_group *g, unsigned count, uint64_t seed)
{
    assert(count > 0);
    *g = (struct loop_group){ .count = count };
    sync_epochs_init(&g->epochs, count);
    g->loops = mem_zero(count * sizeof *g->loops);
    for (unsigned i = 0; i < count; i++) {
        size_t bytes = (sizeof(struct loop) + SYNC_LINE - 1) / SYNC_LINE * SYNC_LINE;
        g->loops[i] = mem_aligned(SYNC_LINE, bytes);
        if (init_one(g->loops[i], g, i, seed) != ST_OK) return ST_IO;
    }
    return ST_OK;
}

void loop_group_fini(struct loop_group *g)
{
    loop_group_drain(g);
    for (unsigned i = 0; i < g->count; i++)
        if (g->loops[i]) linger_finish_all(g->loops[i]);
    loop_group_drain(g);                /* what ended just now was retired */
    for (unsigned i = 0; i < g->count; i++) {
        struct loop *l = g->loops[i];
        if (l == NULL) continue;        /* out of descriptors half-way */
        assert(list_is_empty(&l->conns));
        poll_fini(&l->poll);
        timers_fini(&l->timers);
        block_pool_fini(&l->blocks);
        mem_free(l->stages);
        mem_free(l->stage_of);
        mem_free(l->read_buffer);
        websocket_deflater_free(&l->deflater);
        mem_free(l);
    }
    mem_free(g->loops);
    mem_free(g->free_slots);
    sync_epochs_fini(&g->epochs);
}

void loop_post(struct loop *l, struct sync_mail *mail)
{
    if (sync_mailbox_post(&l->mailbox, mail) &&
        atomic_exchange_explicit(&l->sleeping, false, memory_order_seq_cst))
        poll_wake(&l->poll);
}

void loop_stop(struct loop *l)
{
    atomic_store(&l->stopping, true);
    poll_wake(&l->poll);
}

void loop_retire(struct loop *l, struct sync_retired *object,
                 void (*release)(struct sync_retired *object, void *loop))
{
    object->epoch = sync_epochs_stamp(&l->group->epochs);
    object->release = release;
    object->next = NULL;
    *l->retired_end = object;
    l->retired_end = &object->next;
}

static void free_retired(struct loop *l)
{
    uint64_t safe = sync_epochs_safe(&l->group->epochs);

    while (l->retired && l->retired->epoch < safe) {
        struct sync_retired *r = l->retired;
        l->retired = r->next;
        if (l->retired == NULL) l->retired_end = &l->retired;
        r->release(r, l);
    }
}

static void run_mail(struct loop *l)
{
    struct sync_mail *mail;

    if (sync_mailbox_is_empty(&l->mailbox)) return;
    mail = sync_mailbox_take(&l->mailbox);
    while (mail) {
        struct sync_mail *next = mail->next;
        mail->run(mail, l);
        mail = next;
    }
    loop_commit(l);
}

static void run_timers(struct loop *l)
{
    struct timer *t;

    while ((t = timers_pop(&l->timers, l->now_ns)) != NULL) {
        t->fire(t, l);
        loop_commit(l);
    }
}

void loop_group_drain(struct loop_group *g)
{
    bool left;

    for (unsigned i = 0; i < g->count; i++) sync_epochs_leave(&g->epochs, i);
    do {
        left = false;
        for (unsigned i = 0; i < g->count; i++) {
            struct loop *l = g->loops[i];
            if (l == NULL) continue;
            run_mail(l);                /* may post to the others, and to ourselves */
            free_retired(l);            /* what a mail under way refers to is retired again */
            left = left || l->retired != NULL || !sync_mailbox_is_empty(&l->mailbox);
        }
    } while (left);
}

/* How long the next poll may take, in milliseconds; rounded up so that a timer is due then. */
static int wait_ms(struct loop *l, int max_wait_ms)
{
    int64_t next = timers_next(&l->timers), wait = max_wait_ms < 0 ? INT64_MAX : max_wait_ms;

    if (!list_is_empty(&l->ready) || l->turn_left || !sync_mailbox_is_empty(&l->mailbox))
        return 0;
    if (l->retired && wait > RETIRE_WAIT_MS) wait = RETIRE_WAIT_MS;
    if (next != INT64_MAX) {
        int64_t left = next > 0 ? (next - clock_mono_ns() + 999999) / 1000000 : 0;
        if (left < 0) left = 0;
        if (left < wait) wait = left;
    }
    return wait > 3600000 ? (max_wait_ms < 0 && next == INT64_MAX ? -1 : 3600000) : (int)wait;
}

/* Sleep in the poll set as a loop that holds nothing. */
static int sleep_in_poll(struct loop *l, struct poll_event *events, int max_wait_ms)
{
    int wait = wait_ms(l, max_wait_ms), n;

    sync_epochs_leave(&l->group->epochs, l->index);
    if (wait != 0) {
        atomic_store_explicit(&l->sleeping, true, memory_order_seq_cst);
        if (!sync_mailbox_is_empty(&l->mailbox) || atomic_load(&l->stopping)) wait = 0;
    }
    n = poll_wait(&l->poll, events, wait);
    atomic_store_explicit(&l->sleeping, false, memory_order_seq_cst);
    sync_epochs_enter(&l->group->epochs, l->index);
    return n;
}

void loop_step(struct loop *l, int max_wait_ms)
{
    struct poll_event events[POLL_EVENTS_MAX];
    int n = sleep_in_poll(l, events, max_wait_ms);

    loop_now(l);
    l->stats.iterations++;
    l->handshakes_left = LOOP_HANDSHAKES_MAX;
    run_mail(l);
    run_timers(l);
    for (int i = 0; i < n; i++) {
        struct pollable *p = events[i].data;
        p->on_event(p, l, &events[i]);
    }
    conn_run_ready(l);
    if (l->turn.run) {
        l->turn_left = l->turn.run(l, l->turn.arg);
        loop_commit(l);
    }
    conn_balance(l);
    assert(l->stage_count == 0);
    if (l->retired) free_retired(l);
}

void loop_run(struct loop *l)
{
    while (!atomic_load_explicit(&l->stopping, memory_order_relaxed)) loop_step(l, -1);
    sync_epochs_leave(&l->group->epochs, l->index);
}

/* ---- grace periods ---- */

struct grace_visit {
    struct sync_mail mail;
    struct loop_grace *grace;
};

static void grace_over(struct sync_mail *mail, void *loop)
{
    struct loop_grace *g = CONTAINER_OF(mail, struct loop_grace, home);

    (void)loop;
    g->done(g);
}

/* On a visited loop: mail runs between chunks, so at most what other mail staged is not spliced. */
static void grace_visited(struct sync_mail *mail, void *loop)
{
    struct grace_visit *v = CONTAINER_OF(mail, struct grace_visit, mail);
    struct loop_grace *g = v->grace;

    loop_commit(loop);
    mem_free(v);
    if (atomic_fetch_sub(&g->left, 1) == 1) {
        g->home.run = grace_over;
        loop_post(g->loop, &g->home);
    }
}

void loop_grace(struct loop *l, struct loop_grace *g, void (*done)(struct loop_grace *g))
{
    struct loop_group *all = l->group;

    assert(l->stage_count == 0);
    g->loop = l;
    g->done = done;
    atomic_store(&g->left, 1);
    for (unsigned i = 0; i < all->count; i++) {
        struct grace_visit *v;
        if (i == l->index || atomic_load(&all->epochs.slots[i].seen) == UINT64_MAX) continue;
        v = mem_alloc(sizeof *v);
        *v = (struct grace_visit){ .mail.run = grace_visited, .grace = g };
        atomic_fetch_add(&g->left, 1);
        loop_post(all->loops[i], &v->mail);
    }
    if (atomic_fetch_sub(&g->left, 1) == 1) done(g);
}

/* ---- slots ---- */

uint32_t loop_group_take_slot(struct loop_group *g)
{
    uint32_t slot;

    sync_mutex_lock(&g->slot_mutex);
    slot = g->free_slot_count ? g->free_slots[--g->free_slot_count] : g->slot_end++;
    sync_mutex_unlock(&g->slot_mutex);
    return slot;
}

void loop_group_give_slot(struct loop_group *g, uint32_t slot)
{
    sync_mutex_lock(&g->slot_mutex);
    if (g->free_slot_count == g->free_slot_cap) {
        g->free_slot_cap = g->free_slot_cap ? g->free_slot_cap * 2 : 64;
        g->free_slots = mem_resize(g->free_slots, g->free_slot_cap * sizeof *g->free_slots);
    }
    g->free_slots[g->free_slot_count++] = slot;
    sync_mutex_unlock(&g->slot_mutex);
}
