/* SPDX-License-Identifier: Apache-2.0 */
/* duration_test.c - what Go prints and parses for the same values. */
#include "base/duration.h"

#include <setjmp.h>
#include <stdarg.h>
#include <inttypes.h>

#include <cmocka.h>
#undef assert_fail

#include "base/rng.h"

/* Printed as Go 1.2x prints them, and read back. */
static void test_text(void **state)
{
    static const struct { int64_t ns; const char *text; } rows[] = {
        { 0, "0s" }, { 1, "1ns" }, { -1, "-1ns" }, { 100, "100ns" }, { 999, "999ns" },
        { 1000, "1µs" }, { 1001, "1.001µs" }, { 1500, "1.5µs" }, { 999999, "999.999µs" },
        { 1000000, "1ms" }, { 1000001, "1.000001ms" }, { -1500000, "-1.5ms" },
        { 999999999, "999.999999ms" }, { 1000000000, "1s" }, { 1500000000, "1.5s" },
        { 60000000000, "1m0s" }, { 61000000001, "1m1.000000001s" }, { 120000000000, "2m0s" },
        { 3599999999999, "59m59.999999999s" }, { 3600000000000, "1h0m0s" },
        { 3661000000000, "1h1m1s" }, { 86400000000000, "24h0m0s" },
        { 90061001002003, "25h1m1.001002003s" },
        { INT64_MAX, "2562047h47m16.854775807s" }, { INT64_MIN, "-2562047h47m16.854775808s" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf out = { 0 };
        int64_t ns = 42;
        duration_append(&out, rows[i].ns);
        assert_string_equal(buf_text(&out), rows[i].text);
        if (duration_parse(buf_span(&out), &ns) != ST_OK || ns != rows[i].ns)
            fail_msg("%s read as %" PRId64, rows[i].text, ns);
        buf_free(&out);
    }
}

static void test_parse(void **state)
{
    static const struct { const char *text; bool good; int64_t ns; } rows[] = {
        { "0", true, 0 }, { "+0", true, 0 }, { "-0", true, 0 }, { "0s", true, 0 },
        { "1.s", true, 1000000000 }, { ".5s", true, 500000000 }, { "1.5h", true, 5400000000000 },
        { "-1.5h", true, -5400000000000 }, { "+5m", true, 300000000000 },
        { "1h15m30.5s", true, 4530500000000 }, { "1us", true, 1000 },
        { "1\xc2\xb5s", true, 1000 }, { "1\xce\xbcs", true, 1000 }, { "1s1s", true, 2000000000 },
        { "0.1ns", true, 0 }, { "0.9999999999ns", true, 0 }, { "1.0000000001s", true, 1000000000 },
        { "0.100000000000000000000h", true, 360000000000 }, { "00001s", true, 1000000000 },
        { "9223372036854775807ns", true, INT64_MAX }, { "9223372036854775808ns", false, 0 },
        { "-9223372036854775808ns", true, INT64_MIN }, { "-9223372036854775809ns", false, 0 },
        { "2562048h", false, 0 }, { "99999999999999999999h", false, 0 },
        { "", false, 0 }, { "-", false, 0 }, { "1", false, 0 }, { "1x", false, 0 },
        { "s", false, 0 }, { ".s", false, 0 }, { "1 s", false, 0 }, { "1s ", false, 0 },
        { "--1s", false, 0 }, { "1e3s", false, 0 }, { "3m3", false, 0 }, { "1.-1s", false, 0 },
        { "1d", false, 0 }, { "1S", false, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t ns = 42;
        enum status st = duration_parse(span_of(rows[i].text), &ns);
        if (st != (rows[i].good ? ST_OK : ST_BAD_INPUT))
            fail_msg("%s: status %d", rows[i].text, st);
        if (ns != (rows[i].good ? rows[i].ns : 42)) fail_msg("%s: %" PRId64, rows[i].text, ns);
    }
}

static void test_random_round_trip(void **state)
{
    struct buf out = { 0 };
    struct rng rng;

    (void)state;
    rng_seed(&rng, 1972);
    for (int i = 0; i < 100000; i++) {
        int64_t want = (int64_t)(rng_next(&rng) >> rng_below(&rng, 64)), ns;
        if (rng_below(&rng, 2)) want = (int64_t)(0 - (uint64_t)want);
        out.len = 0;
        duration_append(&out, want);
        if (duration_parse(buf_span(&out), &ns) != ST_OK || ns != want)
            fail_msg("seed 1972: %" PRId64 " as %s", want, buf_text(&out));
    }
    buf_free(&out);
}

static void test_uptime(void **state)
{
    static const struct { int64_t s; const char *text; } rows[] = {
        { 0, "0s" }, { 59, "59s" }, { 60, "1m0s" }, { 245, "4m5s" }, { 3600, "1h0m0s" },
        { 86399, "23h59m59s" }, { 86400, "1d0h0m0s" }, { 259205, "3d0h0m5s" },
        { 365 * 86400, "1y0d0h0m0s" }, { 367 * 86400 + 11045, "1y2d3h4m5s" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf out = { 0 };
        duration_append_uptime(&out, rows[i].s * NS_PER_S + NS_PER_S - 1);
        assert_string_equal(buf_text(&out), rows[i].text);
        buf_free(&out);
    }
}

static void test_rfc3339(void **state)
{
    static const struct { int64_t ns; const char *text; } rows[] = {
        { 0, "1970-01-01T00:00:00Z" }, { 1, "1970-01-01T00:00:00.000000001Z" },
        { -1, "1969-12-31T23:59:59.999999999Z" }, { 123000000, "1970-01-01T00:00:00.123Z" },
        { 1582934400000000000, "2020-02-29T00:00:00Z" },
        { 1700000000123456789, "2023-11-14T22:13:20.123456789Z" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf out = { 0 };
        duration_append_rfc3339(&out, rows[i].ns);
        assert_string_equal(buf_text(&out), rows[i].text);
        buf_free(&out);
    }
}

static void test_read_rfc3339(void **state)
{
    static const struct { const char *text; int64_t ns; const char *why; } rows[] = {
        { "1970-01-01T00:00:00Z", 0, NULL },
        { "1969-12-31T23:59:59.999999999Z", -1, NULL },
        { "2026-01-02T15:04:05.123Z", 1767366245123000000, NULL },
        { "2026-01-02T15:04:05.1234567899Z", 1767366245123456789, NULL },
        { "2026-01-02T15:04:05+02:30", 1767357245000000000, NULL },
        { "2026-01-02T15:04:05.5-02:00", 1767373445500000000, NULL },
        { "2024-02-29T00:00:00Z", 1709164800000000000, NULL },
        { "0001-01-01T00:00:00Z", INT64_MIN, NULL }, { "9999-12-31T23:59:59Z", INT64_MAX, NULL },
        { "2262-04-11T23:47:16.854775807Z", INT64_MAX, NULL },
        { "2262-04-11T23:47:16.854775808Z", INT64_MAX, NULL },
        { "", 0, "parsing time \"\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"\" as "
          "\"2006\"" },
        { "x", 0, "parsing time \"x\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"x\" as "
          "\"2006\"" },
        { "2020-01-01T00:00:00", 0, "parsing time \"2020-01-01T00:00:00\" as "
          "\"2006-01-02T15:04:05Z07:00\": cannot parse \"\" as \"Z07:00\"" },
        { "2020-01-01 00:00:00Z", 0, "parsing time \"2020-01-01 00:00:00Z\" as "
          "\"2006-01-02T15:04:05Z07:00\": cannot parse \" 00:00:00Z\" as \"T\"" },
        { "2020-13-01T00:00:00Z", 0, "parsing time \"2020-13-01T00:00:00Z\": "
          "month out of range" },
        { "2023-02-29T00:00:00Z", 0, "parsing time \"2023-02-29T00:00:00Z\": day out of range" },
        { "2020-01-01T24:00:00Z", 0, "parsing time \"2020-01-01T24:00:00Z\": "
          "hour out of range" },
        { "2020-01-01T00:00:00Zx", 0, "parsing time \"2020-01-01T00:00:00Zx\": "
          "extra text: \"x\"" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct error why = { "" };
        int64_t ns = 42;
        enum status st = duration_parse_rfc3339(span_of(rows[i].text), &ns, &why);
        if (st != (rows[i].why == NULL ? ST_OK : ST_BAD_INPUT))
            fail_msg("%s: status %d", rows[i].text, st);
        if (st == ST_OK && ns != rows[i].ns) fail_msg("%s: %" PRId64, rows[i].text, ns);
        if (st != ST_OK) assert_string_equal(why.text, rows[i].why);
    }
    assert_int_equal(duration_parse_rfc3339(SPAN_LIT("2020"), &(int64_t){ 0 }, NULL),
                     ST_BAD_INPUT);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_random_round_trip),
        cmocka_unit_test(test_uptime),
        cmocka_unit_test(test_rfc3339),
        cmocka_unit_test(test_read_rfc3339),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
