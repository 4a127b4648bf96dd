/* SPDX-License-Identifier: Apache-2.0 */
/* files.c - the order of syncs: content, then name, then whatever refers to it. */
#include "store/files.h"

#include <stdio.h>

#include "base/mem.h"
#include "store/manifest.h"

#define PREFIX "seg-"
#define SUFFIX ".log"
#define DIGITS 10
#define ZERO_BYTES (UINT64_C(256) << 10)

static const char *const manifest_names[MANIFEST_COPIES] = { "manifest-0", "manifest-1" };
static const char *const manifest_new_names[MANIFEST_COPIES] = { "manifest-0.new",
                                                                 "manifest-1.new" };

const char *files_segment_name(char out[FILES_NAME_BYTES], uint32_t number)
{
    snprintf(out, FILES_NAME_BYTES, PREFIX "%010u" SUFFIX, number);
    return out;
}

uint32_t files_segment_number(const char *name)
{
    char again[FILES_NAME_BYTES];
    uint64_t n;

    if (strlen(name) != strlen(PREFIX) + DIGITS + strlen(SUFFIX)) return 0;
    if (!span_to_u64(span_make(name + strlen(PREFIX), DIGITS), &n) || n > UINT32_MAX) return 0;
    return strcmp(name, files_segment_name(again, (uint32_t)n)) == 0 ? (uint32_t)n : 0;
}

const char *files_manifest_name(int copy)
{
    return manifest_names[copy];
}

static enum status write_zeros(struct disk_file *f, uint64_t size, struct error *why)
{
    char *zeros = mem_zero(ZERO_BYTES);
    enum status st = ST_OK;

    for (uint64_t at = 0; at < size && st == ST_OK; at += ZERO_BYTES) {
        struct span part = span_make(zeros, size - at < ZERO_BYTES ? size - at : ZERO_BYTES);
        st = disk_write(f, at, &part, 1, why);
    }
    mem_free(zeros);
    return st;
}

static enum status lay_out(struct disk_dir *dir, struct disk_file *f,
                           const struct files_make *make, struct error *why)
{
    char *block = mem_alloc(RECORD_BLOCK);
    struct span bytes = span_make(block, RECORD_BLOCK);
    enum status st = disk_zero(f, 0, make->header->bytes, why);

    record_put_file(block, make->header);
    if (st == ST_OK && make->fill) st = write_zeros(f, make->header->bytes, why);
    if (st == ST_OK) st = disk_write(f, 0, &bytes, 1, why);
    if (st == ST_OK) st = disk_sync(f, why);
    if (st == ST_OK) st = disk_dir_sync(dir, why);
    mem_free(block);
    return st;
}

enum status files_make(struct disk_dir *dir, const struct files_make *make,
                       struct disk_file **out, struct error *why)
{
    const struct record_file *header = make->header;
    char name[FILES_NAME_BYTES];
    uint64_t space;
    enum status st = disk_dir_space(dir, &space, why);

    if (st != ST_OK) return st;
    if (space < header->bytes || space - header->bytes < make->spare_bytes)
        return error_set(why, ST_LIMIT, "%llu bytes of disk space are left",
                         (unsigned long long)space);
    files_segment_name(name, header->segment);
    st = disk_open(dir, name, DISK_CREATE, out, why);
    if (st != ST_OK) return st;
    st = lay_out(dir, *out, make, why);
    if (st != ST_OK) {
        disk_close(out);
        if (disk_remove(dir, name, NULL) != ST_OK && st == ST_LIMIT) st = ST_IO;
    }
    return st;
}

static enum status wipe(struct disk_dir *dir, const char *name, struct error *why)
{
    struct disk_file *f;
    uint64_t size = 0;
    enum status st = disk_open(dir, name, DISK_WRITE, &f, why);

    if (st == ST_OK) st = disk_size(f, &size, why);
    if (st == ST_OK) st = write_zeros(f, size, why);
    if (st == ST_OK) st = disk_sync(f, why);
    disk_close(&f);
    return st;
}

enum status files_remove(struct disk_dir *dir, uint32_t number, bool keep, bool wiped,
                         struct error *why)
{
    char name[FILES_NAME_BYTES], kept[FILES_NAME_BYTES + 16];
    enum status st = ST_OK;

    files_segment_name(name, number);
    if (wiped) st = wipe(dir, name, why);
    if (st != ST_OK) return st;
    snprintf(kept, sizeof kept, "%s.damaged", name);
    return keep && !wiped ? disk_rename(dir, name, kept, why) : disk_remove(dir, name, why);
}

static enum status write_new(struct disk_dir *dir, const char *name, struct span bytes,
                             struct error *why)
{
    struct disk_file *f = NULL;
    enum status st = disk_remove(dir, name, why);

    if (st == ST_OK || st == ST_NOT_FOUND) st = disk_open(dir, name, DISK_CREATE, &f, why);
    if (st == ST_OK) st = disk_write(f, 0, &bytes, 1, why);
    if (st == ST_OK) st = disk_sync(f, why);
    disk_close(&f);
    return st;
}

/* Everything that needs space comes first, so that LIMIT leaves the old copies. */
enum status files_put_manifest(struct disk_dir *dir, unsigned copies, struct span bytes,
                               struct error *why)
{
    enum status st = ST_OK;

    for (int i = 0; i < MANIFEST_COPIES && st == ST_OK; i++)
        if (copies & 1u << i) st = write_new(dir, manifest_new_names[i], bytes, why);
    for (int i = 0; i < MANIFEST_COPIES && st == ST_OK; i++)
        if (copies & 1u << i) {
            st = disk_rename(dir, manifest_new_names[i], manifest_names[i], why);
            if (st == ST_LIMIT) st = ST_IO;
        }
    return st == ST_OK ? disk_dir_sync(dir, why) : st;
}

enum status files_read(struct disk_dir *dir, const char *name, uint64_t bytes_max,
                       struct buf *out, struct error *why)
{
    struct disk_file *f;
    uint64_t size;
    size_t got;
    enum status st = disk_open(dir, name, DISK_READ, &f, why);

    if (st != ST_OK) return st;
    st = disk_size(f, &size, why);
    if (st == ST_OK && size > bytes_max)
        st = error_set(why, ST_LIMIT, "%s: %llu bytes", name, (unsigned long long)size);
    if (st == ST_OK) {
        buf_reserve(out, size);
        st = disk_read(f, 0, out->p + out->len, size, &got, why);
        if (st == ST_OK) out->len += got;
    }
    disk_close(&f);
    return st;
}
