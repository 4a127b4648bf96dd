/* SPDX-License-Identifier: Apache-2.0 */
/* connz_options_test.c - what /connz accepts, and the order of its list. */
#include "monitor/connz.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_errors(void **state)
{
    static const struct { const char *raw, *error; } rows[] = {
        { "", "" },
        { "sort=rtt&state=ANY&auth=1&subs=detail&cid=5&user=u&acc=a", "" },
        { "sort=foo", "invalid sorting option: foo" },
        { "sort=stop", "sort by stop only valid on closed connections" },
        { "sort=stop&state=all", "sort by stop only valid on closed connections" },
        { "sort=stop&state=closed", "" },
        { "sort=reason&state=open", "sort by reason only valid on closed connections" },
        { "state=Foo", "Error decoding state for Foo" },
        { "state=Foo&sort=foo", "Error decoding state for Foo" },
        { "cid=x", "Error decoding uint64 for 'cid': strconv.ParseUint: parsing \"x\": "
                   "invalid syntax" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct connz_options o = { .page = { 0, 0 } };
        struct query q;
        struct buf error = { 0 };
        enum status st;

        query_init(&q, span_of(rows[i].raw));
        st = connz_options_read(&o, &q, &error);
        if (!span_is(buf_span(&error), rows[i].error))
            fail_msg("%s gave: %s", rows[i].raw, buf_text(&error));
        assert_int_equal(st, rows[i].error[0] ? ST_BAD_INPUT : ST_OK);
        buf_free(&error);
        query_fini(&q);
    }
}

static void test_cid_sets_limit(void **state)
{
    struct connz_options o = { .page = { 0, 0 } };
    struct query q;
    struct buf error = { 0 };

    (void)state;
    query_init(&q, SPAN_LIT("cid=5&limit=100&user=u&acc=a&mqtt_client=m&state=closed"));
    assert_int_equal(connz_options_read(&o, &q, &error), ST_OK);
    assert_int_equal(o.cid, 5);
    assert_int_equal(o.page.limit, 1);
    assert_int_equal(o.state, CONNZ_CLOSED);
    assert_true(span_is(o.user, "u") && span_is(o.account, "a") && span_is(o.mqtt_client, "m"));
    query_fini(&q);
}

static void test_order(void **state)
{
    static const struct connz_key in[] = {
        { .cid = 3, .value = 10 }, { .cid = 1, .value = 20 }, { .cid = 2, .value = 10 },
        { .cid = 3, .value = 10 }, { .cid = 2, .value = 5, .closed = true },
    };
    static const struct { enum connz_sort sort; uint64_t cids[4]; bool closed[4]; } rows[] = {
        { CONNZ_CID, { 1, 2, 2, 3 }, { false, false, true, false } },
        { CONNZ_START, { 1, 2, 2, 3 }, { false, false, true, false } },
        { CONNZ_SUBS, { 1, 2, 3, 2 }, { false, false, false, true } },
        { CONNZ_RTT, { 1, 2, 3, 2 }, { false, false, false, true } },
        { CONNZ_UPTIME, { 2, 2, 3, 1 }, { true, false, false, false } },
        { CONNZ_REASON, { 2, 2, 3, 1 }, { true, false, false, false } },
        { CONNZ_STOP, { 1, 2, 3, 2 }, { false, false, false, true } },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct connz_key keys[COUNT_OF(in)];

        memcpy(keys, in, sizeof in);
        assert_int_equal(connz_sort_keys(keys, COUNT_OF(in), rows[i].sort), 4);
        for (size_t j = 0; j < 4; j++)
            if (keys[j].cid != rows[i].cids[j] || keys[j].closed != rows[i].closed[j])
                fail_msg("row %zu: cid %llu at %zu", i, (unsigned long long)keys[j].cid, j);
    }
    assert_int_equal(connz_sort_keys(NULL, 0, CONNZ_RTT), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_cid_sets_limit),
        cmocka_unit_test(test_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
