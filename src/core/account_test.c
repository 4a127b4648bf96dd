/* SPDX-License-Identifier: Apache-2.0 */
/* account_test.c - the connection limit, alone and among threads. */
#include "core/account.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#undef assert_fail

#include "os/thread.h"

enum { THREADS = 4, ROUNDS = 20000, MAX = 3 };

static struct account *limited_to(int64_t max_connections)
{
    struct account_settings *settings = account_settings_new();

    assert_int_equal(settings->max_subscriptions, -1);
    assert_int_equal(settings->max_payload, -1);
    settings->max_connections = max_connections;
    return account_new(SPAN_LIT("A"), 2, 7, settings);
}

static void test_limit(void **state)
{
    struct account *a = limited_to(2), *none = limited_to(0), *any = limited_to(-1);

    (void)state;
    assert_string_equal(a->name, "A");
    assert_int_equal(account_reserve_connection(a), ST_OK);
    assert_int_equal(account_reserve_connection(a), ST_OK);
    assert_int_equal(account_reserve_connection(a), ST_LIMIT);
    assert_int_equal(a->connections, 2);
    account_release_connection(a);
    assert_int_equal(account_reserve_connection(a), ST_OK);
    assert_int_equal(a->total_connections, 3);
    assert_int_equal(account_reserve_connection(none), ST_LIMIT);
    for (int i = 0; i < 1000; i++) assert_int_equal(account_reserve_connection(any), ST_OK);
    account_free(&a);
    account_free(&none);
    account_free(&any);
    assert_null(a);
    account_free(&a);
}

struct shared {
    struct account *account;
    _Atomic int64_t inside, most, taken, refused;
};

static void *contend(void *arg)
{
    struct shared *s = arg;

    for (int i = 0; i < ROUNDS; i++) {
        int64_t now, most;
        if (account_reserve_connection(s->account) != ST_OK) {
            atomic_fetch_add(&s->refused, 1);
            continue;
        }
        atomic_fetch_add(&s->taken, 1);
        now = atomic_fetch_add(&s->inside, 1) + 1;
        most = atomic_load(&s->most);
        while (now > most && !atomic_compare_exchange_weak(&s->most, &most, now)) {
        }
        atomic_fetch_sub(&s->inside, 1);
        account_release_connection(s->account);
    }
    return NULL;
}

/* One thread more than the limit admits: never too many inside, none refused with room left. */
static void test_threads(void **state)
{
    struct shared s = { .account = limited_to(MAX) };
    struct shared roomy = { .account = limited_to(THREADS) };
    struct thread threads[2 * THREADS];

    (void)state;
    for (int i = 0; i < 2 * THREADS; i++)
        assert_int_equal(thread_start(&threads[i], "contend", contend, i % 2 ? &s : &roomy), ST_OK);
    for (int i = 0; i < 2 * THREADS; i++) thread_join(&threads[i]);
    assert_in_range(s.most, 1, MAX);
    assert_int_equal(s.taken + s.refused, THREADS * ROUNDS);
    assert_int_equal(s.account->total_connections, s.taken);
    assert_int_equal(roomy.refused, 0);
    assert_int_equal(s.account->connections + roomy.account->connections, 0);
    account_free(&s.account);
    account_free(&roomy.account);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
