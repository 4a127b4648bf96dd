/* SPDX-License-Identifier: Apache-2.0 */
/* linger.h - closing a socket so that the last words arrive.
 *
 * When a socket is closed while input waits or still comes, TCP resets the connection and the peer
 * may lose the -ERR or TLS alert that says why. So the sending side is shut down first, and the
 * socket lingers, its input thrown away, until the peer has closed too, for at most LINGER_NS. */
#ifndef NET_LINGER_H
#define NET_LINGER_H

#include "net/loop.h"

#define LINGER_NS INT64_C(1000000000)
#define LINGERS_MAX 1024        /* per loop; beyond that sockets are closed at once */

/* Take over fd, whose sending side is shut down. On l. */
void linger_start(struct loop *l, int fd);

/* Close what still lingers on l. */
void linger_finish_all(struct loop *l);

#endif
