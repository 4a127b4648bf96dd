/* SPDX-License-Identifier: Apache-2.0 */
/* consumer_config_test.c - consumer configurations read, checked, changed and written, compared
 * with what nats-server answers to the same requests. */
#include "jetstream/consumer_config.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#undef assert_fail
#include <jansson.h>

#include "base/duration.h"
#include "base/mem.h"
#include "jetstream/json_in.h"

static const struct row {
    const char *stream, *request;
    int err;
    const char *want;
} rows[] = {
#define CREATE(stream, request, err, want) { stream, request, err, want },
#include "jetstream/consumer_config_rows.def"
#undef CREATE
};

static void make_stream(struct stream_config *c, const char *text)
{
    const struct stream_config_rules rules = { .strict = true };
    struct error why;
    struct js_error e;
    json_t *tree = json_in_parse(span_of(text), &why);

    assert_int_equal(stream_config_parse(c, tree, &rules, &e), JS_OK);
    assert_int_equal(stream_config_check(c, &rules, &e), JS_OK);
    json_decref(tree);
}

/* Of a request {"config":{..},"pedantic":..}. */
static enum js_err parse(struct consumer_config *c, const char *request,
                         struct stream_config_rules *rules, struct js_error *e)
{
    struct error why;
    json_t *tree = json_in_parse(span_of(request), &why);
    enum js_err err;

    assert_non_null(tree);
    rules->pedantic = stream_config_is_pedantic(tree);
    err = consumer_config_parse(c, json_object_get(tree, "config"), rules, e);
    json_decref(tree);
    return err;
}

static enum js_err create(struct consumer_config *c, const char *request,
                          const struct stream_config *stream, struct stream_config_rules *rules,
                          struct js_error *e)
{
    enum js_err err = parse(c, request, rules, e);

    if (err != JS_OK) return err;
    if (c->replicas > 1) return js_error_set(e, JS_ERR_STREAM_REPLICAS_NOT_SUPPORTED);
    consumer_config_set_static(c);
    if ((err = consumer_config_check(c, stream, rules, e)) == JS_OK)
        consumer_config_fill_threshold(c);
    return err;
}

static void check_round_trip(const struct consumer_config *c, const char *written)
{
    struct stream_config_rules rules = { .strict = true };
    struct consumer_config again, copy;
    struct js_error e;
    char *request = mem_printf("{\"config\":%s}", written);

    assert_int_equal(parse(&again, request, &rules, &e), JS_OK);
    assert_true(consumer_config_equal(c, &again));
    consumer_config_copy(&copy, c);
    assert_true(consumer_config_equal(c, &copy));
    consumer_config_free(&again);
    consumer_config_free(&copy);
    mem_free(request);
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct row *r = &rows[i];
        struct stream_config_rules rules = { .strict = true };
        struct stream_config stream;
        struct consumer_config c;
        struct js_error e = { .err = JS_OK };
        struct buf out = { 0 };
        struct jsonw w = jsonw_start(&out);
        make_stream(&stream, r->stream);
        enum js_err err = create(&c, r->request, &stream, &rules, &e);
        if (err != (enum js_err)r->err)
            fail_msg("%s: %d \"%s\", not %d", r->request, err, e.text, r->err);
        if (err == JS_OK) consumer_config_write(&c, &w, NULL);
        else buf_append_text(&out, e.text);
        if (!span_is(buf_span(&out), r->want))
            fail_msg("%s:\n%s\nis not\n%s", r->request, buf_text(&out), r->want);
        if (err == JS_OK) check_round_trip(&c, buf_text(&out));
        buf_free(&out);
        consumer_config_free(&c);
        stream_config_free(&stream);
    }
}

#define STREAM "{\"name\":\"S\",\"subjects\":[\"s.>\"]}"

static enum js_err check(const char *request, struct stream_config_rules rules,
                         struct js_error *e)
{
    struct stream_config stream;
    struct consumer_config c;
    enum js_err err;

