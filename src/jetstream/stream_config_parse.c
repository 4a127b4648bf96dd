/* SPDX-License-Identifier: Apache-2.0 */
/* stream_config_parse.c - stream configurations from JSON. */
#include <jansson.h>

#include "base/mem.h"
#include "jetstream/config_priv.h"
#include "jetstream/json_in.h"

#define FIELD(kind, type, name, member) \
    { name, kind, offsetof(struct type, member), NULL, NULL, NULL, 0 }
#define NUMBER(kind, type, name, member, go) \
    { name, kind, offsetof(struct type, member), go, NULL, NULL, 0 }
#define CHOICE(type, name, member, choice) \
    { name, JSON_IN_CHOICE, offsetof(struct type, member), NULL, &choice, NULL, 0 }
#define OWN(type, name, member, read, level) \
    { name, JSON_IN_OWN, offsetof(struct type, member), NULL, NULL, read, level }
#define TEXT(type, name, member) FIELD(JSON_IN_TEXT, type, name, member)
#define BOOL(type, name, member) FIELD(JSON_IN_BOOL, type, name, member)
#define INT64(type, name, member, go) NUMBER(JSON_IN_INT64, type, name, member, go)
#define FIELDS(array) .fields = array, .count = COUNT_OF(array)

/* ---- transforms, placement, republish ---- */

static const struct json_in_field transform_fields[] = {
    TEXT(js_transform_config, "src", source), TEXT(js_transform_config, "dest", destination),
};
static const struct json_in_type transform_type = { "server.SubjectTransformConfig",
                                                    FIELDS(transform_fields) };

static const struct json_in_field republish_fields[] = {
    TEXT(js_republish, "src", source), TEXT(js_republish, "dest", destination),
    BOOL(js_republish, "headers_only", headers_only),
};
static const struct json_in_type republish_type = { "server.RePublish", FIELDS(republish_fields) };

static const struct json_in_field placement_fields[] = {
    TEXT(js_placement, "cluster", cluster), TEXT(js_placement, "preferred", preferred),
    OWN(js_placement, "tags", tags, config_read_texts, 0),
};
static const struct json_in_type placement_type = { "server.Placement", FIELDS(placement_fields) };

/* The object that a pointer at to leads to, made when it is missing. NULL: v is null. */
static void *pointee(const struct json_t *v, void *to, size_t size)
{
    void **at = to;

    if (json_is_null(v)) return NULL;
    if (*at == NULL) *at = mem_zero(size);
    return *at;
}

static void read_transform(struct json_in *in, const struct json_t *v, void *to)
{
    struct js_transform_config *t = pointee(v, to, sizeof *t);

    if (t != NULL) json_in_object(in, v, &transform_type, t);
}

static void read_republish(struct json_in *in, const struct json_t *v, void *to)
{
    struct js_republish *r = pointee(v, to, sizeof *r);

    if (r != NULL) json_in_object(in, v, &republish_type, r);
}

static void read_placement(struct json_in *in, const struct json_t *v, void *to)
{
    struct js_placement *p = pointee(v, to, sizeof *p);

    if (p != NULL) json_in_object(in, v, &placement_type, p);
}

/* ---- mirror and sources ---- */

static const struct json_in_field external_fields[] = {
    TEXT(js_source_config, "api", external_api),
    TEXT(js_source_config, "deliver", external_deliver),
};
static const struct json_in_type external_type = { "server.ExternalStream",
                                                   FIELDS(external_fields) };

static const struct json_in_field consumer_fields[] = {
    TEXT(js_source_config, "name", consumer_name),
    TEXT(js_source_config, "deliver_subject", consumer_deliver),
};
static const struct json_in_type consumer_type = { "server.StreamConsumerSource",
                                                   FIELDS(consumer_fields) };

/* A text that says by being there that its object is: "" instead of NULL. */
static void mark_present(char **text)
{
    if (*text == NULL) *text = mem_dup("");
}

/* These two get the whole source: offset 0. */
static void read_external(struct json_in *in, const struct json_t *v, void *to)
{
    struct js_source_config *s = to;

    if (json_is_null(v)) return;
    json_in_object(in, v, &external_type, s);
    mark_present(&s->external_api);
}

static void read_consumer(struct json_in *in, const struct json_t *v, void *to)
{
    struct js_source_config *s = to;

    if (json_is_null(v)) return;
    json_in_object(in, v, &consumer_type, s);
    mark_present(&s->consumer_name);
}

static void read_start_time(struct json_in *in, const struct json_t *v, void *to)
{
    struct js_source_config *s = to;

    if (json_in_time(in, v, &s->opt_start_time)) s->has_start_time = true;
}

static void read_transforms(struct json_in *in, const struct json_t *v, void *to)
{
    struct js_source_config *s = to;
    size_t count;

    if (!json_in_array(in, v, "[]server.SubjectTransformConfig", &count)) return;
    for (size_t i = 0; i < s->transform_count; i++) {
        mem_free(s->transforms[i].source);
        mem_free(s->transforms[i].destination);
    }
    mem_free(s->transforms);
    s->transforms = count > 0 ? mem_zero(count * sizeof *s->transforms) : NULL;
    s->transform_count = count;
    for (size_t i = 0; i < count && !in->stopped; i++)
        json_in_object(in, json_array_get(v, i), &transform_type, &s->transforms[i]);
}

