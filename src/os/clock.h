/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - the two clocks, and the calendar for people. Callable from any thread. */
#ifndef OS_CLOCK_H
#define OS_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Nanoseconds on a clock that never steps back; zero is some moment before the start. */
int64_t clock_mono_ns(void);

/* Nanoseconds since 1970-01-01 UTC; may step either way. */
int64_t clock_wall_ns(void);

/* A moment taken apart; fields as people write them (month 1..12, day 1..31). */
struct calendar {
    int year, month, day, hour, minute, second;
    int nanosecond;
    int utc_offset_s;           /* east of Greenwich positive */
};

/* Take wall_ns apart, in UTC or in the local zone of the process. */
struct calendar clock_calendar(int64_t wall_ns, bool utc);

#endif
