/* SPDX-License-Identifier: Apache-2.0 */
/* json_indent.c - one pass over the bytes; strings are copied as they are. */
#include "base/json_indent.h"

static void new_line(struct buf *out, size_t level)
{
    buf_append_char(out, '\n');
    for (size_t i = 0; i < level; i++) buf_append(out, "  ", 2);
}

/* Length of the string that begins at p, with both quotes. */
static size_t string_length(const char *p, const char *end)
{
    const char *at = p + 1;

    while (at < end && *at != '"') at += *at == '\\' && at + 1 < end ? 2 : 1;
    return at < end ? (size_t)(at + 1 - p) : (size_t)(end - p);
}

static bool closes(const char *p, const char *end)
{
    return p < end && (*p == '}' || *p == ']');
}

void json_append_indented(struct buf *out, struct span json)
{
    const char *p = json.p, *end = json.p + json.len;
    size_t level = 0, n;

    buf_reserve(out, json.len + json.len / 2);
    while (p < end) {
        switch (*p) {
        case '"':
            n = string_length(p, end);
            buf_append(out, p, n);
            p += n;
            continue;
        case '{':
        case '[':
            buf_append_char(out, *p);
            if (closes(p + 1, end))
                buf_append_char(out, *++p);
            else
                new_line(out, ++level);
            break;
        case '}':
        case ']':
            if (level > 0) level--;
            new_line(out, level);
            buf_append_char(out, *p);
            break;
        case ',':
            buf_append_char(out, ',');
            new_line(out, level);
            break;
        case ':':
            buf_append(out, ": ", 2);
            break;
        default:
            buf_append_char(out, *p);
        }
        p++;
    }
}
