/* SPDX-License-Identifier: Apache-2.0 */
/* core.c - building a core, finding accounts, visiting loops, ending. */
#include "core/core.h"

#include "auth/nkey.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/client_priv.h"
#include "core/closed.h"
#include "core/core_priv.h"
#include "os/clock.h"
#include "os/entropy.h"
#include "os/worker.h"

#define BCRYPT_QUEUE_MAX 1024

static void make_identity(struct core *core, const struct options *o)
{
    struct core_identity *id = &core->identity;
    unsigned char seed[NKEY_RAW_BYTES];

    entropy_fill(seed, sizeof seed);
    nkey_server_id(seed, id->id);
    entropy_fill(seed, sizeof seed);
    nkey_server_xkey(seed, id->xkey);
    mem_wipe(seed, sizeof seed);
    id->name = mem_dup(o->server_name ? o->server_name : id->id);
    id->version = mem_dup(CORE_NATS_VERSION);
    id->go = mem_dup("myelin" MYELIN_VERSION);
    id->start_wall_ns = clock_wall_ns();
    id->start_mono_ns = clock_mono_ns();
}

static void init_loops(struct core *core)
{
    for (unsigned i = 0; i < core->loops.count; i++) {
        struct core_loop *cl = mem_zero(sizeof *cl);
        cl->core = core;
        cl->loop = core->loops.loops[i];
        cl->config = core_config_ref(core->config);
        cl->matches = match_cache_new(i, core->seed);
        cl->reply_matches = match_cache_new(i, core->seed);
        cl->loop->core = cl;
    }
}

enum status core_new(struct core **out, struct options *options, unsigned loops,
                     struct error *why)
{
    struct core *core = mem_zero(sizeof *core);
    enum status st;

    *out = NULL;
    core->seed = entropy_u64();
    make_identity(core, options);
    st = loop_group_init(&core->loops, loops, core->seed);
    if (st != ST_OK) error_set(why, st, "out of descriptors");
    core->closed = closed_ring_new(options->max_closed_clients > 0
                                       ? (size_t)options->max_closed_clients : 0);
    if (st == ST_OK) st = core_config_new(&core->config, core, options, why);
    else options_free(&options);
    if (st == ST_OK) st = worker_new(&core->worker, "bcrypt", BCRYPT_QUEUE_MAX);
    if (st != ST_OK) {
        core_free(&core);
        return st;
    }
    core_config_apply_limits(core, core->config);
    core->loops.spread = core->config->options->loops_spread;
    init_loops(core);
    *out = core;
    return ST_OK;
}

void core_free(struct core **core_at)
{
    struct core *core = *core_at;

    worker_free(&core->worker);
    loop_group_drain(&core->loops);     /* the worker's last answers among other mail */
    for (unsigned i = 0; i < core->loops.count; i++) {
        struct core_loop *cl = core->loops.loops[i] ? core->loops.loops[i]->core : NULL;
        if (cl == NULL) continue;
        match_cache_free(&cl->matches);
        match_cache_free(&cl->reply_matches);
        core_config_unref(cl->config);
        buf_free(&cl->scratch);
        buf_free(&cl->status);
        mem_free(cl);
    }
    loop_group_fini(&core->loops);
    core_config_unref(core->config);
    for (size_t i = 0; i < core->accounts.count; i++) {
        struct account *a = core->accounts.entries[i].value;
        account_free(&a);
    }
    map_free(&core->accounts);
    closed_ring_free(&core->closed);
    mem_free(core->identity.name);
    mem_free(core->identity.version);
    mem_free(core->identity.go);
    mem_free(core->identity.git_commit);
    mem_free(core);
    *core_at = NULL;
}

struct account *core_account(struct core *core, struct span name)
{
    struct account *a;

    sync_mutex_lock(&core->mutex);
    a = map_get(&core->accounts, name);
    sync_mutex_unlock(&core->mutex);
    return a && !atomic_load(&a->removed) ? a : NULL;
}

/* ---- visiting loops ---- */

struct visit {
    struct sync_mail mail;
    void (*fn)(struct core_loop *cl, void *arg);
    void *arg;
    struct sync_gate *gate;
};

static void on_visit(struct sync_mail *mail, void *loop)
{
    struct visit *v = CONTAINER_OF(mail, struct visit, mail);
    struct sync_gate *gate = v->gate;

    v->fn(core_of(loop), v->arg);
    sync_gate_pass(gate);
}

void core_on_each_loop(struct core *core, void (*fn)(struct core_loop *cl, void *arg), void *arg)
{
    struct visit *visits = mem_zero(core->loops.count * sizeof *visits);
    struct sync_gate gate;

    sync_gate_init(&gate, core->loops.count);
    for (unsigned i = 0; i < core->loops.count; i++) {
        visits[i] = (struct visit){ .mail.run = on_visit, .fn = fn, .arg = arg, .gate = &gate };
        loop_post(core->loops.loops[i], &visits[i].mail);
    }
    sync_gate_wait(&gate);
    mem_free(visits);
}

void core_each_client(struct core_loop *cl, void (*fn)(struct client *c, void *arg), void *arg)
{
    struct list *next;

    for (struct list *i = cl->loop->conns.next; i != &cl->loop->conns; i = next) {
        struct conn *conn = CONTAINER_OF(i, struct conn, owned);
        next = i->next;
        if (conn->ops == &client_conn_ops) fn(client_of(conn), arg);
    }
}

/* ---- ending ---- */

static void close_one(struct client *c, void *arg)
{
    (void)arg;
    client_close(c, CLOSE_SERVER_SHUTDOWN);
}

static void close_all(struct core_loop *cl, void *arg)
{
    core_each_client(cl, close_one, arg);
}

void core_close_clients(struct core *core)
{
    atomic_store(&core->shutting_down, true);
    do                                  /* one on its way from loop to loop is seen by none */
        core_on_each_loop(core, close_all, NULL);
    while (atomic_load(&core->counters.clients) > 0);
}

static void send_ldm(struct client *c, void *arg)
{
    (void)arg;
    if (c->info_sent && c->first_pong_sent && c->protocol >= 1) client_send_info(c, false);
}

static void tell_all(struct core_loop *cl, void *arg)
{
    core_each_client(cl, send_ldm, arg);
    loop_commit(cl->loop);
}

void core_lame_duck(struct core *core)
{
    atomic_store(&core->lame_duck, true);
    core_on_each_loop(core, tell_all, NULL);
}

static void ldm_close_one(struct client *c, void *arg)
{
    atomic_long *left = arg;

    if (atomic_fetch_sub(left, 1) > 0)
        client_close(c, CLOSE_SERVER_SHUTDOWN);
}

static void ldm_close_some(struct core_loop *cl, void *arg)
{
    core_each_client(cl, ldm_close_one, arg);
}

size_t core_lame_duck_close(struct core *core, size_t count)
{
    atomic_long left = (long)count;

    core_on_each_loop(core, ldm_close_some, &left);
    return (size_t)atomic_load(&core->counters.clients);
}
