/* SPDX-License-Identifier: Apache-2.0 */
/* batch.c - open batches of a stream, their checks and their commit. */
#include "jetstream/batch.h"

#include "base/assert.h"
#include "base/mem.h"
#include "jetstream/advisory.h"
#include "jetstream/counter.h"
#include "jetstream/js_level.h"
#include "jetstream/stream_priv.h"

struct held {                           /* one message; its bytes follow */
    struct held *next;
    struct span subject, header, body;
    char bytes[];
};

struct batch {
    struct stream *stream;
    char *id;
    struct held *first, **end;
    uint64_t last;                      /* sequence in the batch of the newest message */
    int64_t bytes;
    struct timer idle;
};

struct batch_effects {
    struct map subjects;                /* subject -> how many, as a number in the pointer */
    struct map ids;
    uint64_t count, bytes;
};

/* ---- effects ---- */

uint64_t batch_subject_count(const struct batch_effects *b, struct span subject)
{
    return (uintptr_t)map_get(&b->subjects, subject);
}

bool batch_has_subject(const struct batch_effects *b, struct span subject)
{
    return batch_subject_count(b, subject) > 0;
}

bool batch_has_id(const struct batch_effects *b, struct span id)
{
    return map_has(&b->ids, id);
}

uint64_t batch_message_count(const struct batch_effects *b)
{
    return b->count;
}

uint64_t batch_bytes(const struct batch_effects *b)
{
    return b->bytes;
}

static void add_effects(struct batch_effects *b, const struct ingest *in)
{
    uintptr_t count = (uintptr_t)batch_subject_count(b, in->subject) + 1;

    map_set(&b->subjects, in->subject, (void *)count);
    if (in->headers.msg_id.len) map_set(&b->ids, in->headers.msg_id, NULL);
    b->count++;
    b->bytes += stream_message_size(in->stream, in->subject.len, in->header.len, in->body.len);
}

static void free_effects(struct batch_effects *b)
{
    map_free(&b->subjects);
    map_free(&b->ids);
}

/* ---- holding ---- */

static void free_held(struct batch *b)
{
    while (b->first) {
        struct held *h = b->first;
        b->first = h->next;
        mem_free(h);
    }
}

static void drop_batch(struct batch *b)
{
    struct stream *s = b->stream;

    timers_clear(&s->js->home->timers, &b->idle);
    map_remove(&s->batches, span_of(b->id));
    s->js->batches--;
    s->js->batch_bytes -= b->bytes;
    free_held(b);
    mem_free(b->id);
    mem_free(b);
}

void batch_drop_all(struct stream *s)
{
    while (s->batches.count) drop_batch(s->batches.entries[s->batches.count - 1].value);
    map_free(&s->batches);
}

static void on_idle(struct timer *t, void *loop)
{
    struct batch *b = CONTAINER_OF(t, struct batch, idle);

    (void)loop;
    advisory_batch_abandoned(b->stream, span_of(b->id), "timeout");
    drop_batch(b);
}

static struct span keep(char **p, struct span s)
{
    char *start = *p;

    if (s.len) memcpy(start, s.p, s.len);
    *p += s.len;
    return span_make(start, s.len);
}

static bool hold(struct batch *b, const struct ingest *in)
{
    size_t len = in->subject.len + in->header.len + in->body.len;
    struct held *h;
    char *p;

    if (b->stream->js->batch_bytes + (int64_t)len > BATCH_BYTES_MAX) return false;
    h = mem_alloc(sizeof *h + len);
    p = h->bytes;
    h->next = NULL;
    h->subject = keep(&p, in->subject);
    h->header = keep(&p, in->header);
    h->body = keep(&p, in->body);
    *b->end = h;
    b->end = &h->next;
    b->bytes += (int64_t)len;
    b->stream->js->batch_bytes += (int64_t)len;
    return true;
}

static uint64_t limit_or(int64_t configured, uint64_t otherwise)
{
    return configured > 0 ? (uint64_t)configured : otherwise;
}

static uint64_t max_messages(const struct stream *s)
{
    return limit_or(s->js->options->limits.max_batch_msgs, BATCH_MESSAGES_MAX);
}

static bool may_open(const struct stream *s)
{
    const struct jetstream_limit_options *l = &s->js->options->limits;

    return s->batches.count < limit_or(l->max_batch_inflight_per_stream, BATCH_PER_STREAM_MAX) &&
           s->js->batches < limit_or(l->max_batch_inflight_total, BATCH_TOTAL_MAX);
}

