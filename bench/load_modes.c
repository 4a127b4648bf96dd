/* SPDX-License-Identifier: Apache-2.0 */
/* load_modes.c - the everyday shapes of traffic, one function each.
 *
 * A mode opens its connections, hands them to the loop, settles, and prints
 * its line. Rings, flows and connections belong to struct load and last until its end. */
#include "load.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct conn *add_publisher(struct load *ld, uint32_t i, const struct ring *ring,
                                  uint64_t messages, struct flow *flow)
{
    struct conn *c = conn_open(ld, ROLE_PUB, i);

    c->ring = ring;
    c->to_send = messages;
    c->flow = flow;
    conn_sync(ld, c);
    conn_watch(ld, c);
    return c;
}

static void finish(const struct load *ld, const struct timing *t, uint64_t published)
{
    run_report(ld, t, published);
    if (ld->opt.mode[0] == 'r')
        run_report_latency(ld);
    putchar('\n');
}

/* Rings of the publishers; publisher i writes to S.i, or all of them to S.0. */
static const struct ring **make_rings(struct load *ld, bool one_subject)
{
    const struct ring **rings = util_alloc(ld->opt.pubs, sizeof *rings);
    char subject[160];

    for (uint32_t i = 0; i < ld->opt.pubs; i++) {
        snprintf(subject, sizeof subject, "%s.%u", ld->opt.subject, one_subject ? 0 : i);
        rings[i] = ring_new_repeated(ld, i, subject);
    }
    return rings;
}

void mode_publish(struct load *ld)
{
    uint64_t each = ld->opt.messages / ld->opt.pubs;
    const struct ring **rings = make_rings(ld, false);
    struct timing t;

    for (uint32_t i = 0; i < ld->opt.pubs; i++)
        add_publisher(ld, i, rings[i], each, NULL);
    t = run_loop(ld);
    run_settle(ld);
    finish(ld, &t, each * ld->opt.pubs);
    free(rings);
}

static struct conn *add_fan_subscriber(struct load *ld, uint32_t i, const struct ring **rings,
                                       uint64_t expect)
{
    const struct options *o = &ld->opt;
    struct conn *c = conn_open(ld, ROLE_SUB, i);

    c->check = o->queue != NULL ? CHECK_MEMBER : o->pubs > 1 ? CHECK_STAMP : CHECK_ORDER;
    for (uint32_t k = 0; k < o->pubs; k++)
        run_add_source(c, rings[k]);
    c->expect = o->queue != NULL ? UINT64_MAX : expect;
    conn_queuef(c, "SUB %s.0 %s 1\r\n", o->subject, o->queue != NULL ? o->queue : "");
    conn_sync(ld, c);
    conn_watch(ld, c);
    return c;
}

/* A queue group may share the messages out as it likes, but each exactly once: the sum of
 * their indexes must come out right as well as their number. */
static void check_queue_sum(struct load *ld, const struct ring **rings, uint64_t each)
{
    uint64_t sum = 0;

    for (uint32_t k = 0; k < ld->opt.pubs; k++)
        sum += ring_index_sum(rings[k], each);
    if (!ld->failed && sum != ld->index_sum) {
        fprintf(stderr, "load: the queue group lost some messages and repeated others\n");
        ld->failed = true;
    }
}

void mode_fan(struct load *ld)
{
    const struct options *o = &ld->opt;
    uint64_t each = o->messages / o->pubs, total = each * o->pubs;
    const struct ring **rings = make_rings(ld, true);
    struct conn **subs = util_alloc(o->subs, sizeof(struct conn *));
    struct flow *flow = run_new_flow(ld, subs, o->subs);
    struct timing t;

    if ((o->pubs > 1 || o->queue != NULL) && o->payload_bytes < STAMP_BYTES)
        util_die("this mode needs payloads of at least %u bytes", STAMP_BYTES);
    for (uint32_t j = 0; j < o->subs; j++)
        subs[j] = add_fan_subscriber(ld, j, rings, total);
    for (uint32_t i = 0; i < o->pubs; i++)
        add_publisher(ld, o->subs + i, rings[i], each, flow);
    ld->wanted = o->queue != NULL ? total : total * o->subs;
    t = run_loop(ld);
    run_settle(ld);
    if (o->queue != NULL)
        check_queue_sum(ld, rings, each);
    finish(ld, &t, total);
    free(subs);
    free(rings);
}

