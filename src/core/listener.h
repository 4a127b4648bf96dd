/* SPDX-License-Identifier: Apache-2.0 */
/* listener.h - accepting connections for a core on its first loop. */
#ifndef CORE_LISTENER_H
#define CORE_LISTENER_H

#include "core/core.h"
#include "os/socket.h"

struct listener;

/* Listen and accept from the moment loop 0 runs. On OK *bound says where. IO: why. */
MUST_USE enum status listener_open(struct listener **out, struct core *core,
                                   enum core_listener kind, const char *host, int port,
                                   struct socket_address *bound, struct error *why);

/* Stop accepting and close the socket; clients stay. On loop 0, or while it does not run.
 * *l may be NULL. */
void listener_close(struct listener **l);

#endif
