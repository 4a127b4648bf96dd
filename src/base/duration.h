/* SPDX-License-Identifier: Apache-2.0 */
/* duration.h - lengths of time in nanoseconds, read and written as Go's time.Duration is. */
#ifndef BASE_DURATION_H
#define BASE_DURATION_H

#include "base/buf.h"
#include "base/status.h"

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

/* a + b, at most INT64_MAX and at least INT64_MIN: clients may ask for any length of time. */
static inline int64_t duration_sum(int64_t a, int64_t b)
{
    if (b > 0 && a > INT64_MAX - b) return INT64_MAX;
    if (b < 0 && a < INT64_MIN - b) return INT64_MIN;
    return a + b;
}

/* "1h15m30.5s", "-1.5h", "0"; units ns us µs μs ms s m h. BAD_INPUT: anything else, overflow. */
MUST_USE enum status duration_parse(struct span text, int64_t *ns);

/* Append ns as Go prints it: "2m0s", "1.5s", "250ms", "0s". */
void duration_append(struct buf *out, int64_t ns);

/* Append ns as nats-server's monitoring prints an age: "1y2d3h4m5s", "3d0h0m5s", "4m5s", "5s".
 * Fractions of a second are dropped. */
void duration_append_uptime(struct buf *out, int64_t ns);

/* Append wall-clock nanoseconds since 1970 as RFC 3339 in UTC with up to 9 decimals, trailing
 * zeros dropped ("2026-01-02T15:04:05.123Z"), as Go's RFC3339Nano. */
void duration_append_rfc3339(struct buf *out, int64_t wall_ns);

/* "2026-01-02T15:04:05.123+02:00" (RFC 3339) as wall-clock nanoseconds since 1970; decimals below
 * a nanosecond are dropped. Times before 1677-09-21 give INT64_MIN, as Go's zero time does; those
 * after 2262-04-11 INT64_MAX. BAD_INPUT: anything else, with the text of Go's time.Parse in why
 * (may be NULL). */
MUST_USE enum status duration_parse_rfc3339(struct span text, int64_t *wall_ns,
                                            struct error *why);

#endif
