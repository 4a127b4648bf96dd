/* SPDX-License-Identifier: Apache-2.0 */
/* usage.c - /proc/self, the allocator and the clock of the process. */
#include "os/usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

int64_t usage_cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* The first two numbers of statm: pages of address space and pages resident. */
static void read_statm(struct usage_memory *m)
{
    char text[128], *end;
    ssize_t n;
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

    if (fd < 0) return;
    n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0) return;
    text[n] = '\0';
    m->virtual_bytes = strtoll(text, &end, 10) * sysconf(_SC_PAGESIZE);
    m->resident_bytes = strtoll(end, NULL, 10) * sysconf(_SC_PAGESIZE);
}

struct usage_memory usage_memory(void)
{
    struct usage_memory m = { 0 };
    struct mallinfo2 heap = mallinfo2();

    read_statm(&m);
    m.heap_bytes = (int64_t)(heap.uordblks + heap.hblkhd);
    m.heap_held_bytes = (int64_t)(heap.arena + heap.hblkhd);
    return m;
}

int64_t usage_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int64_t count = -3;                 /* ".", ".." and the folder itself */

    if (dir == NULL) return -1;
    while (readdir(dir) != NULL) count++;
    closedir(dir);
    return count;
}

int64_t usage_descriptors_max(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return -1;
    return (int64_t)limit.rlim_cur;
}
