/* SPDX-License-Identifier: Apache-2.0 */
/* listener.h - accepting connections for a core on its first loop. */
#ifndef CORE_LISTENER_H
#define CORE_LISTENER_H

#include "core/core.h"
#include "os/socket.h"

struct listener;

/* Listen and accept from the moment loop 0 runs; port 0 or below: any free one. IO: why. */
MUST_USE enum status listener_open(struct listener **out, struct core *core,
                                   enum core_listener kind, const char *host, int port,
                                   struct error *why);

/* Where it listens; lives as long as l. */
const struct socket_address *listener_bound(const struct listener *l);

/* Stop accepting and close the socket; clients stay. On loop 0, or while it does not run.
 * *l may be NULL. */
void listener_close(struct listener **l);

#endif
