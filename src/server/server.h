/* SPDX-License-Identifier: Apache-2.0 */
/* server.h - the process: a core with its threads, listeners, monitoring, files and signals.
 *
 * Owned by the main thread, which starts everything in order, then handles signals until one of
 * them ends it. */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "config/config.h"
#include "core/core.h"

struct server;

/* Start with options, which the server owns from now on, also after an error. When this returns
 * OK the log says "Server is ready" and every listener accepts. */
MUST_USE enum status server_start(struct server **out, struct options *options,
                                  struct error *why);

/* Handle signals until the server is to end; returns the exit code. */
int server_run(struct server *s);

/* End everything in order and free. */
void server_stop(struct server **s);

#endif
