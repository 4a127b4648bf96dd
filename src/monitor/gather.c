/* SPDX-License-Identifier: Apache-2.0 */
/* gather.c - one visit of all loops. */
#include "monitor/gather.h"

#include "base/mem.h"
#include "os/clock.h"
#include "os/thread.h"

static void add_matches(struct match_stats *to, struct match_stats more)
{
    to->entries += more.entries;
    to->lookups += more.lookups;
    to->hits += more.hits;
    to->fanout_sum += more.fanout_sum;
    to->fanout_count += more.fanout_count;
    if (more.max_fanout > to->max_fanout) to->max_fanout = more.max_fanout;
}

static void add_loop(struct gather_loop *to, const struct gather_loop *more)
{
    const struct loop_stats *m = &more->stats;
    struct loop_stats *t = &to->stats;

    t->in_msgs += m->in_msgs;
    t->in_bytes += m->in_bytes;
    t->out_msgs += m->out_msgs;
    t->out_bytes += m->out_bytes;
    t->slow_pending += m->slow_pending;
    t->slow_deadline += m->slow_deadline;
    t->stale += m->stale;
    t->stalled += m->stalled;
    t->iterations += m->iterations;
    t->chunks += m->chunks;
    t->flushes += m->flushes;
    to->clients += more->clients;
    to->cpu_ns += more->cpu_ns;
    add_matches(&to->matches, more->matches);
}

static void add_account(struct account_stats *to, const struct account_stats *more)
{
    to->in_msgs += more->in_msgs;
    to->in_bytes += more->in_bytes;
    to->out_msgs += more->out_msgs;
    to->out_bytes += more->out_bytes;
    to->slow_consumers += more->slow_consumers;
}

static void count_subs(struct gather_account *a, unsigned loop)
{
    sync_brlock_read(&a->account->lock, loop);
    a->subs = sublist_counts(a->account->sublist);
    sync_brlock_read_done(&a->account->lock, loop);
}

static void visit(struct core_loop *cl, void *arg)
{
    struct gather *g = arg;
    unsigned index = cl->loop->index;
    struct gather_loop *l = &g->loops[index];

    l->stats = cl->loop->stats;
    l->clients = cl->clients;
    l->cpu_ns = thread_cpu_ns();
    add_matches(&l->matches, match_cache_stats(cl->matches));
    add_matches(&l->matches, match_cache_stats(cl->reply_matches));
    for (size_t i = 0; i < g->account_count; i++)
        g->accounts[i].by_loop[index] = g->accounts[i].account->stats[index];
    if (index != 0) return;
    for (size_t i = 0; i < g->account_count; i++) count_subs(&g->accounts[i], index);
}

static void list_accounts(struct gather *g)
{
    struct core *core = g->core;

    sync_mutex_lock(&core->mutex);
    g->accounts = mem_zero((core->accounts.count + 1) * sizeof *g->accounts);
    for (size_t i = 0; i < core->accounts.count; i++) {
        struct account *a = core->accounts.entries[i].value;
        struct gather_account *to = &g->accounts[g->account_count];
        if (atomic_load(&a->removed)) continue;
        to->account = a;
        to->by_loop = mem_zero(core->loops.count * sizeof *to->by_loop);
        g->account_count++;
    }
    sync_mutex_unlock(&core->mutex);
}

void gather_init(struct gather *g, struct core *core)
{
    *g = (struct gather){ .core = core };
    g->loops = mem_zero(core->loops.count * sizeof *g->loops);
    g->config = core_config_latest(core);
    list_accounts(g);
    core_on_each_loop(core, visit, g);
    for (unsigned i = 0; i < core->loops.count; i++) add_loop(&g->sum, &g->loops[i]);
    for (size_t i = 0; i < g->account_count; i++) {
        struct gather_account *a = &g->accounts[i];
        for (unsigned j = 0; j < core->loops.count; j++) add_account(&a->stats, &a->by_loop[j]);
        a->connections = atomic_load(&a->account->connections);
        g->subs += a->subs.subs;
    }
    g->now_wall_ns = clock_wall_ns();
    g->now_mono_ns = clock_mono_ns();
}

void gather_fini(struct gather *g)
{
    for (size_t i = 0; i < g->account_count; i++) mem_free(g->accounts[i].by_loop);
    mem_free(g->accounts);
    mem_free(g->loops);
    core_config_unref(g->config);
    *g = (struct gather){ .core = NULL };
}

const struct gather_account *gather_account(const struct gather *g, struct span name)
{
    for (size_t i = 0; i < g->account_count; i++)
        if (span_is(name, g->accounts[i].account->name)) return &g->accounts[i];
    return NULL;
}

const char *gather_system_name(const struct gather *g)
{
    for (size_t i = 0; i < g->account_count; i++)
        if (g->accounts[i].account->is_system) return g->accounts[i].account->name;
    return NULL;
}
