/* SPDX-License-Identifier: Apache-2.0 */
/* restore.c - the transfer of a restore: chunks in, answers out, the stream published or given up.
 *
 * Everything ends in stop(); the struct is freed when the target of the chunks is released. */
#include "jetstream/restore.h"

#include <inttypes.h>

#include "base/assert.h"
#include "base/duration.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/nuid.h"
#include "jetstream/advisory.h"
#include "jetstream/api.h"
#include "jetstream/api_config.h"
#include "jetstream/consumer.h"
#include "jetstream/pub_headers.h"
#include "jetstream/restore_priv.h"
#include "jetstream/stream_info.h"
#include "proto/subject.h"

#define TURN_BYTES (1024 * 1024)        /* read per turn */
#define FEED_COST 256                   /* what a step counts as at least */
#define STALL_NS (5 * NS_PER_S)
#define QUEUE_MAX (64 * 1024 * 1024)    /* bytes sent without waiting for answers */
#define ANSWER_TYPE "io.nats.jetstream.api.v1.stream_create_response"

struct chunk {
    struct list link;
    size_t len, reply_len;
    char bytes[];                       /* of the chunk, then the reply subject */
};

static struct span chunk_reply(const struct chunk *c)
{
    return span_make(c->bytes + c->len, c->reply_len);
}

/* ---- errors ---- */

enum status restore_fail(struct restore *r, const char *fmt, ...)
{
    struct buf text = { 0 };
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    js_error_set_arg(&r->error, JS_ERR_STREAM_RESTORE, buf_text(&text));
    buf_free(&text);
    return ST_BAD_INPUT;
}

enum status restore_fail_with(struct restore *r, enum js_err err)
{
    js_error_set(&r->error, err);
    return ST_BAD_INPUT;
}

static enum status fail_exceeded(struct restore *r, bool memory)
{
    return restore_fail_with(r, memory ? JS_ERR_MEMORY_RESOURCES_EXCEEDED
                                       : JS_ERR_STORAGE_RESOURCES_EXCEEDED);
}

/* ---- what the formats need ---- */

static const struct stream_config *config_of(const struct restore *r)
{
    return r->stream ? &r->stream->config : &r->config;
}

enum status restore_check_room(struct restore *r, uint64_t bytes)
{
    const struct js_account *a = r->account;
    bool memory = config_of(r)->storage == JS_STORAGE_MEMORY;
    int64_t limit = memory ? a->limits.max_memory : a->limits.max_store;
    uint64_t mine = memory ? a->memory_used : a->store_used;
    uint64_t all = memory ? r->js->memory_used : r->js->store_used;
    uint64_t server = (uint64_t)(memory ? r->js->max_memory : r->js->max_store);

    if (limit >= 0 && (mine > (uint64_t)limit || bytes > (uint64_t)limit - mine))
        return fail_exceeded(r, memory);
    if (all > server || bytes > server - all) return fail_exceeded(r, memory);
    return ST_OK;
}

enum status restore_check_size(struct restore *r, uint64_t seq, uint64_t header, uint64_t body)
{
    uint64_t max = (uint64_t)r->js->options_ref->options->max_payload;
    int64_t most = config_of(r)->max_msg_size;

    if (header > max || body > max - header)
        return restore_fail(r, "message sequence %" PRIu64 " exceeds maximum payload size", seq);
    if (most >= 0 && (header > (uint64_t)most || body > (uint64_t)most - header))
        return restore_fail(r, "message sequence %" PRIu64 " exceeds maximum message size", seq);
    return ST_OK;
}

static enum status check_place(struct restore *r)
{
    if (js_stream_find(r->account, span_of(r->name)))
        return restore_fail_with(r, JS_ERR_STREAM_NAME_EXIST_RESTORE_FAILED);
    if (api_subjects_overlap(r->account, &config_of(r)->subjects, NULL))
        return restore_fail(r, "error adding stream: subjects overlap with an existing stream");
    return ST_OK;
}

static enum status store_failed(struct restore *r, enum status st)
{
    if (st == ST_LIMIT) return restore_fail_with(r, JS_ERR_INSUFFICIENT_RESOURCES);
    return restore_fail(r, "the store failed: %s", status_text(st));
}

enum status restore_begin_stream(struct restore *r, int64_t created_ns, uint64_t first_seq)
{
    enum status st = check_place(r);

    if (st != ST_OK) return st;
    st = stream_restore_begin(&r->stream, r->account, &r->config, created_ns, first_seq);
    if (st != ST_OK) return store_failed(r, st);
    stream_ref(r->stream);
    return ST_OK;
}

