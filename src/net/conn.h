/* SPDX-License-Identifier: Apache-2.0 */
/* conn.h - a connection: bytes in through a transport, bytes out through a bounded queue.
 *
 * One loop owns a connection: reading, timers, pausing, closing. Any loop may stage output for it
 * and, for plain TCP, send it; the output queue is what they share. The protocol above (core/'s
 * client) embeds struct conn first and gives conn_ops; the transport below moves the bytes.
 *
 *      conn_init -> conn_open -> on_open -> on_ready -> on_bytes*
 *                -> conn_close -> on_close -> on_release
 *
 * After conn_close nothing is read or sent; the memory goes when no loop can hold it any more. */
#ifndef NET_CONN_H
#define NET_CONN_H

#include <sys/uio.h>

#include "base/span.h"
#include "net/loop.h"
#include "os/socket.h"

/* Why a transport or the queue ended a connection; the protocol maps them to its own reasons. */
enum conn_end {
    CONN_END_EOF, CONN_END_READ_ERROR, CONN_END_WRITE_ERROR, CONN_END_SLOW_PENDING,
    CONN_END_SLOW_DEADLINE, CONN_END_HANDSHAKE, CONN_END_PROTOCOL,
};

struct conn_ops {
    /* A new connection has arrived on its loop; the handshake comes next. May be NULL. */
    void (*on_open)(struct conn *c);
    /* The transport is ready for the protocol (TCP: at once; TLS, WebSocket: after handshakes). */
    void (*on_ready)(struct conn *c);
    /* Handle bytes; returns how many were consumed, the rest comes again with more behind it.
     * *need is how many bytes in total the next call should bring at least (0: any). keep, when
     * not NULL, holds the bytes: a large message may be passed on uncopied by a reference. */
    size_t (*on_bytes)(struct conn *c, const char *p, size_t len, size_t *need,
                       struct shared_bytes *keep);
    /* The other end, the queue or the transport gave up; the protocol calls conn_close. */
    void (*on_end)(struct conn *c, enum conn_end why);
    /* c->timer fired; see conn_set_timer. */
    void (*on_timer)(struct conn *c);
    /* Bits given to conn_notify from other threads, on the owner; c may be closed already. */
    void (*on_notify)(struct conn *c, unsigned bits);
    /* It came over from another loop. May be NULL. */
    void (*on_moved)(struct conn *c);
    /* It is closed: take it out of everything that can reach it. */
    void (*on_close)(struct conn *c);
    /* Something under way elsewhere still refers to it: ask again later. May be NULL. */
    bool (*is_busy)(const struct conn *c);
    /* Nobody can reach it any more: free it. */
    void (*on_release)(struct conn *c);
};

struct transport_ops {
    /* As socket_read and socket_write. write takes whole iovecs in order; when it returns -EAGAIN
     * for bytes, the same bytes come again first. */
    ssize_t (*read)(struct conn *c, void *p, size_t len);
    ssize_t (*write)(struct conn *c, const struct iovec *iov, int count);
    /* Before on_ready: make progress. AGAIN: wait for an event (want_write tells which). OK: ready.
     * Others end the connection. NULL: there is no handshake. */
    enum status (*handshake)(struct conn *c);
    bool (*has_input)(const struct conn *c);    /* bytes that no event will announce; may be NULL */
    bool (*wants_write)(const struct conn *c);  /* output kept inside; may be NULL */
    void (*closing)(struct conn *c);            /* last words before shutdown; may be NULL */
    void (*free)(struct conn *c);               /* transport_state; may be NULL */
    bool owner_only;            /* only the owning loop may write */
};

extern const struct transport_ops transport_tcp;

enum conn_pause {               /* reasons not to read, any number at once */
    CONN_PAUSE_GRACE = 1, CONN_PAUSE_AUTH = 2, CONN_PAUSE_STALL = 4,
};

struct outq {
    struct sync_mutex mutex;
    bool flushing, blocked, dead;       /* blocked: waits for EPOLLOUT, which is armed */
    struct block *head, *tail;
    size_t pending;                     /* bytes */
    int64_t blocked_since_ns;           /* last progress, or first block; 0: was empty since */
    uint64_t msgs, msg_bytes;           /* ever accepted: messages and their payload */
    atomic_bool crowded;                /* pending is above three quarters of the limit */
    uint32_t stalls;                    /* how often a producer had to wait for this target */
};

