/* SPDX-License-Identifier: Apache-2.0 */
/* clock.c - clock_gettime and localtime_r. */
#include "os/clock.h"

#include <time.h>

#include "base/assert.h"

#define NS_IN_S INT64_C(1000000000)

static int64_t read_clock(clockid_t id)
{
    struct timespec ts;
    int rc = clock_gettime(id, &ts);

    assert(rc == 0);
    return (int64_t)ts.tv_sec * NS_IN_S + ts.tv_nsec;
}

int64_t clock_mono_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_wall_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

struct calendar clock_calendar(int64_t wall_ns, bool utc)
{
    time_t seconds = (time_t)(wall_ns / NS_IN_S);
    int64_t rest = wall_ns % NS_IN_S;
    struct tm tm = { 0 };

    if (rest < 0) {
        rest += NS_IN_S;
        seconds--;
    }
    if (utc) (void)gmtime_r(&seconds, &tm);
    else (void)localtime_r(&seconds, &tm);
    return (struct calendar){
        .year = tm.tm_year + 1900, .month = tm.tm_mon + 1, .day = tm.tm_mday,
        .hour = tm.tm_hour, .minute = tm.tm_min, .second = tm.tm_sec,
        .nanosecond = (int)rest, .utc_offset_s = (int)tm.tm_gmtoff,
    };
}
