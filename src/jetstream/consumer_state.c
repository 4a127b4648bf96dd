/* SPDX-License-Identifier: Apache-2.0 */
/* consumer_state.c - a consumer's bytes in its stream's log: whole states and lists of steps.
 *
 * Format: docs/format/consumer.md. Bytes come from a disk: everything is checked. */
#include <jansson.h>

#include "base/log.h"
#include "base/mem.h"
#include "jetstream/consumer_priv.h"
#include "jetstream/json_in.h"
#include "jetstream/state_record.h"

#define VERSION 1
#define RUN_MAX 4096                    /* steps in one run */
#define STEPS_KEPT 4096                 /* bytes of memory kept between turns */

/* ---- steps of a turn ---- */

int64_t consumer_step_time(const struct consumer *c)
{
    if (c->replay_ns) return c->replay_ns;
    return c->steps.len ? c->steps_ns : js_now(consumer_js(c));
}

static void begin_steps(struct consumer *c)
{
    if (c->steps.len) return;
    c->steps_ns = js_now(consumer_js(c));
    buf_append_char(&c->steps, 'D');
    varint_put(&c->steps, (uint64_t)c->steps_ns);
    c->steps_seq = 0;
    consumer_make_ready(c);
}

static void put_step(struct consumer *c, char kind, uint64_t seq, uint64_t n)
{
    buf_append_char(&c->steps, kind);
    varint_put(&c->steps, zigzag((int64_t)(seq - c->steps_seq)));
    varint_put(&c->steps, n);
    c->steps_seq = seq;
}

static void end_run(struct consumer *c)
{
    struct consumer_run_of *run = &c->run;

    if (run->kind == 0) return;
    put_step(c, run->kind, run->first, run->count);
    c->steps_seq = run->first + run->count - 1;
    run->kind = 0;
}

/* Steps that move the floor look at next_seq, which passes over messages that nobody wants without
 * a step of its own. */
static void note_next_seq(struct consumer *c)
{
    if (c->steps_next_seq == c->next_seq) return;
    end_run(c);
    put_step(c, 's', c->next_seq, 0);
    c->steps_next_seq = c->next_seq;
}

static bool moves_floor(char kind)
{
    return kind == 'a' || kind == 'k' || kind == 'x';
}

void consumer_note(struct consumer *c, char kind, uint64_t seq)
{
    struct consumer_run_of *run = &c->run;

    if (!c->logs || c->wants_full) return;
    begin_steps(c);
    if (moves_floor(kind)) note_next_seq(c);
    if (run->kind == kind && run->first + run->count == seq && run->count < RUN_MAX) {
        run->count++;
        return;
    }
    end_run(c);
    *run = (struct consumer_run_of){ kind, seq, 1 };
}

void consumer_note_number(struct consumer *c, char kind, uint64_t seq, uint64_t n)
{
    if (!c->logs || c->wants_full) return;
    begin_steps(c);
    end_run(c);
    put_step(c, kind, seq, n);
}

static void forget_steps(struct consumer *c)
{
    c->run.kind = 0;
    c->steps.len = 0;
    if (c->steps.cap > STEPS_KEPT) buf_free(&c->steps);
    c->steps_next_seq = c->next_seq;
    c->wants_full = false;
}

struct span consumer_steps(struct consumer *c)
{
    end_run(c);
    return buf_span(&c->steps);
}

void consumer_log_turn(struct consumer *c)
{
    uint64_t position;

    if (!c->logs) return;
    if (c->wants_full) {
        consumer_log_full(c, &position);
    } else if (c->steps.len) {
        uint64_t next = c->steps_next_seq;
        stream_log_consumer(c->stream, consumer_name(c), consumer_steps(c));
        if (c->steps.len == 0) return;  /* a checkpoint was due and has it all */
        forget_steps(c);
        c->steps_next_seq = next;
    }
}

/* ---- whole states ---- */

static void put_skip(const struct skip_list *skip, struct buf *out)
{
    uint64_t before = 0;

    varint_put(out, skip ? skip->count - skip->at : 0);
    if (skip == NULL) return;
    varint_put(out, skip->resume);
    for (size_t i = skip->at; i < skip->count; i++) {
        varint_put(out, skip->seqs[i] - before);
        before = skip->seqs[i];
    }
}

