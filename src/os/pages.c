/* SPDX-License-Identifier: Apache-2.0 */
/* pages.c - anonymous private mappings. */
#include "os/pages.h"

#include <sys/mman.h>

#include "base/assert.h"

void *pages_map(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);

    assert(p != MAP_FAILED);
    return p;
}

void pages_unmap(void *p, size_t bytes)
{
    int rc = munmap(p, bytes);

    assert(rc == 0);
}

void pages_drop(void *p, size_t bytes)
{
    int rc = madvise(p, bytes, MADV_DONTNEED);

    assert(rc == 0);
}

void pages_populate(void *p, size_t bytes)
{
#ifdef MADV_POPULATE_WRITE
    if (madvise(p, bytes, MADV_POPULATE_WRITE) == 0) return;
#endif
    (void)p;
    (void)bytes;
}
