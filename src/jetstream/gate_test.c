/* SPDX-License-Identifier: Apache-2.0 */
/* gate_test.c - what leaves when: in order, never early, also when positions go back. */
#include "jetstream/gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#undef assert_fail

static void count(void *arg)
{
    ++*(unsigned *)arg;
}

static uint64_t send(struct js *js, const struct js_message *m)
{
    char *sent = (char *)js;

    strncat(sent, m->body.p, m->body.len);
    return 0;
}

static void add(struct gate *g, uint64_t position, const char *text)
{
    struct js_message m = { .account = (struct account *)g, .subject = span_of("a"),
                            .body = span_of(text) };

    gate_add_message(g, position, &m);
}

static void test_waits_for_its_position(void **state)
{
    struct gate *g = gate_new();
    unsigned calls = 0;

    (void)state;
    gate_add_call(g, 5, count, &calls);
    gate_add_call(g, 7, count, &calls);
    assert_int_equal(gate_open(g, NULL, 4, send), 0);
    assert_int_equal(gate_open(g, NULL, 5, send), 1);
    assert_int_equal(calls, 1);
    assert_int_equal(gate_open(g, NULL, 100, send), 1);
    assert_int_equal(gate_waiting(g), 0);
    gate_free(&g);
}

/* Another stream waits for less: it leaves behind the one before, not sooner, and holds up
 * nothing that comes later. */
static void test_position_goes_back(void **state)
{
    struct gate *g = gate_new();
    char sent[64] = "";

    (void)state;
    add(g, 10, "a");
    add(g, 3, "b");
    add(g, 12, "c");
    assert_int_equal(gate_open(g, (struct js *)sent, 9, send), 0);
    assert_int_equal(gate_open(g, (struct js *)sent, 10, send), 2);
    assert_string_equal(sent, "ab");
    assert_int_equal(gate_open(g, (struct js *)sent, 12, send), 1);
    assert_string_equal(sent, "abc");
    add(g, 1, "d");                     /* the gate is empty: its own position counts */
    assert_int_equal(gate_open(g, (struct js *)sent, 1, send), 1);
    assert_string_equal(sent, "abcd");
    gate_free(&g);
}

static void test_frees_what_waits(void **state)
{
    struct gate *g = gate_new();
    unsigned calls = 0;

    (void)state;
    for (unsigned i = 0; i < 10000; i++) {
        add(g, i, "some text");
        gate_add_call(g, i, count, &calls);
    }
    assert_int_equal(gate_waiting(g), 20000);
    gate_free(&g);
    assert_null(g);
    assert_int_equal(calls, 0);
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits_for_its_position),
        cmocka_unit_test(test_position_goes_back),
        cmocka_unit_test(test_frees_what_waits),
    };

    return cmocka_run_group_tests_name("gate", tests, NULL, NULL);
}
