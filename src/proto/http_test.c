/* SPDX-License-Identifier: Apache-2.0 */
/* http_test.c - request heads, whole and cut at every position. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "proto/http.h"

/* Feed in as [0, cut) and [cut, end). */
static enum status feed(struct http_parser *p, struct span in, size_t cut, size_t *used)
{
    enum status st;
    size_t n = 0;

    *p = (struct http_parser){ 0 };
    st = http_parser_feed(p, span_make(in.p, cut), used);
    if (st != ST_AGAIN) return st;
    assert_int_equal(*used, cut);
    st = http_parser_feed(p, span_from(in, cut), &n);
    *used += n;
    return st;
}

static void heads(void **state)
{
    static const struct { const char *text; enum status want; int refusal; } rows[] = {
        { "GET / HTTP/1.1\r\nHost: a\r\n\r\n", ST_OK, 0 },
        { "GET / HTTP/1.1\nHost: a\n\n", ST_OK, 0 },
        { "GET / HTTP/1.0\r\n\r\n", ST_OK, 0 },
        { "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", ST_OK, 0 },
        { "GET / HTTP/1.1\r\nHost: a\r\n", ST_AGAIN, 0 }, { "", ST_AGAIN, 0 },
        { "GET / HTTP/1.1\r\n\r\n", ST_BAD_INPUT, 400 }, { "garbage\r\n\r\n", ST_BAD_INPUT, 400 },
        { "\r\n\r\n", ST_BAD_INPUT, 400 }, { "GET /\r\n\r\n", ST_BAD_INPUT, 400 },
        { "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", ST_BAD_INPUT, 400 },
        { "GET / HTTP/2.0\r\nHost: a\r\n\r\n", ST_BAD_INPUT, 505 },
        { "GET / HTTP/1.2\r\nHost: a\r\n\r\n", ST_BAD_INPUT, 505 },
        { "GET / HTTP/x.1\r\nHost: a\r\n\r\n", ST_BAD_INPUT, 505 },
        { "GET / HTPP/1.1\r\nHost: a\r\n\r\n", ST_BAD_INPUT, 400 },
        { "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", ST_BAD_INPUT, 400 },
        { "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", ST_BAD_INPUT, 400 },
        { "GET / HTTP/1.1\r\nHost: a\r\nA b: c\r\n\r\n", ST_BAD_INPUT, 400 },
        { "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", ST_BAD_INPUT, 400 },
        { "GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n", ST_BAD_INPUT, 400 },
        { "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r2\r\n\r\n", ST_BAD_INPUT, 400 },
        { "G\x01T / HTTP/1.1\r\nHost: a\r\n\r\n", ST_BAD_INPUT, 400 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct span in = span_of(rows[i].text);
        for (size_t cut = 0; cut <= in.len; cut++) {
            struct http_parser p;
            size_t used;
            enum status st = feed(&p, in, cut, &used);
            if (st != rows[i].want || p.refusal != rows[i].refusal || used != in.len)
                fail_msg("row %zu cut %zu: %s %d", i, cut, status_text(st), p.refusal);
            http_parser_fini(&p);
        }
    }
}

static void fields_and_rest(void **state)
{
    static const char text[] = "GET /a/b?x=1 HTTP/1.1\r\nHost: h:1\r\nUpgrade: WebSocket, x\r\n"
        "X-Empty:\r\nconnection: keep-alive ,\tUpgrade \r\nUPGRADE: y\r\n\r\nrest";
    struct http_parser p = { 0 };
    struct span v;
    size_t used;

    (void)state;
    assert_int_equal(http_parser_feed(&p, span_of(text), &used), ST_OK);
    assert_int_equal(used, sizeof text - 1 - 4);
    assert_true(span_is(p.request.method, "GET") && span_is(p.request.path, "/a/b"));
    assert_true(span_is(p.request.target, "/a/b?x=1") && span_is(p.request.host, "h:1"));
    assert_true(http_field(&p.request, "upgrade", 1, &v) && span_is(v, "y"));
    assert_false(http_field(&p.request, "upgrade", 2, &v));
    assert_true(http_field(&p.request, "x-empty", 0, &v) && v.len == 0);
    assert_true(http_field_has(&p.request, "Upgrade", "websocket"));
    assert_true(http_field_has(&p.request, "Upgrade", "Y"));
    assert_true(http_field_has(&p.request, "Connection", "upgrade"));
    assert_false(http_field_has(&p.request, "Connection", "keep"));
    http_parser_fini(&p);
}

static void cookies(void **state)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: h\r\n"
        "Cookie: a=1; b=\"2 3\";c=x=y; d ; e=\"; bad name=1\r\nCookie: a=4;;f=\r\n\r\n";
    static const struct { const char *name, *want; } rows[] = {
        { "a", "4" }, { "b", "2 3" }, { "c", "x=y" }, { "d", "" }, { "e", NULL }, { "f", "" },
        { "A", NULL }, { "", NULL }, { "bad name", NULL },
    };
    struct http_parser p = { 0 };
    size_t used;

    (void)state;
    assert_int_equal(http_parser_feed(&p, span_of(text), &used), ST_OK);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct span v = SPAN_NONE;
        bool found = http_cookie(&p.request, span_of(rows[i].name), &v);
        if (found != (rows[i].want != NULL) || (found && !span_is(v, rows[i].want)))
            fail_msg("row %zu: %d '%.*s'", i, found, SPAN_ARG(v));
    }
    http_parser_fini(&p);
}

