/* SPDX-License-Identifier: Apache-2.0 */
/* api_message.c - $JS.API.STREAM.MSG: get and delete one message; the direct forms. */
#include "base/mem.h"
#include "jetstream/api.h"
#include "jetstream/direct.h"
#include "jetstream/get_body.h"
#include "jetstream/json_in.h"
#include "jetstream/stream.h"
#include "proto/base64.h"
#include "proto/subject.h"

/* ---- get ---- */

static bool is_refused(const struct get_body *b)
{
    return b->batch > 0 || b->max_bytes > 0 || (b->seq > 0 && b->last_for) ||
           (b->seq == 0 && !b->last_for && !b->next_for && !b->has_start_time) ||
           (b->seq > 0 && b->has_start_time) || (b->has_start_time && b->last_for) ||
           (b->last_for && b->next_for);
}

/* Which sequence is asked for; 0: none. False: put aside. */
static bool find_seq(struct api_request *r, struct stream *s, const struct get_body *b,
                     uint64_t *seq)
{
    uint64_t budget = UINT64_MAX, at;

    *seq = b->seq;
    if (b->has_start_time && api_seq_from_time(r, s, b->start_time, seq) == ST_AGAIN)
        return false;
    if (b->next_for) {
        struct span filter = span_of(b->next_for);
        struct msgs_filter *f;
        if (!subject_is_valid(filter)) {
            *seq = 0;
            return true;
        }
        f = msgs_filter_new(&filter, 1);
        *seq = msgs_next_match(s->msgs, f, *seq, &budget, &at);
        msgs_filter_free(&f);
    } else if (b->last_for) {
        *seq = subject_is_valid(span_of(b->last_for)) ? stream_last_of(s, span_of(b->last_for))
                                                      : 0;
    }
    return true;
}

static void write_base64(struct jsonw *w, const char *key, struct span bytes)
{
    struct buf text = { 0 };

    if (bytes.len == 0) return;
    base64_append(&text, bytes);
    jsonw_string(w, key, buf_span(&text));
    buf_free(&text);
}

static void answer_message(struct api_request *r, struct stream *s, const struct get_body *b)
{
    struct store_record m;
    uint64_t seq;
    enum status st;

    if (!find_seq(r, s, b, &seq)) return;
    st = seq ? api_read_message(r, s, seq, &m) : ST_NOT_FOUND;
    if (st == ST_AGAIN) return;
    if (st != ST_OK) {
        api_fail_with(r, JS_ERR_NO_MESSAGE_FOUND);
        return;
    }
    jsonw_object(&r->w, "message");
    jsonw_string(&r->w, "subject", m.subject);
    jsonw_uint(&r->w, "seq", m.seq);
    if (!b->no_headers) write_base64(&r->w, "hdrs", m.header);
    write_base64(&r->w, "data", m.body);
    jsonw_time(&r->w, "time", m.time_ns);
    jsonw_end_object(&r->w);
    r->position = s->position;
    api_answer(r);
}

static void handle_get(struct api_request *r)
{
    struct get_body b = { 0 };
    struct stream *s;

    if (api_body_is_empty(r)) {
        api_fail_with(r, JS_ERR_BAD_REQUEST);
        return;
    }
    if (api_read_body(r, &get_body_type, &b)) {
        if (is_refused(&b)) api_fail_with(r, JS_ERR_BAD_REQUEST);
        else if ((s = api_find_stream(r, 3)) != NULL) answer_message(r, s, &b);
    }
    get_body_free(&b);
}

/* ---- delete ---- */

struct delete_body {
    uint64_t seq;
    bool no_erase;
};

static const struct json_in_field delete_fields[] = {
    { "seq", JSON_IN_UINT64, offsetof(struct delete_body, seq), "uint64", NULL, NULL, 0 },
    { "no_erase", JSON_IN_BOOL, offsetof(struct delete_body, no_erase), NULL, NULL, NULL, 0 },
};
static const struct json_in_type delete_type = { "server.JSApiMsgDeleteRequest", delete_fields,
                                                 COUNT_OF(delete_fields) };

/* An answer that waits for an overwritten record. */
struct erasing {
    struct store_wait wait;
    struct js *js;
    struct stream *stream;
    struct account *account;
    struct store_loc loc;
    char *reply;
    struct buf answer;
};

static void on_erased(struct store_wait *w)
{
    struct erasing *e = CONTAINER_OF(w, struct erasing, wait);
    struct js_message m = { .account = e->account, .subject = span_of(e->reply),
                            .body = buf_span(&e->answer) };

    if (m.subject.len) js_send_when(e->js, e->stream->position, &m);
    stream_unref(e->stream);
    buf_free(&e->answer);
    mem_free(e->reply);
    mem_free(e);
}

/* The removal is durable, so that nobody looks for the bytes any more. */
static void begin_erase(void *arg)
{
    struct erasing *e = arg;
    struct stream *s = e->stream;

    if (s->closed) on_erased(&e->wait); /* its records go with it */
    else s->log->ops->erase(s->log, e->loc, &e->wait);
}

static void erase(struct api_request *r, struct stream *s, struct store_loc loc)
{
    struct erasing *e = mem_zero(sizeof *e);

    jsonw_bool(&r->w, "success", true);
    jsonw_end_object(&r->w);
    e->wait.done = on_erased;
    e->js = r->js;
    e->stream = s;
    stream_ref(s);
    e->account = r->msg->account;
    e->reply = mem_dup_span(r->msg->reply);
    e->answer = r->answer;
    r->answer = (struct buf){ 0 };
    e->loc = loc;
    js_call_when(r->js, s->position, begin_erase, e);
}

static void remove_message(struct api_request *r, struct stream *s, const struct delete_body *b)
{
    const struct msg_entry *entry = msgs_get(s->msgs, b->seq);
    struct store_loc loc;

    if (s->config.sealed) {
        api_fail_with(r, JS_ERR_STREAM_SEALED);
    } else if (s->config.deny_delete) {
        api_fail_arg(r, JS_ERR_STREAM_MSG_DELETE_FAILED, "message delete not permitted");
    } else if (b->seq == 0) {
        api_fail_arg(r, JS_ERR_STREAM_MSG_DELETE_FAILED, "no message found");
    } else if (entry == NULL) {
        api_fail_number(r, JS_ERR_SEQUENCE_NOT_FOUND, b->seq);
    } else {
        loc = entry->loc;
        stream_remove(s, b->seq);
        stream_log_now(s);
        if (!b->no_erase) {
            erase(r, s, loc);
            return;
        }
        jsonw_bool(&r->w, "success", true);
        r->position = s->position;
        api_answer(r);
    }
}

static void handle_delete(struct api_request *r)
{
    struct delete_body b = { 0 };
    struct stream *s;

    if (api_body_is_empty(r)) {
        api_fail_with(r, JS_ERR_BAD_REQUEST);
        return;
    }
    if (api_read_body(r, &delete_type, &b) && (s = api_find_stream(r, 3)) != NULL)
        remove_message(r, s, &b);
}

const struct api_handler api_message_handlers[] = {
    { "DIRECT.GET.*", NULL, direct_handle_get },
    { "DIRECT.GET.*.>", NULL, direct_handle_last },
    { "STREAM.MSG.GET.*", "stream_msg_get_response", handle_get },
    { "STREAM.MSG.DELETE.*", "stream_msg_delete_response", handle_delete },
    { NULL, NULL, NULL },
};
