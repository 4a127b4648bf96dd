/* SPDX-License-Identifier: Apache-2.0 */
/* subject.c - one pass over the tokens, nothing stored. */
#include "proto/subject.h"

static bool is_forbidden(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\0';
}

bool subject_is_valid(struct span filter)
{
    struct subject_cursor c = subject_cursor(filter);
    struct span token;
    bool full = false;

    if (filter.len == 0) return false;
    while (subject_next(&c, &token)) {
        if (token.len == 0 || full) return false;
        for (size_t i = 0; i < token.len; i++)
            if (is_forbidden(token.p[i])) return false;
        full = subject_token_is_full(token);
    }
    return true;
}

bool subject_is_literal(struct span subject)
{
    for (size_t i = 0; i < subject.len; i++) {
        char c = subject.p[i];
        if (c != '*' && c != '>') continue;
        if ((i == 0 || subject.p[i - 1] == '.') &&
            (i + 1 == subject.len || subject.p[i + 1] == '.'))
            return false;
    }
    return true;
}

bool subject_is_valid_literal(struct span subject)
{
    return subject_is_valid(subject) && subject_is_literal(subject);
}

size_t subject_token_count(struct span subject)
{
    size_t n = subject.len > 0;

    for (size_t i = 0; i < subject.len; i++) n += subject.p[i] == '.';
    return n;
}

bool subject_matches(struct span filter, struct span literal)
{
    struct subject_cursor cf = subject_cursor(filter), cl = subject_cursor(literal);
    struct span f = SPAN_NONE, l = SPAN_NONE;

    while (subject_next(&cf, &f)) {
        if (!subject_next(&cl, &l)) return false;
        if (subject_token_is_full(f)) return true;
        if (!subject_token_is_star(f) && !span_equal(f, l)) return false;
    }
    return !subject_next(&cl, &l);
}

bool subject_is_subset(struct span narrow, struct span wide)
{
    struct subject_cursor cn = subject_cursor(narrow), cw = subject_cursor(wide);
    struct span n = SPAN_NONE, w = SPAN_NONE;

    while (subject_next(&cw, &w)) {
        if (!subject_next(&cn, &n)) return false;
        if (subject_token_is_full(w)) return true;
        if (subject_token_is_full(n)) return false;
        if (subject_token_is_star(w)) continue;
        if (subject_token_is_star(n) || !span_equal(n, w)) return false;
    }
    return !subject_next(&cn, &n);
}

bool subject_collides(struct span a, struct span b)
{
    struct subject_cursor ca = subject_cursor(a), cb = subject_cursor(b);
    struct span ta = SPAN_NONE, tb = SPAN_NONE;

    for (;;) {
        bool more_a = subject_next(&ca, &ta), more_b = subject_next(&cb, &tb);
        if (!more_a || !more_b) return more_a == more_b;
        if (subject_token_is_full(ta) || subject_token_is_full(tb)) return true;
        if (subject_token_is_star(ta) || subject_token_is_star(tb)) continue;
        if (!span_equal(ta, tb)) return false;
    }
}
