/* SPDX-License-Identifier: Apache-2.0 */
/* api_consumer.c - $JS.API.CONSUMER: create, info, list, names, delete, pause, unpin, next.
 *
 * The order of checks is nats-server's: it decides which error is told. */
#include <jansson.h>
#include <stdlib.h>

#include "base/mem.h"
#include "jetstream/api.h"
#include "jetstream/config_priv.h"
#include "jetstream/consumer_priv.h"
#include "jetstream/js_level.h"
#include "jetstream/json_in.h"
#include "jetstream/stream_info.h"
#include "proto/header.h"
#include "proto/subject.h"

#define NAMES_PAGE 1024
#define LIST_PAGE 256
#define NAME_LENGTH 8                   /* of names that we give */

enum action { ACTION_ANY, ACTION_CREATE, ACTION_UPDATE };

struct create {                         /* a request as it is worked on */
    char *stream_name;
    const struct json_t *object;        /* of the config, in the tree */
    enum action action;
    bool pedantic;
    json_t *tree;
    struct consumer_config config;
    struct stream_config_rules rules;
    struct span name;                   /* of the consumer, from the subject; empty: none */
    struct stream *stream;
};

/* ---- reading a create request ---- */

static void read_config(struct json_in *in, const struct json_t *v, void *to)
{
    struct create *q = CONTAINER_OF(to, struct create, object);

    (void)in;
    q->object = v;
}

static void read_action(struct json_in *in, const struct json_t *v, void *to)
{
    static const char *const texts[] = { "", "create", "update" };
    static const struct json_in_choice choice = { texts, COUNT_OF(texts), NULL, false,
                                                  "unknown consumer action: ", false, NULL };
    unsigned value = 0;

    json_in_choice(in, v, &choice, &value);
    *(enum action *)to = (enum action)value;
}

static const struct json_in_field create_fields[] = {
    { "stream_name", JSON_IN_TEXT, offsetof(struct create, stream_name), NULL, NULL, NULL, 0 },
    { "config", JSON_IN_OWN, offsetof(struct create, object), NULL, NULL, read_config, 0 },
    { "action", JSON_IN_OWN, offsetof(struct create, action), NULL, NULL, read_action, 0 },
    { "pedantic", JSON_IN_BOOL, offsetof(struct create, pedantic), NULL, NULL, NULL, 0 },
};
static const struct json_in_type create_type = { "server.CreateConsumerRequest", create_fields,
                                                 COUNT_OF(create_fields) };

static struct stream_config_rules rules_of(const struct api_request *r, bool pedantic)
{
    const struct options_jetstream *o = r->js->options;

    return (struct stream_config_rules){
        .strict = r->strict, .pedantic = pedantic,
        .max_payload = r->js->options_ref->options->max_payload,
        .max_ack_pending = o->limits.max_ack_pending,
        .max_request_batch = o->limits.max_request_batch,
        .account_max_ack_pending = r->account->limits.max_ack_pending,
        .account_stream_max_bytes = -1,
    };
}

static enum js_err read_request(struct api_request *r, struct create *q, struct js_error *e)
{
    struct error why;
    struct json_in in;
    const char *text;

    q->tree = json_in_parse(r->msg->body, &why);
    if (q->tree == NULL) return js_error_set_arg(e, JS_ERR_INVALID_JSON, why.text);
    json_in_init(&in, r->strict, "");
    json_in_object(&in, q->tree, &create_type, q);
    text = json_in_error(&in);
    if (text) js_error_set_arg(e, JS_ERR_INVALID_JSON, text);
    json_in_fini(&in);
    if (text) return JS_ERR_INVALID_JSON;
    q->rules = rules_of(r, q->pedantic);
    return consumer_config_parse(&q->config, q->object, &q->rules, e);
}

/* ---- what the subject says ---- */

static void set_name(struct consumer_config *c, struct span name)
{
    mem_free(c->name);
    c->name = mem_dup_span(name);
}

static enum js_err check_name(struct api_request *r, struct create *q, struct js_error *e)
{
    struct consumer_config *c = &q->config;
    bool durable = span_is(r->tokens[1], "DURABLE");
    struct span stream = r->tokens[durable ? 3 : 2];