    make_stream(&stream, STREAM);
    err = create(&c, request, &stream, &rules, e);
    consumer_config_free(&c);
    stream_config_free(&stream);
    return err;
}

static enum js_err check_long(const char *format, size_t count, struct js_error *e)
{
    char *text = mem_zero(count + 1), *request;
    enum js_err err;

    memset(text, 'A', count);
    request = mem_printf(format, text);
    err = check(request, (struct stream_config_rules){ .strict = true }, e);
    mem_free(request);
    mem_free(text);
    return err;
}

static void test_limits(void **state)
{
    struct js_error e;

    (void)state;
    assert_int_equal(check_long("{\"config\":{\"description\":\"%s\"}}", 4096, &e), JS_OK);
    assert_int_equal(check_long("{\"config\":{\"description\":\"%s\"}}", 4097, &e),
                     JS_ERR_CONSUMER_DESCRIPTION_TOO_LONG);
    assert_string_equal(e.text, "consumer description is too long, maximum allowed is 4096");
    assert_int_equal(check_long("{\"config\":{\"metadata\":{\"k\":\"%s\"}}}", 131072 - 17, &e),
                     JS_OK);
    assert_int_equal(check_long("{\"config\":{\"metadata\":{\"k\":\"%s\"}}}", 131072 - 16, &e),
                     JS_ERR_CONSUMER_METADATA_LENGTH);
    assert_string_equal(e.text, "consumer metadata exceeds maximum size of 128KB");
}

static void test_rules(void **state)
{
    struct stream_config_rules rules = { .strict = true, .max_ack_pending = 10,
                                         .account_max_ack_pending = -1, .max_request_batch = 20 };
    struct stream_config stream;
    struct consumer_config c;
    struct js_error e;

    (void)state;
    make_stream(&stream, STREAM);
    assert_int_equal(create(&c, "{\"config\":{\"ack_policy\":\"explicit\"}}", &stream, &rules, &e),
                     JS_OK);
    assert_int_equal(c.max_ack_pending, 10);
    assert_int_equal(c.max_request_batch, 20);
    consumer_config_free(&c);
    assert_int_equal(check("{\"config\":{\"max_ack_pending\":11}}", rules, &e),
                     JS_ERR_CONSUMER_MAX_PENDING_ACK_EXCESS);
    assert_string_equal(e.text, "consumer max ack pending exceeds system limit of 10");
    assert_int_equal(check("{\"config\":{\"max_batch\":20}}", rules, &e), JS_OK);
    assert_int_equal(check("{\"config\":{\"max_batch\":21}}", rules, &e),
                     JS_ERR_CONSUMER_MAX_REQUEST_BATCH_EXCEEDED);
    assert_string_equal(e.text, "consumer max request batch exceeds server limit of 20");
    assert_int_equal(check("{\"config\":{},\"pedantic\":true}", rules, &e), JS_ERR_PEDANTIC);
    assert_string_equal(e.text, "pedantic mode: max_request_batch must be set if it's JetStream "
                        "limits are set");
    rules.account_max_ack_pending = 5;
    assert_int_equal(check("{\"config\":{\"max_ack_pending\":6}}", rules, &e),
                     JS_ERR_CONSUMER_MAX_PENDING_ACK_EXCESS);
    assert_string_equal(e.text, "consumer max ack pending exceeds system limit of 5");
    stream_config_free(&stream);
}

