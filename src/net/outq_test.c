/* SPDX-License-Identifier: Apache-2.0 */
/* outq_test.c - output queues step by step, on a transport that takes what the test allows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/conn_priv.h"
#include "os/clock.h"

#define TURN_BYTES (256 * 1024)         /* what one flush sends at most */
#define STEPS_MAX 1000

struct target {
    struct conn conn;                   /* first */
    int peer;
    size_t room, written;               /* what the transport takes still; has taken */
    bool refuses;                       /* the next write is an error */
    unsigned char next;                 /* expected byte */
    int ends[CONN_END_PROTOCOL + 1];
    bool *released;
};

static struct target *target_of(struct conn *c)
{
    return (struct target *)(void *)c;
}

static ssize_t write_scripted(struct conn *c, const struct iovec *iov, int count)
{
    struct target *t = target_of(c);
    ssize_t n = 0;

    if (t->refuses) return -EPIPE;
    if (t->room == 0 && count > 0 && iov[0].iov_len > 0) return -EAGAIN;
    for (int i = 0; i < count; i++) {
        const unsigned char *p = iov[i].iov_base;
        for (size_t j = 0; j < iov[i].iov_len && t->room > 0; j++, n++, t->room--)
            assert_int_equal(p[j], t->next++);
    }
    t->written += (size_t)n;
    return n;
}

static ssize_t read_nothing(struct conn *c, void *p, size_t len)
{
    (void)c;
    (void)p;
    (void)len;
    return -EAGAIN;
}

static void on_ready(struct conn *c)
{
    (void)c;
}

static void on_end(struct conn *c, enum conn_end why)
{
    target_of(c)->ends[why]++;
    conn_close(c);
}

static void on_close(struct conn *c)
{
    (void)c;
}

static void on_release(struct conn *c)
{
    struct target *t = target_of(c);

    close(t->peer);
    *t->released = true;
    mem_free(t);
}

static const struct transport_ops scripted = { .read = read_nothing, .write = write_scripted };
static const struct transport_ops scripted_owner_only = {
    .read = read_nothing, .write = write_scripted, .owner_only = true,
};
static const struct conn_ops ops = {
    .on_ready = on_ready, .on_end = on_end, .on_close = on_close, .on_release = on_release,
};

struct world {
    struct loop_group g;
    struct target *t;
    unsigned char next;                 /* byte staged next */
    bool released;
};

static void world_init(struct world *w, unsigned loops, const struct transport_ops *transport)
{
    int fds[2];

    *w = (struct world){ .next = 0 };
    assert_int_equal(loop_group_init(&w->g, loops, 1), ST_OK);
    atomic_store(&w->g.limits.max_pending, 64 * 1024 * 1024);
    atomic_store(&w->g.limits.write_deadline_ns, INT64_C(10000000000));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    w->t = mem_zero(sizeof *w->t);
    w->t->peer = fds[1];
    w->t->released = &w->released;
    conn_init(&w->t->conn, &w->g, fds[0], &ops, transport, NULL);
    conn_open(&w->t->conn, w->g.loops[0], NULL);
    loop_step(w->g.loops[0], 0);
    assert_true(w->t->conn.ready);
}

static void world_fini(struct world *w)
{
    if (!w->released) conn_close(&w->t->conn);
    loop_group_fini(&w->g);
    assert_true(w->released);
}

static void stage(struct world *w, unsigned loop, size_t len)
{
    struct loop *l = w->g.loops[loop];

    while (len > 0) {
        size_t part = len < 60000 ? len : 60000;
        char *p = conn_stage(l, &w->t->conn, part);
        for (size_t i = 0; i < part; i++) p[i] = (char)w->next++;
        conn_stage_done(l, &w->t->conn, part);
        len -= part;
    }
}

static void step(struct world *w)
{
    for (unsigned i = 0; i < w->g.count; i++) loop_step(w->g.loops[i], 0);
}

