/* SPDX-License-Identifier: Apache-2.0 */
/* connect_test.c - CONNECT as Go reads it, row by row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "proto/connect.h"

static enum status parse(struct connect_options *o, const char *json)
{
    struct error why;

    connect_options_init(o);
    return connect_options_parse(o, span_of(json), &why);
}

static void takes_every_key(void **state)
{
    struct connect_options o;

    (void)state;
    assert_int_equal(parse(&o,
        "{\"echo\":false,\"verbose\":false,\"pedantic\":false,\"tls_required\":true,"
        "\"nkey\":\"N\",\"jwt\":\"J\",\"sig\":\"S\",\"auth_token\":\"T\",\"user\":\"u\","
        "\"pass\":\"p\",\"name\":\"n\",\"lang\":\"c\",\"version\":\"1.2\",\"protocol\":1,"
        "\"account\":\"A\",\"new_account\":true,\"headers\":true,\"no_responders\":true,"
        "\"import\":{\"allow\":[\"a\",null],\"deny\":null,\"x\":1},\"export\":null,"
        "\"remote_account\":\"R\",\"proxy_sig\":\"P\",\"unknown\":[{\"x\":1.5e3}]}"), ST_OK);
    assert_false(o.echo || o.verbose || o.pedantic);
    assert_true(o.tls_required && o.new_account && o.headers && o.no_responders);
    assert_int_equal(o.protocol, 1);
    assert_true(span_is(o.nkey, "N") && span_is(o.jwt, "J") && span_is(o.sig, "S"));
    assert_true(span_is(o.auth_token, "T") && span_is(o.user, "u") && span_is(o.pass, "p"));
    assert_true(span_is(o.name, "n") && span_is(o.lang, "c") && span_is(o.version, "1.2"));
    assert_true(span_is(o.account, "A") && span_is(o.remote_account, "R"));
    assert_true(span_is(o.proxy_sig, "P"));
    connect_options_fini(&o);
    assert_null(o.pass.p);
}

static void reads_text_as_go_does(void **state)
{
    static const struct { const char *json; bool ok; const char *user; } rows[] = {
        { "{}", true, "" }, { " { } \r\n", true, "" }, { "null", true, "" },
        { "{\"user\":\"a\",\"user\":\"b\"}", true, "b" },
        { "{\"user\":\"a\",\"USER\":\"b\"}", true, "b" },
        { "{\"uSeR\":\"a\"}", true, "a" }, { "{\"user\":\"a\",\"USER\":null}", true, "a" },
        { "{\"user\":\"\\u00e9\\ud83d\\ude00\"}", true, "\xc3\xa9\xf0\x9f\x98\x80" },
        { "{\"user\":\"a\xff z\"}", true, "a\xef\xbf\xbd z" },
        { "{\"user\":\"\xe2\x82\"}", true, "\xef\xbf\xbd\xef\xbf\xbd" },
        { "{\"user\":\"\xed\xa0\x80\"}", true, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
        { "{\"user\":\"\\ud800\"}", true, "\xef\xbf\xbd" },
        { "{\"user\":\"\\ud800\\ud800\\udc00\"}", true, "\xef\xbf\xbd\xf0\x90\x80\x80" },
        { "{\"user\":\"\\udc00x\"}", true, "\xef\xbf\xbdx" },
        { "{\"user\":\"\\\\ud800 \\\"[{\"}", true, "\\ud800 \"[{" },
        { "{\"protocol\":-1}", true, "" }, { "{\"big\":12.5e300}", true, "" },
        { "", false, "" }, { "{", false, "" }, { "[]", false, "" }, { "1", false, "" },
        { "\"x\"", false, "" }, { "{} x", false, "" }, { "{\"user\":1}", false, "" },
        { "{\"user\":true}", false, "" }, { "{\"user\":[]}", false, "" },
        { "{\"verbose\":1}", false, "" }, { "{\"verbose\":\"true\"}", false, "" },
        { "{\"verbose\":tru}", false, "" }, { "{\"protocol\":\"1\"}", false, "" },
        { "{\"protocol\":1.0}", false, "" }, { "{\"protocol\":1e0}", false, "" },
        { "{\"protocol\":9223372036854775808}", false, "" }, { "{'user':1}", false, "" },
        { "{\"user\":\"a\",}", false, "" }, { "{\"user\":\"\n\"}", false, "" },
        { "{\"import\":[]}", false, "" }, { "{\"import\":{\"allow\":\"a\"}}", false, "" },
        { "{\"export\":{\"deny\":[1]}}", false, "" }, { "{\"user\":\"\\u12\"}", false, "" },
        { "{\xff}", false, "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct connect_options o;
        bool ok = parse(&o, rows[i].json) == ST_OK;
        if (ok != rows[i].ok || (ok && !span_is(o.user, rows[i].user)))
            fail_msg("row %zu: %s gives %d, user '%.*s'", i, rows[i].json, ok, SPAN_ARG(o.user));
        connect_options_fini(&o);
    }
}

static void keeps_nul_bytes(void **state)
{
    struct connect_options o;

    (void)state;
    assert_int_equal(parse(&o, "{\"pass\":\"a\\u0000b\"}"), ST_OK);
    assert_true(span_equal(o.pass, span_make("a\0b", 3)));
    connect_options_fini(&o);
}

static void second_connect_builds_on_first(void **state)
{
    struct connect_options o;
    struct error why;

    (void)state;
    assert_int_equal(parse(&o, "{\"verbose\":false,\"user\":\"a\",\"pass\":\"p\"}"), ST_OK);
    assert_int_equal(connect_options_parse(&o, SPAN_LIT("{\"user\":\"b\"}"), &why), ST_OK);
    assert_true(!o.verbose && span_is(o.user, "b") && span_is(o.pass, "p"));
    connect_options_set(&o.pass, SPAN_LIT("cookie"));
    connect_options_set(&o.user, o.pass);
    assert_true(span_is(o.user, "cookie"));
    connect_options_fini(&o);
}

static enum status parse_nested(unsigned depth)
{
    struct connect_options o;
    struct buf b = { 0 };
    enum status st;

    buf_append_text(&b, "{\"x\":");
    for (unsigned i = 1; i < depth; i++) buf_append_char(&b, '[');
    if (depth == 1) buf_append_char(&b, '0');
    for (unsigned i = 1; i < depth; i++) buf_append_char(&b, ']');
    buf_append_char(&b, '}');
    connect_options_init(&o);
    st = connect_options_parse(&o, buf_span(&b), NULL);
    connect_options_fini(&o);
    buf_free(&b);
    return st;
}

static void nesting_is_limited(void **state)
{
    (void)state;
    assert_int_equal(parse_nested(1), ST_OK);
    assert_int_equal(parse_nested(CONNECT_DEPTH_MAX), ST_OK);
    assert_int_equal(parse_nested(CONNECT_DEPTH_MAX + 1), ST_BAD_JSON);
    assert_int_equal(parse_nested(1000000), ST_BAD_JSON);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_every_key), cmocka_unit_test(reads_text_as_go_does),
        cmocka_unit_test(keeps_nul_bytes), cmocka_unit_test(second_connect_builds_on_first),
        cmocka_unit_test(nesting_is_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
