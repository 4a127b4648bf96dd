/* SPDX-License-Identifier: Apache-2.0 */
/* transform.c - compiles a destination into one step per token. */
#include "proto/transform.h"

#include <stdio.h>

#include "base/assert.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "proto/subject.h"

#define BAD "invalid mapping destination: "

enum function {
    FN_LITERAL, FN_WILDCARD, FN_PARTITION, FN_SPLIT_FROM_LEFT, FN_SPLIT_FROM_RIGHT,
    FN_SLICE_FROM_LEFT, FN_SLICE_FROM_RIGHT, FN_RIGHT, FN_LEFT, FN_SPLIT, FN_RANDOM,
};

/* How one token of the destination is made. */
struct step {
    enum function fn;
    int32_t number;             /* count, size or position */
    struct span text;           /* literal or delimiter; in transform.destination */
    int64_t *args;              /* wildcard numbers; from link_args() on: source positions */
    size_t arg_count;
};

struct transform {
    char *source, *destination;
    struct step *steps;         /* without the last ">" */
    size_t step_count;
    bool full;                  /* both end in ">" */
    size_t source_tokens;
};

/* ---- reading the destination ---- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static struct span skip_space(struct span s)
{
    while (s.len > 0 && is_space(s.p[0])) s = span_from(s, 1);
    return s;
}

static struct span trim_end(struct span s)
{
    while (s.len > 0 && is_space(s.p[s.len - 1])) s.len--;
    return s;
}

static struct span trim_blanks(struct span s)
{
    while (s.len > 0 && s.p[0] == ' ') s = span_from(s, 1);
    while (s.len > 0 && s.p[s.len - 1] == ' ') s.len--;
    return s;
}

/* "{{ name ( args ) }}": true and the parts. */
static bool split_call(struct span token, struct span *name, struct span *args)
{
    struct span s = span_make(token.p + 2, token.len - 4);
    size_t open;

    s = trim_end(skip_space(s));
    open = span_find(s, '(');
    if (open == s.len || s.p[s.len - 1] != ')') return false;
    *name = trim_end(span_make(s.p, open));
    *args = span_make(s.p + open + 1, s.len - open - 2);
    return true;
}

/* name is pattern, whose upper-case letters stand for either case. */
static bool name_is(struct span name, const char *pattern)
{
    size_t len = strlen(pattern);

    if (name.len != len) return false;
    for (size_t i = 0; i < len; i++) {
        char c = pattern[i];
        if (c >= 'A' && c <= 'Z' && name.p[i] == c + 32) continue;
        if (name.p[i] != c) return false;
    }
    return true;
}

static bool function_find(struct span name, enum function *fn)
{
    static const struct { const char *pattern; enum function fn; } names[] = {
        { "Wildcard", FN_WILDCARD }, { "Partition", FN_PARTITION }, { "Split", FN_SPLIT },
        { "SplitFromLeft", FN_SPLIT_FROM_LEFT }, { "SplitFromRight", FN_SPLIT_FROM_RIGHT },
        { "SliceFromLeft", FN_SLICE_FROM_LEFT }, { "SliceFromRight", FN_SLICE_FROM_RIGHT },
        { "Left", FN_LEFT }, { "Right", FN_RIGHT }, { "Random", FN_RANDOM },
    };

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (!name_is(name, names[i].pattern)) continue;
        *fn = names[i].fn;
        return true;
    }
    return false;
}

/* Cut the next argument off *rest; blanks after the comma are skipped. */
static struct span next_arg(struct span *rest)
{
    size_t comma = span_find(*rest, ',');
    struct span arg = span_make(rest->p, comma);

    *rest = comma < rest->len ? skip_space(span_from(*rest, comma + 1)) : SPAN_NONE;
    return arg;
}

static size_t arg_count(struct span args)
{
    size_t n = 1;

    for (size_t i = 0; i < args.len; i++) n += args.p[i] == ',';
    return n;
}

static enum status bad_token(struct error *why, const char *what, struct span token)
{
    return error_set(why, ST_BAD_SUBJECT, BAD "%s in %.*s", what, SPAN_ARG(token));
}

#define NOT_ENOUGH "not enough arguments passed to the function"
#define TOO_MANY "too many arguments passed to the function"
#define BAD_ARG "function argument is invalid or in the wrong format"
#define BAD_FORM "invalid transform"
#define UNKNOWN "unknown function"
#define OUT_OF_RANGE "wildcard index out of range"

static void step_add_arg(struct step *s, int64_t arg)
{
    s->args = mem_resize(s->args, (s->arg_count + 1) * sizeof *s->args);
    s->args[s->arg_count++] = arg;
}

