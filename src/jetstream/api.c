/* SPDX-License-Identifier: Apache-2.0 */
/* api.c - from a message on $JS.API.> to its handler, and back to an answer. */
#include "jetstream/api.h"

#include <jansson.h>
#include <stdio.h>

#include "base/mem.h"
#include "jetstream/advisory.h"
#include "jetstream/json_in.h"
#include "jetstream/js_level.h"
#include "jetstream/stream.h"
#include "proto/header.h"
#include "proto/subject.h"

#define TYPE_PREFIX "io.nats.jetstream.api.v1."
#define PAGE_TAIL ",\"total\":0,\"offset\":0,\"limit\":0"

static void handle_clustered(struct api_request *r)
{
    api_fail_with(r, JS_ERR_CLUSTER_REQUIRED);
}

/* What one server can't do. */
static const struct api_handler clustered[] = {
    { "CONSUMER.LEADER.STEPDOWN.*.*", "consumer_leader_stepdown_response", handle_clustered },
    { "STREAM.CANCEL_MOVE.*", "stream_cancel_move_response", handle_clustered },
    { "STREAM.LEADER.STEPDOWN.*", "stream_leader_stepdown_response", handle_clustered },
    { "STREAM.PEER.EVACUATE.*", "stream_evacuate_peer_response", handle_clustered },
    { "STREAM.PEER.REMOVE.*", "stream_remove_peer_response", handle_clustered },
    { NULL, NULL, NULL },
};

static const struct api_handler *const tables[] = {
    api_consumer_handlers, api_message_handlers, api_stream_handlers, api_account_handlers,
    api_snapshot_handlers, clustered,
};

/* ---- answers ---- */

/* What nats-server writes behind an error of these types: fields that it never leaves out. */
static const struct {
    const char *type, *fields;
} tails[] = {
    { "consumer_list_response", PAGE_TAIL ",\"consumers\":[]" },
    { "consumer_names_response", PAGE_TAIL ",\"consumers\":[]" },
    { "consumer_pause_response", ",\"paused\":false,\"pause_until\":\"0001-01-01T00:00:00Z\"" },
    { "stream_info_response", PAGE_TAIL },
    { "stream_list_response", PAGE_TAIL ",\"streams\":[]" },
    { "stream_names_response", PAGE_TAIL ",\"streams\":null" },
    { "stream_purge_response", ",\"purged\":0" },
    { "stream_restore_response", ",\"deliver_subject\":\"\"" },
    { "consumer_reset_response", ",\"reset_seq\":0" },
};

static void begin(struct api_request *r, const char *type)
{
    char text[128];

    snprintf(text, sizeof text, TYPE_PREFIX "%s", type);
    r->answer.len = 0;
    r->w = jsonw_start(&r->answer);
    jsonw_object(&r->w, NULL);
    jsonw_text(&r->w, "type", text);
}

static void send_answer(struct api_request *r, uint64_t position)
{
    struct js_message m = { .account = r->msg->account, .subject = r->msg->reply };

    jsonw_end_object(&r->w);
    m.body = buf_span(&r->answer);
    if (m.subject.len) js_send_when(r->js, position, &m);
    advisory_api(r, position);
}

void api_answer(struct api_request *r)
{
    send_answer(r, r->position);
}

void api_fail(struct api_request *r, const struct js_error *e)
{
    r->account->api_errors++;
    r->js->metrics.api_errors++;
    begin(r, r->type);
    js_error_write(e, &r->w);
    for (size_t i = 0; i < COUNT_OF(tails); i++)
        if (strcmp(tails[i].type, r->type) == 0) buf_append_text(&r->answer, tails[i].fields);
    send_answer(r, STORE_NO_POSITION);
}

void api_fail_with(struct api_request *r, enum js_err err)
{
    struct js_error e;

    js_error_set(&e, err);
    api_fail(r, &e);
}

void api_fail_arg(struct api_request *r, enum js_err err, const char *arg)
{
    struct js_error e;

    js_error_set_arg(&e, err, arg);
    api_fail(r, &e);
}