/* Ack by flow control is of level 4: requests can't have it yet. */
static void test_ack_flow_control(void **state)
{
    struct stream_config_rules rules = { .strict = true };
    struct stream_config stream;
    struct consumer_config c;
    struct js_error e;

    (void)state;
    make_stream(&stream, STREAM);
    assert_int_equal(parse(&c, "{\"config\":{\"ack_policy\":\"flow_control\"}}", &rules, &e),
                     JS_ERR_INVALID_JSON);
    assert_string_equal(e.text, "invalid JSON: can not unmarshal \"\\\"flow_control\\\"\"");
    consumer_config_free(&c);
    c = (struct consumer_config){ .ack = JS_ACK_FLOW_CONTROL };
    assert_int_equal(consumer_config_level(&c), 4);
    assert_int_equal(consumer_config_check(&c, &stream, &rules, &e),
                     JS_ERR_CONSUMER_ACK_FC_REQUIRES_PUSH);
    c = (struct consumer_config){ .ack = JS_ACK_FLOW_CONTROL, .deliver_subject = mem_dup("d") };
    rules.pedantic = true;
    assert_int_equal(consumer_config_check(&c, &stream, &rules, &e),
                     JS_ERR_CONSUMER_ACK_FC_REQUIRES_FC);
    c.flow_control = true;
    assert_int_equal(consumer_config_check(&c, &stream, &rules, &e),
                     JS_ERR_STREAM_INVALID_CONFIG);
    assert_string_equal(e.text, "flow control ack policy heartbeat needs to be 1s");
    rules.pedantic = false;
    assert_int_equal(consumer_config_check(&c, &stream, &rules, &e), JS_OK);
    assert_true(c.flow_control && c.idle_heartbeat == NS_PER_S && c.max_ack_pending == 1000);
    c.ack_wait = 1;
    assert_int_equal(consumer_config_check(&c, &stream, &rules, &e),
                     JS_ERR_CONSUMER_ACK_FC_REQUIRES_NO_ACK_WAIT);
    c.ack_wait = 0;
    c.max_deliver = 1;
    assert_int_equal(consumer_config_check(&c, &stream, &rules, &e),
                     JS_ERR_CONSUMER_ACK_FC_REQUIRES_NO_MAX_DELIVER);
    c.max_deliver = -1;
    c.max_ack_pending = -1;
    assert_int_equal(consumer_config_check(&c, &stream, &rules, &e),
                     JS_ERR_CONSUMER_ACK_FC_REQUIRES_MAX_ACK_PENDING);
    consumer_config_free(&c);
    stream_config_free(&stream);
}