    if (durable) q->name = r->tokens[4];
    else if (r->token_count > 3) q->name = r->tokens[3];
    else q->name = span_of(c->name);
    if (!span_equal(stream, span_of(q->stream_name)))
        return js_error_set(e, JS_ERR_STREAM_MISMATCH);
    if (span_find(q->name, '/') < q->name.len || span_find(q->name, '\\') < q->name.len)
        return js_error_set(e, JS_ERR_CONSUMER_NAME_CONTAINS_PATH_SEPARATORS);
    if (durable && c->durable_name == NULL)
        return js_error_set(e, JS_ERR_CONSUMER_DURABLE_NAME_NOT_SET);
    if (r->token_count > 3 && c->durable_name && !span_is(q->name, c->durable_name))
        return js_error_set(e, JS_ERR_CONSUMER_DURABLE_NAME_NOT_MATCH_SUBJECT);
    if (r->token_count > 3) set_name(c, q->name);
    else if (c->durable_name)
        return js_error_set(e, JS_ERR_CONSUMER_EPHEMERAL_WITH_DURABLE_NAME);
    return JS_OK;
}

static enum js_err check_subject(struct api_request *r, struct create *q, struct js_error *e)
{
    struct consumer_config *c = &q->config;
    bool durable = span_is(r->tokens[1], "DURABLE");

    if (check_name(r, q, e) != JS_OK) return e->err;
    if (!durable && r->rest.len) {
        if (c->filter_subjects.count)
            return js_error_set(e, JS_ERR_CONSUMER_MULTIPLE_FILTERS_NOT_ALLOWED);
        if (!span_equal(r->rest, span_of(c->filter_subject)))
            return js_error_set(e, JS_ERR_CONSUMER_CREATE_FILTER_SUBJECT_MISMATCH);
    }
    if (c->replicas > 1) return js_error_set(e, JS_ERR_STREAM_REPLICAS_NOT_SUPPORTED);
    return JS_OK;
}

/* ---- what the stream says ---- */

static bool counts(const struct consumer *c)
{
    return !c->config.direct && !c->config.sourcing;
}

static size_t count_consumers(const struct stream *s)
{
    size_t count = 0;

    for (size_t i = 0; i < s->consumers.count; i++) count += counts(s->consumers.entries[i].value);
    return count;
}

/* Whether no other consumer wants what these filters match. */
static bool is_unique(const struct stream *s, struct span name,
                      const struct consumer_config *config)
{
    struct span *mine = mem_alloc((config->filter_subjects.count + 1) * sizeof *mine);
    size_t count = consumer_config_filters(config, mine);
    bool unique = true;

    for (size_t i = 0; i < s->consumers.count && unique && count; i++) {
        const struct consumer *c = s->consumers.entries[i].value;
        struct span *theirs;
        size_t n;
        if (!counts(c) || span_equal(consumer_name(c), name)) continue;
        theirs = mem_alloc((c->config.filter_subjects.count + 1) * sizeof *theirs);
        n = consumer_config_filters(&c->config, theirs);
        if (n == 0) unique = false;
        for (size_t x = 0; x < n && unique; x++)
            for (size_t y = 0; y < count && unique; y++)
                unique = !subject_collides(theirs[x], mine[y]);
        mem_free(theirs);
    }
    mem_free(mine);
    return unique;
}

static enum js_err check_workqueue(const struct create *q, struct js_error *e)
{
    const struct consumer_config *c = &q->config;

    if (q->stream->config.retention != JS_RETENTION_WORKQUEUE || c->direct || c->sourcing)
        return JS_OK;
    if (c->ack != JS_ACK_EXPLICIT && c->ack != JS_ACK_FLOW_CONTROL)
        return js_error_set(e, JS_ERR_CONSUMER_WQ_REQUIRES_EXPLICIT_ACK);
    if (c->deliver != JS_DELIVER_ALL)
        return js_error_set(e, JS_ERR_CONSUMER_WQ_CONSUMER_NOT_DELIVER_ALL);
    if (count_consumers(q->stream) == 0) return JS_OK;
    if (c->filter_subject == NULL && c->filter_subjects.count == 0)
        return js_error_set(e, JS_ERR_CONSUMER_WQ_MULTIPLE_UNFILTERED);
    if (!is_unique(q->stream, q->name, c))
        return js_error_set(e, JS_ERR_CONSUMER_WQ_CONSUMER_NOT_UNIQUE);
    return JS_OK;
}

static enum js_err check_count(struct api_request *r, const struct create *q, struct js_error *e)
{
    int64_t limit = q->stream->config.max_consumers, account = r->account->limits.max_consumers;

    if (limit <= 0 || (account > 0 && account < limit)) limit = account;
    if (limit > 0 && count_consumers(q->stream) >= (uint64_t)limit)
        return js_error_set(e, JS_ERR_MAXIMUM_CONSUMERS_LIMIT);
    return JS_OK;
}

