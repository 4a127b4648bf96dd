/* SPDX-License-Identifier: Apache-2.0 */
/* consumer_deliver.c - the next message, when it may leave, what it looks like; redelivery.
 *
 * The path per message allocates nothing and looks nothing up twice. */
#include <stdio.h>

#include "base/duration.h"
#include "base/log.h"
#include "jetstream/consumer_priv.h"

#define SCAN_BUDGET 65536               /* entries looked at in one turn */
#define WAIT_EXTRA_NS NS_PER_MS         /* an acknowledgement may come so late */
#define REPLAY_LEAST_NS NS_PER_MS       /* gaps below this are not waited for */
#define CHECK_LEAST_NS NS_PER_MS        /* between two looks at what is pending ... */
#define CHECK_ENTRY_NS 100              /* ... and so much for each that is */
#define NUMBERS_MAX 110                 /* five numbers and their dots */

enum outcome {
    OUTCOME_SENT, OUTCOME_OUT,          /* no message */
    OUTCOME_FULL,                       /* too many are not acknowledged */
    OUTCOME_STOPPED,                    /* somebody will make it ready again */
    OUTCOME_BUSY                        /* its share of the turn is used up */
};

struct candidate {
    uint64_t seq, deliveries;
    struct pending_entry *again;        /* NULL: its first delivery */
};

/* ---- the next message ---- */

/* The first of those to be delivered again that may be and is there. */
static bool next_again(struct consumer *c, struct candidate *out)
{
    struct pending_entry *e;

    while ((e = pending_first_queued(&c->pending)) != NULL) {
        uint64_t deliveries = (uint64_t)e->redelivered + 2;
        if (c->config.max_deliver > 0 && deliveries > (uint64_t)c->config.max_deliver) {
            if (deliveries == (uint64_t)c->config.max_deliver + 1)
                advise_exceeded(c, e->seq, deliveries - 1);
            progress_exhaust(c, e);
            continue;
        }
        if (msgs_get(c->stream->msgs, e->seq) == NULL) {
            progress_drop(c, e);
            continue;
        }
        *out = (struct candidate){ e->seq, deliveries, e };
        return true;
    }
    return false;
}

static enum outcome next_new(struct consumer *c, struct candidate *out)
{
    uint64_t visible = c->stream->visible, budget = SCAN_BUDGET, at = 0, seq;

    while (c->skip) {
        seq = c->skip->seqs[c->skip->at];
        if (seq > visible) return OUTCOME_OUT;
        if (msgs_get(c->stream->msgs, seq)) break;
        progress_skip(c);
    }
    if (c->next_seq > visible) return OUTCOME_OUT;
    if (c->skip) seq = c->next_seq = c->skip->seqs[c->skip->at];
    else if (c->filter == NULL) seq = msgs_next(c->stream->msgs, c->next_seq);
    else seq = msgs_next_match(c->stream->msgs, c->filter, c->next_seq, &budget, &at);
    if (seq == 0 && c->filter && budget == 0) {
        c->next_seq = at <= visible ? at : visible + 1;
        return OUTCOME_BUSY;
    }
    if (seq == 0 || seq > visible) {
        c->next_seq = visible + 1;
        return OUTCOME_OUT;
    }
    *out = (struct candidate){ seq, 1, NULL };
    return OUTCOME_SENT;
}

static enum outcome choose(struct consumer *c, struct candidate *out)
{
    int64_t max = c->config.max_ack_pending;

    if (c->pending.queued && next_again(c, out)) return OUTCOME_SENT;
    if (max > 0 && c->pending.count >= (uint64_t)max) return OUTCOME_FULL;
    return next_new(c, out);
}

/* ---- when ---- */

static void delay(struct consumer *c, int64_t ns)
{
    consumer_set_due(c, DUE_DELAY, duration_sum(consumer_js(c)->home->now_ns, ns));
}

