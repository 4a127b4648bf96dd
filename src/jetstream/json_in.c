/* SPDX-License-Identifier: Apache-2.0 */
/* json_in.c - reads values of a jansson tree into structs. */
#include "jetstream/json_in.h"

#include <jansson.h>

#include "base/assert.h"
#include "base/duration.h"
#include "base/jsonw.h"
#include "base/mem.h"
#include "jetstream/js_level.h"

_Static_assert(sizeof(enum json_in_kind) == sizeof(unsigned), "an enum is read as unsigned");

void json_in_init(struct json_in *in, bool strict, const char *path)
{
    *in = (struct json_in){ .strict = strict };
    buf_append_text(&in->path, path);
}

void json_in_fini(struct json_in *in)
{
    buf_free(&in->path);
    buf_free(&in->error);
}

const char *json_in_error(struct json_in *in)
{
    return in->failed ? buf_text(&in->error) : NULL;
}

/* ---- errors ---- */

/* The first one stays. */
static void note(struct json_in *in, struct buf *text)
{
    if (!in->failed) buf_append_span(&in->error, buf_span(text));
    in->failed = true;
    buf_free(text);
}

/* Wins over what was noted, and ends the reading. */
static void stop(struct json_in *in, struct buf *text)
{
    if (!in->stopped) {
        in->error.len = 0;
        in->failed = false;
    }
    in->stopped = true;
    note(in, text);
}

/* The digits of a number that is no integer of 64 bits, or NULL. */
static const char *odd_number(const struct json_t *v)
{
    const json_t *digits = json_is_object(v) ? json_object_get(v, JSON_IN_NUMBER) : NULL;

    return json_is_string(digits) ? json_string_value(digits) : NULL;
}

bool json_in_is_object(const struct json_t *v)
{
    return json_is_object(v) && odd_number(v) == NULL;
}

static const char *kind_of(const struct json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT: return odd_number(v) != NULL ? "number" : "object";
    case JSON_ARRAY: return "array";
    case JSON_STRING: return "string";
    case JSON_INTEGER:
    case JSON_REAL: return "number";
    case JSON_TRUE:
    case JSON_FALSE: return "bool";
    case JSON_NULL: return "null";
    }
    unreachable();
}

static void append_place(const struct json_in *in, struct buf *out, const char *go_type)
{
    if (in->type_name != NULL)
        buf_printf(out, " into Go struct field %s.%.*s of type %s", in->type_name,
                   SPAN_ARG(buf_span(&in->path)), go_type);
    else
        buf_printf(out, " into Go value of type %s", go_type);
}

static void append_wrong_type(const struct json_in *in, struct buf *out, const struct json_t *v,
                              const char *go_type)
{
    buf_printf(out, "json: cannot unmarshal %s", kind_of(v));
    append_place(in, out, go_type);
}

void json_in_wrong_type(struct json_in *in, const struct json_t *v, const char *go_type)
{
    struct buf text = { 0 };

    append_wrong_type(in, &text, v, go_type);
    note(in, &text);
}

static void bad_number(struct json_in *in, const struct json_t *v, const char *go_type)
{
    struct buf text = { 0 };

    buf_append_text(&text, "json: cannot unmarshal number ");
    json_in_append_raw(&text, v);
    append_place(in, &text, go_type);
    note(in, &text);
}

static int append_part(const char *part, size_t len, void *out)
{
    buf_append(out, part, len);
    return 0;
}

void json_in_append_raw(struct buf *out, const struct json_t *v)
{
    if (json_is_string(v)) {
        jsonw_append_quoted(out, span_make(json_string_value(v), json_string_length(v)));
        return;
    }
    if (odd_number(v) != NULL) {
        buf_append_text(out, odd_number(v));
        return;
    }
    json_dump_callback(v, append_part, out, JSON_ENCODE_ANY | JSON_COMPACT);
}

/* ---- values ---- */

bool json_in_text(struct json_in *in, const struct json_t *v, char **to)
{
    struct span text;

    if (json_is_null(v)) return false;
    if (!json_is_string(v)) {
        json_in_wrong_type(in, v, "string");
        return false;
    }
    text = span_make(json_string_value(v), json_string_length(v));
    if (memchr(text.p, '\0', text.len) != NULL) {
        struct buf error = { 0 };
        buf_append_text(&error, "json: NUL in the text of field ");
        buf_append_quoted(&error, buf_span(&in->path));
        note(in, &error);
        return false;
    }
    mem_free(*to);
    *to = mem_dup_span(text);
    return true;
}

static bool is_number(const struct json_t *v)
{
    return json_is_integer(v) || odd_number(v) != NULL;
}

bool json_in_int64(struct json_in *in, const struct json_t *v, const char *go_type, int64_t *to)
{
    if (json_is_null(v)) return false;
    if (json_is_integer(v)) {
        *to = json_integer_value(v);
        return true;
    }
    if (is_number(v)) bad_number(in, v, go_type);
    else json_in_wrong_type(in, v, go_type);
    return false;
}

static void read_int32(struct json_in *in, const struct json_t *v, int64_t *to)
{
    int64_t value;

    if (!json_in_int64(in, v, "int32", &value)) return;
    if (value < INT32_MIN || value > INT32_MAX) bad_number(in, v, "int32");
    else *to = value;
}