static bool is_expired(const struct restore *r, const struct archive_message *m, int64_t ttl_s)
{
    return ttl_s > 0 && m->timestamp_ns <= js_now(r->js) &&
           (js_now(r->js) - m->timestamp_ns) / NS_PER_S > ttl_s;
}

enum status restore_message(struct restore *r, const struct archive_message *m)
{
    struct stream_message to = { .subject = m->subject, .header = m->headers, .body = m->body,
                                 .time_ns = m->timestamp_ns, .seq = m->seq, .no_limits = true };
    struct pub_headers headers = { .any = false };
    uint64_t seq;
    enum status st;

    if (m->seq >= INT64_MAX || m->timestamp_ns < 0 || !subject_is_valid_literal(m->subject))
        return restore_fail(r, "message sequence %" PRIu64 " is not valid", m->seq);
    if (m->headers.len) pub_headers_scan(m->headers, &headers);
    if (headers.ttl.len && !pub_headers_ttl(headers.ttl, &to.ttl_s))
        return restore_fail(r, "failed to parse message TTL: invalid per-message TTL");
    if (is_expired(r, m, to.ttl_s)) {
        stream_skip_to(r->stream, m->seq);
        return ST_OK;
    }
    if (restore_check_room(r, stream_message_size(r->stream, m->subject.len, m->headers.len,
                                                  m->body.len)) != ST_OK)
        return ST_BAD_INPUT;
    stream_skip_to(r->stream, m->seq - 1);
    to.msg_id = headers.msg_id;
    st = stream_store(r->stream, &to, &seq);
    return st == ST_OK || st == ST_AGAIN ? st : store_failed(r, st);
}

void restore_last(struct restore *r, uint64_t last, int64_t last_ns)
{
    stream_skip_to(r->stream, last);
    if (last_ns > r->stream->last_ns && last_ns <= js_now(r->js)) r->stream->last_ns = last_ns;
}

enum status restore_consumer(struct restore *r, struct span name, const struct json_t *config,
                             int64_t created_ns, struct consumer **out)
{
    struct stream_config_rules rules = { .strict = false, .max_payload = INT64_MAX,
                                         .account_max_ack_pending = -1,
                                         .account_stream_max_bytes = -1 };
    struct consumer_config c = { 0 };
    struct js_error e = { .err = JS_OK };

    if (!js_name_is_valid(name) || map_get(&r->stream->consumers, name))
        js_error_set(&e, JS_ERR_CONSUMER_BAD_DURABLE_NAME);
    else if (consumer_config_parse(&c, config, &rules, &e) == JS_OK) {
        if (c.durable_name == NULL && c.name == NULL) c.name = mem_dup_span(name);
        if (!span_is(name, c.durable_name ? c.durable_name : c.name))
            js_error_set(&e, JS_ERR_CONSUMER_BAD_DURABLE_NAME);
        else
            (void)consumer_config_check(&c, config_of(r), &rules, &e);
    }
    if (e.err != JS_OK) {
        consumer_config_free(&c);
        return restore_fail(r, "failed to add consumer \"%.*s\": %s", SPAN_ARG(name), e.text);
    }
    if (c.durable_name == NULL) consumer_config_fill_threshold(&c);
    *out = consumer_restore(r->stream, &c, created_ns ? created_ns : js_now(r->js));
    return ST_OK;
}

enum status restore_consumer_progress(struct restore *r, struct span name, struct consumer *c,
                                      const struct go_consumer_state *state)
{
    struct error why;

    if (consumer_restore_state(c, state, &why) == ST_OK) return ST_OK;
    return restore_fail(r, "failed to set consumer \"%.*s\" state: %s", SPAN_ARG(name), why.text);
}

/* ---- ending ---- */

static void release(struct inbox_target *t)
{
    struct restore *r = t->owner;

    if (r->form == FORM_ARCHIVE) restore_archive_fini(r);
    if (r->form == FORM_TAR) restore_tar_fini(r);
    if (r->stream) stream_unref(r->stream);
    stream_config_free(&r->config);
    s2_decoder_fini(&r->s2);
    buf_free(&r->reply);
    mem_free(r->name);
    mem_free(r->client);
    mem_free(r);
}

static void drop_chunk(struct restore *r)
{
    struct chunk *c = CONTAINER_OF(r->queue.next, struct chunk, link);

    list_remove(&c->link);
    r->queue_bytes -= c->len;
    r->at = 0;
    mem_free(c);
}

