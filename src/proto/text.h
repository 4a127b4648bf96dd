/* SPDX-License-Identifier: Apache-2.0 */
/* text.h - numbers into protocol text, without printf. */
#ifndef PROTO_TEXT_H
#define PROTO_TEXT_H

#include <stdint.h>

#define TEXT_U64_MAX 20         /* digits at most */

/* Write v in decimal at p, which has room for TEXT_U64_MAX bytes; returns the end. */
static inline char *text_put_u64(char *p, uint64_t v)
{
    char digits[TEXT_U64_MAX];
    int n = 0;

    do digits[n++] = (char)('0' + v % 10);
    while (v /= 10);
    while (n > 0) *p++ = digits[--n];
    return p;
}

#endif
