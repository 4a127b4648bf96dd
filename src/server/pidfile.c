/* SPDX-License-Identifier: Apache-2.0 */
/* pidfile.c - one number. */
#include "server/pidfile.h"

#include <stdio.h>

#include "os/path.h"
#include "os/process.h"

enum status pidfile_write(const char *path, struct error *why)
{
    char text[16];

    snprintf(text, sizeof(text), "%d", process_id());
    return path_write(path, span_of(text), 0640, why);
}
