/* SPDX-License-Identifier: Apache-2.0 */
/* load_conn.c - one connection: socket, TLS, handshake, reading and writing.
 *
 * A read goes into the generator's one buffer, behind whatever part of a
 * message the previous read of this connection left in its carry; so the
 * parser always sees a message in one piece.
 *
 * Sockets are non-blocking and watched edge-triggered: readers read until a
 * short read, writers until the socket is full. */
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define SYNC_LIMIT_NS 30000000000ull

void conn_fail(struct load *ld, struct conn *c, const char *fmt, ...)
{
    va_list ap;

    c->dead = true;
    ld->failed = true;
    fprintf(stderr, "load: connection %u: ", c->idx);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}

static void on_closed(struct load *ld, struct conn *c, const char *why)
{
    c->dead = true;
    if (!c->closing_allowed)
        conn_fail(ld, c, "lost: %s", why);
}

void conn_queue(struct conn *c, const void *data, size_t n)
{
    if (c->out_len + n > c->out_cap && c->out_off > 0) {
        memmove(c->out, c->out + c->out_off, c->out_len - c->out_off);
        c->out_len -= c->out_off;
        c->out_off = 0;
    }
    if (c->out_len + n > c->out_cap) {
        c->out_cap = (c->out_len + n) * 2;
        c->out = util_grow(c->out, c->out_cap);
    }
    memcpy(c->out + c->out_len, data, n);
    c->out_len += n;
}

void conn_queuef(struct conn *c, const char *fmt, ...)
{
    char line[1024];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof line)
        util_die("command too long");
    conn_queue(c, line, (size_t)n);
}

static ssize_t send_tls(struct load *ld, struct conn *c, const char *data, size_t n)
{
    int k, why;

    ERR_clear_error();
    k = SSL_write(c->ssl, data, n > INT32_MAX ? INT32_MAX : (int)n);
    if (k > 0)
        return k;
    why = SSL_get_error(c->ssl, k);
    if (why == SSL_ERROR_WANT_WRITE || why == SSL_ERROR_WANT_READ)
        c->writable = false;
    else
        on_closed(ld, c, "TLS write failed");
    return 0;
}

/* Bytes the socket took. Fewer than n clears c->writable: the next EPOLLOUT sets it. */
ssize_t conn_send(struct load *ld, struct conn *c, const char *data, size_t n)
{
    ssize_t k;

    if (c->ssl != NULL)
        return send_tls(ld, c, data, n);
    do
        k = send(c->fd, data, n, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (k < 0 && errno == EINTR);
    if (k == (ssize_t)n)
        return k;
    c->writable = false;
    if (k >= 0)
        return k;
    if (errno != EAGAIN)
        on_closed(ld, c, strerror(errno));
    return 0;
}

bool conn_flush(struct load *ld, struct conn *c)
{
    while (c->out_off < c->out_len && !c->dead) {
        c->out_off += (size_t)conn_send(ld, c, c->out + c->out_off, c->out_len - c->out_off);
        if (!c->writable)
            return c->out_off == c->out_len;
    }
    c->out_len = c->out_off = 0;
    return true;
}

static ssize_t receive_plain(struct load *ld, struct conn *c, char *dst, size_t n)
{
    ssize_t k;

    do
        k = recv(c->fd, dst, n, MSG_DONTWAIT);
    while (k < 0 && errno == EINTR);
    if (k == 0)
        on_closed(ld, c, "closed by the server");
    else if (k < 0 && errno != EAGAIN)
        on_closed(ld, c, strerror(errno));
    return k;
}

/* OpenSSL reads from a memory BIO that we fill in large pieces: by itself it would make two
 * system calls a record, and its read-ahead moves the rest of the buffer for every record. */
static ssize_t receive_tls(struct load *ld, struct conn *c, char *dst, size_t n)
{
    ssize_t got;
    int k, why;

    for (;;) {
        ERR_clear_error();
        k = SSL_read(c->ssl, dst, (int)n);
        if (k > 0)
            return k;
        why = SSL_get_error(c->ssl, k);
        if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
            on_closed(ld, c, "TLS connection closed by the server");
            return -1;
        }
        got = receive_plain(ld, c, dst, n);
        if (got <= 0)
            return got;
        if (BIO_write(SSL_get_rbio(c->ssl), dst, (int)got) != (int)got)
            util_die("out of memory");
    }
}