/* Data is never left without somebody to send it: neither below, at nor above a turn's budget. */
static void every_turn_ends_with_a_next(void **state)
{
    static const size_t sizes[] = {
        1, TURN_BYTES - 1, TURN_BYTES, TURN_BYTES + 1, 2 * TURN_BYTES, 3 * TURN_BYTES + 7,
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        for (unsigned by = 0; by < 2; by++) {
            struct world w;
            world_init(&w, 2, &scripted);
            w.t->room = SIZE_MAX;
            stage(&w, by, sizes[i]);
            loop_commit(w.g.loops[by]);
            for (int n = 0; n < STEPS_MAX && w.t->written < sizes[i]; n++) step(&w);
            if (w.t->written != sizes[i])
                fail_msg("%zu of %zu bytes by loop %u", w.t->written, sizes[i], by);
            assert_int_equal(conn_pending(&w.t->conn), 0);
            world_fini(&w);
        }
    }
}

static void blocks_without_bytes_pass(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, 1, &scripted);
    w.t->room = SIZE_MAX;
    conn_stage(w.g.loops[0], &w.t->conn, 0);
    conn_stage_done(w.g.loops[0], &w.t->conn, 0);
    loop_commit(w.g.loops[0]);
    assert_null(w.t->conn.out.head);
    stage(&w, 0, 10);
    loop_commit(w.g.loops[0]);
    assert_int_equal(w.t->written, 10);
    world_fini(&w);
}

/* Who finds the socket full arms EPOLLOUT, whichever loop it is, and the owner goes on. */
static void a_full_socket_is_resumed_by_the_owner(void **state)
{
    (void)state;
    for (unsigned by = 0; by < 2; by++) {
        struct world w;
        world_init(&w, 2, &scripted);
        w.t->room = 1000;
        stage(&w, by, 5000);
        loop_commit(w.g.loops[by]);
        assert_int_equal(w.t->written, 1000);
        assert_true(w.t->conn.out.blocked);
        w.t->room = SIZE_MAX;
        stage(&w, 1 - by, 100);                 /* somebody else's output waits its turn */
        loop_commit(w.g.loops[1 - by]);
        assert_int_equal(w.t->written, 1000);
        for (int n = 0; n < STEPS_MAX && w.t->written < 5100; n++) step(&w);
        assert_int_equal(w.t->written, 5100);
        assert_false(w.t->conn.out.blocked);
        world_fini(&w);
    }
}

/* A blocked connection that moves is armed on its new loop. */
static void a_blocked_connection_moves(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, 2, &scripted);
    stage(&w, 0, 5000);
    loop_commit(w.g.loops[0]);
    step(&w);
    conn_migrate(&w.t->conn, w.g.loops[1]);
    w.t->room = SIZE_MAX;
    for (int n = 0; n < STEPS_MAX && w.t->written < 5000; n++) step(&w);
    assert_int_equal(w.t->written, 5000);
    assert_ptr_equal(atomic_load(&w.t->conn.loop), w.g.loops[1]);
    world_fini(&w);
}

/* The duty to flush, and a close ordered meanwhile, follow a connection that moves. */
static void commands_follow_a_move(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, 2, &scripted);
    w.t->room = SIZE_MAX;
    stage(&w, 1, 2 * TURN_BYTES);
    loop_commit(w.g.loops[1]);                  /* half is sent, the owner has mail */
    conn_migrate(&w.t->conn, w.g.loops[1]);
    for (int n = 0; n < STEPS_MAX && w.t->written < 2 * TURN_BYTES; n++) step(&w);
    assert_int_equal(w.t->written, 2 * TURN_BYTES);
    w.t->refuses = true;
    stage(&w, 0, 10);
    loop_commit(w.g.loops[0]);                  /* fails: mail to loop 1, which gives it away */
    conn_migrate(&w.t->conn, w.g.loops[0]);
    for (int n = 0; n < STEPS_MAX && !w.released; n++) step(&w);
    assert_true(w.released);
    world_fini(&w);
}