static void stop(struct transfer *t)
{
    struct restore *r = CONTAINER_OF(t, struct restore, transfer);
    uint64_t position;

    r->ended = true;
    transfer_end(t);
    timers_clear(&r->js->home->timers, &r->timer);
    store_wait_cancel(r->js->store, &r->wait);
    while (!list_is_empty(&r->queue)) drop_chunk(r);
    if (r->stream && !r->published) stream_delete(r->stream, &position);
    inbox_unsubscribe(&r->target, r->account->account, &r->sub);
    inbox_target_close(&r->target);
}

static void send_to(struct restore *r, uint64_t position, struct span reply, struct span body)
{
    struct js_message m = { .account = r->account->account, .subject = reply, .body = body };

    if (reply.len) js_send_when(r->js, position, &m);
}

static void tell_end(struct restore *r)
{
    struct advisory_restore told = { .stream = span_of(r->name), .client = span_of(r->client),
                                     .start_ns = r->start_ns, .bytes = r->total };

    advisory_restore_ended(r->account, &told);
}

static void end_with_error(struct restore *r, struct span reply)
{
    struct buf text = { 0 };
    struct jsonw w = jsonw_start(&text);

    log_warn("Restore failed for stream '%s > %s' after %" PRIu64 " bytes: %s",
             r->account->account->name, r->name, r->total, r->error.text);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "type", ANSWER_TYPE);
    js_error_write(&r->error, &w);
    jsonw_end_object(&w);
    send_to(r, STORE_NO_POSITION, reply, buf_span(&text));
    buf_free(&text);
    tell_end(r);
    stop(&r->transfer);
}

/* The stream is published: tell what it is. */
static void answer(struct restore *r)
{
    struct stream_info_wishes wishes = { .deleted = false };
    struct stream *s = r->stream;
    struct buf text = { 0 };
    struct jsonw w = jsonw_start(&text);
    uint64_t subjects;

    if (s->closed) {                    /* deleted meanwhile */
        stop(&r->transfer);
        return;
    }
    if (stream_first_time(s, &wishes.first_ns, &r->wait) == ST_AGAIN) return;
    jsonw_object(&w, NULL);
    jsonw_text(&w, "type", ANSWER_TYPE);
    stream_info_write(s, &wishes, &w, &subjects);
    jsonw_end_object(&w);
    send_to(r, s->position, buf_span(&r->reply), buf_span(&text));
    buf_free(&text);
    tell_end(r);
    log_info("Completed restore of %" PRIu64 " bytes for stream '%s > %s'", r->total,
             r->account->account->name, r->name);
    stop(&r->transfer);
}

static void on_read(struct store_wait *w)
{
    answer(CONTAINER_OF(w, struct restore, wait));
}

static enum status input_end(struct restore *r)
{
    if (r->complete) return ST_OK;
    if (r->form == FORM_ARCHIVE) return restore_archive_end(r);
    if (r->form == FORM_TAR) return restore_tar_end(r);
    return restore_fail(r, "%s", r->total ? "unexpected EOF" : "EOF");
}

/* That was all: publish it. */
static void finish(struct restore *r, struct span reply)
{
    uint64_t position;
    enum status st = input_end(r);

    if (st == ST_OK) st = check_place(r);
    if (st == ST_OK) {
        st = stream_restore_publish(r->stream, &position);
        if (st != ST_OK) (void)store_failed(r, st);
    }
    if (st != ST_OK) {
        end_with_error(r, reply);
        return;
    }
    r->published = true;
    buf_append_span(&r->reply, reply);
    answer(r);
}

/* ---- reading ---- */

static enum status feed(struct restore *r, size_t *used)
{
    if (r->form == FORM_UNKNOWN) {      /* no file of a store begins with this letter */
        r->form = r->block.p[0] == ARCHIVE_MAGIC[0] ? FORM_ARCHIVE : FORM_TAR;
        if (r->form == FORM_ARCHIVE) restore_archive_init(r);
        else restore_tar_init(r);
    }
    return r->form == FORM_ARCHIVE ? restore_archive_feed(r, r->block, used)
                                   : restore_tar_feed(r, r->block, used);
}

static void spend(size_t *budget, size_t n)
{
    *budget -= n < *budget ? n : *budget;
}

/* Read the first chunk. OK: it is used up; AGAIN: not now. */
static enum status read_chunk(struct restore *r, const struct chunk *c, size_t *budget)
{
    struct error why = { "" };
    size_t used;
    enum status st;

