/* SPDX-License-Identifier: Apache-2.0 */
/* conn.c - the owner's side of a connection: opening, reading, pausing, commands, closing. */
#include "net/conn.h"

#include <errno.h>

#include "base/assert.h"
#include "base/mem.h"
#include "net/conn_priv.h"
#include "net/linger.h"
#include "os/clock.h"

#define CAUTIOUS_READ_BYTES 4096        /* what may have to be kept while a password is checked */

static void on_event(struct pollable *p, struct loop *l, const struct poll_event *e);
static void on_mail(struct sync_mail *mail, void *loop);
static void fire_timer(struct timer *t, void *loop);
static void fire_io_timer(struct timer *t, void *loop);

static struct loop *owner(const struct conn *c)
{
    return atomic_load_explicit(&((struct conn *)(uintptr_t)c)->loop, memory_order_acquire);
}

static ssize_t tcp_read(struct conn *c, void *p, size_t len)
{
    return socket_read(c->fd, p, len);
}

static ssize_t tcp_write(struct conn *c, const struct iovec *iov, int count)
{
    return socket_write(c->fd, iov, count);
}

const struct transport_ops transport_tcp = { .read = tcp_read, .write = tcp_write };

void conn_init(struct conn *c, struct loop_group *g, int fd, const struct conn_ops *ops,
               const struct transport_ops *transport, void *transport_state)
{
    c->pollable.on_event = on_event;
    c->mail.run = on_mail;
    c->slot = loop_group_take_slot(g);
    c->ops = ops;
    c->transport = transport;
    c->transport_state = transport_state;
    c->fd = fd;
    list_init(&c->owned);
    list_init(&c->work);
    c->timer.fire = fire_timer;
    c->io_timer.fire = fire_io_timer;
}

/* ---- opening ---- */

static void become_ready(struct conn *c)
{
    c->ready = true;
    c->ops->on_ready(c);
    loop_commit(owner(c));
}

static void advance_handshake(struct conn *c)
{
    enum status st = c->transport->handshake ? c->transport->handshake(c) : ST_OK;
    bool write = c->transport->wants_write && c->transport->wants_write(c);

    if (st == ST_OK) {
        if (c->handshake_armed) conn_arm(c, false);
        c->handshake_armed = false;
        become_ready(c);
        if (c->transport->handshake) conn_flush(owner(c), c);   /* what waited for it */
        if (!c->closed && c->transport->has_input && c->transport->has_input(c)) conn_add_work(c);
    } else if (st == ST_AGAIN) {
        if (write != c->handshake_armed) conn_arm(c, write);
        c->handshake_armed = write;
    } else {
        c->ops->on_end(c, CONN_END_HANDSHAKE);
    }
}

/* l becomes the owner of a connection that is new or comes from another loop. */
static void adopt(struct conn *c, struct loop *l)
{
    enum status st;

    list_append(&l->conns, &c->owned);
    sync_mutex_lock(&c->out.mutex);
    st = poll_add(&l->poll, c->fd, c, c->paused == 0, c->out.blocked || c->handshake_armed);
    c->polled = st == ST_OK;
    sync_mutex_unlock(&c->out.mutex);
    if (c->timer_parked) timers_set(&l->timers, &c->timer, c->timer.due_ns);
    if (c->io_timer_parked) timers_set(&l->timers, &c->io_timer, c->io_timer.due_ns);
    c->timer_parked = c->io_timer_parked = false;
    if (!c->opened && c->ops->on_open) c->ops->on_open(c);
    c->opened = true;
    if (st != ST_OK) {
        c->ops->on_end(c, CONN_END_READ_ERROR);
    } else if (!c->ready) {
        advance_handshake(c);
    } else {
        if (c->ops->on_moved) c->ops->on_moved(c);
        if (c->closed) return;
        conn_add_work(c);       /* what came up on the way: output to flush, input kept */
    }
}

void conn_open(struct conn *c, struct loop *l, struct loop *here)
{
    atomic_store(&c->loop, l);
    if (l == here)
        adopt(c, l);
    else
        conn_command(c, CONN_COMMAND_ADOPT);
}

void conn_set_transport(struct conn *c, const struct transport_ops *transport, void *state)
{
    assert(c->transport_state == NULL);
    c->transport = transport;
    c->transport_state = state;
    c->ready = false;
    advance_handshake(c);
}

/* ---- reading ---- */