static void owner_only_transports_are_flushed_by_their_owner(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, 2, &scripted_owner_only);
    w.t->room = SIZE_MAX;
    stage(&w, 1, 100);
    loop_commit(w.g.loops[1]);
    assert_int_equal(w.t->written, 0);
    loop_step(w.g.loops[0], 0);
    assert_int_equal(w.t->written, 100);
    world_fini(&w);
}

/* At max_pending all is well; one byte more ends the connection and frees what was queued. */
static void pending_bytes_are_bounded(void **state)
{
    for (int over = 0; over < 2; over++) {
        struct world w;
        (void)state;
        world_init(&w, 2, &scripted);
        atomic_store(&w.g.limits.max_pending, 100000);
        stage(&w, 1, 100000);
        loop_commit(w.g.loops[1]);
        step(&w);
        assert_int_equal(conn_pending(&w.t->conn), 100000);
        assert_int_equal(w.t->ends[CONN_END_SLOW_PENDING], 0);
        assert_true(atomic_load(&w.t->conn.out.crowded));
        if (over) {
            stage(&w, 0, 1);
            loop_commit(w.g.loops[0]);
            for (int n = 0; n < STEPS_MAX && !w.released; n++) {
                if (w.t->conn.closed) assert_int_equal(w.t->ends[CONN_END_SLOW_PENDING], 1);
                step(&w);
            }
            assert_true(w.released);
            assert_int_equal(w.g.loops[0]->stats.slow_pending, 1);
        } else {
            w.t->room = 30000;                  /* down to 70 per cent */
            for (int n = 0; n < STEPS_MAX && w.t->room > 0; n++) step(&w);
            assert_false(atomic_load(&w.t->conn.out.crowded));
        }
        world_fini(&w);
    }
}

/* No byte within the deadline: closed, but not before. */
static void a_stalled_target_is_closed_at_its_deadline(void **state)
{
    const int64_t deadline_ns = INT64_C(30000000);
    struct world w;
    int64_t start;

    (void)state;
    world_init(&w, 2, &scripted);
    atomic_store(&w.g.limits.write_deadline_ns, deadline_ns);
    start = loop_now(w.g.loops[1]);
    stage(&w, 1, 10);
    loop_commit(w.g.loops[1]);
    while (!w.released && clock_mono_ns() - start < INT64_C(5000000000)) {
        bool closed = w.t->conn.closed;
        if (closed) assert_true(clock_mono_ns() - start >= deadline_ns);
        step(&w);
    }
    assert_true(w.released);
    assert_int_equal(w.g.loops[0]->stats.slow_deadline, 1);
    world_fini(&w);
}

/* What is staged for a dead target is freed, not kept and not sent. */
static void a_dead_queue_takes_nothing(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, 2, &scripted);
    stage(&w, 1, 100000);
    conn_close(&w.t->conn);
    loop_commit(w.g.loops[1]);
    assert_int_equal(conn_pending(&w.t->conn), 0);
    assert_null(w.t->conn.out.head);
    world_fini(&w);
}

/* Mail that is under way when the loops stop is handled, not lost with what it holds. */
static void mail_under_way_does_not_outlive_the_loops(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, 2, &scripted);
    stage(&w, 1, 10);
    loop_commit(w.g.loops[1]);                  /* blocked: mail to loop 0, which steps no more */
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_turn_ends_with_a_next),
        cmocka_unit_test(blocks_without_bytes_pass),
        cmocka_unit_test(a_full_socket_is_resumed_by_the_owner),
        cmocka_unit_test(a_blocked_connection_moves),
        cmocka_unit_test(commands_follow_a_move),
        cmocka_unit_test(owner_only_transports_are_flushed_by_their_owner),
        cmocka_unit_test(pending_bytes_are_bounded),
        cmocka_unit_test(a_stalled_target_is_closed_at_its_deadline),
        cmocka_unit_test(a_dead_queue_takes_nothing),
        cmocka_unit_test(mail_under_way_does_not_outlive_the_loops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
