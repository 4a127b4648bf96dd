/* SPDX-License-Identifier: Apache-2.0 */
/* perms_test.c - tables of cases taken from nats-server, and random rules against an oracle that
 * walks the rules one by one. */
#include "auth/perms.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/duration.h"
#include "base/mem.h"
#include "base/rng.h"

enum { LIST_ENTRIES_MAX = 8 };

/* Options on the stack: entries of the four lists, up to NULL. */
struct lists {
    const char *publish_allow[LIST_ENTRIES_MAX], *publish_deny[LIST_ENTRIES_MAX];
    const char *subscribe_allow[LIST_ENTRIES_MAX], *subscribe_deny[LIST_ENTRIES_MAX];
    bool responses;
};

static void set_list(struct text_list *list, const char **items)
{
    list->items = (char **)(void *)items;
    for (list->count = 0; list->count < LIST_ENTRIES_MAX && items[list->count] != NULL;)
        list->count++;
}

static struct perms *compile(struct lists *l)
{
    struct permission_options o = { .has_responses = l->responses };

    set_list(&o.publish.allow, l->publish_allow);
    set_list(&o.publish.deny, l->publish_deny);
    set_list(&o.subscribe.allow, l->subscribe_allow);
    set_list(&o.subscribe.deny, l->subscribe_deny);
    return perms_new(&o);
}

/* ---- tables ---- */

struct row {
    enum perms_verb verb;
    const char *subject, *queue;
    bool allowed;
};

static void check_rows(const struct perms *p, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (perms_allow(p, rows[i].verb, span_of(rows[i].subject), span_of(rows[i].queue))
            != rows[i].allowed)
            fail_msg("row %zu: %d %s %s", i, rows[i].verb, rows[i].subject,
                     rows[i].queue ? rows[i].queue : "");
}

static void test_everything_without_rules(void **state)
{
    struct lists none = { .responses = false };
    struct perms *p = compile(&none);
    const struct row rows[] = {
        { PERMS_PUBLISH, "a.b", NULL, true }, { PERMS_SUBSCRIBE, ">", NULL, true },
        { PERMS_DELIVER, "a", "q", true }, { PERMS_PUBLISH, "a..b", NULL, true },
    };

    (void)state;
    check_rows(NULL, rows, COUNT_OF(rows));
    check_rows(p, rows, COUNT_OF(rows));
    assert_null(perms_new(NULL));
    assert_null(perms_ref(NULL));
    perms_unref(NULL);
    perms_unref(p);
}

static void test_publish(void **state)
{
    struct lists l = { .publish_allow = { "a.>", "b", "*.x", "$JS.*.d" },
                       .publish_deny = { "a.no", "a.*.no" } };
    struct perms *p = compile(&l);
    const struct row rows[] = {
        { PERMS_PUBLISH, "a.b", NULL, true }, { PERMS_PUBLISH, "a", NULL, false },
        { PERMS_PUBLISH, "a.no", NULL, false }, { PERMS_PUBLISH, "a.no.z", NULL, true },
        { PERMS_PUBLISH, "a.b.no", NULL, false }, { PERMS_PUBLISH, "b", NULL, true },
        { PERMS_PUBLISH, "b.c", NULL, false }, { PERMS_PUBLISH, "q.x", NULL, true },
        { PERMS_PUBLISH, "x", NULL, false }, { PERMS_PUBLISH, "$JS.1.d", NULL, true },
        { PERMS_PUBLISH, "a..b", NULL, false }, { PERMS_PUBLISH, ".x", NULL, false },
        { PERMS_PUBLISH, "a.", NULL, false }, { PERMS_PUBLISH, "", NULL, false },
        { PERMS_PUBLISH, "a.*", NULL, true }, { PERMS_PUBLISH, "A.b", NULL, false },
        { PERMS_SUBSCRIBE, ">", NULL, true }, { PERMS_DELIVER, "z", NULL, true },
    };

    (void)state;
    check_rows(p, rows, COUNT_OF(rows));
    perms_unref(p);
}

