/* SPDX-License-Identifier: Apache-2.0 */
/* portsfile_test.c - the ports file and the pid file. */
#include "server/portsfile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/file.h"
#include "server/pidfile.h"

static void assert_content(const char *path, const char *want)
{
    struct buf got = { 0 };

    assert_int_equal(file_read(path, 4096, &got, NULL), ST_OK);
    assert_string_equal(buf_text(&got), want);
    buf_free(&got);
}

static void test_ports(void **state)
{
    char *nats[] = { (char[]){ "nats://127.0.0.1:41111" }, (char[]){ "nats://[::1]:41111" } };
    char *monitoring[] = { (char[]){ "http://127.0.0.1:41112" } };
    struct portsfile_urls urls = { .nats = { nats, 2 }, .monitoring = { monitoring, 1 } };
    char dir[] = "/tmp/portsfile_test.XXXXXX", want[128];
    struct error why;
    char *path;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(want, sizeof(want), "%s/portsfile_test_%d.ports", dir, (int)getpid());
    path = portsfile_path(dir);
    assert_string_equal(path, want);
    assert_int_equal(portsfile_write(dir, &urls, &why), ST_OK);
    assert_content(path, "{\"nats\":[\"nats://127.0.0.1:41111\",\"nats://[::1]:41111\"],"
                   "\"monitoring\":[\"http://127.0.0.1:41112\"]}");
    assert_int_equal(portsfile_remove(dir, &why), ST_OK);
    assert_int_equal(portsfile_remove(dir, &why), ST_NOT_FOUND);
    assert_int_equal(portsfile_write("/nonexistent", &urls, &why), ST_IO);
    assert_int_equal(rmdir(dir), 0);
    free(path);
    path = portsfile_path("/");
    snprintf(want, sizeof(want), "/portsfile_test_%d.ports", (int)getpid());
    assert_string_equal(path, want);
    free(path);
}

static void test_pidfile(void **state)
{
    char dir[] = "/tmp/pidfile_test.XXXXXX", path[64], want[16];
    struct error why;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/pid", dir);
    snprintf(want, sizeof(want), "%d", (int)getpid());
    assert_int_equal(pidfile_write(path, &why), ST_OK);
    assert_content(path, want);
    assert_int_equal(pidfile_write("/nonexistent/pid", &why), ST_IO);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ports),
        cmocka_unit_test(test_pidfile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