/* (n[, t...]) and (n): the number first. */
static const char *read_number_first(struct step *s, struct span args)
{
    int64_t v;

    if (!span_to_i64(trim_blanks(next_arg(&args)), &v) || v > INT32_MAX) return BAD_ARG;
    s->number = (int32_t)v;
    while (args.p != NULL) {
        if (!span_to_i64(trim_blanks(next_arg(&args)), &v)) return BAD_ARG;
        step_add_arg(s, v);
    }
    return NULL;
}

/* (t, n) and (t, delimiter). */
static const char *read_token_first(struct step *s, struct span args)
{
    size_t count = arg_count(args);
    struct span second;
    int64_t v;

    if (count < 2) return NOT_ENOUGH;
    if (count > 2) return TOO_MANY;
    if (!span_to_i64(trim_blanks(next_arg(&args)), &v)) return BAD_ARG;
    step_add_arg(s, v);
    second = next_arg(&args);
    if (s->fn == FN_SPLIT) {
        s->text = second;
        return span_find(second, ' ') < second.len ? BAD_ARG : NULL;
    }
    if (!span_to_i64(trim_blanks(second), &v) || v > INT32_MAX || v < INT32_MIN) return BAD_ARG;
    s->number = (int32_t)v;
    return NULL;
}

static const char *read_args(struct step *s, struct span args)
{
    int64_t v;

    switch (s->fn) {
    case FN_WILDCARD:
        if (args.len == 0) return NOT_ENOUGH;
        if (arg_count(args) > 1) return TOO_MANY;
        if (!span_to_i64(trim_blanks(args), &v)) return BAD_ARG;
        step_add_arg(s, v);
        return NULL;
    case FN_RANDOM:
        if (arg_count(args) > 1) return NOT_ENOUGH;     /* nats-server's word for too many */
        return read_number_first(s, args);
    case FN_PARTITION:
        return read_number_first(s, args);
    default:
        return read_token_first(s, args);
    }
}

static bool is_call(struct span t)
{
    return t.len > 4 && memcmp(t.p, "{{", 2) == 0 && memcmp(t.p + t.len - 2, "}}", 2) == 0;
}

static bool has_blank(struct span token)
{
    for (size_t i = 0; i < token.len; i++)
        if (is_space(token.p[i]) || token.p[i] == '\0') return true;
    return false;
}

static enum status read_token(struct step *s, struct span token, struct error *why)
{
    struct span name, args;
    const char *wrong;
    int64_t v;

    s->fn = FN_LITERAL;
    s->text = token;
    if (is_call(token)) {
        if (!split_call(token, &name, &args) || !function_find(name, &s->fn))
            return bad_token(why, UNKNOWN, token);
        wrong = read_args(s, args);
        return wrong != NULL ? bad_token(why, wrong, token) : ST_OK;
    }
    if (token.len > 1 && token.p[0] == '$' && span_to_i64(span_from(token, 1), &v)) {
        s->fn = FN_WILDCARD;
        step_add_arg(s, v);
        return ST_OK;
    }
    if (has_blank(token)) return error_set(why, ST_BAD_SUBJECT, BAD BAD_FORM);
    return ST_OK;
}

/* ---- fitting it to the source ---- */

/* Wildcards of the source in order: their positions. */
static size_t star_positions(struct span source, size_t *positions)
{
    struct subject_cursor c = subject_cursor(source);
    struct span token;
    size_t stars = 0;

    for (size_t i = 0; subject_next(&c, &token); i++)
        if (subject_token_is_star(token)) positions[stars++] = i;
    return stars;
}

/* Turn wildcard numbers into positions. Numbers below 1 mean the first token (sic). */
static enum status link_args(struct step *s, struct span token, const size_t *stars, size_t count,
                             struct error *why)
{
    for (size_t i = 0; i < s->arg_count; i++) {
        int64_t n = s->args[i];
        if (n > (int64_t)count)
            return error_set(why, ST_BAD_SUBJECT, BAD OUT_OF_RANGE " in %.*s: [%lld]",
                             SPAN_ARG(token), (long long)n);
        s->args[i] = n < 1 ? 0 : (int64_t)stars[n - 1];
    }
    return ST_OK;
}

/* Without wildcards in the source there are no tokens to refer to. */
static enum status link_without_wildcards(struct step *s, struct span token, struct error *why)
{
    if (s->fn == FN_PARTITION) s->arg_count = 0;
    if (s->fn == FN_LITERAL || s->fn == FN_RANDOM || s->fn == FN_PARTITION) return ST_OK;
    return bad_token(why, OUT_OF_RANGE, token);
}

