/* SPDX-License-Identifier: Apache-2.0 */
/* conf_path.c - path arithmetic as Go's filepath.Join(filepath.Dir(includer), name) does it. */
#include "config/conf_path.h"

#include "base/buf.h"

/* Drop the last element of out, which is relative to root_len. */
static void go_up(struct buf *out, size_t root_len)
{
    while (out->len > root_len && out->p[out->len - 1] != '/') out->len--;
    if (out->len > root_len) out->len--;
}

/* Append the elements of path to out, resolving dots. */
static void append_clean(struct buf *out, size_t root_len, struct span path)
{
    while (path.len > 0) {
        size_t n = span_find(path, '/');
        struct span element = span_make(path.p, n);
        struct span last;
        size_t at = out->len;

        path = span_from(path, n < path.len ? n + 1 : n);
        if (n == 0 || span_is(element, ".")) continue;
        while (at > root_len && out->p[at - 1] != '/') at--;
        last = span_make(out->p + at, out->len - at);
        if (span_is(element, "..") && last.len > 0 && !span_is(last, "..")) {
            go_up(out, root_len);
            continue;
        }
        if (span_is(element, "..") && root_len > 0) continue;       /* "/.." is "/" */
        if (out->len > root_len) buf_append_char(out, '/');
        buf_append_span(out, element);
    }
}

char *conf_path_join(struct span includer, struct span name)
{
    struct buf out = { 0 };
    size_t root_len = includer.len > 0 && includer.p[0] == '/' ? 1 : 0;

    buf_reserve(&out, includer.len + name.len + 2);
    while (includer.len > 0 && includer.p[includer.len - 1] != '/') includer.len--;
    if (root_len > 0) buf_append_char(&out, '/');
    append_clean(&out, root_len, includer);
    append_clean(&out, root_len, name);
    if (out.len == 0) buf_append_char(&out, '.');
    return buf_take(&out);
}
