/* SPDX-License-Identifier: Apache-2.0 */
/* files.h - the files of a store directory by name, and whole-file operations. Blocking; any
 * thread. */
#ifndef STORE_FILES_H
#define STORE_FILES_H

#include "base/buf.h"
#include "os/disk.h"
#include "store/record.h"

#define FILES_LOCK "lock"
#define FILES_NAME_BYTES 32

/* "seg-0000000001.log" */
const char *files_segment_name(char out[FILES_NAME_BYTES], uint32_t number);
/* The number in such a name; 0: it is none. */
uint32_t files_segment_number(const char *name);
const char *files_manifest_name(int copy);

/* Make the file of a segment: space reserved, header written, synced with its name. With fill it is
 * zeros that were written, which makes later syncs cheaper (docs/decisions/009). LIMIT: less than
 * spare_bytes would be left free, or no space; IO: anything else. Nothing stays on failure. */
struct files_make {
    const struct record_file *header;
    uint64_t spare_bytes;
    bool fill;
};
MUST_USE enum status files_make(struct disk_dir *dir, const struct files_make *make,
                                struct disk_file **out, struct error *why);

/* Remove a segment's file, or keep what is damaged under the name with ".damaged" behind it; wiped:
 * its bytes are overwritten and that synced before. */
MUST_USE enum status files_remove(struct disk_dir *dir, uint32_t number, bool keep, bool wiped,
                                  struct error *why);

/* Replace the copies of the manifest that the bits of copies name, durably. LIMIT: none was
 * replaced; IO: each may have been. */
#define FILES_ALL_COPIES 3u
MUST_USE enum status files_put_manifest(struct disk_dir *dir, unsigned copies, struct span bytes,
                                        struct error *why);

/* Append the bytes of a whole file to out. NOT_FOUND, LIMIT: more than bytes_max, IO, DENIED. */
MUST_USE enum status files_read(struct disk_dir *dir, const char *name, uint64_t bytes_max,
                                struct buf *out, struct error *why);

#endif
