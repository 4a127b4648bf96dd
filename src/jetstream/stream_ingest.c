/* SPDX-License-Identifier: Apache-2.0 */
/* stream_ingest.c - a published message: checked in nats-server's order, stored, acknowledged.
 *
 * Checks look at applied state, which includes what is in flight, so their answers wait for the
 * stream's newest record. Nothing here changes anything before the message is stored. */
#include <stdio.h>

#include "base/mem.h"
#include "jetstream/batch.h"
#include "jetstream/consumer.h"
#include "jetstream/counter.h"
#include "jetstream/dedup.h"
#include "jetstream/ingest.h"
#include "jetstream/schedule.h"
#include "jetstream/source.h"
#include "jetstream/stream_priv.h"
#include "proto/header.h"
#include "proto/subject.h"
#include "proto/transform.h"

#define HEADER_MAX 65535                /* bytes of a header block */
#define SEQ_MAX (UINT64_MAX - 2)        /* none is given out above: last + 1 must be a number */

/* ---- answers ---- */

void ingest_send(struct ingest *in, struct span body)
{
    struct stream *s = in->stream;
    struct js_message m = { .account = in->account, .subject = in->reply, .body = body };
    bool async = s->config.persist == JS_PERSIST_ASYNC;

    if (in->reply.len == 0 || s->config.no_ack) return;
    js_send_when(s->js, async ? STORE_NO_POSITION : s->position, &m);
}

bool ingest_refuse(struct ingest *in, const struct js_error *e)
{
    struct buf body = { 0 };
    struct jsonw w = jsonw_start(&body);

    in->refused = e->err;
    jsonw_object(&w, NULL);
    js_error_write(e, &w);
    jsonw_text(&w, "stream", in->stream->config.name);
    if (in->stream->js->options->domain) jsonw_text(&w, "domain", in->stream->js->options->domain);
    jsonw_int(&w, "seq", 0);
    jsonw_end_object(&w);
    ingest_send(in, buf_span(&body));
    buf_free(&body);
    return false;
}

bool ingest_refuse_with(struct ingest *in, enum js_err err)
{
    struct js_error e;

    js_error_set(&e, err);
    return ingest_refuse(in, &e);
}

bool ingest_refuse_arg(struct ingest *in, enum js_err err, const char *arg)
{
    struct js_error e;

    js_error_set_arg(&e, err, arg);
    return ingest_refuse(in, &e);
}

bool ingest_refuse_number(struct ingest *in, enum js_err err, uint64_t n)
{
    char text[24];

    snprintf(text, sizeof text, "%llu", (unsigned long long)n);
    return ingest_refuse_arg(in, err, text);
}

/* {"stream":"S","seq":N, with whatever a feature adds, closed by the caller. */
void ingest_begin_ack(const struct ingest *in, struct buf *out, uint64_t seq)
{
    const struct js *js = in->stream->js;

    out->len = 0;
    buf_append_text(out, "{\"stream\":");
    jsonw_append_quoted(out, span_of(in->stream->config.name));
    if (js->options->domain) {
        buf_append_text(out, ",\"domain\":");
        jsonw_append_quoted(out, span_of(js->options->domain));
    }
    buf_append_text(out, ",\"seq\":");
    buf_append_u64(out, seq);
}

static void acknowledge(struct ingest *in, uint64_t seq)
{
    struct buf *out = &in->stream->js->scratch;

    if (in->reply.len == 0 || in->stream->config.no_ack) return;
    ingest_begin_ack(in, out, seq);
    if (in->counter_value.len) {
        buf_append_text(out, ",\"val\":");
        jsonw_append_quoted(out, in->counter_value);
    }
    buf_append_char(out, '}');
    ingest_send(in, buf_span(out));
}

/* ---- checks, in nats-server's order ---- */

/* Nats-Expected-Last-Subject-Sequence and the subject that it is about. */
static bool check_last_of_subject(struct ingest *in)
{
    const struct pub_headers *h = &in->headers;
    struct span subject = h->expected_last_subject.len ? h->expected_last_subject : in->subject;
    uint64_t last;

    if (h->expected_last_subject_seq.len == 0) {
        if (h->expected_last_subject.len == 0) return true;
        return ingest_refuse_with(in, JS_ERR_STREAM_EXPECTED_LAST_SEQ_PER_SUBJECT_INVALID);
    }
    if (in->batch && batch_has_subject(in->batch, subject))
        return ingest_refuse_with(in, JS_ERR_STREAM_WRONG_LAST_SEQUENCE_CONSTANT);
    last = subject_is_valid(subject) ? stream_last_of(in->stream, subject) : 0;
    if (pub_headers_number(h->expected_last_subject_seq) == last) return true;
    return ingest_refuse_number(in, JS_ERR_STREAM_WRONG_LAST_SEQUENCE, last);
}

