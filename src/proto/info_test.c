/* SPDX-License-Identifier: Apache-2.0 */
/* info_test.c - INFO, byte by byte as nats-server 2.15.1 writes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/info.h"

static void expect(const struct info_fields *f, const char *want)
{
    struct buf out = { 0 };

    info_append(f, &out);
    assert_string_equal(buf_text(&out), want);
    buf_free(&out);
}

static struct info_fields plain(void)
{
    return (struct info_fields){
        .server_id = SPAN_LIT("NAUV"), .server_name = SPAN_LIT("x<y>"),
        .version = SPAN_LIT("2.15.1"), .proto = 1, .go = SPAN_LIT("go1.26.8"),
        .host = SPAN_LIT("127.0.0.1"), .port = 45401, .headers = true, .max_payload = 1048576,
    };
}

#define PLAIN "INFO {\"server_id\":\"NAUV\",\"server_name\":\"x\\u003cy\\u003e\"," \
    "\"version\":\"2.15.1\",\"proto\":1,\"go\":\"go1.26.8\",\"host\":\"127.0.0.1\"," \
    "\"port\":45401,\"headers\":true,"

static void empty_fields_are_left_out(void **state)
{
    struct info_fields f = plain();

    (void)state;
    expect(&f, PLAIN "\"max_payload\":1048576} \r\n");
}

static void matches_the_peer_with_nkeys_and_cluster(void **state)
{
    struct info_fields f = plain();

    (void)state;
    f.auth_required = true;
    f.client_id = 5;
    f.client_ip = SPAN_LIT("127.0.0.1");
    f.nonce = SPAN_LIT("fFvngPBnQB1AHkQ");
    f.cluster = SPAN_LIT("c1");
    f.api_lvl = 5;
    f.xkey = SPAN_LIT("XACF");
    expect(&f, PLAIN "\"auth_required\":true,\"max_payload\":1048576,\"client_id\":5,"
           "\"client_ip\":\"127.0.0.1\",\"nonce\":\"fFvngPBnQB1AHkQ\",\"cluster\":\"c1\","
           "\"api_lvl\":5,\"xkey\":\"XACF\"} \r\n");
}

static void all_fields_in_order(void **state)
{
    static const struct span urls[] = { SPAN_LIT("a:1"), SPAN_LIT("b:2") };
    struct info_fields f = {
        .git_commit = SPAN_LIT("c"), .auth_required = true, .tls_required = true,
        .tls_verify = true, .tls_available = true, .jetstream = true, .ip = SPAN_LIT("i"),
        .client_id = UINT64_MAX, .client_ip = SPAN_LIT("ci"), .nonce = SPAN_LIT("n"),
        .cluster = SPAN_LIT("cl"), .cluster_dynamic = true, .domain = SPAN_LIT("d"),
        .connect_urls = urls, .connect_url_count = 2, .ldm = true, .connect_info = true,
        .remote_account = SPAN_LIT("r"), .acc_is_sys = true, .api_lvl = 1, .xkey = SPAN_LIT("x"),
    };

    (void)state;
    expect(&f, "INFO {\"server_id\":\"\",\"server_name\":\"\",\"version\":\"\",\"proto\":0,"
           "\"git_commit\":\"c\",\"go\":\"\",\"host\":\"\",\"port\":0,\"headers\":false,"
           "\"auth_required\":true,\"tls_required\":true,\"tls_verify\":true,"
           "\"tls_available\":true,\"max_payload\":0,\"jetstream\":true,\"ip\":\"i\","
           "\"client_id\":18446744073709551615,\"client_ip\":\"ci\",\"nonce\":\"n\","
           "\"cluster\":\"cl\",\"cluster_dynamic\":true,\"domain\":\"d\","
           "\"connect_urls\":[\"a:1\",\"b:2\"],\"ldm\":true,\"connect_info\":true,"
           "\"remote_account\":\"r\",\"acc_is_sys\":true,\"api_lvl\":1,\"xkey\":\"x\"} \r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_fields_are_left_out),
        cmocka_unit_test(matches_the_peer_with_nkeys_and_cluster),
        cmocka_unit_test(all_fields_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
