/* SPDX-License-Identifier: Apache-2.0 */
/* conf_parse_test.c - the configuration language: texts against the JSON of their tree or the
 * error, in a world without files or with invented ones. Rows are what nats-server answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/mem.h"
#include "config/conf.h"
#include "config/conf_path.h"

/* ---- an invented world ---- */

struct file { const char *path, *text; };

static const struct file files[] = {
    { "dir/inc.conf", "i = 7\n" }, { "dir/sub/deep.conf", "include '../inc.conf'\nj = $i\n" },
    { "loop.conf", "include 'loop.conf'\n" }, { "bad.conf", "x = [\n" },
    { "dir/map.conf", "k { include 'inc.conf' }\n" },
};

static enum status read_invented(void *context, const char *path, size_t bytes_max,
                                 struct buf *out, struct error *why)
{
    (void)context;
    if (path[0] == 'n' && path[1] >= '0' && path[1] <= '9') {   /* n5 includes n4 and so on */
        long depth = strtol(path + 1, NULL, 10);
        if (depth == 0) buf_append_text(out, "z = 1\n");
        else buf_printf(out, "include n%ld\n", depth - 1);
        return ST_OK;
    }
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        if (strcmp(files[i].path, path) != 0) continue;
        if (strlen(files[i].text) > bytes_max) return error_set(why, ST_LIMIT, "too large");
        buf_append_text(out, files[i].text);
        return ST_OK;
    }
    return error_set(why, ST_NOT_FOUND, "open %s: no such file or directory", path);
}

static const char *env_invented(void *context, const char *name)
{
    static const struct { const char *name, *value; } variables[] = {
        { "PORT", "4333" }, { "WORD", "hello" }, { "MAP", "{a: 1, b: [x ,y ]}" },
        { "CYCLE", "$CYCLE" }, { "PING", "$PONG" }, { "PONG", "$PING" }, { "BAD", "[" },
        { "EMPTY", "" }, { "HOP", "$WORD" },
    };

    (void)context;
    for (size_t i = 0; i < COUNT_OF(variables); i++)
        if (strcmp(variables[i].name, name) == 0) return variables[i].value;
    return NULL;
}

static const struct conf_world invented = { read_invented, env_invented, NULL };

/* ---- rows ---- */

struct row { const char *text, *json; };    /* json, or "E" and the error */

static char *outcome(struct span text, const char *path)
{
    struct conf *c = NULL;
    struct error why = { "" };
    struct buf out = { 0 };
    enum status st = path != NULL ? conf_parse_file(&invented, path, &c, &why)
                                  : conf_parse_text(&invented, text, &c, &why);

    if (st == ST_OK) conf_append_json(&out, &c->root);
    else buf_printf(&out, "E%s", why.text);
    conf_free(c);
    return buf_take(&out);
}

static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *got = outcome(span_of(rows[i].text), NULL);
        if (strcmp(got, rows[i].json) != 0)
            fail_msg("row %zu: '%s'\n  got  %s\n  want %s", i, rows[i].text, got, rows[i].json);
        mem_free(got);
    }
}

