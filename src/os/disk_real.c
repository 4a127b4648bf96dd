/* SPDX-License-Identifier: Apache-2.0 */
/* disk_real.c - disk.h on the file system of the machine.
 *
 * A name is one component, checked by disk.c, and opened with O_NOFOLLOW from the descriptor of
 * its directory, so that a path can't lead outside. Handles hold a descriptor and the name for
 * error texts, and don't change after they were made. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/disk.h"

#define IOVECS_MAX 64                   /* parts of one pwritev */
#define ZEROS_BYTES 65536               /* written at once where the file system can't zero */

struct real_dir {
    struct disk_dir dir;
    int fd;
    char *name;
};

struct real_file {
    struct disk_file file;
    int fd;
    char *name;
};

static const struct disk_ops real_ops;

static enum status status_of(int error)
{
    switch (error) {
    case ENOENT:
        return ST_NOT_FOUND;
    case EEXIST:
        return ST_EXISTS;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return ST_LIMIT;
    case EACCES:
    case EPERM:
    case EROFS:
    case ELOOP:
    case ENOTDIR:
    case EISDIR:
    case ETXTBSY:
        return ST_DENIED;
    default:
        return ST_IO;
    }
}

/* The status of errno, with "what name: reason" in why. */
static enum status fail(struct error *why, const char *what, const char *name)
{
    int error = errno;

    return error_set(why, status_of(error), "%s %s: %s", what, name, strerror(error));
}

static int fd_of(struct disk_dir *dir)
{
    return ((struct real_dir *)dir)->fd;
}

static void real_free(struct disk *d)
{
    mem_free(d);
}

/* ---- directories ---- */

static void keep_dir(int fd, const char *name, struct disk_dir **out)
{
    struct real_dir *d = mem_zero(sizeof(*d));

    d->dir.ops = &real_ops;
    d->fd = fd;
    d->name = mem_dup(name);
    *out = &d->dir;
}

static int sync_fd(int fd)
{
    int rc;

    do
        rc = fsync(fd);
    while (rc != 0 && errno == EINTR);
    return rc;
}

/* Make the directory part, the last component of which may be missing, and sync its parent. part is
 * changed and restored. */
static enum status make_one(char *part, struct error *why)
{
    enum status st = ST_OK;
    char *slash = strrchr(part, '/');
    int fd;

    if (mkdir(part, 0700) != 0) return errno == EEXIST ? ST_OK : fail(why, "mkdir", part);
    if (slash && slash != part) *slash = '\0';
    fd = open(!slash ? "." : slash == part ? "/" : part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (slash && slash != part) *slash = '/';
    if (fd < 0 || sync_fd(fd) != 0) st = fail(why, "sync the directory of", part);
    if (fd >= 0) close(fd);
    return st;
}

/* Make what is missing of path, from the top. O(components). */
static enum status make_path(const char *path, struct error *why)
{
    enum status st = ST_OK;
    struct stat have;
    char *copy = mem_dup(path);

    for (char *at = copy; st == ST_OK && *at;) {
        char *end = at + strspn(at, "/");
        char kept;

        if (!*end) break;
        end += strcspn(end, "/");
        kept = *end;
        *end = '\0';
        if (stat(copy, &have) != 0) st = make_one(copy, why);
        *end = kept;
        at = end;
    }
    mem_free(copy);
    return st;
}

static enum status real_dir_open(struct disk *d, const char *path, bool create,
                                 struct disk_dir **out, struct error *why)
{
    enum status st;
    int fd;

    (void)d;
    if (create && (st = make_path(path, why)) != ST_OK) return st;
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return fail(why, "open", path);
    keep_dir(fd, path, out);
    return ST_OK;
}

static enum status real_dir_open_in(struct disk_dir *parent, const char *name, bool create,
                                    struct disk_dir **out, struct error *why)
{
    int fd;

