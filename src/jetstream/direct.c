/* SPDX-License-Identifier: Apache-2.0 */
/* direct.c - one request is a cursor over sequences that sends what it finds.
 *
 * A cursor stops when a message has to be read from disk or its share of the turn is used up, and
 * goes on later. It refers to its stream, which may be deleted meanwhile. */
#include "jetstream/direct.h"

#include <jansson.h>

#include "base/duration.h"
#include "base/mem.h"
#include "jetstream/get_body.h"
#include "jetstream/js_level.h"
#include "jetstream/source.h"
#include "proto/header.h"
#include "proto/subject.h"

#define MULTI_MAX 1024                  /* subjects of multi_last */
#define STEP_MESSAGES 256               /* sent without letting others run */

struct cursor {
    struct store_wait wait;
    struct timer again;
    struct js *js;
    struct stream *stream;
    struct account *account;
    char *reply;
    struct get_body body;
    struct msgs_filter *filter;         /* of next_by_subj; NULL: any */
    struct buf seqs;                    /* multi_last: what to send, uint64_t */
    size_t at;                          /* into seqs */
    uint64_t next;                      /* else: look from here */
    uint64_t pending, last, up_to;      /* for the headers */
    uint64_t sent;
    int64_t sent_bytes, bytes_max;
    bool is_batch, is_multi;
    struct buf header;
};

static void run(struct cursor *c);

/* ---- sending ---- */

static void send_status(struct js *js, struct account *account, struct span reply,
                        const char *status, uint64_t position)
{
    struct buf text = { 0 };
    struct js_message m = { .account = account, .subject = reply };

    buf_printf(&text, "NATS/1.0 %s\r\n\r\n", status);
    m.header = buf_span(&text);
    js_send_when(js, position, &m);
    buf_free(&text);
}

static void finish(struct cursor *c, const char *status)
{
    if (status)
        send_status(c->js, c->account, span_of(c->reply), status, c->stream->position);
    timers_clear(&c->js->home->timers, &c->again);
    c->js->parked--;
    stream_unref(c->stream);
    msgs_filter_free(&c->filter);
    get_body_free(&c->body);
    buf_free(&c->seqs);
    buf_free(&c->header);
    mem_free(c->reply);
    mem_free(c);
}

static void put_batch_facts(struct buf *out, const struct cursor *c)
{
    buf_append_text(out, "\r\nNats-Num-Pending: ");
    buf_append_u64(out, c->pending);
    buf_append_text(out, "\r\nNats-Last-Sequence: ");
    buf_append_u64(out, c->last);
}

static void put_header(struct cursor *c, const struct store_record *r)
{
    struct buf *out = &c->header;

    out->len = 0;
    if (c->body.no_headers && !c->is_multi) return;
    if (r->header.len >= 2) buf_append(out, r->header.p, r->header.len - 2);
    else buf_append_text(out, "NATS/1.0\r\n");
    buf_append_text(out, "Nats-Stream: ");
    buf_append_text(out, c->stream->config.name);
    buf_append_text(out, "\r\nNats-Subject: ");
    buf_append_span(out, r->subject);
    buf_append_text(out, "\r\nNats-Sequence: ");
    buf_append_u64(out, r->seq);
    buf_append_text(out, "\r\nNats-Time-Stamp: ");
    duration_append_rfc3339(out, r->time_ns);
    if (c->is_batch || c->is_multi)
        put_batch_facts(out, c);
    buf_append_text(out, "\r\n\r\n");
}

static void send_message(struct cursor *c, const struct store_record *r)
{
    struct js_message m = { .account = c->account, .subject = span_of(c->reply),
                            .body = r->body };

    if (c->pending > 0) c->pending--;
    put_header(c, r);
    m.header = buf_span(&c->header);
    js_send_when(c->js, c->stream->position, &m);
    c->last = r->seq;
    c->sent++;
    c->sent_bytes += (int64_t)(r->subject.len + r->header.len + r->body.len);
}

static void send_end(struct cursor *c)
{
    struct buf text = { 0 };

    buf_printf(&text, "204 EOB\r\nNats-Num-Pending: %llu\r\nNats-Last-Sequence: %llu",
               (unsigned long long)c->pending, (unsigned long long)c->last);
    if (c->is_multi) buf_printf(&text, "\r\nNats-UpTo-Sequence: %llu",
                                (unsigned long long)c->up_to);
    finish(c, buf_text(&text));
    buf_free(&text);
}

/* ---- the next message ---- */

