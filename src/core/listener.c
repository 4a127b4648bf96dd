/* SPDX-License-Identifier: Apache-2.0 */
/* listener.c - accept until nobody waits; when descriptors run out, rest for a moment. */
#include "core/listener.h"

#include "base/log.h"
#include "base/mem.h"
#include "core/client.h"
#include "net/balance.h"

#define ACCEPTS_PER_EVENT 64
#define REST_NS INT64_C(100000000)      /* after EMFILE and the like */

struct listener {
    struct pollable pollable;
    struct sync_retired retired;
    struct core *core;
    struct loop *loop;
    enum core_listener kind;
    int fd;                             /* -1: closed */
    struct socket_address bound;
    struct timer rest;
    unsigned burst;             /* accepts per event: one, more while connections queue up */
    uint64_t iteration;         /* of the loop, at the last event */
};

static void on_event(struct pollable *p, struct loop *l, const struct poll_event *e)
{
    struct listener *self = CONTAINER_OF(p, struct listener, pollable);
    struct socket_address peer;
    int fd;

    (void)e;
    if (self->fd < 0) return;           /* closed by mail in this very iteration */
    for (unsigned i = 0; i < self->burst; i++) {
        switch (socket_accept(self->fd, &fd, &peer)) {
        case SOCKET_ACCEPTED:
            client_accept(core_of(l), self->kind, fd, &peer, balance_pick(&self->core->loops));
            break;
        case SOCKET_ACCEPT_AGAIN:
            self->burst = 1;
            return;
        case SOCKET_ACCEPT_EXHAUSTED:
            log_error("Temporary Client Accept Error (out of descriptors), sleeping 100ms");
            poll_change(&l->poll, self->fd, &self->pollable, false, false);
            timers_set(&l->timers, &self->rest, l->now_ns + REST_NS);
            return;
        }
    }
    if (self->burst < ACCEPTS_PER_EVENT && l->stats.iterations == self->iteration + 1)
        self->burst *= 2;
    self->iteration = l->stats.iterations;
}

static void on_rested(struct timer *t, void *loop)
{
    struct listener *self = CONTAINER_OF(t, struct listener, rest);
    struct loop *l = loop;

    poll_change(&l->poll, self->fd, &self->pollable, true, false);
}

enum status listener_open(struct listener **out, struct core *core, enum core_listener kind,
                          const char *host, int port, struct error *why)
{
    struct listener *self = mem_zero(sizeof *self);
    struct error cause = { "" };
    enum status st;

    *out = NULL;
    *self = (struct listener){ .pollable.on_event = on_event, .core = core, .kind = kind,
                               .loop = core->loops.loops[0], .rest.fire = on_rested, .burst = 1 };
    st = socket_listen(host, port < 0 ? 0 : (uint16_t)port, &self->fd, &self->bound, &cause);
    if (st != ST_OK) {
        if (kind == CORE_LISTENER_WEBSOCKET)
            error_set(why, st, "Unable to listen for websocket connections: %s", cause.text);
        else
            error_set(why, st, "Error listening on port: %s:%d, \"%s\"", host ? host : "0.0.0.0",
                      port < 0 ? 0 : port, cause.text);
        goto fail;
    }
    st = poll_add(&self->loop->poll, self->fd, &self->pollable, true, false);
    if (st != ST_OK) {
        socket_close(self->fd);
        st = error_set(why, ST_IO, "can't watch the listening socket");
        goto fail;
    }
    *out = self;
    return ST_OK;
fail:
    mem_free(self);
    return st;
}

const struct socket_address *listener_bound(const struct listener *l)
{
    return &l->bound;
}

static void release(struct sync_retired *r, void *loop)
{
    (void)loop;
    mem_free(CONTAINER_OF(r, struct listener, retired));
}

/* Retired, not freed: an event for it may have been fetched already. */
void listener_close(struct listener **l)
{
    if (*l == NULL) return;
    poll_remove(&(*l)->loop->poll, (*l)->fd);
    timers_clear(&(*l)->loop->timers, &(*l)->rest);
    socket_close((*l)->fd);
    (*l)->fd = -1;
    loop_retire((*l)->loop, &(*l)->retired, release);
    *l = NULL;
}