/* The original pace: wait as long as passed between the message before and this one. */
static bool waits_for_pace(struct consumer *c, const struct store_record *r)
{
    int64_t gap = duration_sum(r->time_ns, -c->replayed_ns);

    if (!c->replays) return false;
    if (c->next_seq > c->replay_to) {
        c->replays = false;
        return false;
    }
    if (c->replayed_ns == 0) gap = 0;
    c->replayed_ns = r->time_ns;
    if (gap <= REPLAY_LEAST_NS) return false;
    delay(c, gap);
    return true;
}

/* How long so many bytes take at a rate in bits per second. */
static int64_t time_at_rate(int64_t bytes, uint64_t rate)
{
    double ns = (double)bytes * 8 / (double)rate * (double)NS_PER_S;

    return ns < (double)(INT64_MAX / 4) ? (int64_t)ns : INT64_MAX / 4;
}

static bool waits_for_rate(struct consumer *c, int64_t size)
{
    const struct js *js = consumer_js(c);
    uint64_t rate = c->config.rate_limit_bps;
    int64_t now = js->home->now_ns, burst = c->stream->config.max_msg_size;

    if (rate == 0) return false;
    if (c->rate_free_ns > now) {
        delay(c, c->rate_free_ns - now);
        return true;
    }
    if (burst <= 0) burst = js->options_ref->options->max_payload;
    burst = time_at_rate(burst, rate);
    if (c->rate_free_ns < now - burst) c->rate_free_ns = now - burst;
    c->rate_free_ns += time_at_rate(size, rate);
    return false;
}

/* ---- what it looks like ---- */

static char *put_number(char *p, uint64_t n)
{
    char digits[20];
    size_t at = sizeof digits;

    do digits[--at] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    memcpy(p, digits + at, sizeof digits - at);
    return p + (sizeof digits - at);
}

/* The subject that the message is acknowledged to; ADR-15. */
static struct span ack_subject(struct consumer *c, const struct candidate *n,
                               const struct store_record *r, char *out)
{
    uint64_t pending = consumer_pending(c);
    char *p = out + c->ack_prefix_len;

    if (n->again == NULL && pending > 0) pending--;
    memcpy(out, c->ack_prefix, c->ack_prefix_len);
    p = put_number(p, n->deliveries);
    *p++ = '.';
    p = put_number(p, n->seq);
    *p++ = '.';
    p = put_number(p, c->next_delivery);
    *p++ = '.';
    p = put_number(p, (uint64_t)r->time_ns);
    *p++ = '.';
    p = put_number(p, pending);
    return span_make(out, (size_t)(p - out));
}

/* A header with one more line. */
static void add_header(struct buf *out, struct span header, const char *key, struct span value)
{
    out->len = 0;
    if (header.len < 2) buf_append_text(out, "NATS/1.0\r\n");
    else buf_append(out, header.p, header.len - 2);
    buf_printf(out, "%s: %.*s\r\n\r\n", key, SPAN_ARG(value));
}

static void shape(struct consumer *c, struct js_message *m, struct buf *header)
{
    char size[24];

    if (!c->config.headers_only) return;
    snprintf(size, sizeof size, "%zu", m->body.len);
    add_header(header, m->header, "Nats-Msg-Size", span_of(size));
    m->header = buf_span(header);
    m->body = SPAN_NONE;
}

static void pin(struct consumer *c, struct js_message *m, struct buf *header)
{
    struct buf text = { 0 };

    add_header(&text, m->header, "Nats-Pin-Id", span_of(c->pin_id));
    buf_free(header);
    *header = text;
    m->header = buf_span(header);
}

/* ---- delivering ---- */

static int64_t size_of(const struct js_message *m)
{
    return (int64_t)(m->shown_subject.len + m->reply.len + m->header.len + m->body.len);
}

static void note_delivered(struct consumer *c, struct candidate *n)
{
    int64_t now = consumer_step_time(c);

    c->used_ns = consumer_js(c)->home->now_ns;
    if (n->again) {
        consumer_arm_redelivery(c, n->again->redelivered + 1);
        progress_redeliver(c, n->again, now);
        return;
    }
    c->counted--;
    progress_deliver(c, n->seq, now);
    if (c->config.ack != JS_ACK_NONE) consumer_arm_redelivery(c, 0);
    else if (c->stream->config.retention != JS_RETENTION_LIMITS)
        stream_consumer_done(c->stream, n->seq);
}

