/* SPDX-License-Identifier: Apache-2.0 */
/* conf_json.c - a tree as Go's encoding/json writes it, and its digest. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/jsonw.h"
#include "base/mem.h"
#include "config/conf.h"

static int by_key(const void *a, const void *b)
{
    const struct conf_item *const *x = a, *const *y = b;

    return span_compare((*x)->key, (*y)->key);
}

static void write_value(struct jsonw *w, const struct conf_value *v);

static void write_map(struct jsonw *w, const struct conf_list *l)
{
    const struct conf_item **sorted = mem_alloc((l->count + 1) * sizeof *sorted);

    for (size_t i = 0; i < l->count; i++) sorted[i] = &l->items[i];
    qsort(sorted, l->count, sizeof *sorted, by_key);
    jsonw_object(w, NULL);
    for (size_t i = 0; i < l->count; i++) {
        jsonw_key(w, sorted[i]->key);
        write_value(w, &sorted[i]->value);
    }
    jsonw_end_object(w);
    mem_free(sorted);
}

/* At most CONF_NESTING_MAX deep: the parser has seen to it. */
static void write_value(struct jsonw *w, const struct conf_value *v)
{
    switch (v->type) {
    case CONF_STRING:
    case CONF_TIME: jsonw_string(w, NULL, v->text); break;
    case CONF_BOOL: jsonw_bool(w, NULL, v->boolean); break;
    case CONF_INTEGER: jsonw_int(w, NULL, v->integer); break;
    case CONF_FLOAT: jsonw_double(w, NULL, v->number); break;
    case CONF_ARRAY:
        jsonw_array(w, NULL);
        for (size_t i = 0; i < v->list->count; i++) write_value(w, &v->list->items[i].value);
        jsonw_end_array(w);
        break;
    case CONF_MAP: write_map(w, v->list); break;
    }
}

void conf_append_json(struct buf *out, const struct conf_value *v)
{
    struct jsonw w = jsonw_start(out);

    write_value(&w, v);
}

void conf_digest(const struct conf *c, char out[static 72])
{
    struct buf json = { 0 };
    unsigned char hash[crypto_hash_sha256_BYTES];

    conf_append_json(&json, &c->root);
    buf_append_char(&json, '\n');
    crypto_hash_sha256(hash, (const unsigned char *)json.p, json.len);
    memcpy(out, "sha256:", 7);
    sodium_bin2hex(out + 7, 65, hash, sizeof hash);
    mem_wipe(json.p, json.len);
    buf_free(&json);
}

const char *conf_type_text(enum conf_type type)
{
    static const char *const texts[] = {
        "a string", "a boolean", "an integer", "a float", "a time", "an array", "a map",
    };

    return texts[type];
}

const char *conf_type_go(enum conf_type type)
{
    static const char *const names[] = {
        "string", "bool", "int64", "float64", "time.Time", "[]interface {}",
        "map[string]interface {}",
    };

    return names[type];
}
