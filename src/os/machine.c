/* SPDX-License-Identifier: Apache-2.0 */
/* machine.c - sysinfo, statvfs and the files of control groups. */
#include "os/machine.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>

#include "base/mem.h"
#include "os/file.h"

#define CGROUP_FILE_MAX (64 << 10)
#define LIMIT_FILE_MAX 64

/* The number in the file at folder/name; 0: no such file or no limit in it ("max"). */
static int64_t read_limit(struct span folder, const char *name)
{
    char *path = mem_printf("%.*s/%s", SPAN_ARG(folder), name);
    struct buf text = { 0 };
    struct error why;
    int64_t limit = 0;

    if (file_read(path, LIMIT_FILE_MAX, &text, &why) != ST_OK ||
        !span_to_i64(span_trim(buf_span(&text)), &limit))
        limit = 0;
    buf_free(&text);
    mem_free(path);
    return limit;
}

static void lower(int64_t *lowest, int64_t limit)
{
    if (limit > 0 && (*lowest == 0 || limit < *lowest)) *lowest = limit;
}

/* The limits of base/path and of every folder between it and base. */
static int64_t lowest_limit(const char *base, struct span path, const char *name)
{
    char *full = mem_printf("%s%.*s", base, SPAN_ARG(path));
    struct span folder = span_of(full);
    size_t base_len = strlen(base);
    int64_t lowest = 0;

    while (folder.len >= base_len) {
        lower(&lowest, read_limit(folder, name));
        while (folder.len > 0 && folder.p[folder.len - 1] != '/') folder.len--;
        if (folder.len > 0) folder.len--;
    }
    mem_free(full);
    return lowest;
}

/* Whether the list "cpu,memory" of a version 1 hierarchy has memory. */
static bool has_memory(struct span controllers)
{
    while (controllers.len > 0) {
        size_t n = span_find(controllers, ',');
        if (span_is(span_make(controllers.p, n), "memory")) return true;
        controllers = span_from(controllers, n < controllers.len ? n + 1 : n);
    }
    return false;
}

/* One line: "hierarchy:controllers:path". */
static int64_t limit_of_line(struct span line, const char *root)
{
    size_t first = span_find(line, ':');
    struct span rest = span_from(line, first < line.len ? first + 1 : first);
    size_t second = span_find(rest, ':');
    struct span controllers = span_make(rest.p, second);
    struct span path = span_from(rest, second < rest.len ? second + 1 : second);
    int64_t limit;
    char *base;

    if (path.len == 0 || path.p[0] != '/') return 0;
    if (controllers.len == 0) return lowest_limit(root, path, "memory.max");
    if (!has_memory(controllers)) return 0;
    base = mem_printf("%s/memory", root);
    limit = lowest_limit(base, path, "memory.limit_in_bytes");
    mem_free(base);
    return limit;
}

int64_t machine_cgroup_memory_bytes(const char *cgroup_file, const char *root)
{
    struct buf text = { 0 };
    struct error why;
    int64_t lowest = 0;

    if (file_read(cgroup_file, CGROUP_FILE_MAX, &text, &why) == ST_OK) {
        struct span rest = buf_span(&text);
        while (rest.len > 0) {
            size_t n = span_find(rest, '\n');
            lower(&lowest, limit_of_line(span_make(rest.p, n), root));
            rest = span_from(rest, n < rest.len ? n + 1 : n);
        }
    }
    buf_free(&text);
    return lowest;
}

int64_t machine_memory_bytes(void)
{
    int64_t limit = machine_cgroup_memory_bytes("/proc/self/cgroup", "/sys/fs/cgroup"), all = 0;
    struct sysinfo info;

    if (sysinfo(&info) != 0 || __builtin_mul_overflow(info.totalram, info.mem_unit, &all)) all = 0;
    lower(&all, limit);
    return all;
}

int64_t machine_disk_bytes(const char *path)
{
    char *folder = mem_dup(path[0] != '\0' ? path : ".");
    struct statvfs fs;
    int64_t bytes = -1;
    int failed;

    while ((failed = statvfs(folder, &fs)) != 0 && errno == ENOENT) {
        char *slash = strrchr(folder, '/');
        if (strcmp(folder, "/") == 0 || strcmp(folder, ".") == 0) break;
        if (slash == NULL) memcpy(folder, ".", 2);      /* a relative path without folders */
        else slash[slash == folder] = '\0';
    }
    if (failed == 0 && __builtin_mul_overflow(fs.f_bavail, fs.f_frsize, &bytes))
        bytes = INT64_MAX;
    mem_free(folder);
    return bytes;
}

const char *machine_temporary_folder(void)
{
    const char *folder = env_get("TMPDIR");

    return folder != NULL && folder[0] != '\0' ? folder : "/tmp";
}
