/* SPDX-License-Identifier: Apache-2.0 */
/* log_test.c - which levels reach which sink. */
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#undef assert_fail

struct recorder {
    struct log_sink sink;               /* first */
    enum log_level level;
    unsigned lines;
    char last[64];
};

static void record(struct log_sink *sink, enum log_level level, struct span line)
{
    struct recorder *self = (struct recorder *)(void *)sink;

    self->level = level;
    self->lines++;
    snprintf(self->last, sizeof self->last, "%.*s", SPAN_ARG(line));
}

static const char *evaluated(unsigned *times)
{
    ++*times;
    return "costly";
}

static void test_levels(void **state)
{
    struct recorder r = { .sink.write = record };
    unsigned times = 0;

    (void)state;
    log_set_sink(&r.sink);
    log_info("%s %d", "one", 1);
    assert_string_equal(r.last, "one 1");
    assert_int_equal(r.level, LOG_INFO);
    log_fatal("f");
    log_error("e");
    log_warn("w");
    assert_int_equal(r.lines, 4);
    log_debug("%s", evaluated(&times));
    log_trace("%s", evaluated(&times));
    log_at(LOG_TRACE, "unwanted");
    assert_int_equal(r.lines, 4);
    assert_int_equal(times, 0);
    r.sink.debug = true;
    assert_true(log_wants(LOG_DEBUG));
    assert_false(log_wants(LOG_TRACE));
    log_debug("%s", evaluated(&times));
    assert_int_equal(r.level, LOG_DEBUG);
    r.sink.trace = true;
    log_trace("%s", evaluated(&times));
    assert_int_equal(r.level, LOG_TRACE);
    assert_int_equal(times, 2);
    log_set_sink(NULL);
    assert_true(log_wants(LOG_ERROR));
    assert_false(log_wants(LOG_DEBUG));
    log_warn("written to standard error");
    assert_int_equal(r.lines, 6);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
