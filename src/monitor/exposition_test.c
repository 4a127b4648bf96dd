/* SPDX-License-Identifier: Apache-2.0 */
/* exposition_test.c - both formats byte for byte, and the choice between them. */
#include "monitor/exposition.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void write_all(struct exposition *e)
{
    const struct exposition_label labels[] = {
        { "a", SPAN_LIT("x\"y\\z\nw\xff") }, { "b", SPAN_LIT("\xc3\xa9") },
    };

    exposition_family(e, "n_build", EXPOSITION_INFO, "Build.");
    exposition_int(e, labels, 2, 1);
    exposition_family(e, "n_msgs", EXPOSITION_COUNTER, "Messages.");
    exposition_u64(e, labels + 1, 1, UINT64_MAX);
    exposition_family(e, "n_bytes", EXPOSITION_GAUGE, "Bytes.");
    exposition_int(e, NULL, 0, -5);
    exposition_double(e, NULL, 0, 0.25);
    exposition_end(e);
}

static void test_formats(void **state)
{
    static const char *const expected[] = {
        "# HELP n_build_info Build.\n# TYPE n_build_info gauge\n"
        "n_build_info{a=\"x\\\"y\\\\z\\nw\xef\xbf\xbd\",b=\"\xc3\xa9\"} 1\n"
        "# HELP n_msgs_total Messages.\n# TYPE n_msgs_total counter\n"
        "n_msgs_total{b=\"\xc3\xa9\"} 18446744073709551615\n"
        "# HELP n_bytes Bytes.\n# TYPE n_bytes gauge\nn_bytes -5\nn_bytes 0.25\n",
        "# HELP n_build Build.\n# TYPE n_build info\n"
        "n_build_info{a=\"x\\\"y\\\\z\\nw\xef\xbf\xbd\",b=\"\xc3\xa9\"} 1\n"
        "# HELP n_msgs Messages.\n# TYPE n_msgs counter\n"
        "n_msgs_total{b=\"\xc3\xa9\"} 18446744073709551615\n"
        "# HELP n_bytes Bytes.\n# TYPE n_bytes gauge\nn_bytes -5\nn_bytes 0.25\n# EOF\n",
    };

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct buf out = { 0 };
        struct exposition e = { .out = &out, .open_metrics = i == 1 };

        write_all(&e);
        assert_string_equal(buf_text(&out), expected[i]);
        buf_free(&out);
    }
}

static void test_histogram(void **state)
{
    static const double bounds[] = { 0.000001, 0.5 };
    static const uint64_t counts[] = { 2, 0, 3 };

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct buf out = { 0 };
        struct exposition e = { .out = &out, .open_metrics = i == 1 };

        exposition_family(&e, "n_seconds", EXPOSITION_HISTOGRAM, "Time.");
        exposition_histogram(&e, bounds, counts, COUNT_OF(counts), 7.25);
        assert_string_equal(buf_text(&out),
                            "# HELP n_seconds Time.\n# TYPE n_seconds histogram\n"
                            "n_seconds_bucket{le=\"0.000001\"} 2\n"
                            "n_seconds_bucket{le=\"0.5\"} 2\n"
                            "n_seconds_bucket{le=\"+Inf\"} 5\n"
                            "n_seconds_sum 7.25\nn_seconds_count 5\n");
        buf_free(&out);
    }
}

static void test_negotiation(void **state)
{
    static const struct { const char *accept; bool open_metrics; } rows[] = {
        { NULL, false },
        { "", false },
        { "*/*", false },
        { "text/plain", false },
        { "application/openmetrics-text", true },
        { "Application/OpenMetrics-Text; version=1.0.0", true },
        { "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3", true },
        { "application/openmetrics-text;q=0.2, text/plain;q=0.3", false },
        { "text/plain;q=0.3 , application/openmetrics-text ; q=0.3", true },
        { "application/openmetrics-text;q=0", false },
        { "application/openmetrics-text;q=0.000,*/*", false },
        { "application/openmetrics-text;q=0.0004", false },
        { "application/openmetrics-text;q=x", true },
        { ",;,=;q,application/openmetrics-text;;", true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (exposition_wants_open_metrics(rows[i].accept) != rows[i].open_metrics)
            fail_msg("Accept: %s", rows[i].accept);
    assert_string_equal(exposition_content_type(false),
                        "text/plain; version=0.0.4; charset=utf-8");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_histogram),
        cmocka_unit_test(test_negotiation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
