/* SPDX-License-Identifier: Apache-2.0 */
/* consumer_ack_test.c - subjects of acknowledgements. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#undef assert_fail

#include "jetstream/consumer_priv.h"

static void test_subjects(void **state)
{
    static const struct {
        const char *subject, *stream, *consumer;    /* stream NULL: not such a subject */
        uint64_t deliveries, seq, delivery;
        int64_t time_ns;
    } rows[] = {
        { "$JS.ACK.S.C.1.2.3.4.5", "S", "C", 1, 2, 3, 4 },
        { "$JS.ACK.my-st_r%m.c=1.10.200.3000.1700000000000000000.0", "my-st_r%m", "c=1", 10, 200,
          3000, 1700000000000000000 },
        { "$JS.ACK._.abcdefgh.S.C.1.2.3.4.5", "S", "C", 1, 2, 3, 4 },
        { "$JS.ACK.hub.abcdefgh.S.C.1.2.3.4.5.tail", "S", "C", 1, 2, 3, 4 },
        { "$JS.ACK._.abcdefgh.S.C.1.2.3.4.5.a.b.c", "S", "C", 1, 2, 3, 4 },
        { "$JS.ACK.S.C.9223372036854775807.1.1.1.1", "S", "C", INT64_MAX, 1, 1, 1 },
        { "$JS.ACK.S.C.1.2.3.4", NULL, NULL, 0, 0, 0, 0 },
        { "$JS.ACK.S.C.1.2.3.4.5.6", NULL, NULL, 0, 0, 0, 0 },
        { "$JS.ACK.S.C.1.2.3.4.x", NULL, NULL, 0, 0, 0, 0 },
        { "$JS.ACK.S.C.1.-2.3.4.5", NULL, NULL, 0, 0, 0, 0 },
        { "$JS.ACK.S.C.1..3.4.5", NULL, NULL, 0, 0, 0, 0 },
        { "$JS.ACK.S.C.1.9223372036854775808.3.4.5", NULL, NULL, 0, 0, 0, 0 },
        { "$JS.ACX.S.C.1.2.3.4.5", NULL, NULL, 0, 0, 0, 0 },
        { "$JT.ACK.S.C.1.2.3.4.5", NULL, NULL, 0, 0, 0, 0 },
        { "", NULL, NULL, 0, 0, 0, 0 },
        { "........", NULL, NULL, 0, 0, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ack_subject a;
        bool good = ack_subject_parse(span_of(rows[i].subject), &a);
        if (good != (rows[i].stream != NULL)) fail_msg("%s: %d", rows[i].subject, good);
        if (good && (!span_is(a.stream, rows[i].stream) ||
                     !span_is(a.consumer, rows[i].consumer) ||
                     a.deliveries != rows[i].deliveries || a.seq != rows[i].seq ||
                     a.delivery != rows[i].delivery || a.time_ns != rows[i].time_ns))
            fail_msg("%s", rows[i].subject);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_subjects) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