static void keep_rest(struct conn *c, const char *rest, size_t n)
{
    if (n > c->carry_cap) {
        c->carry_cap = n * 2;
        c->carry = util_grow(c->carry, c->carry_cap);
    }
    if (n > 0)
        memmove(c->carry, rest, n);
    c->carry_len = n;
}

bool conn_read_once(struct load *ld, struct conn *c, size_t max)
{
    size_t have = c->carry_len, used;
    ssize_t k;

    if (have + max > ld->read_cap) {
        ld->read_cap = have + max;
        ld->read_buf = util_grow(ld->read_buf, ld->read_cap);
    }
    k = c->ssl != NULL ? receive_tls(ld, c, ld->read_buf + have, max)
                       : receive_plain(ld, c, ld->read_buf + have, max);
    if (k <= 0)
        return false;
    if (have > 0)
        memcpy(ld->read_buf, c->carry, have);
    have += (size_t)k;
    used = parse_input(ld, c, ld->read_buf, have);
    keep_rest(c, ld->read_buf + used, have - used);
    return !c->dead && (c->ssl != NULL || (size_t)k == max);
}

void conn_read(struct load *ld, struct conn *c)
{
    while (!c->dead && conn_read_once(ld, c, READ_BYTES))
        continue;
}

static void wait_for(const struct conn *c, short events, uint64_t deadline_ns)
{
    struct pollfd pf = {c->fd, events, 0};

    if (poll(&pf, 1, 1000) < 0 && errno != EINTR)
        util_die("poll: %s", strerror(errno));
    if (util_now_ns() > deadline_ns)
        util_die("connection %u: no answer within %llu s", c->idx, SYNC_LIMIT_NS / 1000000000u);
}

void conn_sync(struct load *ld, struct conn *c)
{
    uint64_t want = c->pongs + 1, deadline = util_now_ns() + SYNC_LIMIT_NS;

    conn_queue(c, "PING\r\n", 6);
    while (c->pongs < want && !c->dead) {
        c->writable = true;
        wait_for(c, conn_flush(ld, c) ? POLLIN : POLLIN | POLLOUT, deadline);
        conn_read(ld, c);
    }
    if (c->dead && !c->closing_allowed)
        util_die("connection %u lost outside the timed part", c->idx);
    c->writable = true;
}

/* The server speaks first, in plain text, and then expects the TLS handshake. */
static void start_tls(struct load *ld, struct conn *c)
{
    uint64_t deadline = util_now_ns() + SYNC_LIMIT_NS;
    char info[LINE_BYTES_MAX];
    size_t n = 0;
    ssize_t k;
    int r;

    while (n == 0 || info[n - 1] != '\n') {
        wait_for(c, POLLIN, deadline);
        k = recv(c->fd, info + n, sizeof info - n, MSG_DONTWAIT);
        if (k == 0 || n + (size_t)(k > 0 ? k : 0) == sizeof info)
            util_die("no INFO line before TLS");
        n += (size_t)(k > 0 ? k : 0);
    }
    if (memmem(info, n, "\"tls_required\":true", 19) == NULL)
        util_die("the server does not ask for TLS");
    parse_input(ld, c, info, n);
    c->ssl = SSL_new(ld->tls);
    if (c->ssl == NULL)
        util_die("SSL_new failed");
    SSL_set_bio(c->ssl, BIO_new(BIO_s_mem()), BIO_new_socket(c->fd, BIO_NOCLOSE));
    while ((r = SSL_connect(c->ssl)) != 1) {
        if (SSL_get_error(c->ssl, r) != SSL_ERROR_WANT_READ)
            util_die("TLS handshake failed: %s", ERR_error_string(ERR_get_error(), NULL));
        wait_for(c, POLLIN, deadline);
        k = receive_plain(ld, c, info, sizeof info);
        if (k > 0)
            BIO_write(SSL_get_rbio(c->ssl), info, (int)k);
        if (c->dead)
            util_die("TLS handshake failed");
    }
}