static void test_subscribe(void **state)
{
    struct lists l = { .subscribe_allow = { "foo.*", "bar", "bar q", "jobs v1.*", "any *" },
                       .subscribe_deny = { "foo.no", "bar deny.*", "foo.d q" } };
    struct perms *p = compile(&l);
    const struct row rows[] = {
        { PERMS_SUBSCRIBE, "foo.a", NULL, true }, { PERMS_SUBSCRIBE, "foo.*", NULL, true },
        /* Tokens of the subscription are taken as they are written, as nats-server does. */
        { PERMS_SUBSCRIBE, "foo.>", NULL, true }, { PERMS_SUBSCRIBE, "foo.*.*", NULL, false },
        { PERMS_SUBSCRIBE, "*.a", NULL, false }, { PERMS_SUBSCRIBE, ">", NULL, false },
        { PERMS_SUBSCRIBE, "foo.no", NULL, false }, { PERMS_SUBSCRIBE, "foo.no", "q", false },
        { PERMS_SUBSCRIBE, "foo.d", NULL, true }, { PERMS_SUBSCRIBE, "foo.d", "q", false },
        { PERMS_SUBSCRIBE, "foo.d", "r", true },
        { PERMS_SUBSCRIBE, "bar", NULL, true }, { PERMS_SUBSCRIBE, "bar", "q", true },
        { PERMS_SUBSCRIBE, "bar", "r", false },
        { PERMS_SUBSCRIBE, "jobs", NULL, false }, { PERMS_SUBSCRIBE, "jobs", "v1.a", true },
        { PERMS_SUBSCRIBE, "jobs", "v1.*", true }, { PERMS_SUBSCRIBE, "jobs", "v1.>", false },
        { PERMS_SUBSCRIBE, "jobs", "v1.", false }, { PERMS_SUBSCRIBE, "jobs", "v1", false },
        { PERMS_SUBSCRIBE, "jobs", "v1.a.b", false },
        { PERMS_SUBSCRIBE, "any", "one", true }, { PERMS_SUBSCRIBE, "any", "one.two", false },
        { PERMS_DELIVER, "foo.no", NULL, false }, { PERMS_DELIVER, "foo.d", "q", false },
        { PERMS_DELIVER, "foo.d", NULL, true }, { PERMS_DELIVER, "bar", "deny.x", false },
        { PERMS_PUBLISH, "foo.no", NULL, true },
    };

    (void)state;
    check_rows(p, rows, COUNT_OF(rows));
    perms_unref(p);
}

static void test_needs_deliver_check(void **state)
{
    static const struct { const char *filter, *queue; bool needed; } rows[] = {
        { ">", NULL, true }, { "foo.>", NULL, true }, { "foo.*", NULL, true },
        { "foo.no", NULL, false }, { "foo.no", "q", true }, { "bar.>", NULL, false },
        { "*.no", NULL, true }, { "*.*.*", NULL, false }, { "bar", "q", false },
    };
    struct lists l = { .subscribe_deny = { "foo.no" } };
    struct perms *p = compile(&l);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (perms_needs_deliver_check(p, span_of(rows[i].filter), span_of(rows[i].queue))
            != rows[i].needed)
            fail_msg("row %zu: %s", i, rows[i].filter);
    assert_false(perms_needs_deliver_check(NULL, SPAN_LIT(">"), SPAN_NONE));
    perms_unref(p);
}

static void test_responses(void **state)
{
    struct permission_options o = { .has_responses = true };
    struct perms *p = perms_new(&o);
    int64_t max = 0, ttl_ns = 0;

    (void)state;
    assert_true(perms_responses(p, &max, &ttl_ns));
    assert_int_equal(max, 1);
    assert_int_equal(ttl_ns, 120 * NS_PER_S);
    assert_false(perms_allow(p, PERMS_PUBLISH, SPAN_LIT("x"), SPAN_NONE));
    assert_true(perms_allow(p, PERMS_SUBSCRIBE, SPAN_LIT("x"), SPAN_NONE));
    perms_unref(p);

    o.responses_max = -1;
    o.responses_ttl_ns = 5;
    p = perms_new(&o);
    assert_true(perms_responses(p, &max, &ttl_ns));
    assert_int_equal(max, -1);
    assert_int_equal(ttl_ns, 5);
    assert_false(perms_responses(NULL, &max, &ttl_ns));
    perms_unref(p);
}

static void test_equal(void **state)
{
    struct lists one = { .publish_allow = { "a" } }, two = { .publish_allow = { "b" } };
    struct lists queue = { .subscribe_allow = { "a q" } };
    struct lists spaced = { .subscribe_allow = { " a  q " } };
    struct lists responses = { .publish_allow = { "a" }, .responses = true };
    struct perms *a = compile(&one), *b = compile(&one), *c = compile(&two);
    struct perms *q = compile(&queue), *s = compile(&spaced), *r = compile(&responses);

    (void)state;
    assert_true(perms_equal(NULL, NULL));
    assert_false(perms_equal(a, NULL));
    assert_true(perms_equal(a, b));
    assert_false(perms_equal(a, c));
    assert_false(perms_equal(a, q));
    assert_true(perms_equal(q, s));
    assert_false(perms_equal(a, r));
    assert_ptr_equal(perms_ref(a), a);
    perms_unref(a);
    perms_unref(a);
    perms_unref(b);
    perms_unref(c);
    perms_unref(q);
    perms_unref(s);
    perms_unref(r);
}

