/* SPDX-License-Identifier: Apache-2.0 */
/* consumer_config_check.c - defaults and checks of a consumer configuration. The order of the
 * checks is nats-server's, since clients see the first one that fails. */
#include <inttypes.h>
#include <stdio.h>

#include "base/duration.h"
#include "base/mem.h"
#include "jetstream/config_priv.h"
#include "jetstream/consumer_config.h"
#include "proto/subject.h"

#define ACK_WAIT_DEFAULT (30 * NS_PER_S)
#define ACK_PENDING_DEFAULT 1000
#define WAITING_DEFAULT 512
#define EPHEMERAL_THRESHOLD (5 * NS_PER_S)
#define PRIORITY_TIMEOUT_DEFAULT (120 * NS_PER_S)
#define FLOW_CONTROL_HEARTBEAT NS_PER_S
#define HEARTBEAT_MIN (100 * NS_PER_MS)
#define GROUP_NAME_MAX 16

/* ---- defaults ---- */

/* Negative values stand for lowest, but not in pedantic requests. */
static enum js_err fill_negative(struct consumer_config *c,
                                 const struct stream_config_rules *rules, struct js_error *e)
{
    const struct { int64_t *value, lowest; const char *text; } rows[] = {
        { &c->max_deliver, -1, "max_deliver must be set to -1" },
        { &c->max_waiting, 0, "max_waiting must not be negative" },
        { &c->max_ack_pending, -1, "max_ack_pending must be set to -1" },
        { &c->max_request_batch, 0, "max_batch must not be negative" },
        { &c->max_request_expires, 0, "max_expires must not be negative" },
        { &c->max_request_max_bytes, 0, "max_bytes must not be negative" },
        { &c->idle_heartbeat, 0, "idle_heartbeat must not be negative" },
        { &c->inactive_threshold, 0, "inactive_threshold must not be negative" },
        { &c->priority_timeout, 0, "priority_timeout must not be negative" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (*rows[i].value >= rows[i].lowest) continue;
        if (rules->pedantic) return config_pedantic(e, rows[i].text);
        *rows[i].value = rows[i].lowest;
    }
    if (c->max_deliver == 0) c->max_deliver = -1;
    return JS_OK;
}

static void lower(int64_t *value, int64_t limit)
{
    if (limit > 0 && limit < *value) *value = limit;
}

static enum js_err fill_acks(struct consumer_config *c, const struct stream_config *stream,
                             const struct stream_config_rules *rules, struct js_error *e)
{
    if (c->ack_wait == 0 && (c->ack == JS_ACK_EXPLICIT || c->ack == JS_ACK_ALL))
        c->ack_wait = ACK_WAIT_DEFAULT;
    if (c->backoff_count > 0) {
        if (rules->pedantic && c->ack_wait != c->backoff[0])
            return config_pedantic(e, "first backoff value has to equal batch AckWait");
        c->ack_wait = c->backoff[0];
    }
    if (c->max_ack_pending == 0) {
        if (rules->pedantic && stream->limit_max_ack_pending > 0)
            return config_pedantic(e, "max_ack_pending must be set if it's configured in stream "
                                   "limits");
        c->max_ack_pending = stream->limit_max_ack_pending;
    }
    if (c->inactive_threshold == 0) {
        if (rules->pedantic && stream->limit_inactive_threshold > 0)
            return config_pedantic(e, "inactive_threshold must be set if it's configured in "
                                   "stream limits");
        c->inactive_threshold = stream->limit_inactive_threshold;
    }
    if (c->max_ack_pending == 0 && c->ack != JS_ACK_NONE) {
        c->max_ack_pending = ACK_PENDING_DEFAULT;
        lower(&c->max_ack_pending, rules->max_ack_pending);
        lower(&c->max_ack_pending, rules->account_max_ack_pending);
    }
    return JS_OK;
}

static enum js_err fill_defaults(struct consumer_config *c, const struct stream_config *stream,
                                 const struct stream_config_rules *rules, struct js_error *e)
{
    enum js_err err;

    if ((err = fill_negative(c, rules, e)) != JS_OK) return err;
    if (!consumer_config_is_push(c) && c->max_waiting == 0) c->max_waiting = WAITING_DEFAULT;
    if ((err = fill_acks(c, stream, rules, e)) != JS_OK) return err;
    if (!consumer_config_is_push(c) && c->max_request_batch == 0 && rules->max_request_batch > 0) {
        if (rules->pedantic)
            return config_pedantic(e, "max_request_batch must be set if it's JetStream limits "
                                   "are set");
        c->max_request_batch = rules->max_request_batch;
    }
    if (c->priority == JS_PRIORITY_PINNED_CLIENT && c->priority_timeout == 0)
        c->priority_timeout = PRIORITY_TIMEOUT_DEFAULT;
    if (c->ack == JS_ACK_FLOW_CONTROL && !rules->pedantic) {
        c->flow_control = true;
        c->idle_heartbeat = FLOW_CONTROL_HEARTBEAT;
    }
    return JS_OK;
}

/* ---- checks ---- */

static enum js_err check_basics(const struct consumer_config *c,
                                const struct stream_config *stream, struct js_error *e)
{
    if (!text_is_empty(c->name) && !js_name_is_valid(span_of(c->name)))
        return config_refuse(e, "consumer name can not contain '.', '*', '>', '\\', '/'");
    if (!text_is_empty(c->durable_name) && !js_name_is_valid(span_of(c->durable_name)))
        return config_refuse(e, "consumer durable name can not contain '.', '*', '>', '\\', "
                             "'/'");
    if (c->replicas > 0 && c->replicas > stream->replicas)
        return js_error_set(e, JS_ERR_CONSUMER_REPLICAS_EXCEEDS_STREAM);
    if (c->replicas < 0) return js_error_set(e, JS_ERR_REPLICAS_COUNT_CANNOT_BE_NEGATIVE);
    if (stream->retention != JS_RETENTION_LIMITS && c->replicas != 0 &&
        c->replicas != stream->replicas)
        return js_error_set(e, JS_ERR_CONSUMER_REPLICAS_SHOULD_MATCH_STREAM);
    for (size_t i = 0; i < c->backoff_count; i++)
        if (c->backoff[i] < 0) return js_error_set(e, JS_ERR_CONSUMER_BACK_OFF_NEGATIVE);
    if (c->ack_wait < 0) return js_error_set(e, JS_ERR_CONSUMER_ACK_WAIT_NEGATIVE);
    return JS_OK;
}

static enum js_err check_ack_flow_control(const struct consumer_config *c, struct js_error *e)
{
    if (c->ack != JS_ACK_FLOW_CONTROL) return JS_OK;
    if (!consumer_config_is_push(c)) return js_error_set(e, JS_ERR_CONSUMER_ACK_FC_REQUIRES_PUSH);
    if (!c->flow_control) return js_error_set(e, JS_ERR_CONSUMER_ACK_FC_REQUIRES_FC);
    if (c->idle_heartbeat != FLOW_CONTROL_HEARTBEAT)
        return config_refuse(e, "flow control ack policy heartbeat needs to be 1s");
    if (c->max_ack_pending <= 0)
        return js_error_set(e, JS_ERR_CONSUMER_ACK_FC_REQUIRES_MAX_ACK_PENDING);
    if (c->ack_wait != 0 || c->backoff_count > 0)
        return js_error_set(e, JS_ERR_CONSUMER_ACK_FC_REQUIRES_NO_ACK_WAIT);
    if (c->max_deliver > 0)
        return js_error_set(e, JS_ERR_CONSUMER_ACK_FC_REQUIRES_NO_MAX_DELIVER);
    return JS_OK;
}

static bool backoff_fits(const struct consumer_config *c)
{
    return c->backoff_count == 0 || c->max_deliver == -1 ||
           (c->max_deliver >= 0 && c->backoff_count <= (uint64_t)c->max_deliver);
}

static enum js_err set_number(struct js_error *e, enum js_err err, int64_t number)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRId64, number);
    return js_error_set_arg(e, err, text);
}