static enum outcome push_message(struct consumer *c, struct candidate *n, struct js_message *m)
{
    int64_t size = size_of(m);

    m->account = c->stream->account->account;
    m->subject = span_of(c->config.deliver_subject);
    if (waits_for_rate(c, size)) return OUTCOME_STOPPED;
    if (js_send(consumer_js(c), m) == 0) {
        push_set_active(c, false);
        return OUTCOME_STOPPED;
    }
    note_delivered(c, n);
    push_delivered(c, size);
    return push_may_send(c) ? OUTCOME_SENT : OUTCOME_STOPPED;
}

static enum outcome pull_message(struct consumer *c, struct candidate *n, struct js_message *m,
                                 struct buf *header)
{
    struct pull_request *r;
    bool pinned = false;

    while ((r = pull_next(c, size_of(m))) != NULL) {
        if (c->config.priority == JS_PRIORITY_PINNED_CLIENT && !pinned) {
            pin(c, m, header);
            pinned = true;
        }
        m->account = r->account;
        m->subject = span_make(r->reply, r->reply_len);
        if (js_send(consumer_js(c), m) > 0) {
            note_delivered(c, n);
            pull_delivered(c, r);
            return c->request_count ? OUTCOME_SENT : OUTCOME_STOPPED;
        }
        pull_drop(c, r);
    }
    return c->request_count ? OUTCOME_OUT : OUTCOME_STOPPED;
}

static enum outcome send(struct consumer *c, struct candidate *n, const struct store_record *r)
{
    char reply[sizeof "$JS.ACK.." + 2 * JS_NAME_MAX + NUMBERS_MAX];
    struct js_message m = { .shown_subject = r->subject, .header = r->header, .body = r->body };
    struct buf header = { 0 };
    enum outcome result;

    if (c->ack_prefix_len + NUMBERS_MAX > sizeof reply) return OUTCOME_OUT;
    m.reply = ack_subject(c, n, r, reply);
    shape(c, &m, &header);
    result = consumer_config_is_push(&c->config) ? push_message(c, n, &m)
                                                 : pull_message(c, n, &m, &header);
    buf_free(&header);
    return result;
}

/* The record is lost: it counts as if it had been removed. */
static void pass_over(struct consumer *c, struct candidate *n)
{
    log_error("JetStream consumer '%s > %s > %.*s': message %llu can't be read",
              c->stream->account->account->name, c->stream->config.name,
              SPAN_ARG(consumer_name(c)), (unsigned long long)n->seq);
    if (n->again) {
        progress_drop(c, n->again);
        return;
    }
    c->counted--;
    if (c->skip) progress_skip(c);
    else c->next_seq = n->seq + 1;
}

static enum outcome deliver_one(struct consumer *c)
{
    struct candidate n = { 0, 0, NULL };
    struct store_record r;
    enum outcome result = choose(c, &n);

    if (result != OUTCOME_SENT) return result;
    switch (stream_read(c->stream, n.seq, &r, &c->read)) {
    case ST_OK:
        if (waits_for_pace(c, &r)) return OUTCOME_STOPPED;
        return send(c, &n, &r);
    case ST_AGAIN:
        c->reading = true;
        return OUTCOME_STOPPED;
    default:
        pass_over(c, &n);
        return OUTCOME_SENT;
    }
}

static void read_ahead(struct consumer *c)
{
    const struct msg_entry *e = msgs_get(c->stream->msgs, c->next_seq);

    if (e) c->stream->log->ops->read_ahead(c->stream->log, e->loc);
}

