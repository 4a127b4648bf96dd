/* SPDX-License-Identifier: Apache-2.0 */
/* api_stream.c - $JS.API.STREAM: create, update, info, list, names, delete, purge. */
#include <jansson.h>
#include <stdlib.h>

#include "base/mem.h"
#include "jetstream/api.h"
#include "jetstream/api_config.h"
#include "jetstream/json_in.h"
#include "jetstream/source.h"
#include "jetstream/stream_info.h"
#include "proto/subject.h"

#define NAMES_PAGE 1024
#define LIST_PAGE 256

/* ---- configurations ---- */

struct stream_config_rules api_config_rules(const struct api_request *r,
                                            const struct stream_config *c)
{
    const struct options_jetstream *o = r->js->options;
    const struct jetstream_account_limits *l = &r->account->limits;

    return (struct stream_config_rules){
        .strict = r->strict,
        .max_payload = r->js->options_ref->options->max_payload,
        .limit_duplicate_window = o->limits.duplicate_window_ns,
        .max_ack_pending = o->limits.max_ack_pending,
        .max_request_batch = o->limits.max_request_batch,
        .account_max_ack_pending = l->max_ack_pending,
        .account_stream_max_bytes = c->storage == JS_STORAGE_MEMORY ? l->memory_max_stream_bytes
                                                                    : l->store_max_stream_bytes,
        .max_bytes_required = l->max_bytes_required,
    };
}

/* The body as a config. False: answered. */
static bool read_config(struct api_request *r, struct stream_config *c,
                        struct stream_config_rules *rules)
{
    struct js_error e;
    struct error why;
    json_t *tree = json_in_parse(r->msg->body, &why);

    *rules = api_config_rules(r, c);
    if (tree == NULL) {
        api_fail_arg(r, JS_ERR_INVALID_JSON, why.text);
        return false;
    }
    rules->pedantic = stream_config_is_pedantic(tree);
    if (stream_config_parse(c, tree, rules, &e) != JS_OK) {
        json_decref(tree);
        api_fail(r, &e);
        return false;
    }
    json_decref(tree);
    rules->account_stream_max_bytes = api_config_rules(r, c).account_stream_max_bytes;
    return true;
}

bool api_subjects_overlap(const struct js_account *a, const struct js_texts *subjects,
                          const struct stream *but)
{
    for (size_t i = 0; i < a->streams.count; i++) {
        const struct stream *s = a->streams.entries[i].value;
        if (s == but) continue;
        for (size_t x = 0; x < s->config.subjects.count; x++)
            for (size_t y = 0; y < subjects->count; y++)
                if (subject_collides(span_of(s->config.subjects.items[x]),
                                     span_of(subjects->items[y])))
                    return true;
    }
    return false;
}

enum js_err api_check_reservation(const struct js_account *a, const struct stream_config *c,
                                  int64_t was)
{
    const struct jetstream_account_limits *l = &a->limits;
    bool memory = c->storage == JS_STORAGE_MEMORY;
    int64_t wanted = (c->max_bytes < 0 ? 1 : c->max_bytes) - was;
    int64_t limit = memory ? l->max_memory : l->max_store;
    int64_t mine = (int64_t)(memory ? a->memory_reserved : a->store_reserved);
    int64_t all = (int64_t)(memory ? a->js->memory_reserved : a->js->store_reserved);
    int64_t server = memory ? a->js->max_memory : a->js->max_store;
    enum js_err err = memory ? JS_ERR_MEMORY_RESOURCES_EXCEEDED
                             : JS_ERR_STORAGE_RESOURCES_EXCEEDED;

    if (c->max_consumers > 0 && l->max_consumers > 0 && c->max_consumers > l->max_consumers)
        return JS_ERR_MAXIMUM_CONSUMERS_LIMIT;
    if (limit >= 0 && (mine > limit || wanted > limit - mine)) return err;
    if (all > server || wanted > server - all) return err;
    return JS_OK;
}

/* ---- create ---- */

/* A stream of that name exists: fine when it is the same. */
static void create_again(struct api_request *r, struct stream *s, struct stream_config *c)
{
    struct stream_info_wishes wishes = { .deleted = false };
    uint64_t subjects;

    if (!stream_config_equal(c, &s->config)) {
        api_fail_with(r, JS_ERR_STREAM_NAME_EXIST);
        return;
    }
    if (api_first_time(r, s, &wishes.first_ns) == ST_AGAIN) return;
    stream_info_write(s, &wishes, &r->w, &subjects);
    jsonw_bool(&r->w, "did_create", true);
    r->position = s->position;
    api_answer(r);
}

