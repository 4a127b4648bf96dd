/* SPDX-License-Identifier: Apache-2.0 */
/* socket.c - socket.h on Linux. */
#include "os/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096

static void describe(const struct sockaddr_storage *from, struct socket_address *out)
{
    const void *address = &((const struct sockaddr_in *)from)->sin_addr;
    in_port_t port = ((const struct sockaddr_in *)from)->sin_port;
    int family = from->ss_family;

    if (family == AF_INET6) {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)from;
        address = &six->sin6_addr;
        port = six->sin6_port;
        if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
            address = &six->sin6_addr.s6_addr[12];
            family = AF_INET;
        }
    }
    if (inet_ntop(family, address, out->host, sizeof out->host) == NULL) out->host[0] = '\0';
    out->port = ntohs(port);
}

static int open_listener(const struct addrinfo *ai)
{
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1, off = 0;

    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);      /* accepted ones inherit it */
    if (ai->ai_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0) return fd;
    on = errno;
    close(fd);
    errno = on;
    return -1;
}

/* Listen on [::] for both families; false where the kernel has no IPv6 or the port is taken. */
static bool listen_everywhere(uint16_t port, int *fd, struct socket_address *bound)
{
    struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
    struct addrinfo ai = { .ai_family = AF_INET6, .ai_addr = (struct sockaddr *)&any,
                           .ai_addrlen = sizeof any };
    struct sockaddr_storage name;
    socklen_t len = sizeof name;

    *fd = open_listener(&ai);
    if (*fd < 0) return false;
    getsockname(*fd, (struct sockaddr *)&name, &len);
    describe(&name, bound);
    return true;
}

enum status socket_listen(const char *host, uint16_t port, int *fd, struct socket_address *bound,
                          struct error *why)
{
    struct addrinfo hints = { .ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM }, *found = NULL;
    struct sockaddr_storage name;
    socklen_t len = sizeof name;
    char service[8];
    int code;

    snprintf(service, sizeof service, "%u", port);
    /* As Go: the IPv4 wildcard means every address of either family. */
    if (host && strcmp(host, "0.0.0.0") == 0 && listen_everywhere(port, fd, bound)) return ST_OK;
    code = getaddrinfo(host && host[0] ? host : NULL, service, &hints, &found);
    if (code != 0) return error_set(why, ST_IO, "lookup %s: %s", host, gai_strerror(code));
    *fd = -1;
    for (const struct addrinfo *ai = found; ai != NULL && *fd < 0; ai = ai->ai_next)
        *fd = open_listener(ai);
    code = errno;
    freeaddrinfo(found);
    if (*fd < 0) {
        const char *text = code == EADDRINUSE ? "address already in use" : strerror(code);
        return error_set(why, ST_IO, "listen tcp %s:%u: bind: %s", host ? host : "", port, text);
    }
    getsockname(*fd, (struct sockaddr *)&name, &len);
    describe(&name, bound);
    return ST_OK;
}

enum socket_accept socket_accept(int listen_fd, int *fd, struct socket_address *peer)
{
    struct sockaddr_storage from;
    socklen_t len;

    do {
        len = sizeof from;
        *fd = accept4(listen_fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    } while (*fd < 0 && (errno == EINTR || errno == ECONNABORTED || errno == EPROTO));
    if (*fd < 0)
        return errno == EAGAIN ? SOCKET_ACCEPT_AGAIN : SOCKET_ACCEPT_EXHAUSTED;
    describe(&from, peer);
    return SOCKET_ACCEPTED;
}

static ssize_t receive(int fd, void *p, size_t len, int flags)
{
    ssize_t n;

    do n = recv(fd, p, len, flags | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

ssize_t socket_read(int fd, void *p, size_t len)
{
    return receive(fd, p, len, 0);
}

ssize_t socket_peek(int fd, void *p, size_t len)
{
    return receive(fd, p, len, MSG_PEEK);
}

ssize_t socket_write(int fd, const struct iovec *iov, int count)
{
    struct msghdr m = { .msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)count };
    ssize_t n;

    do
        n = count == 1 ? send(fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL | MSG_DONTWAIT)
                       : sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

void socket_shutdown(int fd)
{
    shutdown(fd, SHUT_RDWR);
}

void socket_shutdown_write(int fd)
{
    shutdown(fd, SHUT_WR);
}

void socket_close(int fd)
{
    close(fd);
}

size_t socket_local_addresses(struct socket_address *out, size_t max)
{
    struct ifaddrs *all, *one;
    size_t n = 0;

    if (getifaddrs(&all) != 0) return 0;
    for (one = all; one != NULL && n < max; one = one->ifa_next) {
        struct sockaddr_storage s;
        if (one->ifa_addr == NULL || !(one->ifa_flags & IFF_UP) || (one->ifa_flags & IFF_LOOPBACK))
            continue;
        if (one->ifa_addr->sa_family == AF_INET)
            memcpy(&s, one->ifa_addr, sizeof(struct sockaddr_in));
        else if (one->ifa_addr->sa_family == AF_INET6)
            memcpy(&s, one->ifa_addr, sizeof(struct sockaddr_in6));
        else
            continue;
        describe(&s, &out[n++]);
    }
    freeifaddrs(all);
    return n;
}
