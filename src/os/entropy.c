/* SPDX-License-Identifier: Apache-2.0 */
/* entropy.c - getrandom(2). */
#include "os/entropy.h"

#include <errno.h>
#include <sys/random.h>

#include "base/assert.h"

void entropy_fill(void *p, size_t len)
{
    char *at = p;

    while (len > 0) {
        ssize_t n = getrandom(at, len, 0);

        if (n < 0 && errno == EINTR) continue;
        assert(n > 0);
        at += n;
        len -= (size_t)n;
    }
}

uint64_t entropy_u64(void)
{
    uint64_t word;

    entropy_fill(&word, sizeof(word));
    return word;
}
