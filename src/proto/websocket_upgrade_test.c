/* SPDX-License-Identifier: Apache-2.0 */
/* websocket_upgrade_test.c - what is let in, and with which answer; as nats-server 2.15.1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/websocket.h"

#define UP "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define V13 "Sec-WebSocket-Version: 13\r\n"
#define GOOD "Host: a.com\r\n" UP KEY V13
#define SWITCHING "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" \
    "Connection: Upgrade\r\n" \
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

struct result {
    struct http_parser parser;          /* holds what upgrade's spans point at */
    struct websocket_upgrade up;
    struct buf response;
    enum status st;
};

static void run(struct result *r, const struct websocket_rules *rules, const char *line,
                const char *fields)
{
    struct buf in = { 0 };
    size_t used;

    *r = (struct result){ 0 };
    buf_printf(&in, "%s HTTP/1.1\r\n%s\r\n", line, fields);
    assert_int_equal(http_parser_feed(&r->parser, buf_span(&in), &used), ST_OK);
    r->st = websocket_upgrade(&r->up, rules, &r->parser.request, false, &r->response);
    buf_free(&in);
}

static void result_fini(struct result *r)
{
    http_parser_fini(&r->parser);
    buf_free(&r->response);
}

static void refusals(void **state)
{
    static const struct { const char *line, *fields; int status; const char *reason; } rows[] = {
        { "POST /", GOOD, 405, "request method must be GET" },
        { "get /", GOOD, 405, "request method must be GET" },
        { "GET /", "Host:\r\n" UP KEY V13, 400, "'Host' missing in request" },
        { "GET /", "Host: a\r\nConnection: Upgrade\r\n" KEY V13, 400,
          "invalid value for header 'Upgrade'" },
        { "GET /", "Host: a\r\nUpgrade: websocket\r\nConnection: close\r\n" KEY V13, 400,
          "invalid value for header 'Connection'" },
        { "GET /", "Host: a\r\n" UP V13, 400, "key missing" },
        { "GET /", "Host: a\r\n" UP V13 "Sec-WebSocket-Key: x\r\n", 400, "invalid websocket key" },
        { "GET /", "Host: a\r\n" UP V13 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=a\r\n", 400,
          "invalid websocket key" },
        { "GET /", "Host: a\r\n" UP V13 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub2*jZQ==\r\n", 400,
          "invalid websocket key" },
        { "GET /", "Host: a\r\n" UP KEY, 400, "invalid version" },
        { "GET /", "Host: a\r\n" UP KEY "Sec-WebSocket-Version: 8\r\n", 400, "invalid version" },
        { "GET /mqtt", GOOD, 404, "mqtt websocket endpoint not enabled" },
        { "GET /x/leafnode?a=b", GOOD, 404, "leafnode websocket endpoint not enabled" },
    };
    static const struct websocket_rules rules = { .compression = true };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct result r;
        struct buf start = { 0 };
        run(&r, &rules, rows[i].line, rows[i].fields);
        buf_printf(&start, "HTTP/1.1 %d %s\r\n", rows[i].status, http_status_text(rows[i].status));
        if (r.st != ST_DENIED || strcmp(r.up.reason, rows[i].reason) != 0
            || !span_has_prefix(buf_span(&r.response), buf_span(&start)))
            fail_msg("row %zu: %s: %s", i, r.up.reason, buf_text(&r.response));
        buf_free(&start);
        result_fini(&r);
    }
}

static void refusal_bytes(void **state)
{
    static const struct websocket_rules rules = { 0 };
    struct result r;

    (void)state;
    run(&r, &rules, "POST /", GOOD);
    assert_string_equal(buf_text(&r.response),
        "HTTP/1.1 405 Method Not Allowed\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Sec-Websocket-Version: 13\r\nX-Content-Type-Options: nosniff\r\nContent-Length: 19\r\n"
        "Connection: close\r\n\r\nMethod Not Allowed\n");
    result_fini(&r);
}

