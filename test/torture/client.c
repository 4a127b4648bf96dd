/* SPDX-License-Identifier: Apache-2.0 */
/* client.c - sockets and the text protocol of the torture driver's client. */
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS 5000
#define LINE_BYTES_MAX 8192u
#define TOKENS_MAX 6

uint64_t client_now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void client_init(struct client *c, uint16_t port, uint32_t worker)
{
    memset(c, 0, sizeof *c);
    c->fd = -1;
    c->port = port;
    c->worker = worker;
}

static void lose(struct client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    c->in_len = c->in_off = 0;
}

void client_fini(struct client *c)
{
    lose(c);
    free(c->in);
    c->in = NULL;
    c->in_cap = 0;
}

bool client_is_lost(const struct client *c)
{
    return c->fd < 0;
}

static bool wait_for(struct client *c, short events, int wait_ms)
{
    struct pollfd p = {.fd = c->fd, .events = events};
    int n;

    do
        n = poll(&p, 1, wait_ms);
    while (n < 0 && errno == EINTR);
    return n > 0;
}

static bool send_all(struct client *c, struct iovec *v, int count)
{
    while (count > 0) {
        ssize_t n;

        if (c->fd < 0)
            return false;
        n = writev(c->fd, v, count);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            if (wait_for(c, POLLOUT, WAIT_MS))
                continue;
            n = -1;
        }
        if (n < 0) {
            lose(c);
            return false;
        }
        while (count > 0 && (size_t)n >= v->iov_len) {
            n -= (ssize_t)v->iov_len;
            v++;
            count--;
        }
        if (count > 0) {
            v->iov_base = (char *)v->iov_base + n;
            v->iov_len -= (size_t)n;
        }
    }
    return true;
}

static bool send_text(struct client *c, const char *text)
{
    struct iovec v = {.iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text)};

    return send_all(c, &v, 1);
}

/* Reads more; 1, 0 (nothing within wait_ms) or -1 (lost). */
static int fill(struct client *c, int wait_ms)
{
    ssize_t n;

    if (c->in_off > 0) {
        memmove(c->in, c->in + c->in_off, c->in_len - c->in_off);
        c->in_len -= c->in_off;
        c->in_off = 0;
    }
    if (c->in_cap - c->in_len < 65536) {
        c->in_cap = c->in_cap * 2 + 131072;
        c->in = realloc(c->in, c->in_cap);
        if (c->in == NULL)
            abort();
    }
    if (!wait_for(c, POLLIN, wait_ms))
        return 0;
    n = recv(c->fd, c->in + c->in_len, c->in_cap - c->in_len, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n <= 0) {
        lose(c);
        return -1;
    }
    c->in_len += (size_t)n;
    return 1;
}

static size_t split(struct span line, struct span *tokens)
{
    const char *p = line.p, *end = line.p + line.n;
    size_t count = 0;

    while (count < TOKENS_MAX) {
        while (p < end && *p == ' ')
            p++;
        if (p == end)
            break;
        tokens[count].p = p;
        while (p < end && *p != ' ')
            p++;
        tokens[count].n = (size_t)(p - tokens[count].p);
        count++;
    }
    return count;
}

static bool parse_size(struct span t, size_t *value)
{
    size_t v = 0;

    if (t.n == 0 || t.n > 9)
        return false;
    for (size_t i = 0; i < t.n; i++) {
        if (t.p[i] < '0' || t.p[i] > '9')
            return false;
        v = v * 10 + (size_t)(t.p[i] - '0');
    }
    *value = v;
    return true;
}

/* MSG or HMSG at in_off with its line of line_len bytes: 1, 0 (incomplete) or -1 (garbled). */
static int take_message(struct client *c, size_t line_len, struct message *m)
{
    const char *p = c->in + c->in_off;
    bool with_header = p[0] == 'H';
    struct span t[TOKENS_MAX], line = {p, line_len - 2};
    size_t fixed = with_header ? 5 : 4, count = split(line, t), head = 0, size;

    if ((count != fixed && count != fixed + 1) || !parse_size(t[count - 1], &size) ||
        (with_header && !parse_size(t[count - 2], &head)) || head > size)
        return -1;
    if (c->in_len - c->in_off < line_len + size + 2)
        return 0;
    if (memcmp(p + line_len + size, "\r\n", 2) != 0)
        return -1;
    m->subject = t[1];
    m->reply = count > fixed ? t[3] : (struct span){"", 0};
    m->header = (struct span){p + line_len, head};
    m->body = (struct span){p + line_len + head, size - head};
    c->in_off += line_len + size + 2;
    return 1;
}

/* What is in the buffer: 1 a message, 2 a PONG, 0 nothing whole, -1 garbled or -ERR. */
static int take(struct client *c, struct message *m)
{
    for (;;) {
        const char *p = c->in + c->in_off;
        size_t left = c->in_len - c->in_off, n;
        const char *nl = left > 0 ? memchr(p, '\n', left) : NULL;

        if (nl == NULL)
            return left > LINE_BYTES_MAX ? -1 : 0;
        n = (size_t)(nl - p) + 1;
        if (n < 2 || nl[-1] != '\r')
            return -1;
        if (strncmp(p, "MSG ", 4) == 0 || strncmp(p, "HMSG ", 5) == 0)
            return take_message(c, n, m);
        c->in_off += n;
        if (strncmp(p, "PONG", 4) == 0)
            return 2;
        if (strncmp(p, "PING", 4) == 0) {
            if (!send_text(c, "PONG\r\n"))
                return -1;
        } else if (strncmp(p, "INFO ", 5) != 0 && strncmp(p, "+OK", 3) != 0) {
            return -1;
        }
    }
}

