/* SPDX-License-Identifier: Apache-2.0 */
/* load_flush.c - how fast the disk is today: the bound of everything that is synced.
 *
 * Writes 4 KiB behind the last into a file allocated ahead, and calls fdatasync, over and over:
 * what a log does that commits one batch at a time. */
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK_BYTES 4096
#define FILE_BLOCKS 8192
#define PROBE_NS 1000000000u

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* A file whose blocks are all written once, so that a flush is not one of metadata. */
static int open_file(const char *folder)
{
    static const char zeros[1 << 20];
    char path[4096];
    int fd;

    if (folder == NULL || (size_t)snprintf(path, sizeof path, "%s/probe", folder) >= sizeof path)
        util_die("flush needs a folder (-o)");
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        util_die("%s: %s", path, strerror(errno));
    unlink(path);
    for (size_t at = 0; at < (size_t)BLOCK_BYTES * FILE_BLOCKS; at += sizeof zeros)
        if (pwrite(fd, zeros, sizeof zeros, (off_t)at) != (ssize_t)sizeof zeros)
            util_die("%s: %s", path, strerror(errno));
    if (fsync(fd) != 0)
        util_die("fsync: %s", strerror(errno));
    return fd;
}

void mode_flush(struct load *ld)
{
    char block[BLOCK_BYTES];
    uint32_t *took = util_alloc(FILE_BLOCKS, sizeof *took);
    int fd = open_file(ld->opt.folder);
    uint64_t start = util_now_ns(), before, now = start;
    size_t n = 0;

    memset(block, 'x', sizeof block);
    while (n < FILE_BLOCKS && now - start < PROBE_NS) {
        before = now;
        if (pwrite(fd, block, sizeof block, (off_t)(n * BLOCK_BYTES)) != BLOCK_BYTES ||
            fdatasync(fd) != 0)
            util_die("probe: %s", strerror(errno));
        now = util_now_ns();
        took[n++] = (uint32_t)(now - before);
    }
    close(fd);
    qsort(took, n, sizeof *took, compare);
    printf("mode=flush ok=1 flushes_s=%.0f flush_us=%.1f flush_p99_us=%.1f\n",
           (double)n / ((double)(now - start) / 1e9), took[n / 2] / 1e3, took[n * 99 / 100] / 1e3);
    free(took);
}