void mode_pair(struct load *ld)
{
    const struct options *o = &ld->opt;
    uint64_t each = o->messages / o->pubs;
    const struct ring **rings = make_rings(ld, false);
    struct conn **subs = util_alloc(o->pubs, sizeof(struct conn *));
    struct timing t;

    for (uint32_t i = 0; i < o->pubs; i++) {
        struct conn *c = subs[i] = conn_open(ld, ROLE_SUB, i);

        run_add_source(c, rings[i]);
        c->expect = each;
        conn_queuef(c, "SUB %s.%u 1\r\n", o->subject, i);
        conn_sync(ld, c);
        conn_watch(ld, c);
    }
    for (uint32_t i = 0; i < o->pubs; i++)
        add_publisher(ld, o->pubs + i, rings[i], each, run_new_flow(ld, &subs[i], 1));
    ld->wanted = each * o->pubs;
    t = run_loop(ld);
    run_settle(ld);
    finish(ld, &t, ld->wanted);
    free(subs);
    free(rings);
}

/* The commands are built once: the clock of a request starts when one is queued. */
static void make_commands(const struct load *ld, struct conn *c)
{
    size_t z = ld->opt.payload_bytes, off = 0;
    size_t head = strlen(ld->req_subject) + strlen(c->inbox) + 48;

    c->commands = util_alloc(ld->opt.in_flight, head + z + 2);
    c->command_off = util_alloc(ld->opt.in_flight + 1, sizeof *c->command_off);
    for (uint32_t slot = 0; slot < ld->opt.in_flight; slot++) {
        off += (size_t)snprintf(c->commands + off, head, "PUB %s %s.%u %s", ld->req_subject,
                                c->inbox, slot, ld->size_text);
        memcpy(c->commands + off, ld->payload, z + 2);
        off += z + 2;
        c->command_off[slot + 1] = off;
    }
}

static void add_requester(struct load *ld, uint32_t i, uint64_t requests)
{
    struct conn *c = conn_open(ld, ROLE_REQUESTER, ld->opt.subs + i);

    c->expect = requests;
    c->slot_start_ns = util_alloc(ld->opt.in_flight, sizeof *c->slot_start_ns);
    c->free_slots = util_alloc(ld->opt.in_flight, sizeof *c->free_slots);
    c->latency_ns = util_alloc(requests, sizeof *c->latency_ns);
    for (uint32_t s = ld->opt.in_flight; s > 0; s--)
        c->free_slots[c->nfree++] = s - 1;
    snprintf(c->inbox, sizeof c->inbox, "_INBOX.%08xload%06u", (unsigned)getpid(), i);
    make_commands(ld, c);
    conn_queuef(c, "SUB %s.* 1\r\n", c->inbox);
    conn_sync(ld, c);
    conn_watch(ld, c);
}

void mode_request(struct load *ld)
{
    const struct options *o = &ld->opt;
    uint64_t each = o->messages / o->pubs;
    struct timing t;

    snprintf(ld->req_subject, sizeof ld->req_subject, "%s.req", o->subject);
    for (uint32_t j = 0; j < o->subs; j++) {
        struct conn *c = conn_open(ld, ROLE_RESPONDER, j);

        conn_queuef(c, "SUB %s %s 1\r\n", ld->req_subject, o->subs > 1 ? "responders" : "");
        conn_sync(ld, c);
        conn_watch(ld, c);
    }
    for (uint32_t i = 0; i < o->pubs; i++)
        add_requester(ld, i, each);
    ld->wanted = each * o->pubs;
    t = run_loop(ld);
    run_settle(ld);
    finish(ld, &t, ld->wanted);
}

/* What the server still does on its own after the last answer belongs to the connections. */
static void rest_half_a_second(void)
{
    struct timespec pause = {0, 500000000};

    nanosleep(&pause, NULL);
}

void mode_idle(struct load *ld)
{
    const struct options *o = &ld->opt;
    struct usage before = util_server_usage(o->pid), after;
    uint64_t start = util_now_ns();
    double n = (double)o->conns, elapsed;

    for (uint64_t i = 0; i < o->conns; i++) {
        struct conn *c = conn_open(ld, ROLE_IDLE, (uint32_t)i);

        if (o->idle_sub)
            conn_queuef(c, "SUB %s.idle.%llu 1\r\n", o->subject, (unsigned long long)i);
        conn_sync(ld, c);
    }
    elapsed = (double)(util_now_ns() - start) / 1e9;
    rest_half_a_second();
    after = util_server_usage(o->pid);
    run_settle(ld);
    printf("mode=idle ok=%d conns=%llu conns_s=%.0f", !ld->failed, (unsigned long long)o->conns,
           n / elapsed);
    if (o->pid != 0)
        printf(" rss_before_kb=%llu rss_kb=%llu bytes_per_conn=%.0f accept_cpu_us=%.2f",
               (unsigned long long)before.rss_kb, (unsigned long long)after.rss_kb,
               ((double)after.rss_kb - (double)before.rss_kb) * 1024.0 / n,
               (double)(after.cpu_ns - before.cpu_ns) / 1e3 / n);
    putchar('\n');
}

