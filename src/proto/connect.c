/* SPDX-License-Identifier: Apache-2.0 */
/* connect.c - CONNECT's JSON, read by jansson after a pass that makes the text acceptable to it.
 *
 * Go's decoder, whose habits clients rely on, is milder than jansson about text: it replaces bad
 * UTF-8 and lone surrogates. repair() does the same replacement first, in one pass that also
 * bounds the nesting, so that jansson's recursion is bounded as well. */
#include "proto/connect.h"

#include <jansson.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"

#define REPLACEMENT "\xef\xbf\xbd"      /* U+FFFD */

enum field_kind { FIELD_BOOL, FIELD_INT, FIELD_TEXT, FIELD_PERMISSIONS };

struct field {
    const char *name;
    enum field_kind kind;
    size_t offset;
};

#define AT(kind, name) { #name, kind, offsetof(struct connect_options, name) }
static const struct field fields[] = {
    AT(FIELD_BOOL, echo), AT(FIELD_BOOL, verbose), AT(FIELD_BOOL, pedantic),
    AT(FIELD_BOOL, tls_required), AT(FIELD_BOOL, new_account), AT(FIELD_BOOL, headers),
    AT(FIELD_BOOL, no_responders), AT(FIELD_INT, protocol),
    AT(FIELD_TEXT, nkey), AT(FIELD_TEXT, jwt), AT(FIELD_TEXT, sig), AT(FIELD_TEXT, auth_token),
    AT(FIELD_TEXT, user), AT(FIELD_TEXT, pass), AT(FIELD_TEXT, name), AT(FIELD_TEXT, lang),
    AT(FIELD_TEXT, version), AT(FIELD_TEXT, account), AT(FIELD_TEXT, remote_account),
    AT(FIELD_TEXT, proxy_sig),
    { "import", FIELD_PERMISSIONS, 0 }, { "export", FIELD_PERMISSIONS, 0 },
};
#undef AT

void connect_options_init(struct connect_options *o)
{
    *o = (struct connect_options){ .echo = true, .verbose = true, .pedantic = true };
}

/* Overwrite bytes that a const pointer leads to, but that are ours. */
static void wipe(struct span s)
{
    if (s.len > 0) mem_wipe((char *)(uintptr_t)s.p, s.len);
}

static void text_drop(struct span *field)
{
    wipe(*field);
    mem_free((char *)(uintptr_t)field->p);
    *field = SPAN_NONE;
}

static void *field_of(struct connect_options *o, const struct field *f)
{
    return (char *)o + f->offset;
}

void connect_options_fini(struct connect_options *o)
{
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        if (fields[i].kind == FIELD_TEXT) text_drop(field_of(o, &fields[i]));
    connect_options_init(o);
}

void connect_options_set(struct span *field, struct span value)
{
    char *copy = value.len > 0 ? mem_dup_span(value) : NULL;    /* value may lie in *field */

    text_drop(field);
    *field = span_make(copy, value.len);
}

/* ---- making the text acceptable ---- */

