/* SPDX-License-Identifier: Apache-2.0 */
/* client_stats_test.c - copies stand for themselves and show what was asked for. */
#include "core/client_stats.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#undef assert_fail

#include "base/mem.h"

static struct client_stats full(void)
{
    struct client_stats s = { .cid = 7, .port = 4222, .in_msgs = 3, .sub_count = 2,
                              .tls_first = true };

    s.kind_type = mem_dup("nats");
    s.ip = mem_dup("127.0.0.1");
    s.name = mem_dup("name");
    s.lang = mem_dup("c");
    s.version = mem_dup("1.0");
    s.tls_version = mem_dup("1.3");
    s.tls_cipher = mem_dup("cipher");
    s.authorized_user = mem_dup("user");
    s.account = mem_dup("A");
    s.nkey = mem_dup("U");
    s.subs = mem_zero(2 * sizeof *s.subs);
    s.subs[0] = (struct client_sub_stats){ .subject = mem_dup("foo"), .sid = mem_dup("1"),
                                           .msgs = 5 };
    s.subs[1] = (struct client_sub_stats){ .subject = mem_dup("bar"), .queue = mem_dup("q"),
                                           .sid = mem_dup("2"), .max = 9 };
    return s;
}

static void test_copy(void **state)
{
    struct client_stats from = full(), to;

    (void)state;
    client_stats_close(&from, "Client Closed");
    client_stats_copy(&to, &from, CLIENT_STATS_SUBS);
    client_stats_fini(&from);
    assert_null(from.name);
    assert_int_equal(to.cid, 7);
    assert_int_equal(to.port, 4222);
    assert_true(to.tls_first && to.stop_wall_ns > 0);
    assert_string_equal(to.kind_type, "nats");
    assert_string_equal(to.ip, "127.0.0.1");
    assert_string_equal(to.reason, "Client Closed");
    assert_string_equal(to.name, "name");
    assert_string_equal(to.lang, "c");
    assert_string_equal(to.version, "1.0");
    assert_string_equal(to.tls_version, "1.3");
    assert_string_equal(to.tls_cipher, "cipher");
    assert_string_equal(to.authorized_user, "user");
    assert_string_equal(to.account, "A");
    assert_string_equal(to.nkey, "U");
    assert_string_equal(to.subs[0].subject, "foo");
    assert_null(to.subs[0].queue);
    assert_int_equal(to.subs[0].msgs, 5);
    assert_string_equal(to.subs[1].queue, "q");
    assert_string_equal(to.subs[1].sid, "2");
    assert_int_equal(to.subs[1].max, 9);
    client_stats_fini(&to);
}

static void test_copy_without_subscriptions(void **state)
{
    struct client_stats from = full(), to;

    (void)state;
    client_stats_copy(&to, &from, CLIENT_STATS_BASIC);
    assert_null(to.subs);
    assert_null(to.reason);
    assert_int_equal(to.sub_count, 2);          /* still shown as a number */
    client_stats_fini(&to);
    client_stats_fini(&from);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_copy_without_subscriptions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
