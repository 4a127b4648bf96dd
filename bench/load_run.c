/* SPDX-License-Identifier: Apache-2.0 */
/* load_run.c - the timed part: event loop, publishers, windows, the report.
 *
 * A run ends when every counted message has arrived and every publisher has
 * its last PONG, so nothing is still inside the server when the clock stops.
 * Publishers stay within a window of their slowest subscriber: a server that
 * must cut slow consumers would otherwise be measured at cutting them. */
#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define TICK_NS 10000000u

void run_add_source(struct conn *sub, const struct ring *ring)
{
    size_t n = sub->nsources + 1;

    sub->source = util_grow(sub->source, n * sizeof(struct ring *));
    sub->next = util_grow(sub->next, n * sizeof *sub->next);
    sub->source[n - 1] = ring;
    sub->next[n - 1] = 0;
    sub->nsources = n;
}

struct flow *run_new_flow(struct load *ld, struct conn **subs, size_t nsubs)
{
    struct flow *f = util_alloc(1, sizeof *f);

    f->subs = subs;
    f->nsubs = nsubs;
    f->shared = ld->opt.queue != NULL;
    if (ld->opt.window_bytes > 0)
        f->window = ld->opt.window_bytes / (ld->opt.payload_bytes + 32) + 1;
    f->older = ld->flows;
    ld->flows = f;
    return f;
}

void run_free_flows(struct load *ld)
{
    while (ld->flows != NULL) {
        struct flow *f = ld->flows;

        ld->flows = f->older;
        free(f);
    }
}

/* How many messages may be published now. */
static uint64_t flow_room(const struct flow *f)
{
    uint64_t got = f->shared ? 0 : UINT64_MAX, ahead;

    if (f->nsubs == 0 || f->window == 0)
        return UINT64_MAX;
    for (size_t i = 0; i < f->nsubs; i++) {
        uint64_t g = f->subs[i]->got;

        if (f->shared)
            got += g;
        else if (g < got)
            got = g;
    }
    ahead = f->sent > got ? f->sent - got : 0;
    return ahead < f->window ? f->window - ahead : 0;
}

/* Sets c->chunk to whole commands of at most write_bytes (at least one command). False:
 * nothing to send now. After the last message a PING goes out, unless ping_sent says no. */
bool run_next_chunk(struct load *ld, struct conn *c)
{
    const struct ring *r = c->ring;
    uint64_t room = c->to_send - c->sent, allowed;
    size_t first = c->ring_pos, last = first;

    if (c->out_len > 0 && !conn_flush(ld, c))
        return false;
    if (room == 0) {
        if (!c->ping_sent) {
            c->ping_sent = true;
            c->pong_wanted = c->pongs + 1;
            conn_queue(c, "PING\r\n", 6);
            conn_flush(ld, c);
        }
        return false;
    }
    allowed = c->flow != NULL ? flow_room(c->flow) : UINT64_MAX;
    if (room > allowed)
        room = allowed;
    if (room == 0)
        return false;
    while (last < r->n && last - first < room &&
           (last == first || r->pub_off[last + 1] - r->pub_off[first] <= ld->opt.write_bytes))
        last++;
    c->chunk = r->pub + r->pub_off[first];
    c->chunk_left = r->pub_off[last] - r->pub_off[first];
    c->sent += last - first;
    if (c->flow != NULL)
        c->flow->sent += last - first;
    c->ring_pos = last == r->n ? 0 : last;
    return true;
}

/* One write at most, so that reading gets its turn. True: can go on at once. */
static bool publish_once(struct load *ld, struct conn *c)
{
    ssize_t k;

    if (!c->writable || c->dead || c->finished)
        return false;
    if (c->chunk_left == 0 && !run_next_chunk(ld, c))
        return false;
    k = conn_send(ld, c, c->chunk, c->chunk_left);
    c->chunk += k;
    c->chunk_left -= (size_t)k;
    return c->writable && !c->dead;
}

void run_fill_window(struct load *ld, struct conn *c)
{
    while (c->nfree > 0 && c->asked < c->expect) {
        uint32_t slot = c->free_slots[--c->nfree];

        conn_queue(c, c->commands + c->command_off[slot],
                   c->command_off[slot + 1] - c->command_off[slot]);
        c->slot_start_ns[slot] = util_now_ns();
        c->asked++;
        if (c->out_len - c->out_off >= ld->opt.write_bytes)
            conn_flush(ld, c);
    }
}

static void on_event(struct load *ld, struct conn *c, uint32_t events)
{
    if (events & EPOLLOUT)
        c->writable = true;
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        conn_read(ld, c);
    if (c->role == ROLE_REQUESTER)
        run_fill_window(ld, c);
    if (c->role == ROLE_JS && c->js->on_turn != NULL && !c->dead)
        c->js->on_turn(ld, c);
    /* A publisher's own commands may only go out between two whole chunks. */
    if (c->out_len > 0 && c->writable && c->chunk_left == 0)
        conn_flush(ld, c);
    if (c->ping_sent && !c->finished && c->pong_wanted > 0 && c->pongs >= c->pong_wanted) {
        c->finished = true;
        ld->pubs_left--;
    }
}