static void early_data(void **state)
{
    static const struct websocket_rules rules = { 0 };
    struct result r;

    (void)state;
    run(&r, &rules, "GET /", GOOD);
    assert_int_equal(r.st, ST_OK);
    r.response.len = 0;
    assert_int_equal(websocket_upgrade(&r.up, &rules, &r.parser.request, true, &r.response),
                     ST_DENIED);
    assert_string_equal(r.up.reason, "client sent data before handshake is complete");
    result_fini(&r);
}

static void answers(void **state)
{
    static const struct { const char *line, *fields, *want; } rows[] = {
        { "GET /", GOOD, SWITCHING "X-A: b\r\n\r\n" },
        { "GET /", GOOD "Sec-WebSocket-Extensions: x, permessage-deflate; client_max_window_bits"
          "\r\n"
          "Nats-No-Masking: true\r\n", SWITCHING "Sec-WebSocket-Extensions: permessage-deflate; "
          "server_no_context_takeover; client_no_context_takeover\r\nNats-No-Masking: true\r\n"
          "X-A: b\r\n\r\n" },
        { "GET /", GOOD "Sec-WebSocket-Extensions: permessage-deflat\r\nNats-No-Masking: 1\r\n",
          SWITCHING "X-A: b\r\n\r\n" },
        { "GET /mqtt", GOOD, SWITCHING "Sec-Websocket-Protocol: mqtt\r\nX-A: b\r\n\r\n" },
    };
    static const struct websocket_rules rules = {
        .compression = true, .mqtt = true, .extra_headers = SPAN_LIT("X-A: b\r\n"),
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct result r;
        run(&r, &rules, rows[i].line, rows[i].fields);
        assert_int_equal(r.st, ST_OK);
        if (!span_is(buf_span(&r.response), rows[i].want))
            fail_msg("row %zu: %s", i, buf_text(&r.response));
        result_fini(&r);
    }
}

static void facts(void **state)
{
    static const struct websocket_rules rules = {
        .leafnode = true, .jwt_cookie = SPAN_LIT("j"), .user_cookie = SPAN_LIT("u"),
        .pass_cookie = SPAN_LIT("p"), .token_cookie = SPAN_LIT("t"),
    };
    struct result r;

    (void)state;
    run(&r, &rules, "GET /", GOOD "User-Agent: Mozilla/5.0 (Mac) Version/17 Safari/605\r\n"
        "Cookie: j=J; u=U; p=\"P\"; t=T\r\nX-Forwarded-For: 10.0.0.1\r\n"
        "Sec-WebSocket-Extensions: permessage-deflate\r\n");
    assert_int_equal(r.up.kind, WEBSOCKET_CLIENT);
    assert_true(r.up.browser && !r.up.fragment_compressed && !r.up.compress && !r.up.no_masking);
    assert_true(span_is(r.up.jwt, "J") && span_is(r.up.user, "U"));
    assert_true(span_is(r.up.pass, "P") && span_is(r.up.token, "T"));
    assert_true(span_is(r.up.client_ip, "10.0.0.1"));
    result_fini(&r);

    run(&r, &rules, "GET /leafnode", GOOD "User-Agent: Mozilla/5.0 Chrome/1 Safari/605\r\n"
        "Cookie: j=J\r\nX-Forwarded-For: 10.0.0.1, 10.0.0.2\r\n");
    assert_int_equal(r.up.kind, WEBSOCKET_LEAFNODE);
    assert_true(!r.up.browser && r.up.jwt.p == NULL && r.up.client_ip.p == NULL);
    result_fini(&r);

    run(&r, &rules, "GET /", GOOD "User-Agent: Mozilla/5.0 Chrome/1 Safari/605\r\n"
        "X-Forwarded-For: 2001:db8::1\r\n");
    assert_true(r.up.browser && r.up.fragment_compressed && span_is(r.up.client_ip, "2001:db8::1"));
    result_fini(&r);
}

