/* SPDX-License-Identifier: Apache-2.0 */
/* stream_config_origins.c - checks of a stream's mirror and sources, in nats-server's order. */
#include "base/map.h"
#include "base/mem.h"
#include "jetstream/config_priv.h"
#include "proto/subject.h"
#include "proto/transform.h"

#define API_PREFIX "$JS.API"
#define TRANSFORMS_MAX 4096             /* of all sources: bounds the comparisons */

/* How errors are called for a mirror and for a source. */
struct codes {
    enum js_err consumer, many_filters, filter, destination, overlap;
};

static const struct codes mirror_codes = {
    JS_ERR_MIRROR_DURABLE_CONSUMER_CFG_INVALID, JS_ERR_MIRROR_MULTIPLE_FILTERS_NOT_ALLOWED,
    JS_ERR_MIRROR_INVALID_SUBJECT_FILTER, JS_ERR_MIRROR_INVALID_TRANSFORM_DESTINATION,
    JS_ERR_MIRROR_OVERLAPPING_SUBJECT_FILTERS
};
static const struct codes source_codes = {
    JS_ERR_SOURCE_DURABLE_CONSUMER_CFG_INVALID, JS_ERR_SOURCE_MULTIPLE_FILTERS_NOT_ALLOWED,
    JS_ERR_SOURCE_INVALID_SUBJECT_FILTER, JS_ERR_SOURCE_INVALID_TRANSFORM_DESTINATION,
    JS_ERR_SOURCE_OVERLAPPING_SUBJECT_FILTERS
};

static enum js_err check_consumer(const struct js_source_config *s, const struct codes *codes,
                                  struct js_error *e)
{
    if (!stream_source_has_consumer(s)) return JS_OK;
    if (!js_name_is_valid(span_of(s->consumer_name)) ||
        !subject_is_valid_literal(span_of(s->consumer_deliver)) || s->opt_start_seq != 0 ||
        s->has_start_time || !text_is_empty(s->filter_subject))
        return js_error_set(e, codes->consumer);
    return JS_OK;
}

static enum js_err check_filter_form(const struct js_source_config *s, const struct codes *codes,
                                     struct js_error *e)
{
    if (!text_is_empty(s->filter_subject) && s->transform_count > 0)
        return js_error_set(e, codes->many_filters);
    return JS_OK;
}

/* A mirror's overlaps are found with the first of the two, a source's after all. */
static enum js_err check_transforms(const struct js_source_config *s, const struct codes *codes,
                                    struct js_error *e)
{
    struct span *filters = mem_alloc((s->transform_count + 1) * sizeof *filters);
    size_t first, second;
    enum config_overlap overlap;
    enum js_err err = JS_OK;

    for (size_t i = 0; i < s->transform_count; i++) filters[i] = span_of(s->transforms[i].source);
    overlap = config_find_overlap(filters, s->transform_count,
                                  codes == &mirror_codes ? CONFIG_COLLIDE : CONFIG_SUBSET, &first,
                                  &second);
    for (size_t i = 0; i < s->transform_count && err == JS_OK; i++) {
        err = stream_transform_check(&s->transforms[i], codes->filter, codes->destination, e);
        if (err == JS_OK && i == first && codes == &mirror_codes)
            err = js_error_set(e, codes->overlap);
    }
    if (err == JS_OK && overlap != CONFIG_DISJOINT) err = js_error_set(e, codes->overlap);
    mem_free(filters);
    return err;
}

static enum js_err check_mirror(const struct stream_config *c, struct js_error *e)
{
    const struct js_source_config *m = c->mirror;
    enum js_err err;

