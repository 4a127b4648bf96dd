/* SPDX-License-Identifier: Apache-2.0 */
/* base64_test.c - the examples of RFC 4648, section 10. */
#include "proto/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_rfc_examples(void **state)
{
    static const char *const rows[][2] = {
        { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
        { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" },
    };
    struct buf out = { 0 };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        out.len = 0;
        base64_append(&out, span_of(rows[i][0]));
        assert_string_equal(buf_text(&out), rows[i][1]);
    }
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_rfc_examples) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
