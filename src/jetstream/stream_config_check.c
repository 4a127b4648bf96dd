/* SPDX-License-Identifier: Apache-2.0 */
/* stream_config_check.c - defaults and checks of a stream configuration. The order of the checks
 * is nats-server's, since clients see the first one that fails. */
#include <inttypes.h>

#include "base/duration.h"
#include "base/mem.h"
#include "jetstream/config_priv.h"
#include "proto/subject.h"
#include "proto/transform.h"

#define REPLICAS_MAX 5
#define WINDOW_DEFAULT (120 * NS_PER_S)
#define AGE_MIN (100 * NS_PER_MS)

enum js_err stream_config_check_new(const struct stream_config *c, struct js_error *e)
{
    if (c->sealed)
        return config_refuse(e, "stream configuration for create can not be sealed");
    if (c->mirror_direct && c->mirror == NULL)
        return config_refuse(e, "stream has no mirror but does have mirror direct");
    return JS_OK;
}

enum js_err stream_config_check_replicas(const struct stream_config *c, struct js_error *e)
{
    return c->replicas > 1 ? js_error_set(e, JS_ERR_STREAM_REPLICAS_NOT_SUPPORTED) : JS_OK;
}

static enum js_err check_texts(const struct stream_config *c, struct js_error *e)
{
    if (!js_name_is_valid(span_of(c->name)))
        return config_refuse(e, "stream name is required and can not contain "
                             "'.', '*', '>', '\\', '/'");
    if (strlen(c->name) > JS_NAME_MAX)
        return config_refusef(e, "stream name is too long, maximum allowed is %d", JS_NAME_MAX);
    if (span_of(c->description).len > JS_DESCRIPTION_MAX)
        return config_refusef(e, "stream description is too long, maximum allowed is %d",
                              JS_DESCRIPTION_MAX);
    if (js_metadata_size(&c->metadata) > JS_METADATA_MAX)
        return config_refusef(e, "stream metadata exceeds maximum size of %d bytes",
                              JS_METADATA_MAX);
    return JS_OK;
}

/* -1 stands for no limit, also when it was not given. */
static bool fill_limit(int64_t *limit, bool pedantic)
{
    if (*limit < -1 && pedantic) return false;
    if (*limit == 0 || *limit < -1) *limit = -1;
    return true;
}

static enum js_err check_limits(struct stream_config *c, const struct stream_config_rules *rules,
                                struct js_error *e)
{
    if (c->replicas == 0) c->replicas = 1;
    if (c->replicas > REPLICAS_MAX)
        return config_refusef(e, "maximum replicas is %d", REPLICAS_MAX);
    if (c->replicas < 0) return js_error_set(e, JS_ERR_REPLICAS_COUNT_CANNOT_BE_NEGATIVE);
    if (!fill_limit(&c->max_msgs, rules->pedantic))
        return config_pedantic(e, "max_msgs must be set to -1");
    if (!fill_limit(&c->max_msgs_per_subject, rules->pedantic))
        return config_pedantic(e, "max_msgs_per_subject must be set to -1");
    if (!fill_limit(&c->max_bytes, rules->pedantic))
        return config_pedantic(e, "max_bytes must be set to -1");
    if (!fill_limit(&c->max_msg_size, rules->pedantic))
        return config_pedantic(e, "max_msg_size must be set to -1");
    if (!fill_limit(&c->max_consumers, rules->pedantic))
        return config_pedantic(e, "max_consumers must be set to -1");
    if (c->max_age < 0) return config_refuse(e, "max age can not be negative");
    if (c->max_age != 0 && c->max_age < AGE_MIN)
        return config_refuse(e, "max age needs to be >= 100ms");
    return JS_OK;
}

static enum js_err fill_window(struct stream_config *c, const struct stream_config_rules *rules,
                               struct js_error *e)
{
    int64_t window = WINDOW_DEFAULT, limit = rules->limit_duplicate_window;

    if (c->duplicate_window != 0 || c->mirror != NULL || c->source_count > 0) return JS_OK;
    if (limit > 0 && window > limit) {
        if (rules->pedantic)
            return config_pedantic(e, "duplicate window limits are higher than current limits");
        window = limit;
    }
    if (c->max_age != 0 && c->max_age < window) {
        if (rules->pedantic)
            return config_pedantic(e, "duplicate window cannot be bigger than max age");
        window = c->max_age;
    }
    c->duplicate_window = window;
    return JS_OK;
}

