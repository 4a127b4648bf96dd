/* SPDX-License-Identifier: Apache-2.0 */
/* jsonw.c - Go-compatible JSON output. */
#include "base/jsonw.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/duration.h"
#include "base/utf8.h"

static void append_ascii(struct buf *out, char c)
{
    switch (c) {
    case '"': buf_append_text(out, "\\\""); break;
    case '\\': buf_append_text(out, "\\\\"); break;
    case '\n': buf_append_text(out, "\\n"); break;
    case '\r': buf_append_text(out, "\\r"); break;
    case '\t': buf_append_text(out, "\\t"); break;
    case '\b': buf_append_text(out, "\\b"); break;
    case '\f': buf_append_text(out, "\\f"); break;
    default:
        if ((unsigned char)c < 0x20 || c == '<' || c == '>' || c == '&')
            buf_printf(out, "\\u%04x", (unsigned)(unsigned char)c);
        else
            buf_append_char(out, c);
    }
}

/* Printable ASCII that needs no escape. */
static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

void jsonw_append_quoted(struct buf *out, struct span value)
{
    size_t plain = 0;

    while (plain < value.len && is_plain((unsigned char)value.p[plain])) plain++;
    buf_append_char(out, '"');
    buf_append(out, value.p, plain);
    for (size_t i = plain; i < value.len;) {
        const unsigned char *p = (const unsigned char *)value.p + i;
        size_t n = utf8_sequence(span_from(value, i));
        if (n == 0) {
            buf_append_text(out, "\\ufffd");
            n = 1;
        } else if (n == 1) {
            append_ascii(out, value.p[i]);
        } else if (n == 3 && p[0] == 0xe2 && p[1] == 0x80 && (p[2] & 0xfe) == 0xa8) {
            buf_printf(out, "\\u20%02x", p[2] - 0x80u);       /* line separators, as Go */
        } else {
            buf_append(out, p, n);
        }
        i += n;
    }
    buf_append_char(out, '"');
}

static void begin(struct jsonw *w, const char *key)
{
    if (w->need_comma) buf_append_char(w->out, ',');
    w->need_comma = true;
    if (key != NULL) {
        jsonw_append_quoted(w->out, span_of(key));
        buf_append_char(w->out, ':');
    }
}

static void open_with(struct jsonw *w, const char *key, char c)
{
    begin(w, key);
    buf_append_char(w->out, c);
    w->need_comma = false;
}

static void close_with(struct jsonw *w, char c)
{
    buf_append_char(w->out, c);
    w->need_comma = true;
}

void jsonw_object(struct jsonw *w, const char *key)
{
    open_with(w, key, '{');
}

void jsonw_end_object(struct jsonw *w)
{
    close_with(w, '}');
}

void jsonw_array(struct jsonw *w, const char *key)
{
    open_with(w, key, '[');
}

void jsonw_end_array(struct jsonw *w)
{
    close_with(w, ']');
}

void jsonw_key(struct jsonw *w, struct span key)
{
    if (w->need_comma) buf_append_char(w->out, ',');
    jsonw_append_quoted(w->out, key);
    buf_append_char(w->out, ':');
    w->need_comma = false;
}

void jsonw_string(struct jsonw *w, const char *key, struct span value)
{
    begin(w, key);
    jsonw_append_quoted(w->out, value);
}

void jsonw_text(struct jsonw *w, const char *key, const char *value)
{
    jsonw_string(w, key, span_of(value));
}

void jsonw_int(struct jsonw *w, const char *key, int64_t value)
{
    begin(w, key);
    buf_printf(w->out, "%" PRId64, value);
}

void jsonw_uint(struct jsonw *w, const char *key, uint64_t value)
{
    begin(w, key);
    buf_printf(w->out, "%" PRIu64, value);
}

void jsonw_bool(struct jsonw *w, const char *key, bool value)
{
    begin(w, key);
    buf_append_text(w->out, value ? "true" : "false");
}

/* Shortest digits that read back as value, in plain notation from 1e-6 up to 1e21, as Go. */
static void append_double(struct buf *out, double value)
{
    char text[40];
    const char *digits = text, *e;
    int exponent, count, precision = 0;

    do snprintf(text, sizeof text, "%.*e", precision, value);
    while (++precision < 17 && (strtod(text, NULL) < value || strtod(text, NULL) > value));
    e = strchr(text, 'e');
    exponent = (int)strtol(e + 1, NULL, 10);
    if (*digits == '-') buf_append_char(out, *digits++);
    if (exponent >= 21 || (exponent < -6 && !(value <= 0 && value >= 0))) {
        buf_append(out, digits, (size_t)(e - digits));
        buf_printf(out, "e%c%d", exponent < 0 ? '-' : '+', exponent < 0 ? -exponent : exponent);
        return;
    }
    if (exponent < 0) buf_append_text(out, "0.");
    for (int i = -1; i > exponent; i--) buf_append_char(out, '0');
    for (count = 0; digits < e; digits++) {
        if (*digits == '.') continue;
        if (count > 0 && count == exponent + 1) buf_append_char(out, '.');
        buf_append_char(out, *digits);
        count++;
    }
    for (; count <= exponent; count++) buf_append_char(out, '0');
}

void jsonw_double(struct jsonw *w, const char *key, double value)
{
    begin(w, key);
    append_double(w->out, value);
}

void jsonw_null(struct jsonw *w, const char *key)
{
    begin(w, key);
    buf_append_text(w->out, "null");
}

void jsonw_time(struct jsonw *w, const char *key, int64_t wall_ns)
{
    begin(w, key);
    buf_append_char(w->out, '"');
    duration_append_rfc3339(w->out, wall_ns);
    buf_append_char(w->out, '"');
}

void jsonw_duration(struct jsonw *w, const char *key, int64_t ns)
{
    begin(w, key);
    buf_append_char(w->out, '"');
    duration_append(w->out, ns);
    buf_append_char(w->out, '"');
}