/* The sequence to be sent now, or 0. */
static uint64_t next_seq(struct cursor *c)
{
    uint64_t budget = UINT64_MAX, at, seq;

    if (c->is_multi) {
        if (c->at >= c->seqs.len) return 0;
        memcpy(&seq, c->seqs.p + c->at, sizeof seq);
        return seq;
    }
    if (c->filter) return msgs_next_match(c->stream->msgs, c->filter, c->next, &budget, &at);
    if (c->is_batch || c->sent > 0) return msgs_next(c->stream->msgs, c->next);
    return msgs_get(c->stream->msgs, c->next) ? c->next : 0;
}

static bool is_done(const struct cursor *c)
{
    if (c->sent > 0 && c->sent_bytes >= c->bytes_max) return true;
    if (c->is_multi) return c->body.batch > 0 && c->sent >= (uint64_t)c->body.batch;
    if (c->is_batch && c->body.batch < 0) return true;
    return c->sent >= (uint64_t)(c->is_batch ? c->body.batch : 1);
}

static void on_read(struct store_wait *w)
{
    run(CONTAINER_OF(w, struct cursor, wait));
}

static void on_again(struct timer *t, void *loop)
{
    (void)loop;
    run(CONTAINER_OF(t, struct cursor, again));
}

static void run_out(struct cursor *c)
{
    if (c->sent == 0 && !c->is_multi && c->body.batch >= 0) finish(c, "404 Message Not Found");
    else if (c->is_batch || c->is_multi) send_end(c);
    else finish(c, NULL);
}

static void run(struct cursor *c)
{
    struct store_record r;
    int64_t due;

    if (c->stream->closed) {
        finish(c, "404 Message Not Found");
        return;
    }
    for (unsigned n = 0; n < STEP_MESSAGES && !js_gate_is_full(c->js); n++) {
        uint64_t seq = is_done(c) ? 0 : next_seq(c);
        enum status st;
        if (seq == 0) {
            run_out(c);
            return;
        }
        st = stream_read(c->stream, seq, &r, &c->wait);
        if (st == ST_AGAIN) return;
        if (st == ST_OK) send_message(c, &r);
        c->next = seq + 1;
        c->at += sizeof seq;
        if (st != ST_OK && !c->is_batch && !c->is_multi) {
            finish(c, "404 Message Not Found");
            return;
        }
    }
    due = c->js->home->now_ns + (js_gate_is_full(c->js) ? NS_PER_MS : 0);
    timers_set(&c->js->home->timers, &c->again, due);
}

/* ---- starting ---- */

static struct cursor *cursor_new(struct api_request *r, struct stream *s, struct get_body *body)
{
    struct cursor *c = mem_zero(sizeof *c);

    c->js = r->js;
    c->stream = s;
    stream_ref(s);
    c->account = r->msg->account;
    c->reply = mem_dup_span(r->msg->reply);
    c->body = *body;
    *body = (struct get_body){ 0 };
    c->wait.done = on_read;
    c->again.fire = on_again;
    c->js->parked++;
    c->bytes_max = c->body.max_bytes > 0 ? c->body.max_bytes
                                         : r->js->options_ref->options->max_pending;
    return c;
}

static void start_multi(struct cursor *c)
{
    struct js_texts *wanted = &c->body.multi_last;
    struct span *filters = mem_alloc(wanted->count * sizeof *filters);
    size_t count;

    c->is_multi = true;
    for (size_t i = 0; i < wanted->count; i++) filters[i] = span_of(wanted->items[i]);
    c->filter = msgs_filter_new(filters, wanted->count);
    mem_free(filters);
    count = msgs_last_per_subject(c->stream->msgs, c->filter, c->up_to, &c->seqs);
    while (c->at < c->seqs.len) {       /* begin at seq, as nats-server does */
        uint64_t seq;
        memcpy(&seq, c->seqs.p + c->at, sizeof seq);
        if (seq >= c->body.seq) break;
        c->at += sizeof seq;
        count--;
    }
    c->pending = count;
    if (count > MULTI_MAX) finish(c, "413 Too Many Results");
    else if (count == 0) finish(c, "404 No Results");
    else run(c);
}

static bool valid_filters(const struct get_body *b)
{
    for (size_t i = 0; i < b->multi_last.count; i++)
        if (!subject_is_valid(span_of(b->multi_last.items[i]))) return false;
    return b->next_for == NULL || subject_is_valid(span_of(b->next_for));
}

/* up_to_time and start_time become sequences. False: put aside, or answered. */
static bool settle_times(struct api_request *r, struct stream *s, struct get_body *b)
{
    struct msgs_state state = msgs_state(s->msgs);

    if (b->has_start_time && api_seq_from_time(r, s, b->start_time, &b->seq) == ST_AGAIN)
        return false;
    if (b->has_up_to_time) {
        if (api_seq_from_time(r, s, b->up_to_time, &b->up_to_seq) == ST_AGAIN) return false;
        if (b->up_to_seq <= state.first_seq) {
            send_status(r->js, r->msg->account, r->msg->reply, "404 No Results", s->position);
            return false;
        }
        b->up_to_seq--;
    }
    if (b->up_to_seq == 0) b->up_to_seq = state.last_seq;
    return true;
}