#define WHOLE(name, read, level) { name, JSON_IN_OWN, 0, NULL, NULL, read, level }
static const struct json_in_field source_fields[] = {
    TEXT(js_source_config, "name", name),
    NUMBER(JSON_IN_UINT64, js_source_config, "opt_start_seq", opt_start_seq, "uint64"),
    WHOLE("opt_start_time", read_start_time, 0),
    TEXT(js_source_config, "filter_subject", filter_subject),
    WHOLE("subject_transforms", read_transforms, 0),
    WHOLE("external", read_external, 0),
    WHOLE("consumer", read_consumer, 4),
};
static const struct json_in_type source_type = { "server.StreamSource", FIELDS(source_fields) };

static void read_mirror(struct json_in *in, const struct json_t *v, void *to)
{
    struct js_source_config *s = pointee(v, to, sizeof *s);

    if (s != NULL) json_in_object(in, v, &source_type, s);
}

/* Gets the whole config. */
static void read_sources(struct json_in *in, const struct json_t *v, void *to)
{
    struct stream_config *c = to;
    size_t count;

    if (!json_in_array(in, v, "[]*server.StreamSource", &count)) return;
    for (size_t i = 0; i < c->source_count; i++) stream_source_free(&c->sources[i]);
    mem_free(c->sources);
    c->sources = count > 0 ? mem_zero(count * sizeof *c->sources) : NULL;
    c->source_count = count;
    for (size_t i = 0; i < count && !in->stopped; i++)
        json_in_object(in, json_array_get(v, i), &source_type, &c->sources[i]);
}

/* ---- the config ---- */

static const struct json_in_field limit_fields[] = {
    INT64(stream_config, "inactive_threshold", limit_inactive_threshold, "time.Duration"),
    INT64(stream_config, "max_ack_pending", limit_max_ack_pending, "int"),
};
static const struct json_in_type limit_type = { "server.StreamConsumerLimits",
                                                FIELDS(limit_fields) };

static void read_limits(struct json_in *in, const struct json_t *v, void *to)
{
    json_in_object(in, v, &limit_type, to);
}

/* The request's own field: it stands outside of the config. */
static void read_pedantic(struct json_in *in, const struct json_t *v, void *to)
{
    (void)to;
    if (json_is_boolean(v) || json_is_null(v)) return;
    in->path.len = 0;
    buf_append_text(&in->path, "pedantic");
    json_in_wrong_type(in, v, "bool");
    in->path.len = 0;
    buf_append_text(&in->path, "StreamConfig.");        /* what the caller goes back to */
}

#define C stream_config
static const struct json_in_field fields[] = {
    TEXT(C, "name", name), TEXT(C, "description", description),
    OWN(C, "subjects", subjects, config_read_texts, 0),
    CHOICE(C, "retention", retention, stream_retention_choice),
    INT64(C, "max_consumers", max_consumers, "int"), INT64(C, "max_msgs", max_msgs, "int64"),
    INT64(C, "max_bytes", max_bytes, "int64"), INT64(C, "max_age", max_age, "time.Duration"),
    INT64(C, "max_msgs_per_subject", max_msgs_per_subject, "int64"),
    NUMBER(JSON_IN_INT32, C, "max_msg_size", max_msg_size, "int32"),
    CHOICE(C, "discard", discard, stream_discard_choice),
    CHOICE(C, "storage", storage, stream_storage_choice),
    INT64(C, "num_replicas", replicas, "int"), BOOL(C, "no_ack", no_ack),
    INT64(C, "duplicate_window", duplicate_window, "time.Duration"),
    OWN(C, "placement", placement, read_placement, 0),
    OWN(C, "mirror", mirror, read_mirror, 0), WHOLE("sources", read_sources, 0),
    CHOICE(C, "compression", compression, stream_compression_choice),
    NUMBER(JSON_IN_UINT64, C, "first_seq", first_seq, "uint64"),
    OWN(C, "subject_transform", subject_transform, read_transform, 0),
    OWN(C, "republish", republish, read_republish, 0),
    BOOL(C, "allow_direct", allow_direct), BOOL(C, "mirror_direct", mirror_direct),
    BOOL(C, "discard_new_per_subject", discard_new_per_subject),
    BOOL(C, "sealed", sealed), BOOL(C, "deny_delete", deny_delete),
    BOOL(C, "deny_purge", deny_purge), BOOL(C, "allow_rollup_hdrs", allow_rollup_hdrs),
    WHOLE("consumer_limits", read_limits, 0), BOOL(C, "allow_msg_ttl", allow_msg_ttl),
    INT64(C, "subject_delete_marker_ttl", subject_delete_marker_ttl, "time.Duration"),
    BOOL(C, "allow_msg_counter", allow_msg_counter), BOOL(C, "allow_atomic", allow_atomic),
    BOOL(C, "allow_msg_schedules", allow_msg_schedules),
    CHOICE(C, "persist_mode", persist, stream_persist_choice),
    { "allow_batched", JSON_IN_BOOL, offsetof(struct C, allow_batched), NULL, NULL, NULL, 4 },
    OWN(C, "metadata", metadata, config_read_metadata, 0), WHOLE("pedantic", read_pedantic, 0),
};
static const struct json_in_type config_type = { "server.StreamConfigRequest", FIELDS(fields) };

enum js_err stream_config_parse(struct stream_config *c, const struct json_t *object,
                                const struct stream_config_rules *rules, struct js_error *e)
{
    struct json_in in;

    *c = (struct stream_config){ 0 };
    json_in_init(&in, rules->strict, "StreamConfig");
    if (object != NULL) json_in_object(&in, object, &config_type, c);
    return config_finish(&in, e);
}

bool stream_config_is_pedantic(const struct json_t *object)
{
    const char *key;
    json_t *value;
    bool pedantic = false;

    if (!json_is_object(object)) return false;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
        if (span_equal_nocase(span_of(key), SPAN_LIT("pedantic"))) pedantic = json_is_true(value);
    return pedantic;
}