static void give_name(struct create *q)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    struct rng *rng = &q->stream->js->home->rng;
    char name[NAME_LENGTH];

    do {
        for (size_t i = 0; i < sizeof name; i++) name[i] = digits[rng_below(rng, 62)];
    } while (map_has(&q->stream->consumers, span_make(name, sizeof name)));
    set_name(&q->config, span_make(name, sizeof name));
}

static enum js_err check_new_name(struct create *q, struct js_error *e)
{
    struct consumer_config *c = &q->config;

    if (c->durable_name && strlen(c->durable_name) > JS_NAME_MAX)
        return js_error_set_arg(e, JS_ERR_CONSUMER_NAME_TOO_LONG, "255");
    if (c->durable_name == NULL && c->name == NULL) give_name(q);
    if (!js_name_is_valid(span_of(c->durable_name ? c->durable_name : c->name)))
        return js_error_set(e, JS_ERR_CONSUMER_BAD_DURABLE_NAME);
    if (strlen(c->durable_name ? c->durable_name : c->name) > JS_NAME_MAX)
        return js_error_set_arg(e, JS_ERR_CONSUMER_NAME_TOO_LONG, "255");
    return JS_OK;
}

/* ---- create ---- */

static void answer_info(struct api_request *r, struct consumer *c)
{
    consumer_write_fields(c, &r->w);
    api_answer(r);
}

static void create_new(struct api_request *r, struct create *q)
{
    uint64_t by_time = 0;
    struct js_error e;
    enum status st;

    if (q->action == ACTION_UPDATE) {
        api_fail_with(r, JS_ERR_CONSUMER_DOES_NOT_EXIST);
        return;
    }
    if (check_count(r, q, &e) != JS_OK || check_workqueue(q, &e) != JS_OK ||
        check_new_name(q, &e) != JS_OK) {
        api_fail(r, &e);
        return;
    }
    if (q->config.has_start_time) {
        st = api_seq_from_time(r, q->stream, q->config.opt_start_time, &by_time);
        if (st == ST_AGAIN) return;
        if (st != ST_OK) {
            api_fail_arg(r, JS_ERR_CONSUMER_STORE_FAILED, "a message can not be read");
            return;
        }
    }
    consumer_config_fill_threshold(&q->config);
    answer_info(r, consumer_new(q->stream, &q->config, by_time, &r->position));
}

static void update(struct api_request *r, struct create *q, struct consumer *c)
{
    const struct consumer_config *old = consumer_config_of(c);
    struct js_error e;

    if (q->action == ACTION_CREATE) {
        js_metadata_copy_static(&q->config.metadata, &old->metadata);
        if (!consumer_config_equal(&q->config, old)) {
            api_fail_with(r, JS_ERR_CONSUMER_ALREADY_EXISTS);
            return;
        }
    }
    if (q->stream->config.retention == JS_RETENTION_WORKQUEUE &&
        !is_unique(q->stream, consumer_name(c), &q->config)) {
        api_fail_with(r, JS_ERR_CONSUMER_WQ_CONSUMER_NOT_UNIQUE);
        return;
    }
    if (consumer_config_check_update(old, &q->config, &e) != JS_OK) {
        api_fail(r, &e);
        return;
    }
    if (old->deliver_subject && q->config.deliver_subject &&
        strcmp(old->deliver_subject, q->config.deliver_subject) != 0 &&
        js_has_interest(r->js, r->account->account, span_of(old->deliver_subject))) {
        api_fail_with(r, JS_ERR_CONSUMER_NAME_EXIST);
        return;
    }
    /* One that was made durable stays, whether or not the update repeats it. */
    if (old->inactive_threshold > 0) consumer_config_fill_threshold(&q->config);
    if (consumer_config_equal(&q->config, old)) r->position = q->stream->position;
    else consumer_update(c, &q->config, &r->position);
    answer_info(r, c);
}

static void keep_pause(struct create *q, const struct consumer *c)
{
    q->config.has_pause_until = c->config.has_pause_until;
    q->config.pause_until = c->config.pause_until;
}

static void create(struct api_request *r, struct create *q)
{
    struct consumer *c;
    struct js_error e;

    if (read_request(r, q, &e) != JS_OK || check_subject(r, q, &e) != JS_OK) {
        api_fail(r, &e);
        return;
    }
    q->stream = js_stream_find(r->account, span_of(q->stream_name));
    if (q->stream == NULL) {
        api_fail_with(r, JS_ERR_STREAM_NOT_FOUND);
        return;
    }
    c = q->name.len ? map_get(&q->stream->consumers, q->name) : NULL;
    if (c) keep_pause(q, c);
    consumer_config_set_static(&q->config);
    if (consumer_config_check(&q->config, &q->stream->config, &q->rules, &e) != JS_OK)
        api_fail(r, &e);
    else if (c) update(r, q, c);
    else create_new(r, q);
}