static void start(struct api_request *r, struct stream *s, struct get_body *body)
{
    struct cursor *c;

    if (!valid_filters(body)) {
        send_status(r->js, r->msg->account, r->msg->reply,
                    body->multi_last.count ? "404 No Results" : "404 Message Not Found",
                    s->position);
        return;
    }
    if (!settle_times(r, s, body)) return;
    c = cursor_new(r, s, body);
    c->up_to = c->body.up_to_seq;
    if (c->body.multi_last.count) {
        start_multi(c);
        return;
    }
    c->next = c->body.seq;
    if (c->body.last_for) {
        struct span filter = span_of(c->body.last_for);
        c->next = subject_is_valid(filter) ? stream_last_of(s, filter) : 0;
    } else if (c->body.next_for) {
        struct span filter = span_of(c->body.next_for);
        c->filter = msgs_filter_new(&filter, 1);
    }
    c->is_batch = c->body.batch != 0;
    if (c->is_batch) {
        struct msgs_filter *all = c->filter ? c->filter : msgs_filter_new(NULL, 0);
        c->pending = msgs_count(s->msgs, all, c->next, false);
        if (all != c->filter) msgs_filter_free(&all);
    }
    run(c);
}

/* ---- requests ---- */

static bool is_refused(const struct get_body *b)
{
    return (b->seq > 0 && b->last_for) || (b->seq > 0 && b->has_start_time) ||
           (b->has_start_time && b->last_for) || (b->last_for && b->next_for) ||
           (b->last_for && b->batch > 0) || (b->last_for && b->multi_last.count) ||
           (b->next_for && b->multi_last.count) || (b->up_to_seq > 0 && b->has_up_to_time);
}

static bool is_nothing(const struct get_body *b)
{
    return b->seq == 0 && !b->last_for && !b->next_for && b->multi_last.count == 0 &&
           !b->has_start_time;
}

static void refuse(struct api_request *r, const char *status)
{
    send_status(r->js, r->msg->account, r->msg->reply, status, STORE_NO_POSITION);
}

/* Read the body leniently; false: answered. */
static bool read_body(struct api_request *r, struct get_body *b)
{
    struct error why;
    struct json_in in;
    json_t *tree;
    bool good;

    if (r->msg->body.len == 0) return true;
    tree = json_in_parse(r->msg->body, &why);
    good = tree != NULL;
    if (good) {
        json_in_init(&in, false, "");
        json_in_object(&in, tree, &get_body_type, b);
        good = json_in_error(&in) == NULL;
        json_in_fini(&in);
        json_decref(tree);
    }
    if (!good) refuse(r, "408 Malformed Request");
    return good;
}

/* The stream, if it may be asked directly, or a mirror that answers for it; else nobody answers. */
static struct stream *find(struct api_request *r)
{
    struct stream *s = js_stream_find(r->account, r->tokens[2]);
    struct span value;
    uint64_t level;

    if (s == NULL || !s->config.allow_direct) s = sources_find_mirror(r->account, r->tokens[2]);
    if (s == NULL) {
        js_no_responders(r->js, r->msg);
        return NULL;
    }
    if (r->msg->reply.len == 0) return NULL;
    if (r->msg->header.len &&
        header_find(r->msg->header, SPAN_LIT("Nats-Required-Api-Level"), &value) &&
        (!span_to_u64(value, &level) || level > JS_API_LEVEL)) {
        refuse(r, "412 Required Api Level");
        return NULL;
    }
    return s;
}

void direct_handle_get(struct api_request *r)
{
    struct stream *s = find(r);
    struct get_body b = { 0 };

    if (s == NULL) return;
    if (r->msg->body.len == 0) refuse(r, "408 Empty Request");
    else if (read_body(r, &b)) {
        if (is_nothing(&b)) refuse(r, "408 Empty Request");
        else if (is_refused(&b)) refuse(r, "408 Bad Request");
        else start(r, s, &b);
    }
    get_body_free(&b);
}

void direct_handle_last(struct api_request *r)
{
    struct stream *s = find(r);
    struct get_body b = { 0 };

    if (s == NULL) return;
    if (read_body(r, &b)) {
        if (!is_nothing(&b) || b.batch || b.up_to_seq || b.has_up_to_time || r->rest.len == 0) {
            refuse(r, "408 Bad Request");
        } else {
            b.last_for = mem_dup_span(r->rest);
            start(r, s, &b);
        }
    }
    get_body_free(&b);
}