static bool forms_cycle(const struct stream_config *stream, struct span deliver)
{
    for (size_t i = 0; i < stream->subjects.count; i++)
        if (subject_is_subset(deliver, span_of(stream->subjects.items[i]))) return true;
    return false;
}

static enum js_err check_push(const struct consumer_config *c, const struct stream_config *stream,
                              struct js_error *e)
{
    struct span deliver = span_of(c->deliver_subject);

    if (!subject_is_literal(deliver))
        return js_error_set(e, JS_ERR_CONSUMER_DELIVER_TO_WILDCARDS);
    if (!subject_is_valid(deliver))
        return js_error_set(e, JS_ERR_CONSUMER_INVALID_DELIVER_SUBJECT);
    if (forms_cycle(stream, deliver)) return js_error_set(e, JS_ERR_CONSUMER_DELIVER_CYCLE);
    if (c->max_waiting != 0) return js_error_set(e, JS_ERR_CONSUMER_PUSH_MAX_WAITING);
    if (c->max_ack_pending > 0 && c->ack == JS_ACK_NONE)
        return js_error_set(e, JS_ERR_CONSUMER_MAX_PENDING_ACK_POLICY_REQUIRED);
    if (c->idle_heartbeat > 0 && c->idle_heartbeat < HEARTBEAT_MIN)
        return js_error_set(e, JS_ERR_CONSUMER_SMALL_HEARTBEAT);
    return JS_OK;
}

