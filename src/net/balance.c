/* SPDX-License-Identifier: Apache-2.0 */
/* balance.c - which loop a connection lives on.
 *
 * Connections start on one loop, because waking another core costs more than most messages. A loop
 * that used more than BUSY of its core in the last windows hands its hottest connections to the
 * idlest loop, as much as evens the two out; a single hot connection stays where it is. */
#include "net/balance.h"

#include "net/conn_priv.h"
#include "os/clock.h"
#include "os/thread.h"

#define WINDOW_NS INT64_C(10000000)
#define BUSY 700                        /* per mille of a core */
#define IDLE 500
#define BUSY_WINDOWS 2                  /* in a row, before anything moves */
#define MOVES_MAX 8                     /* per window */
#define WORTH 256                       /* who brings less than this part of the input stays */

/* Per mille; a loop whose last window is long over has been asleep since. */
static uint32_t load_of(struct loop *l, int64_t now_ns)
{
    if (now_ns - atomic_load_explicit(&l->load_ns, memory_order_relaxed) > 3 * WINDOW_NS) return 0;
    return atomic_load_explicit(&l->load, memory_order_relaxed);
}

static struct loop *idlest(struct loop_group *g, int64_t now_ns)
{
    struct loop *best = g->loops[0];

    for (unsigned i = 1; i < g->count; i++)
        if (load_of(g->loops[i], now_ns) < load_of(best, now_ns)) best = g->loops[i];
    return best;
}

struct loop *balance_pick(struct loop_group *g)
{
    int64_t now_ns = clock_mono_ns();

    if (g->spread) return g->loops[atomic_fetch_add(&g->next_pick, 1) % g->count];
    return load_of(g->loops[0], now_ns) > BUSY ? idlest(g, now_ns) : g->loops[0];
}

static bool is_movable(const struct conn *c)
{
    return c->ready && !c->paused && !c->closed && c->polled && !list_is_linked(&c->work);
}

/* The hottest connection whose share is from least to excess bytes, or NULL. O(connections). */
static struct conn *hottest_below(struct loop *l, uint64_t least, uint64_t excess)
{
    struct conn *best = NULL;

    for (struct list *i = l->conns.next; i != &l->conns; i = i->next) {
        struct conn *c = CONTAINER_OF(i, struct conn, owned);
        if (c->in_bytes_window < least || c->in_bytes_window > excess || !is_movable(c)) continue;
        if (best == NULL || c->in_bytes_window > best->in_bytes_window) best = c;
    }
    return best;
}

static void shed(struct loop *l, uint32_t load)
{
    struct loop *to = idlest(l->group, l->now_ns);
    uint32_t other = load_of(to, l->now_ns);
    uint64_t total = 0, excess;
    struct conn *c;

    if (to == l || other > IDLE) return;
    for (struct list *i = l->conns.next; i != &l->conns; i = i->next)
        total += CONTAINER_OF(i, struct conn, owned)->in_bytes_window;
    excess = total * (load - other) / 2 / load;
    for (int moves = 0; moves < MOVES_MAX; moves++) {
        c = hottest_below(l, total / WORTH + 1, excess);
        if (c == NULL) break;
        excess -= c->in_bytes_window;
        conn_migrate(c, to);
    }
}

void conn_balance(struct loop *l)
{
    int64_t span_ns = l->now_ns - l->window_start_ns, cpu_ns;
    uint32_t load;

    if (l->group->count == 1 || span_ns < WINDOW_NS) return;
    cpu_ns = thread_cpu_ns();
    load = (uint32_t)((cpu_ns - l->window_cpu_ns) * 1000 / span_ns);
    if (l->window_start_ns != 0) {
        atomic_store_explicit(&l->load, load, memory_order_relaxed);
        atomic_store_explicit(&l->load_ns, l->now_ns, memory_order_relaxed);
        /* A window longer than this was mostly sleep: nothing is hot. */
        l->busy_windows = load > BUSY && span_ns < 3 * WINDOW_NS ? l->busy_windows + 1 : 0;
        if (l->busy_windows >= BUSY_WINDOWS) shed(l, load);
    }
    for (struct list *i = l->conns.next; i != &l->conns && load > BUSY / 2; i = i->next)
        CONTAINER_OF(i, struct conn, owned)->in_bytes_window = 0;
    l->window_start_ns = l->now_ns;
    l->window_cpu_ns = cpu_ns;
}

void conn_migrate(struct conn *c, struct loop *to)
{
    struct loop *l = atomic_load(&c->loop);
    unsigned before = atomic_fetch_or(&c->commands, CONN_COMMAND_ADOPT);

    /* From here on others post nothing: ADOPT is set, and who sets the first bit posts. */
    list_remove(&c->owned);
    list_remove(&c->work);
    c->timer_parked = timer_is_set(&c->timer);
    c->io_timer_parked = timer_is_set(&c->io_timer);
    timers_clear(&l->timers, &c->timer);
    timers_clear(&l->timers, &c->io_timer);
    c->in_bytes_window = 0;
    sync_mutex_lock(&c->out.mutex);
    poll_remove(&l->poll, c->fd);
    c->polled = false;
    atomic_store(&c->loop, to);
    sync_mutex_unlock(&c->out.mutex);
    if (before == 0) loop_post(to, &c->mail);
}