/* A head of exactly len bytes. */
static char *head_of(size_t len)
{
    char *text = mem_alloc(len);
    static const char start[] = "GET / HTTP/1.1\r\nHost: h\r\nX: ";

    memset(text, 'x', len);
    memcpy(text, start, sizeof start - 1);
    memcpy(text + len - 4, "\r\n\r\n", 4);
    return text;
}

static void length_is_limited(void **state)
{
    (void)state;
    for (size_t len = HTTP_HEAD_MAX - 1; len <= HTTP_HEAD_MAX + 1; len++) {
        char *text = head_of(len);
        for (size_t cut = 0; cut <= len; cut += 509) {
            struct http_parser p;
            size_t used;
            enum status st = feed(&p, span_make(text, len), cut, &used);
            assert_int_equal(st, len <= HTTP_HEAD_MAX ? ST_OK : ST_LIMIT);
            assert_int_equal(p.refusal, len <= HTTP_HEAD_MAX ? 0 : 431);
            assert_true(p.head.len <= HTTP_HEAD_MAX);
            http_parser_fini(&p);
        }
        mem_free(text);
    }
}

static void fields_are_limited(void **state)
{
    (void)state;
    for (size_t n = HTTP_FIELDS_MAX; n <= HTTP_FIELDS_MAX + 1; n++) {
        struct http_parser p = { 0 };
        struct buf b = { 0 };
        size_t used;

        buf_append_text(&b, "GET / HTTP/1.1\r\nHost: h\r\n");
        for (size_t i = 1; i < n; i++) buf_append_text(&b, "A: b\r\n");
        buf_append_text(&b, "\r\n");
        assert_int_equal(http_parser_feed(&p, buf_span(&b), &used),
                         n <= HTTP_FIELDS_MAX ? ST_OK : ST_LIMIT);
        http_parser_fini(&p);
        buf_free(&b);
    }
}

static void refusal_text(void **state)
{
    struct buf b = { 0 };

    (void)state;
    http_append_refusal(&b, 400, "missing required Host header");
    assert_string_equal(buf_text(&b), "HTTP/1.1 400 Bad Request: missing required Host header\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
        "400 Bad Request: missing required Host header");
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads), cmocka_unit_test(fields_and_rest), cmocka_unit_test(cookies),
        cmocka_unit_test(length_is_limited), cmocka_unit_test(fields_are_limited),
        cmocka_unit_test(refusal_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
