/* SPDX-License-Identifier: Apache-2.0 */
/* stream_config_write.c - stream configurations as JSON, fields in nats-server's order. */
#include "jetstream/config_priv.h"

static void write_transform(const struct js_transform_config *t, struct jsonw *w, const char *key)
{
    jsonw_object(w, key);
    jsonw_text(w, "src", t->source);
    jsonw_text(w, "dest", t->destination);
    jsonw_end_object(w);
}

static void write_source(const struct js_source_config *s, struct jsonw *w, const char *key)
{
    jsonw_object(w, key);
    jsonw_text(w, "name", s->name);
    if (s->opt_start_seq > 0) jsonw_uint(w, "opt_start_seq", s->opt_start_seq);
    if (s->has_start_time) config_write_time(w, "opt_start_time", s->opt_start_time);
    jsonw_text_if(w, "filter_subject", s->filter_subject);
    if (s->transform_count > 0) {
        jsonw_array(w, "subject_transforms");
        for (size_t i = 0; i < s->transform_count; i++) write_transform(&s->transforms[i], w, NULL);
        jsonw_end_array(w);
    }
    if (s->external_api != NULL) {
        jsonw_object(w, "external");
        jsonw_text(w, "api", s->external_api);
        jsonw_text(w, "deliver", s->external_deliver);
        jsonw_end_object(w);
    }
    if (stream_source_has_consumer(s)) {
        jsonw_object(w, "consumer");
        jsonw_text_if(w, "name", s->consumer_name);
        jsonw_text_if(w, "deliver_subject", s->consumer_deliver);
        jsonw_end_object(w);
    }
    jsonw_end_object(w);
}

static void write_choice(struct jsonw *w, const char *key, const struct json_in_choice *choice,
                         unsigned value)
{
    jsonw_text(w, key, choice->texts[value]);
}

static void write_basics(const struct stream_config *c, struct jsonw *w)
{
    jsonw_text(w, "name", c->name);
    jsonw_text_if(w, "description", c->description);
    config_texts_write(&c->subjects, w, "subjects");
    write_choice(w, "retention", &stream_retention_choice, c->retention);
    jsonw_int(w, "max_consumers", c->max_consumers);
    jsonw_int(w, "max_msgs", c->max_msgs);
    jsonw_int(w, "max_bytes", c->max_bytes);
    jsonw_int(w, "max_age", c->max_age);
    jsonw_int(w, "max_msgs_per_subject", c->max_msgs_per_subject);
    jsonw_int_if(w, "max_msg_size", c->max_msg_size);
    write_choice(w, "discard", &stream_discard_choice, c->discard);
    write_choice(w, "storage", &stream_storage_choice, c->storage);
    jsonw_int(w, "num_replicas", c->replicas);
    jsonw_bool_if(w, "no_ack", c->no_ack);
    jsonw_int_if(w, "duplicate_window", c->duplicate_window);
}

static void write_origins(const struct stream_config *c, struct jsonw *w)
{
    if (c->placement != NULL) {
        jsonw_object(w, "placement");
        jsonw_text_if(w, "cluster", c->placement->cluster);
        config_texts_write(&c->placement->tags, w, "tags");
        jsonw_text_if(w, "preferred", c->placement->preferred);
        jsonw_end_object(w);
    }
    if (c->mirror != NULL) write_source(c->mirror, w, "mirror");
    if (c->source_count > 0) {
        jsonw_array(w, "sources");
        for (size_t i = 0; i < c->source_count; i++) write_source(&c->sources[i], w, NULL);
        jsonw_end_array(w);
    }
}

static void write_features(const struct stream_config *c, struct jsonw *w)
{
    write_choice(w, "compression", &stream_compression_choice, c->compression);
    if (c->first_seq > 0) jsonw_uint(w, "first_seq", c->first_seq);
    if (c->subject_transform != NULL)
        write_transform(c->subject_transform, w, "subject_transform");
    if (c->republish != NULL) {
        jsonw_object(w, "republish");
        jsonw_text_if(w, "src", c->republish->source);
        jsonw_text(w, "dest", c->republish->destination);
        jsonw_bool_if(w, "headers_only", c->republish->headers_only);
        jsonw_end_object(w);
    }
    jsonw_bool(w, "allow_direct", c->allow_direct);
    jsonw_bool(w, "mirror_direct", c->mirror_direct);
    jsonw_bool_if(w, "discard_new_per_subject", c->discard_new_per_subject);
    jsonw_bool(w, "sealed", c->sealed);
    jsonw_bool(w, "deny_delete", c->deny_delete);
    jsonw_bool(w, "deny_purge", c->deny_purge);
    jsonw_bool(w, "allow_rollup_hdrs", c->allow_rollup_hdrs);
    jsonw_object(w, "consumer_limits");
    jsonw_int_if(w, "inactive_threshold", c->limit_inactive_threshold);
    jsonw_int_if(w, "max_ack_pending", c->limit_max_ack_pending);
    jsonw_end_object(w);
    jsonw_bool(w, "allow_msg_ttl", c->allow_msg_ttl);
    jsonw_int_if(w, "subject_delete_marker_ttl", c->subject_delete_marker_ttl);
    jsonw_bool_if(w, "allow_msg_counter", c->allow_msg_counter);
    jsonw_bool_if(w, "allow_atomic", c->allow_atomic);
    jsonw_bool_if(w, "allow_msg_schedules", c->allow_msg_schedules);
    if (c->persist != JS_PERSIST_DEFAULT)
        write_choice(w, "persist_mode", &stream_persist_choice, c->persist);
    jsonw_bool_if(w, "allow_batched", c->allow_batched);
}

void stream_config_write_info(const struct stream_config *c, struct jsonw *w, const char *key,
                              const char *version)
{
    jsonw_object(w, key);
    write_basics(c, w);
    write_origins(c, w);
    write_features(c, w);
    js_metadata_write_info(&c->metadata, w, version);
    jsonw_end_object(w);
}

void stream_config_write(const struct stream_config *c, struct jsonw *w, const char *key)
{
    stream_config_write_info(c, w, key, NULL);
}