    if (m == NULL) return JS_OK;
    if (c->first_seq > 0) return js_error_set(e, JS_ERR_MIRROR_WITH_FIRST_SEQ);
    if (c->subjects.count > 0) return js_error_set(e, JS_ERR_MIRROR_WITH_SUBJECTS);
    if (c->source_count > 0) return js_error_set(e, JS_ERR_MIRROR_WITH_SOURCES);
    if (c->allow_msg_counter) return js_error_set(e, JS_ERR_MIRROR_WITH_COUNTERS);
    if (c->allow_atomic) return js_error_set(e, JS_ERR_MIRROR_WITH_ATOMIC_PUBLISH);
    if (c->allow_batched) return js_error_set(e, JS_ERR_MIRROR_WITH_BATCH_PUBLISH);
    if (c->allow_msg_schedules) return js_error_set(e, JS_ERR_MIRROR_WITH_MSG_SCHEDULES);
    if ((err = check_consumer(m, &mirror_codes, e)) != JS_OK) return err;
    if ((err = check_filter_form(m, &mirror_codes, e)) != JS_OK) return err;
    if (c->subject_delete_marker_ttl > 0)
        return config_refuse(e, "subject delete markers forbidden on mirrors");
    if ((err = check_transforms(m, &mirror_codes, e)) != JS_OK) return err;
    if (m->external_api == NULL && !js_name_is_valid(span_of(m->name)))
        return js_error_set(e, JS_ERR_MIRROR_INVALID_STREAM_NAME);
    return JS_OK;
}

/* ---- sources ---- */

static void append_part(struct buf *out, const char *text, const char *otherwise)
{
    buf_append_text(out, text_is_empty(text) ? otherwise : text);
    buf_append_char(out, '\f');
}

/* Stream and consumer of a source, and its filters: what may not occur twice. */
static void identity(const struct js_source_config *s, bool with_filters, struct buf *out)
{
    out->len = 0;
    append_part(out, s->name, "");
    buf_append_char(out, s->external_api != NULL ? 'e' : 'i');
    append_part(out, s->external_api, "");
    buf_append_char(out, stream_source_has_consumer(s) ? 'c' : '-');
    append_part(out, s->consumer_name, "");
    if (!with_filters) return;
    if (s->transform_count == 0) {
        append_part(out, s->filter_subject, ">");
        append_part(out, NULL, ">");
    }
    for (size_t i = 0; i < s->transform_count; i++) {
        append_part(out, s->transforms[i].source, ">");
        append_part(out, s->transforms[i].destination, ">");
    }
}

/* False when it is in already. */
static bool remember(struct map *seen, const struct buf *key)
{
    if (map_has(seen, buf_span(key))) return false;
    map_set(seen, buf_span(key), NULL);
    return true;
}

static enum js_err check_source(const struct js_source_config *s, struct map *sources,
                                struct map *consumers, struct buf *key, struct js_error *e)
{
    enum js_err err;

    if (!js_name_is_valid(span_of(s->name)))
        return js_error_set(e, JS_ERR_SOURCE_INVALID_STREAM_NAME);
    identity(s, true, key);
    if (!remember(sources, key)) return js_error_set(e, JS_ERR_SOURCE_DUPLICATE_DETECTED);
    if ((err = check_filter_form(s, &source_codes, e)) != JS_OK) return err;
    if ((err = check_transforms(s, &source_codes, e)) != JS_OK) return err;
    if ((err = check_consumer(s, &source_codes, e)) != JS_OK) return err;
    if (!stream_source_has_consumer(s)) return JS_OK;
    identity(s, false, key);
    return remember(consumers, key)
         ? JS_OK : js_error_set(e, JS_ERR_SOURCE_DURABLE_CONSUMER_DUPLICATE_DETECTED);
}

static enum js_err check_sources(const struct stream_config *c, struct js_error *e)
{
    struct map sources = { 0 }, consumers = { 0 };
    struct buf key = { 0 };
    enum js_err err = JS_OK;
    size_t transforms = 0;

    if (c->source_count > 0 && c->allow_msg_schedules)
        return js_error_set(e, JS_ERR_SOURCE_WITH_MSG_SCHEDULES);
    for (size_t i = 0; i < c->source_count && err == JS_OK; i++) {
        transforms += c->sources[i].transform_count;
        err = transforms > TRANSFORMS_MAX
            ? config_refusef(e, "too many subject transforms, maximum allowed is %d",
                             TRANSFORMS_MAX)
            : check_source(&c->sources[i], &sources, &consumers, &key, e);
    }
    buf_free(&key);
    map_free(&sources);
    map_free(&consumers);
    return err;
}

/* ---- prefixes and cycles ---- */

