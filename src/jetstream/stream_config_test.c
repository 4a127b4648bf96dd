/* SPDX-License-Identifier: Apache-2.0 */
/* stream_config_test.c - stream configurations read, checked, changed and written, compared with
 * what nats-server answers to the same requests. */
#include "jetstream/stream_config.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#undef assert_fail
#include <jansson.h>

#include "base/duration.h"
#include "base/mem.h"
#include "jetstream/json_in.h"

struct row {
    const char *old, *request;          /* old NULL: create */
    int err;
    const char *want;
};

static const struct row rows[] = {
#define CREATE(request, err, want) { NULL, request, err, want },
#define UPDATE(old, request, err, want) { old, request, err, want },
#include "jetstream/stream_config_rows.def"
#undef CREATE
#undef UPDATE
};

/* Bytes to a config; 10025 when they are none. */
static enum js_err parse(struct stream_config *c, const char *request,
                         struct stream_config_rules *rules, struct js_error *e)
{
    struct error why = { "" };
    json_t *tree = json_in_parse(span_of(request), &why);
    enum js_err err;

    *c = (struct stream_config){ 0 };
    if (tree == NULL) return js_error_set_arg(e, JS_ERR_INVALID_JSON, why.text);
    rules->pedantic = stream_config_is_pedantic(tree);
    err = stream_config_parse(c, tree, rules, e);
    json_decref(tree);
    return err;
}

/* As a server does, in its order; the stream is called A. */
static enum js_err create(struct stream_config *c, const char *request,
                          struct stream_config_rules *rules, struct js_error *e)
{
    enum js_err err;

    if ((err = parse(c, request, rules, e)) != JS_OK) return err;
    stream_config_set_static(c);
    if (!span_is(span_of(c->name), "A")) return js_error_set(e, JS_ERR_STREAM_MISMATCH);
    if ((err = stream_config_check_new(c, e)) != JS_OK) return err;
    if ((err = stream_config_check(c, rules, e)) != JS_OK) return err;
    if ((err = stream_config_check_replicas(c, e)) != JS_OK) return err;
    return stream_config_check_filters(c, e);
}

static enum js_err update(struct stream_config *c, const char *old, const char *request,
                          struct js_error *e)
{
    struct stream_config_rules rules = { .strict = true };
    struct stream_config before;
    enum js_err err;

    assert_int_equal(create(&before, old, &rules, e), JS_OK);
    err = parse(c, request, &rules, e);
    if (err == JS_OK) err = stream_config_check(c, &rules, e);
    stream_config_set_static(c);
    if (err == JS_OK) err = stream_config_check_update(&before, c, &rules, e);
    stream_config_free(&before);
    return err;
}

/* What was written reads as the same, and so does a copy. */
static void check_round_trip(const struct stream_config *c, const char *written)
{
    struct stream_config_rules rules = { .strict = true };
    struct stream_config again, copy;
    struct js_error e;

    assert_int_equal(parse(&again, written, &rules, &e), JS_OK);
    assert_true(stream_config_equal(c, &again));
    stream_config_copy(&copy, c);
    assert_true(stream_config_equal(c, &copy));
    stream_config_free(&again);
    stream_config_free(&copy);
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct row *r = &rows[i];
        struct stream_config_rules rules = { .strict = true };
        struct stream_config c;
        struct js_error e = { .err = JS_OK };
        enum js_err err = r->old != NULL ? update(&c, r->old, r->request, &e)
                                         : create(&c, r->request, &rules, &e);
        struct buf out = { 0 };
        struct jsonw w = jsonw_start(&out);
        if (err != (enum js_err)r->err)
            fail_msg("%s: %d \"%s\", not %d", r->request, err, e.text, r->err);
        if (err == JS_OK) stream_config_write(&c, &w, NULL);
        else buf_append_text(&out, e.text);
        if (!span_is(buf_span(&out), r->want))
            fail_msg("%s:\n%s\nis not\n%s", r->request, buf_text(&out), r->want);
        if (err == JS_OK) check_round_trip(&c, buf_text(&out));
        buf_free(&out);
        stream_config_free(&c);
    }
}

/* A request whose member key has a text of count bytes. */
static enum js_err create_long(const char *format, size_t count, struct js_error *e)
{
    struct stream_config_rules rules = { .strict = true };
    struct stream_config c;
    char *text = mem_zero(count + 1), *request;
    enum js_err err;

    memset(text, 'A', count);
    request = mem_printf(format, text);
    err = parse(&c, request, &rules, e);
    stream_config_set_static(&c);
    if (err == JS_OK) err = stream_config_check(&c, &rules, e);
    stream_config_free(&c);
    mem_free(request);
    mem_free(text);
    return err;
}