static void values(void **state)
{
    static const struct row rows[] = {
        { "", "{}" }, { "\n# x\n// y\n", "{}" },
        { "a = 1", "{\"a\":1}" }, { "a: 1", "{\"a\":1}" }, { "a 1", "{\"a\":1}" },
        { "a=1;b=2,c=3\n", "{\"a\":1,\"b\":2,\"c\":3}" },
        { "b=1\na=2\n", "{\"a\":2,\"b\":1}" }, { "a=1\na=2\n", "{\"a\":2}" },
        { "a = -5", "{\"a\":-5}" }, { "a=1k\nb=1kb\nc=1Ki\nd=1kib", "{\"a\":1000,\"b\":1024,"
          "\"c\":1024,\"d\":1024}" },
        { "a=2m\nb=2MB\nc=3g\nd=3GiB", "{\"a\":2000000,\"b\":2097152,\"c\":3000000000,"
          "\"d\":3221225472}" },
        { "a=1t\nb=1ti\nc=1p\nd=1eb", "{\"a\":1000000000000,\"b\":1099511627776,"
          "\"c\":1000000000000000,\"d\":1152921504606846976}" },
        { "a = 22.2", "{\"a\":22.2}" }, { "a = -1.50", "{\"a\":-1.5}" },
        { "a = 0.0000001", "{\"a\":1e-7}" }, { "a = 1000000.0", "{\"a\":1000000}" },
        { "a = 123456789012345678901234.0", "{\"a\":1.2345678901234569e+23}" },
        { "a=true\nb=No\nc: ON\nd off", "{\"a\":true,\"b\":false,\"c\":true,\"d\":false}" },
        { "a = \"true\"", "{\"a\":\"true\"}" },
        { "a = 2016-05-04T18:53:41Z", "{\"a\":\"2016-05-04T18:53:41Z\"}" },
        { "a = 2016-02-29T00:00:00Z", "{\"a\":\"2016-02-29T00:00:00Z\"}" },
        { "a = 127.0.0.1:4222", "{\"a\":\"127.0.0.1:4222\"}" },
        { "a = http://h:1/x", "{\"a\":\"http://h:1/x\"}" },
        { "a = \"x\\ty\\x41\\\"\\\\\"", "{\"a\":\"x\\tyA\\\"\\\\\"}" },
        { "a = x\\tb", "{\"a\":\"x\\tb\"}" }, { "a = 'x\\tb'", "{\"a\":\"x\\\\tb\"}" },
        { "a = 12ab", "{\"a\":\"12ab\"}" }, { "a = 1a", "{\"a\":\"1a\"}" },
        { "a = 8k2\nb = 1kk", "{\"a\":\"8k2\",\"b\":\"1kk\"}" },
        { "a = (\n x\n y\n)\n", "{\"a\":\"\\n x\\n y\\n\"}" },
        { "a = <&>", "{\"a\":\"\\u003c\\u0026\\u003e\"}" },
        { "pass = $2a$11$abc", "{\"pass\":\"$2a$11$abc\"}" },
        { "\"a b\" = 1\n'c' 2", "{\"a b\":1,\"c\":2}" },
    };

    (void)state;
    check(rows, COUNT_OF(rows));
}

static void structures(void **state)
{
    static const struct row rows[] = {
        { "a { b: 1, c = 2; d 3\n e: x }", "{\"a\":{\"b\":1,\"c\":2,\"d\":3,\"e\":\"x\"}}" },
        { "a = [1 ,'x', \"y\"\n z\n]", "{\"a\":[1,\"x\",\"y\",\"z\"]}" },
        { "a = [ {x=1}, {x=2}\n {x=3} ]", "{\"a\":[{\"x\":1},{\"x\":2},{\"x\":3}]}" },
        { "a = [\n# c\n1 # d\n]", "{\"a\":[1]}" }, { "a=[]\nb={}", "{\"a\":[],\"b\":{}}" },
        { "{ \"a\": 1, \"b\": {\"c\": [\"x\", true]} }", "{\"a\":1,\"b\":{\"c\":[\"x\",true]}}" },
        { "{\na:1\n}\n", "{\"a\":1}" }, { "{{a=1}}\n", "{\"a\":1}" }, { "a=1\n}\n", "{\"a\":1}" },
        { "a = [1k]", "{\"a\":[\"1k\"]}" },     /* a number ends at white space or a comma */
    };

    (void)state;
    check(rows, COUNT_OF(rows));
}

static void variables(void **state)
{
    static const struct row rows[] = {
        { "x = 5\na = $x", "{\"a\":5,\"x\":5}" },
        { "x = 5\na { b = $x }", "{\"a\":{\"b\":5},\"x\":5}" },
        { "x = 5\na { x = 6, b = $x }", "{\"a\":{\"b\":6,\"x\":6},\"x\":5}" },
        { "x = {q: 1}\na = [$x, $x ]", "{\"a\":[{\"q\":1},{\"q\":1}],\"x\":{\"q\":1}}" },
        { "a = $PORT", "{\"a\":4333}" }, { "a = $WORD", "{\"a\":\"hello\"}" },
        { "a = $MAP", "{\"a\":{\"a\":1,\"b\":[\"x\",\"y\"]}}" },
        { "a = $HOP\nb = $HOP", "{\"a\":\"hello\",\"b\":\"hello\"}" },
        { "a = $b\nb = 1", "Evariable reference for 'b' on line 1 can not be found" },
        { "\n\na = $NOPE", "Evariable reference for 'NOPE' on line 3 can not be found" },
        { "a = $CYCLE", "Evariable reference for 'CYCLE' on line 1 could not be parsed: variable "
          "reference for 'CYCLE' on line 1 could not be parsed: variable reference cycle for "
          "'CYCLE'" },
        { "a = $PING", "Evariable reference for 'PING' on line 1 could not be parsed: variable "
          "reference for 'PONG' on line 1 could not be parsed: variable reference for 'PING' on "
          "line 1 could not be parsed: variable reference cycle for 'PING'" },
        { "a = $BAD", "Evariable reference for 'BAD' on line 1 could not be parsed: Parse error "
          "on line 1: 'Expected an array value terminator \",\" or an array terminator \"]\", but "
          "got '\\x00' instead.'" },
    };

    (void)state;
    check(rows, COUNT_OF(rows));
}

