/* SPDX-License-Identifier: Apache-2.0 */
/* source_check.c - a configuration's mirror and sources against the account's other streams. */
#include <stdio.h>

#include "base/map.h"
#include "jetstream/config_priv.h"
#include "jetstream/source.h"
#include "proto/subject.h"

static const struct stream_config *find(const struct js_account *a, const char *name)
{
    const struct stream *s = map_get(&a->streams, span_of(name));

    return s ? &s->config : NULL;
}

static bool too_small(const struct stream_config *c, const struct stream_config *origin)
{
    return origin && c->max_msg_size > 0 && origin->max_msg_size > 0 &&
           c->max_msg_size < origin->max_msg_size;
}

static enum js_err check_mirror(const struct js_account *a, struct stream_config *c,
                                bool pedantic, struct js_error *e)
{
    const struct stream_config *origin;

    if (c->mirror == NULL || c->mirror->external_api) return JS_OK;
    origin = find(a, c->mirror->name);
    if (origin == NULL) return JS_OK;
    if (too_small(c, origin)) return js_error_set(e, JS_ERR_MIRROR_MAX_MESSAGE_SIZE_TOO_BIG);
    if (pedantic && c->mirror_direct != origin->allow_direct)
        return config_pedantic(e, "origin stream has direct get set, mirror has it disabled");
    c->mirror_direct = origin->allow_direct;
    return JS_OK;
}

static enum js_err check_sizes(const struct js_account *a, const struct stream_config *c,
                               struct js_error *e)
{
    for (size_t i = 0; i < c->source_count; i++)
        if (c->sources[i].external_api == NULL && too_small(c, find(a, c->sources[i].name)))
            return js_error_set(e, JS_ERR_SOURCE_MAX_MESSAGE_SIZE_TOO_BIG);
    return JS_OK;
}

/* ---- delivery prefixes ---- */

/* Origin i: the mirror, then the sources; NULL after the last one. */
static const struct js_source_config *origin_at(const struct stream_config *c, size_t i)
{
    if (c->mirror && i-- == 0) return c->mirror;
    return i < c->source_count ? &c->sources[i] : NULL;
}

static enum js_err check_prefix(const char *prefix, const struct js_texts *subjects,
                                struct js_error *e)
{
    struct buf joined = { 0 };
    enum js_err err = JS_OK;

    for (size_t i = 0; i < subjects->count && err == JS_OK; i++) {
        const char *const args[] = { prefix, subjects->items[i] };
        joined.len = 0;
        buf_printf(&joined, "%s.%s", prefix, subjects->items[i]);
        if (subject_collides(span_of(subjects->items[i]), buf_span(&joined)))
            err = js_error_set_args(e, JS_ERR_STREAM_EXTERNAL_DEL_PREFIX_OVERLAPS, args,
                                    COUNT_OF(args));
    }
    buf_free(&joined);
    return err;
}

static enum js_err check_prefixes(const struct js_account *a, const struct stream_config *c,
                                  struct js_error *e)
{
    const struct js_source_config *from, *to;
    enum js_err err;

    for (size_t i = 0; (to = origin_at(c, i)) != NULL; i++) {
        if (to->external_api == NULL || text_is_empty(to->external_deliver)) continue;
        for (size_t n = 0; (from = origin_at(c, n)) != NULL; n++) {
            const struct stream_config *origin = from->external_api ? NULL
                                                                    : find(a, from->name);
            if (origin == NULL) continue;
            err = check_prefix(to->external_deliver, &origin->subjects, e);
            if (err != JS_OK) return err;
        }
    }
    return JS_OK;
}

/* ---- cycles ---- */

static bool takes(const struct stream_config *c, const char *filter)
{
    if (text_is_empty(filter)) return true;
    for (size_t i = 0; i < c->subjects.count; i++)
        if (subject_collides(span_of(c->subjects.items[i]), span_of(filter))) return true;
    return false;
}

/* Visit the origins of c: put those that are new to the end of todo. False: c closes a cycle. */
static bool visit(const struct js_account *a, const struct stream_config *c, struct map *visited,
                  struct buf *todo)
{
    const struct js_source_config *s;

    map_set(visited, span_of(c->name), NULL);
    for (size_t i = 0; (s = origin_at(c, i)) != NULL; i++) {
        const struct stream_config *origin;
        if (s->external_api) continue;
        if (map_has(visited, span_of(s->name))) {
            if (s == c->mirror || takes(c, s->filter_subject)) return false;
            continue;
        }
        origin = find(a, s->name);
        if (origin) buf_append(todo, &origin, sizeof origin);
    }
    return true;
}

static enum js_err check_cycles(const struct js_account *a, const struct stream_config *c,
                                struct js_error *e)
{
    struct map visited = { 0 };
    struct buf todo = { 0 };
    bool good = true;

    buf_append(&todo, &c, sizeof c);
    for (size_t at = 0; good && at < todo.len; at += sizeof c) {
        const struct stream_config *one;
        memcpy(&one, todo.p + at, sizeof one);
        if (at == 0 || !map_has(&visited, span_of(one->name)))
            good = visit(a, one, &visited, &todo);
    }
    map_free(&visited);
    buf_free(&todo);
    return good ? JS_OK : config_refuse(e, "detected cycle");
}

enum js_err sources_check(const struct js_account *a, struct stream_config *c, bool pedantic,
                          struct js_error *e)
{
    enum js_err err;

    if (c->mirror == NULL && c->source_count == 0) return JS_OK;
    if ((err = check_mirror(a, c, pedantic, e)) != JS_OK) return err;
    if ((err = check_sizes(a, c, e)) != JS_OK) return err;
    if ((err = check_prefixes(a, c, e)) != JS_OK) return err;
    return check_cycles(a, c, e);
}
