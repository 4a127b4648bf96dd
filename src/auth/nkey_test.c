/* SPDX-License-Identifier: Apache-2.0 */
/* nkey_test.c - vectors made with github.com/nats-io/nkeys, and damaged copies of them. */
#include "auth/nkey.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define USER "UDSAGCMYZ7K22FZDYFU7SVVKBOPLQYM3LGJL2YJMFL2CR26HT6G7AGME"
#define NONCE "PXoWU7zWAMt75FY"
#define SIG_START "r4YrFsOongifrniOzTO3LFzkoliZfkuIPzxmHd07ObHWgcpUEpSXLvbU1OT3xVB"
#define SIG SIG_START "-O8sdDxhZ5IcouL7l973ODA"
#define SIG_STD SIG_START "+O8sdDxhZ5IcouL7l973ODA=="

static void make_seed(unsigned char seed[NKEY_RAW_BYTES])
{
    for (unsigned i = 0; i < NKEY_RAW_BYTES; i++) seed[i] = (unsigned char)(i * 7 + 1);
}

static void test_server_keys(void **state)
{
    unsigned char seed[NKEY_RAW_BYTES];
    char text[NKEY_TEXT_BYTES + 1];

    (void)state;
    make_seed(seed);
    nkey_server_id(seed, text);
    assert_string_equal(text, "NDSAGCMYZ7K22FZDYFU7SVVKBOPLQYM3LGJL2YJMFL2CR26HT6G7A7QP");
    nkey_server_xkey(seed, text);
    assert_string_equal(text, "XDEP5SUBXYMWZXZMVXVL6E6ESA6XMMW44SKVVJULNZOZVXXVJYTBN7FU");
}

static void test_decode_and_encode(void **state)
{
    unsigned char raw[NKEY_RAW_BYTES];
    char text[NKEY_TEXT_BYTES + 1];

    (void)state;
    assert_int_equal(nkey_decode(NKEY_USER, span_of(USER), raw), ST_OK);
    nkey_encode(NKEY_USER, raw, text);
    assert_string_equal(text, USER);
    nkey_encode(NKEY_ACCOUNT, raw, text);
    assert_string_equal(text, "ADSAGCMYZ7K22FZDYFU7SVVKBOPLQYM3LGJL2YJMFL2CR26HT6G7BC73");
    assert_int_equal(nkey_decode(NKEY_ACCOUNT, span_of(text), raw), ST_OK);
    assert_int_equal(nkey_decode(NKEY_USER, span_of(text), raw), ST_BAD_INPUT);
    assert_true(nkey_is_user(span_of(USER)));
    assert_false(nkey_is_user(span_of(text)));
}

/* Every single changed character, and every other length, is noticed. */
static void test_damaged_keys(void **state)
{
    char text[NKEY_TEXT_BYTES + 2] = USER "A";

    (void)state;
    assert_false(nkey_is_user(span_of(text)));
    assert_false(nkey_is_user(SPAN_NONE));
    assert_false(nkey_is_user(SPAN_LIT(
        "SUAACCAPCYOSIKZSHFAEOTSVLRRWU4LYP6DI3FE3UKU3BN56YXGNHWVCJA")));
    for (size_t len = 0; len < NKEY_TEXT_BYTES; len++)
        assert_false(nkey_is_user(span_make(USER, len)));
    for (size_t i = 0; i < NKEY_TEXT_BYTES; i++) {
        static const char tries[] = "A7Bu0189=. \n";
        for (size_t t = 0; t < sizeof tries; t++) {     /* its NUL as well */
            memcpy(text, USER, NKEY_TEXT_BYTES);
            if (text[i] == tries[t]) continue;
            text[i] = tries[t];
            if (nkey_is_user(span_make(text, NKEY_TEXT_BYTES)))
                fail_msg("byte %zu as 0x%02x", i, (unsigned)tries[t]);
        }
    }
}

static void test_verify(void **state)
{
    static const struct { const char *key, *nonce, *sig; bool good; } rows[] = {
        { USER, NONCE, SIG, true },
        { USER, NONCE, SIG_STD, true },
        { USER, "PXoWU7zWAMt75FZ", SIG, false },
        { USER, "", SIG, false },
        { USER, NONCE, "", false },
        { USER, NONCE, SIG "AA", false },
        { USER, NONCE, "r4YrFsOongifrniOzTO3LFzk", false },
        { USER, NONCE, "not base64!", false },
        { "NDSAGCMYZ7K22FZDYFU7SVVKBOPLQYM3LGJL2YJMFL2CR26HT6G7A7QP", NONCE, SIG, false },
        { "UDSA", NONCE, SIG, false },
    };
    char sig[] = SIG;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (nkey_verify(span_of(rows[i].key), span_of(rows[i].nonce), span_of(rows[i].sig))
            != rows[i].good)
            fail_msg("row %zu", i);
    for (size_t i = 0; i < sizeof sig - 1; i++) {
        char before = sig[i];
        sig[i] = before == 'A' ? 'B' : 'A';
        if (nkey_verify(SPAN_LIT(USER), SPAN_LIT(NONCE), span_of(sig))) fail_msg("sig %zu", i);
        sig[i] = before;
    }
}

static void test_nonce(void **state)
{
    static const unsigned char raw[NKEY_NONCE_RAW_BYTES] =
        { 0, 1, 2, 3, 250, 251, 252, 253, 254, 255, 62 };
    char text[NKEY_NONCE_BYTES + 1];

    (void)state;
    nkey_nonce(raw, text);
    assert_string_equal(text, "AAECA_r7_P3-_z4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server_keys), cmocka_unit_test(test_decode_and_encode),
        cmocka_unit_test(test_damaged_keys), cmocka_unit_test(test_verify),
        cmocka_unit_test(test_nonce),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
