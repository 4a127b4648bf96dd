/* SPDX-License-Identifier: Apache-2.0 */
/* utf8_test.c - every code point, and the sequences that look like one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/utf8.h"

/* code as UTF-8 by the plain rule, surrogates and beyond U+10FFFF included. */
static size_t encode(uint32_t code, char out[4])
{
    size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

    for (size_t i = n; i-- > 1; code >>= 6) out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)(lead[n] | code);
    return n;
}

static void every_code_point(void **state)
{
    char text[4];

    (void)state;
    for (uint32_t code = 0; code < 0x140000; code++) {
        bool valid = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
        size_t n = encode(code, text);
        if (utf8_sequence(span_make(text, n)) != (valid ? n : 0)) fail_msg("U+%04X", code);
        if (n > 1 && utf8_sequence(span_make(text, n - 1)) != 0) fail_msg("cut U+%04X", code);
    }
}

static void malformed(void **state)
{
    static const char *const rows[] = {
        "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xf0\x80\x80\x80",
        "\xf0\x8f\xbf\xbf", "\xf8\x88\x80\x80", "\xff", "\xc3(", "\xe2\x82(", "\xf0\x9f\x98(",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (utf8_sequence(span_of(rows[i])) != 0) fail_msg("row %zu", i);
    assert_int_equal(utf8_sequence(SPAN_NONE), 0);
    assert_true(utf8_is_valid(SPAN_NONE));
    assert_true(utf8_is_valid(SPAN_LIT("a\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80")));
    assert_false(utf8_is_valid(SPAN_LIT("abc\xc3")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point), cmocka_unit_test(malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
