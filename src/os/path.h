/* SPDX-License-Identifier: Apache-2.0 */
/* path.h - small files written whole (os/file.h reads them). Blocking: for start, reload and stop
 * only. */
#ifndef OS_PATH_H
#define OS_PATH_H

#include "base/span.h"
#include "base/status.h"

/* Write bytes to path so that a reader sees the old content or the new one, never a part: a
 * temporary file beside it (mode as given, less the umask) is renamed over it. A path that
 * exists but is no regular file (a pipe, /dev/stdout) is written in place. IO: path is as
 * before, why is "open|write|rename <path>: <system's text>". */
MUST_USE enum status path_write(const char *path, struct span bytes, unsigned mode,
                                struct error *why);

/* Remove the file. NOT_FOUND: there was none. IO: why is "remove <path>: <system's text>". */
MUST_USE enum status path_remove(const char *path, struct error *why);

#endif