void api_fail_number(struct api_request *r, enum js_err err, uint64_t n)
{
    char text[24];

    snprintf(text, sizeof text, "%llu", (unsigned long long)n);
    api_fail_arg(r, err, text);
}

/* ---- reading ---- */

bool api_body_is_empty(const struct api_request *r)
{
    struct span body = span_trim(r->msg->body);

    if (body.len == 0) return true;
    if (body.len < 2 || body.p[0] != '{' || body.p[body.len - 1] != '}') return false;
    return span_trim(span_make(body.p + 1, body.len - 2)).len == 0;
}

bool api_read_body(struct api_request *r, const struct json_in_type *type, void *to)
{
    struct error why;
    struct json_in in;
    json_t *tree;
    const char *text;

    if (span_trim(r->msg->body).len == 0) return true;
    tree = json_in_parse(r->msg->body, &why);
    if (tree == NULL) {
        api_fail_arg(r, JS_ERR_INVALID_JSON, why.text);
        return false;
    }
    json_in_init(&in, r->strict, "");
    json_in_object(&in, tree, type, to);
    text = json_in_error(&in);
    if (text) api_fail_arg(r, JS_ERR_INVALID_JSON, text);
    json_decref(tree);
    json_in_fini(&in);
    return text == NULL;
}

bool api_read_options(struct api_request *r, const struct json_in_type *type, void *to)
{
    struct span body = span_trim(r->msg->body);

    if (body.len == 0 || (body.p[0] != '{' && body.p[0] != '[')) return true;
    return api_read_body(r, type, to);
}

void api_read_offset(struct json_in *in, const struct json_t *v, void *to)
{
    in->path.len = 0;
    buf_append_text(&in->path, "ApiPagedRequest.offset");
    json_in_int64(in, v, "int", to);
}

struct stream *api_find_stream(struct api_request *r, size_t at)
{
    struct stream *s = at < r->token_count ? js_stream_find(r->account, r->tokens[at]) : NULL;

    if (s == NULL) api_fail_with(r, JS_ERR_STREAM_NOT_FOUND);
    return s;
}

/* ---- requests put aside until something is read from disk ---- */

struct parked {
    struct store_wait wait;
    struct js_account *account;
    struct inbox_msg msg;
    char text[];
};

static struct span keep(char **p, struct span s)
{
    char *start = *p;

    if (s.len) memcpy(start, s.p, s.len);
    *p += s.len;
    return span_make(start, s.len);
}

static void handle(struct js_account *a, const struct inbox_msg *m, bool again);

static void on_read(struct store_wait *w)
{
    struct parked *p = CONTAINER_OF(w, struct parked, wait);

    p->account->js->parked--;
    handle(p->account, &p->msg, true);
    mem_free(p);
}

static struct parked *park(const struct api_request *r)
{
    const struct inbox_msg *m = r->msg;
    struct parked *p = mem_alloc(sizeof *p + m->subject.len + m->reply.len + m->header.len +
                                 m->body.len + m->client.len);
    char *text = p->text;

    p->wait = (struct store_wait){ .done = on_read };
    p->account = r->account;
    p->msg = *m;
    p->msg.subject = keep(&text, m->subject);
    p->msg.reply = keep(&text, m->reply);
    p->msg.header = keep(&text, m->header);
    p->msg.body = keep(&text, m->body);
    p->msg.client = keep(&text, m->client);
    return p;
}

/* p waits if st says so. */
static enum status parked_or(struct parked *p, enum status st)
{
    if (st == ST_AGAIN) p->account->js->parked++;
    else mem_free(p);
    return st;
}

enum status api_read_message(struct api_request *r, struct stream *s, uint64_t seq,
                             struct store_record *out)
{
    enum status st = stream_read(s, seq, out, NULL);
    struct parked *p;

    if (st != ST_AGAIN) return st;
    p = park(r);
    return parked_or(p, stream_read(s, seq, out, &p->wait));
}

enum status api_first_time(struct api_request *r, struct stream *s, int64_t *ns)
{
    enum status st = stream_first_time(s, ns, NULL);
    struct parked *p;

    if (st != ST_AGAIN) return st;
    p = park(r);
    return parked_or(p, stream_first_time(s, ns, &p->wait));
}