/* Tokens not empty, ">" only last. Sets what else is to know. */
static bool examine(struct span s, size_t *tokens, bool *full, bool *star)
{
    struct subject_cursor c = subject_cursor(s);
    struct span token;

    *tokens = 0;
    *full = *star = false;
    for (; subject_next(&c, &token); ++*tokens) {
        if (token.len == 0 || *full) return false;
        *full = subject_token_is_full(token);
        *star |= subject_token_is_star(token);
    }
    return *tokens > 0;
}

static enum status build_steps(struct transform *t, bool wildcards, enum transform_mode mode,
                               const size_t *stars, size_t star_count, struct error *why)
{
    struct subject_cursor c = subject_cursor(span_of(t->destination));
    struct span token;
    size_t used = 0;

    while (subject_next(&c, &token)) {
        struct step *s = &t->steps[t->step_count];
        enum status st;

        if (subject_token_is_full(token)) break;
        t->step_count++;
        st = read_token(s, token, why);
        if (st != ST_OK) return st;
        if (mode == TRANSFORM_STRICT && s->fn != FN_LITERAL && s->fn != FN_WILDCARD && wildcards)
            return bad_token(why, "the only mapping function allowed for import transforms is "
                             "{{Wildcard()}}", token);
        used += s->arg_count;
        st = wildcards ? link_args(s, token, stars, star_count, why)
                       : link_without_wildcards(s, token, why);
        if (st != ST_OK) return st;
    }
    if (mode == TRANSFORM_STRICT && used < star_count)
        return bad_token(why, "not using all of the token wildcard(s)", span_of(t->destination));
    return ST_OK;
}

enum status transform_compile(struct transform **out, struct span source, struct span destination,
                              enum transform_mode mode, struct error *why)
{
    struct transform *t = mem_zero(sizeof *t);
    size_t *stars = NULL, star_count, steps;
    bool full, star, star_in_source;
    enum status st = ST_BAD_SUBJECT;

    *out = NULL;
    t->source = mem_dup_span(source.len > 0 ? source : SPAN_LIT(">"));
    t->destination = mem_dup_span(destination);
    source = span_of(t->source);
    if (!examine(source, &t->source_tokens, &t->full, &star_in_source)
        || !examine(span_of(t->destination), &steps, &full, &star)
        || strlen(t->destination) != destination.len
        || !subject_is_valid(source) || star || full != t->full) {
        st = error_set(why, ST_BAD_SUBJECT, "invalid subject");
        goto fail;
    }
    stars = mem_alloc(t->source_tokens * sizeof *stars);
    star_count = star_positions(source, stars);
    t->steps = mem_zero(steps * sizeof *t->steps);
    st = build_steps(t, star_in_source || t->full, mode, stars, star_count, why);
    if (st != ST_OK) goto fail;
    mem_free(stars);
    *out = t;
    return ST_OK;
fail:
    mem_free(stars);
    transform_free(&t);
    return st;
}

enum status transform_check_destination(struct span destination, struct error *why)
{
    struct subject_cursor c = subject_cursor(destination.len > 0 ? destination : SPAN_LIT(""));
    struct span token, name, args;
    bool full = false;
    enum function fn;

    while (subject_next(&c, &token)) {
        if (token.len == 0) return error_set(why, ST_BAD_SUBJECT, BAD BAD_FORM);
        if (full) return bad_token(why, BAD_FORM, token);
        if (is_call(token)) {
            if (!split_call(token, &name, &args) || !function_find(name, &fn))
                return bad_token(why, UNKNOWN, token);
            continue;
        }
        full = subject_token_is_full(token);
        if (has_blank(token)) return error_set(why, ST_BAD_SUBJECT, BAD BAD_FORM);
    }
    return ST_OK;
}

void transform_free(struct transform **t)
{
    if (*t == NULL) return;
    for (size_t i = 0; i < (*t)->step_count; i++) mem_free((*t)->steps[i].args);
    mem_free((*t)->steps);
    mem_free((*t)->source);
    mem_free((*t)->destination);
    mem_free(*t);
    *t = NULL;
}

bool transform_matches(const struct transform *t, struct span subject)
{
    return subject_matches(span_of(t->source), subject);
}

/* ---- applying ---- */

/* Skip count tokens of subject: the rest, empty when there are no more. */
static struct span skip_tokens(struct span subject, size_t count)
{
    while (count-- > 0) {
        size_t dot = span_find(subject, '.');
        if (dot == subject.len) return SPAN_NONE;
        subject = span_from(subject, dot + 1);
    }
    return subject;
}

static struct span token_at(struct span subject, int64_t position)
{
    struct span rest = skip_tokens(subject, (size_t)position);

    return span_make(rest.p, span_find(rest, '.'));
}

