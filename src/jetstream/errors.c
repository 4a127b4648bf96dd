/* SPDX-License-Identifier: Apache-2.0 */
/* errors.c - the templates of the JetStream API's errors, and their places filled. */
#include "jetstream/errors.h"

#include "base/assert.h"

struct template {
    enum js_err err;
    unsigned code;
    const char *text;
};

static const struct template templates[] = {
#define JS_ERROR(name, err_code, code, text) { JS_ERR_##name, code, text },
#include "jetstream/errors.def"
#undef JS_ERROR
};

static const struct template *template_find(enum js_err err)
{
    size_t low = 0, high = COUNT_OF(templates);

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (templates[middle].err <= err) low = middle;
        else high = middle;
    }
    assert(templates[low].err == err);
    return &templates[low];
}

/* Append what fits of more, cut between characters. Returns the new length. */
static size_t append(struct js_error *e, size_t len, struct span more)
{
    size_t room = sizeof e->text - 1 - len, n = more.len < room ? more.len : room;

    if (n < more.len)
        for (size_t back = 0; back < 4 && n > 0 && (more.p[n] & 0xc0) == 0x80; back++) n--;
    if (n > 0) memcpy(e->text + len, more.p, n);
    e->text[len + n] = '\0';
    return n < more.len ? sizeof e->text - 1 : len + n;
}

enum js_err js_error_set_args(struct js_error *e, enum js_err err, const char *const *args,
                              size_t count)
{
    const struct template *t = template_find(err);
    struct span rest = span_of(t->text);
    size_t len = 0, used = 0;

    e->err = err;
    e->code = t->code;
    e->text[0] = '\0';
    while (rest.len > 0) {
        size_t open = used < count ? span_find(rest, '{') : rest.len;
        len = append(e, len, span_make(rest.p, open));
        if (open == rest.len) break;
        len = append(e, len, span_of(args[used++]));
        rest = span_from(rest, open);
        size_t close = span_find(rest, '}');
        assert(close < rest.len);
        rest = span_from(rest, close + 1);
    }
    assert(used == count);
    return err;
}

enum js_err js_error_set_arg(struct js_error *e, enum js_err err, const char *arg)
{
    return js_error_set_args(e, err, &arg, 1);
}

enum js_err js_error_set(struct js_error *e, enum js_err err)
{
    return js_error_set_args(e, err, NULL, 0);
}

void js_error_write(const struct js_error *e, struct jsonw *w)
{
    jsonw_object(w, "error");
    jsonw_uint(w, "code", e->code);
    jsonw_uint(w, "err_code", (uint64_t)e->err);
    jsonw_text(w, "description", e->text);
    jsonw_end_object(w);
}
