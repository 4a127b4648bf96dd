/* SPDX-License-Identifier: Apache-2.0 */
/* disk.h - the file operations of the store, on real files or on a simulated disk.
 *
 * Everything stands in a directory that was opened once; a name is one plain component ("a.seg",
 * no '/', not "." or ".."), and links are never followed, so that nothing outside is reached
 * whatever a name says. Files are made with mode 0600, directories with 0700.
 *
 * Everything blocks and is callable from any thread; several threads may use one handle at once.
 * What is written is safe only after disk_sync of the file and, for a file that was made, renamed
 * or removed, disk_dir_sync of its directory. A failed sync means that what was written since the
 * last good one may be lost, and that a second sync proves nothing.
 *
 * Statuses, with the system's words in why (which may be NULL):
 *   BAD_INPUT  the name is no plain component      NOT_FOUND  there is no such file
 *   EXISTS     there is one already                LIMIT      no space, or a quota or size limit
 *   DENIED     no permission, read-only, a link or other special file, locked by another process
 *   IO         anything else; also out of descriptors */
#ifndef OS_DISK_H
#define OS_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "base/status.h"

#define DISK_NAME_MAX 255               /* bytes of a name */

struct disk {
    const struct disk_ops *ops;
};

struct disk_dir {
    const struct disk_ops *ops;
};

struct disk_file {
    const struct disk_ops *ops;
};

enum disk_mode {
    DISK_READ,                          /* there must be one; only to be read */
    DISK_WRITE,                         /* there must be one; to be read and written */
    DISK_CREATE,                        /* there must be none; to be read and written */
};

typedef void disk_entry_f(void *arg, const char *name, bool is_dir);

/* One implementation of what stands below; name is a good one and lengths are not zero. */
struct disk_ops {
    void (*free)(struct disk *d);
    enum status (*dir_open)(struct disk *d, const char *path, bool create, struct disk_dir **out,
                            struct error *why);
    enum status (*dir_open_in)(struct disk_dir *parent, const char *name, bool create,
                               struct disk_dir **out, struct error *why);
    void (*dir_close)(struct disk_dir *dir);
    enum status (*dir_sync)(struct disk_dir *dir, struct error *why);
    enum status (*dir_list)(struct disk_dir *dir, disk_entry_f *each, void *arg,
                            struct error *why);
    enum status (*dir_lock)(struct disk_dir *dir, const char *name, struct disk_file **out,
                            struct error *why);
    enum status (*dir_space)(struct disk_dir *dir, uint64_t *free_bytes, struct error *why);
    enum status (*rename)(struct disk_dir *dir, const char *from, const char *to,
                          struct error *why);
    enum status (*remove)(struct disk_dir *dir, const char *name, struct error *why);
    enum status (*open)(struct disk_dir *dir, const char *name, enum disk_mode mode,
                        struct disk_file **out, struct error *why);
    void (*close)(struct disk_file *f);
    enum status (*size)(struct disk_file *f, uint64_t *bytes, struct error *why);
    enum status (*read)(struct disk_file *f, uint64_t offset, void *p, size_t len, size_t *got,
                        struct error *why);
    enum status (*write)(struct disk_file *f, uint64_t offset, const struct span *parts,
                         size_t count, struct error *why);
    enum status (*zero)(struct disk_file *f, uint64_t offset, uint64_t len, struct error *why);
    enum status (*truncate)(struct disk_file *f, uint64_t size, struct error *why);
    enum status (*sync)(struct disk_file *f, struct error *why);
};

/* The file system of the machine. Never fails. */
struct disk *disk_real_new(void);
void disk_free(struct disk **d);                /* after everything opened from it is closed */

/* Whether a name is one plain component of at most DISK_NAME_MAX bytes. */
bool disk_name_is_plain(const char *name);

/* Open the directory at path, which comes from the configuration: links in it are followed. With
 * create what is missing of it is made, durably. Owned by the caller. */
MUST_USE enum status disk_dir_open(struct disk *d, const char *path, bool create,
                                   struct disk_dir **out, struct error *why);

/* Open the directory name in parent; with create it is made if there is none (durable after
 * disk_dir_sync of parent). Owned by the caller; may outlive parent. */
MUST_USE enum status disk_dir_open_in(struct disk_dir *parent, const char *name, bool create,
                                      struct disk_dir **out, struct error *why);
void disk_dir_close(struct disk_dir **dir);     /* *dir may be NULL; is NULL afterwards */

/* Make the making, renaming and removing of files in dir durable (fsync of the directory). */
MUST_USE enum status disk_dir_sync(struct disk_dir *dir, struct error *why);

/* Call each for every name but "." and ".."; is_dir: a directory, no link to one. In no promised
 * order. each must not change the directory. O(names). */
MUST_USE enum status disk_dir_list(struct disk_dir *dir, disk_entry_f *each, void *arg,
                                   struct error *why);

/* Take the lock file name, made if absent, for this handle alone; it ends with disk_close or with
 * the process. DENIED: another handle (of this process or of another one) has it. */
MUST_USE enum status disk_dir_lock(struct disk_dir *dir, const char *name, struct disk_file **out,
                                   struct error *why);

/* Bytes that the process may still write on the file system of dir. */
MUST_USE enum status disk_dir_space(struct disk_dir *dir, uint64_t *free_bytes,
                                    struct error *why);

/* Rename within dir; a file named to is replaced, at once for readers and after a crash. Durable
 * after disk_dir_sync. Open handles stay with their file. */
MUST_USE enum status disk_rename(struct disk_dir *dir, const char *from, const char *to,
                                 struct error *why);

/* Remove a file. Durable after disk_dir_sync; open handles can be used on. */
MUST_USE enum status disk_remove(struct disk_dir *dir, const char *name, struct error *why);

/* Open a regular file. Owned by the caller; may outlive dir. With DISK_CREATE it is durable after
 * disk_sync and disk_dir_sync. */
MUST_USE enum status disk_open(struct disk_dir *dir, const char *name, enum disk_mode mode,
                               struct disk_file **out, struct error *why);
void disk_close(struct disk_file **f);          /* syncs nothing; *f may be NULL, as it is then */

/* Bytes from the start to the end of the file. */
MUST_USE enum status disk_size(struct disk_file *f, uint64_t *bytes, struct error *why);

/* Read len bytes from offset into p. *got < len only at the end of the file; 0 beyond it. On a
 * failure *got bytes are good. O(len). */
MUST_USE enum status disk_read(struct disk_file *f, uint64_t offset, void *p, size_t len,
                               size_t *got, struct error *why);

/* Write the parts one after the other from offset, wherever the file ends (a gap reads as zeros).
 * On a failure any of the bytes may have been written. O(bytes). */
MUST_USE enum status disk_write(struct disk_file *f, uint64_t offset, const struct span *parts,
                                size_t count, struct error *why);

/* Make [offset, offset + len) read as zeros with space on the disk reserved, so that writing there
 * can't run out of it; the file grows to hold it. The old bytes may stay on the medium: who wants
 * them gone writes zeros with disk_write. O(1) mostly, O(len) on file systems that can't. */
MUST_USE enum status disk_zero(struct disk_file *f, uint64_t offset, uint64_t len,
                               struct error *why);

/* Cut or extend (with zeros, unreserved) the file to size bytes. */
MUST_USE enum status disk_truncate(struct disk_file *f, uint64_t size, struct error *why);

/* Make content and size durable (fdatasync). */
MUST_USE enum status disk_sync(struct disk_file *f, struct error *why);

#endif
