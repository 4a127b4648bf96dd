/* SPDX-License-Identifier: Apache-2.0 */
/* jsz_test.c - what /jsz accepts, and which accounts it shows. */
#include "monitor/jsz.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_errors(void **state)
{
#define BOOL_ERROR(name) "Error decoding boolean for '" name "': strconv.ParseBool: parsing " \
                         "\"x\": invalid syntax"
#define INT_ERROR(name) "Error decoding int for '" name "': strconv.Atoi: parsing \"x\": " \
                        "invalid syntax"
    static const struct { const char *raw, *error; } rows[] = {
        { "", "" },
        { "acc=x&unknown=x", "" },
        { "accounts=x&streams=x", BOOL_ERROR("accounts") },
        { "streams=x&consumers=x", BOOL_ERROR("streams") },
        { "consumers=x&direct-consumers=x", BOOL_ERROR("consumers") },
        { "direct-consumers=x&config=x", BOOL_ERROR("direct-consumers") },
        { "config=x&offset=x", BOOL_ERROR("config") },
        { "offset=x&limit=x", INT_ERROR("offset") },
        { "limit=x&leader-only=x", INT_ERROR("limit") },
        { "leader-only=x&raft=x", BOOL_ERROR("leader-only") },
        { "raft=x&stream-leader-only=x", BOOL_ERROR("raft") },
        { "stream-leader-only=x", BOOL_ERROR("stream-leader-only") },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct jsz_options o;
        struct query q;
        struct buf error = { 0 };
        enum status st;

        query_init(&q, span_of(rows[i].raw));
        st = jsz_options_read(&o, &q, &error);
        if (!span_is(buf_span(&error), rows[i].error))
            fail_msg("%s gave: %s", rows[i].raw, buf_text(&error));
        assert_int_equal(st, rows[i].error[0] ? ST_BAD_INPUT : ST_OK);
        buf_free(&error);
        query_fini(&q);
    }
}

static void test_implications(void **state)
{
    static const struct {
        const char *raw;
        bool accounts, streams;
        int64_t offset, limit;
    } rows[] = {
        { "", false, false, 0, 1024 },
        { "consumers=1", true, true, 0, 1024 },
        { "streams=1", true, true, 0, 1024 },
        { "streams=1&acc=A", false, true, 0, 1024 },
        { "accounts=true&offset=-1&limit=-1", true, false, 0, -1 },
        { "direct-consumers=1&offset=2&limit=3", false, false, 2, 3 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct jsz_options o;
        struct query q;
        struct buf error = { 0 };

        query_init(&q, span_of(rows[i].raw));
        assert_int_equal(jsz_options_read(&o, &q, &error), ST_OK);
        assert_int_equal(o.accounts, rows[i].accounts);
        assert_int_equal(o.streams, rows[i].streams);
        assert_int_equal(o.offset, rows[i].offset);
        assert_int_equal(o.limit, rows[i].limit);
        query_fini(&q);
    }
}

static void test_accounts(void **state)
{
    char a[] = "A", b[] = "B", c[] = "C";
    struct js_account_facts accounts[] = { { .name = a }, { .name = b }, { .name = c } };
    struct js_facts f = { .enabled = true, .accounts = accounts, .account_count = 3 };
    static const struct {
        const char *name;
        bool accounts;
        int64_t offset, limit;
        size_t from, to;
    } rows[] = {
        { "", false, 0, 1024, 0, 0 },
        { "", true, 0, 1024, 0, 3 },
        { "B", false, 2, 1, 1, 2 },
        { "B", true, 0, 1, 1, 2 },
        { "none", false, 0, 1024, 0, 0 },
        { "none", true, 0, 1024, 0, 3 },
        { "", true, 1, 1, 1, 2 },
        { "", true, 3, 1, 3, 3 },
        { "", true, INT64_MAX, INT64_MAX, 3, 3 },
        { "", true, 2, -1, 0, 3 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct jsz_options o = { .account = span_of(rows[i].name), .accounts = rows[i].accounts,
                                 .offset = rows[i].offset, .limit = rows[i].limit };
        size_t from, to;

        jsz_accounts(&o, &f, &from, &to);
        if (from != rows[i].from || to != rows[i].to)
            fail_msg("row %zu gave %zu to %zu", i, from, to);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_implications),
        cmocka_unit_test(test_accounts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