static enum js_err check_window(struct stream_config *c, const struct stream_config_rules *rules,
                                struct js_error *e)
{
    int64_t limit = rules->limit_duplicate_window;
    enum js_err err = fill_window(c, rules, e);

    if (err != JS_OK) return err;
    if (c->duplicate_window < 0)
        return config_refuse(e, "duplicates window can not be negative");
    if (c->max_age != 0 && c->duplicate_window > c->max_age)
        return config_refuse(e, "duplicates window can not be larger then max age");
    if (limit > 0 && c->duplicate_window > limit) {
        struct buf text = { 0 };
        buf_append_text(&text, "duplicates window can not be larger then server limit of ");
        duration_append(&text, limit);
        config_refuse(e, buf_text(&text));
        buf_free(&text);
        return e->err;
    }
    if (c->duplicate_window > 0 && c->duplicate_window < AGE_MIN)
        return config_refuse(e, "duplicates window needs to be >= 100ms");
    return JS_OK;
}

static enum js_err check_counter(const struct stream_config *c, struct js_error *e)
{
    if (!c->allow_msg_counter) return JS_OK;
    if (c->discard == JS_DISCARD_NEW)
        return config_refuse(e, "counter stream cannot use discard new");
    if (c->allow_msg_ttl) return config_refuse(e, "counter stream cannot use message TTLs");
    if (c->allow_msg_schedules)
        return config_refuse(e, "counter stream cannot use message schedules");
    if (c->retention != JS_RETENTION_LIMITS)
        return config_refuse(e, "counter stream can only use limits retention");
    return JS_OK;
}

static enum js_err check_discard_new_per_subject(const struct stream_config *c,
                                                 struct js_error *e)
{
    if (!c->discard_new_per_subject) return JS_OK;
    if (c->discard != JS_DISCARD_NEW)
        return config_refuse(e, "discard new per subject requires discard new policy to be set");
    if (c->max_msgs_per_subject <= 0)
        return config_refuse(e, "discard new per subject requires max msgs per subject > 0");
    return JS_OK;
}

/* Markers and schedules replace messages by roll-ups. */
static void allow_rollups(struct stream_config *c)
{
    c->allow_rollup_hdrs = true;
    c->deny_purge = false;
}

static enum js_err check_markers(struct stream_config *c, const struct stream_config_rules *rules,
                                 struct js_error *e)
{
    if (c->subject_delete_marker_ttl < 0)
        return config_refuse(e, "subject delete marker TTL must not be negative");
    if (c->subject_delete_marker_ttl == 0) return JS_OK;
    if (c->subject_delete_marker_ttl < NS_PER_S)
        return config_refuse(e, "subject delete marker TTL must be at least 1 second");
    if (!c->allow_msg_ttl && rules->pedantic)
        return config_refuse(e, "subject delete marker cannot be set if message TTLs are "
                             "disabled");
    c->allow_msg_ttl = true;
    if (c->allow_rollup_hdrs) return JS_OK;
    if (rules->pedantic)
        return config_refuse(e, "subject delete marker cannot be set if roll-ups are disabled");
    allow_rollups(c);
    return JS_OK;
}

static enum js_err check_schedules(struct stream_config *c,
                                   const struct stream_config_rules *rules, struct js_error *e)
{
    if (!c->allow_msg_schedules) return JS_OK;
    if (c->discard == JS_DISCARD_NEW)
        return config_refuse(e, "message scheduling cannot use discard new");
    if (c->allow_rollup_hdrs) return JS_OK;
    if (rules->pedantic)
        return config_refuse(e, "message scheduling cannot be set if roll-ups are disabled");
    allow_rollups(c);
    return JS_OK;
}

static enum js_err check_persist(const struct stream_config *c, struct js_error *e)
{
    if (c->persist != JS_PERSIST_ASYNC) return JS_OK;
    if (c->storage != JS_STORAGE_FILE)
        return config_refuse(e, "async persist mode is only supported on file storage");
    if (c->replicas > 1)
        return config_refuse(e, "async persist mode is not supported on replicated streams");
    if (c->allow_atomic)
        return config_refuse(e, "async persist mode is not supported with atomic batch publish");
    return JS_OK;
}

