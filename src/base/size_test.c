/* SPDX-License-Identifier: Apache-2.0 */
/* size_test.c - sizes as nats-server's log writes them, at the borders of the units. */
#include "base/size.h"

#include <setjmp.h>
#include <stdarg.h>
#include <inttypes.h>

#include <cmocka.h>

#include "base/span.h"

static void sizes(void **state)
{
    static const struct { int64_t bytes; const char *text; } rows[] = {
        { 0, "0 B" }, { 1, "1 B" }, { -1, "-1 B" }, { INT64_MIN, "-9223372036854775808 B" },
        { 1023, "1023 B" }, { 1024, "1.00 KB" }, { 1536, "1.50 KB" }, { 1048575, "1024.00 KB" },
        { 1048576, "1.00 MB" }, { 1000000000, "953.67 MB" }, { 1073741824, "1.00 GB" },
        { 5368709120, "5.00 GB" }, { INT64_C(1) << 40, "1.00 TB" },
        { INT64_C(1) << 50, "1.00 PB" }, { INT64_C(1) << 60, "1.00 EB" }, { INT64_MAX, "8.00 EB" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf out = { 0 };
        size_append(&out, rows[i].bytes);
        if (!span_is(buf_span(&out), rows[i].text))
            fail_msg("%" PRId64 " is %s, not %s", rows[i].bytes, buf_text(&out), rows[i].text);
        buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(sizes) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