static void handle_create(struct api_request *r)
{
    struct create q = { .stream_name = NULL };

    create(r, &q);
    mem_free(q.stream_name);
    consumer_config_free(&q.config);
    json_decref(q.tree);
}

/* ---- info, delete ---- */

/* The consumer of tokens 2 and 3, or NULL after an error. */
static struct consumer *find(struct api_request *r)
{
    struct stream *s = api_find_stream(r, 2);
    struct consumer *c = s ? map_get(&s->consumers, r->tokens[3]) : NULL;

    if (s && c == NULL) api_fail_with(r, JS_ERR_CONSUMER_NOT_FOUND);
    return c;
}

static void handle_info(struct api_request *r)
{
    struct consumer *c;

    if (!api_body_is_empty(r)) {
        api_fail_with(r, JS_ERR_NOT_EMPTY_REQUEST);
        return;
    }
    c = find(r);
    if (c == NULL) return;
    r->position = c->stream->position;
    answer_info(r, c);
}

static void handle_delete(struct api_request *r)
{
    struct consumer *c;

    if (!api_body_is_empty(r)) {
        api_fail_with(r, JS_ERR_NOT_EMPTY_REQUEST);
        return;
    }
    c = find(r);
    if (c == NULL) return;
    consumer_delete(c, &r->position);
    jsonw_bool(&r->w, "success", true);
    api_answer(r);
}

/* ---- names and list ---- */

struct list_body {
    int64_t offset;
};

static const struct json_in_field list_fields[] = {
    { "offset", JSON_IN_INT64, offsetof(struct list_body, offset), "int", NULL, NULL, 0 },
};
static const struct json_in_type list_type = { "server.JSApiConsumersRequest", list_fields,
                                               COUNT_OF(list_fields) };

static int by_name(const void *a, const void *b)
{
    return span_compare(consumer_name(*(struct consumer *const *)a),
                        consumer_name(*(struct consumer *const *)b));
}

static struct consumer **sorted_consumers(const struct stream *s, size_t *count)
{
    struct consumer **list = mem_alloc((s->consumers.count + 1) * sizeof(struct consumer *));

    *count = 0;
    for (size_t i = 0; i < s->consumers.count; i++) {
        struct consumer *c = s->consumers.entries[i].value;
        if (!c->config.direct) list[(*count)++] = c;
    }
    if (*count) qsort(list, *count, sizeof(struct consumer *), by_name);
    return list;
}

static void write_name(struct consumer *c, struct jsonw *w)
{
    jsonw_string(w, NULL, consumer_name(c));
}

static void write_listed(struct consumer *c, struct jsonw *w)
{
    consumer_write_detail(c, w, true);  /* without the server's version and level */
}

static void answer_page(struct api_request *r, int64_t limit,
                        void (*write)(struct consumer *c, struct jsonw *w))
{
    struct list_body body = { 0 };
    struct consumer **list;
    size_t count = 0, at = 0;
    struct stream *s;

    if (!api_read_options(r, &list_type, &body)) return;
    s = api_find_stream(r, 2);
    if (s == NULL) return;
    list = sorted_consumers(s, &count);
    if (body.offset > 0) at = (uint64_t)body.offset < count ? (size_t)body.offset : count;
    jsonw_uint(&r->w, "total", count);
    jsonw_uint(&r->w, "offset", at);
    jsonw_int(&r->w, "limit", limit);
    jsonw_array(&r->w, "consumers");
    for (int64_t n = 0; at < count && n < limit; n++) write(list[at++], &r->w);
    jsonw_end_array(&r->w);
    mem_free(list);
    r->position = s->position;
    api_answer(r);
}

static void handle_names(struct api_request *r)
{
    answer_page(r, NAMES_PAGE, write_name);
}

static void handle_list(struct api_request *r)
{
    answer_page(r, LIST_PAGE, write_listed);
}

/* ---- pause, unpin ---- */

struct pause_body {
    int64_t until;                      /* 0 as absent or INT64_MIN: Go's zero time */
};

static void read_until(struct json_in *in, const struct json_t *v, void *to)
{
    (void)json_in_time(in, v, to);
}

static const struct json_in_field pause_fields[] = {
    { "pause_until", JSON_IN_OWN, offsetof(struct pause_body, until), NULL, NULL, read_until, 0 },
};
static const struct json_in_type pause_type = { "server.JSApiConsumerPauseRequest", pause_fields,
                                                COUNT_OF(pause_fields) };

