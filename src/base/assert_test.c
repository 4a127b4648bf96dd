/* SPDX-License-Identifier: Apache-2.0 */
/* assert_test.c - a broken assertion says where and ends the process, in release builds too. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#undef assert_fail

#include "base/assert.h"

static void test_failure(void **state)
{
    char text[256] = "";
    size_t len = 0;
    int ends[2], status;
    ssize_t n;
    pid_t child;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], 2);
        assert(child == 1);
        _exit(0);
    }
    close(ends[1]);
    while ((n = read(ends[0], text + len, sizeof text - 1 - len)) > 0) len += (size_t)n;
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(text, "assert_test.c:"));
    assert_non_null(strstr(text, "assertion failed: child == 1\n"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = { cmocka_unit_test(test_failure) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
