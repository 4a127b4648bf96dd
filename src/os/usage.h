/* SPDX-License-Identifier: Apache-2.0 */
/* usage.h - what this process uses: memory, CPU time, descriptors. Callable from any thread. */
#ifndef OS_USAGE_H
#define OS_USAGE_H

#include <stdint.h>

int64_t usage_cpu_ns(void);             /* user and system time of all threads so far */

struct usage_memory {
    int64_t resident_bytes, virtual_bytes;      /* 0: /proc does not tell */
    int64_t heap_bytes;                 /* allocated and not freed */
    int64_t heap_held_bytes;            /* what the allocator holds for that */
};

/* Reads /proc/self and visits the allocator's arenas: not for hot paths. */
struct usage_memory usage_memory(void);

/* Open descriptors; -1: /proc does not tell. O(descriptors). */
int64_t usage_descriptors(void);
int64_t usage_descriptors_max(void);    /* soft limit; -1: none */

#endif
