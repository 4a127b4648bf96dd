/* SPDX-License-Identifier: Apache-2.0 */
/* pull_body_test.c - forms of pull requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#undef assert_fail

#include "jetstream/consumer_priv.h"

static void test_forms(void **state)
{
    static const struct {
        const char *text;
        const char *why;                /* NULL: good */
        int64_t batch, expires_ns, heartbeat_ns;
    } rows[] = {
        { "", NULL, 1, 0, 0 },
        { " \r\n", NULL, 1, 0, 0 },
        { "7", NULL, 7, 0, 0 },
        { " 12 ", NULL, 12, 0, 0 },
        { "-3", NULL, -3, 0, 0 },
        { "many", NULL, 1, 0, 0 },
        { "[1]", NULL, 1, 0, 0 },
        { "{}", NULL, 0, 0, 0 },
        { "{\"batch\":5,\"unknown\":true}", NULL, 5, 0, 0 },
        { "{\"batch\":5,\"expires\":10,\"idle_heartbeat\":5}", NULL, 5, 10, 5 },
        { "{\"batch\":5,\"expires\":9,\"idle_heartbeat\":5}", "heartbeat value too large", 5, 9,
          5 },
        { "{\"idle_heartbeat\":1}", "heartbeat value too large", 0, 0, 1 },
        { "{\"expires\":9223372036854775807,\"idle_heartbeat\":9223372036854775807}",
          "heartbeat value too large", 0, INT64_MAX, INT64_MAX },
        { "{\"idle_heartbeat\":-1}", NULL, 0, 0, 0 },
        { "{nonsense", "invalid character 'n' looking for beginning of object key string", 0, 0,
          0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct pull_body b;
        struct buf why = { 0 };
        bool good = pull_body_read(&b, span_of(rows[i].text), &why);
        if (good != (rows[i].why == NULL)) fail_msg("%s: %d", rows[i].text, good);
        if (!good) assert_string_equal(buf_text(&why), rows[i].why);
        if (b.batch != rows[i].batch || b.expires_ns != rows[i].expires_ns ||
            b.heartbeat_ns != rows[i].heartbeat_ns)
            fail_msg("%s: %ld %ld %ld", rows[i].text, b.batch, b.expires_ns, b.heartbeat_ns);
        pull_body_free(&b);
        buf_free(&why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_forms) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
