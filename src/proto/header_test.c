/* SPDX-License-Identifier: Apache-2.0 */
/* header_test.c - finding and removing, in good blocks and bad ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/header.h"

#define V "NATS/1.0\r\n"

static void finds_values(void **state)
{
    static const struct { const char *block, *key, *want; } rows[] = {
        { V "A: 1\r\nB:2\r\n\r\n", "A", "1" }, { V "A: 1\r\nB:2\r\n\r\n", "B", "2" },
        { V "A: 1\r\n\r\n", "a", NULL }, { V "AA: 1\r\nA: 2\r\n\r\n", "A", "2" },
        { V "BA: 1\r\n\r\n", "A", NULL }, { V "A : 1\r\n\r\n", "A", NULL },
        { V "A: 1\r\nA: 2\r\n\r\n", "A", "1" }, { V "A:\r\n\r\n", "A", "" },
        { V "A:   x y \r\n\r\n", "A", "x y " }, { V "X: A: 1\r\n\r\n", "A", NULL },
        { "NATS/1.0 503 A: 1\r\n\r\n", "A", NULL }, { V "A: 1", "A", "1" },
        { "", "A", NULL }, { "A: 1\r\n", "A", NULL }, { V "X: 1\nA: 2\r\n\r\n", "A", "2" },
        { V "A", "A", NULL }, { V "A:", "A", "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct span v = SPAN_NONE;
        bool found = header_find(span_of(rows[i].block), span_of(rows[i].key), &v);
        if (found != (rows[i].want != NULL) || (found && !span_is(v, rows[i].want)))
            fail_msg("row %zu: %d '%.*s'", i, found, SPAN_ARG(v));
    }
}

static void removes_every_duplicate(void **state)
{
    static const struct { const char *block, *key; bool prefix; const char *want; } rows[] = {
        { V "A: 1\r\nB: 2\r\nA: 3\r\n\r\n", "A", false, V "B: 2\r\n\r\n" },
        { V "A: 1\r\nA: 2\r\n\r\n", "A", false, "" },
        { V "B: 1\r\n\r\n", "A", false, V "B: 1\r\n\r\n" },
        { V "\r\n", "A", false, V "\r\n" },
        { V "AB: 1\r\nA:\r\n\r\n", "A", false, V "AB: 1\r\n\r\n" },
        { V "X: A: 1\r\n\r\n", "A", false, V "X: A: 1\r\n\r\n" },
        { V "X: 1\nA: 2\r\n\r\n", "A", false, V "X: 1\n\r\n" },
        { "NATS/1.0 404 x\r\nA: 1\r\n\r\n", "A", false, "NATS/1.0 404 x\r\n\r\n" },
        { V "Nats-A: 1\r\nB: 2\r\nNats-C: 3\r\n\r\n", "Nats-", true, V "B: 2\r\n\r\n" },
        { V "Nats: 1\r\n\r\n", "Nats-", true, V "Nats: 1\r\n\r\n" }, { "", "A", false, "" },
        { V "A: 1", "A", false, "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char block[128];
        size_t len = strlen(rows[i].block);
        memcpy(block, rows[i].block, len);
        len = rows[i].prefix ? header_remove_prefix(block, len, span_of(rows[i].key))
                             : header_remove(block, len, span_of(rows[i].key));
        if (!span_is(span_make(block, len), rows[i].want))
            fail_msg("row %zu: %.*s", i, (int)len, block);
    }
}

static void validity(void **state)
{
    static const struct { const char *block; bool want; } rows[] = {
        { V "\r\n", true }, { V "A: 1\r\n\r\n", true }, { "NATS/1.0 503\r\n\r\n", true },
        { "NATS/1.0 100 Idle Heartbeat\r\nA: 1\r\nA: 2\r\n\r\n", true }, { V "A:\r\n\r\n", true },
        { "", false }, { "NATS/1.0", false }, { V, false }, { V "A: 1\r\n", false },
        { "NATS/1.1\r\n\r\n", false }, { "NATS/1.0x\r\n\r\n", false },
        { "HTTP/1.0\r\n\r\n", false },
        { V "A 1\r\n\r\n", false }, { V ": 1\r\n\r\n", false }, { V "A : 1\r\n\r\n", false },
        { V "A: 1\n\r\n", false }, { V "A: 1\r2\r\n\r\n", false }, { V "\r\nA: 1\r\n\r\n", false },
        { V "A: 1\r\n\r\nx", false }, { "NATS/1.0\n\n", false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (header_is_valid(span_of(rows[i].block)) != rows[i].want) fail_msg("row %zu", i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_values), cmocka_unit_test(removes_every_duplicate),
        cmocka_unit_test(validity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
