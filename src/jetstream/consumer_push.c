/* SPDX-License-Identifier: Apache-2.0 */
/* consumer_push.c - a deliver subject: whether anybody listens, flow control, heartbeats. */
#include <stdio.h>

#include "base/duration.h"
#include "jetstream/consumer_priv.h"
#include "proto/header.h"
#include "proto/subject.h"

#define WINDOW_MAX (INT64_C(32) * 1024 * 1024)  /* bytes on their way */
#define WINDOW_FIRST (WINDOW_MAX / 16)

static struct account *account_of(const struct consumer *c)
{
    return c->stream->account->account;
}

static struct span subject_of(const struct consumer *c)
{
    return span_of(c->config.deliver_subject);
}

/* ---- interest ---- */

void push_set_active(struct consumer *c, bool active)
{
    int64_t now = consumer_js(c)->home->now_ns;

    if (active && !c->active) consumer_make_ready(c);
    c->active = active;
    if (active) consumer_clear_due(c, DUE_INACTIVE);
    else if (c->inactive_ns && c->due[DUE_INACTIVE] == DUE_NEVER)
        consumer_set_due(c, DUE_INACTIVE, duration_sum(now, c->inactive_ns));
}

void consumer_on_interest(struct consumer *c)
{
    bool active;

    if (!consumer_config_is_push(&c->config)) return;
    active = js_has_interest(consumer_js(c), account_of(c), subject_of(c));
    if (active != c->active) push_set_active(c, active);
}

static void arm_heartbeat(struct consumer *c)
{
    if (c->config.idle_heartbeat == 0) return;
    c->due[DUE_HEARTBEAT] = DUE_NEVER;
    consumer_set_due(c, DUE_HEARTBEAT,
                     duration_sum(consumer_js(c)->home->now_ns, c->config.idle_heartbeat));
}

void push_start(struct consumer *c)
{
    if (c->config.flow_control) {
        c->window.limit = WINDOW_MAX;
        c->window.size = WINDOW_FIRST;
    }
    push_set_active(c, js_has_interest(consumer_js(c), account_of(c), subject_of(c)));
    arm_heartbeat(c);
    consumer_make_ready(c);
}

bool push_may_send(const struct consumer *c)
{
    return c->active && (c->window.size == 0 || c->window.held <= c->window.size);
}

/* ---- heartbeats ---- */

void consumer_send_heartbeat(struct consumer *c, struct account *a, struct span subject)
{
    struct js_message m = { .account = a, .subject = subject };
    char text[1024];
    int length;

    length = snprintf(text, sizeof text,
                      "NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: %llu\r\n"
                      "Nats-Last-Stream: %llu\r\n",
                      (unsigned long long)(c->next_delivery - 1),
                      (unsigned long long)(c->next_seq - 1));
    if (c->window.id[0])
        length += snprintf(text + length, sizeof text - (size_t)length,
                           "Nats-Consumer-Stalled: $JS.FC.%s.%.*s.%s\r\n",
                           c->stream->config.name, SPAN_ARG(consumer_name(c)), c->window.id);
    length += snprintf(text + length, sizeof text - (size_t)length, "\r\n");
    m.header = span_make(text, (size_t)length);
    js_send(consumer_js(c), &m);
}

static void send_flow_control(struct consumer *c);

void push_on_heartbeat_due(struct consumer *c)
{
    if (c->active) {
        consumer_send_heartbeat(c, account_of(c), subject_of(c));
        if (c->config.ack == JS_ACK_FLOW_CONTROL && c->pending.count && !c->window.id[0])
            send_flow_control(c);
    }
    arm_heartbeat(c);
}

/* ---- flow control ---- */

static void send_flow_control(struct consumer *c)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    static const char text[] = "NATS/1.0 100 FlowControl Request\r\n\r\n";
    char reply[sizeof "$JS.FC..." + 2 * JS_NAME_MAX + 8];
    struct js_message m = { .account = account_of(c), .subject = subject_of(c),
                            .header = { text, sizeof text - 1 } };
    struct rng *rng = &consumer_js(c)->home->rng;

    for (size_t i = 0; i < 4; i++) c->window.id[i] = digits[rng_below(rng, 62)];
    c->window.requested = c->window.held;
    snprintf(reply, sizeof reply, "$JS.FC.%s.%.*s.%s", c->stream->config.name,
             SPAN_ARG(consumer_name(c)), c->window.id);
    m.reply = span_of(reply);
    js_send(consumer_js(c), &m);
}

static bool needs_flow_control(struct consumer *c, int64_t size)
{
    struct push_window *w = &c->window;

    if (w->id[0]) {
        if (w->held - w->requested >= w->size) w->requested += size;
        return false;
    }
    if (w->held > w->size / 2) return true;
    return c->config.ack == JS_ACK_FLOW_CONTROL && c->config.max_ack_pending > 0 &&
           c->pending.count >= (uint64_t)c->config.max_ack_pending;
}

void push_delivered(struct consumer *c, int64_t size)
{
    arm_heartbeat(c);
    if (c->window.size == 0) return;
    c->window.held += size;
    if (needs_flow_control(c, size)) send_flow_control(c);
}

/* The client has taken everything up to the request. */
static void open_window(struct consumer *c)
{
    struct push_window *w = &c->window;

    if (w->size < w->limit) w->size *= 2;
    if (w->size > w->limit) w->size = w->limit;
    w->held -= w->requested;
    if (w->held < 0) w->held = 0;
    w->requested = 0;
    w->id[0] = '\0';
    consumer_make_ready(c);
}

/* The tokens from "$JS.FC" on: stream, consumer, id; version 2 has domain and account hash before
 * them. */
static bool cut_subject(struct span subject, struct span tokens[3])
{
    struct span all[8], token;
    struct subject_cursor cursor = subject_cursor(subject);
    size_t count = 0;

    while (subject_next(&cursor, &token)) {
        if (count == COUNT_OF(all)) return false;
        all[count++] = token;
    }
    if (count != 5 && count != 7) return false;
    for (size_t i = 0; i < 3; i++) tokens[i] = all[count - 3 + i];
    return true;
}

bool consumer_handle_flow(struct inbox_target *t, const struct inbox_msg *m)
{
    struct span tokens[3], value;
    struct consumer *c;
    struct stream *s;
    uint64_t seq = 0, delivery = 0;
    bool open;

    if (!cut_subject(m->subject, tokens)) return true;
    s = js_stream_find(t->owner, tokens[0]);
    c = s ? map_get(&s->consumers, tokens[1]) : NULL;
    if (c == NULL || c->window.id[0] == '\0' || !span_is(tokens[2], c->window.id)) return true;
    open_window(c);
    open = c->config.ack == JS_ACK_FLOW_CONTROL && m->header.len;
    if (!open || !header_find(m->header, SPAN_LIT("Nats-Last-Stream"), &value) ||
        !span_to_u64(value, &seq) || seq == 0)
        return true;
    if (header_find(m->header, SPAN_LIT("Nats-Last-Consumer"), &value))
        (void)span_to_u64(value, &delivery);
    consumer_acknowledge(c, seq, delivery);
    return true;
}