static bool still_running(struct load *ld, uint64_t *next_tick)
{
    uint64_t now = util_now_ns();

    if (ld->failed || (ld->delivered >= ld->wanted && ld->pubs_left == 0))
        return false;
    if (now > ld->deadline_ns) {
        fprintf(stderr, "load: %llu of %llu messages within the time limit of %.0f s\n",
                (unsigned long long)ld->delivered, (unsigned long long)ld->wanted,
                ld->opt.limit_s);
        ld->failed = true;
        return false;
    }
    if (ld->tick != NULL && now >= *next_tick) {
        *next_tick = now + TICK_NS;
        ld->ticks++;
        ld->tick(ld);
    }
    return true;
}

static size_t list_publishers(struct load *ld, struct conn **pubs)
{
    size_t n = 0;

    for (size_t i = 0; i < ld->nconns; i++)
        if (ld->conns[i]->role == ROLE_PUB && !ld->conns[i]->finished)
            pubs[n++] = ld->conns[i];
    return n;
}

static void event_loop(struct load *ld, struct conn *const *pubs, size_t npubs)
{
    struct epoll_event ev[EVENTS_MAX];
    uint64_t next_tick = 0;
    bool more = true;

    while (still_running(ld, &next_tick)) {
        int n = epoll_wait(ld->epoll_fd, ev, EVENTS_MAX, more ? 0 : 10);

        if (n < 0 && errno != EINTR)
            util_die("epoll_wait: %s", strerror(errno));
        for (int i = 0; i < n; i++)
            on_event(ld, ev[i].data.ptr, ev[i].events);
        more = false;
        for (size_t i = 0; i < npubs; i++)
            more |= publish_once(ld, pubs[i]);
    }
}

struct timing run_loop(struct load *ld)
{
    struct conn **pubs = util_alloc(ld->nconns, sizeof(struct conn *));
    struct timing t = {.before = util_server_usage(ld->opt.pid)};
    size_t npubs = list_publishers(ld, pubs);
    uint64_t own = util_own_cpu_ns(), start = util_now_ns();

    ld->pubs_left = npubs;
    ld->deadline_ns = start + (uint64_t)(ld->opt.limit_s * 1e9);
    for (size_t i = 0; i < ld->nconns; i++) {
        struct conn *c = ld->conns[i];

        if (c->role == ROLE_REQUESTER)
            run_fill_window(ld, c);
        else if (c->role == ROLE_JS && c->js->on_turn != NULL)
            c->js->on_turn(ld, c);
        else
            continue;
        conn_flush(ld, c);
    }
    event_loop(ld, pubs, npubs);
    t.elapsed_s = (double)(util_now_ns() - start) / 1e9;
    t.after = util_server_usage(ld->opt.pid);
    t.own_cpu_ns = util_own_cpu_ns() - own;
    free(pubs);
    return t;
}

void run_settle(struct load *ld)
{
    for (size_t i = 0; i < ld->nconns && !ld->failed; i++) {
        struct conn *c = ld->conns[i];

        if (c->dead)
            continue;
        conn_sync(ld, c);
        if ((c->role == ROLE_SUB || c->role == ROLE_REQUESTER) && !c->closing_allowed &&
            c->expect != UINT64_MAX && c->got != c->expect)
            conn_fail(ld, c, "%llu messages, expected %llu", (unsigned long long)c->got,
                      (unsigned long long)c->expect);
    }
    if (!ld->failed && ld->delivered != ld->wanted) {
        fprintf(stderr, "load: %llu messages, expected %llu\n", (unsigned long long)ld->delivered,
                (unsigned long long)ld->wanted);
        ld->failed = true;
    }
}

void run_report(const struct load *ld, const struct timing *t, uint64_t published)
{
    const struct options *o = &ld->opt;
    double n = published > 0 ? (double)published : 1.0;
    double cpu = (double)(t->after.cpu_ns - t->before.cpu_ns);

    printf("mode=%s ok=%d pubs=%u subs=%u size=%zu messages=%llu deliveries=%llu elapsed_s=%.3f "
           "msgs_s=%.0f deliveries_s=%.0f gen_cpu_ns=%.0f",
           o->mode, !ld->failed, o->pubs, o->subs, o->payload_bytes, (unsigned long long)published,
           (unsigned long long)ld->delivered, t->elapsed_s, n / t->elapsed_s,
           (double)ld->delivered / t->elapsed_s, (double)t->own_cpu_ns / n);
    if (o->pid == 0)
        return;
    printf(" cpu_ns=%.1f user_ns=%.1f sys_ns=%.1f cores=%.2f rss_kb=%llu", cpu / n,
           (double)(t->after.user_ns - t->before.user_ns) / n,
           (double)(t->after.sys_ns - t->before.sys_ns) / n, cpu / 1e9 / t->elapsed_s,
           (unsigned long long)t->after.rss_kb);
}

static int compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* The first tenth of each connection's samples is warm-up and left out. */
void run_report_latency(const struct load *ld)
{
    uint32_t *all = NULL;
    size_t n = 0;

    for (size_t i = 0; i < ld->nconns; i++) {
        const struct conn *c = ld->conns[i];
        size_t skip = c->nlatency / 10, keep = c->nlatency - skip;

        if (keep == 0)
            continue;
        all = util_grow(all, (n + keep) * sizeof *all);
        memcpy(all + n, c->latency_ns + skip, keep * sizeof *all);
        n += keep;
    }
    if (n == 0)
        return;
    qsort(all, n, sizeof *all, compare_u32);
    printf(" p50_us=%.1f p99_us=%.1f max_us=%.1f", all[n / 2] / 1e3, all[n * 99 / 100] / 1e3,
           all[n - 1] / 1e3);
    free(all);
}
