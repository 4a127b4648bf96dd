/* SPDX-License-Identifier: Apache-2.0 */
/* consumer_config.c - consumer configurations as values: copied, compared, freed, written. */
#include "jetstream/consumer_config.h"

#include "base/mem.h"
#include "jetstream/config_priv.h"

void consumer_config_copy(struct consumer_config *to, const struct consumer_config *from)
{
    *to = *from;
    to->durable_name = mem_dup(from->durable_name);
    to->name = mem_dup(from->name);
    to->description = mem_dup(from->description);
    to->filter_subject = mem_dup(from->filter_subject);
    to->sample_freq = mem_dup(from->sample_freq);
    to->deliver_subject = mem_dup(from->deliver_subject);
    to->deliver_group = mem_dup(from->deliver_group);
    config_texts_copy(&to->filter_subjects, &from->filter_subjects);
    config_texts_copy(&to->priority_groups, &from->priority_groups);
    js_metadata_copy(&to->metadata, &from->metadata);
    to->backoff = NULL;
    if (from->backoff_count == 0) return;
    to->backoff = mem_alloc(from->backoff_count * sizeof *to->backoff);
    memcpy(to->backoff, from->backoff, from->backoff_count * sizeof *to->backoff);
}

void consumer_config_free(struct consumer_config *c)
{
    mem_free(c->durable_name);
    mem_free(c->name);
    mem_free(c->description);
    mem_free(c->filter_subject);
    mem_free(c->sample_freq);
    mem_free(c->deliver_subject);
    mem_free(c->deliver_group);
    mem_free(c->backoff);
    config_texts_free(&c->filter_subjects);
    config_texts_free(&c->priority_groups);
    js_metadata_free(&c->metadata);
    *c = (struct consumer_config){ 0 };
}

static bool texts_equal(const struct consumer_config *a, const struct consumer_config *b)
{
    return config_text_equal(a->durable_name, b->durable_name) &&
           config_text_equal(a->name, b->name) &&
           config_text_equal(a->description, b->description) &&
           config_text_equal(a->filter_subject, b->filter_subject) &&
           config_text_equal(a->sample_freq, b->sample_freq) &&
           config_text_equal(a->deliver_subject, b->deliver_subject) &&
           config_text_equal(a->deliver_group, b->deliver_group) &&
           config_texts_equal(&a->filter_subjects, &b->filter_subjects) &&
           config_texts_equal(&a->priority_groups, &b->priority_groups) &&
           js_metadata_equal(&a->metadata, &b->metadata);
}

static bool policies_equal(const struct consumer_config *a, const struct consumer_config *b)
{
    return a->deliver == b->deliver && a->opt_start_seq == b->opt_start_seq &&
           a->has_start_time == b->has_start_time &&
           (!a->has_start_time || a->opt_start_time == b->opt_start_time) && a->ack == b->ack &&
           a->replay == b->replay && a->flow_control == b->flow_control &&
           a->headers_only == b->headers_only && a->mem_storage == b->mem_storage &&
           a->direct == b->direct && a->sourcing == b->sourcing &&
           a->has_pause_until == b->has_pause_until &&
           (!a->has_pause_until || a->pause_until == b->pause_until) &&
           a->priority == b->priority;
}

static bool numbers_equal(const struct consumer_config *a, const struct consumer_config *b)
{
    return a->ack_wait == b->ack_wait && a->max_deliver == b->max_deliver &&
           a->rate_limit_bps == b->rate_limit_bps && a->max_waiting == b->max_waiting &&
           a->max_ack_pending == b->max_ack_pending &&
           a->max_request_batch == b->max_request_batch &&
           a->max_request_expires == b->max_request_expires &&
           a->max_request_max_bytes == b->max_request_max_bytes &&
           a->idle_heartbeat == b->idle_heartbeat &&
           a->inactive_threshold == b->inactive_threshold && a->replicas == b->replicas &&
           a->priority_timeout == b->priority_timeout;
}

bool consumer_config_equal(const struct consumer_config *a, const struct consumer_config *b)
{
    if (!texts_equal(a, b) || !policies_equal(a, b) || !numbers_equal(a, b) ||
        a->backoff_count != b->backoff_count)
        return false;
    return a->backoff_count == 0 ||
           memcmp(a->backoff, b->backoff, a->backoff_count * sizeof *a->backoff) == 0;
}

