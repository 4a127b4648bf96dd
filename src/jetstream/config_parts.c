/* SPDX-License-Identifier: Apache-2.0 */
/* config_parts.c - lists of texts, metadata, enumerations and errors of configurations. */
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/mem.h"
#include "jetstream/config_priv.h"

/* ---- enumerations ---- */

#define REFUSED .error = "can not unmarshal ", .error_quoted = true
#define TEXTS(array) .texts = array, .count = COUNT_OF(array)

static const char *const retention_texts[] = { "limits", "interest", "workqueue" };
static const char *const discard_texts[] = { "old", "new" };
static const char *const storage_texts[] = { "file", "memory" };
static const char *const compression_texts[] = { "none", "s2" };
static const char *const persist_texts[] = { "default", "async" };
static const char *const deliver_texts[] = {
    "all", "last", "new", "by_start_sequence", "by_start_time", "last_per_subject"
};
static const char *const ack_texts[] = { "none", "all", "explicit", "flow_control" };
static const char *const replay_texts[] = { "instant", "original" };
static const char *const priority_texts[] = {
    "none", "overflow", "pinned_client", "prioritized"
};

const struct json_in_choice stream_retention_choice = { TEXTS(retention_texts), REFUSED };
const struct json_in_choice stream_discard_choice = { TEXTS(discard_texts), REFUSED,
                                                      .nocase = true };
const struct json_in_choice stream_storage_choice = { TEXTS(storage_texts), REFUSED };
const struct json_in_choice stream_compression_choice = {
    TEXTS(compression_texts), .error_text = "unknown compression algorithm"
};
const struct json_in_choice stream_persist_choice = { TEXTS(persist_texts), REFUSED,
                                                      .zero = "" };
const struct json_in_choice consumer_deliver_choice = { TEXTS(deliver_texts), REFUSED,
                                                        .zero = "undefined" };
const struct json_in_choice consumer_ack_choice = { TEXTS(ack_texts), REFUSED };
const struct json_in_choice consumer_replay_choice = { TEXTS(replay_texts), REFUSED };
const struct json_in_choice consumer_priority_choice = {
    TEXTS(priority_texts), .error = "unknown priority policy: "
};

/* ---- texts ---- */

bool config_text_equal(const char *a, const char *b)
{
    return span_equal(span_of(a), span_of(b));
}

void config_texts_copy(struct js_texts *to, const struct js_texts *from)
{
    *to = (struct js_texts){ NULL, from->count };
    if (from->count == 0) return;
    to->items = mem_alloc(from->count * sizeof *to->items);
    for (size_t i = 0; i < from->count; i++) to->items[i] = mem_dup(from->items[i]);
}

void config_texts_free(struct js_texts *t)
{
    for (size_t i = 0; i < t->count; i++) mem_free(t->items[i]);
    mem_free(t->items);
    *t = (struct js_texts){ NULL, 0 };
}

bool config_texts_equal(const struct js_texts *a, const struct js_texts *b)
{
    if (a->count != b->count) return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->items[i], b->items[i]) != 0) return false;
    return true;
}

void config_texts_write(const struct js_texts *t, struct jsonw *w, const char *key)
{
    if (t->count == 0) return;
    jsonw_array(w, key);
    for (size_t i = 0; i < t->count; i++) jsonw_text(w, NULL, t->items[i]);
    jsonw_end_array(w);
}

struct span *config_spans(const struct js_texts *t)
{
    struct span *spans = mem_alloc((t->count + 1) * sizeof *spans);

    for (size_t i = 0; i < t->count; i++) spans[i] = span_of(t->items[i]);
    return spans;
}

void config_read_texts(struct json_in *in, const struct json_t *v, void *to)
{
    struct js_texts *t = to;
    size_t count;

    if (!json_in_array(in, v, "[]string", &count)) return;
    config_texts_free(t);
    if (count == 0) return;
    t->items = mem_zero(count * sizeof *t->items);
    for (t->count = 0; t->count < count; t->count++) {
        char **item = &t->items[t->count];
        if (!json_in_text(in, json_array_get(v, t->count), item)) *item = mem_dup("");
    }
}

static int pair_order(const void *a, const void *b)
{
    const struct js_pair *left = a, *right = b;

    return strcmp(left->key, right->key);
}

void config_read_metadata(struct json_in *in, const struct json_t *v, void *to)
{
    struct js_metadata *m = to;
    const char *key;
    json_t *value;

    if (!json_in_is_object(v)) {
        if (json_is_null(v)) js_metadata_free(m);
        else json_in_wrong_type(in, v, "map[string]string");
        return;
    }
    js_metadata_free(m);
    if (json_object_size(v) == 0) return;
    m->pairs = mem_zero(json_object_size(v) * sizeof *m->pairs);
    json_object_foreach((json_t *)(uintptr_t)v, key, value) {
        struct js_pair *pair = &m->pairs[m->count++];
        pair->key = mem_dup(key);
        if (!json_in_text(in, value, &pair->value)) pair->value = mem_dup("");
    }
    qsort(m->pairs, m->count, sizeof *m->pairs, pair_order);
}

void config_write_time(struct jsonw *w, const char *key, int64_t wall_ns)
{
    if (wall_ns == INT64_MIN) jsonw_text(w, key, "0001-01-01T00:00:00Z");
    else jsonw_time(w, key, wall_ns);
}

/* ---- errors ---- */

enum js_err config_finish(struct json_in *in, struct js_error *e)
{
    const char *text = json_in_error(in);

    if (text != NULL) js_error_set_arg(e, JS_ERR_INVALID_JSON, text);
    json_in_fini(in);
    return text != NULL ? JS_ERR_INVALID_JSON : JS_OK;
}

enum js_err config_refuse(struct js_error *e, const char *text)
{
    return js_error_set_arg(e, JS_ERR_STREAM_INVALID_CONFIG, text);
}

enum js_err config_refusef(struct js_error *e, const char *format, ...)
{
    char text[sizeof e->text];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    return config_refuse(e, text);
}

enum js_err config_pedantic(struct js_error *e, const char *text)
{
    return js_error_set_arg(e, JS_ERR_PEDANTIC, text);
}
