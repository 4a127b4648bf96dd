/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot.c - sending a stream: archive entries into `raw`, compressed into `out`, cut in chunks.
 *
 * Everything ends in finish(); the struct is freed when the target of its acknowledgements is
 * released, so that nothing that runs meanwhile sees it go. */
#include "jetstream/snapshot.h"

#include <stdio.h>

#include "base/duration.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/nuid.h"
#include "jetstream/advisory.h"
#include "jetstream/consumer.h"
#include "jetstream/stream_info.h"
#include "jetstream/transfer.h"
#include "proto/archive.h"
#include "proto/go_consumer.h"
#include "proto/s2.h"

#define CHUNK_DEFAULT (128 * 1024)
#define CHUNK_MIN 1024
#define CHUNK_MAX (1024 * 1024)
#define WINDOW_DEFAULT (8 * 1024 * 1024)
#define WINDOW_MIN 1024
#define WINDOW_MAX (32 * 1024 * 1024)
#define TURN_BYTES (1024 * 1024)        /* packed per turn */
#define ACK_TIMEOUT_NS (5 * NS_PER_S)
#define INTEREST_WAIT_NS (2 * NS_PER_S)         /* for the receiver to subscribe */
#define LOOK_NS (100 * NS_PER_MS)       /* how often interest and the stream are looked at */
#define LOOK_FIRST_NS (2 * NS_PER_MS)   /* while interest is waited for */

struct snapshot {
    struct transfer transfer;
    struct inbox_target acks;
    struct sub *acks_sub;
    struct stream *stream;              /* referred to */
    struct account *account;
    char *deliver, *client;
    struct buf ack_prefix;              /* "$JS.SNAPSHOT.ACK.<stream>.<id>." */
    size_t chunk, window, slots;        /* window: chunks at most; slots: that may be sent now */
    uint64_t next, last, index;
    uint64_t position;                  /* durable before anything is sent */
    struct s2_encoder s2;
    struct buf raw, out;
    size_t sent;                        /* bytes of out */
    bool had_interest, packed, ended;   /* packed: out has the archive's end */
    int64_t start_ns, start_wall_ns;
    int64_t ack_due_ns;                 /* no slot by then: the receiver has stalled */
    struct store_wait wait;
    struct timer timer;
};

/* ---- JSON in the archive ---- */

void snapshot_write_state(struct stream *s, int64_t first_ns, uint64_t consumers,
                          struct jsonw *w, const char *key)
{
    struct msgs_state state = msgs_state(s->msgs);
    uint64_t deleted = msgs_deleted_count(s->msgs);

    jsonw_object(w, key);
    jsonw_uint(w, "messages", state.count);
    jsonw_uint(w, "bytes", state.bytes);
    jsonw_uint(w, "first_seq", state.first_seq);
    stream_info_write_time(w, "first_ts", first_ns);
    jsonw_uint(w, "last_seq", state.last_seq);
    stream_info_write_time(w, "last_ts", s->last_ns);
    if (state.subjects) jsonw_uint(w, "num_subjects", state.subjects);
    if (deleted) jsonw_uint(w, "num_deleted", deleted);
    jsonw_uint(w, "consumer_count", consumers);
    jsonw_end_object(w);
}

static void write_pair(struct jsonw *w, const char *key, uint64_t consumer, uint64_t stream)
{
    jsonw_object(w, key);
    jsonw_uint(w, "consumer_seq", consumer);
    jsonw_uint(w, "stream_seq", stream);
    jsonw_end_object(w);
}

static void write_number_key(struct jsonw *w, uint64_t n)
{
    char text[24];

    jsonw_key(w, span_make(text, (size_t)snprintf(text, sizeof text, "%llu",
                                                  (unsigned long long)n)));
}

