/* SPDX-License-Identifier: Apache-2.0 */
/* transform_test.c - transforms, row by row; the results are nats-server's, quirks included. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/transform.h"

#define BAD "invalid mapping destination: "
#define RANGE BAD "wildcard index out of range in "

static void results(void **state)
{
    static const struct { const char *source, *destination, *subject, *want; } rows[] = {
        { "foo", "bar", "foo", "bar" }, { "", "a.>", "b.c", "a.b.c" },
        { ">", ">", "a.b", "a.b" }, { "foo.>", "bar.>", "foo.a.b", "bar.a.b" },
        { "foo.*.>", "$1.>", "foo.a.b.c", "a.b.c" }, { "foo.*", "$x.$", "foo.a", "$x.$" },
        { "foo.*.*", "bar.$2.$1", "foo.a.b", "bar.b.a" },
        { "foo.*.*", "{{wildcard(2)}}.{{ Wildcard ( 1 ) }}", "foo.a.b", "b.a" },
        { "foo.*", "$0.$-1.$+1", "foo.a", "foo.foo.a" },
        { "*", "{{partition(10,1)}}", "foo", "3" }, { "foo.*", "{{partition(0)}}", "foo.a", "0" },
        { "foo.*.*", "{{partition(10,1,2)}}", "foo.bar.baz", "9" },
        { "foo", "{{partition(10)}}", "foo", "3" },
        { "foo", "{{partition(-1,9)}}", "foo", "2851307223" },
        { "*", "{{split(1,-)}}", "-a--b-", "a.b" }, { "*", "{{split(1,-)}}", "--a", ".a" },
        { "*", "{{split(1,-)}}", "abc", "abc" }, { "*", "{{split(1,ab)}}", "1ab2", "1.2" },
        { "*", "{{split(1,)}}", "a\xc3\xa9\xff", "a.\xc3\xa9.\xff" },
        { "*", "{{splitFromLeft(1,2)}}", "12345", "12.345" },
        { "*", "{{splitFromRight(1,2)}}", "12345", "123.45" },
        { "*", "{{splitFromLeft(1,5)}}", "12345", "12345" },
        { "*", "{{splitFromLeft(1,-1)}}", "12345", "12345" },
        { "*", "{{sliceFromLeft(1,2)}}", "12345", "12.34.5" },
        { "*", "{{sliceFromLeft(1,2)}}", "1234", "12.34" },
        { "*", "{{sliceFromLeft(1,3)}}", "12345", "123.45" },
        { "*", "{{sliceFromRight(1,2)}}", "12345", "1.23.45" },
        { "*", "{{SliceFromRight(1,2)}}", "1234", "12.34" },
        { "*", "{{left(1,2)}}.{{right(1,2)}}", "12345", "12.45" },
        { "*", "{{Left(1,9)}}", "12345", "12345" }, { "*", "{{random(1)}}", "a", "0" },
        { "*", "{{random(0)}}", "a", "0" }, { "a", "{{a", "a", "{{a" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct transform *t;
        struct error why = { "" };
        struct buf out = { 0 };
        struct rng rng;

        rng_seed(&rng, 1);
        if (transform_compile(&t, span_of(rows[i].source), span_of(rows[i].destination),
                              TRANSFORM_ANY, &why) != ST_OK)
            fail_msg("row %zu: %s: %s", i, rows[i].destination, why.text);
        assert_true(transform_matches(t, span_of(rows[i].subject)));
        transform_apply(t, span_of(rows[i].subject), &rng, &out);
        if (!span_is(buf_span(&out), rows[i].want))
            fail_msg("row %zu: %s gives %s", i, rows[i].destination, buf_text(&out));
        transform_free(&t);
        buf_free(&out);
    }
}

static void errors(void **state)
{
    static const struct { bool strict; const char *source, *destination, *want; } rows[] = {
        { false, "a..b", "c", "invalid subject" }, { false, "a", "", "invalid subject" },
        { false, "a", "b.", "invalid subject" }, { false, "a", "b.*", "invalid subject" },
        { false, "a.>", "b", "invalid subject" }, { false, "a", "b.>", "invalid subject" },
        { false, "a b", "c", "invalid subject" }, { false, "a", "b c", BAD "invalid transform" },
        { false, "a.*", "$2", RANGE "$2: [2]" }, { false, "a", "$1", RANGE "$1" },
        { false, "a.*", "{{wildcard(2)}}", RANGE "{{wildcard(2)}}: [2]" },
        { false, "*", "{{foo(1)}}", BAD "unknown function in {{foo(1)}}" },
        { false, "*", "{{wildcard}}", BAD "unknown function in {{wildcard}}" },
        { false, "*", "{{WildCard(1)}}", BAD "unknown function in {{WildCard(1)}}" },
        { false, "*", "{{wildcard()}}",
          BAD "not enough arguments passed to the function in {{wildcard()}}" },
        { false, "*", "{{wildcard(1,2)}}",
          BAD "too many arguments passed to the function in {{wildcard(1,2)}}" },
        { false, "*", "{{wildcard(x)}}",
          BAD "function argument is invalid or in the wrong format in {{wildcard(x)}}" },
        { false, "*", "{{partition()}}",
          BAD "function argument is invalid or in the wrong format in {{partition()}}" },
        { false, "*", "{{partition(2147483648)}}",
          BAD "function argument is invalid or in the wrong format in {{partition(2147483648)}}" },
        { false, "*", "{{partition(2,1,2)}}", RANGE "{{partition(2,1,2)}}: [2]" },
        { false, "*", "{{left(1)}}",
          BAD "not enough arguments passed to the function in {{left(1)}}" },
        { false, "*", "{{split(1,a b)}}",
          BAD "function argument is invalid or in the wrong format in {{split(1,a b)}}" },
        { false, "*", "{{random(1,2)}}",
          BAD "not enough arguments passed to the function in {{random(1,2)}}" },
        { true, "*", "{{partition(2,1)}}", BAD "the only mapping function allowed for import "
          "transforms is {{Wildcard()}} in {{partition(2,1)}}" },
        { true, "*.*", "a.$1", BAD "not using all of the token wildcard(s) in a.$1" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct transform *t;
        struct error why = { "" };
        enum status st = transform_compile(&t, span_of(rows[i].source),
                                           span_of(rows[i].destination),
                                           rows[i].strict ? TRANSFORM_STRICT : TRANSFORM_ANY, &why);
        assert_null(t);
        if (st != ST_BAD_SUBJECT || strcmp(why.text, rows[i].want) != 0)
            fail_msg("row %zu: %s: '%s'", i, rows[i].destination, why.text);
    }
}

static void random_is_below_its_limit(void **state)
{
    struct transform *t;
    struct error why;
    struct rng rng;
    unsigned seen = 0;

    (void)state;
    rng_seed(&rng, 42);
    assert_int_equal(transform_compile(&t, SPAN_LIT("a"), SPAN_LIT("{{random(3)}}"), TRANSFORM_ANY,
                                       &why), ST_OK);
    for (int i = 0; i < 1000; i++) {
        struct buf out = { 0 };
        transform_apply(t, SPAN_LIT("a"), &rng, &out);
        assert_true(out.len == 1 && out.p[0] >= '0' && out.p[0] <= '2');
        seen |= 1u << (out.p[0] - '0');
        buf_free(&out);
    }
    assert_int_equal(seen, 7);
    transform_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results), cmocka_unit_test(errors),
        cmocka_unit_test(random_is_below_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
