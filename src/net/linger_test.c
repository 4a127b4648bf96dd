/* SPDX-License-Identifier: Apache-2.0 */
/* linger_test.c - the peer's input is swallowed until it closes, time is up, or the end comes. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "net/linger.h"
#include "os/clock.h"
#include "os/socket.h"

static struct loop *start(struct loop_group *g, int fds[2])
{
    assert_int_equal(loop_group_init(g, 1, 1), ST_OK);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    socket_shutdown_write(fds[0]);
    linger_start(g->loops[0], fds[0]);
    assert_int_equal(g->loops[0]->linger_count, 1);
    return g->loops[0];
}

static void until_the_peer_closes(void **state)
{
    struct loop_group g;
    int fds[2];
    struct loop *l = start(&g, fds);
    char byte;

    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(write(fds[1], "late", 4), 4);
        loop_step(l, 1000);
        assert_int_equal(l->linger_count, 1);
    }
    assert_int_equal(read(fds[1], &byte, 1), 0);        /* our side has said it all */
    close(fds[1]);
    loop_step(l, 1000);
    assert_int_equal(l->linger_count, 0);
    loop_group_fini(&g);
}

static void until_time_is_up(void **state)
{
    struct loop_group g;
    int fds[2];
    struct loop *l = start(&g, fds);
    int64_t began = clock_mono_ns();

    (void)state;
    while (l->linger_count > 0) loop_step(l, 2000);
    assert_true(clock_mono_ns() - began >= LINGER_NS - 50000000);
    assert_int_equal(write(fds[1], "x", 1), -1);
    assert_int_equal(errno, EPIPE);
    close(fds[1]);
    loop_group_fini(&g);
}

static void at_most_so_many(void **state)
{
    struct loop_group g;
    int fds[2];
    struct loop *l = start(&g, fds), *same = l;
    unsigned before;

    (void)state;
    before = l->linger_count;
    l->linger_count = LINGERS_MAX;
    {
        int more[2];
        char byte;
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, more), 0);
        linger_start(l, more[0]);
        assert_int_equal(read(more[1], &byte, 1), 0);   /* closed at once */
        close(more[1]);
    }
    same->linger_count = before;
    close(fds[1]);
    loop_group_fini(&g);                                /* and the end closes the rest */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(until_the_peer_closes),
        cmocka_unit_test(until_time_is_up),
        cmocka_unit_test(at_most_so_many),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