static void write_consumer_state(const struct go_consumer_state *state, struct jsonw *w)
{
    jsonw_object(w, "state");
    write_pair(w, "delivered", state->delivered_consumer, state->delivered_stream);
    write_pair(w, "ack_floor", state->ack_floor_consumer, state->ack_floor_stream);
    if (state->pending_count) jsonw_object(w, "pending");
    for (size_t i = 0; i < state->pending_count; i++) {
        const struct go_pending *p = &state->pending[i];
        write_number_key(w, p->stream_seq);
        jsonw_object(w, NULL);
        jsonw_uint(w, "Sequence", p->consumer_seq);
        jsonw_int(w, "Timestamp", p->timestamp_ns);
        jsonw_end_object(w);
    }
    if (state->pending_count) jsonw_end_object(w);
    if (state->redelivered_count) jsonw_object(w, "redelivered");
    for (size_t i = 0; i < state->redelivered_count; i++) {
        write_number_key(w, state->redelivered[i].stream_seq);
        jsonw_uint(w, NULL, state->redelivered[i].count);
    }
    if (state->redelivered_count) jsonw_end_object(w);
    jsonw_end_object(w);
}

/* Those that serve mirrors and sources are not part of a stream's backup. */
static bool is_included(const struct consumer *c)
{
    return !consumer_config_of(c)->direct;
}

static uint64_t count_consumers(const struct stream *s)
{
    uint64_t count = 0;

    for (size_t i = 0; i < s->consumers.count; i++)
        count += is_included(s->consumers.entries[i].value);
    return count;
}

static void pack_consumer(struct snapshot *sn, struct consumer *c)
{
    struct go_consumer_state state;
    struct buf json = { 0 };
    struct jsonw w = jsonw_start(&json);

    consumer_export(c, &state);
    jsonw_object(&w, NULL);
    consumer_config_write(consumer_config_of(c), &w, "config");
    write_consumer_state(&state, &w);
    jsonw_end_object(&w);
    archive_append_consumer(&sn->raw, consumer_name(c), buf_span(&json), sn->start_wall_ns);
    go_consumer_state_fini(&state);
    buf_free(&json);
}

static void compress(struct snapshot *sn)
{
    s2_encode(&sn->s2, buf_span(&sn->raw), &sn->out);
    sn->raw.len = 0;
}

/* Everything but the messages, at once: it has to be of the same moment. */
static void pack_state(struct snapshot *sn, const struct snapshot_options *o)
{
    struct stream *s = sn->stream;
    struct buf json = { 0 };
    struct jsonw w = jsonw_start(&json);

    snapshot_write_state(s, o->first_ns, o->consumers ? count_consumers(s) : 0, &w, NULL);
    archive_append_state(&sn->raw, buf_span(&json), sn->start_wall_ns);
    buf_free(&json);
    for (size_t i = 0; o->consumers && i < s->consumers.count; i++)
        if (is_included(s->consumers.entries[i].value))
            pack_consumer(sn, s->consumers.entries[i].value);
    compress(sn);
}

/* ---- sending ---- */

static struct js *js_of(const struct snapshot *sn)
{
    return sn->stream->js;
}

static void send_message(struct snapshot *sn, struct span reply, struct span header,
                         struct span body)
{
    struct js_message m = { .account = sn->account, .subject = span_of(sn->deliver),
                            .reply = reply, .header = header, .body = body };

    js_send(js_of(sn), &m);
}

static void release(struct inbox_target *t)
{
    struct snapshot *sn = t->owner;

    stream_unref(sn->stream);
    s2_encoder_fini(&sn->s2);
    buf_free(&sn->raw);
    buf_free(&sn->out);
    buf_free(&sn->ack_prefix);
    mem_free(sn->deliver);
    mem_free(sn->client);
    mem_free(sn);
}

static void stop(struct transfer *t)
{
    struct snapshot *sn = CONTAINER_OF(t, struct snapshot, transfer);
    struct js *js = js_of(sn);

    sn->ended = true;
    transfer_end(t);
    timers_clear(&js->home->timers, &sn->timer);
    store_wait_cancel(js->store, &sn->wait);
    inbox_unsubscribe(&sn->acks, sn->account, &sn->acks_sub);
    inbox_target_close(&sn->acks);
}

/* The end: error NULL when it is complete. status: of the last message, empty: without. */
static void finish(struct snapshot *sn, const char *status, const char *error)
{
    struct stream *s = sn->stream;
    struct buf header = { 0 };

    if (status) buf_printf(&header, "NATS/1.0 %s\r\n\r\n", status);
    send_message(sn, SPAN_NONE, buf_span(&header), SPAN_NONE);
    buf_free(&header);
    if (error)
        log_warn("Snapshot for stream '%s > %s' failed: %s", s->account->account->name,
                 s->config.name, error);
    else
        log_info("Completed snapshot for stream '%s > %s'", s->account->account->name,
                 s->config.name);
    advisory_snapshot_ended(s, span_of(sn->client), sn->start_wall_ns, error);
    stop(&sn->transfer);
}