static uint32_t fnv1a(uint32_t hash, struct span s)
{
    for (size_t i = 0; i < s.len; i++) hash = (hash ^ (unsigned char)s.p[i]) * 16777619u;
    return hash;
}

static void append_partition(const struct step *s, struct span subject, struct buf *out)
{
    uint32_t hash = 2166136261u, n = (uint32_t)s->number;

    if (s->arg_count == 0) hash = fnv1a(hash, subject);
    for (size_t i = 0; i < s->arg_count; i++) hash = fnv1a(hash, token_at(subject, s->args[i]));
    buf_printf(out, "%u", n == 0 ? 0 : hash % n);
}

static void append_random(const struct step *s, struct rng *rng, struct buf *out)
{
    int64_t n = s->number < 0 ? -(int64_t)s->number : s->number;

    buf_printf(out, "%u", n == 0 ? 0 : rng_below(rng, (uint32_t)n));
}

/* The piece of rest up to the delimiter, which is skipped; an empty one cuts at each character.
 * *rest.p is NULL after the last piece. */
static struct span next_piece(struct span *rest, struct span delimiter)
{
    struct span piece = *rest;
    const char *at;

    if (delimiter.len == 0) {
        size_t n = utf8_sequence(piece);
        piece.len = n > 0 ? n : piece.len > 0;
        *rest = piece.len < rest->len ? span_from(*rest, piece.len) : SPAN_NONE;
        return piece;
    }
    at = piece.len ? memmem(piece.p, piece.len, delimiter.p, delimiter.len) : NULL;
    if (at == NULL) {
        *rest = SPAN_NONE;
        return piece;
    }
    piece.len = (size_t)(at - piece.p);
    *rest = span_from(*rest, piece.len + delimiter.len);
    return piece;
}

/* Empty pieces are dropped; a dot goes before each piece that is not, save after a first one that
 * is empty. */
static void append_split(struct span token, struct span delimiter, struct buf *out)
{
    struct span rest = token, piece = next_piece(&rest, delimiter);
    bool lonely = piece.len == 0;       /* only an empty first piece so far */

    buf_append_span(out, piece);
    while (rest.p != NULL) {
        piece = next_piece(&rest, delimiter);
        if (piece.len > 0 && !lonely) buf_append_char(out, '.');
        buf_append_span(out, piece);
        lonely = false;
    }
}

/* head bytes of token, then pieces of size bytes each, the last maybe shorter. */
static void append_pieces(struct span token, size_t head, size_t size, struct buf *out)
{
    buf_append(out, token.p, head);
    for (size_t i = head; i < token.len; i += size) {
        size_t n = token.len - i < size ? token.len - i : size;
        if (i > 0) buf_append_char(out, '.');
        buf_append(out, token.p + i, n);
    }
}

static void append_cut(const struct step *s, struct span token, struct buf *out)
{
    size_t n = s->number > 0 ? (size_t)s->number : 0, len = token.len;

    if (n == 0 || n >= len) {           /* too short to be cut there */
        buf_append_span(out, token);
        return;
    }
    switch (s->fn) {
    case FN_SPLIT_FROM_LEFT: append_pieces(token, n, len, out); return;
    case FN_SPLIT_FROM_RIGHT: append_pieces(token, len - n, len, out); return;
    case FN_SLICE_FROM_LEFT: append_pieces(token, 0, n, out); return;
    case FN_SLICE_FROM_RIGHT: append_pieces(token, len % n, n, out); return;
    case FN_LEFT: buf_append(out, token.p, n); return;
    case FN_RIGHT: buf_append(out, token.p + len - n, n); return;
    default: unreachable();
    }
}

static void step_apply(const struct step *s, struct span subject, struct rng *rng, struct buf *out)
{
    switch (s->fn) {
    case FN_LITERAL: buf_append_span(out, s->text); return;
    case FN_WILDCARD: buf_append_span(out, token_at(subject, s->args[0])); return;
    case FN_PARTITION: append_partition(s, subject, out); return;
    case FN_RANDOM: append_random(s, rng, out); return;
    case FN_SPLIT: append_split(token_at(subject, s->args[0]), s->text, out); return;
    default: append_cut(s, token_at(subject, s->args[0]), out); return;
    }
}

void transform_apply(const struct transform *t, struct span subject, struct rng *rng,
                     struct buf *out)
{
    for (size_t i = 0; i < t->step_count; i++) {
        if (i > 0) buf_append_char(out, '.');
        step_apply(&t->steps[i], subject, rng, out);
    }
    if (!t->full) return;
    if (t->step_count > 0) buf_append_char(out, '.');
    buf_append_span(out, skip_tokens(subject, t->source_tokens - 1));
}