static struct batch *open_batch(struct stream *s, struct span id)
{
    struct batch *b = mem_zero(sizeof *b);

    b->stream = s;
    b->id = mem_dup_span(id);
    b->end = &b->first;
    b->idle.fire = on_idle;
    map_set(&s->batches, id, b);
    s->js->batches++;
    return b;
}

static void touch(struct batch *b)
{
    struct js *js = b->stream->js;
    int64_t idle = js->options->limits.batch_timeout_ns > 0 ? js->options->limits.batch_timeout_ns
                                                            : BATCH_IDLE_NS;

    timers_set(&js->home->timers, &b->idle, loop_now(js->home) + idle);
}

/* ---- committing ---- */

static void begin(const struct batch *b, const struct held *h, const struct ingest *outer,
                  struct ingest *in)
{
    struct inbox_msg m = { .subject = h->subject, .reply = outer->reply, .header = h->header,
                           .body = h->body, .account = outer->account };

    ingest_init_held(in, b->stream, &m);
}

/* Whether all of them may be stored; else the committer is told why not. */
static enum ingest_result check_all(struct batch *b, struct ingest *outer)
{
    struct batch_effects effects = { .count = 0 };
    enum ingest_result result = INGEST_DONE;

    for (const struct held *h = b->first; h && result == INGEST_DONE; h = h->next) {
        struct ingest in;
        begin(b, h, outer, &in);
        in.batch = &effects;
        if (in.headers.expected_last_msg_id.len) {
            result = INGEST_REFUSED;
            ingest_refuse_arg(&in, JS_ERR_ATOMIC_PUBLISH_UNSUPPORTED_HEADER_BATCH,
                              "Nats-Expected-Last-Msg-Id");
        } else if (!ingest_check(&in)) {
            result = INGEST_REFUSED;
        } else if (b->stream->config.allow_msg_counter) {
            result = counter_apply(&in);
        }
        add_effects(&effects, &in);
        ingest_fini(&in);
    }
    free_effects(&effects);
    return result;
}

/* The store took only a part of the batch: nobody has seen it yet, and it goes. */
static void take_back(struct stream *s, uint64_t before)
{
    uint64_t last = msgs_state(s->msgs).last_seq;

    for (uint64_t seq = before + 1; seq <= last; seq++) (void)stream_remove(s, seq);
    stream_log_now(s);
}

static enum ingest_result store_all(struct batch *b, struct ingest *outer, bool eob)
{
    struct stream *s = b->stream;
    uint64_t count = 0, before = msgs_state(s->msgs).last_seq;
    enum ingest_result result = INGEST_DONE;

    stream_log_batch(s, before + 1, true);
    for (const struct held *h = b->first; h && result == INGEST_DONE; h = h->next) {
        struct ingest in;
        begin(b, h, outer, &in);
        if (h->next == NULL && eob)
            ingest_set_header(&in, SPAN_LIT("Nats-Batch-Commit"), SPAN_LIT("1"));
        if (s->config.allow_msg_counter) result = counter_apply(&in);
        if (result == INGEST_DONE) result = ingest_store(&in);
        outer->seq = in.seq;
        if (in.counter_value.len) outer->counter_value = SPAN_NONE;
        ingest_fini(&in);
        count++;
    }
    if (result != INGEST_DONE) take_back(s, before);
    stream_log_batch(s, before + 1, false);     /* always: what follows does not belong to it */
    outer->batch_count = count;
    return result;
}

static void answer(struct ingest *in, const struct batch *b)
{
    struct buf out = { 0 };

    ingest_begin_ack(in, &out, in->seq);
    buf_append_text(&out, ",\"batch\":");
    jsonw_append_quoted(&out, span_of(b->id));
    buf_printf(&out, ",\"count\":%llu}", (unsigned long long)in->batch_count);
    ingest_send(in, buf_span(&out));
    buf_free(&out);
}

static enum ingest_result commit(struct batch *b, struct ingest *in, bool eob)
{
    enum ingest_result result = check_all(b, in);

    if (result == INGEST_DONE) result = store_all(b, in, eob);
    if (result == INGEST_DONE) answer(in, b);
    if (result == INGEST_LATER) {       /* held already: don't hold it twice */
        ingest_refuse_with(in, JS_ERR_ATOMIC_PUBLISH_INCOMPLETE_BATCH);
        result = INGEST_REFUSED;
    }
    drop_batch(b);
    return result;
}

