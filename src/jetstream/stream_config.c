/* SPDX-License-Identifier: Apache-2.0 */
/* stream_config.c - stream configurations as values: copied, compared, freed. */
#include "jetstream/stream_config.h"

#include "base/mem.h"
#include "jetstream/config_priv.h"
#include "jetstream/js_level.h"

bool js_name_is_valid(struct span name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.p[i] == '\0' || strchr(" \t\r\n\f.*>\\/", name.p[i]) != NULL) return false;
    return name.len > 0;
}

/* ---- parts ---- */

static void transform_copy(struct js_transform_config *to, const struct js_transform_config *from)
{
    *to = (struct js_transform_config){ mem_dup(from->source), mem_dup(from->destination) };
}

static void transform_clear(struct js_transform_config *t)
{
    mem_free(t->source);
    mem_free(t->destination);
    *t = (struct js_transform_config){ NULL, NULL };
}

static bool transform_equal(const struct js_transform_config *a,
                            const struct js_transform_config *b)
{
    return config_text_equal(a->source, b->source) &&
           config_text_equal(a->destination, b->destination);
}

void stream_source_free(struct js_source_config *s)
{
    mem_free(s->name);
    mem_free(s->filter_subject);
    for (size_t i = 0; i < s->transform_count; i++) transform_clear(&s->transforms[i]);
    mem_free(s->transforms);
    mem_free(s->external_api);
    mem_free(s->external_deliver);
    mem_free(s->consumer_name);
    mem_free(s->consumer_deliver);
    *s = (struct js_source_config){ 0 };
}

void stream_source_copy(struct js_source_config *to, const struct js_source_config *from)
{
    *to = *from;
    to->name = mem_dup(from->name);
    to->filter_subject = mem_dup(from->filter_subject);
    to->external_api = mem_dup(from->external_api);
    to->external_deliver = mem_dup(from->external_deliver);
    to->consumer_name = mem_dup(from->consumer_name);
    to->consumer_deliver = mem_dup(from->consumer_deliver);
    to->transforms = NULL;
    if (from->transform_count == 0) return;
    to->transforms = mem_alloc(from->transform_count * sizeof *to->transforms);
    for (size_t i = 0; i < from->transform_count; i++)
        transform_copy(&to->transforms[i], &from->transforms[i]);
}

bool stream_source_equal(const struct js_source_config *a, const struct js_source_config *b)
{
    if (!config_text_equal(a->name, b->name) || a->opt_start_seq != b->opt_start_seq ||
        a->has_start_time != b->has_start_time ||
        (a->has_start_time && a->opt_start_time != b->opt_start_time) ||
        !config_text_equal(a->filter_subject, b->filter_subject) ||
        a->transform_count != b->transform_count)
        return false;
    if ((a->external_api == NULL) != (b->external_api == NULL) ||
        !config_text_equal(a->external_api, b->external_api) ||
        !config_text_equal(a->external_deliver, b->external_deliver) ||
        stream_source_has_consumer(a) != stream_source_has_consumer(b) ||
        !config_text_equal(a->consumer_name, b->consumer_name) ||
        !config_text_equal(a->consumer_deliver, b->consumer_deliver))
        return false;
    for (size_t i = 0; i < a->transform_count; i++)
        if (!transform_equal(&a->transforms[i], &b->transforms[i])) return false;
    return true;
}

static void placement_clear(struct js_placement *p)
{
    mem_free(p->cluster);
    mem_free(p->preferred);
    config_texts_free(&p->tags);
}

static bool placement_equal(const struct js_placement *a, const struct js_placement *b)
{
    if (a == NULL || b == NULL) return a == b;
    return config_text_equal(a->cluster, b->cluster) &&
           config_text_equal(a->preferred, b->preferred) && config_texts_equal(&a->tags, &b->tags);
}

static bool republish_equal(const struct js_republish *a, const struct js_republish *b)
{
    if (a == NULL || b == NULL) return a == b;
    return config_text_equal(a->source, b->source) &&
           config_text_equal(a->destination, b->destination) && a->headers_only == b->headers_only;
}

/* ---- the whole ---- */

