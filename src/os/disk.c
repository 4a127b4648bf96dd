/* SPDX-License-Identifier: Apache-2.0 */
/* disk.c - the calls of disk.h: checks of arguments, then the implementation's table. */
#include "os/disk.h"

#include <string.h>

#include "base/assert.h"

bool disk_name_is_plain(const char *name)
{
    size_t len = strlen(name);

    if (len == 0 || len > DISK_NAME_MAX || memchr(name, '/', len)) return false;
    return strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static enum status bad_name(const char *name, struct error *why)
{
    return error_set(why, ST_BAD_INPUT, "not a file name: \"%.300s\"", name);
}

void disk_free(struct disk **d)
{
    if (!*d) return;
    (*d)->ops->free(*d);
    *d = NULL;
}

enum status disk_dir_open(struct disk *d, const char *path, bool create, struct disk_dir **out,
                          struct error *why)
{
    *out = NULL;
    return d->ops->dir_open(d, path, create, out, why);
}

enum status disk_dir_open_in(struct disk_dir *parent, const char *name, bool create,
                             struct disk_dir **out, struct error *why)
{
    *out = NULL;
    if (!disk_name_is_plain(name)) return bad_name(name, why);
    return parent->ops->dir_open_in(parent, name, create, out, why);
}

void disk_dir_close(struct disk_dir **dir)
{
    if (!*dir) return;
    (*dir)->ops->dir_close(*dir);
    *dir = NULL;
}

enum status disk_dir_sync(struct disk_dir *dir, struct error *why)
{
    return dir->ops->dir_sync(dir, why);
}

enum status disk_dir_list(struct disk_dir *dir, disk_entry_f *each, void *arg, struct error *why)
{
    return dir->ops->dir_list(dir, each, arg, why);
}

enum status disk_dir_lock(struct disk_dir *dir, const char *name, struct disk_file **out,
                          struct error *why)
{
    *out = NULL;
    if (!disk_name_is_plain(name)) return bad_name(name, why);
    return dir->ops->dir_lock(dir, name, out, why);
}

enum status disk_dir_space(struct disk_dir *dir, uint64_t *free_bytes, struct error *why)
{
    return dir->ops->dir_space(dir, free_bytes, why);
}

enum status disk_rename(struct disk_dir *dir, const char *from, const char *to, struct error *why)
{
    if (!disk_name_is_plain(from)) return bad_name(from, why);
    if (!disk_name_is_plain(to)) return bad_name(to, why);
    return dir->ops->rename(dir, from, to, why);
}

enum status disk_remove(struct disk_dir *dir, const char *name, struct error *why)
{
    if (!disk_name_is_plain(name)) return bad_name(name, why);
    return dir->ops->remove(dir, name, why);
}

enum status disk_open(struct disk_dir *dir, const char *name, enum disk_mode mode,
                      struct disk_file **out, struct error *why)
{
    *out = NULL;
    if (!disk_name_is_plain(name)) return bad_name(name, why);
    return dir->ops->open(dir, name, mode, out, why);
}

void disk_close(struct disk_file **f)
{
    if (!*f) return;
    (*f)->ops->close(*f);
    *f = NULL;
}

enum status disk_size(struct disk_file *f, uint64_t *bytes, struct error *why)
{
    return f->ops->size(f, bytes, why);
}

enum status disk_read(struct disk_file *f, uint64_t offset, void *p, size_t len, size_t *got,
                      struct error *why)
{
    *got = 0;
    if (len == 0) return ST_OK;
    assert(len <= INT64_MAX && offset <= INT64_MAX - len);
    return f->ops->read(f, offset, p, len, got, why);
}

enum status disk_write(struct disk_file *f, uint64_t offset, const struct span *parts,
                       size_t count, struct error *why)
{
    uint64_t end = offset;

    for (size_t i = 0; i < count; i++) {
        assert(parts[i].len <= INT64_MAX && end <= INT64_MAX - parts[i].len);
        end += parts[i].len;
    }
    if (end == offset) return ST_OK;
    return f->ops->write(f, offset, parts, count, why);
}

enum status disk_zero(struct disk_file *f, uint64_t offset, uint64_t len, struct error *why)
{
    if (len == 0) return ST_OK;
    assert(len <= INT64_MAX && offset <= INT64_MAX - len);
    return f->ops->zero(f, offset, len, why);
}

enum status disk_truncate(struct disk_file *f, uint64_t size, struct error *why)
{
    assert(size <= INT64_MAX);
    return f->ops->truncate(f, size, why);
}

enum status disk_sync(struct disk_file *f, struct error *why)
{
    return f->ops->sync(f, why);
}
