/* SPDX-License-Identifier: Apache-2.0 */
/* api_snapshot.c - $JS.API.STREAM: snapshot and restore; what happens then is in snapshot.h and
 * restore.h. */
#include <jansson.h>

#include "base/mem.h"
#include "jetstream/api_config.h"
#include "jetstream/json_in.h"
#include "jetstream/restore.h"
#include "jetstream/snapshot.h"
#include "proto/subject.h"

/* ---- snapshot ---- */

struct snapshot_body {
    char *deliver_subject;
    bool no_consumers, jsck;
    int64_t chunk_size, window_size;
};

static const struct json_in_field snapshot_fields[] = {
    { "deliver_subject", JSON_IN_TEXT, offsetof(struct snapshot_body, deliver_subject), NULL,
      NULL, NULL, 0 },
    { "no_consumers", JSON_IN_BOOL, offsetof(struct snapshot_body, no_consumers), NULL, NULL,
      NULL, 0 },
    { "chunk_size", JSON_IN_INT64, offsetof(struct snapshot_body, chunk_size), "int", NULL, NULL,
      0 },
    { "window_size", JSON_IN_INT64, offsetof(struct snapshot_body, window_size), "int", NULL,
      NULL, 0 },
    /* Every message's checksum is checked whenever it is read. */
    { "jsck", JSON_IN_BOOL, offsetof(struct snapshot_body, jsck), NULL, NULL, NULL, 0 },
};
static const struct json_in_type snapshot_type = {
    "server.JSApiStreamSnapshotRequest", snapshot_fields, COUNT_OF(snapshot_fields)
};

static void start_snapshot(struct api_request *r, struct stream *s,
                           const struct snapshot_body *body)
{
    struct snapshot_options o = { .deliver = span_of(body->deliver_subject),
                                  .client = r->msg->client, .consumers = !body->no_consumers,
                                  .chunk_size = body->chunk_size,
                                  .window_size = body->window_size };

    if (api_first_time(r, s, &o.first_ns) == ST_AGAIN) return;
    stream_config_write(&s->config, &r->w, "config");
    snapshot_write_state(s, o.first_ns, s->consumers.count, &r->w, "state");
    r->position = s->position;
    api_answer(r);
    snapshot_start(s, &o);
}

static void handle_snapshot(struct api_request *r)
{
    struct snapshot_body body = { 0 };
    struct stream *s;

    if (api_body_is_empty(r)) {
        api_fail_with(r, JS_ERR_BAD_REQUEST);
        return;
    }
    s = api_find_stream(r, 2);
    if (s && api_read_body(r, &snapshot_type, &body)) {
        if (!subject_is_valid_literal(span_of(body.deliver_subject)))
            api_fail_with(r, JS_ERR_SNAPSHOT_DELIVER_SUBJECT_INVALID);
        else start_snapshot(r, s, &body);
    }
    mem_free(body.deliver_subject);
}

/* ---- restore ---- */

struct restore_body {
    const json_t *config;               /* borrowed from the tree */
};

static void keep_tree(struct json_in *in, const json_t *v, void *to)
{
    (void)in;
    *(const json_t **)to = v;
}

/* The state is told again by the archive, which is what counts. */
static void pass_over(struct json_in *in, const json_t *v, void *to)
{
    (void)to;
    if (!json_in_is_object(v) && !json_is_null(v)) json_in_wrong_type(in, v, "server.StreamState");
}

static const struct json_in_field restore_fields[] = {
    { "config", JSON_IN_OWN, offsetof(struct restore_body, config), NULL, NULL, keep_tree, 0 },
    { "state", JSON_IN_OWN, 0, NULL, NULL, pass_over, 0 },
};
static const struct json_in_type restore_type = { "server.JSApiStreamRestoreRequest",
                                                  restore_fields, COUNT_OF(restore_fields) };

static enum js_err parse_config(struct api_request *r, const json_t *tree,
                                struct stream_config *c, struct js_error *e)
{
    struct stream_config_rules rules = api_config_rules(r, c);
    struct restore_body body = { NULL };
    struct json_in in;
    const char *text;

    json_in_init(&in, r->strict, "");
    json_in_object(&in, tree, &restore_type, &body);
    text = json_in_error(&in);
    if (text) js_error_set_arg(e, JS_ERR_INVALID_JSON, text);
    else (void)stream_config_parse(c, body.config, &rules, e);
    json_in_fini(&in);
    return e->err;
}

/* False: answered. */
static bool read_config(struct api_request *r, struct stream_config *c)
{
    struct js_error e = { .err = JS_OK };
    struct error why;
    json_t *tree = json_in_parse(r->msg->body, &why);

    if (tree == NULL) js_error_set_arg(&e, JS_ERR_INVALID_JSON, why.text);
    else (void)parse_config(r, tree, c, &e);
    json_decref(tree);
    if (e.err != JS_OK) api_fail(r, &e);
    return e.err == JS_OK;
}

static enum js_err check_config(struct api_request *r, struct stream_config *c,
                                struct js_error *e)
{
    struct stream_config_rules rules = api_config_rules(r, c);
    struct js_account *a = r->account;
    enum js_err err;

    if (c->name == NULL) c->name = mem_dup_span(r->tokens[2]);
    if (!span_is(r->tokens[2], c->name)) return js_error_set(e, JS_ERR_STREAM_MISMATCH);
    if (strpbrk(c->name, "\\/"))
        return js_error_set(e, JS_ERR_STREAM_NAME_CONTAINS_PATH_SEPARATORS);
    stream_config_set_static(c);
    if (stream_config_check(c, &rules, e) != JS_OK ||
        stream_config_check_replicas(c, e) != JS_OK)
        return e->err;
    if (a->limits.max_streams > 0 && a->streams.count >= (uint64_t)a->limits.max_streams)
        return js_error_set(e, JS_ERR_MAXIMUM_STREAMS_LIMIT);
    err = api_check_reservation(a, c, 0);
    if (err != JS_OK) return js_error_set(e, err);
    if (js_stream_find(a, r->tokens[2]))
        return js_error_set(e, JS_ERR_STREAM_NAME_EXIST_RESTORE_FAILED);
    return stream_config_check_filters(c, e);
}

static void start_restore(struct api_request *r, struct stream_config *c)
{
    struct restore_options o = { .account = r->account, .config = c, .client = r->msg->client };
    struct buf deliver = { 0 };

    if (restore_start(&o, &deliver) == ST_OK) {
        jsonw_string(&r->w, "deliver_subject", buf_span(&deliver));
        api_answer(r);
    } else {
        const char *args[] = { buf_text(&deliver), "invalid subject" };
        struct js_error e;
        js_error_set_args(&e, JS_ERR_RESTORE_SUBSCRIBE_FAILED, args, COUNT_OF(args));
        api_fail(r, &e);
    }
    buf_free(&deliver);
}

static void handle_restore(struct api_request *r)
{
    struct stream_config c = { 0 };
    struct js_error e = { .err = JS_OK };

    if (api_body_is_empty(r)) {
        api_fail_with(r, JS_ERR_BAD_REQUEST);
        return;
    }
    if (read_config(r, &c)) {
        if (check_config(r, &c, &e) != JS_OK) api_fail(r, &e);
        else start_restore(r, &c);
    }
    stream_config_free(&c);
}

const struct api_handler api_snapshot_handlers[] = {
    { "STREAM.SNAPSHOT.*", "stream_snapshot_response", handle_snapshot },
    { "STREAM.RESTORE.*", "stream_restore_response", handle_restore },
    { NULL, NULL, NULL },
};
