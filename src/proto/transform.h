/* SPDX-License-Identifier: Apache-2.0 */
/* transform.h - rewriting subjects: transforms with functions, and weighted mappings (ADR-30).
 *
 * Both are compiled once and then read-only: any number of threads may apply them. Error texts
 * are nats-server's. */
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

struct span transform_source(const struct transform *t);        /* borrowed from t */
struct span transform_destination(const struct transform *t);

/* The literal subject is one that the transform's source matches. */
bool transform_matches(const struct transform *t, struct span subject);

/* Append what subject becomes to out. subject must match; rng serves random(n). The result can
 * be a bad subject (empty or with bad tokens) when subject's tokens make it so, as with
 * nats-server: check it where that matters. O(length). */
void transform_apply(const struct transform *t, struct span subject, struct rng *rng,
                     struct buf *out);

/* ---- mappings: one source, destinations by weight ---- */

struct mapping_target {
    struct span subject;        /* destination */
    unsigned weight;            /* percent */
    struct span cluster;        /* only for servers of this cluster; empty: any */
};

struct mapping;

/* Compile and check a mapping. Destinations must differ, each weight and the sum per cluster be
 * at most 100. What is missing to 100 goes to the source unchanged, except when the source is
 * itself among the destinations: then it is lost. BAD_SUBJECT or BAD_INPUT with nats-server's
 * text in why; *out is NULL then. Texts are copied. */
MUST_USE enum status mapping_compile(struct mapping **out, struct span source,
                                     const struct mapping_target *targets, size_t count,
                                     struct error *why);
void mapping_free(struct mapping **m);

struct span mapping_source(const struct mapping *m);            /* borrowed from m */

/* The literal subject is one that the mapping applies to. */
bool mapping_matches(const struct mapping *m, struct span subject);

/* Draw a destination by weight and append what subject becomes there to out: true. False: the
 * message is lost (weights below 100 with the source listed); out is unchanged. cluster is this
 * server's cluster name, or empty. subject must match. */
bool mapping_choose(const struct mapping *m, struct span cluster, struct span subject,
                    struct rng *rng, struct buf *out);

#endif
