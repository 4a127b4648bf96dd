/* SPDX-License-Identifier: Apache-2.0 */
/* process.h - this process and others on the machine, seen through /proc. */
#ifndef OS_PROCESS_H
#define OS_PROCESS_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "base/status.h"

enum process_signal {
    PROCESS_INT, PROCESS_TERM, PROCESS_KILL, PROCESS_HUP, PROCESS_USR1, PROCESS_USR2,
};

/* Id of this process. */
int process_id(void);

/* Last part of argv[0]: the name this process was started under. Static storage. */
const char *process_name(void);

/* Ids, ascending, of the other processes named exactly as one of names; the kernel keeps 15
 * bytes of a name, which is what is compared. The name is that of the main thread: don't rename
 * it. The caller frees *out. IO: /proc can't be read. O(processes). */
MUST_USE enum status process_find(const char *const *names, size_t name_count, int **out,
                                  size_t *count);

/* Send a signal. NOT_FOUND, DENIED, IO: not sent, why is the system's text. */
MUST_USE enum status process_kill(int pid, enum process_signal signal, struct error *why);

#endif