    while (!r->complete) {
        if (*budget == 0) return ST_AGAIN;
        if (r->block.len == 0 && !r->busy) {
            if (r->at == c->len) return ST_OK;
            st = s2_decode(&r->s2, span_make(c->bytes + r->at, c->len - r->at), &used, &r->block,
                           &why);
            if (st != ST_OK) return restore_fail(r, "%s", why.text);
            r->at += used;
            spend(budget, used + r->block.len);
            continue;
        }
        st = feed(r, &used);
        r->block = span_from(r->block, used);
        spend(budget, FEED_COST);
        if (st != ST_OK) return st;
    }
    return ST_OK;
}

static void wake_at(struct restore *r, int64_t due_ns)
{
    timers_set(&r->js->home->timers, &r->timer, due_ns);
}

static void run(struct restore *r)
{
    int64_t now = loop_now(r->js->home);
    size_t budget = TURN_BYTES;

    while (!list_is_empty(&r->queue)) {
        struct chunk *c = CONTAINER_OF(r->queue.next, struct chunk, link);
        enum status st;
        if (c->len == 0) {
            finish(r, chunk_reply(c));
            return;
        }
        st = read_chunk(r, c, &budget);
        r->active_ns = now;
        if (st == ST_AGAIN) {           /* the store is behind, or enough for this turn */
            wake_at(r, budget ? now + NS_PER_MS : now);
            return;
        }
        if (st != ST_OK) {
            end_with_error(r, chunk_reply(c));
            return;
        }
        r->total += c->len;
        send_to(r, STORE_NO_POSITION, chunk_reply(c), SPAN_NONE);
        drop_chunk(r);
    }
    wake_at(r, r->active_ns + STALL_NS);
}

static void on_timer(struct timer *t, void *loop)
{
    struct restore *r = CONTAINER_OF(t, struct restore, timer);

    if (r->published) return;
    if (list_is_empty(&r->queue) && loop_now(loop) >= r->active_ns + STALL_NS) {
        log_warn("restore for stream '%s > %s' is stalled", r->account->account->name, r->name);
        stop(&r->transfer);
        return;
    }
    run(r);
}

/* ---- chunks ---- */

static void add_chunk(struct restore *r, const struct inbox_msg *m)
{
    struct chunk *c = mem_alloc(sizeof *c + m->body.len + m->reply.len);

    list_init(&c->link);
    c->len = m->body.len;
    c->reply_len = m->reply.len;
    if (c->len) memcpy(c->bytes, m->body.p, c->len);
    memcpy(c->bytes + c->len, m->reply.p, c->reply_len);
    list_append(&r->queue, &c->link);
    r->queue_bytes += c->len;
}

static bool on_chunk(struct inbox_target *t, const struct inbox_msg *m)
{
    struct restore *r = t->owner;
    bool waits = !list_is_empty(&r->queue);

    if (r->ended || r->published) return true;
    if (m->reply.len == 0) {
        (void)restore_fail(r, "restore for stream '%s > %s' requires reply subject for each chunk",
                           r->account->account->name, r->name);
        end_with_error(r, SPAN_NONE);
        return true;
    }
    if (r->queue_bytes > QUEUE_MAX) {
        (void)restore_fail(r, "chunks come without waiting for their replies");
        end_with_error(r, m->reply);
        return true;
    }
    add_chunk(r, m);
    r->active_ns = loop_now(r->js->home);
    if (!waits) run(r);
    return true;
}

/* ---- beginning ---- */

enum status restore_start(const struct restore_options *o, struct buf *deliver)
{
    struct restore *r = mem_zero(sizeof *r);
    struct js *js = o->account->js;
    struct nuid id = nuid_next(&js->home->rng);
    enum status st;

    buf_printf(deliver, "$JS.SNAPSHOT.RESTORE.%s.%s", o->config->name, id.text);
    inbox_target_init(&r->target, js->inboxes);
    r->target.owner = r;
    r->target.handle = on_chunk;
    r->target.release = release;
    st = inbox_subscribe(&r->target, o->account->account, buf_span(deliver), &r->sub);
    if (st != ST_OK) {
        mem_free(r);
        return st;
    }
    r->js = js;
    r->account = o->account;
    r->name = mem_dup(o->config->name);
    r->client = mem_dup_span(o->client);
    r->config = *o->config;
    *o->config = (struct stream_config){ 0 };
    list_init(&r->queue);
    r->start_ns = js_now(js);
    r->active_ns = loop_now(js->home);
    r->transfer.stop = stop;
    r->timer.fire = on_timer;
    r->wait.done = on_read;
    transfer_begin(js, &r->transfer);
    wake_at(r, r->active_ns + STALL_NS);
    advisory_restore_begun(r->account, span_of(r->name), o->client);
    log_info("Starting restore for stream '%s > %s'", r->account->account->name, r->name);
    return ST_OK;
}
