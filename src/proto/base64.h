/* SPDX-License-Identifier: Apache-2.0 */
/* base64.h - the standard alphabet with padding (RFC 4648, section 4), as JSON carries bytes. */
#ifndef PROTO_BASE64_H
#define PROTO_BASE64_H

#include "base/buf.h"

/* Append bytes as base64. O(bytes). */
void base64_append(struct buf *out, struct span bytes);

#endif