static bool check_expectations(struct ingest *in)
{
    const struct pub_headers *h = &in->headers;
    struct stream *s = in->stream;
    uint64_t last = msgs_state(s->msgs).last_seq;
    int64_t ttl;

    if (h->expected_stream.len && !span_is(h->expected_stream, s->config.name))
        return ingest_refuse_with(in, JS_ERR_STREAM_NOT_MATCH);
    pub_headers_ttl(h->ttl, &ttl);
    if (ttl != 0 && !s->config.allow_msg_ttl)
        return ingest_refuse_with(in, JS_ERR_MESSAGE_TTL_DISABLED);
    if (!check_last_of_subject(in)) return false;
    if (h->expected_last_seq.len && pub_headers_number(h->expected_last_seq) != last)
        return ingest_refuse_number(in, JS_ERR_STREAM_WRONG_LAST_SEQUENCE, last);
    if (h->expected_last_seq.len && in->batch && batch_message_count(in->batch))
        return ingest_refuse_with(in, JS_ERR_STREAM_WRONG_LAST_SEQUENCE_CONSTANT);
    if (!schedule_check(in)) return false;
    if (h->stream_source.len)
        return ingest_refuse_with(in, JS_ERR_MESSAGE_SOURCE_HDR_NOT_ALLOWED);
    return true;
}

static bool check_duplicate(struct ingest *in)
{
    struct buf *out = &in->stream->js->scratch;
    struct stream *s = in->stream;
    uint64_t seq;

    if (in->headers.msg_id.len == 0) return true;
    if (in->batch && batch_has_id(in->batch, in->headers.msg_id))
        return ingest_refuse_with(in, JS_ERR_ATOMIC_PUBLISH_CONTAINS_DUPLICATE_MESSAGE);
    if (s->dedup == NULL) return true;
    dedup_expire(s->dedup, js_now(s->js));
    seq = dedup_find(s->dedup, in->headers.msg_id);
    if (seq == 0) return true;
    in->duplicate = true;
    if (in->batch)
        return ingest_refuse_with(in, JS_ERR_ATOMIC_PUBLISH_CONTAINS_DUPLICATE_MESSAGE);
    ingest_begin_ack(in, out, seq);
    buf_append_text(out, ",\"duplicate\": true}");
    ingest_send(in, buf_span(out));
    return false;
}

static bool check_last_id(struct ingest *in)
{
    const char *last = in->stream->last_msg_id ? in->stream->last_msg_id : "";
    struct span expected = in->headers.expected_last_msg_id;

    if (expected.len == 0 || span_is(expected, last)) return true;
    return ingest_refuse_arg(in, JS_ERR_STREAM_WRONG_LAST_MSG_ID, last);
}

static bool check_rollup(struct ingest *in)
{
    enum rollup wish = pub_headers_rollup(&in->headers);
    struct span value = in->headers.rollup;
    struct buf text = { 0 };

    if (value.len == 0) return true;
    if (!in->stream->config.allow_rollup_hdrs && !in->copied)
        return ingest_refuse_arg(in, JS_ERR_STREAM_ROLLUP_FAILED, "rollup not permitted");
    if (in->batch && wish == ROLLUP_SUBJECT && batch_has_subject(in->batch, in->subject))
        return ingest_refuse_arg(in, JS_ERR_STREAM_ROLLUP_FAILED, "batch rollup sub invalid");
    if (in->batch && wish == ROLLUP_ALL && batch_message_count(in->batch))
        return ingest_refuse_arg(in, JS_ERR_STREAM_ROLLUP_FAILED, "batch rollup all invalid");
    if (wish != ROLLUP_NONE) return true;
    buf_append_text(&text, "rollup value invalid: ");
    buf_append_quoted(&text, value);
    ingest_refuse_arg(in, JS_ERR_STREAM_ROLLUP_FAILED, buf_text(&text));
    buf_free(&text);
    return false;
}

/* Of the stream, the server and the account. */
static bool check_sizes(struct ingest *in)
{
    struct stream *s = in->stream;
    const struct stream_config *c = &s->config;
    bool memory = c->storage == JS_STORAGE_MEMORY;
    int64_t limit = memory ? s->account->limits.max_memory : s->account->limits.max_store;
    uint64_t used = memory ? s->account->memory_used : s->account->store_used;
    uint64_t size = stream_message_size(s, in->subject.len, in->header.len, in->body.len);

    if (c->max_msg_size >= 0 &&
        in->header.len + in->body.len > (uint64_t)c->max_msg_size)
        return ingest_refuse_with(in, JS_ERR_STREAM_MESSAGE_EXCEEDS_MAXIMUM);
    if (in->header.len > HEADER_MAX)
        return ingest_refuse_with(in, JS_ERR_STREAM_HEADER_EXCEEDS_MAXIMUM);
    if (msgs_state(s->msgs).last_seq >= SEQ_MAX)
        return ingest_refuse_with(in, JS_ERR_INSUFFICIENT_RESOURCES);
    if ((memory ? s->js->memory_used > (uint64_t)s->js->max_memory
                : s->js->store_used > (uint64_t)s->js->max_store))
        return ingest_refuse_with(in, JS_ERR_INSUFFICIENT_RESOURCES);
    if (limit >= 0 && used + size > (uint64_t)limit)
        return ingest_refuse_with(in, JS_ERR_ACCOUNT_RESOURCES_EXCEEDED);
    return true;
}