static void test_limits(void **state)
{
    static const struct { const char *format; size_t max; const char *text; } limits[] = {
        { "{\"name\":\"%s\"}", 255, "stream name is too long, maximum allowed is 255" },
        { "{\"name\":\"A\",\"description\":\"%s\"}", 4096,
          "stream description is too long, maximum allowed is 4096" },
        /* the server's own pair takes 16 bytes */
        { "{\"name\":\"A\",\"metadata\":{\"k\":\"%s\"}}", 131072 - 1 - 16,
          "stream metadata exceeds maximum size of 131072 bytes" },
    };
    struct js_error e;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        assert_int_equal(create_long(limits[i].format, limits[i].max, &e), JS_OK);
        assert_int_equal(create_long(limits[i].format, limits[i].max + 1, &e),
                         JS_ERR_STREAM_INVALID_CONFIG);
        assert_string_equal(e.text, limits[i].text);
    }
}

/* Transforms of all sources together. */
static void test_transform_limit(void **state)
{
    struct js_error e = { .err = JS_OK };

    (void)state;
    for (int count = 4096; count <= 4097; count++) {
        struct stream_config_rules rules = { .strict = true };
        struct stream_config c;
        struct buf request = { 0 };
        buf_append_text(&request, "{\"name\":\"A\",\"sources\":[{\"name\":\"B\"},{\"name\":\"C\","
                        "\"subject_transforms\":[");
        for (int i = 0; i < count; i++)
            buf_printf(&request, "%s{\"src\":\"%d\"}", i > 0 ? "," : "", i);
        buf_append_text(&request, "]}]}");
        enum js_err err = create(&c, buf_text(&request), &rules, &e);
        assert_int_equal(err, count == 4096 ? JS_OK : JS_ERR_STREAM_INVALID_CONFIG);
        buf_free(&request);
        stream_config_free(&c);
    }
    assert_string_equal(e.text, "too many subject transforms, maximum allowed is 4096");
}

/* More wildcards than can be compared. */
static void test_wildcard_limit(void **state)
{
    struct stream_config_rules rules = { .strict = true };
    struct stream_config c;
    struct buf request = { 0 };
    struct js_error e;

    (void)state;
    buf_append_text(&request, "{\"name\":\"A\",\"subjects\":[\"s.*.x\"");
    for (int i = 0; i < 2048; i++) buf_printf(&request, ",\"s.*.%d\"", i);
    buf_append_text(&request, "]}");
    assert_int_equal(create(&c, buf_text(&request), &rules, &e), JS_ERR_STREAM_INVALID_CONFIG);
    assert_string_equal(e.text, "too many subjects with wildcards");
    buf_free(&request);
    stream_config_free(&c);
}