static void errors(void **state)
{
    static const struct row rows[] = {
        { "a", "Econfig is invalid (:1:1)" }, { "b=1\na =", "{\"a\":\"\",\"b\":1}" },
        { "= 1", "EParse error on line 1: 'Unexpected key separator '=''" },
        { "a = [1, 2, 3]\n", "EParse error on line 2: 'Expected an array value terminator \",\" "
          "or an array terminator \"]\", but got '\\x00' instead.'" },
        { "a = {", "EParse error on line 1: 'Unexpected EOF processing map.'" },
        { "a = \"x", "EParse error on line 1: 'Unexpected EOF.'" },
        { "a = \"\\q\"", "EParse error on line 1: 'Invalid escape character 'q'. Only the "
          "following escape characters are allowed: \\xXX, \\t, \\n, \\r, \\\", \\\\.'" },
        { "a = \"\\x4g\"", "EParse error on line 1: 'Expected two hexadecimal digits after '\\x', "
          "but got '4g''" },
        { "a = .5", "EParse error on line 1: 'Floats must start with a digit'" },
        { "a = 5.\n", "EParse error on line 2: 'Floats must have a digit after the '.', but got "
          "'\\n' instead.'" },
        { "a = -x", "EParse error on line 1: 'Expected a digit but got 'x'.'" },
        { "a = 2016-05-04\n", "EParse error on line 2: 'Expected 'T' in ISO8601 datetime, but "
          "found '\\n' instead.'" },
        { "a = 2015-02-29T00:00:00Z",
          "Eexpected Zulu formatted DateTime, but got '2015-02-29T00:00:00Z'" },
        { "a = 99999999999999999999",
          "Einteger '99999999999999999999' is out of the range" },
        { "a = 9223372036854775807", "{\"a\":9223372036854775807}" },
        { "a = 9223372036854775808", "Einteger '9223372036854775808' is out of the range" },
        { "a = 9223372036854775807k", "Einteger '9223372036854775807k' is out of the range" },
        { "a = 1kbb\n", "Einteger '1kbb' has an unknown suffix" },
        { "a = 1 2\n", "EParse error on line 1: 'Expected a top-level value to end with a new "
          "line, comment or EOF, but got '2' instead.'" },
        { "a = {]}", "EParse error on line 1: 'Unexpected array end ']' processing map.'" },
        { "a = (x\n", "EParse error on line 2: 'Unexpected EOF processing block.'" },
        { "include 5", "EParse error on line 1: 'Expected include value but found start of a "
          "number'" },
    };

    (void)state;
    check(rows, COUNT_OF(rows));
}

static void includes(void **state)
{
    static const struct { const char *path, *want; } rows[] = {
        { "dir/inc.conf", "{\"i\":7}" }, { "dir/sub/deep.conf", "{\"i\":7,\"j\":7}" },
        { "dir/map.conf", "{\"k\":{\"i\":7}}" },
        { "nope.conf", "Eopen nope.conf: no such file or directory" },
    };
    static const struct row texts[] = {
        { "include dir/inc.conf\nb = $i", "{\"b\":7,\"i\":7}" },
        { "include: 5", "{\"include\":5}" },
        { "include nope", "Eerror parsing include file 'nope', open nope: no such file or "
          "directory" },
        { "include bad.conf", "Eerror parsing include file 'bad.conf', Parse error on line 2: "
          "'Expected an array value terminator \",\" or an array terminator \"]\", but got '\\x00' "
          "instead.'" },
    };
    char *got;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        got = outcome(SPAN_NONE, rows[i].path);
        assert_string_equal(got, rows[i].want);
        mem_free(got);
    }
    check(texts, COUNT_OF(texts));
    got = outcome(SPAN_NONE, "loop.conf");
    assert_string_equal(got, "Eloop.conf:1:9: files include each other more than 16 deep");
    mem_free(got);
    got = outcome(SPAN_NONE, "n16");
    assert_string_equal(got, "{\"z\":1}");
    mem_free(got);
    got = outcome(SPAN_NONE, "n17");
    assert_string_equal(got, "En1:1:8: files include each other more than 16 deep");
    mem_free(got);
}