/* discard: new. A message that makes room for itself within its subject's limit may pass. */
static bool check_discard_new(struct ingest *in)
{
    struct stream *s = in->stream;
    const struct stream_config *c = &s->config;
    struct msgs_state state = msgs_state(s->msgs);
    uint64_t size = stream_message_size(s, in->subject.len, in->header.len, in->body.len);
    bool replaces = false;
    const struct msg_entry *first = NULL;

    if (c->discard != JS_DISCARD_NEW) return true;
    if (in->batch) {
        state.count += batch_message_count(in->batch);
        state.bytes += batch_bytes(in->batch);
    }
    if (c->max_msgs_per_subject > 0) {
        uint32_t number = msgs_find_subject(s->msgs, in->subject);
        if (number != UINT32_MAX) {
            struct msgs_subject of = msgs_subject(s->msgs, number);
            replaces = of.count + (in->batch ? batch_subject_count(in->batch, in->subject) : 0) >=
                       (uint64_t)c->max_msgs_per_subject;
            first = msgs_get(s->msgs, of.first_seq);
        }
    }
    if (replaces && c->discard_new_per_subject && in->headers.rollup.len == 0)
        return ingest_refuse_arg(in, JS_ERR_STREAM_STORE_FAILED,
                                 "maximum messages per subject exceeded");
    if (c->max_msgs > 0 && state.count >= (uint64_t)c->max_msgs && !replaces)
        return ingest_refuse_arg(in, JS_ERR_STREAM_STORE_FAILED, "maximum messages exceeded");
    if (c->max_bytes > 0 && state.bytes + size > (uint64_t)c->max_bytes &&
        (!replaces || first == NULL || first->size < size))
        return ingest_refuse_arg(in, JS_ERR_STREAM_STORE_FAILED, "maximum bytes exceeded");
    return true;
}

/* What the origin checked already isn't checked again. A mirror takes everything in. */
static bool check_copied(struct ingest *in)
{
    bool is_mirror = in->stream->config.mirror != NULL;

    return counter_check(in) && (is_mirror || check_duplicate(in)) && check_rollup(in);
}

static bool check_published(struct ingest *in)
{
    return counter_check(in) && check_expectations(in) && check_duplicate(in) &&
           check_last_id(in) && check_rollup(in);
}

static bool check_headers(struct ingest *in)
{
    if (in->headers.any && !(in->copied ? check_copied(in) : check_published(in))) return false;
    if (in->stream->config.allow_msg_counter && in->headers.incr.len == 0)
        return ingest_refuse_with(in, JS_ERR_MESSAGE_INCR_MISSING);
    return true;
}

bool ingest_check(struct ingest *in)
{
    int64_t ttl_s;

    if (!check_headers(in) || !check_sizes(in) || !check_discard_new(in)) return false;
    if (!pub_headers_ttl(in->headers.ttl, &ttl_s))
        return ingest_refuse_with(in, JS_ERR_MESSAGE_TTL_INVALID);
    return true;
}

/* ---- storing ---- */

static bool has_interest(struct stream *s, struct span subject)
{
    for (size_t i = 0; i < s->consumers.count; i++)
        if (consumer_wants_text(s->consumers.entries[i].value, subject)) return true;
    return sources_want_text(s, subject);
}

static void apply_rollup(struct ingest *in, uint64_t keep)
{
    struct stream *s = in->stream;
    struct stream_purge p = { .keep = keep };

    if (!s->config.allow_rollup_hdrs) return;
    if (pub_headers_rollup(&in->headers) == ROLLUP_SUBJECT) p.subject = in->subject;
    if (in->headers.rollup.len) stream_purge(s, &p);
    if (span_is(in->headers.schedule_next, "purge") && in->headers.scheduler.len) {
        p = (struct stream_purge){ .subject = in->headers.scheduler };
        stream_purge(s, &p);
    }
}

