/* SPDX-License-Identifier: Apache-2.0 */
/* js_facts_test.c - statistics, configuration and limits byte for byte. */
#include "monitor/js_facts.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "jetstream/js_level.h"

#define TEXT_OF(number) #number
#define TEXT(macro) TEXT_OF(macro)

typedef void put_f(struct jsonw *w, const void *arg);

static void check(put_f *put, const void *arg, const char *expected)
{
    struct buf out = { 0 };
    struct jsonw w = jsonw_start(&out);

    jsonw_object(&w, NULL);
    put(&w, arg);
    jsonw_end_object(&w);
    assert_string_equal(buf_text(&out), expected);
    buf_free(&out);
}

static void put_stats(struct jsonw *w, const void *arg)
{
    js_facts_put_stats(w, arg);
}

static void put_account(struct jsonw *w, const void *arg)
{
    js_facts_put_account_stats(w, arg);
}

static void put_limits(struct jsonw *w, const void *arg)
{
    js_facts_put_limits(w, arg);
}

struct config {
    struct js_facts facts;
    struct options_jetstream options;
};

static void put_config(struct jsonw *w, const void *arg)
{
    const struct config *c = arg;

    js_facts_put_config(w, &c->facts, &c->options, "/t");
}

static void test_stats(void **state)
{
    struct js_facts f = { .enabled = true, .memory = 1, .store = 2, .memory_reserved = 3,
                          .store_reserved = 4, .account_count = 5, .api_total = 6,
                          .api_errors = 7 };
    struct js_facts off = { .enabled = false };

    (void)state;
    check(put_stats, &f, "{\"memory\":1,\"storage\":2,\"reserved_memory\":3,"
          "\"reserved_storage\":4,\"accounts\":5,\"ha_assets\":0,"
          "\"api\":{\"level\":" TEXT(JS_API_LEVEL) ",\"total\":6,\"errors\":7}}");
    f.api_inflight = UINT64_MAX;
    check(put_stats, &f, "{\"memory\":1,\"storage\":2,\"reserved_memory\":3,"
          "\"reserved_storage\":4,\"accounts\":5,\"ha_assets\":0,"
          "\"api\":{\"level\":" TEXT(JS_API_LEVEL) ",\"total\":6,\"errors\":7,"
          "\"inflight\":18446744073709551615}}");
    check(put_stats, &off, "{\"memory\":0,\"storage\":0,\"reserved_memory\":0,"
          "\"reserved_storage\":0,\"accounts\":0,\"ha_assets\":0,"
          "\"api\":{\"level\":0,\"total\":0,\"errors\":0}}");
}

static void test_account_stats(void **state)
{
    const struct js_account_facts a = {
        .limits = JETSTREAM_ACCOUNT_LIMITS_NONE, .memory = 1, .store = 2, .memory_reserved = 3,
        .store_reserved = 4, .api_total = 5, .api_errors = 6,
    };
    const struct js_account_facts limited = { .limits = { .max_memory = 10, .max_store = 0 } };

    (void)state;
    check(put_account, &a, "{\"memory\":1,\"storage\":2,"
          "\"reserved_memory\":18446744073709551615,\"reserved_storage\":18446744073709551615,"
          "\"accounts\":0,\"ha_assets\":0,\"api\":{\"level\":0,\"total\":5,\"errors\":6}}");
    check(put_account, &limited, "{\"memory\":0,\"storage\":0,\"reserved_memory\":10,"
          "\"reserved_storage\":0,\"accounts\":0,\"ha_assets\":0,"
          "\"api\":{\"level\":0,\"total\":0,\"errors\":0}}");
}

static void test_config(void **state)
{
    char dir[] = "/d", domain[] = "hub", tag[] = "az";
    struct config c = {
        .facts = { .enabled = true, .max_memory = 8, .max_store = 9 },
        .options = { .store_dir = dir, .sync_interval_ns = 120000000000, .strict = true },
    };

    (void)state;
    check(put_config, &c, "{\"config\":{\"max_memory\":8,\"max_storage\":9,"
          "\"store_dir\":\"/d/jetstream\",\"sync_interval\":120000000000,\"sync_always\":true,"
          "\"strict\":true}}");
    c.options = (struct options_jetstream){ .sync = JETSTREAM_SYNC_INTERVAL,
                                            .sync_interval_ns = 5, .domain = domain,
                                            .unique_tag = tag };
    check(put_config, &c, "{\"config\":{\"max_memory\":8,\"max_storage\":9,"
          "\"store_dir\":\"/t/nats/jetstream\",\"sync_interval\":5,\"domain\":\"hub\","
          "\"unique_tag\":\"az\"}}");
    c.facts = (struct js_facts){ .enabled = false };
    check(put_config, &c, "{\"config\":{\"max_memory\":0,\"max_storage\":0}}");
}

static void test_limits(void **state)
{
    const struct jetstream_limit_options none = { 0 };
    const struct jetstream_limit_options all = {
        .max_request_batch = 1, .max_ack_pending = 2, .max_ha_assets = 3,
        .duplicate_window_ns = 4, .max_batch_inflight_per_stream = 5,
        .max_batch_inflight_total = 6, .max_batch_msgs = 7, .batch_timeout_ns = 8,
    };

    (void)state;
    check(put_limits, &none, "{\"limits\":{}}");
    check(put_limits, &all, "{\"limits\":{\"max_request_batch\":1,\"max_ack_pending\":2,"
          "\"max_ha_assets\":3,\"max_duplicate_window\":4,\"max_batch_inflight_per_stream\":5,"
          "\"max_batch_inflight_total\":6,\"max_batch_size\":7,\"max_batch_timeout\":8}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stats),
        cmocka_unit_test(test_account_stats),
        cmocka_unit_test(test_config),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
