/* SPDX-License-Identifier: Apache-2.0 */
/* size.h - counts of bytes for people. */
#ifndef BASE_SIZE_H
#define BASE_SIZE_H

#include "base/buf.h"

/* Append bytes as nats-server's log writes sizes: "1023 B", "1.00 KB" (of 1,024 bytes),
 * "953.67 MB", up to EB. Negative numbers are "-1 B". */
void size_append(struct buf *out, int64_t bytes);

#endif