    if (create && mkdirat(fd_of(parent), name, 0700) != 0 && errno != EEXIST)
        return fail(why, "mkdir", name);
    fd = openat(fd_of(parent), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return fail(why, "open", name);
    keep_dir(fd, name, out);
    return ST_OK;
}

static void real_dir_close(struct disk_dir *dir)
{
    struct real_dir *d = (struct real_dir *)dir;

    close(d->fd);
    mem_free(d->name);
    mem_free(d);
}

static enum status real_dir_sync(struct disk_dir *dir, struct error *why)
{
    return sync_fd(fd_of(dir)) == 0 ? ST_OK : fail(why, "sync", ((struct real_dir *)dir)->name);
}

static bool entry_is_dir(int fd, const struct dirent *e)
{
    struct stat st;

    if (e->d_type != DT_UNKNOWN) return e->d_type == DT_DIR;
    return fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static enum status real_dir_list(struct disk_dir *dir, disk_entry_f *each, void *arg,
                                 struct error *why)
{
    enum status st = ST_OK;
    const char *name = ((struct real_dir *)dir)->name;
    int fd = openat(fd_of(dir), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *e;

    if (!stream) {
        st = fail(why, "list", name);
        if (fd >= 0) close(fd);
        return st;
    }
    while (errno = 0, (e = readdir(stream)) != NULL)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            each(arg, e->d_name, entry_is_dir(fd, e));
    if (errno != 0) st = fail(why, "list", name);
    closedir(stream);
    return st;
}

static enum status real_dir_space(struct disk_dir *dir, uint64_t *free_bytes, struct error *why)
{
    struct statvfs v;

    if (fstatvfs(fd_of(dir), &v) != 0)
        return fail(why, "free space of", ((struct real_dir *)dir)->name);
    *free_bytes = (uint64_t)v.f_bavail * (uint64_t)v.f_frsize;
    return ST_OK;
}

static enum status real_rename(struct disk_dir *dir, const char *from, const char *to,
                               struct error *why)
{
    if (renameat(fd_of(dir), from, fd_of(dir), to) == 0) return ST_OK;
    return fail(why, "rename", from);
}

static enum status real_remove(struct disk_dir *dir, const char *name, struct error *why)
{
    return unlinkat(fd_of(dir), name, 0) == 0 ? ST_OK : fail(why, "remove", name);
}

/* ---- files ---- */

/* Open a regular file; O_NONBLOCK so that a pipe put there can't stop us. */
static enum status open_regular(struct disk_dir *dir, const char *name, int flags,
                                struct disk_file **out, struct error *why)
{
    struct real_file *f;
    struct stat st;
    int fd;

    do
        fd = openat(fd_of(dir), name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                    0600);
    while (fd < 0 && errno == EINTR);
    if (fd < 0) return fail(why, "open", name);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return error_set(why, ST_DENIED, "open %s: not a regular file", name);
    }
    f = mem_zero(sizeof(*f));
    f->file.ops = &real_ops;
    f->fd = fd;
    f->name = mem_dup(name);
    *out = &f->file;
    return ST_OK;
}

static enum status real_open(struct disk_dir *dir, const char *name, enum disk_mode mode,
                             struct disk_file **out, struct error *why)
{
    static const int flags[] = {
        [DISK_READ] = O_RDONLY, [DISK_WRITE] = O_RDWR, [DISK_CREATE] = O_RDWR | O_CREAT | O_EXCL,
    };

    return open_regular(dir, name, flags[mode], out, why);
}

static void real_close(struct disk_file *file)
{
    struct real_file *f = (struct real_file *)file;

    close(f->fd);
    mem_free(f->name);
    mem_free(f);
}

static enum status real_dir_lock(struct disk_dir *dir, const char *name, struct disk_file **out,
                                 struct error *why)
{
    enum status st = open_regular(dir, name, O_RDWR | O_CREAT, out, why);
    int rc;

    if (st != ST_OK) return st;
    do
        rc = flock(((struct real_file *)*out)->fd, LOCK_EX | LOCK_NB);
    while (rc != 0 && errno == EINTR);
    if (rc == 0) return ST_OK;
    if (errno == EWOULDBLOCK)
        st = error_set(why, ST_DENIED, "lock %s: in use by another process", name);
    else
        st = fail(why, "lock", name);
    disk_close(out);
    return st;
}

static enum status real_size(struct disk_file *file, uint64_t *bytes, struct error *why)
{
    struct real_file *f = (struct real_file *)file;
    struct stat st;

    if (fstat(f->fd, &st) != 0) return fail(why, "size of", f->name);
    *bytes = (uint64_t)st.st_size;
    return ST_OK;
}

static enum status real_read(struct disk_file *file, uint64_t offset, void *p, size_t len,
                             size_t *got, struct error *why)
{
    struct real_file *f = (struct real_file *)file;

    while (*got < len) {
        ssize_t n = pread(f->fd, (char *)p + *got, len - *got, (off_t)(offset + *got));

        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail(why, "read", f->name);
        if (n == 0) break;
        *got += (size_t)n;
    }
    return ST_OK;
}

static enum status real_write(struct disk_file *file, uint64_t offset, const struct span *parts,
                              size_t count, struct error *why)
{
    struct real_file *f = (struct real_file *)file;
    size_t i = 0, skip = 0;             /* parts[0, i) and skip bytes of parts[i] are written */

    while (i < count) {
        struct iovec iov[IOVECS_MAX];
        int n = 0;
        ssize_t done;

        if (parts[i].len == skip) {
            i++;
            skip = 0;
            continue;
        }
        for (size_t k = i; k < count && n < IOVECS_MAX; k++, n++)
            iov[n] = (struct iovec){ (void *)(uintptr_t)parts[k].p, parts[k].len };
        iov[0].iov_base = (char *)iov[0].iov_base + skip;
        iov[0].iov_len -= skip;
        done = pwritev(f->fd, iov, n, (off_t)offset);
        if (done < 0 && errno == EINTR) continue;
        if (done == 0) errno = ENOSPC;
        if (done <= 0) return fail(why, "write", f->name);
        offset += (uint64_t)done;
        for (size_t left = (size_t)done; left > 0;) {
            size_t step = parts[i].len - skip < left ? parts[i].len - skip : left;

            left -= step;
            skip += step;
            if (skip == parts[i].len && left > 0) i++, skip = 0;
        }
    }
    return ST_OK;
}

static enum status write_zeros(struct disk_file *file, uint64_t offset, uint64_t len,
                               struct error *why)
{
    enum status st = ST_OK;
    char *zeros = mem_zero(ZEROS_BYTES);

    while (st == ST_OK && len > 0) {
        struct span part = span_make(zeros, len < ZEROS_BYTES ? (size_t)len : ZEROS_BYTES);

        st = real_write(file, offset, &part, 1, why);
        offset += part.len;
        len -= part.len;
    }
    mem_free(zeros);
    return st;
}

static enum status real_zero(struct disk_file *file, uint64_t offset, uint64_t len,
                             struct error *why)
{
    struct real_file *f = (struct real_file *)file;
    int rc;

    do
        rc = fallocate(f->fd, FALLOC_FL_ZERO_RANGE, (off_t)offset, (off_t)len);
    while (rc != 0 && errno == EINTR);
    if (rc == 0) return ST_OK;
    if (errno == EOPNOTSUPP || errno == ENOSYS) return write_zeros(file, offset, len, why);
    return fail(why, "reserve", f->name);
}

static enum status real_truncate(struct disk_file *file, uint64_t size, struct error *why)
{
    struct real_file *f = (struct real_file *)file;
    int rc;

    do
        rc = ftruncate(f->fd, (off_t)size);
    while (rc != 0 && errno == EINTR);
    return rc == 0 ? ST_OK : fail(why, "truncate", f->name);
}

static enum status real_sync(struct disk_file *file, struct error *why)
{
    struct real_file *f = (struct real_file *)file;
    int rc;

    do
        rc = fdatasync(f->fd);
    while (rc != 0 && errno == EINTR);
    return rc == 0 ? ST_OK : fail(why, "sync", f->name);
}

static const struct disk_ops real_ops = {
    .free = real_free,
    .dir_open = real_dir_open,
    .dir_open_in = real_dir_open_in,
    .dir_close = real_dir_close,
    .dir_sync = real_dir_sync,
    .dir_list = real_dir_list,
    .dir_lock = real_dir_lock,
    .dir_space = real_dir_space,
    .rename = real_rename,
    .remove = real_remove,
    .open = real_open,
    .close = real_close,
    .size = real_size,
    .read = real_read,
    .write = real_write,
    .zero = real_zero,
    .truncate = real_truncate,
    .sync = real_sync,
};

struct disk *disk_real_new(void)
{
    struct disk *d = mem_alloc(sizeof(*d));

    d->ops = &real_ops;
    return d;
}
