/* SPDX-License-Identifier: Apache-2.0 */
/* trim.c - madvise over the executable file mappings, which are never written. */
#include "os/trim.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

size_t trim_code(void)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[512], permissions[5], path[2];
    unsigned long from, to;
    size_t total = 0;

    if (maps == NULL) return 0;
    while (fgets(line, sizeof line, maps) != NULL) {
        /* Only private, executable, not writable, and backed by a file: its pages are clean. */
        if (sscanf(line, "%lx-%lx %4s %*s %*s %*s %1s", &from, &to, permissions, path) != 4)
            continue;
        if (strcmp(permissions, "r-xp") != 0 || path[0] != '/') continue;
        if (madvise((void *)(uintptr_t)from, to - from, MADV_DONTNEED) == 0) total += to - from;
    }
    fclose(maps);
    return total;
}
