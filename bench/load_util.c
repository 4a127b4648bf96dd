/* SPDX-License-Identifier: Apache-2.0 */
/* load_util.c - time, memory that can't fail, and what the server has used.
 *
 * The server's CPU time is read from its process clock: nanoseconds, all
 * threads, those that have ended included. /proc/PID/stat only has ticks of
 * 10 ms; it serves for the split into user and system time. */
#include "load.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static uint64_t read_clock_ns(clockid_t id)
{
    struct timespec t;

    if (clock_gettime(id, &t) != 0)
        util_die("clock_gettime: %s", strerror(errno));
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t util_now_ns(void)
{
    return read_clock_ns(CLOCK_MONOTONIC);
}

uint64_t util_own_cpu_ns(void)
{
    return read_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

void util_die(const char *fmt, ...)
{
    va_list ap;

    fputs("load: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    exit(2);
}

void *util_alloc(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size ? size : 1);

    if (p == NULL)
        util_die("out of memory");
    return p;
}

void *util_grow(void *p, size_t size)
{
    p = realloc(p, size);
    if (p == NULL)
        util_die("out of memory");
    return p;
}

static FILE *open_proc(pid_t pid, const char *name)
{
    char path[64];
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    f = fopen(path, "r");
    if (f == NULL)
        util_die("%s: %s (is the server gone?)", path, strerror(errno));
    return f;
}

/* The name in the second field may hold spaces and parentheses: skip to its end. */
static char read_stat(pid_t pid, unsigned long *user_ticks, unsigned long *sys_ticks)
{
    char line[1024], state = '?', *p;
    FILE *f = open_proc(pid, "stat");

    if (fgets(line, sizeof line, f) == NULL || (p = strrchr(line, ')')) == NULL ||
        sscanf(p + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &state, user_ticks,
               sys_ticks) != 3)
        util_die("/proc/%d/stat can't be read", (int)pid);
    fclose(f);
    return state;
}

char util_server_state(pid_t pid)
{
    unsigned long user_ticks, sys_ticks;

    return read_stat(pid, &user_ticks, &sys_ticks);
}

struct usage util_server_usage(pid_t pid)
{
    struct usage u = {0};
    unsigned long user_ticks, sys_ticks;
    uint64_t tick_ns = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);
    char line[256];
    clockid_t id;
    FILE *f;

    if (pid == 0)
        return u;
    if (clock_getcpuclockid(pid, &id) != 0)
        util_die("no CPU clock for process %d", (int)pid);
    u.cpu_ns = read_clock_ns(id);
    read_stat(pid, &user_ticks, &sys_ticks);
    u.user_ns = user_ticks * tick_ns;
    u.sys_ns = sys_ticks * tick_ns;
    f = open_proc(pid, "status");
    while (fgets(line, sizeof line, f) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0)
            u.rss_kb = strtoull(line + 6, NULL, 10);
        if (strncmp(line, "VmHWM:", 6) == 0)
            u.peak_kb = strtoull(line + 6, NULL, 10);
    }
    fclose(f);
    return u;
}
