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

static char *put_digits(char *p, int n, unsigned digits)
{
    for (unsigned i = digits; i > 0; i--, n /= 10) p[i - 1] = (char)('0' + n % 10);
    return p + digits;
}

/* The usual years, without the cost of printf: messages carry such times. */
static void append_moment(struct buf *out, const struct tm *tm, int64_t fraction)
{
    char text[32], *p = put_digits(text, tm->tm_year + 1900, 4);

    *p++ = '-';
    p = put_digits(p, tm->tm_mon + 1, 2);
    *p++ = '-';
    p = put_digits(p, tm->tm_mday, 2);
    *p++ = 'T';
    p = put_digits(p, tm->tm_hour, 2);
    *p++ = ':';
    p = put_digits(p, tm->tm_min, 2);
    *p++ = ':';
    p = put_digits(p, tm->tm_sec, 2);
    if (fraction > 0) {
        *p++ = '.';
        p = put_digits(p, (int)fraction, 9);
        while (p[-1] == '0') p--;
    }
    *p++ = 'Z';
    buf_append(out, text, (size_t)(p - text));
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
    if (tm.tm_year >= -1900 && tm.tm_year <= 9999 - 1900) {
        append_moment(out, &tm, fraction);
        return;
    }
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

/* ---- reading RFC 3339 ---- */

struct time_part {
    const char *layout;         /* what Go calls it */
    const char *name;           /* when it is out of range; NULL: any value */
    size_t digits;
    int64_t min, max;
    const char *before;         /* what stands before it */
};

enum { YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, PART_COUNT };

static const struct time_part time_parts[PART_COUNT] = {
    { "2006", NULL, 4, 0, 9999, "" },
    { "01", "month", 2, 1, 12, "-" },
    { "02", NULL, 2, 0, 99, "-" },
    { "15", "hour", 2, 0, 23, "T" },
    { "04", "minute", 2, 0, 59, ":" },
    { "05", "second", 2, 0, 59, ":" },
};

static bool take_digits(struct span *rest, size_t count, int64_t *out)
{
    *out = 0;
    if (rest->len < count) return false;
    for (size_t i = 0; i < count; i++) {
        if (!is_digit(rest->p[i])) return false;
        *out = *out * 10 + (rest->p[i] - '0');
    }
    *rest = span_from(*rest, count);
    return true;
}

/* "cannot parse" when layout is given, else what message says. */
static enum status time_error(struct error *why, struct span text, struct span rest,
                              const char *layout, const char *message)
{
    struct buf out = { 0 };

    buf_append_text(&out, "parsing time ");
    buf_append_quoted(&out, text);
    if (layout != NULL) {
        buf_append_text(&out, " as \"2006-01-02T15:04:05Z07:00\": cannot parse ");
        buf_append_quoted(&out, rest);
        buf_printf(&out, " as \"%s\"", layout);
    } else if (message != NULL) {
        buf_printf(&out, ": %s", message);
    }
    error_set(why, ST_BAD_INPUT, "%s", buf_text(&out));
    buf_free(&out);
    return ST_BAD_INPUT;
}

static int64_t days_in(int64_t year, int64_t month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return days[month - 1] + (leap && month == 2 ? 1 : 0);
}

static int64_t take_fraction(struct span *rest)
{
    int64_t ns = 0, unit = NS_PER_S;

    if (rest->len < 2 || rest->p[0] != '.' || !is_digit(rest->p[1])) return 0;
    *rest = span_from(*rest, 1);
    for (; rest->len > 0 && is_digit(rest->p[0]); *rest = span_from(*rest, 1)) {
        unit /= 10;
        ns += unit * (rest->p[0] - '0');
    }
    return ns;
}

/* Seconds east of UTC. */
static bool take_offset(struct span *rest, int64_t *seconds)
{
    struct span at = *rest;
    int64_t hours, minutes;
    bool west;

    *seconds = 0;
    if (at.len > 0 && at.p[0] == 'Z') {
        *rest = span_from(at, 1);
        return true;
    }
    if (at.len < 6 || (at.p[0] != '+' && at.p[0] != '-')) return false;
    west = at.p[0] == '-';
    at = span_from(at, 1);
    if (!take_digits(&at, 2, &hours) || at.p[0] != ':') return false;
    at = span_from(at, 1);
    if (!take_digits(&at, 2, &minutes) || hours > 23 || minutes > 59) return false;
    *seconds = (west ? -1 : 1) * (hours * 60 + minutes) * 60;
    *rest = at;
    return true;
}

enum status duration_parse_rfc3339(struct span text, int64_t *wall_ns, struct error *why)
{
    struct span rest = text;
    int64_t part[PART_COUNT], fraction, offset;
    struct tm tm = { 0 };

    for (size_t i = 0; i < PART_COUNT; i++) {
        const struct time_part *t = &time_parts[i];
        struct span before = span_of(t->before);
        if (!span_has_prefix(rest, before)) return time_error(why, text, rest, t->before, NULL);
        rest = span_from(rest, before.len);
        if (!take_digits(&rest, t->digits, &part[i]))
            return time_error(why, text, rest, t->layout, NULL);
        if (t->name != NULL && (part[i] < t->min || part[i] > t->max)) {
            char message[32];
            snprintf(message, sizeof message, "%s out of range", t->name);
            return time_error(why, text, rest, NULL, message);
        }
    }
    fraction = take_fraction(&rest);
    if (!take_offset(&rest, &offset)) return time_error(why, text, rest, "Z07:00", NULL);
    if (rest.len > 0) {
        struct buf message = { 0 };
        buf_append_text(&message, "extra text: ");
        buf_append_quoted(&message, rest);
        time_error(why, text, rest, NULL, buf_text(&message));
        buf_free(&message);
        return ST_BAD_INPUT;
    }
    if (part[DAY] < 1 || part[DAY] > days_in(part[YEAR], part[MONTH]))
        return time_error(why, text, rest, NULL, "day out of range");
    tm.tm_year = (int)part[YEAR] - 1900;
    tm.tm_mon = (int)part[MONTH] - 1;
    tm.tm_mday = (int)part[DAY];
    tm.tm_hour = (int)part[HOUR];
    tm.tm_min = (int)part[MINUTE];
    tm.tm_sec = (int)part[SECOND];
    offset = (int64_t)timegm(&tm) - offset;
    if (__builtin_mul_overflow(offset, NS_PER_S, wall_ns) ||
        __builtin_add_overflow(*wall_ns, fraction, wall_ns))
        *wall_ns = offset < 0 ? INT64_MIN : INT64_MAX;
    return ST_OK;
}
