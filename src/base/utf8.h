/* SPDX-License-Identifier: Apache-2.0 */
/* utf8.h - well-formed UTF-8 (table 3-7 of the Unicode standard). */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/span.h"

/* Length of the well-formed sequence that s begins with, 1 to 4; 0 when there is none. */
size_t utf8_sequence(struct span s);

/* All of s is well-formed. O(n). */
bool utf8_is_valid(struct span s);

#endif
