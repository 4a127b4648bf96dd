/* SPDX-License-Identifier: Apache-2.0 */
/* conn_stress_test.c - two loops on threads stage for the same connections while these move
 * between the loops, pause, resume and close; receivers block at random. Every byte arrives
 * exactly once, in the order of its producer; a closed connection is released exactly once. Meant
 * for TSan, too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/conn_priv.h"
#include "os/clock.h"

#define LOOPS 2
#define CONNS 6
#define FRAMES 3000                     /* per producer and connection */
#define INPUT 2000                      /* commands per connection the other way */
#define LIMIT_NS INT64_C(60000000000)

/* A frame of output: producer, low bytes of its number, length of the filler, filler. */
#define FRAME_HEAD 6

struct test;

struct peer {                           /* a connection of the server side */
    struct conn conn;                   /* first */
    struct test *test;
    int index;
    uint32_t commands;                  /* of input, in order */
    struct rng rng;
};

struct producer {
    struct sync_mail mail;
    struct test *test;
    unsigned index;
    uint32_t sent[CONNS];
    struct rng rng;
};

struct receiver {                       /* the other end of a connection, on the test's thread */
    int fd;
    unsigned char *bytes;
    size_t len, cap;
    uint32_t next[LOOPS], input_at;
    bool ended;
};

struct test {
    struct loop_group g;
    _Atomic(struct peer *) peers[CONNS];        /* how producers find them; NULL: closed */
    struct producer producers[LOOPS];
    struct receiver receivers[CONNS];
    atomic_int released, broken, moves, inputs;
    bool closes;                        /* connections end at random */
};

static struct peer *peer_of(struct conn *c)
{
    return (struct peer *)(void *)c;
}

static void on_ready(struct conn *c)
{
    struct peer *p = peer_of(c);

    atomic_store(&p->test->peers[p->index], p);
    conn_set_timer(c, atomic_load(&c->loop)->now_ns);
}

/* Input: "length byte, that many bytes of number", so that commands are cut anywhere. */
static size_t on_bytes(struct conn *c, const char *bytes, size_t len, size_t *need,
                       struct shared_bytes *keep)
{
    struct peer *p = peer_of(c);
    size_t at = 0;

    (void)keep;
    while (at < len && !c->paused) {
        size_t size = 1u + (unsigned char)bytes[at];
        if (len - at < size) {
            *need = size;
            break;
        }
        for (size_t i = 1; i < size; i++)
            if ((unsigned char)bytes[at + i] != (unsigned char)p->commands)
                atomic_store(&p->test->broken, 1);
        p->commands++;
        if (p->commands == INPUT) atomic_fetch_add(&p->test->inputs, 1);
        at += size;
        if (rng_below(&p->rng, 40) == 0) conn_pause(c, CONN_PAUSE_GRACE);
        if (rng_below(&p->rng, 40) == 0 && at < len) {
            conn_suspend(c);
            break;
        }
    }
    return at;
}

/* Every few hundred microseconds: resume, close, move. Moving comes last: then it is not ours. */
static void on_timer(struct conn *c)
{
    struct peer *p = peer_of(c);
    struct loop *l = atomic_load(&c->loop);

    conn_set_timer(c, l->now_ns + 1000 * (1 + rng_below(&p->rng, 600)));
    conn_resume(c, CONN_PAUSE_GRACE);
    if (p->test->closes && rng_below(&p->rng, 300) == 0) {
        conn_close(c);
    } else if (rng_below(&p->rng, 3) == 0) {
        atomic_fetch_add(&p->test->moves, 1);
        conn_migrate(c, p->test->g.loops[1 - l->index]);
    }
}

static void on_end(struct conn *c, enum conn_end why)
{
    struct peer *p = peer_of(c);

    if (why != CONN_END_EOF && !p->test->closes) atomic_store(&p->test->broken, 2);
    conn_close(c);
}

static void on_notify(struct conn *c, unsigned bits)
{
    (void)bits;
    if (!c->closed) conn_close(c);
}

