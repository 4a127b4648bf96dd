/* SPDX-License-Identifier: Apache-2.0 */
/* option_reader.c - typed reading of values, with messages that say where. */
#include "config/option_reader.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/duration.h"
#include "base/mem.h"

static void append_place(struct buf *out, const struct conf_value *at)
{
    if (at != NULL) buf_printf(out, "%s:%d:%d: ", at->file, at->line, at->column);
}

void option_error(struct option_reader *r, const struct conf_value *at, const char *fmt, ...)
{
    va_list ap;

    append_place(&r->msgs->errors, at);
    va_start(ap, fmt);
    buf_vprintf(&r->msgs->errors, fmt, ap);
    va_end(ap);
    buf_append_char(&r->msgs->errors, '\n');
}

void option_warn(struct option_reader *r, const struct conf_value *at, struct span field,
                 const char *fmt, ...)
{
    struct buf *out = &r->msgs->warnings;
    va_list ap;

    append_place(out, at);
    buf_append_text(out, "invalid use of field ");
    buf_append_quoted(out, field);
    buf_append_text(out, ": ");
    va_start(ap, fmt);
    buf_vprintf(out, fmt, ap);
    va_end(ap);
    buf_append_char(out, '\n');
}

void option_error_named(struct option_reader *r, const struct conf_value *at, const char *before,
                        struct span name, const char *after)
{
    struct buf *out = &r->msgs->errors;

    append_place(out, at);
    buf_append_text(out, before);
    buf_append_quoted(out, name);
    buf_append_text(out, after);
    buf_append_char(out, '\n');
}

void option_unknown(struct option_reader *r, const struct conf_item *item)
{
    if (!item->value.used) option_error_named(r, &item->value, "unknown field ", item->key, "");
}

static bool asks_nothing(const struct conf_value *v)
{
    switch (v->type) {
    case CONF_BOOL: return !v->boolean;
    case CONF_INTEGER: return v->integer == 0;
    case CONF_STRING:
        return v->text.len == 0 || span_equal_nocase(v->text, SPAN_LIT("disabled")) ||
               span_equal_nocase(v->text, SPAN_LIT("disable"));
    case CONF_ARRAY:
    case CONF_MAP: return v->list->count == 0;
    case CONF_FLOAT:
    case CONF_TIME: break;
    }
    return false;
}

void option_unsupported(struct option_reader *r, const struct conf_item *item)
{
    if (asks_nothing(&item->value)) return;
    option_error_named(r, &item->value, "", item->key,
                       " is not supported by this version of myelin");
    r->msgs->unsupported = true;
}

static bool expect(struct option_reader *r, const struct conf_item *item, enum conf_type type)
{
    char text[64];

    if (item->value.type == type) return true;
    snprintf(text, sizeof text, " must be %s, not %s", conf_type_text(type),
             conf_type_text(item->value.type));
    option_error_named(r, &item->value, "", item->key, text);
    return false;
}

bool option_is_map(struct option_reader *r, const struct conf_item *item)
{
    return expect(r, item, CONF_MAP);
}

bool option_bool(struct option_reader *r, const struct conf_item *item, bool *out)
{
    if (!expect(r, item, CONF_BOOL)) return false;
    *out = item->value.boolean;
    return true;
}

bool option_integer(struct option_reader *r, const struct conf_item *item, int64_t min,
                    int64_t max, int64_t *out)
{
    int64_t n = item->value.integer;

    if (!expect(r, item, CONF_INTEGER)) return false;
    if (n > max && max == INT32_MAX) {
        option_error(r, &item->value, "%.*s value is too big", SPAN_ARG(item->key));
        return false;
    }
    if (n < min || n > max) {
        option_error(r, &item->value, "%.*s must be between %" PRId64 " and %" PRId64 ", not %"
                     PRId64, SPAN_ARG(item->key), min, max, n);
        return false;
    }
    *out = n;
    return true;
}

void option_set_text(char **out, struct span text)
{
    mem_free(*out);
    *out = mem_dup_span(text);
}

bool option_text(struct option_reader *r, const struct conf_item *item, char **out)
{
    if (!expect(r, item, CONF_STRING)) return false;
    if (memchr(item->value.text.p, '\0', item->value.text.len) != NULL) {
        option_error_named(r, &item->value, "", item->key, " must not contain a NUL byte");
        return false;
    }
    option_set_text(out, item->value.text);
    return true;
}

/* The unit of text that Go does not know: "" when it is missing, NULL pointer when the text fails
 * for another reason. */
static struct span wrong_unit(struct span text)
{
    static const char digits[] = "0123456789.";
    size_t n = 0;

    if (text.len > 0 && (text.p[0] == '-' || text.p[0] == '+')) text = span_from(text, 1);
    while (text.len > 0) {
        bool has_digit = false;
        int64_t ns;
        for (n = 0; n < text.len && text.p[n] != '\0' && strchr(digits, text.p[n]) != NULL; n++)
            has_digit |= text.p[n] != '.';
        if (!has_digit) return SPAN_NONE;
        text = span_from(text, n);
        for (n = 0; n < text.len && (text.p[n] == '\0' || strchr(digits, text.p[n]) == NULL);) n++;
        struct span unit = span_make(text.p, n);
        struct buf one = { 0 };
        buf_append_char(&one, '1');
        buf_append_span(&one, unit);
        bool known = n > 0 && duration_parse(buf_span(&one), &ns) == ST_OK;
        buf_free(&one);
        if (!known) return unit;
        text = span_from(text, n);
    }
    return SPAN_NONE;
}

