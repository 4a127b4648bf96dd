/* SPDX-License-Identifier: Apache-2.0 */
/* file.c - reading whole files with a bound, so that a wrong path (/dev/zero) ends in an error. */
#include "os/file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define READ_CHUNK 65536u

/* errno's text with a lower-case start, as Go writes it. */
static void reason_of(int error, char *out, size_t size)
{
    const char *text = strerror(error);
    size_t n = strlen(text) < size - 1 ? strlen(text) : size - 1;

    memcpy(out, text, n);
    out[n] = '\0';
    if (n > 1 && islower((unsigned char)out[1])) out[0] = (char)tolower((unsigned char)out[0]);
}

static enum status fail_with(struct error *why, const char *what, const char *path, int error)
{
    char reason[128];

    reason_of(error, reason, sizeof reason);
    return error_set(why, error == ENOENT ? ST_NOT_FOUND : ST_IO, "%s %s: %s", what, path, reason);
}

enum status file_read(const char *path, size_t bytes_max, struct buf *out, struct error *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t total = 0;
    enum status st = ST_OK;

    if (fd < 0) return fail_with(why, "open", path, errno);
    for (;;) {
        buf_reserve(out, READ_CHUNK);
        ssize_t n = read(fd, out->p + out->len, READ_CHUNK);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) st = fail_with(why, "read", path, errno);
        if (n <= 0) break;
        out->len += (size_t)n;
        total += (size_t)n;
        if (total > bytes_max) {
            st = error_set(why, ST_LIMIT, "read %s: file is larger than %zu bytes", path,
                           bytes_max);
            break;
        }
    }
    close(fd);
    return st;
}

const char *env_get(const char *name)
{
    return getenv(name);
}