static enum js_err check_pull(const struct consumer_config *c, const struct stream_config *stream,
                              const struct stream_config_rules *rules, struct js_error *e)
{
    if (c->ack == JS_ACK_NONE && stream->retention == JS_RETENTION_WORKQUEUE)
        return js_error_set(e, JS_ERR_CONSUMER_PULL_REQUIRES_ACK);
    if (c->rate_limit_bps > 0) return js_error_set(e, JS_ERR_CONSUMER_PULL_WITH_RATE_LIMIT);
    if (c->idle_heartbeat > 0) return js_error_set(e, JS_ERR_CONSUMER_HB_REQUIRES_PUSH);
    if (c->flow_control) return js_error_set(e, JS_ERR_CONSUMER_FC_REQUIRES_PUSH);
    if (c->max_request_expires != 0 && c->max_request_expires < NS_PER_MS)
        return js_error_set(e, JS_ERR_CONSUMER_MAX_REQUEST_EXPIRES_TOO_SMALL);
    if (rules->max_request_batch > 0 && c->max_request_batch > rules->max_request_batch)
        return set_number(e, JS_ERR_CONSUMER_MAX_REQUEST_BATCH_EXCEEDED,
                          rules->max_request_batch);
    return JS_OK;
}

static enum js_err check_limits(const struct consumer_config *c,
                                const struct stream_config *stream,
                                const struct stream_config_rules *rules, struct js_error *e)
{
    const int64_t limits[] = { rules->max_ack_pending, rules->account_max_ack_pending,
                               stream->limit_max_ack_pending };
    int64_t inactive = stream->limit_inactive_threshold;

    for (size_t i = 0; i < COUNT_OF(limits); i++)
        if (limits[i] > 0 && c->max_ack_pending > limits[i])
            return set_number(e, JS_ERR_CONSUMER_MAX_PENDING_ACK_EXCESS, limits[i]);
    if (inactive > 0 && c->inactive_threshold > inactive) {
        struct buf text = { 0 };
        duration_append(&text, inactive);
        js_error_set_arg(e, JS_ERR_CONSUMER_INACTIVE_THRESHOLD_EXCESS, buf_text(&text));
        buf_free(&text);
        return e->err;
    }
    if (!c->direct) return JS_OK;
    if (!consumer_config_is_push(c)) return js_error_set(e, JS_ERR_CONSUMER_DIRECT_REQUIRES_PUSH);
    if (!text_is_empty(c->durable_name))
        return js_error_set(e, JS_ERR_CONSUMER_DIRECT_REQUIRES_EPHEMERAL);
    return JS_OK;
}

static enum js_err check_filters(const struct consumer_config *c, struct js_error *e)
{
    size_t count = c->filter_subjects.count, first, second;
    enum config_overlap overlap;
    struct span *filters;
    enum js_err err = JS_OK;

    if (!text_is_empty(c->filter_subject)) {
        if (count > 0) return js_error_set(e, JS_ERR_CONSUMER_DUPLICATE_FILTER_SUBJECTS);
        return subject_is_valid(span_of(c->filter_subject))
             ? JS_OK : config_refuse(e, "invalid subject");
    }
    for (size_t i = 0; i < count; i++)
        if (text_is_empty(c->filter_subjects.items[i]))
            return js_error_set(e, JS_ERR_CONSUMER_EMPTY_FILTER);
    filters = config_spans(&c->filter_subjects);
    overlap = config_find_overlap(filters, count, CONFIG_SUBSET, &first, &second);
    for (size_t i = 0; i < count && err == JS_OK; i++) {
        if (!subject_is_valid(filters[i])) err = config_refuse(e, "invalid subject");
        else if (i == first) err = js_error_set(e, JS_ERR_CONSUMER_OVERLAPPING_SUBJECT_FILTERS);
    }
    if (err == JS_OK && overlap == CONFIG_TOO_MANY)
        err = config_refuse(e, "too many filter subjects with wildcards");
    mem_free(filters);
    return err;
}