static void keep_rest(struct conn *c, const char *rest, size_t len, size_t need)
{
    struct shared_bytes *old = c->tail;

    c->need = need;
    c->tail = NULL;
    if (len > 0) {
        bool in_old = old && rest >= old->bytes && rest < old->bytes + old->cap;
        if (in_old && atomic_load(&old->refs) == 1) {
            memmove(old->bytes, rest, len);
            old->len = len;
            c->tail = old;
            return;
        }
        c->tail = shared_bytes_new(len);
        memcpy(c->tail->bytes, rest, len);
        c->tail->len = len;
    }
    shared_bytes_unref(old);
}

/* One chunk of input: everything it causes is staged, then committed. */
static void process(struct loop *l, struct conn *c, const char *p, size_t len,
                    struct shared_bytes *keep)
{
    size_t need = 0, used;

    c->suspended = false;
    l->stall_ns = 0;                    /* of mail and timers: nobody reads less for those */
    l->stats.chunks++;
    used = c->ops->on_bytes(c, p, len, &need, keep);
    assert(used <= len);
    if (!c->closed) keep_rest(c, p + used, len - used, need);
    loop_commit(l);
    if (c->closed) return;
    if (c->suspended && !c->paused) conn_add_work(c);
    if (l->stall_ns > 0) conn_stall(c, l->stall_ns);
}

/* Room in c->tail for a message of c->need bytes, growing with what has really arrived. */
static void grow_tail(struct conn *c)
{
    size_t cap = c->tail->len * 2;
    struct shared_bytes *bigger;

    if (c->tail->len < c->tail->cap) return;
    if (cap < 2 * LOOP_READ_BYTES) cap = 2 * LOOP_READ_BYTES;
    if (cap > c->need) cap = c->need;
    bigger = mem_resize(c->tail, sizeof *bigger + cap);         /* refs is 1: only we hold it */
    bigger->cap = cap;
    c->tail = bigger;
}

/* Returns what the transport's read returned. */
static ssize_t read_into_tail(struct loop *l, struct conn *c)
{
    ssize_t n;

    if (atomic_load(&c->tail->refs) != 1) keep_rest(c, c->tail->bytes, c->tail->len, c->need);
    grow_tail(c);
    n = c->transport->read(c, c->tail->bytes + c->tail->len, c->tail->cap - c->tail->len);
    if (n <= 0) return n;
    c->tail->len += (size_t)n;
    if (c->tail->len >= c->need) process(l, c, c->tail->bytes, c->tail->len, c->tail);
    return n;
}

static ssize_t read_into_buffer(struct loop *l, struct conn *c)
{
    size_t kept = c->tail ? c->tail->len : 0;
    ssize_t n;

    if (kept) memcpy(l->read_buffer, c->tail->bytes, kept);
    n = c->transport->read(c, l->read_buffer + kept,
                           c->cautious ? CAUTIOUS_READ_BYTES : LOOP_READ_BYTES);
    if (n <= 0) return n;
    process(l, c, l->read_buffer, kept + (size_t)n, NULL);
    return n;
}

static void read_once(struct loop *l, struct conn *c)
{
    size_t kept = c->tail ? c->tail->len : 0;
    bool big = kept && c->need > l->read_headroom;
    ssize_t n;

    if (kept > l->read_headroom && !big) {      /* a suspended chunk: finish that first */
        process(l, c, c->tail->bytes, kept, c->tail);
        return;
    }
    loop_now(l);
    n = big ? read_into_tail(l, c) : read_into_buffer(l, c);
    if (n > 0 && __builtin_add_overflow(c->in_bytes_window, (uint32_t)n, &c->in_bytes_window))
        c->in_bytes_window = UINT32_MAX;
    if (c->closed) return;
    if (n == 0)
        c->ops->on_end(c, CONN_END_EOF);
    else if (n < 0 && n != -EAGAIN)
        c->ops->on_end(c, n == -EPROTO ? CONN_END_PROTOCOL : CONN_END_READ_ERROR);
    else if (!c->paused && c->transport->has_input && c->transport->has_input(c))
        conn_add_work(c);
}

static void on_event(struct pollable *p, struct loop *l, const struct poll_event *e)
{
    struct conn *c = CONTAINER_OF(p, struct conn, pollable);

    if (c->closed || owner(c) != l) return;
    if (!c->ready) {                    /* over the budget: the event comes again */
        if (l->handshakes_left == 0 || !(e->readable || e->writable)) return;
        l->handshakes_left--;
        advance_handshake(c);
        return;
    }
    if (e->writable) {
        sync_mutex_lock(&c->out.mutex);
        if (c->out.blocked) {
            c->out.blocked = false;
            conn_arm(c, false);
        }
        sync_mutex_unlock(&c->out.mutex);
        conn_flush(l, c);
    }
    if (e->readable && !c->paused && !c->suspended)
        read_once(l, c);
    else if (e->failed && !c->closed)
        c->ops->on_end(c, CONN_END_EOF);        /* it would be reported without end */
    loop_commit(l);
}