static void handle_pause(struct api_request *r)
{
    struct pause_body body = { 0 };
    struct consumer_config next = { 0 };
    struct consumer *c;
    int64_t left;

    if (!api_read_options(r, &pause_type, &body)) return;
    c = find(r);
    if (c == NULL) return;
    if (body.until == INT64_MIN) body.until = 0;
    consumer_config_copy(&next, consumer_config_of(c));
    next.has_pause_until = body.until != 0;
    next.pause_until = body.until;
    consumer_config_set_static(&next);
    consumer_update(c, &next, &r->position);
    consumer_config_free(&next);
    left = body.until - js_now(r->js);
    jsonw_bool(&r->w, "paused", left > 0);
    stream_info_write_time(&r->w, "pause_until", body.until);
    if (left > 0) jsonw_int(&r->w, "pause_remaining", left);
    api_answer(r);
}

struct unpin_body {
    char *group;
};

static const struct json_in_field unpin_fields[] = {
    { "group", JSON_IN_TEXT, offsetof(struct unpin_body, group), NULL, NULL, NULL, 0 },
};
static const struct json_in_type unpin_type = { "server.JSApiConsumerUnpinRequest", unpin_fields,
                                                COUNT_OF(unpin_fields) };

/* [a-zA-Z0-9/_=-]{1,16} */
static bool is_group_name(const char *group)
{
    size_t length = strlen(group);

    return length >= 1 && length <= 16 &&
           strspn(group, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_=-") ==
               length;
}

static bool has_group(const struct consumer *c, const char *group)
{
    for (size_t i = 0; i < c->config.priority_groups.count; i++)
        if (strcmp(c->config.priority_groups.items[i], group) == 0) return true;
    return false;
}

static void unpin(struct api_request *r, const char *group)
{
    struct consumer *c;

    if (group == NULL) {
        api_fail_arg(r, JS_ERR_INVALID_JSON, "consumer group not specified");
        return;
    }
    if (!is_group_name(group)) {
        api_fail_with(r, JS_ERR_CONSUMER_INVALID_GROUP_NAME);
        return;
    }
    c = find(r);
    if (c == NULL) return;
    if (!has_group(c, group)) {
        api_fail_with(r, JS_ERR_CONSUMER_INVALID_PRIORITY_GROUP);
        return;
    }
    pull_unpin(c);
    advise_pinned(c, false, "admin");
    api_answer(r);
}

static void handle_unpin(struct api_request *r)
{
    struct unpin_body body = { NULL };

    r->strict = false;
    if (span_trim(r->msg->body).len == 0)
        api_fail_arg(r, JS_ERR_INVALID_JSON, "unexpected end of JSON input");
    else if (api_read_body(r, &unpin_type, &body))
        unpin(r, body.group);
    mem_free(body.group);
}

/* ---- next ---- */

static bool wants_higher_level(const struct inbox_msg *m)
{
    struct span value;
    uint64_t level;

    if (m->header.len == 0 ||
        !header_find(m->header, SPAN_LIT("Nats-Required-Api-Level"), &value))
        return false;
    return !span_to_u64(value, &level) || level > JS_API_LEVEL;
}

static void handle_next(struct api_request *r)
{
    struct stream *s = js_stream_find(r->account, r->tokens[3]);
    struct consumer *c = s ? map_get(&s->consumers, r->tokens[4]) : NULL;

    if (c == NULL)
        js_no_responders(r->js, r->msg);
    else if (wants_higher_level(r->msg))
        pull_send_status(c, r->msg->account, r->msg->reply, "412 Required Api Level");
    else
        pull_handle(c, r->msg->account, r->msg->reply, r->msg->body);
}

const struct api_handler api_consumer_handlers[] = {
    { "CONSUMER.MSG.NEXT.*.*", NULL, handle_next },
    { "CONSUMER.INFO.*.*", "consumer_info_response", handle_info },
    { "CONSUMER.CREATE.*", "consumer_create_response", handle_create },
    { "CONSUMER.CREATE.*.*", "consumer_create_response", handle_create },
    { "CONSUMER.CREATE.*.*.>", "consumer_create_response", handle_create },
    { "CONSUMER.DURABLE.CREATE.*.*", "consumer_create_response", handle_create },
    { "CONSUMER.NAMES.*", "consumer_names_response", handle_names },
    { "CONSUMER.LIST.*", "consumer_list_response", handle_list },
    { "CONSUMER.DELETE.*.*", "consumer_delete_response", handle_delete },
    { "CONSUMER.PAUSE.*.*", "consumer_pause_response", handle_pause },
    { "CONSUMER.UNPIN.*.*", "consumer_unpin_response", handle_unpin },
    { NULL, NULL, NULL },
};
