/* SPDX-License-Identifier: Apache-2.0 */
/* json_in_parse.c - checks and repairs JSON text, then lets jansson build the tree.
 *
 * One pass without recursion checks the grammar (with Go's words), bounds depth and number of
 * values, and writes a copy in which everything is as jansson wants it. */
#include "jetstream/json_in.h"

#include <stdio.h>

#include <jansson.h>

#include "base/assert.h"
#include "base/utf8.h"

#define REPLACEMENT "\xef\xbf\xbd"      /* U+FFFD */

enum place {
    AT_VALUE,                   /* a value must follow */
    AT_FIRST_ITEM,              /* a value or ] */
    AT_FIRST_KEY,               /* a key or } */
    AT_KEY,
    AFTER_KEY,
    AFTER_VALUE
};

struct scan {
    struct span in;
    size_t at;
    struct buf out;
    bool in_object[JSON_IN_DEPTH_MAX];
    unsigned depth;
    size_t values;
    enum place place;
    struct error *why;
};

/* As Go shows a byte: 'x', '\n', '"'. */
static bool bad_byte(struct scan *s, const char *where)
{
    unsigned char c = (unsigned char)s->in.p[s->at];
    char as_text[3] = { (char)c, 0, 0 };
    struct buf shown = { 0 };

    if (c >= 0x80) {            /* Go takes the byte for a code point */
        as_text[0] = (char)(0xc0 | c >> 6);
        as_text[1] = (char)(0x80 | (c & 0x3f));
    }
    if (c == '"') buf_append_text(&shown, "\"\"\"");
    else if (c == '\'') buf_append_text(&shown, "\"\\'\"");
    else buf_append_quoted(&shown, span_of(as_text));
    if (c == 0) {
        shown.len = 0;
        buf_append_text(&shown, "\"\\x00\"");
    }
    error_set(s->why, ST_BAD_JSON, "invalid character '%.*s' %s at offset %zu",
              (int)shown.len - 2, shown.p + 1, where, s->at + 1);
    buf_free(&shown);
    return false;
}

