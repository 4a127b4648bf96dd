/* SPDX-License-Identifier: Apache-2.0 */
/* assert.c - the end of a process whose invariants no longer hold. */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

void assert_fail(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, what);
    abort();
}
