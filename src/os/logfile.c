/* SPDX-License-Identifier: Apache-2.0 */
/* logfile.c - append, rotate, purge. */
#include "os/logfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/mem.h"
#include "os/clock.h"

#define OPEN_FLAGS (O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY)
#define STAMP_SHAPE "dddd.dd.dd.dd.dd.dd.ddddddddd"

struct logfile {
    int fd;
    char *path;                 /* NULL: stderr */
    int64_t size;
    bool device;
};

static bool is_device(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode);
}

enum status logfile_open(const char *path, struct logfile **out, struct error *why)
{
    struct logfile *f;
    struct stat st;
    int fd = open(path, OPEN_FLAGS, 0640);

    *out = NULL;
    if (fd < 0) return error_set(why, ST_IO, "open %s: %s", path, strerror(errno));
    if (fstat(fd, &st) != 0) {
        enum status st_io = error_set(why, ST_IO, "stat %s: %s", path, strerror(errno));

        close(fd);
        return st_io;
    }
    f = mem_zero(sizeof(*f));
    f->fd = fd;
    f->path = mem_dup(path);
    f->size = S_ISREG(st.st_mode) ? (int64_t)st.st_size : 0;
    f->device = S_ISCHR(st.st_mode);
    *out = f;
    return ST_OK;
}

struct logfile *logfile_stderr(void)
{
    struct logfile *f = mem_zero(sizeof(*f));

    f->fd = STDERR_FILENO;
    f->device = is_device(STDERR_FILENO);
    return f;
}

void logfile_free(struct logfile **f)
{
    if (*f == NULL) return;
    if ((*f)->path != NULL) close((*f)->fd);
    mem_free((*f)->path);
    mem_free(*f);
    *f = NULL;
}

enum status logfile_write(struct logfile *f, struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(f->fd, bytes.p, bytes.len);

        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return ST_IO;
        if (f->path != NULL) f->size += n;
        bytes = span_from(bytes, (size_t)n);
    }
    return ST_OK;
}

int64_t logfile_size(const struct logfile *f)
{
    return f->size;
}

bool logfile_is_device(const struct logfile *f)
{
    return f->device;
}

enum status logfile_rotate(struct logfile *f, int64_t wall_ns, char **backup, struct error *why)
{
    struct calendar t = clock_calendar(wall_ns, false);
    char *name;
    int fd;

    assert(f->path != NULL);
    *backup = NULL;
    name = mem_printf("%s.%04d.%02d.%02d.%02d.%02d.%02d.%09d", f->path, t.year, t.month, t.day,
                      t.hour, t.minute, t.second, t.nanosecond);
    if (rename(f->path, name) != 0) {
        (void)error_set(why, ST_IO, "rename %s: %s", f->path, strerror(errno));
        goto fail;
    }
    fd = open(f->path, OPEN_FLAGS, 0640);
    if (fd < 0) {
        (void)error_set(why, ST_IO, "open %s: %s", f->path, strerror(errno));
        (void)rename(name, f->path);    /* the old file stays open: nothing is lost either way */
        goto fail;
    }
    close(f->fd);
    f->fd = fd;
    f->size = 0;
    *backup = name;
    return ST_OK;
fail:
    mem_free(name);
    return ST_IO;
}

/* Whether name is base, a dot and a time stamp of logfile_rotate. */
static bool is_backup(const char *name, struct span base)
{
    struct span stamp = span_of(name);
    const char *shape = STAMP_SHAPE;

    if (!span_has_prefix(stamp, base)) return false;
    stamp = span_from(stamp, base.len);
    if (stamp.len != strlen(shape) + 1 || stamp.p[0] != '.') return false;
    for (size_t i = 0; shape[i] != '\0'; i++) {
        char c = stamp.p[i + 1];

        if (shape[i] == 'd' ? (c < '0' || c > '9') : c != '.') return false;
    }
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names of the backups in dir, oldest first. The caller frees each and the array. */
static char **list_backups(DIR *dir, struct span base, size_t *count)
{
    char **names = NULL;
    struct dirent *entry;

    *count = 0;
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_type == DT_DIR || !is_backup(entry->d_name, base)) continue;
        names = mem_resize(names, (*count + 1) * sizeof(*names));
        names[(*count)++] = mem_dup(entry->d_name);
    }
    if (*count > 1) qsort(names, *count, sizeof(*names), by_name);
    return names;
}

enum status logfile_purge(struct logfile *f, size_t keep, char ***removed, size_t *count,
                          struct error *why)
{
    const char *slash, *base;
    char *folder, **names;
    size_t found, done = 0;
    enum status st = ST_OK;
    DIR *dir;

    assert(f->path != NULL);
    *removed = NULL;
    *count = 0;
    slash = strrchr(f->path, '/');
    base = slash ? slash + 1 : f->path;
    folder = slash ? mem_dup_span(span_make(f->path, (size_t)(base - f->path))) : mem_dup("./");
    dir = opendir(folder);
    if (dir == NULL) {
        st = error_set(why, ST_IO, "open %s: %s", folder, strerror(errno));
        mem_free(folder);
        return st;
    }
    names = list_backups(dir, span_of(base), &found);
    while (st == ST_OK && found - done > keep) {
        if (unlinkat(dirfd(dir), names[done], 0) == 0) done++;
        else st = error_set(why, ST_IO, "remove %s%s: %s", folder, names[done], strerror(errno));
    }
    for (size_t i = done; i < found; i++) mem_free(names[i]);
    closedir(dir);
    mem_free(folder);
    *removed = names;
    *count = done;
    return st;
}
