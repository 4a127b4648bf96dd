/* SPDX-License-Identifier: Apache-2.0 */
/* signal_cmd.h - "-sl COMMAND[=PID|PIDFILE|GLOB*]": tell a running server what to do. */
#ifndef SERVER_SIGNAL_CMD_H
#define SERVER_SIGNAL_CMD_H

#include "base/buf.h"
#include "base/span.h"
#include "base/status.h"
#include "os/process.h"

/* The signal of a command: stop KILL, quit INT, term TERM, reload HUP, reopen USR1, ldm USR2.
 * BAD_INPUT: no such command. */
MUST_USE enum status signal_cmd_parse(struct span command, enum process_signal *signal);

/* Send what spec asks for to the process it names: a number, a file that holds one, a number's
 * beginning and '*' (every server whose id starts so), or nothing (the one running server).
 * Servers are the processes with the name of this program, "myelin" or "nats-server".
 * On an error nothing was sent, except that a glob goes through all its processes; why (the
 * caller's, appended to) is nats-server's text, several lines for several processes. */
MUST_USE enum status signal_cmd_run(const char *spec, struct buf *why);

/* The same for processes with one of these names. */
MUST_USE enum status signal_cmd_run_for(const char *spec, const char *const *names,
                                        size_t name_count, struct buf *why);

#endif