static void create_new(struct api_request *r, struct stream_config *c)
{
    struct js_account *a = r->account;
    struct stream_info_wishes wishes = { .deleted = false };
    uint64_t subjects;
    struct stream *s;
    enum js_err err = api_check_reservation(a, c, 0);
    struct js_error e;

    if (err != JS_OK) {
        api_fail_with(r, err);
        return;
    }
    if (stream_config_check_filters(c, &e) != JS_OK) {
        api_fail(r, &e);
        return;
    }
    if (api_subjects_overlap(a, &c->subjects, NULL)) {
        api_fail_with(r, JS_ERR_STREAM_SUBJECT_OVERLAP);
        return;
    }
    if (stream_new(&s, a, c, &r->position) != ST_OK) {
        api_fail_with(r, JS_ERR_INSUFFICIENT_RESOURCES);
        return;
    }
    stream_info_write(s, &wishes, &r->w, &subjects);
    jsonw_bool(&r->w, "did_create", true);
    api_answer(r);
}

/* What CREATE looks at before the rest of the config. */
static enum js_err check_create(struct api_request *r, const struct stream_config *c,
                                struct js_error *e)
{
    const struct js_account *a = r->account;
    const char *name = c->name ? c->name : "";

    if (!span_is(r->tokens[2], name)) return js_error_set(e, JS_ERR_STREAM_MISMATCH);
    if (strpbrk(name, "\\/"))
        return js_error_set(e, JS_ERR_STREAM_NAME_CONTAINS_PATH_SEPARATORS);
    if (stream_config_check_new(c, e) != JS_OK) return e->err;
    if (a->limits.max_streams > 0 && js_stream_find((struct js_account *)(uintptr_t)a,
                                                    r->tokens[2]) == NULL &&
        a->streams.count >= (uint64_t)a->limits.max_streams)
        return js_error_set(e, JS_ERR_MAXIMUM_STREAMS_LIMIT);
    return JS_OK;
}

static void handle_create(struct api_request *r)
{
    struct stream_config c = { 0 };
    struct stream_config_rules rules;
    struct js_error e;
    struct stream *s;

    if (!read_config(r, &c, &rules)) {
        stream_config_free(&c);
        return;
    }
    stream_config_set_static(&c);
    if (check_create(r, &c, &e) != JS_OK || stream_config_check(&c, &rules, &e) != JS_OK ||
        sources_check(r->account, &c, rules.pedantic, &e) != JS_OK ||
        stream_config_check_replicas(&c, &e) != JS_OK)
        api_fail(r, &e);
    else if ((s = js_stream_find(r->account, span_of(c.name))) != NULL)
        create_again(r, s, &c);
    else
        create_new(r, &c);
    stream_config_free(&c);
}

/* ---- update ---- */

static void apply_update(struct api_request *r, struct stream *s, struct stream_config *c)
{
    struct stream_info_wishes wishes = { .domain = true };
    uint64_t subjects;
    int64_t was = s->config.max_bytes > 0 ? s->config.max_bytes : 0;
    enum js_err err = api_check_reservation(r->account, c, was);

    if (err != JS_OK) {
        api_fail_with(r, err);
        return;
    }
    if (api_subjects_overlap(r->account, &c->subjects, s)) {
        api_fail_with(r, JS_ERR_STREAM_SUBJECT_OVERLAP);
        return;
    }
    if (stream_update(s, c, &r->position) != ST_OK) {
        api_fail_with(r, JS_ERR_INSUFFICIENT_RESOURCES);
        return;
    }
    if (api_first_time(r, s, &wishes.first_ns) == ST_AGAIN) return;
    stream_info_write(s, &wishes, &r->w, &subjects);
    api_answer(r);
}

static void handle_update(struct api_request *r)
{
    struct stream_config c = { 0 };
    struct stream_config_rules rules;
    struct js_error e;
    struct stream *s;

    if (!read_config(r, &c, &rules)) {
        stream_config_free(&c);
        return;
    }
    stream_config_set_static(&c);
    if (stream_config_check(&c, &rules, &e) != JS_OK ||
        sources_check(r->account, &c, rules.pedantic, &e) != JS_OK) {
        api_fail(r, &e);
    } else if (!span_is(r->tokens[2], c.name)) {
        api_fail_with(r, JS_ERR_STREAM_MISMATCH);
    } else if ((s = api_find_stream(r, 2)) != NULL) {
        if (stream_config_check_update(&s->config, &c, &rules, &e) != JS_OK) api_fail(r, &e);
        else apply_update(r, s, &c);
    }
    stream_config_free(&c);
}

