/* SPDX-License-Identifier: Apache-2.0 */
/* header.h - looking into a message's header block (ADR-4).
 *
 * A block is "NATS/1.0[ status][ description]\r\n" {"Key: value\r\n"} "\r\n". Blocks come from
 * clients unchecked and are forwarded as they are: everything here takes any bytes. A lone LF ends
 * a line as well, because readers of clients take it so. Keys compare with case. Pure; nothing
 * allocates. O(block). */
#ifndef PROTO_HEADER_H
#define PROTO_HEADER_H

#include "base/span.h"

/* Well-formed: the version line, "key:value" lines with a non-empty key without blanks or
 * control characters, no CR or LF inside a value, the empty line at the very end. */
bool header_is_valid(struct span block);

/* First value of key, without leading spaces, borrowed from block: true. False: no such line. */
bool header_find(struct span block, struct span key, struct span *value);

/* Remove every line with this key, in place. Returns the new length; 0 when that left no more
 * than a bare version line. */
size_t header_remove(char *block, size_t len, struct span key);

/* As header_remove, for every key that begins with prefix. */
size_t header_remove_prefix(char *block, size_t len, struct span prefix);

#endif
