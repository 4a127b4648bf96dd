/* SPDX-License-Identifier: Apache-2.0 */
/* signals_test.c - every signal arrives through the descriptor, and none otherwise. */
#include "os/signals.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static void test_each_signal(void **state)
{
    static const struct { enum process_signal signal; const char *text; } rows[] = {
        { PROCESS_INT, "interrupt" }, { PROCESS_TERM, "terminated" }, { PROCESS_HUP, "hangup" },
        { PROCESS_USR1, "user defined signal 1" }, { PROCESS_USR2, "user defined signal 2" },
    };
    struct signals s;
    enum process_signal got;

    (void)state;
    assert_int_equal(signals_init(&s, NULL), ST_OK);
    assert_int_equal(signals_next(&s, &got), ST_AGAIN);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct pollfd ready = { .fd = s.fd, .events = POLLIN };

        assert_int_equal(process_kill(process_id(), rows[i].signal, NULL), ST_OK);
        assert_int_equal(poll(&ready, 1, 10000), 1);
        assert_int_equal(signals_next(&s, &got), ST_OK);
        assert_int_equal(got, rows[i].signal);
        assert_string_equal(signals_text(got), rows[i].text);
        assert_int_equal(signals_next(&s, &got), ST_AGAIN);
    }
    assert_int_equal(kill(getpid(), SIGPIPE), 0);       /* ignored */
    assert_int_equal(kill(getpid(), SIGXFSZ), 0);
    signals_fini(&s);
    signals_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_each_signal) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
