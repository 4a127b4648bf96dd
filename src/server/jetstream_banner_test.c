/* SPDX-License-Identifier: Apache-2.0 */
/* jetstream_banner_test.c - the least and the most that the banner tells. */
#include "server/jetstream_banner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/duration.h"

static char folder[] = "/d/jetstream", domain[] = "hub", key[] = "hush";

static void the_least(void **state)
{
    struct options_jetstream o = { 0 };
    struct jetstream_settings s = { .store_dir = folder, .max_memory = 0, .max_store = 1023 };
    struct buf out = { 0 };

    (void)state;
    jetstream_banner_append(&out, &o, &s, 2);
    assert_string_equal(buf_text(&out),
                        "---------------- JETSTREAM ----------------\n"
                        "  Max Memory:      0 B\n"
                        "  Max Storage:     1023 B\n"
                        "  Store Directory: \"/d/jetstream\"\n"
                        "  Sync:            before every ack\n"
                        "  API Level:       2\n"
                        "-------------------------------------------\n");
    buf_free(&out);
}

static void the_most(void **state)
{
    struct options_jetstream o = { .strict = true, .domain = domain, .key = key,
                                   .cipher = JETSTREAM_CIPHER_AES,
                                   .sync = JETSTREAM_SYNC_INTERVAL,
                                   .sync_interval_ns = 120 * NS_PER_S };
    struct jetstream_settings s = { .store_dir = folder, .max_memory = 1 << 20,
                                    .max_store = INT64_C(5) << 30 };
    struct buf out = { 0 };

    (void)state;
    jetstream_banner_append(&out, &o, &s, 4);
    assert_string_equal(buf_text(&out),
                        "---------------- JETSTREAM ----------------\n"
                        "  Strict:          true\n"
                        "  Max Memory:      1.00 MB\n"
                        "  Max Storage:     5.00 GB\n"
                        "  Store Directory: \"/d/jetstream\"\n"
                        "  Domain:          hub\n"
                        "  Encryption:      XChaCha20-Poly1305\n"
                        "  Sync Interval:   2m0s (after the ack)\n"
                        "  API Level:       4\n"
                        "-------------------------------------------\n");
    o.sync = JETSTREAM_SYNC_ALWAYS;
    out.len = 0;
    jetstream_banner_append(&out, &o, &s, 4);
    assert_non_null(strstr(buf_text(&out), "  Sync:            before every ack\n"));
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_least), cmocka_unit_test(the_most) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