int client_next(struct client *c, struct message *m, int wait_ms)
{
    uint64_t deadline = client_now_ns() + (uint64_t)wait_ms * 1000000u;

    while (c->fd >= 0) {
        int kind = take(c, m), got;
        uint64_t now;

        if (kind == 1)
            return 1;
        if (kind == 2)
            continue;
        if (kind < 0)
            break;
        now = client_now_ns();
        got = fill(c, now < deadline ? (int)((deadline - now) / 1000000u) : 0);
        if (got < 0)
            return -1;
        if (got == 0 && client_now_ns() >= deadline)
            return 0;
    }
    lose(c);
    return -1;
}

static bool await_pong(struct client *c)
{
    uint64_t deadline = client_now_ns() + WAIT_MS * 1000000ull;
    struct message m;
    int kind;

    while ((kind = take(c, &m)) != 2) {
        if (kind < 0 || client_now_ns() > deadline || fill(c, 100) < 0) {
            lose(c);
            return false;
        }
    }
    return true;
}

bool client_connect(struct client *c)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(c->port)};
    struct timeval limit = {.tv_sec = WAIT_MS / 1000};
    char text[512];
    int one = 1;

    lose(c);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        return false;
    setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0) {
        lose(c);
        return false;
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    c->connects++;
    snprintf(c->inbox, sizeof c->inbox, "_INBOX.torture.%d.%u.%u", (int)getpid(), c->worker,
             c->connects);
    snprintf(text, sizeof text,
             "CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"torture\",\"version\":"
             "\"1\",\"protocol\":1,\"headers\":true,\"no_responders\":true}\r\n"
             "SUB %s.> 1\r\nPING\r\n", c->inbox);
    return send_text(c, text) && await_pong(c);
}

bool client_subscribe(struct client *c, const char *subject)
{
    char text[256];

    snprintf(text, sizeof text, "SUB %s 2\r\n", subject);
    return send_text(c, text);
}

bool client_publish(struct client *c, const char *subject, const char *reply, struct span header,
                    struct span body)
{
    char line[512];
    struct iovec v[4];
    int n;

    if (header.n > 0)
        n = snprintf(line, sizeof line, "HPUB %s %s %zu %zu\r\n", subject, reply ? reply : "",
                     header.n, header.n + body.n);
    else
        n = snprintf(line, sizeof line, "PUB %s %s %zu\r\n", subject, reply ? reply : "", body.n);
    if (n < 0 || (size_t)n >= sizeof line)
        abort();
    v[0] = (struct iovec){line, (size_t)n};
    v[1] = (struct iovec){(void *)(uintptr_t)header.p, header.n};
    v[2] = (struct iovec){(void *)(uintptr_t)body.p, body.n};
    v[3] = (struct iovec){(void *)(uintptr_t) "\r\n", 2};
    return send_all(c, v, 4);
}

int client_request(struct client *c, const char *subject, struct span header, struct span body,
                   struct message *m)
{
    uint64_t deadline = client_now_ns() + WAIT_MS * 1000000ull, now;
    char reply[96];
    int got;

    snprintf(reply, sizeof reply, "%s.r%llu", c->inbox, (unsigned long long)++c->requests);
    if (!client_publish(c, subject, reply, header, body))
        return -1;
    while ((now = client_now_ns()) < deadline) {
        got = client_next(c, m, (int)((deadline - now) / 1000000u) + 1);
        if (got <= 0)
            return got;
        if (m->subject.n == strlen(reply) && memcmp(m->subject.p, reply, m->subject.n) == 0)
            return 1;
    }
    return 0;
}

unsigned client_status(const struct message *m)
{
    unsigned code = 0;

    if (m->header.n < 12 || memcmp(m->header.p, "NATS/1.0 ", 9) != 0)
        return 0;
    for (size_t i = 9; i < 12; i++)
        if (m->header.p[i] >= '0' && m->header.p[i] <= '9')
            code = code * 10 + (unsigned)(m->header.p[i] - '0');
    return code;
}

struct span client_header(struct span header, const char *name)
{
    const char *p = header.p, *end = header.p + header.n, *nl;
    size_t n = strlen(name);

    while (p < end && (nl = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        if ((size_t)(nl - p) > n + 1 && strncasecmp(p, name, n) == 0 && p[n] == ':') {
            p += n + 1;
            while (p < nl && *p == ' ')
                p++;
            return (struct span){p, (size_t)(nl - p) - (nl > p && nl[-1] == '\r')};
        }
        p = nl + 1;
    }
    return (struct span){"", 0};
}

bool client_contains(struct span text, const char *part)
{
    return text.n > 0 && memmem(text.p, text.n, part, strlen(part)) != NULL;
}

bool client_json_number(struct span text, const char *key, uint64_t *value)
{
    char quoted[64];
    const char *p, *end = text.p + text.n;
    uint64_t v = 0;

    snprintf(quoted, sizeof quoted, "\"%s\":", key);
    p = text.n > 0 ? memmem(text.p, text.n, quoted, strlen(quoted)) : NULL;
    if (p == NULL)
        return false;
    for (p += strlen(quoted); p < end && *p == ' '; p++)
        continue;
    if (p == end || *p < '0' || *p > '9')
        return false;
    for (; p < end && *p >= '0' && *p <= '9' && v < UINT64_MAX / 16; p++)
        v = v * 10 + (uint64_t)(*p - '0');
    *value = v;
    return true;
}
