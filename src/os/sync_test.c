/* SPDX-License-Identifier: Apache-2.0 */
/* sync_test.c - the shared primitives under threads; meant to run under TSan as well.
 *
 * sync_model_test.c enumerates what threads only sample. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>

#include "base/mem.h"
#include "base/rng.h"
#include "os/clock.h"
#include "os/poll.h"
#include "os/sync.h"

#define THREADS 3
#define ROUNDS 20000

static void run_threads(void *(*run)(void *), void *args, size_t size)
{
    pthread_t t[THREADS];

    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&t[i], NULL, run, (char *)args + i * size), 0);
    for (size_t i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
}

/* ---- mutex ---- */

struct counted {
    struct sync_mutex mutex;
    uint64_t a, b;                      /* equal whenever the mutex is free */
};

struct counted_thread {
    struct counted *shared;
    bool broken;
};

static void *count_up(void *arg)
{
    struct counted_thread *t = arg;

    for (int i = 0; i < ROUNDS; i++) {
        sync_mutex_lock(&t->shared->mutex);
        if (t->shared->a != t->shared->b) t->broken = true;
        t->shared->a++;
        if (i % 64 == 0) sched_yield();         /* so that others really sleep on it */
        t->shared->b++;
        sync_mutex_unlock(&t->shared->mutex);
    }
    return NULL;
}

static void a_mutex_excludes(void **state)
{
    struct counted c = { .a = 0 };
    struct counted_thread t[THREADS] = { { &c, false }, { &c, false }, { &c, false } };

    (void)state;
    assert_int_equal(sizeof(struct sync_mutex), 4);
    run_threads(count_up, t, sizeof t[0]);
    for (int i = 0; i < THREADS; i++) assert_false(t[i].broken);
    assert_int_equal(c.a, (uint64_t)THREADS * ROUNDS);
    assert_int_equal(c.b, (uint64_t)THREADS * ROUNDS);
    assert_false(sync_mutex_is_held(&c.mutex));
}

/* ---- big-reader lock ---- */

struct pair {
    struct sync_brlock lock;
    uint64_t a, b;
};

struct pair_thread {
    struct pair *shared;
    unsigned side;
    bool broken;
};

static void *read_and_write(void *arg)
{
    struct pair_thread *t = arg;

    for (int i = 0; i < ROUNDS; i++) {
        if (i % 16 == (int)t->side) {
            sync_brlock_write(&t->shared->lock);
            t->shared->a++;
            t->shared->b++;
            sync_brlock_write_done(&t->shared->lock);
        } else {
            sync_brlock_read(&t->shared->lock, t->side);
            if (t->shared->a != t->shared->b) t->broken = true;
            sync_brlock_read_done(&t->shared->lock, t->side);
        }
    }
    return NULL;
}

static void a_brlock_lets_nobody_see_half_a_write(void **state)
{
    struct pair p = { .a = 0 };
    struct pair_thread t[THREADS] = { { &p, 0, false }, { &p, 1, false }, { &p, 2, false } };

    (void)state;
    assert_int_equal(sizeof(struct sync_brlock_side), SYNC_LINE);
    sync_brlock_init(&p.lock, THREADS);
    run_threads(read_and_write, t, sizeof t[0]);
    for (int i = 0; i < THREADS; i++) assert_false(t[i].broken);
    assert_int_equal(p.a, (uint64_t)THREADS * ROUNDS / 16);
    sync_brlock_fini(&p.lock);
}

/* ---- mailbox with a sleeping receiver, as net/loop.c uses them ---- */

struct letter {
    struct sync_mail mail;
    unsigned from;
    uint64_t number;
};

struct post_office {
    struct sync_mailbox box;
    atomic_bool sleeping;
    struct poll_set poll;
};

struct sender {
    struct post_office *office;
    unsigned index;
    struct letter *letters;
};

static void *send_letters(void *arg)
{
    struct sender *s = arg;

    for (uint64_t i = 0; i < ROUNDS; i++) {
        struct letter *l = &s->letters[i];
        l->from = s->index;
        l->number = i;
        if (sync_mailbox_post(&s->office->box, &l->mail) &&
            atomic_exchange(&s->office->sleeping, false))
            poll_wake(&s->office->poll);
        if (i % 7 == 0) sched_yield();          /* let the receiver fall asleep */
    }
    return NULL;
}

/* Receive everything; a lost wake-up shows as a wait that nothing ends. */
static bool receive(struct post_office *o, uint64_t *next)
{
    struct poll_event events[POLL_EVENTS_MAX];

    for (uint64_t got = 0; got < (uint64_t)THREADS * ROUNDS;) {
        int64_t before = clock_mono_ns();
        atomic_store(&o->sleeping, true);
        poll_wait(&o->poll, events, sync_mailbox_is_empty(&o->box) ? 10000 : 0);
        atomic_store(&o->sleeping, false);
        if (clock_mono_ns() - before > INT64_C(9000000000)) return false;
        for (struct sync_mail *m = sync_mailbox_take(&o->box); m; m = m->next, got++) {
            struct letter *l = CONTAINER_OF(m, struct letter, mail);
            if (l->number != next[l->from]++) return false;
        }
    }
    return true;
}