enum status api_seq_from_time(struct api_request *r, struct stream *s, int64_t ns, uint64_t *seq)
{
    enum status st = stream_seq_from_time(s, ns, seq, NULL);
    struct parked *p;

    if (st != ST_AGAIN) return st;
    p = park(r);
    return parked_or(p, stream_seq_from_time(s, ns, seq, &p->wait));
}

/* ---- dispatch ---- */

/* Whether the tokens fit the pattern; *rest: the position of the token that ">" stands for. */
static bool fits(const char *pattern, const struct api_request *r, size_t *rest)
{
    struct subject_cursor c = subject_cursor(span_of(pattern));
    struct span token;
    size_t at = 0;

    *rest = r->token_count;
    while (subject_next(&c, &token)) {
        if (at >= r->token_count) return false;
        if (subject_token_is_full(token)) {
            *rest = at;
            return true;
        }
        if (!subject_token_is_star(token) && !span_equal(token, r->tokens[at])) return false;
        at++;
    }
    return at == r->token_count;
}

static const struct api_handler *find_handler(struct api_request *r)
{
    size_t rest;

    for (size_t t = 0; t < COUNT_OF(tables); t++)
        for (const struct api_handler *h = tables[t]; h->pattern; h++) {
            if (!fits(h->pattern, r, &rest)) continue;
            r->rest = rest < r->token_count
                          ? span_from(r->subject, (size_t)(r->tokens[rest].p - r->subject.p))
                          : SPAN_NONE;
            return h;
        }
    return NULL;
}

/* Cut the subject behind "$JS.API." or "$JS.<domain>.API.". The last token that there is room for
 * takes no further dots apart; rest has them. */
static void cut(struct api_request *r)
{
    struct subject_cursor c = subject_cursor(r->subject);
    struct span token;
    bool is_api = false;

    while (subject_next(&c, &token) && r->token_count < API_TOKENS_MAX) {
        if (is_api) r->tokens[r->token_count++] = token;
        is_api = is_api || span_is(token, "API");
    }
}

static bool wants_higher_level(const struct api_request *r)
{
    struct span value;
    uint64_t level;

    if (r->msg->header.len == 0 ||
        !header_find(r->msg->header, SPAN_LIT("Nats-Required-Api-Level"), &value))
        return false;
    return !span_to_u64(value, &level) || level > JS_API_LEVEL;
}

/* An account without JetStream: where the answer is no JSON it is that of nobody being there. */
static void refuse(struct api_request *r, const struct api_handler *h)
{
    struct js_message m = { .account = r->msg->account, .subject = r->msg->reply };
    struct buf header = { 0 };

    if (h == NULL || h->type) {
        api_fail_with(r, JS_ERR_NOT_ENABLED_FOR_ACCOUNT);
        return;
    }
    buf_printf(&header, "NATS/1.0 503\r\nNats-Subject: %.*s\r\n\r\n", SPAN_ARG(r->subject));
    m.header = buf_span(&header);
    if (m.subject.len) js_send(r->js, &m);
    buf_free(&header);
}

/* again: it was put aside before. */
static void handle(struct js_account *a, const struct inbox_msg *m, bool again)
{
    struct api_request r = { .js = a->js, .account = a, .msg = m, .subject = m->subject };
    const struct api_handler *h;

    r.strict = a->js->options->strict;
    cut(&r);
    h = find_handler(&r);
    r.type = h ? h->type : "system_response";
    if (h == NULL || h->type) {         /* others answer with messages, not with JSON */
        a->api_total += !again;
        a->js->metrics.api_total += !again;
        begin(&r, r.type);
    }
    if (!a->enabled) refuse(&r, h);
    else if (h == NULL) api_fail_with(&r, JS_ERR_BAD_REQUEST);
    else if (h->type && wants_higher_level(&r)) api_fail_with(&r, JS_ERR_REQUIRED_API_LEVEL);
    else h->handle(&r);
    buf_free(&r.answer);
}

bool api_handle(struct inbox_target *t, const struct inbox_msg *m)
{
    struct js_account *a = t->owner;

    if (js_is_behind(a->js)) return false;
    handle(a, m, false);
    return true;
}