/* ---- info ---- */

struct info_body {
    int64_t offset;
    bool deleted_details;
    char *subjects_filter;
};

static const struct json_in_field info_fields[] = {
    { "offset", JSON_IN_INT64, offsetof(struct info_body, offset), "int", NULL, NULL, 0 },
    { "deleted_details", JSON_IN_BOOL, offsetof(struct info_body, deleted_details), NULL, NULL,
      NULL, 0 },
    { "subjects_filter", JSON_IN_TEXT, offsetof(struct info_body, subjects_filter), NULL, NULL,
      NULL, 0 },
};
static const struct json_in_type info_type = { "server.JSApiStreamInfoRequest", info_fields,
                                               COUNT_OF(info_fields) };

/* Go answers the page before the info, so that total has to be known first. */
static void write_page(struct api_request *r, uint64_t total, int64_t offset, int64_t limit)
{
    jsonw_uint(&r->w, "total", total);
    jsonw_int(&r->w, "offset", offset);
    jsonw_int(&r->w, "limit", limit);
}

static void answer_stream_info(struct api_request *r, struct stream *s,
                               const struct info_body *body)
{
    struct stream_info_wishes wishes = { .deleted = body->deleted_details, .domain = true,
                                         .cluster = true,
                                         .subjects_filter = span_of(body->subjects_filter),
                                         .offset = body->offset > 0 ? (uint64_t)body->offset
                                                                    : 0 };
    struct buf info = { 0 };
    struct jsonw w = jsonw_start(&info);
    uint64_t total = 0;

    if (api_first_time(r, s, &wishes.first_ns) == ST_AGAIN) return;
    stream_info_write(s, &wishes, &w, &total);
    if (total) write_page(r, total, (int64_t)wishes.offset, STREAM_INFO_SUBJECTS_MAX);
    else write_page(r, 0, 0, 0);
    buf_append_char(&r->answer, ',');
    buf_append_span(&r->answer, buf_span(&info));
    buf_free(&info);
    r->position = s->position;
    api_answer(r);
}

static void handle_info(struct api_request *r)
{
    struct info_body body = { 0 };
    struct stream *s;

    if (api_read_options(r, &info_type, &body) && (s = api_find_stream(r, 2)) != NULL)
        answer_stream_info(r, s, &body);
    mem_free(body.subjects_filter);
}

/* ---- names and list ---- */

struct list_body {
    int64_t offset;
    char *subject;
};

static const struct json_in_field list_fields[] = {
    { "offset", JSON_IN_INT64, offsetof(struct list_body, offset), "int", NULL, NULL, 0 },
    { "subject", JSON_IN_TEXT, offsetof(struct list_body, subject), NULL, NULL, NULL, 0 },
};
static const struct json_in_type list_type = { "server.JSApiStreamListRequest", list_fields,
                                               COUNT_OF(list_fields) };
static const struct json_in_type names_type = { "server.JSApiStreamNamesRequest", list_fields,
                                                COUNT_OF(list_fields) };

static bool takes_subject(const struct stream *s, const char *filter)
{
    if (filter == NULL) return true;
    for (size_t i = 0; i < s->config.subjects.count; i++)
        if (subject_collides(span_of(filter), span_of(s->config.subjects.items[i]))) return true;
    return false;
}

static int by_name(const void *a, const void *b)
{
    const struct stream *const *x = a, *const *y = b;

    return strcmp((*x)->config.name, (*y)->config.name);
}

/* Streams that take the filter's subjects, by name. The caller frees it. */
static struct stream **sorted_streams(const struct js_account *a, const char *filter,
                                      size_t *count)
{
    struct stream **list = mem_alloc((a->streams.count + 1) * sizeof *list);

    *count = 0;
    for (size_t i = 0; i < a->streams.count; i++)
        if (takes_subject(a->streams.entries[i].value, filter))
            list[(*count)++] = a->streams.entries[i].value;
    if (*count) qsort(list, *count, sizeof *list, by_name);
    return list;
}

static bool write_name(struct api_request *r, struct stream *s)
{
    jsonw_text(&r->w, NULL, s->config.name);
    return true;
}