/* Limits of server and account. */
static void test_rules(void **state)
{
    static const struct {
        struct stream_config_rules rules;
        const char *request;
        enum js_err err;
        const char *text;
    } cases[] = {
        { { .limit_duplicate_window = 60 * NS_PER_S }, "{\"name\":\"A\"}", JS_OK, NULL },
        { { .limit_duplicate_window = 60 * NS_PER_S }, "{\"name\":\"A\",\"pedantic\":true}",
          JS_ERR_PEDANTIC, "pedantic mode: duplicate window limits are higher than current "
          "limits" },
        { { .limit_duplicate_window = 60 * NS_PER_S },
          "{\"name\":\"A\",\"duplicate_window\":60000000000}", JS_OK, NULL },
        { { .limit_duplicate_window = 60 * NS_PER_S },
          "{\"name\":\"A\",\"duplicate_window\":60000000001}", JS_ERR_STREAM_INVALID_CONFIG,
          "duplicates window can not be larger then server limit of 1m0s" },
        { { .max_bytes_required = true }, "{\"name\":\"A\"}", JS_ERR_STREAM_MAX_BYTES_REQUIRED,
          "account requires a stream config to have max bytes set" },
        { { .max_bytes_required = true }, "{\"name\":\"A\",\"max_bytes\":5}", JS_OK, NULL },
        { { .account_stream_max_bytes = 5 }, "{\"name\":\"A\",\"max_bytes\":5}", JS_OK, NULL },
        { { .account_stream_max_bytes = 5 }, "{\"name\":\"A\",\"max_bytes\":6}",
          JS_ERR_STREAM_MAX_STREAM_BYTES_EXCEEDED,
          "stream max bytes exceeds account limit max stream bytes" },
        { { .account_stream_max_bytes = -1 }, "{\"name\":\"A\",\"max_bytes\":6}", JS_OK, NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct stream_config_rules rules = cases[i].rules;
        struct stream_config c;
        struct js_error e = { .err = JS_OK };
        enum js_err err = create(&c, cases[i].request, &rules, &e);
        if (err != cases[i].err) fail_msg("%zu: %d %s", i, err, e.text);
        if (cases[i].text != NULL) assert_string_equal(e.text, cases[i].text);
        if (i == 0) assert_int_equal(c.duplicate_window, 60 * NS_PER_S);
        stream_config_free(&c);
    }
}

/* Not strict: what is unknown, here or because of its level, is passed over. */
static void test_not_strict(void **state)
{
    struct stream_config_rules rules = { .strict = false };
    struct stream_config c;
    struct js_error e;

    (void)state;
    assert_int_equal(parse(&c, "{\"name\":\"A\",\"x\":{\"y\":[1]},\"allow_batched\":true,"
                           "\"mirror\":{\"name\":\"B\",\"consumer\":{\"name\":\"c\"}}}", &rules,
                           &e), JS_OK);
    assert_string_equal(c.name, "A");
    assert_false(c.allow_batched);
    assert_null(c.mirror->consumer_name);
    stream_config_free(&c);
    assert_int_equal(stream_config_parse(&c, NULL, &rules, &e), JS_OK);
    assert_null(c.name);
}

static void test_nul(void **state)
{
    struct stream_config_rules rules = { .strict = true };
    struct stream_config c;
    struct js_error e;

    (void)state;
    assert_int_equal(parse(&c, "{\"name\":\"A\\u0000B\"}", &rules, &e), JS_ERR_INVALID_JSON);
    assert_string_equal(e.text, "invalid JSON: json: NUL in the text of field "
                        "\"StreamConfig.name\"");
    stream_config_free(&c);
}

/* Fields of level 4 are checked though requests can't have them yet. */
static void test_level_4(void **state)
{
    struct stream_config_rules rules = { .strict = true };
    struct stream_config c;
    struct js_error e;

    (void)state;
    assert_int_equal(parse(&c, "{\"name\":\"A\",\"allow_batched\":true}", &rules, &e),
                     JS_ERR_INVALID_JSON);
    assert_string_equal(e.text, "invalid JSON: json: unknown field \"allow_batched\"");
    stream_config_free(&c);
    assert_int_equal(create(&c, "{\"name\":\"A\",\"mirror\":{\"name\":\"B\"}}", &rules, &e), JS_OK);
    c.allow_batched = true;
    assert_int_equal(stream_config_level(&c), 4);
    assert_int_equal(stream_config_check(&c, &rules, &e), JS_ERR_MIRROR_WITH_BATCH_PUBLISH);
    c.allow_batched = false;
    c.mirror->consumer_name = mem_dup("c");
    assert_int_equal(stream_config_check(&c, &rules, &e),
                     JS_ERR_MIRROR_DURABLE_CONSUMER_CFG_INVALID);
    c.mirror->consumer_deliver = mem_dup("d");
    assert_int_equal(stream_config_check(&c, &rules, &e), JS_OK);
    c.mirror->opt_start_seq = 1;
    assert_int_equal(stream_config_check(&c, &rules, &e),
                     JS_ERR_MIRROR_DURABLE_CONSUMER_CFG_INVALID);
    stream_config_free(&c);
    assert_int_equal(create(&c, "{\"name\":\"A\",\"sources\":[{\"name\":\"B\"},{\"name\":\"B\","
                            "\"subject_transforms\":[{\"src\":\"x\"}]}]}", &rules, &e), JS_OK);
    for (size_t i = 0; i < 2; i++) {
        c.sources[i].consumer_name = mem_dup("c");
        c.sources[i].consumer_deliver = mem_dup("d");
    }
    assert_int_equal(stream_config_check(&c, &rules, &e),
                     JS_ERR_SOURCE_DURABLE_CONSUMER_DUPLICATE_DETECTED);
    stream_config_free(&c);
}

static void test_level(void **state)
{
    static const struct { const char *request; unsigned level; } cases[] = {
        { "{}", 0 }, { "{\"allow_msg_ttl\":true}", 1 }, { "{\"subject_delete_marker_ttl\":1}", 1 },
        { "{\"allow_msg_counter\":true}", 2 }, { "{\"allow_atomic\":true}", 2 },
        { "{\"allow_msg_schedules\":true}", 2 }, { "{\"persist_mode\":\"async\"}", 2 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct stream_config_rules rules = { .strict = true };
        struct stream_config c;
        struct js_error e;
        assert_int_equal(parse(&c, cases[i].request, &rules, &e), JS_OK);
        assert_int_equal(stream_config_level(&c), cases[i].level);
        stream_config_free(&c);
    }
}

static void test_names(void **state)
{
    static const char *const bad[] = { "", " ", "a b", "a.b", "a*", ">", "a\tb", "a\\b", "a/b",
                                       "..", "a\r", "a\n", "a\f" };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) assert_false(js_name_is_valid(span_of(bad[i])));
    assert_false(js_name_is_valid(SPAN_LIT("a\0b")));
    assert_true(js_name_is_valid(SPAN_LIT("a-B_9\xc3\xa9")));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_transform_limit),
        cmocka_unit_test(test_wildcard_limit),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_not_strict),
        cmocka_unit_test(test_nul),
        cmocka_unit_test(test_level_4),
        cmocka_unit_test(test_level),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
