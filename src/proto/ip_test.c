/* SPDX-License-Identifier: Apache-2.0 */
/* ip_test.c - rows by hand, and mutated addresses against the C library's parser. */
#include "proto/ip.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#undef assert_fail

#include "base/rng.h"

static void test_rows(void **state)
{
    static const struct { const char *text; bool is_address; } rows[] = {
        { "", false }, { "0.0.0.0", true }, { "255.255.255.255", true }, { "256.0.0.1", false },
        { "1.2.3", false }, { "1.2.3.4.5", false }, { "1.2.3.", false }, { ".1.2.3", false },
        { "01.2.3.4", false }, { "1.2.3.04", false }, { "1.2.3.4 ", false }, { "+1.2.3.4", false },
        { "::", true }, { "::1", true }, { "1::", true }, { ":", false }, { ":::", false },
        { "1:2:3:4:5:6:7:8", true }, { "1:2:3:4:5:6:7", false }, { "1:2:3:4:5:6:7:8:9", false },
        { "1:2:3:4:5:6:7::", true }, { "1:2:3:4:5:6:7:8::", false }, { "1::2::3", false },
        { "::ffff:1.2.3.4", true }, { "1.2.3.4::", false }, { "::1.2.3", false },
        { "1:2:3:4:5:6:1.2.3.4", true }, { "1:2:3:4:5:6:7:1.2.3.4", false }, { "fFfF::", true },
        { "12345::", false }, { "g::", false }, { "fe80::1%eth0", false }, { ":1::", false },
        { "1::2:", false }, { "localhost", false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (ip_is_address(span_of(rows[i].text)) != rows[i].is_address)
            fail_msg("%s", rows[i].text);
}

static void test_agrees_with_inet_pton(void **state)
{
    static const char *const seeds[] = {
        "127.0.0.1", "255.250.100.9", "::1", "1:2:3:4:5:6:7:8", "fe80::a:b", "::ffff:1.2.3.4",
    };
    static const char alphabet[] = "0123456789af.::";
    unsigned accepted = 0;
    struct rng rng;

    (void)state;
    rng_seed(&rng, 4291);
    for (int round = 0; round < 200000; round++) {
        char text[64];
        unsigned char out[16];
        size_t len;
        bool want;
        snprintf(text, sizeof text, "%s", seeds[rng_below(&rng, COUNT_OF(seeds))]);
        for (uint32_t edits = rng_below(&rng, 4); edits > 0; edits--) {
            size_t at;
            len = strlen(text);
            at = rng_below(&rng, (uint32_t)len);
            if (rng_below(&rng, 2) && len > 1) {
                memmove(text + at, text + at + 1, len - at);
            } else {
                memmove(text + at + 1, text + at, len - at + 1);
                text[at] = alphabet[rng_below(&rng, sizeof alphabet - 1)];
            }
        }
        want = inet_pton(AF_INET, text, out) == 1 || inet_pton(AF_INET6, text, out) == 1;
        accepted += want;
        if (ip_is_address(span_of(text)) != want) fail_msg("%s is %san address", text,
                                                           want ? "" : "not ");
    }
    assert_in_range(accepted, 50000, 150000);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows), cmocka_unit_test(test_agrees_with_inet_pton),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