static bool ended(struct scan *s)
{
    error_set(s->why, ST_BAD_JSON, "unexpected EOF");
    return false;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The code unit of "\uXXXX" at offset at, or -1. */
static int escape_unit(const struct scan *s, size_t at)
{
    int unit = 0;

    if (s->in.len - at < 6 || s->in.p[at] != '\\' || s->in.p[at + 1] != 'u') return -1;
    for (size_t i = at + 2; i < at + 6; i++) {
        int digit = hex_value(s->in.p[i]);
        if (digit < 0) return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/* Copy the escape at s->at. */
static bool take_escape(struct scan *s, bool is_key)
{
    char c;
    int unit, low;

    if (s->in.len - s->at < 2) return ended(s);
    c = s->in.p[s->at + 1];
    if (c != 'u') {
        s->at++;
        if (strchr("bfnrt\\/\"", c) == NULL || c == '\0')
            return bad_byte(s, "in string escape code");
        buf_append(&s->out, s->in.p + s->at - 1, 2);
        s->at++;
        return true;
    }
    for (size_t i = 2; i < 6; i++) {
        if (s->at + i == s->in.len) return ended(s);
        if (hex_value(s->in.p[s->at + i]) >= 0) continue;
        s->at += i;
        return bad_byte(s, "in \\u hexadecimal character escape");
    }
    unit = escape_unit(s, s->at);
    if (unit >= 0xd800 && unit <= 0xdfff) {
        low = s->in.len - s->at > 6 ? escape_unit(s, s->at + 6) : -1;
        if (unit < 0xdc00 && low >= 0xdc00 && low <= 0xdfff) {
            buf_append(&s->out, s->in.p + s->at, 12);
            s->at += 12;
            return true;
        }
        unit = -1;
    }
    if (unit < 0 || (unit == 0 && is_key)) buf_append_text(&s->out, REPLACEMENT);
    else buf_append(&s->out, s->in.p + s->at, 6);
    s->at += 6;
    return true;
}

/* Copy the string that begins at s->at. */
static bool take_string(struct scan *s, bool is_key)
{
    buf_append_char(&s->out, '"');
    s->at++;
    while (s->at < s->in.len) {
        char c = s->in.p[s->at];
        size_t n;
        if (c == '"') {
            buf_append_char(&s->out, '"');
            s->at++;
            return true;
        }
        if (c == '\\') {
            if (!take_escape(s, is_key)) return false;
            continue;
        }
        if ((unsigned char)c < 0x20) return bad_byte(s, "in string literal");
        n = utf8_sequence(span_from(s->in, s->at));
        if (n == 0) buf_append_text(&s->out, REPLACEMENT);
        else buf_append(&s->out, s->in.p + s->at, n);
        s->at += n == 0 ? 1 : n;
    }
    return ended(s);
}

static bool take_digits(struct scan *s, const char *where)
{
    if (s->at == s->in.len) return ended(s);
    if (!is_digit(s->in.p[s->at])) return bad_byte(s, where);
    while (s->at < s->in.len && is_digit(s->in.p[s->at])) s->at++;
    return true;
}

static bool take_number(struct scan *s)
{
    size_t start = s->at;
    struct span text;
    int64_t value;

    if (s->in.p[s->at] == '-') s->at++;
    if (s->at < s->in.len && s->in.p[s->at] == '0') s->at++;
    else if (!take_digits(s, "in numeric literal")) return false;
    if (s->at < s->in.len && s->in.p[s->at] == '.') {
        s->at++;
        if (!take_digits(s, "after decimal point in numeric literal")) return false;
    }
    if (s->at < s->in.len && (s->in.p[s->at] == 'e' || s->in.p[s->at] == 'E')) {
        s->at++;
        if (s->at < s->in.len && (s->in.p[s->at] == '+' || s->in.p[s->at] == '-')) s->at++;
        if (!take_digits(s, "in exponent of numeric literal")) return false;
    }
    text = span_make(s->in.p + start, s->at - start);
    if (span_to_i64(text, &value)) {
        buf_append_span(&s->out, text);
        return true;
    }
    buf_append_text(&s->out, "{\"\\u0001\":\"");
    buf_append_span(&s->out, text);
    buf_append_text(&s->out, "\"}");
    return true;
}

static bool take_word(struct scan *s, const char *word)
{
    for (size_t i = 0; word[i] != '\0'; i++, s->at++) {
        char where[64];
        if (s->at == s->in.len) return ended(s);
        if (s->in.p[s->at] == word[i]) continue;
        snprintf(where, sizeof where, "in literal %s (expecting '%c')", word, word[i]);
        return bad_byte(s, where);
    }
    buf_append_text(&s->out, word);
    return true;
}

static bool open_bracket(struct scan *s, char c)
{
    if (s->depth == JSON_IN_DEPTH_MAX) return bad_byte(s, "exceeded max depth");
    s->in_object[s->depth++] = c == '{';
    s->place = c == '{' ? AT_FIRST_KEY : AT_FIRST_ITEM;
    buf_append_char(&s->out, c);
    s->at++;
    return true;
}

static void close_bracket(struct scan *s)
{
    buf_append_char(&s->out, s->in.p[s->at++]);
    s->depth--;
    s->place = AFTER_VALUE;
}

static bool take_value(struct scan *s)
{
    char c = s->in.p[s->at];

    if (s->values++ == JSON_IN_VALUES_MAX) {
        error_set(s->why, ST_BAD_JSON, "more than %d values at offset %zu", JSON_IN_VALUES_MAX,
                  s->at + 1);
        return false;
    }
    if (c == '{' || c == '[') return open_bracket(s, c);
    s->place = AFTER_VALUE;
    if (c == '"') return take_string(s, false);
    if (c == '-' || is_digit(c)) return take_number(s);
    if (c == 't') return take_word(s, "true");
    if (c == 'f') return take_word(s, "false");
    if (c == 'n') return take_word(s, "null");
    return bad_byte(s, "looking for beginning of value");
}

static bool take_after_value(struct scan *s)
{
    char c = s->in.p[s->at];
    bool in_object;

    if (s->depth == 0) return bad_byte(s, "looking for beginning of value");
    in_object = s->in_object[s->depth - 1];
    if (c == (in_object ? '}' : ']')) {
        close_bracket(s);
        return true;
    }
    if (c != ',') return bad_byte(s, in_object ? "after object key:value pair"
                                               : "after array element");
    buf_append_char(&s->out, ',');
    s->at++;
    s->place = in_object ? AT_KEY : AT_VALUE;
    return true;
}

/* Go on by one token; there is one. */
static bool step(struct scan *s)
{
    char c = s->in.p[s->at];

    switch (s->place) {
    case AT_FIRST_ITEM:
        if (c == ']') {
            close_bracket(s);
            return true;
        }
        return take_value(s);
    case AT_VALUE:
        return take_value(s);
    case AT_FIRST_KEY:
        if (c == '}') {
            close_bracket(s);
            return true;
        }
        /* fall through */
    case AT_KEY:
        if (c != '"') return bad_byte(s, "looking for beginning of object key string");
        s->place = AFTER_KEY;
        return take_string(s, true);
    case AFTER_KEY:
        if (c != ':') return bad_byte(s, "after object key");
        buf_append_char(&s->out, ':');
        s->at++;
        s->place = AT_VALUE;
        return true;
    case AFTER_VALUE:
        return take_after_value(s);
    }
    unreachable();
}

struct json_t *json_in_parse(struct span text, struct error *why)
{
    struct scan s = { .in = text, .why = why };
    struct json_t *tree = NULL;
    json_error_t at;

    for (;;) {
        while (s.at < s.in.len && is_blank(s.in.p[s.at])) s.at++;
        if (s.at == s.in.len) break;
        if (!step(&s)) goto done;
    }
    if (s.values == 0) {
        tree = json_null();
    } else if (s.depth > 0 || s.place != AFTER_VALUE) {
        ended(&s);
    } else {
        tree = json_loadb(s.out.p, s.out.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &at);
        if (tree == NULL) error_set(why, ST_BAD_JSON, "%s", at.text);
    }
done:
    buf_free(&s.out);
    return tree;
}
