/* SPDX-License-Identifier: Apache-2.0 */
/* duration.c - Go's duration syntax without floating point, so that values round-trip. */
#include "base/duration.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static const struct { const char *name; int64_t ns; } units[] = {
    { "ns", 1 }, { "us", NS_PER_US }, { "\xc2\xb5s", NS_PER_US }, { "\xce\xbcs", NS_PER_US },
    { "ms", NS_PER_MS }, { "s", NS_PER_S }, { "m", 60 * NS_PER_S }, { "h", 3600 * NS_PER_S },
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Take the unit off the front of *text: a run of bytes up to the next digit or dot. */
static bool take_unit(struct span *text, int64_t *unit_ns)
{
    size_t n = 0;

    while (n < text->len && text->p[n] != '.' && !is_digit(text->p[n])) n++;
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (!span_equal(span_make(text->p, n), span_of(units[i].name))) continue;
        *unit_ns = units[i].ns;
        *text = span_from(*text, n);
        return true;
    }
    return false;
}

/* Take "12.34unit" off the front of *text and add it to *sum. */
static bool take_term(struct span *text, uint64_t *sum)
{
    uint64_t whole = 0, fraction = 0, scale = 1, part;
    size_t digits = 0;
    int64_t unit_ns;

    for (; text->len && is_digit(text->p[0]); digits++, *text = span_from(*text, 1)) {
        if (__builtin_mul_overflow(whole, 10u, &whole)) return false;
        if (__builtin_add_overflow(whole, (unsigned)(text->p[0] - '0'), &whole)) return false;
    }
    if (text->len && text->p[0] == '.') {
        *text = span_from(*text, 1);
        for (; text->len && is_digit(text->p[0]); digits++, *text = span_from(*text, 1)) {
            if (scale > UINT64_C(1000000000000)) continue;      /* below a nanosecond */
            fraction = fraction * 10 + (unsigned)(text->p[0] - '0');
            scale *= 10;
        }
    }
    if (digits == 0 || !take_unit(text, &unit_ns)) return false;
    if (__builtin_mul_overflow(whole, (uint64_t)unit_ns, &part)) return false;
    if (__builtin_add_overflow(*sum, part, sum)) return false;
    part = (uint64_t)((unsigned __int128)fraction * (uint64_t)unit_ns / scale);
    return !__builtin_add_overflow(*sum, part, sum);
}

enum status duration_parse(struct span text, int64_t *ns)
{
    bool negative = text.len > 0 && text.p[0] == '-';
    uint64_t sum = 0;

    if (text.len > 0 && (text.p[0] == '-' || text.p[0] == '+')) text = span_from(text, 1);
    if (text.len == 0) return ST_BAD_INPUT;
    if (!span_is(text, "0"))
        while (text.len > 0)
            if (!take_term(&text, &sum)) return ST_BAD_INPUT;
    if (sum > (uint64_t)INT64_MAX + (negative ? 1u : 0u)) return ST_BAD_INPUT;
    *ns = negative ? (int64_t)(0 - sum) : (int64_t)sum;
    return ST_OK;
}

/* value/scale with its unit, trailing zeros of the fraction dropped. */
static void append_scaled(struct buf *out, uint64_t value, uint64_t scale, const char *unit)
{
    uint64_t fraction = value % scale;

    buf_printf(out, "%" PRIu64, value / scale);
    if (fraction > 0) {
        char digits[21];
        int width = 0, n;
        for (uint64_t s = scale; s > 1; s /= 10) width++;
        n = snprintf(digits, sizeof digits, "%0*" PRIu64, width, fraction);
        while (n > 0 && digits[n - 1] == '0') n--;
        buf_printf(out, ".%.*s", n, digits);
    }
    buf_append_text(out, unit);
}

void duration_append(struct buf *out, int64_t ns)
{
    uint64_t u = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;

    if (ns < 0) buf_append_char(out, '-');
    if (u == 0) {
        buf_append_text(out, "0s");
    } else if (u < NS_PER_US) {
        append_scaled(out, u, 1, "ns");
    } else if (u < NS_PER_MS) {
        append_scaled(out, u, NS_PER_US, "\xc2\xb5s");
    } else if (u < NS_PER_S) {
        append_scaled(out, u, NS_PER_MS, "ms");
    } else {
        uint64_t minutes = u / (60 * NS_PER_S);
        if (minutes >= 60) buf_printf(out, "%" PRIu64 "h", minutes / 60);
        if (minutes > 0) buf_printf(out, "%" PRIu64 "m", minutes % 60);
        append_scaled(out, u % (60 * NS_PER_S), NS_PER_S, "s");
    }
}

void duration_append_uptime(struct buf *out, int64_t ns)
{
    int64_t s = ns / NS_PER_S, m = s / 60, h = m / 60, d = h / 24, y = d / 365;

    if (y > 0) buf_printf(out, "%" PRId64 "y", y);
    if (d > 0) buf_printf(out, "%" PRId64 "d", d % 365);
    if (h > 0) buf_printf(out, "%" PRId64 "h", h % 24);
    if (m > 0) buf_printf(out, "%" PRId64 "m", m % 60);
    buf_printf(out, "%" PRId64 "s", s % 60);
}

void duration_append_rfc3339(struct buf *out, int64_t wall_ns)
{
    time_t s = (time_t)(wall_ns / NS_PER_S);
    int64_t fraction = wall_ns % NS_PER_S;
    struct tm tm;

    if (fraction < 0) {
        fraction += NS_PER_S;
        s--;
    }
    gmtime_r(&s, &tm);
    buf_printf(out, "%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
               tm.tm_hour, tm.tm_min, tm.tm_sec);
    if (fraction > 0) {
        char digits[16];
        int n = snprintf(digits, sizeof digits, "%09" PRId64, fraction);
        while (digits[n - 1] == '0') n--;
        buf_printf(out, ".%.*s", n, digits);
    }
    buf_append_char(out, 'Z');
}