/* Interest retention and nobody is interested: the sequence is used up, nothing is stored. */
static void skip(struct ingest *in)
{
    struct stream *s = in->stream;
    uint64_t seq = msgs_state(s->msgs).last_seq + 1;

    stream_skip_to(s, seq);
    mem_free(s->last_msg_id);
    s->last_msg_id = in->headers.msg_id.len ? mem_dup_span(in->headers.msg_id) : NULL;
    if (in->headers.msg_id.len && s->dedup)
        dedup_add(s->dedup, in->headers.msg_id, seq, js_now(s->js));
    apply_rollup(in, 0);
    in->seq = seq;
}

/* Per-message TTL: at least that of the markers, so that none is missed. */
static bool settle_ttl(struct ingest *in)
{
    const struct stream_config *c = &in->stream->config;
    int64_t least = c->subject_delete_marker_ttl / INT64_C(1000000000);

    if (in->headers.ttl.len == 0 || (in->copied && !c->allow_msg_ttl)) return true;
    if (!pub_headers_ttl(in->headers.ttl, &in->ttl_s))
        return ingest_refuse_with(in, JS_ERR_MESSAGE_TTL_INVALID);
    if (in->ttl_s > 0 && in->ttl_s < least && c->max_msgs_per_subject != 1) {
        char text[24];
        in->ttl_s = least;
        snprintf(text, sizeof text, "%lld", (long long)least);
        ingest_set_header(in, SPAN_LIT("Nats-TTL"), span_of(text));
    }
    return true;
}

enum ingest_result ingest_store(struct ingest *in)
{
    struct stream *s = in->stream;
    struct stream_message m = { .subject = in->subject, .body = in->body,
                                .msg_id = in->headers.msg_id };
    uint64_t before = s->republish ? stream_last_of(s, in->subject) : 0;
    enum status st;

    if (s->config.retention == JS_RETENTION_INTEREST && !has_interest(s, in->subject)) {
        skip(in);
        return INGEST_DONE;
    }
    if (!settle_ttl(in) || !check_discard_new(in)) return INGEST_REFUSED;
    m.header = in->header;
    m.time_ns = in->time_ns;
    m.ttl_s = in->ttl_s;
    m.schedule_ns = in->schedule_ns;
    st = stream_store(s, &m, &in->seq);
    if (st == ST_AGAIN) return INGEST_LATER;
    if (st == ST_LIMIT) {
        ingest_refuse_with(in, JS_ERR_INSUFFICIENT_RESOURCES);
        return INGEST_REFUSED;
    }
    if (st != ST_OK) {                  /* fenced: no answer is the only honest one */
        return INGEST_REFUSED;
    }
    apply_rollup(in, 1);
    if (s->republish) ingest_republish(in, before);
    return INGEST_DONE;
}

/* ---- entry ---- */

void ingest_init(struct ingest *in, struct stream *s, const struct inbox_msg *m)
{
    *in = (struct ingest){ .stream = s, .account = m->account, .subject = m->subject,
                           .reply = m->reply, .header = m->header, .body = m->body };
    if (m->header.len) pub_headers_scan(m->header, &in->headers);
    if (s->subject_transform && transform_matches(s->subject_transform, in->subject)) {
        transform_apply(s->subject_transform, in->subject, &s->js->home->rng, &in->mapped);
        in->subject = buf_span(&in->mapped);
    }
    /* Who asked, on behalf of whom, is not part of the message. */
    if (m->header.len) ingest_remove_header(in, SPAN_LIT("Nats-Request-Info"));
}

void ingest_init_held(struct ingest *in, struct stream *s, const struct inbox_msg *m)
{
    *in = (struct ingest){ .stream = s, .account = m->account, .subject = m->subject,
                           .reply = m->reply, .header = m->header, .body = m->body };
    if (m->header.len) pub_headers_scan(m->header, &in->headers);
}

void ingest_fini(struct ingest *in)
{
    buf_free(&in->mapped);
    buf_free(&in->new_header);
    buf_free(&in->new_body);
}

enum ingest_result ingest_take(struct ingest *in)
{
    enum ingest_result result;

    if (in->headers.batch_id.len) return batch_take(in);
    if (in->stream->config.sealed) {
        ingest_refuse_with(in, JS_ERR_STREAM_SEALED);
        return INGEST_REFUSED;
    }
    if (!check_headers(in)) return INGEST_REFUSED;
    if (in->stream->config.allow_msg_counter) {
        result = counter_apply(in);
        if (result != INGEST_DONE) return result;
    }
    if (!check_sizes(in)) return INGEST_REFUSED;
    result = ingest_store(in);
    if (result == INGEST_DONE) acknowledge(in, in->seq);
    return result;
}

bool stream_handle(struct inbox_target *t, const struct inbox_msg *m)
{
    struct stream *s = t->owner;
    struct ingest in;
    enum ingest_result result;

    if (s->closed) return true;
    if (s->js->failed) return true;     /* nothing can be promised: no answer */
    ingest_init(&in, s, m);
    result = ingest_take(&in);
    ingest_fini(&in);
    return result != INGEST_LATER;
}