static void queue_connect(const struct load *ld, struct conn *c)
{
    const struct options *o = &ld->opt;

    conn_queuef(c, "CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"c\",\"version\":\"1\","
                   "\"name\":\"load\",\"protocol\":1,\"echo\":true,\"tls_required\":%s%s",
                o->tls ? "true" : "false",
                c->role == ROLE_JS ? ",\"headers\":true,\"no_responders\":true" : "");
    if (o->user != NULL)
        conn_queuef(c, ",\"user\":\"%s\",\"pass\":\"%s\"", o->user, o->pass ? o->pass : "");
    conn_queue(c, "}\r\n", 3);
}

/* The FORCE options pass the sysctl limits but need CAP_NET_ADMIN; without it the kernel
 * gives what it allows. */
static void set_buffer(int fd, int forced, int plain, int size)
{
    if (size > 0 && setsockopt(fd, SOL_SOCKET, forced, &size, sizeof size) != 0 &&
        setsockopt(fd, SOL_SOCKET, plain, &size, sizeof size) != 0)
        util_die("socket buffer of %d bytes: %s", size, strerror(errno));
}

struct conn *conn_open_sized(struct load *ld, enum role role, uint32_t idx, struct sizes size)
{
    struct conn *c = util_alloc(1, sizeof *c);
    int one = 1;

    c->role = role;
    c->idx = idx;
    c->expect = UINT64_MAX;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        util_die("socket: %s (limit on open files?)", strerror(errno));
    set_buffer(c->fd, SO_RCVBUFFORCE, SO_RCVBUF, size.rcv);
    set_buffer(c->fd, SO_SNDBUFFORCE, SO_SNDBUF, size.snd);
    if (size.mss > 0 &&
        setsockopt(c->fd, IPPROTO_TCP, TCP_MAXSEG, &size.mss, sizeof size.mss) != 0)
        util_die("TCP_MAXSEG: %s", strerror(errno));
    if (connect(c->fd, (struct sockaddr *)&ld->server, sizeof ld->server) != 0)
        util_die("connect to %s: %s", ld->opt.addr, strerror(errno));
    if (setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0 ||
        fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0)
        util_die("socket options: %s", strerror(errno));
    c->writable = true;
    if (ld->tls != NULL)
        start_tls(ld, c);
    queue_connect(ld, c);
    ld->conns = util_grow(ld->conns, (ld->nconns + 1) * sizeof *ld->conns);
    ld->conns[ld->nconns++] = c;
    return c;
}

struct conn *conn_open(struct load *ld, enum role role, uint32_t idx)
{
    return conn_open_sized(ld, role, idx, (struct sizes){0});
}

void conn_free(struct conn *c)
{
    if (c->ssl != NULL)
        SSL_free(c->ssl);
    close(c->fd);
    free(c->carry);
    free(c->out);
    free(c->source);
    free(c->next);
    free(c->slot_start_ns);
    free(c->free_slots);
    free(c->commands);
    free(c->command_off);
    free(c->latency_ns);
    if (c->js != NULL) {
        free(c->js->slot_number);
        free(c->js->answer);
        free(c->js);
    }
    free(c);
}

void conn_watch(struct load *ld, struct conn *c)
{
    struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};

    if (epoll_ctl(ld->epoll_fd, EPOLL_CTL_ADD, c->fd, &ev) != 0)
        util_die("epoll_ctl: %s", strerror(errno));
}