/* Origin i: the mirror, then the sources; NULL after the last one. */
static const struct js_source_config *origin_at(const struct stream_config *c, size_t i)
{
    if (c->mirror != NULL && i-- == 0) return c->mirror;
    return i < c->source_count ? &c->sources[i] : NULL;
}

static enum js_err check_api_prefix(const char *prefix, struct js_error *e)
{
    if (text_is_empty(prefix)) return JS_OK;
    if (!subject_is_valid_literal(span_of(prefix))) {
        struct buf text = { 0 };
        buf_append_text(&text, "stream external api prefix ");
        buf_append_quoted(&text, span_of(prefix));
        buf_append_text(&text, " must be a valid subject without wildcards");
        config_refuse(e, buf_text(&text));
        buf_free(&text);
        return e->err;
    }
    if (config_text_equal(prefix, API_PREFIX)) {
        const char *const args[] = { prefix, API_PREFIX };
        return js_error_set_args(e, JS_ERR_STREAM_EXTERNAL_API_OVERLAP, args, COUNT_OF(args));
    }
    return JS_OK;
}

static enum js_err check_prefixes(const struct stream_config *c, struct js_error *e)
{
    const struct js_source_config *s;
    enum js_err err;

    for (size_t i = 0; (s = origin_at(c, i)) != NULL; i++)
        if (s->external_api != NULL && !text_is_empty(s->external_deliver) &&
            !subject_is_valid_literal(span_of(s->external_deliver)))
            return js_error_set_arg(e, JS_ERR_STREAM_INVALID_EXTERNAL_DELIVERY_SUBJ,
                                    s->external_deliver);
    for (size_t i = 0; (s = origin_at(c, i)) != NULL; i++)
        if ((err = check_api_prefix(s->external_api, e)) != JS_OK) return err;
    return JS_OK;
}

static bool takes_subjects(const struct stream_config *c, const struct js_source_config *s)
{
    if (text_is_empty(s->filter_subject)) return true;
    for (size_t i = 0; i < c->subjects.count; i++)
        if (subject_collides(span_of(c->subjects.items[i]), span_of(s->filter_subject)))
            return true;
    return false;
}

/* A stream that is its own origin. */
static enum js_err check_self(const struct stream_config *c, struct js_error *e)
{
    const struct js_source_config *m = c->mirror;

    for (size_t i = 0; i < c->source_count; i++) {
        const struct js_source_config *s = &c->sources[i];
        if (s->external_api == NULL && config_text_equal(s->name, c->name) &&
            takes_subjects(c, s))
            return config_refuse(e, "detected cycle");
    }
    if (m != NULL && m->external_api == NULL && config_text_equal(m->name, c->name))
        return config_refuse(e, "detected cycle");
    return JS_OK;
}

enum js_err stream_config_check_origins(const struct stream_config *c, struct js_error *e)
{
    enum js_err err;

    if ((err = check_mirror(c, e)) != JS_OK) return err;
    if ((err = check_sources(c, e)) != JS_OK) return err;
    if ((err = check_prefixes(c, e)) != JS_OK) return err;
    return check_self(c, e);
}

/* ---- after the stream's existence was looked at ---- */

/* Transforms were compiled by stream_config_check: only a single filter is left to look at. */
static enum js_err check_filter(const struct js_source_config *s, const char *of,
                                struct js_error *e)
{
    struct buf text = { 0 };

    if (s->transform_count > 0 || text_is_empty(s->filter_subject) ||
        subject_is_valid(span_of(s->filter_subject)))
        return JS_OK;
    buf_printf(&text, "subject filter '%s' for the %s invalid subject", s->filter_subject, of);
    js_error_set_arg(e, JS_ERR_STREAM_CREATE, buf_text(&text));
    buf_free(&text);
    return e->err;
}

enum js_err stream_config_check_filters(const struct stream_config *c, struct js_error *e)
{
    enum js_err err = c->mirror != NULL ? check_filter(c->mirror, "mirror", e) : JS_OK;

    for (size_t i = 0; i < c->source_count && err == JS_OK; i++)
        err = check_filter(&c->sources[i], "source:", e);
    return err;
}