static void check_json(struct lists *l, const char *want)
{
    struct buf out = { 0 };
    struct jsonw w = jsonw_start(&out);
    struct perms *p = compile(l);

    jsonw_object(&w, NULL);
    perms_write(p, &w, "permissions");
    jsonw_end_object(&w);
    assert_string_equal(buf_text(&out), want);
    buf_free(&out);
    perms_unref(p);
}

static void test_write(void **state)
{
    struct lists none = { .responses = false };
    struct lists l = { .publish_allow = { "a", "b.*" }, .publish_deny = { "c" },
                       .subscribe_deny = { "d  q" }, .responses = true };

    (void)state;
    check_json(&none, "{\"permissions\":{\"publish\":{},\"subscribe\":{}}}");
    check_json(&l, "{\"permissions\":{\"publish\":{\"allow\":[\"a\",\"b.*\"],\"deny\":[\"c\"]},"
                   "\"subscribe\":{\"deny\":[\"d q\"]},"
                   "\"responses\":{\"max\":1,\"ttl\":120000000000}}}");
}

/* An invalid entry is left out; a list of nothing but such entries still limits. */
static void test_invalid_entries(void **state)
{
    struct lists l = { .publish_allow = { "a b", "a..b" }, .subscribe_allow = { "x y z", "ok" },
                       .subscribe_deny = { "" } };
    struct perms *p = compile(&l);
    const struct row rows[] = {
        { PERMS_PUBLISH, "a", NULL, false }, { PERMS_SUBSCRIBE, "ok", NULL, true },
        { PERMS_SUBSCRIBE, "x", NULL, false },
    };

    (void)state;
    check_rows(p, rows, COUNT_OF(rows));
    perms_unref(p);
}

/* "*.z", "a.*.z", "a.a.*.z", ...: a look-up keeps a branch for every level, more of them than fit
 * into its fixed stack. */
static void test_deep_rules(void **state)
{
    enum { LEVELS = 150 };
    struct permission_options o = { .has_responses = false };
    struct buf subject = { 0 };
    char *items[LEVELS];
    struct perms *p;

    (void)state;
    for (int i = 0; i < LEVELS; i++) {
        items[i] = mem_printf("%.*s*.z", (int)subject.len, subject.len ? subject.p : "");
        buf_append_text(&subject, "a.");
    }
    o.publish.allow = (struct text_list){ items, LEVELS };
    p = perms_new(&o);
    buf_append_text(&subject, "a");
    assert_false(perms_allow(p, PERMS_PUBLISH, buf_span(&subject), SPAN_NONE));
    subject.p[subject.len - 1] = 'z';
    assert_true(perms_allow(p, PERMS_PUBLISH, buf_span(&subject), SPAN_NONE));
    assert_true(perms_allow(p, PERMS_PUBLISH, SPAN_LIT("b.z"), SPAN_NONE));
    perms_unref(p);
    buf_free(&subject);
    for (int i = 0; i < LEVELS; i++) mem_free(items[i]);
}

/* ---- oracle ---- */

enum { RULES_MAX = 6, TEXT_MAX = 64 };

struct naive {
    char text[4][RULES_MAX][TEXT_MAX];  /* publish allow, deny, subscribe allow, deny */
    size_t count[4];
};

/* 1 to 4 tokens; text[TEXT_MAX] has room for more. */
static void make_subject(struct rng *r, char *text, bool wild)
{
    static const char tokens[] = "abc**";
    uint32_t n = 1 + rng_below(r, 4);
    char *out = text;

    for (uint32_t i = 0; i < n; i++) {
        bool full = wild && i + 1 == n && rng_below(r, 4) == 0;
        if (i) *out++ = '.';
        *out++ = full ? '>' : tokens[rng_below(r, wild ? 5 : 3)];
    }
    *out = '\0';
}

static const char *make_queue(struct rng *r)
{
    static const char *const queues[] = { "q", "v1", "v1.*", "v1.>", "v1.x", "v1.x.y", "*", ">" };

    return queues[rng_below(r, COUNT_OF(queues))];
}

static size_t split(char *text, char **tokens, char separator)
{
    size_t n = 0;

    while (text != NULL) {
        tokens[n++] = text;
        text = strchr(text, separator);
        if (text != NULL) *text++ = '\0';
    }
    return n;
}

