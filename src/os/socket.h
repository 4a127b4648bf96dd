/* SPDX-License-Identifier: Apache-2.0 */
/* socket.h - TCP sockets, non-blocking throughout. */
#ifndef OS_SOCKET_H
#define OS_SOCKET_H

#include <stdint.h>
#include <sys/uio.h>

#include "base/span.h"
#include "base/status.h"

#define SOCKET_ADDRESS_MAX 46   /* text of an address with NUL */

struct socket_address {
    char host[SOCKET_ADDRESS_MAX];      /* numeric, no brackets, no zone */
    uint16_t port;
};

/* Listen on host ("", "0.0.0.0", "::", name or number) and port (0: any free one). On OK *fd is
 * owned by the caller and *bound says where it listens. IO: why has the reason of the kernel. */
MUST_USE enum status socket_listen(const char *host, uint16_t port, int *fd,
                                   struct socket_address *bound, struct error *why);

enum socket_accept {
    SOCKET_ACCEPTED, SOCKET_ACCEPT_AGAIN,       /* nobody waits */
    SOCKET_ACCEPT_EXHAUSTED,                    /* out of descriptors or memory */
};

/* Accept one connection: non-blocking, TCP_NODELAY. *fd is owned by the caller. */
enum socket_accept socket_accept(int listen_fd, int *fd, struct socket_address *peer);

/* Bytes read (> 0), 0 at the end of the stream, -EAGAIN, or another negative errno. */
ssize_t socket_read(int fd, void *p, size_t len);

/* Look at what would be read without taking it; results as socket_read. */
ssize_t socket_peek(int fd, void *p, size_t len);

/* Bytes written (may be fewer), -EAGAIN, or another negative errno. Never raises SIGPIPE. */
ssize_t socket_write(int fd, const struct iovec *iov, int count);

void socket_shutdown(int fd);                   /* both directions */
void socket_shutdown_write(int fd);
void socket_close(int fd);

/* Non-loopback addresses of this host for a listener on all interfaces, numeric; fills at most max
 * and returns how many. O(interfaces). */
size_t socket_local_addresses(struct socket_address *out, size_t max);

#endif
