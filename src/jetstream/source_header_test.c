/* SPDX-License-Identifier: Apache-2.0 */
/* source_header_test.c - names, identities and the header's value, as nats-server writes them. */
#include "jetstream/source_header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/duration.h"

static int64_t wall(const char *text)
{
    struct error why;
    int64_t ns = 0;

    assert_int_equal(duration_parse_rfc3339(span_of(text), &ns, &why), ST_OK);
    return ns;
}

/* Taken from nats-server 2.15.1: a stream's `created` and what its copies' headers say. */
static void test_identity(void **state)
{
    char out[SOURCE_HASH_LEN + 1];

    (void)state;
    source_identity(wall("2026-11-23T22:12:06.111489985Z"), out);
    assert_string_equal(out, "EoQMGmWE");
    source_identity(wall("2026-11-23T22:11:38.383153303Z"), out);
    assert_string_equal(out, "5bac2ruN");
}

static void assert_name(const struct js_source_config *c, const char *expected)
{
    struct buf name = { 0 };

    source_append_name(c, &name);
    assert_string_equal(buf_text(&name), expected);
    buf_free(&name);
}

static void test_names(void **state)
{
    struct js_transform_config transforms[] = { { (char[]){ "o.1" }, (char[]){ "s.one" } },
                                                { (char[]){ "o.2" }, NULL },
                                                { NULL, (char[]){ "x.>" } } };
    struct js_source_config c = { .name = (char[]){ "O" } };

    (void)state;
    assert_name(&c, "O > >");
    c.filter_subject = (char[]){ "o.3" };
    assert_name(&c, "O o.3 >");
    c.filter_subject = NULL;
    c.transforms = transforms;
    c.transform_count = 3;
    assert_name(&c, "O o.1\fo.2\f> s.one\f>\fx.>");
}

static void test_external_has_its_own_name(void **state)
{
    struct js_source_config c = { .name = (char[]){ "O" }, .external_api = (char[]){ "a.API" } };
    char hash[SOURCE_HASH_LEN + 1], expected[32];

    (void)state;
    source_hash(SPAN_LIT("a.API"), hash);
    snprintf(expected, sizeof expected, "O:%s > >", hash);
    assert_name(&c, expected);
}

static void test_header_and_back(void **state)
{
    struct buf value = { 0 }, key = { 0 };
    uint64_t seq = 0;

    (void)state;
    source_append_header(&value, SPAN_LIT("O o.1\fo.2 s.one\f>"), 11, SPAN_LIT("o.1"),
                         SPAN_LIT("EoQMGmWE"));
    assert_string_equal(buf_text(&value), "O 11 o.1\fo.2 s.one\f> o.1 EoQMGmWE");
    assert_true(source_read_header(buf_span(&value), &key, &seq));
    assert_string_equal(buf_text(&key), "O o.1\fo.2 s.one\f> EoQMGmWE");
    assert_int_equal(seq, 11);
    buf_free(&value);
    buf_free(&key);
}

static void test_without_identity(void **state)
{
    struct buf value = { 0 }, key = { 0 };
    uint64_t seq = 0;

    (void)state;
    source_append_header(&value, SPAN_LIT("O > >"), UINT64_MAX, SPAN_LIT("o"), SPAN_NONE);
    assert_string_equal(buf_text(&value), "O 18446744073709551615 > > o");
    assert_true(source_read_header(buf_span(&value), &key, &seq));
    assert_string_equal(buf_text(&key), "O > >");
    assert_true(seq == UINT64_MAX);
    buf_free(&value);
    buf_free(&key);
}

static void test_other_values(void **state)
{
    static const char *const bad[] = { "", " ", "O", "O 1", "O 1 >", "O x > > o", "O  > > o",
                                       " 1 > > o", "O 18446744073709551616 > > o",
                                       "$JS.ACK.O.c.1.2.3.4.5" };
    struct buf key = { 0 };
    uint64_t seq;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_false(source_read_header(span_of(bad[i]), &key, &seq));
        assert_int_equal(key.len, 0);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_external_has_its_own_name),
        cmocka_unit_test(test_header_and_back),
        cmocka_unit_test(test_without_identity),
        cmocka_unit_test(test_other_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