/* filter against literal tokens, a wildcard in literal being nothing special. */
static bool naive_match(const char *filter, const char *literal)
{
    char f[TEXT_MAX], l[TEXT_MAX], *ft[TEXT_MAX], *lt[TEXT_MAX];
    size_t fn, ln;

    snprintf(f, sizeof f, "%s", filter);
    snprintf(l, sizeof l, "%s", literal);
    fn = split(f, ft, '.');
    ln = split(l, lt, '.');
    for (size_t i = 0; i < fn; i++) {
        if (i >= ln) return false;
        if (strcmp(ft[i], ">") == 0) return true;
        if (strcmp(ft[i], "*") != 0 && strcmp(ft[i], lt[i]) != 0) return false;
    }
    return fn == ln;
}

/* As naive_match for a queue name that may be a pattern itself. */
static bool naive_queue(const char *pattern, const char *queue)
{
    if (strcmp(pattern, queue) == 0 || strcmp(pattern, ">") == 0) return true;
    if (strchr(queue, '>') != NULL) {
        const char *tail = strstr(pattern, ".>");
        return tail != NULL && strncmp(pattern, queue, (size_t)(tail - pattern) + 1) == 0;
    }
    return naive_match(pattern, queue);
}

struct verdicts { bool plain, queued, queue; };

static struct verdicts naive_rules(struct naive *n, int list, const char *subject,
                                   const char *queue)
{
    struct verdicts v = { false, false, false };

    for (size_t i = 0; i < n->count[list]; i++) {
        char text[TEXT_MAX], *parts[TEXT_MAX];
        snprintf(text, sizeof text, "%s", n->text[list][i]);
        bool queued = split(text, parts, ' ') == 2;
        if (!naive_match(parts[0], subject)) continue;
        if (!queued) v.plain = true;
        else v.queued = true;
        if (queued && queue[0] != '\0' && naive_queue(parts[1], queue)) v.queue = true;
    }
    return v;
}

static bool naive_allow(struct naive *n, enum perms_verb verb, const char *subject,
                        const char *queue)
{
    int base = verb == PERMS_PUBLISH ? 0 : 2;
    struct verdicts allow = naive_rules(n, base, subject, queue);
    struct verdicts deny = naive_rules(n, base + 1, subject, queue);

    if (deny.plain || deny.queue) return false;
    if (verb == PERMS_DELIVER || n->count[base] == 0) return true;
    return queue[0] != '\0' && allow.queued ? allow.queue : allow.plain;
}

static void test_against_oracle(void **state)
{
    enum { RULE_SETS = 4000, CASES = 25 };
    uint64_t seed = (uint64_t)time(NULL);
    struct rng r;

    (void)state;
    if (getenv("SEED") != NULL) seed = strtoull(getenv("SEED"), NULL, 0);
    print_message("seed %llu\n", (unsigned long long)seed);
    rng_seed(&r, seed);
    for (int set = 0; set < RULE_SETS; set++) {
        struct naive n = { .count = { 0 } };
        struct lists l = { .responses = false };
        const char **lists[] = { l.publish_allow, l.publish_deny, l.subscribe_allow,
                                 l.subscribe_deny };
        struct perms *p;

        for (int list = 0; list < 4; list++) {
            n.count[list] = rng_below(&r, RULES_MAX + 1);
            for (size_t i = 0; i < n.count[list]; i++) {
                char *text = n.text[list][i];
                make_subject(&r, text, true);
                if (list >= 2 && rng_below(&r, 3) == 0)
                    snprintf(text + strlen(text), TEXT_MAX / 2, " %s", make_queue(&r));
                lists[list][i] = text;
            }
        }
        p = compile(&l);
        for (int i = 0; i < CASES; i++) {
            enum perms_verb verb = (enum perms_verb)rng_below(&r, 3);
            char subject[TEXT_MAX];
            const char *queue = verb != PERMS_PUBLISH && rng_below(&r, 2) ? make_queue(&r) : "";
            make_subject(&r, subject, verb == PERMS_SUBSCRIBE);
            if (perms_allow(p, verb, span_of(subject), span_of(queue))
                != naive_allow(&n, verb, subject, queue))
                fail_msg("SEED=%llu set %d: %d %s %s", (unsigned long long)seed, set, verb,
                         subject, queue);
        }
        perms_unref(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_without_rules), cmocka_unit_test(test_publish),
        cmocka_unit_test(test_subscribe), cmocka_unit_test(test_needs_deliver_check),
        cmocka_unit_test(test_responses), cmocka_unit_test(test_equal),
        cmocka_unit_test(test_write), cmocka_unit_test(test_invalid_entries),
        cmocka_unit_test(test_deep_rules), cmocka_unit_test(test_against_oracle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
