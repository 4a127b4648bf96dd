/* SPDX-License-Identifier: Apache-2.0 */
/* subject.h - the grammar of subjects.
 *
 * Tokens separated by '.', none empty. A token that is exactly "*" matches one token, one that is
 * exactly ">" and last matches one or more; the same characters inside a longer token are literal.
 * Space, TAB, CR, LF, FF and NUL never stand in a subject. Bytes above 127 are opaque.
 * Everything here is pure and O(length). Source: nats-server's observable behaviour, ADR-6. */
#ifndef PROTO_SUBJECT_H
#define PROTO_SUBJECT_H

#include "base/span.h"

/* A cursor over the tokens of a subject; see subject_next. */
struct subject_cursor {
    const char *at, *end;       /* at > end: no token left */
};

static inline struct subject_cursor subject_cursor(struct span s)
{
    static const char none[2];

    if (s.len == 0) return (struct subject_cursor){ none + 1, none };
    return (struct subject_cursor){ s.p, s.p + s.len };
}

/* Take the next token: false when there is none left. An empty token is reported as such. */
static inline bool subject_next(struct subject_cursor *c, struct span *token)
{
    const char *start = c->at, *dot;

    if (start > c->end) return false;
    dot = start == c->end ? NULL : memchr(start, '.', (size_t)(c->end - start));
    if (dot == NULL) dot = c->end;
    *token = span_make(start, (size_t)(dot - start));
    c->at = dot + 1;
    return true;
}

static inline bool subject_token_is_star(struct span token)
{
    return token.len == 1 && token.p[0] == '*';
}

static inline bool subject_token_is_full(struct span token)
{
    return token.len == 1 && token.p[0] == '>';
}

/* A valid filter: literal or with wildcards. */
bool subject_is_valid(struct span filter);

/* No token is a wildcard. Says nothing about validity. */
bool subject_is_literal(struct span subject);

/* Valid and literal: what a well-behaved client publishes to. */
bool subject_is_valid_literal(struct span subject);

/* How many tokens; 0 for an empty subject. */
size_t subject_token_count(struct span subject);

/* The filter matches the literal subject. Both must be valid. */
bool subject_matches(struct span filter, struct span literal);

/* Every subject that narrow matches is matched by wide as well. Both valid filters. */
bool subject_is_subset(struct span narrow, struct span wide);

/* Some subject is matched by both filters. */
bool subject_collides(struct span a, struct span b);

#endif
