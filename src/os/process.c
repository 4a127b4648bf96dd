/* SPDX-License-Identifier: Apache-2.0 */
/* process.c - /proc/<pid>/comm and kill(2). */
#include "os/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

#define COMM_BYTES_MAX 15       /* TASK_COMM_LEN of the kernel, without the NUL */

int process_id(void)
{
    return (int)getpid();
}

const char *process_name(void)
{
    return program_invocation_short_name;
}

/* The kernel's name of the process; empty when it is gone. */
static struct span read_name(int proc, const char *pid, char text[COMM_BYTES_MAX + 2])
{
    char path[32];
    ssize_t n;
    int fd;

    snprintf(path, sizeof(path), "%.20s/comm", pid);
    fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return SPAN_NONE;
    n = read(fd, text, COMM_BYTES_MAX + 1);
    close(fd);
    return n > 0 ? span_trim(span_make(text, (size_t)n)) : SPAN_NONE;
}

static bool name_matches(struct span name, const char *const *wanted, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct span w = span_of(wanted[i]);

        if (w.len > COMM_BYTES_MAX) w.len = COMM_BYTES_MAX;
        if (w.len > 0 && span_equal(name, w)) return true;
    }
    return false;
}

static int ascending(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;

    return (x > y) - (x < y);
}

enum status process_find(const char *const *names, size_t name_count, int **out, size_t *count)
{
    struct dirent *entry;
    DIR *dir = opendir("/proc");
    char text[COMM_BYTES_MAX + 2];

    *out = NULL;
    *count = 0;
    if (dir == NULL) return ST_IO;
    while ((entry = readdir(dir)) != NULL) {
        uint64_t pid;

        if (!span_to_u64(span_of(entry->d_name), &pid) || pid > INT32_MAX) continue;
        if ((int)pid == process_id()) continue;
        if (!name_matches(read_name(dirfd(dir), entry->d_name, text), names, name_count)) continue;
        *out = mem_resize(*out, (*count + 1) * sizeof(**out));
        (*out)[(*count)++] = (int)pid;
    }
    closedir(dir);
    if (*count > 1) qsort(*out, *count, sizeof(**out), ascending);
    return ST_OK;
}

enum status process_kill(int pid, enum process_signal signal, struct error *why)
{
    static const int numbers[] = {
        [PROCESS_INT] = SIGINT, [PROCESS_TERM] = SIGTERM, [PROCESS_KILL] = SIGKILL,
        [PROCESS_HUP] = SIGHUP, [PROCESS_USR1] = SIGUSR1, [PROCESS_USR2] = SIGUSR2,
    };

    if (kill(pid, numbers[signal]) == 0) return ST_OK;
    switch (errno) {
    case ESRCH: return error_set(why, ST_NOT_FOUND, "no such process");
    case EPERM: return error_set(why, ST_DENIED, "operation not permitted");
    default: return error_set(why, ST_IO, "%s", strerror(errno));
    }
}
