/* SPDX-License-Identifier: Apache-2.0 */
/* query_test.c - queries, conversions with nats-server's error texts, bounds of pages. */
#include "monitor/query.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void assert_value(const char *raw, const char *name, const char *value)
{
    struct query q;
    struct span got;

    query_init(&q, span_of(raw));
    got = query_text(&q, name);
    if (!span_is(got, value))
        fail_msg("%s of \"%s\" is \"%.*s\", not \"%s\"", name, raw, SPAN_ARG(got), value);
    query_fini(&q);
}

static void test_texts(void **state)
{
    static const struct { const char *raw, *name, *value; } rows[] = {
        { "", "a", "" },
        { "a=1", "a", "1" },
        { "a=1&b=2", "b", "2" },
        { "a=1&a=2", "a", "1" },
        { "&&a=1&&", "a", "1" },
        { "a", "a", "" },
        { "a=", "a", "" },
        { "a=b=c", "a", "b=c" },
        { "a=x+y%20z", "a", "x y z" },
        { "%61=%24G", "a", "$G" },
        { "a=%zz&a=2", "a", "2" },
        { "a=%4&a=2", "a", "2" },
        { "a=%&a=2", "a", "2" },
        { "a=%41", "a", "A" },
        { "a=%4a%4A", "a", "JJ" },
        { "a=1;b=2&c=3", "a", "" },
        { "a=1;b=2&c=3", "c", "3" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_value(rows[i].raw, rows[i].name, rows[i].value);
}

static void test_pairs_max(void **state)
{
    struct buf raw = { 0 };

    (void)state;
    for (int i = 0; i < QUERY_PAIRS_MAX; i++) buf_printf(&raw, "n%d=%d&", i, i);
    assert_value(buf_text(&raw), "n63", "63");
    buf_append_text(&raw, "last=1");
    assert_value(buf_text(&raw), "last", "");
    buf_free(&raw);
}

enum kind { BOOL, INT, U64 };

static void check_number(enum kind kind, const char *raw, int64_t value, const char *text)
{
    struct query q;
    struct buf error = { 0 };
    int64_t i64 = -1;
    uint64_t u64 = 1;
    bool truth = true;
    enum status st;

    query_init(&q, span_of(raw));
    if (kind == BOOL) {
        st = query_bool(&q, "n", &truth, &error);
        i64 = truth;
    } else if (kind == INT) {
        st = query_int(&q, "n", &i64, &error);
    } else {
        st = query_u64(&q, "n", &u64, &error);
        i64 = (int64_t)u64;
    }
    if (!span_is(buf_span(&error), text)) fail_msg("%s gave: %s", raw, buf_text(&error));
    assert_int_equal(st, text[0] ? ST_BAD_INPUT : ST_OK);
    if (st == ST_OK && i64 != value) fail_msg("%s gave %lld", raw, (long long)i64);
    buf_free(&error);
    query_fini(&q);
}

static void test_numbers(void **state)
{
    static const struct { enum kind kind; const char *raw; int64_t value; const char *error; }
    rows[] = {
        { BOOL, "", 0, "" }, { BOOL, "n=", 0, "" }, { BOOL, "n=1", 1, "" },
        { BOOL, "n=T", 1, "" }, { BOOL, "n=True", 1, "" }, { BOOL, "n=0", 0, "" },
        { BOOL, "n=FALSE", 0, "" },
        { BOOL, "n=yes", 0, "Error decoding boolean for 'n': strconv.ParseBool: parsing \"yes\": "
                            "invalid syntax" },
        { BOOL, "n=tRue", 0, "Error decoding boolean for 'n': strconv.ParseBool: "
                             "parsing \"tRue\": invalid syntax" },
        { BOOL, "n=%22%5c%0a%00%ff%c3%a9", 0,
          "Error decoding boolean for 'n': strconv.ParseBool: "
          "parsing \"\\\"\\\\\\n\\x00\\xff\xc3\xa9\": invalid syntax" },
        { INT, "", 0, "" }, { INT, "n=7", 7, "" }, { INT, "n=-7", -7, "" },
        { INT, "n=%2B7", 7, "" },
        { INT, "n=9223372036854775807", INT64_MAX, "" },
        { INT, "n=9223372036854775808", 0, "Error decoding int for 'n': strconv.Atoi: "
                                           "parsing \"9223372036854775808\": value out of range" },
        { INT, "n=-", 0, "Error decoding int for 'n': strconv.Atoi: parsing \"-\": "
                         "invalid syntax" },
        { INT, "n=1x", 0, "Error decoding int for 'n': strconv.Atoi: parsing \"1x\": "
                          "invalid syntax" },
        { INT, "n=+7", 0, "Error decoding int for 'n': strconv.Atoi: parsing \" 7\": "
                          "invalid syntax" },
        { U64, "n=18446744073709551615", -1, "" },
        { U64, "n=18446744073709551616", 0,
          "Error decoding uint64 for 'n': strconv.ParseUint: "
          "parsing \"18446744073709551616\": value out of range" },
        { U64, "n=-1", 0, "Error decoding uint64 for 'n': strconv.ParseUint: parsing \"-1\": "
                          "invalid syntax" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check_number(rows[i].kind, rows[i].raw, rows[i].value, rows[i].error);
}

static void test_subs(void **state)
{
    static const struct { const char *raw; bool subs, detail; enum status st; } rows[] = {
        { "", false, false, ST_OK },
        { "subs=1", true, false, ST_OK },
        { "subs=detail", false, true, ST_OK },
        { "subs=DETAIL", false, true, ST_OK },
        { "subs=details", false, false, ST_BAD_INPUT },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct query q;
        struct buf error = { 0 };
        bool subs, detail;

        query_init(&q, span_of(rows[i].raw));
        assert_int_equal(query_subs(&q, &subs, &detail, &error), rows[i].st);
        assert_int_equal(subs, rows[i].subs);
        assert_int_equal(detail, rows[i].detail);
        buf_free(&error);
        query_fini(&q);
    }
}

static void test_pages(void **state)
{
    static const struct { const char *raw; size_t count, from, to; } rows[] = {
        { "", 0, 0, 0 },
        { "", 5, 0, 5 },
        { "", 2000, 0, 1024 },
        { "limit=2", 5, 0, 2 },
        { "offset=2&limit=2", 5, 2, 4 },
        { "offset=4&limit=2", 5, 4, 5 },
        { "offset=5&limit=2", 5, 5, 5 },
        { "offset=6", 5, 5, 5 },
        { "offset=-1&limit=-1", 2000, 0, 1024 },
        { "limit=0", 2000, 0, 1024 },
        { "offset=9223372036854775807&limit=9223372036854775807", 5, 5, 5 },
        { "offset=1&limit=9223372036854775807", 5, 1, 5 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct query q;
        struct buf error = { 0 };
        struct page page;
        size_t from, to;

        query_init(&q, span_of(rows[i].raw));
        assert_int_equal(query_page(&q, &page, &error), ST_OK);
        page_bounds(page, rows[i].count, &from, &to);
        if (from != rows[i].from || to != rows[i].to)
            fail_msg("%s of %zu gave [%zu, %zu)", rows[i].raw, rows[i].count, from, to);
        buf_free(&error);
        query_fini(&q);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),   cmocka_unit_test(test_pairs_max),
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_subs),
        cmocka_unit_test(test_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