void conn_suspend(struct conn *c)
{
    c->suspended = true;
}

/* ---- work left over ---- */

void conn_add_work(struct conn *c)
{
    if (!list_is_linked(&c->work)) list_append(&owner(c)->ready, &c->work);
}

static void run_work(struct loop *l, struct conn *c)
{
    if (c->flush_duty) {
        c->flush_duty = false;
        conn_flush(l, c);
    }
    if (c->closed || c->paused || !c->ready) return;
    if (c->suspended && c->tail) {
        loop_now(l);
        process(l, c, c->tail->bytes, c->tail->len, c->tail);
    } else if (c->transport->has_input && c->transport->has_input(c)) {
        read_once(l, c);
    }
    loop_commit(l);
}

void conn_run_ready(struct loop *l)
{
    struct list now;

    if (list_is_empty(&l->ready)) return;
    now = l->ready;                     /* what is added meanwhile waits for the next iteration */
    now.next->prev = now.prev->next = &now;
    list_init(&l->ready);
    while (!list_is_empty(&now)) {
        struct conn *c = CONTAINER_OF(now.next, struct conn, work);
        list_remove(&c->work);
        run_work(l, c);
    }
}

/* ---- pausing ---- */

void conn_arm(struct conn *c, bool write)
{
    if (c->polled) poll_change(&owner(c)->poll, c->fd, c, c->paused == 0, write);
}

/* Under the queue's lock, because a flusher elsewhere that arms EPOLLOUT reads it. */
static void set_paused(struct conn *c, uint8_t paused)
{
    bool change = (c->paused == 0) != (paused == 0);

    sync_mutex_lock(&c->out.mutex);
    c->paused = paused;
    if (change && !c->closed) conn_arm(c, c->out.blocked || c->handshake_armed);
    sync_mutex_unlock(&c->out.mutex);
}

void conn_pause(struct conn *c, enum conn_pause why)
{
    set_paused(c, (uint8_t)(c->paused | why));
}

void conn_resume(struct conn *c, enum conn_pause why)
{
    uint8_t before = c->paused;

    set_paused(c, (uint8_t)(before & ~why));
    if (before == 0 || c->paused || c->closed) return;
    c->suspended = c->tail != NULL;     /* input may be waiting here that no event announces */
    conn_add_work(c);
}

/* ---- timers ---- */

void conn_set_timer(struct conn *c, int64_t due_ns)
{
    timers_set(&owner(c)->timers, &c->timer, due_ns);
}

void conn_clear_timer(struct conn *c)
{
    timers_clear(&owner(c)->timers, &c->timer);
}

static void fire_timer(struct timer *t, void *loop)
{
    struct conn *c = CONTAINER_OF(t, struct conn, timer);

    (void)loop;
    if (!c->closed) c->ops->on_timer(c);
}

/* The write deadline and the end of a stall share one timer: set it to the earlier. */
static void set_io_timer(struct conn *c, int64_t blocked_since_ns, bool blocked)
{
    struct loop *l = owner(c);
    int64_t due = INT64_MAX;

    if (blocked) due = blocked_since_ns + atomic_load(&l->group->limits.write_deadline_ns);
    if ((c->paused & CONN_PAUSE_STALL) && c->stalled_until_ns < due) due = c->stalled_until_ns;
    if (due != INT64_MAX) timers_set(&l->timers, &c->io_timer, due);
}

static void fire_io_timer(struct timer *t, void *loop)
{
    struct conn *c = CONTAINER_OF(t, struct conn, io_timer);
    struct loop *l = loop;
    int64_t deadline = atomic_load(&l->group->limits.write_deadline_ns), since;
    bool blocked;

    if (c->closed) return;
    if ((c->paused & CONN_PAUSE_STALL) && l->now_ns >= c->stalled_until_ns)
        conn_resume(c, CONN_PAUSE_STALL);
    sync_mutex_lock(&c->out.mutex);
    blocked = c->out.blocked;
    since = c->out.blocked_since_ns;
    sync_mutex_unlock(&c->out.mutex);
    if (blocked && l->now_ns - since >= deadline) {
        l->stats.slow_deadline++;
        c->ops->on_end(c, CONN_END_SLOW_DEADLINE);
        return;
    }
    set_io_timer(c, since, blocked);
}

