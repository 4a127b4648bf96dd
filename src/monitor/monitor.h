/* SPDX-License-Identifier: Apache-2.0 */
/* monitor.h - the HTTP endpoints: /varz, /connz, ... and /metrics, on a thread of their own.
 *
 * The thread shares nothing with the loops: for each request it visits them and takes copies. */
#ifndef MONITOR_MONITOR_H
#define MONITOR_MONITOR_H

#include "config/options.h"
#include "core/core.h"

struct js;
struct monitor;

/* Listen where options say (http_port or https_port). Requests wait in the kernel until
 * monitor_serve. core and js (NULL: JetStream is off) are borrowed until monitor_stop. IO,
 * BAD_INPUT: why. */
MUST_USE enum status monitor_start(struct monitor **out, struct core *core, struct js *js,
                                   const struct options *options, struct error *why);

/* Answer from a new thread from now on. All loops must run, until monitor_stop has returned.
 * IO: no thread. */
MUST_USE enum status monitor_serve(struct monitor *m, struct error *why);

/* Finish the request under way, end the thread, close the socket. *m may be NULL. */
void monitor_stop(struct monitor **m);

uint16_t monitor_port(const struct monitor *m);         /* as bound */

#endif