static enum js_err check_features(struct stream_config *c,
                                  const struct stream_config_rules *rules, struct js_error *e)
{
    enum js_err err;

    if (c->deny_purge && c->allow_rollup_hdrs)
        return config_refuse(e, "roll-ups require the purge permission");
    if ((err = check_counter(c, e)) != JS_OK) return err;
    if ((err = check_discard_new_per_subject(c, e)) != JS_OK) return err;
    if ((err = check_markers(c, rules, e)) != JS_OK) return err;
    if ((err = check_schedules(c, rules, e)) != JS_OK) return err;
    return check_persist(c, e);
}

/* ---- subjects ---- */

/* What concerns one subject alone. */
static enum js_err check_subject(const struct stream_config *c, struct span subject,
                                 struct js_error *e)
{
    static const char *const api[] = { "$JS.>", "$JSC.>", "$NRG.>" };

    if (!subject_is_valid(subject)) return config_refuse(e, "invalid subject");
    if (span_is(subject, ">")) {
        if (!c->no_ack)
            return config_refuse(e, "capturing all subjects requires no-ack to be true");
        if (c->replicas != 1)
            return config_refuse(e, "capturing all subjects requires replicas of 1");
    }
    if (c->no_ack) return JS_OK;
    for (size_t i = 0; i < COUNT_OF(api); i++)
        if (subject_collides(subject, span_of(api[i])) &&
            !subject_is_subset(subject, SPAN_LIT("$JS.EVENT.>")))
            return config_refuse(e, "subjects that overlap with jetstream api require no-ack "
                                 "to be true");
    if (subject_collides(subject, SPAN_LIT("$SYS.>")) &&
        !subject_is_subset(subject, SPAN_LIT("$SYS.ACCOUNT.>")))
        return config_refuse(e, "subjects that overlap with system api require no-ack to be "
                             "true");
    return JS_OK;
}

static enum js_err refuse_overlap(struct span a, struct span b, struct js_error *e)
{
    struct buf text = { 0 };

    buf_append_text(&text, "subject ");
    buf_append_quoted(&text, a);
    buf_append_text(&text, " overlaps with ");
    buf_append_quoted(&text, b);
    config_refuse(e, buf_text(&text));
    buf_free(&text);
    return e->err;
}

static enum js_err check_subjects(struct stream_config *c, struct js_error *e)
{
    size_t first, second;
    struct span *subjects;
    enum config_overlap overlap;
    enum js_err err = JS_OK;

    if (c->subjects.count == 0) {
        if (c->mirror != NULL || c->source_count > 0) return JS_OK;
        c->subjects.items = mem_alloc(sizeof *c->subjects.items);
        c->subjects.items[0] = mem_dup(c->name);
        c->subjects.count = 1;
        return JS_OK;
    }
    subjects = config_spans(&c->subjects);
    overlap = config_find_overlap(subjects, c->subjects.count, CONFIG_COLLIDE, &first, &second);
    for (size_t i = 0; i < c->subjects.count && err == JS_OK; i++) {
        err = check_subject(c, subjects[i], e);
        if (err == JS_OK && overlap == CONFIG_OVERLAP && i == first)
            err = refuse_overlap(subjects[first], subjects[second], e);
    }
    if (err == JS_OK && overlap == CONFIG_TOO_MANY)
        err = config_refuse(e, "too many subjects with wildcards");
    mem_free(subjects);
    return err;
}

/* ---- transforms ---- */

enum js_err stream_transform_check(const struct js_transform_config *t, enum js_err source_err,
                                   enum js_err destination_err, struct js_error *e)
{
    struct span source = span_of(t->source), destination = span_of(t->destination);
    struct transform *compiled = NULL;
    struct error why = { "" };

