/* SPDX-License-Identifier: Apache-2.0 */
/* consumer_config_parse.c - consumer configurations from JSON. */
#include <jansson.h>

#include "base/mem.h"
#include "jetstream/config_priv.h"
#include "jetstream/consumer_config.h"
#include "jetstream/js_level.h"

#define AT(member) offsetof(struct consumer_config, member)
#define TEXT(name, member) { name, JSON_IN_TEXT, AT(member), NULL, NULL, NULL, 0 }
#define BOOL(name, member) { name, JSON_IN_BOOL, AT(member), NULL, NULL, NULL, 0 }
#define INT(name, member) { name, JSON_IN_INT64, AT(member), "int", NULL, NULL, 0 }
#define DURATION(name, member) { name, JSON_IN_INT64, AT(member), "time.Duration", NULL, NULL, 0 }
#define UINT64(name, member) { name, JSON_IN_UINT64, AT(member), "uint64", NULL, NULL, 0 }
#define CHOICE(name, member, choice) { name, JSON_IN_CHOICE, AT(member), NULL, &choice, NULL, 0 }
#define OWN(name, member, read) { name, JSON_IN_OWN, AT(member), NULL, NULL, read, 0 }
#define WHOLE(name, read) { name, JSON_IN_OWN, 0, NULL, NULL, read, 0 }

static void read_start_time(struct json_in *in, const struct json_t *v, void *to)
{
    struct consumer_config *c = to;

    if (json_in_time(in, v, &c->opt_start_time)) c->has_start_time = true;
}

static void read_pause(struct json_in *in, const struct json_t *v, void *to)
{
    struct consumer_config *c = to;

    if (json_in_time(in, v, &c->pause_until)) c->has_pause_until = true;
}

static void read_backoff(struct json_in *in, const struct json_t *v, void *to)
{
    struct consumer_config *c = to;
    size_t count;

    if (!json_in_array(in, v, "[]time.Duration", &count)) return;
    mem_free(c->backoff);
    c->backoff = count > 0 ? mem_zero(count * sizeof *c->backoff) : NULL;
    c->backoff_count = count;
    for (size_t i = 0; i < count; i++)
        json_in_int64(in, json_array_get(v, i), "time.Duration", &c->backoff[i]);
}

/* Ack by flow control came with level 4. */
static const struct json_in_choice *ack_choice(struct json_in_choice *known)
{
    *known = consumer_ack_choice;
    if (JS_API_LEVEL < 4) known->count = JS_ACK_FLOW_CONTROL;
    return known;
}

static void read_ack(struct json_in *in, const struct json_t *v, void *to)
{
    struct json_in_choice known;
    unsigned value = *(enum js_ack *)to;

    json_in_choice(in, v, ack_choice(&known), &value);
    *(enum js_ack *)to = (enum js_ack)value;
}

static const struct json_in_field fields[] = {
    TEXT("durable_name", durable_name), TEXT("name", name), TEXT("description", description),
    CHOICE("deliver_policy", deliver, consumer_deliver_choice),
    UINT64("opt_start_seq", opt_start_seq), WHOLE("opt_start_time", read_start_time),
    OWN("ack_policy", ack, read_ack), DURATION("ack_wait", ack_wait),
    INT("max_deliver", max_deliver), WHOLE("backoff", read_backoff),
    TEXT("filter_subject", filter_subject),
    OWN("filter_subjects", filter_subjects, config_read_texts),
    CHOICE("replay_policy", replay, consumer_replay_choice),
    UINT64("rate_limit_bps", rate_limit_bps), TEXT("sample_freq", sample_freq),
    INT("max_waiting", max_waiting), INT("max_ack_pending", max_ack_pending),
    BOOL("flow_control", flow_control), BOOL("headers_only", headers_only),
    INT("max_batch", max_request_batch), DURATION("max_expires", max_request_expires),
    INT("max_bytes", max_request_max_bytes), TEXT("deliver_subject", deliver_subject),
    TEXT("deliver_group", deliver_group), DURATION("idle_heartbeat", idle_heartbeat),
    DURATION("inactive_threshold", inactive_threshold), INT("num_replicas", replicas),
    BOOL("mem_storage", mem_storage), BOOL("direct", direct), BOOL("sourcing", sourcing),
    OWN("metadata", metadata, config_read_metadata), WHOLE("pause_until", read_pause),
    OWN("priority_groups", priority_groups, config_read_texts),
    CHOICE("priority_policy", priority, consumer_priority_choice),
    DURATION("priority_timeout", priority_timeout),
};
static const struct json_in_type config_type = { "server.ConsumerConfig", fields,
                                                 COUNT_OF(fields) };

enum js_err consumer_config_parse(struct consumer_config *c, const struct json_t *object,
                                  const struct stream_config_rules *rules, struct js_error *e)
{
    struct json_in in;

    *c = (struct consumer_config){ 0 };
    json_in_init(&in, rules->strict, "config");
    in.type_name = "CreateConsumerRequest";
    if (object != NULL) json_in_object(&in, object, &config_type, c);
    return config_finish(&in, e);
}