/* True: something is left to do. */
static bool deliver(struct consumer *c, unsigned budget)
{
    bool push = consumer_config_is_push(&c->config);
    enum outcome result = OUTCOME_SENT;

    if (c->reading || c->due[DUE_DELAY] != DUE_NEVER || consumer_is_paused(c)) return false;
    if (push ? !push_may_send(c) : c->request_count == 0) return false;
    for (unsigned n = 0; n < budget && result == OUTCOME_SENT; n++) result = deliver_one(c);
    if (result == OUTCOME_SENT) read_ahead(c);
    if (result == OUTCOME_OUT) stream_wait_visible(c->stream, &c->waiter);
    if (result == OUTCOME_OUT && c->no_wait_count) pull_check(c, true);
    return result == OUTCOME_SENT || result == OUTCOME_BUSY;
}

static void send_replies(struct consumer *c)
{
    struct span rest = buf_span(&c->replies);

    while (rest.len) {
        struct js_message m = { .account = NULL };
        uint16_t length;
        memcpy(&m.account, rest.p, sizeof m.account);
        memcpy(&length, rest.p + sizeof m.account, sizeof length);
        rest = span_from(rest, sizeof m.account + sizeof length);
        m.subject = span_make(rest.p, length);
        rest = span_from(rest, length);
        js_send_when(consumer_js(c), c->stream->position, &m);
    }
    c->replies.len = 0;
}

bool consumer_run(struct consumer *c, unsigned budget)
{
    bool more = deliver(c, budget);

    consumer_log_turn(c);
    if (c->replies.len) {
        if (c->stream->removed.len) stream_log_now(c->stream);
        send_replies(c);
    }
    if (list_is_linked(&c->ready)) {    /* what it did made it ready again */
        list_remove(&c->ready);
        more = true;
    }
    return more;
}

/* ---- redelivery ---- */

int64_t consumer_ack_wait(const struct consumer *c, uint32_t redelivered)
{
    size_t count = c->config.backoff_count;
    int64_t wait = count ? c->config.backoff[redelivered < count ? redelivered : count - 1]
                         : c->config.ack_wait;

    return duration_sum(wait, WAIT_EXTRA_NS);
}

void consumer_arm_redelivery(struct consumer *c, uint32_t redelivered)
{
    int64_t due = duration_sum(consumer_js(c)->home->now_ns, consumer_ack_wait(c, redelivered));

    if (c->config.ack_wait == 0) return;
    if (due < c->due[DUE_REDELIVERY]) consumer_set_due(c, DUE_REDELIVERY, due);
}

/* Delivered as often as may be: it is given up. */
static bool is_exhausted(struct consumer *c, struct pending_entry *e)
{
    uint64_t count = e->redelivered ? e->redelivered : 1;

    if (c->config.max_deliver <= 0 || count < (uint64_t)c->config.max_deliver) return false;
    if (count == (uint64_t)c->config.max_deliver) advise_exceeded(c, e->seq, count);
    progress_exhaust(c, e);
    return true;
}

void consumer_on_redelivery_due(struct consumer *c)
{
    int64_t wall = js_now(consumer_js(c)), now = consumer_js(c)->home->now_ns;
    int64_t least = CHECK_LEAST_NS + (int64_t)c->pending.count * CHECK_ENTRY_NS, soonest;
    struct pending_entry *e = pending_first(&c->pending), *next;
    uint32_t queued = c->pending.queued;

    if (c->config.ack_wait == 0 || e == NULL) return;
    soonest = INT64_MAX;
    for (; e; e = next) {
        int64_t wait = consumer_ack_wait(c, e->redelivered) - WAIT_EXTRA_NS;
        int64_t left = duration_sum(duration_sum(e->time_ns, wait), -wall);
        next = pending_next(&c->pending, e);
        if (e->queued) continue;
        if (left > 0) {
            if (left < soonest) soonest = left;
        } else if (!is_exhausted(c, e)) {
            pending_queue(&c->pending, e);
        }
    }
    if (c->pending.queued != queued || c->steps.len) consumer_make_ready(c);
    if (soonest == INT64_MAX) return;   /* the queued ones arm it when they are delivered */
    if (soonest < least) soonest = least;
    consumer_set_due(c, DUE_REDELIVERY, duration_sum(now, soonest));
}