unsigned consumer_config_level(const struct consumer_config *c)
{
    if (c->ack == JS_ACK_FLOW_CONTROL) return 4;
    return (c->has_pause_until && c->pause_until != INT64_MIN) ||
           c->priority != JS_PRIORITY_NONE || c->priority_timeout != 0 ||
           c->priority_groups.count > 0;
}

void consumer_config_set_static(struct consumer_config *c)
{
    js_metadata_set_static(&c->metadata, consumer_config_level(c));
}

size_t consumer_config_filters(const struct consumer_config *c, struct span *out)
{
    if (!text_is_empty(c->filter_subject)) {
        out[0] = span_of(c->filter_subject);
        return 1;
    }
    for (size_t i = 0; i < c->filter_subjects.count; i++)
        out[i] = span_of(c->filter_subjects.items[i]);
    return c->filter_subjects.count;
}

/* ---- writing ---- */

static void write_choice(struct jsonw *w, const char *key, const struct json_in_choice *choice,
                         unsigned value)
{
    jsonw_text(w, key, choice->texts[value]);
}

static void write_delivery(const struct consumer_config *c, struct jsonw *w)
{
    jsonw_text_if(w, "durable_name", c->durable_name);
    jsonw_text_if(w, "name", c->name);
    jsonw_text_if(w, "description", c->description);
    write_choice(w, "deliver_policy", &consumer_deliver_choice, c->deliver);
    if (c->opt_start_seq > 0) jsonw_uint(w, "opt_start_seq", c->opt_start_seq);
    if (c->has_start_time) config_write_time(w, "opt_start_time", c->opt_start_time);
    write_choice(w, "ack_policy", &consumer_ack_choice, c->ack);
    jsonw_int_if(w, "ack_wait", c->ack_wait);
    jsonw_int_if(w, "max_deliver", c->max_deliver);
    if (c->backoff_count > 0) {
        jsonw_array(w, "backoff");
        for (size_t i = 0; i < c->backoff_count; i++) jsonw_int(w, NULL, c->backoff[i]);
        jsonw_end_array(w);
    }
    jsonw_text_if(w, "filter_subject", c->filter_subject);
    config_texts_write(&c->filter_subjects, w, "filter_subjects");
    write_choice(w, "replay_policy", &consumer_replay_choice, c->replay);
    if (c->rate_limit_bps > 0) jsonw_uint(w, "rate_limit_bps", c->rate_limit_bps);
    jsonw_text_if(w, "sample_freq", c->sample_freq);
}

static void write_limits(const struct consumer_config *c, struct jsonw *w)
{
    jsonw_int_if(w, "max_waiting", c->max_waiting);
    jsonw_int_if(w, "max_ack_pending", c->max_ack_pending);
    jsonw_bool_if(w, "flow_control", c->flow_control);
    jsonw_bool_if(w, "headers_only", c->headers_only);
    jsonw_int_if(w, "max_batch", c->max_request_batch);
    jsonw_int_if(w, "max_expires", c->max_request_expires);
    jsonw_int_if(w, "max_bytes", c->max_request_max_bytes);
    jsonw_text_if(w, "deliver_subject", c->deliver_subject);
    jsonw_text_if(w, "deliver_group", c->deliver_group);
    jsonw_int_if(w, "idle_heartbeat", c->idle_heartbeat);
    jsonw_int_if(w, "inactive_threshold", c->inactive_threshold);
    jsonw_int(w, "num_replicas", c->replicas);
    jsonw_bool_if(w, "mem_storage", c->mem_storage);
    jsonw_bool_if(w, "direct", c->direct);
    jsonw_bool_if(w, "sourcing", c->sourcing);
}

void consumer_config_write_info(const struct consumer_config *c, struct jsonw *w, const char *key,
                                const char *version)
{
    jsonw_object(w, key);
    write_delivery(c, w);
    write_limits(c, w);
    js_metadata_write_info(&c->metadata, w, version);
    if (c->has_pause_until) config_write_time(w, "pause_until", c->pause_until);
    config_texts_write(&c->priority_groups, w, "priority_groups");
    if (c->priority != JS_PRIORITY_NONE)
        write_choice(w, "priority_policy", &consumer_priority_choice, c->priority);
    jsonw_int_if(w, "priority_timeout", c->priority_timeout);
    jsonw_end_object(w);
}

void consumer_config_write(const struct consumer_config *c, struct jsonw *w, const char *key)
{
    consumer_config_write_info(c, w, key, NULL);
}
