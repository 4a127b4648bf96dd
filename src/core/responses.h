/* SPDX-License-Identifier: Apache-2.0 */
/* responses.h - reply subjects a client with allow_responses was sent and may publish to.
 *
 * Filled by any loop that delivers to the client, used up by its own: locked, bounded, expiring. */
#ifndef CORE_RESPONSES_H
#define CORE_RESPONSES_H

#include "base/span.h"

#define RESPONSES_MAX 4096      /* entries; beyond that expired ones go, else any */

struct responses;

/* max messages per reply subject, within ttl_ns; each <= 0: unlimited. */
struct responses *responses_new(int64_t max, int64_t ttl_ns);
void responses_free(struct responses **r);

/* New limits for what is added from now on. active false: forget everything, remember nothing.
 * r may be NULL. O(entries). */
void responses_configure(struct responses *r, bool active, int64_t max, int64_t ttl_ns);

/* Remember that the client was sent a message with this reply subject: it may answer anew. Any
 * loop. Amortised O(1); O(entries) when full. */
void responses_add(struct responses *r, struct span reply, int64_t now_ns);

/* Whether a publish to subject is an answer that is still due; counts it. r may be NULL. */
bool responses_take(struct responses *r, struct span subject, int64_t now_ns);

#endif
