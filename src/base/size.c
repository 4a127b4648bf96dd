/* SPDX-License-Identifier: Apache-2.0 */
/* size.c - bytes in units of 1,024. */
#include "base/size.h"

#include <inttypes.h>

void size_append(struct buf *out, int64_t bytes)
{
    static const char units[] = "KMGTPE";
    double n = (double)bytes;
    size_t unit = 0;

    if (bytes < 1024) {
        buf_printf(out, "%" PRId64 " B", bytes);
        return;
    }
    for (n /= 1024; n >= 1024; n /= 1024) unit++;
    buf_printf(out, "%.2f %cB", n, units[unit]);
}
