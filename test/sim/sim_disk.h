/* SPDX-License-Identifier: Apache-2.0 */
/* sim_disk.h - os/disk.h in memory, with everything that a real disk may do to us.
 *
 * What is written is only remembered as unsynced until the file is synced; names that were made,
 * moved or removed until their directory is. From there sim_crash.h derives every state that a
 * crash may leave. Faults fail, cut, lose or misdirect one operation, by its number.
 *
 * The model of a crash, more generous than any one file system: of each 512 bytes that were written
 * since the last sync, any version that they had since then may be on disk, each apart from the
 * others; the size is any one that the file had since then; each change of a directory happened or
 * not, apart from the others. A failed sync decides at once, at random, what of it is on disk, and
 * the next sync writes only what was changed after it.
 *
 * One thread. Pages are shared between copies, so that copying a disk costs O(pages) pointers. */
#ifndef SIM_SIM_DISK_H
#define SIM_SIM_DISK_H

#include "base/rng.h"
#include "os/disk.h"

#define SIM_PAGE 4096                   /* bytes that are copied on a write */
#define SIM_SECTOR 512                  /* bytes that are written whole or not at all */

struct sim_disk;

enum sim_fault {
    SIM_FAULT_NONE,
    SIM_FAULT_IO,                       /* fails, nothing done; a sync decides as said above */
    SIM_FAULT_SPACE,                    /* LIMIT where space is needed, else as NONE */
    SIM_FAULT_SHORT,                    /* a write: half of it done, then IO; else as IO */
    SIM_FAULT_LOST,                     /* says OK, nothing done (a read: zeros) */
    SIM_FAULT_ELSEWHERE,                /* a write goes one page further, a read comes from there */
    SIM_FAULTS,
};

struct sim_disk *sim_disk_new(uint64_t seed);
void sim_disk_free(struct sim_disk **s);        /* no handle may be open */
struct disk *sim_disk_of(struct sim_disk *s);   /* for disk_dir_open; don't disk_free it */

/* The same files and names, synced and not; no handles, faults or hook. O(pages). */
struct sim_disk *sim_disk_clone(const struct sim_disk *s);

/* Operations so far; reads and listings count, sizes and closing don't. */
uint64_t sim_disk_operations(const struct sim_disk *s);

/* Hash of all operations and their arguments and results. Same seed and calls: same hash. */
uint64_t sim_disk_trace(const struct sim_disk *s);

/* Hash of all names and contents as they read now. O(bytes). */
uint64_t sim_disk_hash(const struct sim_disk *s);

/* Let operation number at (1: the next one of a new disk) end with the fault; with forever, all
 * after it as well. SIM_FAULT_NONE takes it back. */
void sim_disk_fail(struct sim_disk *s, uint64_t at, enum sim_fault fault, bool forever);
bool sim_disk_has_failed(const struct sim_disk *s);     /* whether a fault came to pass */

/* Space in bytes of all content, in whole pages; UINT64_MAX at first. */
void sim_disk_limit(struct sim_disk *s, uint64_t bytes);

/* A disk that lies: syncs of files, or of directories, say OK and do nothing. */
void sim_disk_ignore_sync(struct sim_disk *s, bool files, bool directories);

/* Call before each operation that changes or syncs something. hook must not change s. */
typedef void sim_hook_f(void *arg, const struct sim_disk *s, const char *operation);
void sim_disk_hook(struct sim_disk *s, sim_hook_f *hook, void *arg);

/* ---- damage, done to what reads now and to what is synced; path: "dir/dir/name" ---- */

enum status sim_disk_flip(struct sim_disk *s, const char *path, uint64_t offset, uint8_t bits);
enum status sim_disk_cut(struct sim_disk *s, const char *path, uint64_t size);
enum status sim_disk_delete(struct sim_disk *s, const char *path);
enum status sim_disk_swap(struct sim_disk *s, const char *path, const char *other);
enum status sim_disk_blank(struct sim_disk *s, const char *path, uint64_t offset, uint64_t len);

/* Call each for every regular file as it reads now. O(files). */
typedef void sim_file_f(void *arg, const char *path, uint64_t size);
void sim_disk_files(const struct sim_disk *s, sim_file_f *each, void *arg);

/* Read from a file as disk_read does, without it counting. */
enum status sim_disk_peek(const struct sim_disk *s, const char *path, uint64_t offset, void *p,
                          size_t len);

#endif