struct conn {
    struct pollable pollable;
    struct sync_retired retired;
    struct sync_mail mail;
    atomic_uint commands;               /* what mail asks for */
    uint32_t slot;
    _Atomic(struct loop *) loop;        /* changes only by conn_migrate */
    const struct conn_ops *ops;
    const struct transport_ops *transport;
    void *transport_state;
    int fd;
    uint8_t paused;                     /* enum conn_pause bits */
    bool closed, gentle, opened, ready, suspended, polled;
    bool cautious;                      /* read little at once: nobody vouches for it yet */
    bool flush_duty;                    /* handed over by another loop or turn */
    bool handshake_armed;               /* EPOLLOUT on behalf of the handshake */
    bool timer_parked, io_timer_parked; /* set timers while moving between loops */
    struct outq out;
    struct list owned, work;            /* links in loop->conns, loop->ready */
    struct timer timer, io_timer;       /* the protocol's; write deadline and stall */
    struct shared_bytes *tail;          /* input that is not a whole command yet */
    size_t need;                        /* bytes wanted in total; 0: any */
    int64_t stalled_until_ns;
    uint32_t in_bytes_window;           /* read lately: for the choice of whom to migrate */
};

/* Set up c (zeroed memory, embedded first in the protocol's object) around fd, which it owns from
 * now on. transport_state belongs to the transport. Any thread: nothing else knows c yet. */
void conn_init(struct conn *c, struct loop_group *g, int fd, const struct conn_ops *ops,
               const struct transport_ops *transport, void *transport_state);

/* Give c to loop l; on_open, the handshake and on_ready follow there: at once when here, the loop
 * of the calling thread (NULL: none), is l, else by mail. */
void conn_open(struct conn *c, struct loop *l, struct loop *here);

/* Replace the transport while none of its bytes are under way (STARTTLS after INFO); the handshake
 * of the new one begins. Owner only. */
void conn_set_transport(struct conn *c, const struct transport_ops *transport, void *state);

/* Close, after sending what is staged and fits into the socket. Owner only; harmless twice. */
void conn_close(struct conn *c);

/* The same after last words that the peer should read: see linger.h. */
void conn_close_gently(struct conn *c);

/* Stop and resume reading for a reason. Owner only. */
void conn_pause(struct conn *c, enum conn_pause why);
void conn_resume(struct conn *c, enum conn_pause why);

/* Have ops->on_notify(bits) called on the owner; bits below 1 << 16. Any loop within an iteration
 * in which it may hold c. Bits given twice before that arrive once. */
void conn_notify(struct conn *c, unsigned bits);

void conn_set_timer(struct conn *c, int64_t due_ns);    /* owner only */
void conn_clear_timer(struct conn *c);

/* Set by on_bytes when its budget is used up: the rest comes in this or the next iteration. */
void conn_suspend(struct conn *c);

/* ---- staging, on any loop ---- */

/* Room for len bytes of output to c, contiguous; follow with conn_stage_done(used <= len). */
char *conn_stage(struct loop *l, struct conn *c, size_t len);
void conn_stage_done(struct loop *l, struct conn *c, size_t used);

/* Stage bytes by reference. */
void conn_stage_shared(struct loop *l, struct conn *c, struct shared_bytes *s, const char *data,
                       size_t len);

/* Copy bytes. */
void conn_stage_copy(struct loop *l, struct conn *c, struct span bytes);

/* The stage of c on l, for counting. Valid until the next conn_stage of anybody. */
struct stage *conn_stage_of(struct loop *l, struct conn *c);

/* With no_fast_producer_stall, messages for a target that is nearly full are dropped: whether that
 * holds for c now. Any loop. */
static inline bool conn_drops(struct loop *l, struct conn *c)
{
    return atomic_load_explicit(&c->out.crowded, memory_order_relaxed) &&
           atomic_load_explicit(&l->group->limits.no_stall, memory_order_relaxed);
}

/* Pending bytes as of now; racy by nature. Any thread. */
size_t conn_pending(struct conn *c);

#endif
