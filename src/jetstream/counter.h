/* SPDX-License-Identifier: Apache-2.0 */
/* counter.h - streams whose messages are counters (ADR-49).
 *
 * A message says by how much (Nats-Incr) and the stream stores the sum as {"val":"n"}; numbers have
 * any length. */
#ifndef JETSTREAM_COUNTER_H
#define JETSTREAM_COUNTER_H

#include "jetstream/ingest.h"

/* Whether the headers of a counter message are in order; false: refused and answered. */
bool counter_check(struct ingest *in);

/* Replace the body by the new sum. Only for streams with allow_msg_counter. DONE: go on. */
enum ingest_result counter_apply(struct ingest *in);

#endif