/* Device i of the tree S.<group>.d<i>.temp, subscribed to as it is, with a star for the
 * group, or with a tail; "mix" is half literal, a quarter each of the others. */
static void queue_subscription(const struct load *ld, struct conn *c, uint64_t i)
{
    unsigned long long device = i, sid = i + 1;
    unsigned group = (unsigned)(i % 317);
    const char *s = ld->opt.subject, *kind = ld->opt.kind;

    if (strcmp(kind, "mix") == 0)
        kind = i % 2 != 0 ? "literal" : i % 4 != 0 ? "star" : "tail";
    if (strcmp(kind, "literal") == 0)
        conn_queuef(c, "SUB %s.%u.d%llu.temp %llu\r\n", s, group, device, sid);
    else if (strcmp(kind, "star") == 0)
        conn_queuef(c, "SUB %s.*.d%llu.temp %llu\r\n", s, device, sid);
    else if (strcmp(kind, "tail") == 0)
        conn_queuef(c, "SUB %s.%u.d%llu.> %llu\r\n", s, group, device, sid);
    else
        util_die("kind of subscription: mix, literal, star or tail, not %s", kind);
}

static void subscribe_all(struct load *ld, struct conn *c)
{
    for (uint64_t i = 0; i < ld->opt.conns; i++) {
        queue_subscription(ld, c, i);
        if (c->out_len < 65536)
            continue;
        while (!conn_flush(ld, c) && !c->dead) {
            struct pollfd pf = {c->fd, POLLIN | POLLOUT, 0};

            poll(&pf, 1, 1000);
            c->writable = true;
            conn_read(ld, c);
        }
    }
    conn_sync(ld, c);
}

/* Each entry of the ring is published once per turn of it; which device, says a fixed
 * pseudo-random sequence, with repetitions. distinct < conns: only every (conns / distinct)th
 * device takes part. */
static struct ring *make_device_ring(struct load *ld)
{
    const struct options *o = &ld->opt;
    char **subjects = util_alloc(o->distinct, sizeof *subjects);
    uint64_t *sids = util_alloc(o->distinct, sizeof *sids), seed = 1, device;
    uint64_t spread = o->distinct < o->conns ? o->conns / o->distinct : 1;
    struct ring *r;

    for (uint64_t i = 0; i < o->distinct; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        device = (seed >> 33) % (o->conns / spread);
        device = device * spread + (spread >= 4 ? device % 4 : 0);  /* of each kind */
        sids[i] = device + 1;
        subjects[i] = util_alloc(160, 1);
        snprintf(subjects[i], 160, "%s.%u.d%llu.temp", o->subject, (unsigned)(device % 317),
                 (unsigned long long)device);
    }
    r = ring_new(ld, 0, subjects, sids, o->distinct);
    for (uint64_t i = 0; i < o->distinct; i++)
        free(subjects[i]);
    free(subjects);
    free(sids);
    return r;
}

void mode_subs(struct load *ld)
{
    const struct options *o = &ld->opt;
    struct conn *sub = conn_open(ld, ROLE_SUB, 0);
    struct ring *ring;
    struct usage before, after;
    struct timing t;
    uint64_t start;
    double elapsed, n = (double)o->conns;

    conn_sync(ld, sub);
    before = util_server_usage(o->pid);
    start = util_now_ns();
    subscribe_all(ld, sub);
    elapsed = (double)(util_now_ns() - start) / 1e9;
    after = util_server_usage(o->pid);
    ring = make_device_ring(ld);
    run_add_source(sub, ring);
    sub->expect = ld->wanted = o->messages;
    conn_watch(ld, sub);
    add_publisher(ld, 1, ring, o->messages, run_new_flow(ld, &sub, 1));
    t = run_loop(ld);
    run_settle(ld);
    run_report(ld, &t, o->messages);
    printf(" subscriptions=%llu subs_s=%.0f sub_cpu_ns=%.0f bytes_per_sub=%.0f\n",
           (unsigned long long)o->conns, n / elapsed, (double)(after.cpu_ns - before.cpu_ns) / n,
           ((double)after.rss_kb - (double)before.rss_kb) * 1024.0 / n);
}