static void put_waiting(const struct pending *p, struct buf *out)
{
    uint64_t seq = 0, delivery = 0;
    int64_t time_ns = 0;

    varint_put(out, p->count);
    for (const struct pending_entry *e = pending_first(p); e; e = pending_next(p, e)) {
        varint_put(out, e->seq - seq);
        varint_put(out, zigzag((int64_t)(e->delivery - delivery)));
        varint_put(out, zigzag((int64_t)((uint64_t)e->time_ns - (uint64_t)time_ns)));
        varint_put(out, e->redelivered);
        seq = e->seq;
        delivery = e->delivery;
        time_ns = e->time_ns;
    }
}

static void put_exhausted(const struct pending *p, struct buf *out)
{
    varint_put(out, p->total - p->count);
    for (uint32_t i = 0; i < p->used; i++) {
        const struct pending_entry *e = pending_at(p, i);
        if (e == NULL || e->waits) continue;
        varint_put(out, e->seq);
        varint_put(out, e->delivery);
        varint_put(out, e->redelivered);
    }
}

void consumer_encode(struct consumer *c, struct buf *body)
{
    struct buf json = { 0 };
    struct jsonw w = jsonw_start(&json);

    if (!c->logs) return;
    consumer_config_write(&c->config, &w, NULL);
    buf_append_char(body, 'F');
    buf_append_char(body, VERSION);
    varint_put(body, json.len);
    buf_append_span(body, buf_span(&json));
    buf_free(&json);
    varint_put(body, (uint64_t)c->created_ns);
    varint_put(body, c->next_seq);
    varint_put(body, c->next_delivery);
    varint_put(body, c->delivered_seq);
    varint_put(body, c->floor_seq);
    varint_put(body, c->floor_delivery);
    varint_put(body, (uint64_t)c->delivered_ns);
    varint_put(body, (uint64_t)c->acked_ns);
    put_skip(c->skip, body);
    put_waiting(&c->pending, body);
    put_exhausted(&c->pending, body);
    forget_steps(c);                    /* they are part of it now */
}

void consumer_log_full(struct consumer *c, uint64_t *position)
{
    struct buf body = { 0 };

    *position = STORE_NO_POSITION;
    if (!c->logs) return;
    consumer_encode(c, &body);
    *position = stream_log_consumer(c->stream, consumer_name(c), buf_span(&body));
    buf_free(&body);
}

/* ---- reading a whole state ---- */

static bool take_number(struct span *rest, int64_t *n)
{
    uint64_t value;

    if (!varint_take(rest, &value) || value > INT64_MAX) return false;
    *n = (int64_t)value;
    return true;
}

static bool take_skip(struct consumer *c, struct span *rest)
{
    struct skip_list *skip;
    uint64_t count, resume, step, seq = 0;

    if (!varint_take(rest, &count)) return false;
    if (count == 0) return true;
    if (count > rest->len || !varint_take(rest, &resume)) return false;
    skip = c->skip = mem_zero(sizeof *skip);
    skip->resume = resume;
    skip->count = (size_t)count;
    skip->seqs = mem_zero((size_t)count * sizeof *skip->seqs);
    for (size_t i = 0; i < skip->count; i++) {
        if (!varint_take(rest, &step) || step == 0 || step > INT64_MAX - seq) return false;
        skip->seqs[i] = seq += step;
    }
    return resume <= INT64_MAX;
}

static bool take_waiting(struct pending *p, struct span *rest)
{
    uint64_t count, step, delivery, ns, redelivered;
    uint64_t seq = 0, delivery_before = 0, ns_before = 0;

    if (!varint_take(rest, &count) || count > rest->len / 4) return false;
    for (uint64_t i = 0; i < count; i++) {
        struct pending_entry *e;
        if (!varint_take(rest, &step) || !varint_take(rest, &delivery) ||
            !varint_take(rest, &ns) || !varint_take(rest, &redelivered) || step == 0 ||
            step > INT64_MAX - seq || redelivered > UINT32_MAX)
            return false;
        e = pending_add(p, seq += step);
        e->delivery = delivery_before += (uint64_t)unzigzag(delivery);
        e->time_ns = (int64_t)(ns_before += (uint64_t)unzigzag(ns));
        pending_set_count(p, e, (uint32_t)redelivered);
    }
    return true;
}

