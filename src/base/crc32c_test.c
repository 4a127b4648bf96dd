/* SPDX-License-Identifier: Apache-2.0 */
/* crc32c_test.c - the published values; both ways, cut anywhere, against a bitwise oracle. */
#include "base/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#undef assert_fail

#include "base/rng.h"

static uint32_t bit_by_bit(const unsigned char *p, size_t n)
{
    uint32_t c = UINT32_C(0xffffffff);

    for (size_t i = 0; i < n; i++) {
        c ^= p[i];
        for (int bit = 0; bit < 8; bit++) c = c >> 1 ^ (c & 1 ? UINT32_C(0x82f63b78) : 0);
    }
    return ~c;
}

/* RFC 3720, appendix B.4, and the check value of the checksum's catalogue entry. */
static void test_published(void **state)
{
    unsigned char bytes[32];

    (void)state;
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(crc32c(0, bytes, 32), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(crc32c(0, bytes, 32), 0x62a8ab43);
    for (unsigned i = 0; i < 32; i++) bytes[i] = (unsigned char)i;
    assert_int_equal(crc32c(0, bytes, 32), 0x46dd794e);
    for (unsigned i = 0; i < 32; i++) bytes[i] = (unsigned char)(31 - i);
    assert_int_equal(crc32c(0, bytes, 32), 0x113fdb5c);
    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(crc32c_portable(0, "123456789", 9), 0xe3069283);
    assert_int_equal(crc32c(0, NULL, 0), 0);
    assert_int_equal(crc32c_portable(0, NULL, 0), 0);
}

static void test_against_oracle(void **state)
{
    unsigned char bytes[300];
    struct rng r;

    (void)state;
    rng_seed(&r, 11);
    for (int round = 0; round < 2000; round++) {
        size_t from = rng_below(&r, 16), n = rng_below(&r, 280), cut;
        for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)rng_next(&r);
        cut = rng_below(&r, (uint32_t)n + 1);
        uint32_t want = bit_by_bit(bytes + from, n);
        assert_int_equal(crc32c(0, bytes + from, n), want);
        assert_int_equal(crc32c_portable(0, bytes + from, n), want);
        assert_int_equal(crc32c(crc32c(0, bytes + from, cut), bytes + from + cut, n - cut), want);
        assert_int_equal(crc32c_portable(crc32c_portable(0, bytes + from, cut),
                                         bytes + from + cut, n - cut), want);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published),
        cmocka_unit_test(test_against_oracle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