static enum js_err check_start(const struct consumer_config *c, struct js_error *e)
{
    static const struct { const char *name; bool seq, time; } policies[] = {
        [JS_DELIVER_ALL] = { "all", false, false }, [JS_DELIVER_LAST] = { "last", false, false },
        [JS_DELIVER_NEW] = { "new", false, false },
        [JS_DELIVER_BY_START_SEQUENCE] = { "by start sequence", true, false },
        [JS_DELIVER_BY_START_TIME] = { "by start time", false, true },
        [JS_DELIVER_LAST_PER_SUBJECT] = { "last per subject", false, false },
    };
    const char *missing = NULL, *extra = NULL;
    char text[160];

    if (policies[c->deliver].seq && c->opt_start_seq == 0) missing = "start sequence";
    else if (policies[c->deliver].time && !c->has_start_time) missing = "start time";
    else if (!policies[c->deliver].seq && c->opt_start_seq > 0)
        extra = policies[c->deliver].time ? "start sequence" : "sequence";
    else if (!policies[c->deliver].time && c->has_start_time) extra = "time";
    else if (c->deliver == JS_DELIVER_LAST_PER_SUBJECT && text_is_empty(c->filter_subject) &&
             c->filter_subjects.count == 0)
        missing = "filter subject";
    if (missing == NULL && extra == NULL) return JS_OK;
    if (extra != NULL)
        snprintf(text, sizeof text, "consumer delivery policy is deliver %s, but optional start "
                 "%s is also set", policies[c->deliver].name, extra);
    else
        snprintf(text, sizeof text, "consumer delivery policy is deliver %s, but optional %s is "
                 "not set", policies[c->deliver].name, missing);
    return js_error_set_arg(e, JS_ERR_CONSUMER_INVALID_POLICY, text);
}

static bool is_integer(struct span text)
{
    if (text.len > 0 && (text.p[0] == '-' || text.p[0] == '+')) text = span_from(text, 1);
    for (size_t i = 0; i < text.len; i++)
        if (text.p[i] < '0' || text.p[i] > '9') return false;
    return text.len > 0;
}

/* "30" or "30%". */
static enum js_err check_sampling(struct consumer_config *c, struct js_error *e)
{
    struct span text = span_of(c->sample_freq);
    struct buf error = { 0 };
    int64_t percent;

    c->sample_percent = 0;
    if (text.len == 0) return JS_OK;
    if (text.p[text.len - 1] == '%') text.len--;
    if (span_to_i64(text, &percent) && percent >= 0) {
        c->sample_percent = percent < 100 ? (unsigned)percent : 100;
        return JS_OK;
    }
    if (span_to_i64(text, &percent)) {          /* negative: Go has no error for it */
        buf_append_text(&error, "<nil>");
    } else {
        buf_append_text(&error, "strconv.Atoi: parsing ");
        buf_append_quoted(&error, text);
        buf_append_text(&error, is_integer(text) ? ": value out of range" : ": invalid syntax");
    }
    js_error_set_arg(e, JS_ERR_CONSUMER_INVALID_SAMPLING, buf_text(&error));
    buf_free(&error);
    return e->err;
}

static bool group_name_is_valid(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                        "/_=-");

    return name[len] == '\0' && len <= GROUP_NAME_MAX;
}

static enum js_err check_priority(const struct consumer_config *c, struct js_error *e)
{
    if (c->priority == JS_PRIORITY_NONE) {
        if (c->priority_groups.count > 0)
            return js_error_set(e, JS_ERR_CONSUMER_PRIORITY_GROUP_WITH_POLICY_NONE);
        if (c->priority_timeout > 0)
            return js_error_set(e, JS_ERR_CONSUMER_PINNED_TTL_WITHOUT_PRIORITY_POLICY_NONE);
        return JS_OK;
    }
    if (consumer_config_is_push(c))
        return js_error_set(e, JS_ERR_CONSUMER_PUSH_WITH_PRIORITY_GROUP);
    if (c->priority_groups.count == 0)
        return js_error_set(e, JS_ERR_CONSUMER_PRIORITY_POLICY_WITHOUT_GROUP);
    for (size_t i = 0; i < c->priority_groups.count; i++) {
        const char *name = c->priority_groups.items[i];
        if (name[0] == '\0') return js_error_set(e, JS_ERR_CONSUMER_EMPTY_GROUP_NAME);
        if (!group_name_is_valid(name))
            return js_error_set(e, JS_ERR_CONSUMER_INVALID_GROUP_NAME);
    }
    return JS_OK;
}