void conn_stall(struct conn *c, int64_t ns)
{
    struct loop *l = owner(c);

    l->stall_ns = 0;
    if (atomic_load_explicit(&l->group->limits.no_stall, memory_order_relaxed)) return;
    l->stats.stalled++;
    c->stalled_until_ns = loop_now(l) + ns;
    conn_pause(c, CONN_PAUSE_STALL);
    sync_mutex_lock(&c->out.mutex);
    bool blocked = c->out.blocked;
    int64_t since = c->out.blocked_since_ns;
    sync_mutex_unlock(&c->out.mutex);
    set_io_timer(c, since, blocked);
}

/* ---- commands from any thread ---- */

void conn_command(struct conn *c, unsigned bits)
{
    if (atomic_fetch_or(&c->commands, bits) == 0)
        loop_post(atomic_load(&c->loop), &c->mail);
}

void conn_notify(struct conn *c, unsigned bits)
{
    assert(bits < 1u << 16);
    conn_command(c, bits);
}

static void arm_deadline(struct conn *c)
{
    sync_mutex_lock(&c->out.mutex);
    bool blocked = c->out.blocked;
    int64_t since = c->out.blocked_since_ns;
    sync_mutex_unlock(&c->out.mutex);
    set_io_timer(c, since, blocked);
}

static void on_mail(struct sync_mail *mail, void *loop)
{
    struct conn *c = CONTAINER_OF(mail, struct conn, mail);
    struct loop *l = loop;
    unsigned bits;

    if (owner(c) != l) {                /* it moved meanwhile */
        loop_post(atomic_load(&c->loop), mail);
        return;
    }
    bits = atomic_exchange(&c->commands, 0);
    if (bits & CONN_COMMAND_ADOPT) adopt(c, l);
    if (bits & 0xffff) c->ops->on_notify(c, bits & 0xffff);
    if (c->closed) return;
    if (bits & CONN_COMMAND_SLOW) {
        l->stats.slow_pending++;
        c->ops->on_end(c, CONN_END_SLOW_PENDING);
    } else if (bits & CONN_COMMAND_WRITE_ERROR) {
        c->ops->on_end(c, CONN_END_WRITE_ERROR);
    }
    if (c->closed) return;
    if (bits & CONN_COMMAND_ARM) arm_deadline(c);
    if (bits & CONN_COMMAND_FLUSH) {
        c->flush_duty = true;
        conn_add_work(c);
    }
}

/* ---- closing ---- */

static void release(struct sync_retired *r, void *loop)
{
    struct conn *c = CONTAINER_OF(r, struct conn, retired);
    struct loop *l = loop;

    /* Its mail is still on the way to us, or a worker's answer. */
    if (atomic_load(&c->commands) != 0 || (c->ops->is_busy && c->ops->is_busy(c))) {
        loop_retire(l, r, release);
        return;
    }
    block_free_list(&l->blocks, c->out.head);
    if (c->transport->free) c->transport->free(c);
    if (c->gentle)
        linger_start(l, c->fd);
    else
        socket_close(c->fd);
    loop_group_give_slot(l->group, c->slot);
    c->ops->on_release(c);
}

void conn_close(struct conn *c)
{
    struct loop *l = owner(c);
    struct block *queued = NULL;

    if (c->closed) return;
    loop_commit(l);                     /* -ERR and whatever else was said before */
    c->closed = true;
    c->ops->on_close(c);
    if (c->ready && c->transport->closing) c->transport->closing(c);
    sync_mutex_lock(&c->out.mutex);
    c->out.dead = true;
    if (!c->out.flushing) {
        queued = c->out.head;
        c->out.head = c->out.tail = NULL;
    }
    if (c->polled) poll_remove(&l->poll, c->fd);
    c->polled = false;
    sync_mutex_unlock(&c->out.mutex);
    block_free_list(&l->blocks, queued);
    shared_bytes_unref(c->tail);
    c->tail = NULL;
    timers_clear(&l->timers, &c->timer);
    timers_clear(&l->timers, &c->io_timer);
    list_remove(&c->owned);
    list_remove(&c->work);
    if (c->gentle)
        socket_shutdown_write(c->fd);
    else
        socket_shutdown(c->fd);
    loop_retire(l, &c->retired, release);
}

void conn_close_gently(struct conn *c)
{
    c->gentle |= !c->closed;
    conn_close(c);
}
