/* SPDX-License-Identifier: Apache-2.0 */
/* file.h - whole small files (configuration, pid files) and the process environment. */
#ifndef OS_FILE_H
#define OS_FILE_H

#include "base/buf.h"
#include "base/status.h"

/* Append the content of the file at path to out. NOT_FOUND: no such file; LIMIT: more than
 * bytes_max; IO: anything else. why says "open PATH: REASON" (Go's wording). Blocks. */
MUST_USE enum status file_read(const char *path, size_t bytes_max, struct buf *out,
                               struct error *why);

/* Value of the environment variable name, or NULL; valid until the environment changes. */
const char *env_get(const char *name);

#endif
