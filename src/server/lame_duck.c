/* SPDX-License-Identifier: Apache-2.0 */
/* lame_duck.c - leaving without a stampede: clients are told, given a grace period, and then
 * closed evenly over lame_duck_duration, so that they reconnect elsewhere one after the other. */
#include "base/log.h"
#include "os/clock.h"
#include "os/notify.h"
#include "server/server_priv.h"

#define STEP_MAX_NS INT64_C(1000000000)
#define STEP_MIN_NS INT64_C(1000000)

static void close_on_first(struct core_loop *cl, void *arg)
{
    if (cl->loop->index == 0) server_close_listeners(arg);
}

void server_start_lame_duck(struct server *s)
{
    const struct options *o = s->core->config->options;
    int64_t spread, clients;

    if (s->lame_duck_next_ns) return;
    log_info("Entering lame duck mode, stop accepting new clients");
    notify_stopping();
    core_on_each_loop(s->core, close_on_first, s);
    clients = atomic_load(&s->core->counters.clients);
    if (clients == 0) {
        s->stopping = true;
        return;
    }
    core_lame_duck(s->core);
    spread = o->lame_duck_duration_ns - o->lame_duck_grace_period_ns;
    if (spread < STEP_MIN_NS) spread = STEP_MIN_NS;
    s->lame_duck_step_ns = spread / clients;
    s->lame_duck_batch = 1;
    if (s->lame_duck_step_ns > STEP_MAX_NS) s->lame_duck_step_ns = STEP_MAX_NS;
    if (s->lame_duck_step_ns < STEP_MIN_NS) {
        s->lame_duck_batch = (size_t)(clients / (spread / STEP_MIN_NS)) + 1;
        s->lame_duck_step_ns = STEP_MIN_NS;
    }
    s->lame_duck_next_ns = clock_mono_ns() + o->lame_duck_grace_period_ns;
}

void server_step_lame_duck(struct server *s)
{
    if (core_lame_duck_close(s->core, s->lame_duck_batch) == 0) {
        s->stopping = true;
        return;
    }
    s->lame_duck_next_ns += s->lame_duck_step_ns;
}
