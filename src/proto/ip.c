/* SPDX-License-Identifier: Apache-2.0 */
/* ip.c - groups between separators, counted. */
#include "proto/ip.h"

#define GROUPS 8                        /* of 16 bits in an IPv6 address */

static bool is_octet(struct span s)
{
    uint64_t value;

    if (s.len > 3 || (s.len > 1 && s.p[0] == '0')) return false;
    return span_to_u64(s, &value) && value <= 255;
}

static bool is_v4(struct span s)
{
    for (int octets = 1;; octets++) {
        size_t n = span_find(s, '.');
        if (!is_octet(span_make(s.p, n))) return false;
        if (n == s.len) return octets == 4;
        if (octets == 4) return false;
        s = span_from(s, n + 1);
    }
}

static bool is_group(struct span s)
{
    if (s.len == 0 || s.len > 4) return false;
    for (size_t i = 0; i < s.len; i++)
        if (memchr("0123456789abcdefABCDEF", s.p[i], 22) == NULL) return false;
    return true;
}

/* How many 16-bit groups s spells; an IPv4 address may stand for the last two. -1: malformed. */
static int count_groups(struct span s, bool is_tail)
{
    int groups = 0;

    if (s.len == 0) return 0;
    for (;;) {
        size_t n = span_find(s, ':');
        if (is_tail && n == s.len && is_v4(s)) return groups + 2;
        if (groups == GROUPS || !is_group(span_make(s.p, n))) return -1;
        groups++;
        if (n == s.len) return groups;
        s = span_from(s, n + 1);
    }
}

static bool is_v6(struct span s)
{
    const char *gap = s.len ? memmem(s.p, s.len, "::", 2) : NULL;
    int before, after;

    if (gap == NULL) return count_groups(s, true) == GROUPS;
    before = count_groups(span_make(s.p, (size_t)(gap - s.p)), false);
    after = count_groups(span_from(s, (size_t)(gap - s.p) + 2), true);
    return before >= 0 && after >= 0 && before + after < GROUPS;
}

bool ip_is_address(struct span s)
{
    return is_v4(s) || is_v6(s);
}