static void fail(struct snapshot *sn, const char *what, uint64_t seq)
{
    struct buf error = { 0 }, status = { 0 };

    buf_printf(&error, "couldn't load next message after seq %llu: %s", (unsigned long long)seq,
               what);
    buf_printf(&status, "500 %s", buf_text(&error));
    finish(sn, buf_text(&status), buf_text(&error));
    buf_free(&status);
    buf_free(&error);
}

/* ---- packing ---- */

/* Pack the next message, or the end. False: nothing to go on with now. */
static bool pack_next(struct snapshot *sn, size_t *budget)
{
    struct stream *s = sn->stream;
    uint64_t seq = msgs_next(s->msgs, sn->next);
    struct store_record r;
    enum status st;
    size_t bytes;

    if (seq == 0 || seq > sn->last) {
        archive_append_end(&sn->raw);
        compress(sn);
        s2_encode_flush(&sn->s2, &sn->out);
        sn->packed = true;
        return true;
    }
    st = stream_read(s, seq, &r, &sn->wait);
    if (st == ST_AGAIN) {
        s->log->ops->read_ahead(s->log, msgs_get(s->msgs, seq)->loc);
        return false;
    }
    if (st != ST_OK) {
        fail(sn, status_text(st), seq);
        return false;
    }
    archive_append_message(&sn->raw, &(struct archive_message){
        .seq = seq, .timestamp_ns = r.time_ns, .subject = r.subject, .headers = r.header,
        .body = r.body });
    bytes = sn->raw.len;
    compress(sn);
    sn->next = seq + 1;
    *budget -= bytes < *budget ? bytes : *budget;
    return true;
}

static void wake_at(struct snapshot *sn, int64_t due_ns)
{
    timers_set(&js_of(sn)->home->timers, &sn->timer, due_ns);
}

/* Have a whole chunk in out, or the rest. False: not now. */
static bool fill(struct snapshot *sn, size_t *budget)
{
    if (sn->out.len - sn->sent >= sn->chunk || sn->packed) return true;
    buf_consume(&sn->out, sn->sent);
    sn->sent = 0;
    while (sn->out.len < sn->chunk && !sn->packed) {
        if (*budget == 0) {
            wake_at(sn, loop_now(js_of(sn)->home));
            return false;
        }
        if (!pack_next(sn, budget)) return false;
    }
    return true;
}

/* A whole chunk has a reply subject for its acknowledgement, the rest has not. nats-server sends
 * the status only after a whole chunk: clients take the empty message for the end. */
static void send_chunk(struct snapshot *sn)
{
    size_t left = sn->out.len - sn->sent, reply = sn->ack_prefix.len;

    if (left < sn->chunk) {
        if (left) send_message(sn, SPAN_NONE, SPAN_NONE, span_from(buf_span(&sn->out), sn->sent));
        finish(sn, sn->index ? "204" : NULL, NULL);
        return;
    }
    buf_printf(&sn->ack_prefix, "%zu.%llu", sn->chunk, (unsigned long long)++sn->index);
    send_message(sn, buf_span(&sn->ack_prefix), SPAN_NONE,
                 span_make(sn->out.p + sn->sent, sn->chunk));
    sn->ack_prefix.len = reply;
    sn->sent += sn->chunk;
    sn->slots--;
    sn->ack_due_ns = loop_now(js_of(sn)->home) + ACK_TIMEOUT_NS;
}

static void pump(struct snapshot *sn)
{
    size_t budget = TURN_BYTES;

    if (sn->wait.queued) return;
    while (!sn->ended && sn->slots > 0 && fill(sn, &budget)) send_chunk(sn);
}

/* ---- what happens ---- */

/* A wildcard does not count: clients subscribe to it for all their answers and listen to chunks
 * later, by a subscription of their own. */
static bool listens(struct snapshot *sn)
{
    return js_has_literal_interest(js_of(sn), sn->account, span_of(sn->deliver));
}