/* One page, each stream by write; false: put aside. */
static void answer_page(struct api_request *r, int64_t limit,
                        bool (*write)(struct api_request *r, struct stream *s))
{
    struct list_body body = { 0 };
    struct stream **list;
    size_t count = 0, at = 0;
    bool done = true;

    if (!api_read_options(r, write == write_name ? &names_type : &list_type, &body)) {
        mem_free(body.subject);
        return;
    }
    list = sorted_streams(r->account, body.subject, &count);
    if (body.offset > 0) at = (uint64_t)body.offset < count ? (size_t)body.offset : count;
    write_page(r, count, (int64_t)at, limit);
    if (at == count && write == write_name) {
        jsonw_null(&r->w, "streams");       /* not [], as nats-server does it */
    } else {
        jsonw_array(&r->w, "streams");
        for (int64_t n = 0; done && at < count && n < limit; n++) done = write(r, list[at++]);
        jsonw_end_array(&r->w);
    }
    if (done) api_answer(r);
    mem_free(list);
    mem_free(body.subject);
}

static void handle_names(struct api_request *r)
{
    answer_page(r, NAMES_PAGE, write_name);
}

static bool write_listed(struct api_request *r, struct stream *s)
{
    struct stream_info_wishes wishes = { .domain = true, .stored_metadata = true };
    uint64_t subjects;

    if (api_first_time(r, s, &wishes.first_ns) == ST_AGAIN) return false;
    jsonw_object(&r->w, NULL);
    stream_info_write(s, &wishes, &r->w, &subjects);
    jsonw_end_object(&r->w);
    if (s->position > r->position) r->position = s->position;
    return true;
}

static void handle_list(struct api_request *r)
{
    answer_page(r, LIST_PAGE, write_listed);
}

/* ---- delete, purge ---- */

static void handle_delete(struct api_request *r)
{
    struct stream *s;

    if (!api_body_is_empty(r)) {
        api_fail_with(r, JS_ERR_NOT_EMPTY_REQUEST);
        return;
    }
    s = api_find_stream(r, 2);
    if (s == NULL) return;
    stream_delete(s, &r->position);
    jsonw_bool(&r->w, "success", true);
    api_answer(r);
}

struct purge_body {
    uint64_t seq, keep;
    char *filter;
};

static const struct json_in_field purge_fields[] = {
    { "seq", JSON_IN_UINT64, offsetof(struct purge_body, seq), "uint64", NULL, NULL, 0 },
    { "filter", JSON_IN_TEXT, offsetof(struct purge_body, filter), NULL, NULL, NULL, 0 },
    { "keep", JSON_IN_UINT64, offsetof(struct purge_body, keep), "uint64", NULL, NULL, 0 },
};
static const struct json_in_type purge_type = { "server.JSApiStreamPurgeRequest", purge_fields,
                                                COUNT_OF(purge_fields) };

static void purge(struct api_request *r, struct stream *s, const struct purge_body *body)
{
    struct stream_purge p = { .subject = span_of(body->filter), .before = body->seq,
                              .keep = body->keep };
    uint64_t purged;

    if (s->config.sealed) {
        api_fail_with(r, JS_ERR_STREAM_SEALED);
        return;
    }
    if (s->config.deny_purge) {
        api_fail_arg(r, JS_ERR_STREAM_PURGE_FAILED, "stream purge not permitted");
        return;
    }
    purged = stream_purge(s, &p);
    stream_log_now(s);
    jsonw_bool(&r->w, "success", true);
    jsonw_uint(&r->w, "purged", purged);
    r->position = s->position;
    api_answer(r);
}

static void handle_purge(struct api_request *r)
{
    struct purge_body body = { 0 };
    struct stream *s;

    if (api_read_options(r, &purge_type, &body)) {
        if (body.seq > 0 && body.keep > 0) api_fail_with(r, JS_ERR_BAD_REQUEST);
        else if ((s = api_find_stream(r, 2)) != NULL) purge(r, s, &body);
    }
    mem_free(body.filter);
}

const struct api_handler api_stream_handlers[] = {
    { "STREAM.INFO.*", "stream_info_response", handle_info },
    { "STREAM.NAMES", "stream_names_response", handle_names },
    { "STREAM.LIST", "stream_list_response", handle_list },
    { "STREAM.CREATE.*", "stream_create_response", handle_create },
    { "STREAM.UPDATE.*", "stream_update_response", handle_update },
    { "STREAM.DELETE.*", "stream_delete_response", handle_delete },
    { "STREAM.PURGE.*", "stream_purge_response", handle_purge },
    { NULL, NULL, NULL },
};