static enum js_err check_rest(struct consumer_config *c, struct js_error *e)
{
    enum js_err err;

    if ((err = check_filters(c, e)) != JS_OK) return err;
    if ((err = check_start(c, e)) != JS_OK) return err;
    if ((err = check_sampling(c, e)) != JS_OK) return err;
    if (c->flow_control && c->idle_heartbeat == 0)
        return js_error_set(e, JS_ERR_CONSUMER_WITH_FLOW_CONTROL_NEEDS_HEARTBEATS);
    if (!text_is_empty(c->durable_name) && !text_is_empty(c->name) &&
        !config_text_equal(c->durable_name, c->name))
        return js_error_set(e, JS_ERR_CONSUMER_CREATE_DURABLE_AND_NAME_MISMATCH);
    if (js_metadata_size(&c->metadata) > JS_METADATA_MAX)
        return js_error_set_arg(e, JS_ERR_CONSUMER_METADATA_LENGTH, "128KB");
    return check_priority(c, e);
}

enum js_err consumer_config_check(struct consumer_config *c, const struct stream_config *stream,
                                  const struct stream_config_rules *rules, struct js_error *e)
{
    enum js_err err;

    if ((err = fill_defaults(c, stream, rules, e)) != JS_OK) return err;
    if ((err = check_basics(c, stream, e)) != JS_OK) return err;
    if ((err = check_ack_flow_control(c, e)) != JS_OK) return err;
    if (!backoff_fits(c)) return js_error_set(e, JS_ERR_CONSUMER_MAX_DELIVER_BACKOFF);
    if (span_of(c->description).len > JS_DESCRIPTION_MAX)
        return set_number(e, JS_ERR_CONSUMER_DESCRIPTION_TOO_LONG, JS_DESCRIPTION_MAX);
    err = consumer_config_is_push(c) ? check_push(c, stream, e) : check_pull(c, stream, rules, e);
    if (err != JS_OK) return err;
    if ((err = check_limits(c, stream, rules, e)) != JS_OK) return err;
    return check_rest(c, e);
}

void consumer_config_fill_threshold(struct consumer_config *c)
{
    if (text_is_empty(c->durable_name) && c->inactive_threshold <= 0)
        c->inactive_threshold = EPHEMERAL_THRESHOLD;
}

enum js_err consumer_config_check_update(const struct consumer_config *old,
                                         const struct consumer_config *next, struct js_error *e)
{
    const char *refused = NULL;
    bool was_push = consumer_config_is_push(old), is_push = consumer_config_is_push(next);

    if (old->deliver != next->deliver) refused = "deliver policy can not be updated";
    else if (old->mem_storage != next->mem_storage) refused = "storage type can not be updated";
    else if (old->direct != next->direct) refused = "direct can not be updated";
    else if (old->sourcing != next->sourcing) refused = "sourcing can not be updated";
    else if (old->opt_start_seq != next->opt_start_seq)
        refused = "start sequence can not be updated";
    else if (old->has_start_time != next->has_start_time ||
             (old->has_start_time && old->opt_start_time != next->opt_start_time))
        refused = "start time can not be updated";
    else if (old->ack != next->ack) refused = "ack policy can not be updated";
    else if (old->replay != next->replay) refused = "replay policy can not be updated";
    else if (old->idle_heartbeat != next->idle_heartbeat)
        refused = "heart beats can not be updated";
    else if (old->flow_control != next->flow_control)
        refused = "flow control can not be updated";
    else if (is_push && !was_push) refused = "can not update pull consumer to push based";
    else if (was_push && !is_push) refused = "can not update push consumer to pull based";
    else if (old->max_waiting != next->max_waiting) refused = "max waiting can not be updated";
    if (refused != NULL) return js_error_set_arg(e, JS_ERR_CONSUMER_CREATE, refused);
    if (!backoff_fits(next)) return js_error_set(e, JS_ERR_CONSUMER_MAX_DELIVER_BACKOFF);
    return JS_OK;
}