/* Nothing to go on with. False: it is over. */
static bool still_runs(struct snapshot *sn)
{
    int64_t now = loop_now(js_of(sn)->home);

    if (sn->stream->closed) {
        fail(sn, "store is closed", sn->next - 1);
        return false;
    }
    if (sn->had_interest && !listens(sn)) {
        finish(sn, "408 No Interest", "no interest");
        return false;
    }
    if (sn->slots == 0 && now >= sn->ack_due_ns) {
        finish(sn, "408 No Flow Response", "no flow response");
        return false;
    }
    return true;
}

static void on_timer(struct timer *t, void *loop)
{
    struct snapshot *sn = CONTAINER_OF(t, struct snapshot, timer);
    int64_t now = loop_now(loop);
    bool waits = now < sn->start_ns + INTEREST_WAIT_NS;

    if (sn->position > store_durable(js_of(sn)->store)) {
        wake_at(sn, now + NS_PER_MS);
        sn->start_ns = now;             /* it was not answered yet */
        return;
    }
    if (!sn->had_interest) sn->had_interest = listens(sn);
    if (!still_runs(sn)) return;
    waits = waits && !sn->had_interest;
    wake_at(sn, now + (waits ? LOOK_FIRST_NS : LOOK_NS));
    if (!waits) pump(sn);
}

static void on_read(struct store_wait *w)
{
    struct snapshot *sn = CONTAINER_OF(w, struct snapshot, wait);

    if (!sn->ended && still_runs(sn)) pump(sn);
}

static bool on_ack(struct inbox_target *t, const struct inbox_msg *m)
{
    struct snapshot *sn = t->owner;

    (void)m;
    if (sn->ended) return true;
    if (sn->slots < sn->window) sn->slots++;
    if (still_runs(sn)) pump(sn);
    return true;
}

/* ---- beginning ---- */

static int64_t clamp(int64_t n, int64_t low, int64_t high)
{
    return n < low ? low : n > high ? high : n;
}

static void subscribe_acks(struct snapshot *sn)
{
    struct js *js = js_of(sn);
    struct nuid id = nuid_next(&js->home->rng);
    size_t prefix;

    buf_printf(&sn->ack_prefix, "$JS.SNAPSHOT.ACK.%s.%s.", sn->stream->config.name, id.text);
    prefix = sn->ack_prefix.len;
    buf_append_char(&sn->ack_prefix, '>');
    inbox_target_init(&sn->acks, js->inboxes);
    sn->acks.owner = sn;
    sn->acks.handle = on_ack;
    sn->acks.release = release;
    if (inbox_subscribe(&sn->acks, sn->account, buf_span(&sn->ack_prefix), &sn->acks_sub) !=
        ST_OK)
        sn->acks_sub = NULL;            /* it will end for want of acknowledgements */
    sn->ack_prefix.len = prefix;
}

void snapshot_start(struct stream *s, const struct snapshot_options *o)
{
    struct snapshot *sn = mem_zero(sizeof *sn);
    int64_t chunk = clamp(o->chunk_size ? o->chunk_size : CHUNK_DEFAULT, CHUNK_MIN, CHUNK_MAX);
    int64_t window = clamp(o->window_size ? o->window_size : WINDOW_DEFAULT, WINDOW_MIN,
                           WINDOW_MAX);

    stream_ref(s);
    sn->stream = s;
    sn->account = s->account->account;
    sn->deliver = mem_dup_span(o->deliver);
    sn->client = mem_dup_span(o->client);
    sn->chunk = (size_t)chunk;
    sn->slots = sn->window = window < chunk ? 1 : (size_t)(window / chunk);
    sn->next = msgs_state(s->msgs).first_seq;
    sn->last = msgs_state(s->msgs).last_seq;
    sn->position = s->position;
    sn->start_ns = loop_now(s->js->home);
    sn->start_wall_ns = js_now(s->js);
    sn->transfer.stop = stop;
    sn->timer.fire = on_timer;
    sn->wait.done = on_read;
    transfer_begin(s->js, &sn->transfer);
    subscribe_acks(sn);
    pack_state(sn, o);
    wake_at(sn, sn->start_ns);
    advisory_snapshot_begun(s, o->client, o->first_ns);
    log_info("Starting snapshot for stream '%s > %s'", sn->account->name, s->config.name);
}