static void test_update(void **state)
{
    static const struct { const char *old, *next; enum js_err err; const char *text; } cases[] = {
        { "", "", JS_OK, NULL }, { "", "\"description\":\"x\",\"max_deliver\":5", JS_OK, NULL },
        { "", "\"deliver_policy\":\"new\"", JS_ERR_CONSUMER_CREATE,
          "deliver policy can not be updated" },
        { "", "\"mem_storage\":true", JS_ERR_CONSUMER_CREATE, "storage type can not be updated" },
        { "", "\"sourcing\":true", JS_ERR_CONSUMER_CREATE, "sourcing can not be updated" },
        { "\"deliver_subject\":\"d\"", "\"deliver_subject\":\"d\",\"direct\":true",
          JS_ERR_CONSUMER_CREATE, "direct can not be updated" },
        { "\"deliver_policy\":\"by_start_sequence\",\"opt_start_seq\":1",
          "\"deliver_policy\":\"by_start_sequence\",\"opt_start_seq\":2", JS_ERR_CONSUMER_CREATE,
          "start sequence can not be updated" },
        { "\"deliver_policy\":\"by_start_time\",\"opt_start_time\":\"2020-01-01T00:00:00Z\"",
          "\"deliver_policy\":\"by_start_time\",\"opt_start_time\":\"2020-01-01T00:00:01Z\"",
          JS_ERR_CONSUMER_CREATE, "start time can not be updated" },
        { "\"deliver_policy\":\"by_start_time\",\"opt_start_time\":\"2020-01-01T00:00:00Z\"",
          "\"deliver_policy\":\"by_start_time\",\"opt_start_time\":\"2020-01-01T01:00:00+01:00\"",
          JS_OK, NULL },
        { "", "\"ack_policy\":\"all\"", JS_ERR_CONSUMER_CREATE, "ack policy can not be updated" },
        { "", "\"replay_policy\":\"original\"", JS_ERR_CONSUMER_CREATE,
          "replay policy can not be updated" },
        { "\"deliver_subject\":\"d\"", "\"deliver_subject\":\"d\",\"idle_heartbeat\":1000000000",
          JS_ERR_CONSUMER_CREATE, "heart beats can not be updated" },
        { "\"deliver_subject\":\"d\",\"idle_heartbeat\":1000000000",
          "\"deliver_subject\":\"d\",\"idle_heartbeat\":1000000000,\"flow_control\":true",
          JS_ERR_CONSUMER_CREATE, "flow control can not be updated" },
        { "", "\"deliver_subject\":\"d\"", JS_ERR_CONSUMER_CREATE,
          "can not update pull consumer to push based" },
        { "\"deliver_subject\":\"d\"", "", JS_ERR_CONSUMER_CREATE,
          "can not update push consumer to pull based" },
        { "\"deliver_subject\":\"d\"", "\"deliver_subject\":\"e\"", JS_OK, NULL },
        { "", "\"max_waiting\":5", JS_ERR_CONSUMER_CREATE, "max waiting can not be updated" },
    };
    struct stream_config stream;

    (void)state;
    make_stream(&stream, STREAM);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct stream_config_rules rules = { .strict = true };
        struct consumer_config old, next;
        struct js_error e = { .err = JS_OK };
        char *a = mem_printf("{\"config\":{%s}}", cases[i].old);
        char *b = mem_printf("{\"config\":{%s}}", cases[i].next);
        assert_int_equal(create(&old, a, &stream, &rules, &e), JS_OK);
        assert_int_equal(create(&next, b, &stream, &rules, &e), JS_OK);
        if (consumer_config_check_update(&old, &next, &e) != cases[i].err)
            fail_msg("%s: %d %s", b, e.err, e.text);
        if (cases[i].text != NULL) assert_string_equal(e.text, cases[i].text);
        consumer_config_free(&old);
        consumer_config_free(&next);
        mem_free(a);
        mem_free(b);
    }
    stream_config_free(&stream);
}

static void test_filters(void **state)
{
    struct stream_config_rules rules = { .strict = true };
    struct consumer_config c;
    struct js_error e;
    struct span out[2];

    (void)state;
    assert_int_equal(parse(&c, "{\"config\":{}}", &rules, &e), JS_OK);
    assert_int_equal(consumer_config_filters(&c, out), 0);
    consumer_config_free(&c);
    parse(&c, "{\"config\":{\"filter_subject\":\"a\"}}", &rules, &e);
    assert_int_equal(consumer_config_filters(&c, out), 1);
    assert_true(span_is(out[0], "a"));
    consumer_config_free(&c);
    parse(&c, "{\"config\":{\"filter_subjects\":[\"a\",\"b\"]}}", &rules, &e);
    assert_int_equal(consumer_config_filters(&c, out), 2);
    assert_true(span_is(out[1], "b"));
    consumer_config_free(&c);
}

static void test_sampling(void **state)
{
    static const struct { const char *text; unsigned percent; } cases[] = {
        { "0", 0 }, { "30", 30 }, { "30%", 30 }, { "100", 100 }, { "250", 100 },
    };
    struct stream_config stream;

    (void)state;
    make_stream(&stream, STREAM);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct stream_config_rules rules = { .strict = true };
        struct consumer_config c;
        struct js_error e;
        char *request = mem_printf("{\"config\":{\"sample_freq\":\"%s\"}}", cases[i].text);
        assert_int_equal(create(&c, request, &stream, &rules, &e), JS_OK);
        assert_int_equal(c.sample_percent, cases[i].percent);
        consumer_config_free(&c);
        mem_free(request);
    }
    stream_config_free(&stream);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_ack_flow_control),
        cmocka_unit_test(test_update),
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_sampling),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
