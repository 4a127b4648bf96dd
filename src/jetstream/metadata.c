/* SPDX-License-Identifier: Apache-2.0 */
/* metadata.c - the metadata of streams and consumers, sorted by key. */
#include "jetstream/stream_config.h"

#include <stdio.h>

#include "base/mem.h"
#include "jetstream/js_level.h"

/* Where key is or belongs. */
static size_t place_of(const struct js_metadata *m, const char *key)
{
    size_t low = 0, high = m->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(m->pairs[middle].key, key) < 0) low = middle + 1;
        else high = middle;
    }
    return low;
}

static bool is_at(const struct js_metadata *m, size_t at, const char *key)
{
    return at < m->count && strcmp(m->pairs[at].key, key) == 0;
}

const char *js_metadata_get(const struct js_metadata *m, const char *key)
{
    size_t at = place_of(m, key);

    return is_at(m, at, key) ? m->pairs[at].value : NULL;
}

void js_metadata_set(struct js_metadata *m, const char *key, const char *value)
{
    size_t at = place_of(m, key);
    char *copy = mem_dup(value);

    if (is_at(m, at, key)) {
        mem_free(m->pairs[at].value);
        m->pairs[at].value = copy;
        return;
    }
    m->pairs = mem_resize(m->pairs, (m->count + 1) * sizeof *m->pairs);
    memmove(m->pairs + at + 1, m->pairs + at, (m->count - at) * sizeof *m->pairs);
    m->pairs[at] = (struct js_pair){ mem_dup(key), copy };
    m->count++;
}

static void drop_empty(struct js_metadata *m)
{
    if (m->count > 0) return;
    mem_free(m->pairs);
    m->pairs = NULL;
}

void js_metadata_remove_prefix(struct js_metadata *m, const char *prefix)
{
    size_t kept = 0;

    for (size_t i = 0; i < m->count; i++) {
        if (span_has_prefix(span_of(m->pairs[i].key), span_of(prefix))) {
            mem_free(m->pairs[i].key);
            mem_free(m->pairs[i].value);
        } else {
            m->pairs[kept++] = m->pairs[i];
        }
    }
    m->count = kept;
    drop_empty(m);
}

void js_metadata_remove(struct js_metadata *m, const char *key)
{
    size_t at = place_of(m, key);

    if (!is_at(m, at, key)) return;
    mem_free(m->pairs[at].key);
    mem_free(m->pairs[at].value);
    m->count--;
    memmove(m->pairs + at, m->pairs + at + 1, (m->count - at) * sizeof *m->pairs);
    drop_empty(m);
}

void js_metadata_write_info(const struct js_metadata *m, struct jsonw *w, const char *version)
{
    char level[16];
    const struct js_pair more[] = { { (char *)(uintptr_t)JS_KEY_LEVEL, level },
                                    { (char *)(uintptr_t)JS_KEY_VERSION,
                                      (char *)(uintptr_t)version } };
    size_t used = version != NULL ? 0 : COUNT_OF(more);

    snprintf(level, sizeof level, "%d", JS_API_LEVEL);
    if (m->count == 0 && version == NULL) return;
    jsonw_object(w, "metadata");
    for (size_t i = 0; i < m->count || used < COUNT_OF(more);) {
        int order = i == m->count ? 1 : used == COUNT_OF(more) ? -1
                  : strcmp(m->pairs[i].key, more[used].key);
        const struct js_pair *next = order < 0 ? &m->pairs[i] : &more[used];
        jsonw_key(w, span_of(next->key));
        jsonw_text(w, NULL, next->value);
        i += order <= 0;
        used += order >= 0;
    }
    jsonw_end_object(w);
}

void js_metadata_write(const struct js_metadata *m, struct jsonw *w)
{
    js_metadata_write_info(m, w, NULL);
}

void js_metadata_set_static(struct js_metadata *m, unsigned level)
{
    char text[16];

    js_metadata_remove(m, JS_KEY_LEVEL);
    js_metadata_remove(m, JS_KEY_VERSION);
    snprintf(text, sizeof text, "%u", level);
    js_metadata_set(m, JS_KEY_REQUIRED_LEVEL, text);
}

void js_metadata_copy_static(struct js_metadata *m, const struct js_metadata *old)
{
    const char *level = js_metadata_get(old, JS_KEY_REQUIRED_LEVEL);

    js_metadata_remove(m, JS_KEY_LEVEL);
    js_metadata_remove(m, JS_KEY_VERSION);
    if (level != NULL) js_metadata_set(m, JS_KEY_REQUIRED_LEVEL, level);
    else js_metadata_remove(m, JS_KEY_REQUIRED_LEVEL);
}

size_t js_metadata_size(const struct js_metadata *m)
{
    size_t size = 0;

    for (size_t i = 0; i < m->count; i++)
        size += strlen(m->pairs[i].key) + strlen(m->pairs[i].value);
    return size;
}

bool js_metadata_level_is_supported(const struct js_metadata *m)
{
    const char *text = js_metadata_get(m, JS_KEY_REQUIRED_LEVEL);
    int64_t level;

    if (text == NULL || text[0] == '\0') return true;
    return span_to_i64(span_of(text), &level) && level <= JS_API_LEVEL;
}

void js_metadata_copy(struct js_metadata *to, const struct js_metadata *from)
{
    *to = (struct js_metadata){ NULL, from->count };
    if (from->count == 0) return;
    to->pairs = mem_alloc(from->count * sizeof *to->pairs);
    for (size_t i = 0; i < from->count; i++)
        to->pairs[i] = (struct js_pair){ mem_dup(from->pairs[i].key),
                                         mem_dup(from->pairs[i].value) };
}

void js_metadata_free(struct js_metadata *m)
{
    for (size_t i = 0; i < m->count; i++) {
        mem_free(m->pairs[i].key);
        mem_free(m->pairs[i].value);
    }
    mem_free(m->pairs);
    *m = (struct js_metadata){ NULL, 0 };
}

bool js_metadata_equal(const struct js_metadata *a, const struct js_metadata *b)
{
    if (a->count != b->count) return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->pairs[i].key, b->pairs[i].key) != 0 ||
            strcmp(a->pairs[i].value, b->pairs[i].value) != 0)
            return false;
    return true;
}