/* Brackets nested depth times around nothing. */
static char *nested(size_t depth)
{
    struct buf text = { 0 };

    buf_append_text(&text, "a = ");
    for (size_t i = 0; i < depth; i++) buf_append_char(&text, '[');
    for (size_t i = 0; i < depth; i++) buf_append_char(&text, ']');
    return buf_take(&text);
}

static void nesting_is_bounded(void **state)
{
    char *text = nested(CONF_NESTING_MAX - 1), *got = outcome(span_of(text), NULL);

    (void)state;
    assert_int_equal(got[0], '{');
    mem_free(text);
    mem_free(got);
    text = nested(CONF_NESTING_MAX);
    got = outcome(span_of(text), NULL);
    assert_non_null(strstr(got, "nested deeper than 100 levels"));
    mem_free(text);
    mem_free(got);
    text = nested(1000000);
    got = outcome(span_of(text), NULL);
    assert_non_null(strstr(got, "nested deeper than 100 levels"));
    mem_free(text);
    mem_free(got);
}

/* Each line doubles the one before: 2^40 values in 40 lines. */
static void references_cannot_explode(void **state)
{
    struct buf text = { 0 };
    char *got;

    (void)state;
    buf_append_text(&text, "x0 = [y ]\n");
    for (int i = 1; i <= 40; i++) buf_printf(&text, "x%d = [$x%d, $x%d ]\n", i, i - 1, i - 1);
    got = outcome(buf_span(&text), NULL);
    assert_non_null(strstr(got, "too large once variables are replaced"));
    mem_free(got);
    text.len = 0;
    buf_append_text(&text, "x0 = [y ]\n");
    for (int i = 1; i <= 120; i++) buf_printf(&text, "x%d = [$x%d ]\n", i, i - 1);
    got = outcome(buf_span(&text), NULL);
    assert_non_null(strstr(got, "nested deeper than 100 levels"));
    mem_free(got);
    buf_free(&text);
}

static void digest_is_natsservers(void **state)
{
    struct conf *c = NULL;
    char digest[72];

    (void)state;
    assert_int_equal(conf_parse_text(&invented, SPAN_LIT("http: 1\nhttps: 2"), &c, NULL), ST_OK);
    conf_digest(c, digest);
    assert_string_equal(digest, "sha256:"
                        "45a49470ed5ef0e46eeda50c8be41adad0d47b4d0819b183653e032f16529ff5");
    conf_free(c);
}

static void places(void **state)
{
    static const char text[] = "a: 1\n  bc = {\n\td: 2 }\ne: [\n x\n]\n";
    const struct conf_value *v, *d;
    struct conf *c = NULL;

    (void)state;
    assert_int_equal(conf_parse_text(&invented, span_of(text), &c, NULL), ST_OK);
    v = conf_get(&c->root, "a");
    assert_int_equal(v->line, 1);
    assert_int_equal(v->column, 0);
    v = conf_get(&c->root, "bc");
    assert_int_equal(v->line, 2);
    assert_int_equal(v->column, 3);     /* nats-server counts from the line feed before */
    d = conf_get(v, "d");
    assert_int_equal(d->line, 3);
    assert_int_equal(d->column, 2);
    assert_null(conf_get(v, "x"));
    conf_free(c);
}

static void paths(void **state)
{
    static const struct { const char *includer, *name, *want; } rows[] = {
        { "", "a", "a" }, { "x.conf", "a", "a" }, { "d/x.conf", "a", "d/a" },
        { "d/x.conf", "../a", "a" }, { "d/x.conf", "../../a", "../a" }, { "/x", "a", "/a" },
        { "/d/x", "../../a", "/a" }, { "d/x", "/a", "d/a" }, { "./d//e/./x", "a/./b", "d/e/a/b" },
        { "x", ".", "." }, { "../x", "../a", "../../a" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char *got = conf_path_join(span_of(rows[i].includer), span_of(rows[i].name));
        assert_string_equal(got, rows[i].want);
        mem_free(got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values), cmocka_unit_test(structures), cmocka_unit_test(variables),
        cmocka_unit_test(errors), cmocka_unit_test(includes),
        cmocka_unit_test(nesting_is_bounded), cmocka_unit_test(references_cannot_explode),
        cmocka_unit_test(digest_is_natsservers), cmocka_unit_test(places),
        cmocka_unit_test(paths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