static void on_close(struct conn *c)
{
    atomic_store(&peer_of(c)->test->peers[peer_of(c)->index], NULL);
}

static void on_release(struct conn *c)
{
    atomic_fetch_add(&peer_of(c)->test->released, 1);
    mem_free(c);
}

static const struct conn_ops ops = {
    .on_ready = on_ready, .on_bytes = on_bytes, .on_end = on_end, .on_timer = on_timer,
    .on_notify = on_notify, .on_close = on_close, .on_release = on_release,
};

/* ---- producers: a batch per mail, on their loop ---- */

static size_t filler_of(uint32_t number)
{
    return number % 61 == 0 ? 20000 : number % 7 * 40;
}

static void stage_frame(struct loop *l, struct conn *c, unsigned producer, uint32_t number)
{
    size_t filler = filler_of(number);
    unsigned char *p = (unsigned char *)conn_stage(l, c, FRAME_HEAD + filler);

    p[0] = (unsigned char)producer;
    p[1] = (unsigned char)number;
    p[2] = (unsigned char)(number >> 8);
    memset(p + 3, 0xff, 3);
    memset(p + FRAME_HEAD, (int)(number & 0x7f), filler);
    conn_stage_done(l, c, FRAME_HEAD + filler);
}

static void produce(struct sync_mail *mail, void *loop)
{
    struct producer *p = CONTAINER_OF(mail, struct producer, mail);
    struct loop *l = loop;
    bool left = false;

    for (int i = 0; i < CONNS; i++) {
        struct peer *to = atomic_load(&p->test->peers[i]);
        uint32_t batch = rng_below(&p->rng, 12);
        if (to == NULL) {
            if (!p->test->closes) left = true;          /* not open yet */
            continue;
        }
        for (; batch > 0 && p->sent[i] < FRAMES; batch--)
            stage_frame(l, &to->conn, p->index, p->sent[i]++);
        if (p->sent[i] < FRAMES) left = true;
    }
    loop_commit(l);
    if (left) loop_post(l, &p->mail);
}

/* ---- receivers ---- */

/* Take whole frames off; false: something is wrong. */
static bool check_frames(struct receiver *r)
{
    size_t at = 0;

    while (r->len - at >= FRAME_HEAD) {
        const unsigned char *p = r->bytes + at;
        uint32_t number;
        if (p[0] >= LOOPS || p[3] != 0xff) return false;
        number = r->next[p[0]];
        if (p[1] != (unsigned char)number || p[2] != (unsigned char)(number >> 8)) return false;
        if (r->len - at < FRAME_HEAD + filler_of(number)) break;
        for (size_t i = 0; i < filler_of(number); i++)
            if (p[FRAME_HEAD + i] != (number & 0x7f)) return false;
        r->next[p[0]]++;
        at += FRAME_HEAD + filler_of(number);
    }
    memmove(r->bytes, r->bytes + at, r->len - at);
    r->len -= at;
    return true;
}

static bool receive(struct receiver *r, struct rng *rng)
{
    size_t want = 1 + rng_below(rng, 60000);
    ssize_t n;

    if (r->cap < r->len + want) r->bytes = mem_resize(r->bytes, r->cap = r->len + want + 65536);
    n = recv(r->fd, r->bytes + r->len, want, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN)) r->ended = true;
    if (n > 0) r->len += (size_t)n;
    return check_frames(r);
}

static void send_input(struct receiver *r, struct rng *rng)
{
    unsigned char out[32 * 256];
    size_t len = 0;

    if (r->input_at >= INPUT) return;
    for (uint32_t n = rng_below(rng, 30); n > 0 && r->input_at < INPUT; n--, r->input_at++) {
        size_t size = r->input_at * 7 % 255;
        out[len++] = (unsigned char)size;
        memset(out + len, (int)(r->input_at & 0xff), size);
        len += size;
    }
    for (size_t at = 0; at < len;) {            /* what is begun is finished, in odd pieces */
        struct pollfd ready = { .fd = r->fd, .events = POLLOUT };
        size_t part = 1 + rng_below(rng, (uint32_t)(len - at));
        ssize_t n = send(r->fd, out + at, part, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n > 0) at += (size_t)n;
        if (n < 0 && errno != EAGAIN) return;
        if (n < 0) poll(&ready, 1, 10);
    }
}

