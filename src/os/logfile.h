/* SPDX-License-Identifier: Apache-2.0 */
/* logfile.h - where log lines end up: stderr, or a file that can be rotated.
 *
 * One object per output; the caller serialises the calls. A line reaches the file with one
 * write(2), so that lines of several processes never mix. */
#ifndef OS_LOGFILE_H
#define OS_LOGFILE_H

#include "base/span.h"
#include "base/status.h"

struct logfile;

/* Open path for appending, created with mode 0640. IO: *out is NULL, why is the system's text. */
MUST_USE enum status logfile_open(const char *path, struct logfile **out, struct error *why);

/* Standard error; never fails and is never closed. */
struct logfile *logfile_stderr(void);

void logfile_free(struct logfile **f);          /* closes; *f may be NULL */

/* Append bytes with one write(2); a write cut short is continued. IO: some bytes are lost. */
MUST_USE enum status logfile_write(struct logfile *f, struct span bytes);

/* Bytes in the file, as of opening plus what was written since; 0 for stderr. */
int64_t logfile_size(const struct logfile *f);

/* Whether the output is a character device (a terminal, and /dev/null as in nats-server). */
bool logfile_is_device(const struct logfile *f);

/* Rename the file to "<path>.YYYY.MM.DD.hh.mm.ss.nnnnnnnnn" (local time) and start a new one.
 * *backup is then the new name, owned by the caller. On IO the old file stays in use under its
 * old name and *backup is NULL. Not for stderr. */
MUST_USE enum status logfile_rotate(struct logfile *f, int64_t wall_ns, char **backup,
                                    struct error *why);

/* Delete the oldest backups that logfile_rotate made until keep are left. *removed is a heap
 * array of *count owned names, for reporting, set in any case. IO: some could not be deleted.
 * Only names with the exact stamp count: a stranger's file is never touched. O(files). */
MUST_USE enum status logfile_purge(struct logfile *f, size_t keep, char ***removed,
                                   size_t *count, struct error *why);

#endif
