/* SPDX-License-Identifier: Apache-2.0 */
/* parser_test.c - commands and errors, each for every way of cutting the bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "proto/parser.h"

static const struct parser_limits limits = {
    .max_control_line = 64, .max_payload = 100, .headers = true,
};

/* All commands of text as one line of text each, then the result that ended it. */
static void describe(struct buf *out, const char *p, size_t len, size_t known)
{
    struct parser_command c;
    size_t at = 0;

    while (at < len) {
        enum parser_result r = PARSER_MORE;
        /* known bytes first, then one more at a time: as a socket would hand them over */
        for (size_t have = known > at ? known : at + 1; have <= len; have++) {
            r = parser_next(p + at, have - at, &limits, &c);
            if (r != PARSER_MORE) break;
            assert_true(c.need > have - at);
        }
        if (r != PARSER_COMMAND) {
            buf_printf(out, "!%d", (int)r);
            return;
        }
        buf_printf(out, "%d[%.*s|%.*s|%.*s|%.*s|%ld|%zu|%zu]", (int)c.verb,
                   c.verb <= VERB_SUB && c.verb >= VERB_PUB ? (int)c.subject.len : 0, c.subject.p,
                   c.verb == VERB_PUB || c.verb == VERB_HPUB ? (int)c.reply.len : 0, c.reply.p,
                   c.verb == VERB_SUB ? (int)c.queue.len : 0, c.queue.p,
                   c.verb == VERB_SUB || c.verb == VERB_UNSUB ? (int)c.sid.len : 0, c.sid.p,
                   c.verb == VERB_UNSUB ? (long)c.max : 0,
                   c.verb == VERB_HPUB ? c.header_len : 0,
                   c.verb == VERB_PUB || c.verb == VERB_HPUB ? c.total : 0);
        at += c.consumed;
        c = (struct parser_command){ 0 };
    }
}

static const struct { const char *text, *want; } rows[] = {
    { "PUB a 2\r\nhi\r\n", "1[a||||0|0|2]" },
    { "pub a 2\r\nhi\r\n", "1[a||||0|0|2]" },
    { "PUB a 2\nhi\r\n", "1[a||||0|0|2]" },
    { "PUB \t a \t r  2 \r\nhi\r\n", "1[a|r|||0|0|2]" },
    { "PUB a 0\r\n\r\nPUB b 1\r\nx\r\n", "1[a||||0|0|0]1[b||||0|0|1]" },
    { "HPUB a r 3 5\r\nabcde\r\n", "2[a|r|||0|3|5]" },
    { "SUB a 1\r\n", "3[a|||1|0|0|0]" }, { "SUB a q 1\n", "3[a||q|1|0|0|0]" },
    { "UNSUB 1\r\n", "4[|||1|-1|0|0]" }, { "UNSUB 1 5\r\n", "4[|||1|5|0|0]" },
    { "UNSUB 1 x\r\n", "4[|||1|-1|0|0]" },
    { "PING\r\n", "5[||||0|0|0]" }, { "ping junk\n", "5[||||0|0|0]" },
    { "PONG\r\n", "6[||||0|0|0]" }, { "CONNECT {}\r\n", "0[||||0|0|0]" },
    { "CONNECT{}\r\n", "0[||||0|0|0]" }, { "INFO {}\r\n", "7[||||0|0|0]" },
    { "+OK\r\n", "8[||||0|0|0]" }, { "-ERR 'x'\r\n", "9[||||0|0|0]" },
    { "X", "!2" }, { "PX", "!2" }, { "PUBa 1\r\n", "!2" }, { "PUB\r\n", "!2" }, { "SUBx", "!2" },
    { "PUB a 2\r\nhixx", "!2" }, { "PUB a 2\r\nhi\rx", "!2" }, { "MSG a 1 1\r\n", "!2" },
    { "PUB a\r\n", "!4" }, { "PUB a b c 1\r\n", "!4" }, { "PUB a -1\r\n", "!4" },
    { "PUB a 1234567890\r\n", "!4" }, { "PUB a 0x1\r\n", "!4" }, { "HPUB a 6 5\r\n", "!4" },
    { "SUB a\r\n", "!4" }, { "SUB a b c d\r\n", "!4" }, { "UNSUB 1 2 3\r\n", "!4" },
    { "PUB a 101\r\n", "!5" }, { "PUB a 4294967297\r\n", "!4" }, { "PUB a 999999999\r\n", "!5" },
    { "PING\r\nPONG\r\nbad", "5[||||0|0|0]6[||||0|0|0]!2" },
};

static void every_cut_gives_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        size_t len = strlen(rows[i].text);
        for (size_t known = 1; known <= len; known++) {
            char *exact = mem_alloc(len);       /* exact bounds: ASan sees reads beyond */
            struct buf got = { 0 };
            memcpy(exact, rows[i].text, len);
            describe(&got, exact, len, known);
            if (!span_is(buf_span(&got), rows[i].want))
                fail_msg("row %zu cut %zu: %s gave %s", i, known, rows[i].text, buf_text(&got));
            buf_free(&got);
            mem_free(exact);
        }
    }
}

static void raw_slice_only_for_canonical_lines(void **state)
{
    static const struct { const char *text, *raw; } cases[] = {
        { "PUB a 2\r\nhi\r\n", "2\r\nhi\r\n" }, { "PUB a r 2\r\nhi\r\n", "r 2\r\nhi\r\n" },
        { "HPUB a r 1 2\r\nhi\r\n", "r 1 2\r\nhi\r\n" }, { "PUB a 2\nhi\r\n", "" },
        { "PUB a  2\r\nhi\r\n", "" }, { "PUB a\t2\r\nhi\r\n", "" }, { "PUB a 2 \r\nhi\r\n", "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct parser_command c;
        assert_int_equal(parser_next(cases[i].text, strlen(cases[i].text), &limits, &c),
                         PARSER_COMMAND);
        if (!span_is(c.raw, cases[i].raw)) fail_msg("case %zu: '%.*s'", i, SPAN_ARG(c.raw));
    }
}

static void control_line_at_its_limit(void **state)
{
    static const char *const verb[] = { "SUB ", "PUB ", "CONNECT ", "UNSUB ", "HPUB " };

    (void)state;
    for (size_t v = 0; v < COUNT_OF(verb); v++) {
        for (size_t extra = 0; extra < 2; extra++) {
            struct parser_command c;
            struct buf line = { 0 };
            enum parser_result r;
            buf_append_text(&line, verb[v]);
            for (size_t i = 0; i < limits.max_control_line + extra; i++)
                buf_append_char(&line, 'x');
            r = parser_next(line.p, line.len, &limits, &c);
            assert_int_equal(r, extra ? PARSER_CONTROL_LINE : PARSER_MORE);
            buf_free(&line);
        }
    }
}

static void headers_off_refuses_hpub(void **state)
{
    struct parser_limits off = limits;
    struct parser_command c;

    (void)state;
    off.headers = false;
    assert_int_equal(parser_next("HPUB a 1 2\r\n", 12, &off, &c), PARSER_BAD_ARGS);
}

static void nul_is_reported(void **state)
{
    struct parser_command c;

    (void)state;
    assert_int_equal(parser_next("PUB a\0b 0\r\n\r\n", 13, &limits, &c), PARSER_COMMAND);
    assert_true(c.has_nul);
    assert_int_equal(c.subject.len, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cut_gives_the_same),
        cmocka_unit_test(raw_slice_only_for_canonical_lines),
        cmocka_unit_test(control_line_at_its_limit),
        cmocka_unit_test(headers_off_refuses_hpub),
        cmocka_unit_test(nul_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
