/* SPDX-License-Identifier: Apache-2.0 */
/* load_special.c - two shapes that need more than a loop of sends and reads.
 *
 * hot: many publishers, one subject, one subscriber, and a driver that takes
 * nothing from the server's cores. The server is stopped (SIGSTOP) while the
 * publishers fill the kernel's socket buffers, then continued. The generator
 * then sleeps in poll() until the last message lies in the subscriber's receive
 * buffer (SO_RCVLOWAT, which also makes the kernel acknowledge at once although
 * nobody reads). What the kernel does for the
 * publishers in that time it does in the server's system calls. Afterwards
 * everything is read and checked as in any other mode.
 *
 * mixed: one publisher to many subscribers of which half read too slowly or
 * not at all. First the fast half alone, then all: the fast ones must keep
 * their speed, the slow ones may be cut off, and nobody may lose a message
 * and stay connected. */
#include "load.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#define HOT_BUFFER_BYTES (1 << 29)          /* the kernel doubles it */
#define SLOW_BUFFER_BYTES 16384
#define SLOW_SEGMENT_BYTES 1448
#define SLOW_READ_BYTES 4096
#define SLOW_PERIOD_TICKS 10

static void nap_ms(long ms)
{
    struct timespec t = {0, ms * 1000000};

    nanosleep(&t, NULL);
}

static void stop_server(const struct load *ld)
{
    if (kill(ld->opt.pid, SIGSTOP) != 0)
        util_die("can't stop process %d: %s", (int)ld->opt.pid, strerror(errno));
    while (util_server_state(ld->opt.pid) != 'T')
        nap_ms(1);
}

/* Nobody reads: whatever does not fit into the socket buffers can't be sent. */
static void preload(struct load *ld, struct conn *c, uint64_t messages)
{
    c->to_send += messages;
    c->writable = true;
    while (c->chunk_left > 0 || run_next_chunk(ld, c)) {
        ssize_t k = conn_send(ld, c, c->chunk, c->chunk_left);

        c->chunk += k;
        c->chunk_left -= (size_t)k;
        if (c->writable && !c->dead)
            continue;
        kill(ld->opt.pid, SIGCONT);
        util_die("not measured: the kernel buffers too little for a publisher; needs "
                 "CAP_NET_ADMIN and room in net.ipv4.tcp_mem, or fewer messages (-n)");
    }
}

static uint64_t ring_delivery_bytes(const struct ring *r, uint64_t messages)
{
    uint64_t one = r->msg_off[1] - r->msg_off[0] + r->payload_bytes + 2;

    return messages * one;
}

static void set_low_water(const struct conn *sub, uint64_t bytes)
{
    int level = (int)bytes;

    if (setsockopt(sub->fd, SOL_SOCKET, SO_RCVLOWAT, &level, sizeof level) != 0)
        util_die("SO_RCVLOWAT: %s", strerror(errno));
}

/* The kernel may wake us early when its memory is short: then look once a millisecond. */
static void wait_for_level(struct load *ld, const struct conn *sub, uint64_t bytes)
{
    uint64_t deadline = util_now_ns() + (uint64_t)(ld->opt.limit_s * 1e9);
    struct pollfd pf = {sub->fd, POLLIN, 0};
    int level = 0;

    while (!ld->failed) {
        if (poll(&pf, 1, 100) < 0 && errno != EINTR)
            util_die("poll: %s", strerror(errno));
        if (ioctl(sub->fd, FIONREAD, &level) != 0)
            util_die("FIONREAD: %s", strerror(errno));
        if ((uint64_t)level >= bytes)
            return;
        if ((pf.revents & POLLHUP) != 0 || util_now_ns() > deadline) {
            fprintf(stderr, "load: %d of %llu bytes %s\n", level, (unsigned long long)bytes,
                    pf.revents & POLLHUP ? "and then closed" : "within the time limit");
            ld->failed = true;
        }
        if (pf.revents != 0)
            nap_ms(1);
    }
}

static struct timing hot_round(struct load *ld, struct conn *sub, struct conn **pubs, uint64_t each)
{
    uint64_t own, start, bytes = ring_delivery_bytes(sub->source[0], each * ld->opt.pubs);
    struct timing t;

    if (bytes > INT32_MAX)
        util_die("too many messages for one receive buffer");
    set_low_water(sub, bytes);
    stop_server(ld);
    for (uint32_t i = 0; i < ld->opt.pubs; i++)
        preload(ld, pubs[i], each);
    t.before = util_server_usage(ld->opt.pid);
    own = util_own_cpu_ns();
    start = util_now_ns();
    if (kill(ld->opt.pid, SIGCONT) != 0)
        util_die("can't continue process %d: %s", (int)ld->opt.pid, strerror(errno));
    wait_for_level(ld, sub, bytes);
    t.elapsed_s = (double)(util_now_ns() - start) / 1e9;
    t.after = util_server_usage(ld->opt.pid);
    t.own_cpu_ns = util_own_cpu_ns() - own;
    set_low_water(sub, 1);
    ld->wanted += each * ld->opt.pubs;
    sub->expect = ld->wanted;
    run_settle(ld);
    return t;
}

static int compare_elapsed(const void *a, const void *b)
{
    const struct timing *x = a, *y = b;

    return (x->elapsed_s > y->elapsed_s) - (x->elapsed_s < y->elapsed_s);
}