static bool take_exhausted(struct pending *p, struct span *rest)
{
    uint64_t count, seq, delivery, redelivered;

    if (!varint_take(rest, &count) || count > rest->len / 3) return false;
    for (uint64_t i = 0; i < count; i++) {
        struct pending_entry *e;
        if (!varint_take(rest, &seq) || !varint_take(rest, &delivery) ||
            !varint_take(rest, &redelivered) || seq == 0 || redelivered > UINT32_MAX ||
            pending_find(p, seq))
            return false;
        e = pending_add(p, seq);
        e->delivery = delivery;
        pending_set_count(p, e, (uint32_t)redelivered);
        pending_exhaust(p, e);
    }
    return true;
}

static bool take_full(struct consumer *c, struct span rest, struct span *config)
{
    uint64_t length;

    if (rest.len < 2 || rest.p[1] != VERSION) return false;
    rest = span_from(rest, 2);
    if (!varint_take(&rest, &length) || length > rest.len) return false;
    *config = span_make(rest.p, (size_t)length);
    rest = span_from(rest, (size_t)length);
    consumer_progress_free(c);
    return take_number(&rest, &c->created_ns) && varint_take(&rest, &c->next_seq) &&
           varint_take(&rest, &c->next_delivery) && varint_take(&rest, &c->delivered_seq) &&
           varint_take(&rest, &c->floor_seq) && varint_take(&rest, &c->floor_delivery) &&
           take_number(&rest, &c->delivered_ns) && take_number(&rest, &c->acked_ns) &&
           take_skip(c, &rest) && take_waiting(&c->pending, &rest) &&
           take_exhausted(&c->pending, &rest) && c->next_seq > 0 && c->next_delivery > 0;
}

/* ---- replaying steps ---- */

static void replay_one(struct consumer *c, char kind, uint64_t seq)
{
    struct pending_entry *e = kind == 'd' || kind == 'z' ? NULL : pending_find(&c->pending, seq);

    if (kind == 'd') progress_deliver(c, seq, c->replay_ns);
    else if (kind == 'z' && c->skip) progress_skip(c);
    else if (kind == 'a') (void)progress_ack(c, seq, 0, NULL);
    else if (e == NULL) return;
    else if (kind == 'r') progress_redeliver(c, e, c->replay_ns);
    else if (kind == 'x') progress_exhaust(c, e);
    else if (kind == 'k') progress_drop(c, e);
}

/* False: no such step. */
static bool replay_step(struct consumer *c, char kind, uint64_t seq, uint64_t n)
{
    struct pending_entry *e;

    switch (kind) {
    case 's':
        c->next_seq = seq;
        return true;
    case 'A':
        (void)progress_ack(c, seq, n, NULL);
        return true;
    case 'n':
        e = pending_find(&c->pending, seq);
        if (e) e->time_ns = (int64_t)n;
        return true;
    case 'd': case 'z': case 'a': case 'r': case 'x': case 'k':
        if (n == 0 || n > RUN_MAX) return false;
        for (uint64_t i = 0; i < n; i++) replay_one(c, kind, seq + i);
        return true;
    default:
        return false;
    }
}

static bool take_steps(struct consumer *c, struct span rest)
{
    uint64_t step, n, seq = 0;
    bool good = true;

    rest = span_from(rest, 1);
    if (!take_number(&rest, &c->replay_ns)) return false;
    if (c->replay_ns == 0) c->replay_ns = 1;
    while (good && rest.len) {
        char kind = rest.p[0];
        rest = span_from(rest, 1);
        good = varint_take(&rest, &step) && varint_take(&rest, &n);
        if (!good) break;
        seq += (uint64_t)unzigzag(step);
        good = seq > 0 && seq < INT64_MAX && replay_step(c, kind, seq, n);
        if (kind != 's' && kind != 'A' && kind != 'n') seq += n - 1;
    }
    c->replay_ns = 0;
    return good;
}

