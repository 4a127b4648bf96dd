/* SPDX-License-Identifier: Apache-2.0 */
/* utf8.c - no overlong forms, no surrogates, nothing above U+10FFFF. */
#include "base/utf8.h"

size_t utf8_sequence(struct span s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t n;

    if (s.len == 0) return 0;
    n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
    if (n > s.len) return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    if (p[0] == 0xe0 && p[1] < 0xa0) return 0;
    if (p[0] == 0xed && p[1] > 0x9f) return 0;
    if (p[0] == 0xf0 && p[1] < 0x90) return 0;
    if (p[0] == 0xf4 && p[1] > 0x8f) return 0;
    return n;
}

bool utf8_is_valid(struct span s)
{
    size_t n;

    for (size_t i = 0; i < s.len; i += n) {
        n = utf8_sequence(span_from(s, i));
        if (n == 0) return false;
    }
    return true;
}