    if (source.len > 0 && !subject_is_valid(source)) {
        struct buf text = { 0 };
        buf_append_text(&text, "invalid subject ");
        buf_append_span(&text, source);
        js_error_set_arg(e, source_err, buf_text(&text));
        buf_free(&text);
        return source_err;
    }
    if (destination.len == 0) return JS_OK;
    if (transform_check_destination(destination, &why) != ST_OK ||
        transform_compile(&compiled, source, destination, TRANSFORM_ANY, &why) != ST_OK)
        return js_error_set_arg(e, destination_err, why.text);
    transform_free(&compiled);
    return JS_OK;
}

static void set_text(char **to, const char *text)
{
    char *copy = mem_dup(text);

    mem_free(*to);
    *to = copy;
}

/* A republish of everything to everything means the subjects as they were transformed. */
static enum js_err fill_republish(struct stream_config *c,
                                  const struct stream_config_rules *rules, struct js_error *e)
{
    struct js_republish *r = c->republish;
    const struct js_transform_config *t = c->subject_transform;

    if (text_is_empty(r->source)) {
        if (rules->pedantic) return config_pedantic(e, "republish source can not be empty");
        set_text(&r->source, ">");
    }
    if (!config_text_equal(r->destination, ">") || !config_text_equal(r->source, ">") ||
        t == NULL || c->subjects.count != 1 ||
        !config_text_equal(t->source, c->subjects.items[0]))
        return JS_OK;
    if (rules->pedantic)
        return config_pedantic(e, "implicit republish based on subject transform");
    set_text(&r->source, t->destination);
    set_text(&r->destination, t->destination);
    return JS_OK;
}

static enum js_err check_republish(struct stream_config *c,
                                   const struct stream_config_rules *rules, struct js_error *e)
{
    struct js_republish *r = c->republish;
    struct transform *compiled = NULL;
    struct span destination;
    enum js_err err;

    if (r == NULL) return JS_OK;
    if ((err = fill_republish(c, rules, e)) != JS_OK) return err;
    destination = span_of(r->destination);
    for (size_t i = 0; i < c->subjects.count; i++)
        if (subject_collides(destination, span_of(c->subjects.items[i])))
            return config_refuse(e, "stream configuration for republish destination forms a "
                                 "cycle");
    if (destination.len == 0) return JS_OK;
    if (transform_compile(&compiled, span_of(r->source), destination, TRANSFORM_ANY, NULL) !=
        ST_OK)
        return config_refusef(e, "stream configuration for republish with transform from '%s' "
                              "to '%s' not valid", r->source, r->destination);
    transform_free(&compiled);
    return JS_OK;
}

static enum js_err check_placement(struct stream_config *c, struct js_error *e)
{
    struct js_placement *p = c->placement;

    if (p == NULL) return JS_OK;
    if (!text_is_empty(p->preferred))
        return config_refuse(e, "preferred server not permitted in placement");
    if (text_is_empty(p->cluster) && p->tags.count == 0) {
        mem_free(p->cluster);
        mem_free(p->preferred);
        mem_free(p);
        c->placement = NULL;
    }
    return JS_OK;
}

enum js_err stream_config_check(struct stream_config *c, const struct stream_config_rules *rules,
                                struct js_error *e)
{
    enum js_err err;

    if ((err = check_texts(c, e)) != JS_OK) return err;
    if ((err = check_limits(c, rules, e)) != JS_OK) return err;
    if ((err = check_window(c, rules, e)) != JS_OK) return err;
    if ((err = check_features(c, rules, e)) != JS_OK) return err;
    if ((err = stream_config_check_origins(c, e)) != JS_OK) return err;
    if ((err = check_subjects(c, e)) != JS_OK) return err;
    if (rules->max_bytes_required && c->max_bytes <= 0)
        return js_error_set(e, JS_ERR_STREAM_MAX_BYTES_REQUIRED);
    if (rules->account_stream_max_bytes > 0 && c->max_bytes > rules->account_stream_max_bytes)
        return js_error_set(e, JS_ERR_STREAM_MAX_STREAM_BYTES_EXCEEDED);
    if (c->subject_transform != NULL) {
        err = stream_transform_check(c->subject_transform, JS_ERR_STREAM_TRANSFORM_INVALID_SOURCE,
                                     JS_ERR_STREAM_TRANSFORM_INVALID_DESTINATION, e);
        if (err != JS_OK) return err;
    }
    if ((err = check_republish(c, rules, e)) != JS_OK) return err;
    return check_placement(c, e);
}
