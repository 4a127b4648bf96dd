/* SPDX-License-Identifier: Apache-2.0 */
/* pidfile.h - the file that holds the process id, as -P and pid_file ask for. */
#ifndef SERVER_PIDFILE_H
#define SERVER_PIDFILE_H

#include "base/span.h"
#include "base/status.h"

/* Write the id of this process (digits only, no newline) to path, atomically, mode 0640.
 * The file stays after the exit, as nats-server's does. IO: why says which step failed. */
MUST_USE enum status pidfile_write(const char *path, struct error *why);

#endif
