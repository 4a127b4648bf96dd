/* SPDX-License-Identifier: Apache-2.0 */
/* linger.c - read and forget. */
#include "net/linger.h"

#include <errno.h>

#include "base/mem.h"
#include "os/socket.h"

struct linger {
    struct pollable pollable;           /* first */
    struct sync_retired retired;        /* an event for it may be in hand when it ends */
    struct list link;                   /* in loop->lingers */
    struct timer timer;
    struct loop *loop;
    int fd;
};

static void free_linger(struct sync_retired *r, void *loop)
{
    (void)loop;
    mem_free(CONTAINER_OF(r, struct linger, retired));
}

static void finish(struct linger *g)
{
    struct loop *l = g->loop;

    poll_remove(&l->poll, g->fd);
    timers_clear(&l->timers, &g->timer);
    list_remove(&g->link);
    l->linger_count--;
    socket_close(g->fd);
    g->fd = -1;
    loop_retire(l, &g->retired, free_linger);
}

static void on_event(struct pollable *p, struct loop *l, const struct poll_event *e)
{
    struct linger *g = CONTAINER_OF(p, struct linger, pollable);
    ssize_t n;

    (void)e;
    if (g->fd < 0) return;
    n = socket_read(g->fd, l->read_buffer, LOOP_READ_BYTES);
    if (n == 0 || (n < 0 && n != -EAGAIN)) finish(g);
}

static void on_timer(struct timer *t, void *loop)
{
    (void)loop;
    finish(CONTAINER_OF(t, struct linger, timer));
}

void linger_start(struct loop *l, int fd)
{
    struct linger *g = mem_zero(sizeof *g);

    *g = (struct linger){ .pollable.on_event = on_event, .timer.fire = on_timer, .loop = l,
                          .fd = fd };
    if (l->linger_count >= LINGERS_MAX ||
        poll_add(&l->poll, fd, &g->pollable, true, false) != ST_OK) {
        socket_close(fd);
        mem_free(g);
        return;
    }
    list_append(&l->lingers, &g->link);
    l->linger_count++;
    timers_set(&l->timers, &g->timer, l->now_ns + LINGER_NS);
}

void linger_finish_all(struct loop *l)
{
    while (!list_is_empty(&l->lingers))
        finish(CONTAINER_OF(l->lingers.next, struct linger, link));
}
