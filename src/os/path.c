/* SPDX-License-Identifier: Apache-2.0 */
/* path.c - write beside and rename. */
#include "os/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static bool write_all(int fd, struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.p, bytes.len);

        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        bytes = span_from(bytes, (size_t)n);
    }
    return true;
}

static enum status write_in_place(const char *path, struct span bytes, struct error *why)
{
    enum status st = ST_OK;
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0) return error_set(why, ST_IO, "open %s: %s", path, strerror(errno));
    if (!write_all(fd, bytes)) st = error_set(why, ST_IO, "write %s: %s", path, strerror(errno));
    close(fd);
    return st;
}

enum status path_write(const char *path, struct span bytes, unsigned mode, struct error *why)
{
    struct stat old;
    enum status st = ST_OK;
    char *beside;
    int fd;

    if (stat(path, &old) == 0 && !S_ISREG(old.st_mode)) return write_in_place(path, bytes, why);
    beside = mem_printf("%s.%d.tmp", path, (int)getpid());
    fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, (mode_t)mode);
    if (fd < 0) {
        st = error_set(why, ST_IO, "open %s: %s", path, strerror(errno));
        mem_free(beside);
        return st;
    }
    if (!write_all(fd, bytes)) st = error_set(why, ST_IO, "write %s: %s", path, strerror(errno));
    if (close(fd) != 0 && st == ST_OK)
        st = error_set(why, ST_IO, "write %s: %s", path, strerror(errno));
    if (st == ST_OK && rename(beside, path) != 0)
        st = error_set(why, ST_IO, "rename %s: %s", path, strerror(errno));
    if (st != ST_OK) (void)unlink(beside);
    mem_free(beside);
    return st;
}

enum status path_remove(const char *path, struct error *why)
{
    if (unlink(path) == 0) return ST_OK;
    return error_set(why, errno == ENOENT ? ST_NOT_FOUND : ST_IO, "remove %s: %s", path,
                     strerror(errno));
}