/* The code unit of "\uXXXX" at s, or -1. */
static int escape_unit(struct span s)
{
    int unit = 0;

    if (s.len < 6 || s.p[0] != '\\' || s.p[1] != 'u') return -1;
    for (size_t i = 2; i < 6; i++) {
        char c = s.p[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10
                  : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (digit < 0) return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/* Copy the escape sequence at s (s.p[0] is a backslash) to out; a surrogate without its partner
 * becomes U+FFFD. Returns its length; wrong escapes are left to jansson. */
static size_t copy_escape(struct buf *out, struct span s)
{
    int unit = escape_unit(s), low;
    size_t len = s.len < 2 ? s.len : 2;

    if (unit >= 0xd800 && unit <= 0xdfff) {
        low = escape_unit(span_from(s, 6));
        if (unit < 0xdc00 && low >= 0xdc00 && low <= 0xdfff) {
            buf_append(out, s.p, 12);
            return 12;
        }
        buf_append_text(out, REPLACEMENT);
        return 6;
    }
    buf_append(out, s.p, len);
    return len;
}

/* Copy json to out with bad UTF-8 and lone surrogates replaced. False: nested too deep. */
static bool repair(struct span json, struct buf *out)
{
    bool in_string = false;
    unsigned depth = 0;
    size_t n;

    buf_reserve(out, json.len * sizeof REPLACEMENT);     /* never moves: it can hold secrets */
    for (size_t i = 0; i < json.len; i += n) {
        char c = json.p[i];
        if (in_string && c == '\\') {
            n = copy_escape(out, span_from(json, i));
            continue;
        }
        n = utf8_sequence(span_from(json, i));
        if (n == 0) {
            buf_append_text(out, REPLACEMENT);
            n = 1;
            continue;
        }
        buf_append(out, json.p + i, n);
        if (c == '"') in_string = !in_string;
        if (in_string) continue;
        if ((c == '{' || c == '[') && ++depth > CONNECT_DEPTH_MAX) return false;
        if ((c == '}' || c == ']') && depth > 0) depth--;
    }
    return true;
}

/* ---- taking the values ---- */

static bool is_text_list(const json_t *v)
{
    if (v == NULL || json_is_null(v)) return true;
    if (!json_is_array(v)) return false;
    for (size_t i = 0; i < json_array_size(v); i++) {
        const json_t *item = json_array_get(v, i);
        if (!json_is_string(item) && !json_is_null(item)) return false;
    }
    return true;
}

/* Only servers send permissions; a client's are checked for form and then forgotten. */
static bool is_permissions(json_t *v)
{
    const char *key;
    json_t *item;

    if (!json_is_object(v)) return false;
    json_object_foreach(v, key, item) {
        struct span k = span_of(key);
        if (!span_equal_nocase(k, SPAN_LIT("allow")) && !span_equal_nocase(k, SPAN_LIT("deny")))
            continue;
        if (!is_text_list(item)) return false;
    }
    return true;
}

static bool take(struct connect_options *o, const struct field *f, json_t *v)
{
    struct span text;

    if (json_is_null(v)) return true;
    switch (f->kind) {
    case FIELD_BOOL:
        if (!json_is_boolean(v)) return false;
        *(bool *)field_of(o, f) = json_is_true(v);
        return true;
    case FIELD_INT:
        if (!json_is_integer(v)) return false;
        *(int64_t *)field_of(o, f) = json_integer_value(v);
        return true;
    case FIELD_TEXT:
        if (!json_is_string(v)) return false;
        text = span_make(json_string_value(v), json_string_length(v));
        connect_options_set(field_of(o, f), text);
        wipe(text);
        return true;
    case FIELD_PERMISSIONS:
        return is_permissions(v);
    }
    unreachable();
}

static const struct field *field_find(struct span key)
{
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        if (span_equal_nocase(key, span_of(fields[i].name))) return &fields[i];
    return NULL;
}

static enum status apply(struct connect_options *o, json_t *root, struct error *why)
{
    const char *key;
    json_t *v;

    if (json_is_null(root)) return ST_OK;
    if (!json_is_object(root)) return error_set(why, ST_BAD_JSON, "CONNECT is not a JSON object");
    json_object_foreach(root, key, v) {
        const struct field *f = field_find(span_of(key));
        if (f != NULL && !take(o, f, v))
            return error_set(why, ST_BAD_JSON, "wrong type of value for \"%s\"", f->name);
    }
    return ST_OK;
}

enum status connect_options_parse(struct connect_options *o, struct span json, struct error *why)
{
    struct buf text = { 0 };
    json_error_t at;
    json_t *root = NULL;
    enum status st;

    if (!repair(json, &text)) {
        st = error_set(why, ST_BAD_JSON, "JSON is nested deeper than %d", CONNECT_DEPTH_MAX);
        goto done;
    }
    root = json_loadb(text.p ? text.p : "", text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &at);
    if (root == NULL) {
        st = error_set(why, ST_BAD_JSON, "%s", at.text);
        goto done;
    }
    st = apply(o, root, why);
done:
    if (root != NULL) json_decref(root);
    if (text.p != NULL) mem_wipe(text.p, text.cap);
    buf_free(&text);
    return st;
}