static void read_uint64(struct json_in *in, const struct json_t *v, uint64_t *to)
{
    uint64_t value;

    if (json_is_null(v)) return;
    if (!is_number(v)) {
        json_in_wrong_type(in, v, "uint64");
    } else if (json_is_integer(v) && json_integer_value(v) >= 0) {
        *to = (uint64_t)json_integer_value(v);
    } else if (odd_number(v) != NULL && span_to_u64(span_of(odd_number(v)), &value)) {
        *to = value;
    } else {
        bad_number(in, v, "uint64");
    }
}

static void read_bool(struct json_in *in, const struct json_t *v, bool *to)
{
    if (json_is_boolean(v)) *to = json_is_true(v);
    else if (!json_is_null(v)) json_in_wrong_type(in, v, "bool");
}

bool json_in_time(struct json_in *in, const struct json_t *v, int64_t *to)
{
    struct error why = { "" };
    struct buf text = { 0 };

    if (json_is_null(v)) return false;
    if (!json_is_string(v))
        buf_append_text(&text, "Time.UnmarshalJSON: input is not a JSON string");
    else if (duration_parse_rfc3339(span_make(json_string_value(v), json_string_length(v)), to,
                                    &why) != ST_OK)
        buf_append_text(&text, why.text);
    if (text.len == 0) return true;
    stop(in, &text);
    return false;
}

bool json_in_array(struct json_in *in, const struct json_t *v, const char *go_type,
                   size_t *count)
{
    *count = json_array_size(v);
    if (json_is_array(v) || json_is_null(v)) return true;
    json_in_wrong_type(in, v, go_type);
    return false;
}

void json_in_choice(struct json_in *in, const struct json_t *v, const struct json_in_choice *c,
                    unsigned *to)
{
    struct span text = SPAN_NONE;
    struct buf raw = { 0 }, error = { 0 };

    if (json_is_string(v)) {
        text = span_make(json_string_value(v), json_string_length(v));
        for (unsigned i = 0; i < c->count; i++) {
            struct span known = span_of(c->texts[i]);
            if (!(c->nocase ? span_equal_nocase(text, known) : span_equal(text, known))) continue;
            *to = i;
            return;
        }
        if (c->zero != NULL && span_is(text, c->zero)) {
            *to = 0;
            return;
        }
    }
    if (c->error_text != NULL) {
        if (json_is_string(v) || json_is_null(v)) buf_append_text(&error, c->error_text);
        else append_wrong_type(in, &error, v, "string");
    } else {
        json_in_append_raw(&raw, v);
        buf_append_text(&error, c->error);
        if (c->error_quoted) buf_append_quoted(&error, buf_span(&raw));
        else buf_append_span(&error, buf_span(&raw));
        buf_free(&raw);
    }
    stop(in, &error);
}

/* ---- objects ---- */

static const struct json_in_field *field_find(const struct json_in_type *type, struct span key)
{
    for (size_t i = 0; i < type->count; i++)
        if (span_is(key, type->fields[i].name)) return &type->fields[i];
    for (size_t i = 0; i < type->count; i++)
        if (span_equal_nocase(key, span_of(type->fields[i].name))) return &type->fields[i];
    return NULL;
}

static void read_field(struct json_in *in, const struct json_in_field *f, const struct json_t *v,
                       char *to)
{
    char **text;

    to += f->offset;
    switch (f->kind) {
    case JSON_IN_TEXT:
        text = (char **)(void *)to;
        if (json_in_text(in, v, text) && **text == '\0') {
            mem_free(*text);
            *text = NULL;
        }
        return;
    case JSON_IN_BOOL: read_bool(in, v, (bool *)(void *)to); return;
    case JSON_IN_INT64: json_in_int64(in, v, f->go_type, (int64_t *)(void *)to); return;
    case JSON_IN_INT32: read_int32(in, v, (int64_t *)(void *)to); return;
    case JSON_IN_UINT64: read_uint64(in, v, (uint64_t *)(void *)to); return;
    case JSON_IN_CHOICE: json_in_choice(in, v, f->choice, (unsigned *)(void *)to); return;
    case JSON_IN_OWN: f->read(in, v, to); return;
    }
    unreachable();
}

static void unknown_field(struct json_in *in, const char *key)
{
    struct buf text = { 0 };

    buf_append_text(&text, "json: unknown field ");
    buf_append_quoted(&text, span_of(key));
    note(in, &text);
}

void json_in_object(struct json_in *in, const struct json_t *v, const struct json_in_type *type,
                    void *to)
{
    const char *outer_name = in->type_name, *dot = strrchr(type->go_type, '.'), *key;
    size_t path_len = in->path.len;
    json_t *value;

    if (json_is_null(v)) return;
    if (!json_in_is_object(v)) {
        json_in_wrong_type(in, v, type->go_type);
        return;
    }
    in->type_name = dot != NULL ? dot + 1 : type->go_type;
    json_object_foreach((json_t *)(uintptr_t)v, key, value) {
        const struct json_in_field *f = field_find(type, span_of(key));
        if (f == NULL || f->level > JS_API_LEVEL) {
            if (in->strict) unknown_field(in, key);
            continue;
        }
        if (path_len > 0) buf_append_char(&in->path, '.');
        buf_append_text(&in->path, f->name);
        read_field(in, f, value, to);
        in->path.len = path_len;
        if (in->stopped) break;
    }
    in->type_name = outer_name;
}