enum status consumer_state_apply(struct consumer *c, struct span body, struct span *config)
{
    bool good = false;

    *config = SPAN_NONE;
    if (body.len && body.p[0] == 'F') good = take_full(c, body, config);
    else if (body.len && body.p[0] == 'D' && c->next_seq) good = take_steps(c, body);
    return good ? ST_OK : ST_BAD_INPUT;
}

void consumer_progress_free(struct consumer *c)
{
    pending_free(&c->pending);
    if (c->skip) mem_free(c->skip->seqs);
    mem_free(c->skip);
    c->skip = NULL;
}

/* ---- recovery ---- */

static bool read_config(struct consumer_config *config, struct span text)
{
    struct stream_config_rules rules = { .strict = false, .max_payload = INT64_MAX,
                                         .account_max_ack_pending = -1,
                                         .account_stream_max_bytes = -1 };
    struct error why;
    struct js_error e;
    json_t *tree = json_in_parse(text, &why);
    bool good = tree && consumer_config_parse(config, tree, &rules, &e) == JS_OK;

    json_decref(tree);
    return good;
}

/* Progress as it was read into from, whose memory c takes over. */
static void take_progress(struct consumer *c, const struct consumer *from)
{
    consumer_progress_free(c);
    c->created_ns = from->created_ns;
    c->next_seq = from->next_seq;
    c->next_delivery = from->next_delivery;
    c->delivered_seq = from->delivered_seq;
    c->floor_seq = from->floor_seq;
    c->floor_delivery = from->floor_delivery;
    c->delivered_ns = from->delivered_ns;
    c->acked_ns = from->acked_ns;
    c->pending = from->pending;
    c->skip = from->skip;
}

static enum status recover_full(struct stream *s, struct span name, struct span body)
{
    struct consumer *c = map_get(&s->consumers, name), fresh = { .stream = s };
    struct consumer_config config = { 0 };
    struct span json;

    if (consumer_state_apply(&fresh, body, &json) != ST_OK || !read_config(&config, json)) {
        consumer_config_free(&config);
        consumer_progress_free(&fresh);
        return ST_BAD_INPUT;
    }
    if (c == NULL) {
        c = consumer_alloc(s, &config);
        map_set(&s->consumers, name, c);
    } else {
        consumer_config_free(&c->config);
        c->config = config;
        consumer_compile(c);
    }
    take_progress(c, &fresh);
    return ST_OK;
}

enum status consumer_recover(struct stream *s, struct span name, struct span body)
{
    struct consumer *c = map_get(&s->consumers, name);
    struct span none;

    if (body.len && body.p[0] == 'F') return recover_full(s, name, body);
    return c ? consumer_state_apply(c, body, &none) : ST_BAD_INPUT;
}

/* A crash may have kept a message's removal but not what this consumer noted of it. */
static void reconcile(struct consumer *c)
{
    struct msgs_state state = msgs_state(c->stream->msgs);
    struct pending_entry *e;

    if (c->next_seq > state.last_seq + 1) {
        log_warn("JetStream consumer '%s > %s > %.*s' was ahead of its stream",
                 c->stream->account->account->name, c->stream->config.name,
                 SPAN_ARG(consumer_name(c)));
        c->next_seq = state.last_seq + 1;
        if (c->floor_seq > state.last_seq) c->floor_seq = state.last_seq;
        if (c->delivered_seq > state.last_seq) c->delivered_seq = state.last_seq;
    }
    if (c->next_seq < state.first_seq) c->next_seq = state.first_seq;
    for (uint32_t i = 0; i < c->pending.used; i++) {
        e = pending_at(&c->pending, i);
        if (e && msgs_get(c->stream->msgs, e->seq) == NULL) progress_drop(c, e);
    }
}

void consumer_recovered(struct consumer *c)
{
    reconcile(c);
    c->steps_next_seq = c->next_seq;
    consumer_recount(c);
    consumer_start(c);
}
