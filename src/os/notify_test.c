/* SPDX-License-Identifier: Apache-2.0 */
/* notify_test.c - what a supervisor receives. */
#include "os/notify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/span.h"
#include "os/clock.h"

static void receive(int fd, char *text, size_t size)
{
    struct timeval wait_max = { .tv_sec = 10 };
    ssize_t n;

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait_max, sizeof(wait_max)), 0);
    n = recv(fd, text, size - 1, 0);
    assert_true(n > 0);
    text[n] = '\0';
}

static void talk(int fd)
{
    char text[128];
    long long us = 0;

    notify_ready();
    receive(fd, text, sizeof(text));
    assert_string_equal(text, "READY=1\n");
    notify_reloading();
    receive(fd, text, sizeof(text));
    assert_int_equal(sscanf(text, "RELOADING=1\nMONOTONIC_USEC=%lld\n", &us), 1);
    assert_true(us > 0 && us <= clock_mono_ns() / 1000);
    notify_stopping();
    receive(fd, text, sizeof(text));
    assert_string_equal(text, "STOPPING=1\n");
}

static void test_path_socket(void **state)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    char dir[] = "/tmp/notify_test.XXXXXX";
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(un.sun_path, sizeof(un.sun_path), "%s/s", dir);
    assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    setenv("NOTIFY_SOCKET", un.sun_path, 1);
    talk(fd);
    close(fd);
    notify_ready();                     /* nobody listens: no harm */
    unlink(un.sun_path);
    rmdir(dir);
}

static void test_abstract_socket(void **state)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    char name[64];
    size_t len;

    (void)state;
    len = (size_t)snprintf(name, sizeof(name), "@notify_test.%d", (int)getpid());
    memcpy(un.sun_path, name, len);
    un.sun_path[0] = '\0';
    assert_int_equal(bind(fd, (struct sockaddr *)&un,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)), 0);
    setenv("NOTIFY_SOCKET", name, 1);
    talk(fd);
    close(fd);
}

static void test_no_supervisor(void **state)
{
    static const char *const odd[] = { "", "relative", "@", "/nonexistent/socket" };
    char longest[200];

    (void)state;
    unsetenv("NOTIFY_SOCKET");
    notify_ready();
    for (size_t i = 0; i < COUNT_OF(odd); i++) {
        setenv("NOTIFY_SOCKET", odd[i], 1);
        notify_ready();
    }
    memset(longest, 'x', sizeof(longest) - 1);
    longest[0] = '/';
    longest[sizeof(longest) - 1] = '\0';
    setenv("NOTIFY_SOCKET", longest, 1);
    notify_stopping();
    unsetenv("NOTIFY_SOCKET");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path_socket),
        cmocka_unit_test(test_abstract_socket),
        cmocka_unit_test(test_no_supervisor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