static void mail_arrives_once_in_order_and_wakes(void **state)
{
    struct post_office o = { .sleeping = false };
    struct sender s[THREADS];
    pthread_t t[THREADS];
    uint64_t next[THREADS] = { 0 };

    (void)state;
    assert_int_equal(poll_init(&o.poll), ST_OK);
    for (unsigned i = 0; i < THREADS; i++) {
        s[i] = (struct sender){ &o, i, mem_zero(ROUNDS * sizeof(struct letter)) };
        assert_int_equal(pthread_create(&t[i], NULL, send_letters, &s[i]), 0);
    }
    assert_true(receive(&o, next));
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(t[i], NULL);
        assert_int_equal(next[i], ROUNDS);
        mem_free(s[i].letters);
    }
    assert_true(sync_mailbox_is_empty(&o.box));
    assert_null(sync_mailbox_take(&o.box));
    poll_fini(&o.poll);
}

/* ---- gate ---- */

static void *pass(void *arg)
{
    sync_gate_pass(*(struct sync_gate **)arg);
    return NULL;
}

static void a_gate_opens_when_all_have_passed(void **state)
{
    (void)state;
    for (int i = 0; i < 300; i++) {
        struct sync_gate gate, *at[THREADS] = { &gate, &gate, &gate };
        pthread_t t[THREADS];
        sync_gate_init(&gate, THREADS);
        for (int k = 0; k < THREADS; k++)
            assert_int_equal(pthread_create(&t[k], NULL, pass, &at[k]), 0);
        sync_gate_wait(&gate);
        assert_int_equal(atomic_load(&gate.left), 0);
        for (int k = 0; k < THREADS; k++) pthread_join(t[k], NULL);
    }
}

/* ---- retirement: readers follow a shared pointer, the writer replaces and frees ---- */

#define ALIVE UINT64_C(0x616c697665)

struct item {
    struct sync_retired retired;
    uint64_t mark;
};

struct shelf {
    struct sync_epochs epochs;
    _Atomic(struct item *) item;
    atomic_bool stop;
};

struct reader {
    struct shelf *shelf;
    unsigned index;
    uint64_t reads;
    bool broken;
};

static void *read_items(void *arg)
{
    struct reader *r = arg;

    while (!atomic_load(&r->shelf->stop)) {
        sync_epochs_enter(&r->shelf->epochs, r->index);
        for (int i = 0; i < 3; i++, r->reads++)
            if (atomic_load(&r->shelf->item)->mark != ALIVE) r->broken = true;
        if (r->reads % 2) continue;             /* on to the next iteration without sleep */
        sync_epochs_leave(&r->shelf->epochs, r->index);
    }
    sync_epochs_leave(&r->shelf->epochs, r->index);
    return NULL;
}

static struct item *item_new(void)
{
    struct item *i = mem_zero(sizeof *i);

    i->mark = ALIVE;
    return i;
}

static void nothing_is_freed_that_a_reader_holds(void **state)
{
    struct shelf s = { .stop = false };
    struct reader r[2] = { { &s, 0, 0, false }, { &s, 1, 0, false } };
    struct sync_retired *head = NULL, **end = &head;
    pthread_t t[2];
    int freed = 0;

    (void)state;
    sync_epochs_init(&s.epochs, 2);
    atomic_store(&s.item, item_new());
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&t[i], NULL, read_items, &r[i]), 0);
    for (int made = 0; made < ROUNDS || freed < ROUNDS / 2;) {
        if (made < ROUNDS) {
            struct item *old = atomic_exchange(&s.item, item_new());
            old->retired.epoch = sync_epochs_stamp(&s.epochs);
            old->retired.next = NULL;
            *end = &old->retired;
            end = &old->retired.next;
            made++;
        }
        while (head && head->epoch < sync_epochs_safe(&s.epochs)) {
            struct item *old = CONTAINER_OF(head, struct item, retired);
            head = old->retired.next;
            if (head == NULL) end = &head;
            old->mark = 0;
            mem_free(old);
            freed++;
        }
    }
    atomic_store(&s.stop, true);
    for (int i = 0; i < 2; i++) {
        pthread_join(t[i], NULL);
        assert_false(r[i].broken);
    }
    while (head) {
        struct item *old = CONTAINER_OF(head, struct item, retired);
        assert_true(old->retired.epoch < sync_epochs_safe(&s.epochs));  /* all asleep */
        head = old->retired.next;
        mem_free(old);
    }
    mem_free(atomic_load(&s.item));
    sync_epochs_fini(&s.epochs);
}

static void an_epoch_is_safe_when_all_awake_have_passed_it(void **state)
{
    struct sync_epochs e;
    uint64_t stamp;

    (void)state;
    sync_epochs_init(&e, 2);
    stamp = sync_epochs_stamp(&e);
    assert_true(stamp < sync_epochs_safe(&e));          /* everybody sleeps */
    sync_epochs_enter(&e, 0);
    stamp = sync_epochs_stamp(&e);
    assert_false(stamp < sync_epochs_safe(&e));         /* 0 entered before */
    sync_epochs_enter(&e, 1);
    assert_false(stamp < sync_epochs_safe(&e));
    sync_epochs_enter(&e, 0);
    assert_true(stamp < sync_epochs_safe(&e));
    sync_epochs_fini(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mutex_excludes),
        cmocka_unit_test(a_brlock_lets_nobody_see_half_a_write),
        cmocka_unit_test(mail_arrives_once_in_order_and_wakes),
        cmocka_unit_test(a_gate_opens_when_all_have_passed),
        cmocka_unit_test(nothing_is_freed_that_a_reader_holds),
        cmocka_unit_test(an_epoch_is_safe_when_all_awake_have_passed_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