void stream_config_copy(struct stream_config *to, const struct stream_config *from)
{
    *to = *from;
    to->name = mem_dup(from->name);
    to->description = mem_dup(from->description);
    config_texts_copy(&to->subjects, &from->subjects);
    js_metadata_copy(&to->metadata, &from->metadata);
    if (from->placement != NULL) {
        to->placement = mem_alloc(sizeof *to->placement);
        to->placement->cluster = mem_dup(from->placement->cluster);
        to->placement->preferred = mem_dup(from->placement->preferred);
        config_texts_copy(&to->placement->tags, &from->placement->tags);
    }
    if (from->mirror != NULL) {
        to->mirror = mem_alloc(sizeof *to->mirror);
        stream_source_copy(to->mirror, from->mirror);
    }
    if (from->source_count > 0) {
        to->sources = mem_alloc(from->source_count * sizeof *to->sources);
        for (size_t i = 0; i < from->source_count; i++)
            stream_source_copy(&to->sources[i], &from->sources[i]);
    }
    if (from->subject_transform != NULL) {
        to->subject_transform = mem_alloc(sizeof *to->subject_transform);
        transform_copy(to->subject_transform, from->subject_transform);
    }
    if (from->republish != NULL) {
        to->republish = mem_alloc(sizeof *to->republish);
        *to->republish = (struct js_republish){ mem_dup(from->republish->source),
                                                mem_dup(from->republish->destination),
                                                from->republish->headers_only };
    }
}

void stream_config_free(struct stream_config *c)
{
    mem_free(c->name);
    mem_free(c->description);
    config_texts_free(&c->subjects);
    if (c->placement != NULL) placement_clear(c->placement);
    mem_free(c->placement);
    if (c->mirror != NULL) stream_source_free(c->mirror);
    mem_free(c->mirror);
    for (size_t i = 0; i < c->source_count; i++) stream_source_free(&c->sources[i]);
    mem_free(c->sources);
    if (c->subject_transform != NULL) transform_clear(c->subject_transform);
    mem_free(c->subject_transform);
    if (c->republish != NULL) {
        mem_free(c->republish->source);
        mem_free(c->republish->destination);
    }
    mem_free(c->republish);
    js_metadata_free(&c->metadata);
    *c = (struct stream_config){ 0 };
}

static bool numbers_equal(const struct stream_config *a, const struct stream_config *b)
{
    return a->retention == b->retention && a->max_consumers == b->max_consumers &&
           a->max_msgs == b->max_msgs && a->max_bytes == b->max_bytes &&
           a->max_msgs_per_subject == b->max_msgs_per_subject && a->max_age == b->max_age &&
           a->duplicate_window == b->duplicate_window && a->max_msg_size == b->max_msg_size &&
           a->discard == b->discard && a->storage == b->storage && a->replicas == b->replicas &&
           a->compression == b->compression && a->first_seq == b->first_seq &&
           a->limit_inactive_threshold == b->limit_inactive_threshold &&
           a->limit_max_ack_pending == b->limit_max_ack_pending &&
           a->subject_delete_marker_ttl == b->subject_delete_marker_ttl &&
           a->persist == b->persist;
}

static bool flags_equal(const struct stream_config *a, const struct stream_config *b)
{
    return a->no_ack == b->no_ack && a->allow_direct == b->allow_direct &&
           a->mirror_direct == b->mirror_direct &&
           a->discard_new_per_subject == b->discard_new_per_subject &&
           a->sealed == b->sealed && a->deny_delete == b->deny_delete &&
           a->deny_purge == b->deny_purge && a->allow_rollup_hdrs == b->allow_rollup_hdrs &&
           a->allow_msg_ttl == b->allow_msg_ttl && a->allow_msg_counter == b->allow_msg_counter &&
           a->allow_atomic == b->allow_atomic &&
           a->allow_msg_schedules == b->allow_msg_schedules && a->allow_batched == b->allow_batched;
}

bool stream_config_equal(const struct stream_config *a, const struct stream_config *b)
{
    if (!numbers_equal(a, b) || !flags_equal(a, b)) return false;
    if (!config_text_equal(a->name, b->name) ||
        !config_text_equal(a->description, b->description) ||
        !config_texts_equal(&a->subjects, &b->subjects) ||
        !placement_equal(a->placement, b->placement) ||
        !republish_equal(a->republish, b->republish) ||
        !js_metadata_equal(&a->metadata, &b->metadata))
        return false;
    if ((a->mirror == NULL) != (b->mirror == NULL) || a->source_count != b->source_count ||
        (a->subject_transform == NULL) != (b->subject_transform == NULL))
        return false;
    if (a->mirror != NULL && !stream_source_equal(a->mirror, b->mirror)) return false;
    if (a->subject_transform != NULL &&
        !transform_equal(a->subject_transform, b->subject_transform))
        return false;
    for (size_t i = 0; i < a->source_count; i++)
        if (!stream_source_equal(&a->sources[i], &b->sources[i])) return false;
    return true;
}

unsigned stream_config_level(const struct stream_config *c)
{
    if (c->allow_batched) return 4;
    if (c->allow_msg_counter || c->allow_atomic || c->allow_msg_schedules ||
        c->persist == JS_PERSIST_ASYNC)
        return 2;
    return c->allow_msg_ttl || c->subject_delete_marker_ttl > 0 ? 1 : 0;
}

void stream_config_set_static(struct stream_config *c)
{
    js_metadata_set_static(&c->metadata, stream_config_level(c));
}