/* ---- taking a message ---- */

/* What the advisory calls it; NULL: there is none. */
static const char *reason_of(enum js_err err)
{
    switch (err) {
    case JS_ERR_REQUIRED_API_LEVEL: return "unsupported";
    case JS_ERR_ATOMIC_PUBLISH_TOO_LARGE_BATCH: return "large";
    case JS_ERR_ATOMIC_PUBLISH_INCOMPLETE_BATCH:
    case JS_ERR_ATOMIC_PUBLISH_TOO_MANY_INFLIGHT: return "incomplete";
    default: return NULL;
    }
}

static enum ingest_result refuse(struct ingest *in, struct batch *b, enum js_err err)
{
    const char *reason = reason_of(err);

    if (b && reason) advisory_batch_abandoned(in->stream, span_of(b->id), reason);
    if (b) drop_batch(b);
    if (err == JS_ERR_ATOMIC_PUBLISH_TOO_LARGE_BATCH)
        ingest_refuse_number(in, err, max_messages(in->stream));
    else
        ingest_refuse_with(in, err);
    return INGEST_REFUSED;
}

/* What is looked at before the batch: JS_OK and the message's number, or why it is refused. */
static enum js_err check_first(struct ingest *in, uint64_t *seq)
{
    const struct stream_config *c = &in->stream->config;

    if (c->sealed) return JS_ERR_STREAM_SEALED;
    if (c->max_msg_size >= 0 && in->header.len + in->body.len > (uint64_t)c->max_msg_size)
        return JS_ERR_STREAM_MESSAGE_EXCEEDS_MAXIMUM;
    if (!c->allow_atomic) return JS_ERR_ATOMIC_PUBLISH_DISABLED;
    if (in->headers.batch_id.len > BATCH_ID_MAX) return JS_ERR_ATOMIC_PUBLISH_INVALID_BATCH_ID;
    if (!span_to_u64(in->headers.batch_seq, seq)) return JS_ERR_ATOMIC_PUBLISH_MISSING_SEQ;
    return JS_OK;
}

static enum js_err check_in_batch(struct ingest *in, struct batch *b, uint64_t seq, bool eob)
{
    struct span level = in->headers.required_api_level, c = in->headers.batch_commit;
    uint64_t wanted;

    if (c.p && !eob && !span_is(c, "1")) return JS_ERR_ATOMIC_PUBLISH_INVALID_BATCH_COMMIT;
    if (level.len && (!span_to_u64(level, &wanted) || wanted > JS_API_LEVEL))
        return JS_ERR_REQUIRED_API_LEVEL;
    if (++b->last != seq || (seq == 1 && eob)) return JS_ERR_ATOMIC_PUBLISH_INCOMPLETE_BATCH;
    if (seq - eob > max_messages(in->stream)) return JS_ERR_ATOMIC_PUBLISH_TOO_LARGE_BATCH;
    return JS_OK;
}

enum ingest_result batch_take(struct ingest *in)
{
    uint64_t seq;
    bool eob = span_is(in->headers.batch_commit, "eob");
    enum js_err err = check_first(in, &seq);
    struct batch *b;

    if (err != JS_OK) return refuse(in, NULL, err);
    b = map_get(&in->stream->batches, in->headers.batch_id);
    if (b == NULL && seq != 1)
        return refuse(in, NULL, seq - eob > max_messages(in->stream)
                                    ? JS_ERR_ATOMIC_PUBLISH_TOO_LARGE_BATCH
                                    : JS_ERR_ATOMIC_PUBLISH_INCOMPLETE_BATCH);
    if (b == NULL) {
        if (!may_open(in->stream))
            return refuse(in, NULL, JS_ERR_ATOMIC_PUBLISH_TOO_MANY_INFLIGHT);
        b = open_batch(in->stream, in->headers.batch_id);
    }
    err = check_in_batch(in, b, seq, eob);
    if (err != JS_OK) return refuse(in, b, err);
    ingest_remove_header(in, SPAN_LIT("Nats-Required-Api-Level"));
    if (!eob && !hold(b, in)) return refuse(in, b, JS_ERR_ATOMIC_PUBLISH_TOO_MANY_INFLIGHT);
    if (in->headers.batch_commit.p) return commit(b, in, eob);
    touch(b);
    ingest_send(in, SPAN_NONE);
    return INGEST_DONE;
}