void option_bad_duration(struct option_reader *r, const struct conf_value *at, const char *before,
                         struct span text)
{
    struct buf *out = &r->msgs->errors;
    struct span unit = wrong_unit(text);

    append_place(out, at);
    buf_printf(out, "%stime: ", before);
    if (unit.p == NULL) {
        buf_append_text(out, "invalid duration ");
    } else if (unit.len == 0) {
        buf_append_text(out, "missing unit in duration ");
    } else {
        buf_append_text(out, "unknown unit ");
        buf_append_quoted(out, unit);
        buf_append_text(out, " in duration ");
    }
    buf_append_quoted(out, text);
    buf_append_char(out, '\n');
}

bool option_duration(struct option_reader *r, const struct conf_item *item, int64_t *out)
{
    const struct conf_value *v = &item->value;
    char *before;

    if (v->type == CONF_STRING) {
        if (duration_parse(v->text, out) == ST_OK) return true;
        before = mem_printf("error parsing %.*s: ", SPAN_ARG(item->key));
        option_bad_duration(r, v, before, v->text);
        mem_free(before);
        return false;
    }
    if (!expect(r, item, CONF_INTEGER)) return false;
    option_warn(r, v, item->key, "%.*s should be converted to a duration", SPAN_ARG(item->key));
    if (!__builtin_mul_overflow(v->integer, NS_PER_S, out)) return true;
    option_error(r, v, "%.*s value is too big", SPAN_ARG(item->key));
    return false;
}

bool option_seconds(struct option_reader *r, const struct conf_item *item, const char *what,
                    int64_t *out)
{
    const struct conf_value *v = &item->value;
    double seconds;
    char *before;

    if (v->type == CONF_STRING) {
        if (duration_parse(v->text, out) == ST_OK) return true;
        before = mem_printf("error parsing %s, 'timeout' ", what);
        option_bad_duration(r, v, before, v->text);
        mem_free(before);
        return false;
    }
    if (v->type != CONF_INTEGER && v->type != CONF_FLOAT) {
        option_error(r, v, "error parsing %s, 'timeout' wrong type", what);
        return false;
    }
    seconds = v->type == CONF_INTEGER ? (double)v->integer : v->number;
    if (!(seconds >= 0 && seconds < 1e9)) {
        option_error(r, v, "error parsing %s, 'timeout' out of range", what);
        return false;
    }
    *out = (int64_t)(seconds * (double)NS_PER_S);
    return true;
}

void text_list_add(struct text_list *l, struct span text)
{
    l->items = mem_resize(l->items, (l->count + 1) * sizeof *l->items);
    l->items[l->count++] = mem_dup_span(text);
}

void text_list_free(struct text_list *l)
{
    for (size_t i = 0; i < l->count; i++) mem_free(l->items[i]);
    mem_free(l->items);
    *l = (struct text_list){ 0 };
}

bool option_text_list(struct option_reader *r, const struct conf_item *item, const char *what,
                      struct text_list *out)
{
    const struct conf_value *v = &item->value;
    bool ok = true;

    if (v->type != CONF_STRING && v->type != CONF_ARRAY) {
        option_error(r, v, "error parsing %s: unsupported type %s", what, conf_type_go(v->type));
        return false;
    }
    text_list_free(out);
    if (v->type == CONF_STRING) {
        text_list_add(out, v->text);
        return true;
    }
    for (size_t i = 0; i < v->list->count; i++) {
        const struct conf_value *one = &v->list->items[i].value;
        if (one->type == CONF_STRING) {
            text_list_add(out, one->text);
            continue;
        }
        option_error(r, one, "error parsing %s: unsupported type in array %s", what,
                     conf_type_go(one->type));
        ok = false;
    }
    return ok;
}

/* "host:port", "[v6]:port", ":port" as Go's SplitHostPort cuts it. */
static bool split_host_port(struct span s, struct span *host, struct span *port)
{
    size_t colon = s.len;

    while (colon > 0 && s.p[colon - 1] != ':') colon--;
    if (colon == 0) return false;
    *port = span_from(s, colon);
    *host = span_make(s.p, colon - 1);
    if (host->len > 1 && host->p[0] == '[' && host->p[host->len - 1] == ']') {
        *host = span_make(host->p + 1, host->len - 2);
    } else if (span_find(*host, ':') < host->len) {
        return false;
    }
    return span_find(*host, '[') == host->len && span_find(*host, ']') == host->len &&
           span_find(*port, '[') == port->len && span_find(*port, ']') == port->len;
}

void option_listen(struct option_reader *r, const struct conf_value *v, char **host, int *port)
{
    struct span h = SPAN_NONE, p;
    int64_t n = v->integer;

    if (v->type == CONF_STRING) {
        if (!split_host_port(v->text, &h, &p)) {
            option_error_named(r, v, "could not parse address string ", v->text, "");
            return;
        }
        if (!span_to_i64(p, &n)) {
            option_error_named(r, v, "could not parse port ", p, "");
            return;
        }
    } else if (v->type != CONF_INTEGER) {
        option_error(r, v, "expected port or host:port, got %s", conf_type_go(v->type));
        return;
    }
    if (n < -1 || n > 65535) {
        option_error(r, v, "port must be between -1 and 65535, not %" PRId64, n);
        return;
    }
    if (h.len > 0) option_set_text(host, h);
    *port = (int)n;
}

bool option_key_is(const struct conf_item *item, const char *name)
{
    return span_equal_nocase(item->key, span_of(name));
}
