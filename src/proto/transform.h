/* SPDX-License-Identifier: Apache-2.0 */
/* transform.h - rewriting a subject by a source filter and a destination with functions
 * (ADR-30).
 *
 * Compiled once and then read-only: any number of threads may apply it. Functions (names' first
 * letters and those of their words in either case; t counts the wildcards of the source from 1):
 *   $t {{wildcard(t)}}              the token
 *   {{partition(n[,t...])}}         FNV-1a-32 of these tokens (none: the subject) modulo n
 *   {{split(t,delimiter)}}          cut into tokens at each delimiter
 *   {{splitFromLeft(t,n)}} {{splitFromRight(t,n)}}      cut in two, n bytes from that end
 *   {{sliceFromLeft(t,n)}} {{sliceFromRight(t,n)}}      cut into pieces of n bytes
 *   {{left(t,n)}} {{right(t,n)}}    n bytes of that end
 *   {{random(n)}}                   a number below n
 * Error texts are nats-server's. */
#ifndef PROTO_TRANSFORM_H
#define PROTO_TRANSFORM_H

#include "base/buf.h"
#include "base/rng.h"
#include "base/status.h"

struct transform;

enum transform_mode {
    TRANSFORM_ANY,
    TRANSFORM_STRICT,           /* reversible: wildcards only, and all of them (imports) */
};

/* Compile source -> destination; an empty source means ">". Both texts are copied. BAD_SUBJECT
 * with nats-server's text in why: not a subject, wildcards that don't fit, unknown function or
 * bad arguments. *out is NULL on error. */
MUST_USE enum status transform_compile(struct transform **out, struct span source,
                                       struct span destination, enum transform_mode mode,
                                       struct error *why);
void transform_free(struct transform **t);

/* The form of a destination alone, token by token: none empty, ">" last, functions known. Mappings
 * check this first, with texts of its own. BAD_SUBJECT and why when it is not. */
MUST_USE enum status transform_check_destination(struct span destination, struct error *why);

/* The literal subject is one that the transform's source matches. */
bool transform_matches(const struct transform *t, struct span subject);

/* Append what subject becomes to out. subject must match; rng serves random(n). The result can
 * be a bad subject (empty or with bad tokens) when subject's tokens make it so, as with
 * nats-server: check it where that matters. O(length). */
void transform_apply(const struct transform *t, struct span subject, struct rng *rng,
                     struct buf *out);

#endif
