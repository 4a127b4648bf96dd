/* SPDX-License-Identifier: Apache-2.0 */
/* signals.h - the signals of the server as a readable descriptor.
 *
 * INT, TERM, HUP, USR1 and USR2 are blocked and read through a signalfd, so nothing ever runs
 * in a signal handler. PIPE is ignored, and XFSZ: a file at the size limit is an error of its
 * write. */
#ifndef OS_SIGNALS_H
#define OS_SIGNALS_H

#include "base/span.h"
#include "base/status.h"
#include "os/process.h"

struct signals {
    int fd;                     /* readable (level-triggered) while a signal waits; non-blocking */
};

/* Take the signals over. Call before any thread starts: threads inherit the blocked set.
 * IO: nothing is changed. */
MUST_USE enum status signals_init(struct signals *s, struct error *why);

/* Close the descriptor and restore the default handling. */
void signals_fini(struct signals *s);

/* Next waiting signal. AGAIN: none. Signals of one kind that arrive together count once. */
MUST_USE enum status signals_next(struct signals *s, enum process_signal *signal);

/* As Go's signals print: "interrupt", "terminated", "hangup", "user defined signal 1". For the
 * line 'Trapped "interrupt" signal'. Static storage. */
const char *signals_text(enum process_signal signal);

#endif
