/* SPDX-License-Identifier: Apache-2.0 */
/* gate_test.c - nothing leaves before its position, everything in order, nothing twice. */
#include "jetstream/gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"

static struct account account;          /* never looked into: only who it is */

struct seen {
    struct buf text;                    /* what left, one line each */
    struct gate *gate;
};

static uint64_t send(struct js *js, const struct js_message *m)
{
    struct seen *s = (struct seen *)(void *)js;

    assert_ptr_equal(m->account, &account);
    buf_printf(&s->text, "%.*s|%.*s|%.*s|%.*s%.*s\n", SPAN_ARG(m->subject),
               SPAN_ARG(m->shown_subject), SPAN_ARG(m->reply), SPAN_ARG(m->header),
               SPAN_ARG(m->body));
    return 1;
}

static void call(void *arg)
{
    struct seen *s = arg;

    buf_append_text(&s->text, "call\n");
    if (s->gate) gate_add_call(s->gate, 9, call, s);
    s->gate = NULL;
}

static void add(struct gate *g, uint64_t position, const char *subject, const char *body)
{
    struct js_message m = { .account = &account, .subject = span_of(subject),
                            .header = SPAN_LIT("h"), .body = span_of(body) };

    gate_add_message(g, position, &m);
}

static size_t open_to(struct gate *g, struct seen *s, uint64_t position)
{
    return gate_open(g, (struct js *)(void *)s, position, send);
}

static void test_order_and_positions(void **state)
{
    struct gate *g = gate_new();
    struct seen s = { .gate = g };

    (void)state;
    add(g, 3, "a", "1");
    gate_add_call(g, 3, call, &s);
    add(g, 5, "b", "2");
    assert_int_equal(open_to(g, &s, 2), 0);
    assert_int_equal(s.text.len, 0);
    assert_int_equal(open_to(g, &s, 3), 2);
    assert_string_equal(buf_text(&s.text), "a|||h1\ncall\n");
    assert_int_equal(gate_waiting(g), 2);       /* the call put one behind */
    assert_int_equal(open_to(g, &s, 8), 1);
    assert_int_equal(open_to(g, &s, 9), 1);
    assert_string_equal(buf_text(&s.text), "a|||h1\ncall\nb|||h2\ncall\n");
    assert_int_equal(gate_waiting(g), 0);
    assert_int_equal(open_to(g, &s, UINT64_MAX), 0);
    buf_free(&s.text);
    gate_free(&g);
    assert_null(g);
}

static void test_many_and_large(void **state)
{
    struct gate *g = gate_new();
    struct seen s = { .gate = NULL };
    static char large[200 * 1024];
    char number[16];

    (void)state;
    memset(large, 'x', sizeof large - 1);
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(number, sizeof number, "%u", i);
        add(g, i + 1, "s", i == 77 ? large : number);
    }
    assert_true(gate_bytes(g) > sizeof large + 5000);
    for (unsigned i = 0; i < 5000; i++) {
        s.text.len = 0;
        assert_int_equal(open_to(g, &s, i + 1), 1);
        snprintf(number, sizeof number, "%u", i);
        if (i == 77) assert_int_equal(s.text.len, sizeof "s|||h\n" - 1 + sizeof large - 1);
        else assert_non_null(strstr(buf_text(&s.text), number));
    }
    assert_int_equal(gate_bytes(g), 0);
    add(g, 5001, "left", "behind");     /* freed with the gate */
    buf_free(&s.text);
    gate_free(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_positions),
        cmocka_unit_test(test_many_and_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