static void origins(void **state)
{
    enum { SAME = 1, LIST = 2, TLS = 4 };
    static const struct { int rules; const char *field, *problem; } rows[] = {
        { 0, "Origin: http://evil", NULL }, { SAME, "X: y", NULL }, { SAME, "Origin:", NULL },
        { SAME, "Origin: http://a.com", NULL }, { SAME, "Origin: HTTP://A.COM:80", NULL },
        { SAME, "Origin: http://a.com/path?q", NULL },
        { SAME | TLS, "Origin: https://a.com", NULL },
        { SAME, "Origin: https://a.com", "not same origin" },
        { SAME, "Origin: https://a.com:80", "not same origin" },
        { SAME, "Origin: http://a.com:81", "not same origin" },
        { SAME, "Origin: http://b.com", "not same origin" },
        { SAME, "Origin: http://a.com.b.com", "not same origin" },
        { SAME, "Origin: null", "parse \"null\": invalid URI for request" },
        { SAME, "Origin: /x", "not same origin" },
        { SAME, "Origin: http://a:1:2", "malformed address" },
        { SAME, "Sec-WebSocket-Origin: http://b.com", "not same origin" },
        { LIST, "Origin: https://b.com", NULL }, { LIST, "Origin: http://c.com:8080", NULL },
        { LIST, "Origin: https://b.com:444", "not in the allowed list" },
        { LIST, "Origin: http://b.com:443", "not in the allowed list" },
        { LIST, "Origin: http://c.com", "not in the allowed list" },
        { LIST, "Origin: http://x@d.com:1@c.com:8080", NULL },
        { LIST | SAME, "Origin: http://a.com", "not in the allowed list" },
    };
    struct websocket_origin list[2];
    struct error why;

    (void)state;
    assert_int_equal(websocket_origin_parse(&list[0], SPAN_LIT("https://B.com"), &why), ST_OK);
    assert_int_equal(websocket_origin_parse(&list[1], SPAN_LIT("http://c.com:8080/"), &why), ST_OK);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct websocket_rules rules = {
            .same_origin = rows[i].rules & SAME, .tls = rows[i].rules & TLS, .origins = list,
            .origin_count = rows[i].rules & LIST ? 2 : 0,
        };
        struct buf fields = { 0 }, want = { 0 };
        struct result r;
        buf_printf(&fields, GOOD "%s\r\n", rows[i].field);
        run(&r, &rules, "GET /", buf_text(&fields));
        if (rows[i].problem != NULL) buf_printf(&want, "origin not allowed: %s", rows[i].problem);
        if (strcmp(buf_text(&want), r.up.reason) != 0 || (r.st == ST_OK) != (want.len == 0))
            fail_msg("row %zu: %s: '%s'", i, rows[i].field, r.up.reason);
        buf_free(&fields);
        buf_free(&want);
        result_fini(&r);
    }
    websocket_origin_fini(&list[0]);
    websocket_origin_fini(&list[1]);
}

static void bad_options(void **state)
{
    static const struct { const char *origin, *want; } rows[] = {
        { "x", "unable to parse allowed origin: parse \"x\": invalid URI for request" },
        { "ftp://a", "unable to parse allowed origin \"ftp://a\": allowed origins must be absolute "
          "URLs with http or https scheme" },
        { "http://", "unable to parse allowed origin \"http://\": host is required" },
        { "http:a", "unable to parse allowed origin \"http:a\": host is required" },
        { "http://a:1:2", "unable to parse allowed origin: address a:1:2: too many colons in "
          "address" },
    };
    static const char *const headers[] = {
        "Host", "content-length", "Connection", "Upgrade", "Nats-No-Masking", "sec-websocket-x",
    };
    struct websocket_origin o;
    struct error why;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(websocket_origin_parse(&o, span_of(rows[i].origin), &why), ST_BAD_INPUT);
        assert_string_equal(why.text, rows[i].want);
    }
    for (size_t i = 0; i < COUNT_OF(headers); i++)
        assert_non_null(websocket_check_header(span_of(headers[i]), &why));
    assert_string_equal(websocket_check_header(SPAN_LIT("Host"), &why),
                        "invalid header \"Host\" not allowed");
    assert_null(websocket_check_header(SPAN_LIT("X-Host"), &why));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals), cmocka_unit_test(refusal_bytes), cmocka_unit_test(early_data),
        cmocka_unit_test(answers), cmocka_unit_test(facts), cmocka_unit_test(origins),
        cmocka_unit_test(bad_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
