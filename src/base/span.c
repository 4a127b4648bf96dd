/* SPDX-License-Identifier: Apache-2.0 */
/* span.c - the few span operations that are not one line. */
#include "base/span.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool span_equal_nocase(struct span a, struct span b)
{
    if (a.len != b.len) return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.p[i]) != lower(b.p[i])) return false;
    return true;
}

int span_compare(struct span a, struct span b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.p, b.p, n) : 0;

    if (c != 0) return c;
    return a.len < b.len ? -1 : a.len > b.len;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct span span_trim(struct span a)
{
    while (a.len && is_space(a.p[0])) a = span_from(a, 1);
    while (a.len && is_space(a.p[a.len - 1])) a.len--;
    return a;
}

size_t span_find(struct span a, char c)
{
    const char *at = a.len ? memchr(a.p, c, a.len) : NULL;

    return at ? (size_t)(at - a.p) : a.len;
}

bool span_to_u64(struct span a, uint64_t *out)
{
    uint64_t v = 0;

    if (a.len == 0) return false;
    for (size_t i = 0; i < a.len; i++) {
        unsigned digit = (unsigned)((unsigned char)a.p[i] - '0');
        if (digit > 9) return false;
        if (__builtin_mul_overflow(v, 10u, &v)) return false;
        if (__builtin_add_overflow(v, digit, &v)) return false;
    }
    *out = v;
    return true;
}

bool span_to_i64(struct span a, int64_t *out)
{
    bool negative = a.len > 0 && a.p[0] == '-';
    uint64_t v;

    if (a.len > 0 && (a.p[0] == '-' || a.p[0] == '+')) a = span_from(a, 1);
    if (!span_to_u64(a, &v)) return false;
    if (v > (uint64_t)INT64_MAX + (negative ? 1u : 0u)) return false;
    *out = negative ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}
