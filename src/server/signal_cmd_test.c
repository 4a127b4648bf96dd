/* SPDX-License-Identifier: Apache-2.0 */
/* signal_cmd_test.c - only ever signals its own children, which have a name of their own. */
#include "server/signal_cmd.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/path.h"

/* A child that waits for a signal, visible under name when this returns. */
static int start_child(const char *name)
{
    int ready[2], pid;
    char byte;

    assert_int_equal(pipe(ready), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        signal(SIGHUP, SIG_DFL);        /* ignored when the tests run under nohup */
        signal(SIGINT, SIG_DFL);        /* ... or in a shell's background */
        prctl(PR_SET_NAME, name);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (write(ready[1], "x", 1) != 1) _exit(1);
        for (;;) pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void assert_killed_by(int pid, int signal)
{
    int status = 0;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), signal);
}

static void test_commands(void **state)
{
    static const struct { const char *command; int signal; } rows[] = {
        { "stop", SIGKILL }, { "quit", SIGINT }, { "term", SIGTERM },
        { "reload", SIGHUP }, { "reopen", SIGUSR1 }, { "ldm", SIGUSR2 },
    };
    char name[16], other[16], spec[64];
    const char *const names[] = { name, other };
    struct buf why = { 0 };

    (void)state;
    snprintf(name, sizeof(name), "sct%d", (int)getpid());
    snprintf(other, sizeof(other), "SCT%d", (int)getpid());
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int pid = start_child(i % 2 ? name : other);

        assert_int_equal(signal_cmd_run_for(rows[i].command, names, 2, &why), ST_OK);
        assert_killed_by(pid, rows[i].signal);
        pid = start_child("elsewhere");
        snprintf(spec, sizeof(spec), "%s=%d", rows[i].command, pid);
        assert_int_equal(signal_cmd_run_for(spec, names, 2, &why), ST_OK);
        assert_killed_by(pid, rows[i].signal);
    }
    assert_int_equal(why.len, 0);
    buf_free(&why);
}

static void test_several(void **state)
{
    char name[16], want[128], spec[64];
    const char *const names[] = { name };
    struct buf why = { 0 };
    int a, b;

    (void)state;
    snprintf(name, sizeof(name), "sct%d", (int)getpid());
    a = start_child(name);
    b = start_child(name);
    assert_int_equal(signal_cmd_run_for("quit", names, 1, &why), ST_BAD_INPUT);
    snprintf(want, sizeof(want), "multiple %s processes running:\n%d\n%d", name,
             a < b ? a : b, a < b ? b : a);
    assert_string_equal(buf_text(&why), want);
    why.len = 0;

    snprintf(spec, sizeof(spec), "term=%d*", a);        /* all digits of one */
    assert_int_equal(signal_cmd_run_for(spec, names, 1, &why), ST_OK);
    assert_killed_by(a, SIGTERM);
    assert_int_equal(kill(b, 0), 0);
    a = start_child(name);
    assert_int_equal(signal_cmd_run_for("reload=*", names, 1, &why), ST_OK);
    assert_killed_by(a, SIGHUP);
    assert_killed_by(b, SIGHUP);

    assert_int_equal(signal_cmd_run_for("quit", names, 1, &why), ST_NOT_FOUND);
    snprintf(want, sizeof(want), "no %s processes running", name);
    assert_string_equal(buf_text(&why), want);
    buf_free(&why);
}

static void test_pid_file(void **state)
{
    static const struct { const char *before, *after; } forms[] = {
        { "", "" }, { "", "\n" }, { " ", " \r\n" },
    };
    char dir[] = "/tmp/signal_cmd_test.XXXXXX", path[64], spec[96], text[32];
    const char *const names[] = { "nobody-has-it" };
    struct buf why = { 0 };

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/pid", dir);
    snprintf(spec, sizeof(spec), "term=%s", path);
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        int pid = start_child("elsewhere");

        snprintf(text, sizeof(text), "%s%d%s", forms[i].before, pid, forms[i].after);
        assert_int_equal(path_write(path, span_of(text), 0640, NULL), ST_OK);
        assert_int_equal(signal_cmd_run_for(spec, names, 1, &why), ST_OK);
        assert_killed_by(pid, SIGTERM);
    }
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
    buf_free(&why);
}

static void test_texts(void **state)
{
    static const struct { const char *spec, *why; } rows[] = {
        { "quit=1x", "invalid pid: 1x" },
        { "quit=-1", "invalid pid: -1" },
        { "quit=0", "invalid pid: 0" },
        { "quit=0*", "invalid pid: 0" },
        { "quit=/nonexistent", "invalid pid: /nonexistent" },
        { "quit=2147483648", "invalid pid: 2147483648" },
        { "quit=1=2", "invalid signal parameters: [2]" },
        { "quit=1=2=3", "invalid signal parameters: [2 3]" },
        { "dance=2147483647", "unknown signal \"dance\"" },
        { "=2147483647", "unknown signal \"\"" },
        { "quit=2147483647", "\nsignal \"quit\" 2147483647: no such process" },
        { "quit", "no nobody-has-it processes running" },
        { "quit=", "no nobody-has-it processes running" },
        { "quit=12*", "no nobody-has-it processes running" },
    };
    const char *const names[] = { "nobody-has-it" };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf why = { 0 };

        if (signal_cmd_run_for(rows[i].spec, names, 1, &why) == ST_OK) fail_msg("row %zu", i);
        assert_string_equal(buf_text(&why), rows[i].why);
        buf_free(&why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_several),
        cmocka_unit_test(test_pid_file),
        cmocka_unit_test(test_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