static bool is_complete(struct test *t)
{
    bool all = t->closes || atomic_load(&t->inputs) == CONNS;

    for (int i = 0; i < CONNS; i++) {
        struct receiver *r = &t->receivers[i];
        for (int k = 0; k < LOOPS && !t->closes; k++) all = all && r->next[k] == FRAMES;
        if (t->closes) all = all && r->ended;
    }
    return all;
}

/* ---- the test ---- */

static void *run_loop(void *arg)
{
    loop_run(arg);
    return NULL;
}

static void open_all(struct test *t)
{
    for (int i = 0; i < CONNS; i++) {
        struct peer *p = mem_zero(sizeof *p);
        int fds[2], small = 4096;
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
        if (i % 2) setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
        p->test = t;
        p->index = i;
        rng_seed(&p->rng, (uint64_t)i);
        t->receivers[i].fd = fds[1];
        conn_init(&p->conn, &t->g, fds[0], &ops, &transport_tcp, NULL);
        conn_open(&p->conn, t->g.loops[i % LOOPS], NULL);
    }
}

static void receive_all(struct test *t, struct rng *rng)
{
    int64_t end = clock_mono_ns() + LIMIT_NS;

    while (!is_complete(t) && !atomic_load(&t->broken)) {
        struct receiver *r = &t->receivers[rng_below(rng, CONNS)];
        if (clock_mono_ns() > end)
            fail_msg("stuck: conn %d has %u and %u frames, input %d", (int)(r - t->receivers),
                     r->next[0], r->next[1], atomic_load(&t->inputs));
        if (r->ended) continue;
        if (!receive(r, rng)) fail_msg("conn %d: damaged output", (int)(r - t->receivers));
        if (!t->closes) send_input(r, rng);
    }
    assert_int_equal(atomic_load(&t->broken), 0);
}

static void run(bool closes)
{
    struct test *t = mem_zero(sizeof *t);
    pthread_t threads[LOOPS];
    struct rng rng;

    t->closes = closes;
    rng_seed(&rng, 3);
    assert_int_equal(loop_group_init(&t->g, LOOPS, 1), ST_OK);
    atomic_store(&t->g.limits.max_pending, INT64_C(1) << 40);
    atomic_store(&t->g.limits.write_deadline_ns, LIMIT_NS);
    atomic_store(&t->g.limits.no_stall, true);
    open_all(t);
    for (unsigned i = 0; i < LOOPS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_loop, t->g.loops[i]), 0);
    while (closes && atomic_load(&t->peers[CONNS - 1]) == NULL && atomic_load(&t->released) == 0)
        sched_yield();
    for (unsigned i = 0; i < LOOPS; i++) {
        t->producers[i] = (struct producer){ .mail.run = produce, .test = t, .index = i };
        rng_seed(&t->producers[i].rng, i + 10);
        loop_post(t->g.loops[i], &t->producers[i].mail);
    }
    receive_all(t, &rng);
    for (int i = 0; i < CONNS; i++) close(t->receivers[i].fd);
    while (atomic_load(&t->released) < CONNS) sched_yield();
    for (unsigned i = 0; i < LOOPS; i++) loop_stop(t->g.loops[i]);
    for (unsigned i = 0; i < LOOPS; i++) pthread_join(threads[i], NULL);
    assert_true(atomic_load(&t->moves) > 0);
    loop_group_fini(&t->g);
    assert_int_equal(atomic_load(&t->released), CONNS);
    for (int i = 0; i < CONNS; i++) mem_free(t->receivers[i].bytes);
    mem_free(t);
}

static void every_byte_arrives_once_in_order(void **state)
{
    (void)state;
    run(false);
}

static void connections_close_under_traffic(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) run(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_arrives_once_in_order),
        cmocka_unit_test(connections_close_under_traffic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
