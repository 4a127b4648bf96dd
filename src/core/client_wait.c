/* SPDX-License-Identifier: Apache-2.0 */
/* client_wait.c - commands whose effect must come after what other loops have under way.
 *
 * Two need this: UNSUB with a max (deliveries that other loops have staged are not in its counter
 * yet) and a PING behind an UNSUB (a draining queue member must have got all that was chosen for
 * it before it sees the PONG). The client's input is paused meanwhile, so nothing overtakes. When
 * no other loop is awake, which is the usual case, nothing waits. */
#include "base/mem.h"
#include "core/client_priv.h"

struct client_wait {
    struct loop_grace grace;
    struct client *client;
    void (*then)(struct client *c, struct span sid, int64_t max);
    char *sid;
    int64_t max;
    bool over, paused;
};

static void finish(struct client_wait *w)
{
    struct client *c = w->client;

    c->wait = NULL;
    if (!c->conn.closed) w->then(c, span_of(w->sid), w->max);
    if (!c->conn.closed && w->paused) conn_resume(&c->conn, CONN_PAUSE_GRACE);
    mem_free(w->sid);
    mem_free(w);
}

static void over(struct loop_grace *g)
{
    struct client_wait *w = CONTAINER_OF(g, struct client_wait, grace);

    w->over = true;
    if (w->paused) finish(w);
}

void client_wait(struct client *c, void (*then)(struct client *c, struct span sid, int64_t max),
                 struct span sid, int64_t max)
{
    struct client_wait *w;

    loop_commit(client_loop(c));        /* our own staged deliveries */
    if (c->core->loops.count == 1) {
        then(c, sid, max);
        return;
    }
    assert(c->wait == NULL);
    w = mem_zero(sizeof *w);
    *w = (struct client_wait){ .client = c, .then = then, .sid = mem_dup_span(sid), .max = max };
    c->wait = w;
    loop_grace(client_loop(c), &w->grace, over);
    if (w->over) {
        finish(w);
    } else {
        w->paused = true;
        conn_pause(&c->conn, CONN_PAUSE_GRACE);
    }
}