void mode_hot(struct load *ld)
{
    const struct options *o = &ld->opt;
    struct conn *sub, **pubs = util_alloc(o->pubs, sizeof(struct conn *));
    struct timing *rounds = util_alloc(o->rounds, sizeof *rounds);
    uint64_t each = o->messages / o->pubs, done = 0;
    char subject[160];

    if (o->pid == 0 || o->payload_bytes < STAMP_BYTES || o->tls)
        util_die("hot needs -P, payloads of at least %u bytes and no TLS", STAMP_BYTES);
    snprintf(subject, sizeof subject, "%s.hot", o->subject);
    sub = conn_open_sized(ld, ROLE_SUB, 0, (struct sizes){.rcv = HOT_BUFFER_BYTES});
    sub->check = CHECK_STAMP;
    conn_queuef(sub, "SUB %s 1\r\n", subject);
    conn_sync(ld, sub);
    for (uint32_t i = 0; i < o->pubs; i++) {
        pubs[i] = conn_open_sized(ld, ROLE_PUB, i + 1, (struct sizes){.snd = HOT_BUFFER_BYTES});
        pubs[i]->ring = ring_new_repeated(ld, i, subject);
        pubs[i]->ping_sent = true;      /* the settling PING serves */
        run_add_source(sub, pubs[i]->ring);
        conn_sync(ld, pubs[i]);
    }
    while (done < o->rounds && !ld->failed)
        rounds[done++] = hot_round(ld, sub, pubs, each);
    /* The first round is warm-up: connections may still move between loops. */
    if (done > 1)
        qsort(rounds + 1, done - 1, sizeof *rounds, compare_elapsed);
    run_report(ld, &rounds[done > 1 ? 1 + (done - 1) / 2 : 0], each * o->pubs);
    printf(" rounds=%llu best_msgs_s=%.0f gen_share=%.4f\n", (unsigned long long)done,
           (double)(each * o->pubs) / rounds[done > 1 ? 1 : 0].elapsed_s,
           (double)rounds[0].own_cpu_ns / 1e9 / rounds[0].elapsed_s);
    free(rounds);
    free(pubs);
}

/* Every other slow subscriber reads a little ten times a second, the rest never. */
static void read_slowly(struct load *ld)
{
    for (size_t i = 0; i < ld->nconns; i++) {
        struct conn *c = ld->conns[i];

        if (c->uncounted && !c->dead && i % 2 == 0 && i / 2 % SLOW_PERIOD_TICKS ==
            ld->ticks % SLOW_PERIOD_TICKS)
            conn_read_once(ld, c, SLOW_READ_BYTES);
    }
}

static struct conn *add_mixed(struct load *ld, uint32_t i, const struct ring *ring, bool slow)
{
    /* With the segments of the loopback the kernel would keep 4 MiB for each. */
    struct sizes small = {.rcv = SLOW_BUFFER_BYTES, .mss = SLOW_SEGMENT_BYTES};
    struct conn *c = conn_open_sized(ld, ROLE_SUB, i, slow ? small : (struct sizes){0});

    c->expect = ld->opt.messages;
    c->closing_allowed = c->uncounted = slow;
    run_add_source(c, ring);
    conn_queuef(c, "SUB %s.mixed 1\r\n", ld->opt.subject);
    conn_sync(ld, c);
    if (!slow)
        conn_watch(ld, c);
    return c;
}

static struct timing mixed_part(struct load *ld, struct conn *pub, struct flow *flow)
{
    struct timing t;

    for (size_t i = 0; i < flow->nsubs; i++) {
        flow->subs[i]->got = 0;
        flow->subs[i]->next[0] = 0;
    }
    flow->sent = pub->sent = 0;
    pub->ring_pos = 0;
    pub->ping_sent = pub->finished = false;
    ld->delivered = 0;
    ld->wanted = ld->opt.messages * flow->nsubs;
    t = run_loop(ld);
    return t;
}

/* A slow subscriber has everything or has been cut: counts the latter. */
static uint32_t check_slow(struct load *ld, struct conn *const *slow, uint32_t n)
{
    uint32_t cut = 0;

    for (uint32_t i = 0; i < n && !ld->failed; i++) {
        if (slow[i]->dead)
            cut++;
        else if (slow[i]->got != slow[i]->expect)
            conn_fail(ld, slow[i], "slow subscriber lost messages without being cut off");
    }
    return cut;
}

void mode_mixed(struct load *ld)
{
    const struct options *o = &ld->opt;
    uint32_t nslow = o->subs / 2, nfast = o->subs - nslow, cut;
    struct conn **fast = util_alloc(nfast, sizeof(struct conn *)), *pub;
    struct conn **slow = util_alloc(nslow, sizeof(struct conn *));
    struct flow *flow = run_new_flow(ld, fast, nfast);
    struct timing alone, mixed;
    struct usage end;
    struct ring *ring;
    char subject[160];

    snprintf(subject, sizeof subject, "%s.mixed", o->subject);
    ring = ring_new_repeated(ld, 0, subject);
    for (uint32_t i = 0; i < nfast; i++)
        fast[i] = add_mixed(ld, i, ring, false);
    pub = conn_open(ld, ROLE_PUB, o->subs);
    pub->ring = ring;
    pub->to_send = o->messages;
    pub->flow = flow;
    conn_sync(ld, pub);
    conn_watch(ld, pub);
    alone = mixed_part(ld, pub, flow);
    run_settle(ld);
    for (uint32_t i = 0; i < nslow; i++)
        slow[i] = add_mixed(ld, nfast + i, ring, true);
    ld->tick = read_slowly;
    mixed = mixed_part(ld, pub, flow);
    end = util_server_usage(o->pid);
    run_settle(ld);
    cut = check_slow(ld, slow, nslow);
    run_report(ld, &mixed, o->messages);
    printf(" alone_msgs_s=%.0f fast_ratio=%.3f peak_kb=%llu slow=%u cut=%u\n",
           (double)o->messages / alone.elapsed_s, alone.elapsed_s / mixed.elapsed_s,
           (unsigned long long)end.peak_kb, nslow, cut);
    free(fast);
    free(slow);
}
