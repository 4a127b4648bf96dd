/* SPDX-License-Identifier: Apache-2.0 */
/* mapping.h - what clients publish to one source goes to destinations by weight (ADR-30).
 *
 * Compiled once and then read-only: any number of threads may use it. Error texts are
 * nats-server's. */
#ifndef PROTO_MAPPING_H
#define PROTO_MAPPING_H

#include "base/buf.h"
#include "base/rng.h"
#include "base/status.h"

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

/* The literal subject is one that the mapping applies to. */
bool mapping_matches(const struct mapping *m, struct span subject);

/* Draw a destination by weight and append what subject becomes there to out: true. False: the
 * message is lost (weights below 100 with the source listed); out is unchanged. cluster is this
 * server's cluster name, or empty. subject must match. */
bool mapping_choose(const struct mapping *m, struct span cluster, struct span subject,
                    struct rng *rng, struct buf *out);

#endif
