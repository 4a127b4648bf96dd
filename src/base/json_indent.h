/* SPDX-License-Identifier: Apache-2.0 */
/* json_indent.h - spreads compact JSON over lines, as Go's json.MarshalIndent does. */
#ifndef BASE_JSON_INDENT_H
#define BASE_JSON_INDENT_H

#include "base/buf.h"

/* Append json, which jsonw wrote, with one member per line, two spaces per level and a space after
 * each colon. Empty objects and arrays stay "{}" and "[]"; no newline at the end. O(n). */
void json_append_indented(struct buf *out, struct span json);

#endif
