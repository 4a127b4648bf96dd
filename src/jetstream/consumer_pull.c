/* SPDX-License-Identifier: Apache-2.0 */
/* consumer_pull.c - pull requests: taken, queued, served in turn, told why they end.
 *
 * Status texts are nats-server's; clients look for them. */
#include <limits.h>
#include <stdio.h>

#include "base/duration.h"
#include "base/mem.h"
#include "base/nuid.h"
#include "jetstream/consumer_priv.h"

#define LOOK_AGAIN_NS NS_PER_S          /* at a full queue for requests that have ended */

static int64_t now_of(const struct consumer *c)
{
    return consumer_js(c)->home->now_ns;
}

/* ---- statuses ---- */

static void send_header(struct consumer *c, struct account *a, struct span reply,
                        struct span header)
{
    struct js_message m = { .account = a, .subject = reply, .header = header };

    js_send(consumer_js(c), &m);
}

void pull_send_status(struct consumer *c, struct account *a, struct span reply,
                      const char *status)
{
    struct buf text = { 0 };

    buf_printf(&text, "NATS/1.0 %s\r\n\r\n", status);
    send_header(c, a, reply, buf_span(&text));
    buf_free(&text);
}

static struct span reply_of(const struct pull_request *r)
{
    return span_make(r->reply, r->reply_len);
}

/* With what it still had to get. */
static void send_end(struct consumer *c, const struct pull_request *r, const char *status)
{
    char text[256];
    int length = snprintf(text, sizeof text,
                          "NATS/1.0 %s\r\nNats-Pending-Messages: %lld\r\n"
                          "Nats-Pending-Bytes: %lld\r\n\r\n",
                          status, (long long)r->left, (long long)r->bytes);

    send_header(c, r->account, reply_of(r), span_make(text, (size_t)length));
}

/* ---- the queue ---- */

struct list *pull_place(struct list *requests, int priority)
{
    struct list *at = requests->prev;

    while (at != requests && CONTAINER_OF(at, struct pull_request, link)->priority > priority)
        at = at->prev;
    return at->next;
}

static void enqueue(struct consumer *c, struct pull_request *r)
{
    if (c->config.priority == JS_PRIORITY_PRIORITIZED)
        list_append(pull_place(&c->requests, r->priority), &r->link);
    else
        list_append(&c->requests, &r->link);
}

static void end(struct consumer *c, struct pull_request *r)
{
    list_remove(&r->link);
    c->request_count--;
    if (r->no_wait) c->no_wait_count--;
    mem_free(r);
}

void pull_drop(struct consumer *c, struct pull_request *r)
{
    end(c, r);
}

static void cycle(struct consumer *c, struct pull_request *r)
{
    list_remove(&r->link);
    list_append(&c->requests, &r->link);
}

void pull_end(struct consumer *c, const char *status)
{
    while (!list_is_empty(&c->requests)) {
        struct pull_request *r = CONTAINER_OF(c->requests.next, struct pull_request, link);
        if (status) pull_send_status(c, r->account, reply_of(r), status);
        end(c, r);
    }
}

void pull_shutdown(struct consumer *c)
{
    while (!list_is_empty(&c->requests)) {
        struct pull_request *r = CONTAINER_OF(c->requests.next, struct pull_request, link);
        send_end(c, r, "409 Server Shutdown");
        end(c, r);
    }
}

/* ---- pinned clients ---- */

static void renew_pin(struct consumer *c)
{
    c->due[DUE_PIN] = DUE_NEVER;
    consumer_set_due(c, DUE_PIN, duration_sum(now_of(c), c->config.priority_timeout));
}

static void pin(struct consumer *c, struct pull_request *r)
{
    memcpy(c->pin_id, nuid_next(&consumer_js(c)->home->rng).text, NUID_BYTES + 1);
    c->pinned_ns = js_now(consumer_js(c));
    memcpy(r->pin_id, c->pin_id, sizeof r->pin_id);
    renew_pin(c);
    advise_pinned(c, true, NULL);
}

void pull_unpin(struct consumer *c)
{
    c->pin_id[0] = '\0';
    c->pinned_ns = 0;
    consumer_clear_due(c, DUE_PIN);
    consumer_make_ready(c);
}

void pull_on_pin_due(struct consumer *c)
{
    if (c->pin_id[0] == '\0') return;
    pull_unpin(c);
    advise_pinned(c, false, "timeout");
}

enum pin_verdict { PIN_TAKES, PIN_WAITS, PIN_WRONG };

/* *pinned: r became the pinned one. */
static enum pin_verdict check_pin(struct consumer *c, struct pull_request *r, bool *pinned)
{
    if (c->config.priority != JS_PRIORITY_PINNED_CLIENT) return PIN_TAKES;
    if (c->pin_id[0] == '\0') {
        if (r->pin_id[0]) return PIN_WRONG;
        if (r->has_group) {
            pin(c, r);
            *pinned = true;
        }
        return PIN_TAKES;
    }
    if (r->pin_id[0] == '\0') return PIN_WAITS;
    return strcmp(r->pin_id, c->pin_id) == 0 ? PIN_TAKES : PIN_WRONG;
}

/* ---- serving ---- */

static bool overflows(struct consumer *c, const struct pull_request *r)
{
    if (c->config.priority != JS_PRIORITY_OVERFLOW) return true;
    if (r->min_pending <= 0 && r->min_ack_pending <= 0) return true;
    if (r->min_pending > 0 && (uint64_t)r->min_pending <= consumer_pending(c)) return true;
    return r->min_ack_pending > 0 && (uint64_t)r->min_ack_pending <= c->pending.count;
}

/* Takes size off its bytes. False: too large. */
static bool take_bytes(struct pull_request *r, int64_t size)
{
    if (r->bytes <= 0) return true;
    if (size > r->bytes) return false;
    r->bytes -= size;
    if (r->bytes == 0) r->left = 1;
    return true;
}

struct pull_request *pull_next(struct consumer *c, int64_t size)
{
    int64_t now = now_of(c);
    uint32_t cycled = 0;

    while (c->request_count > 0) {
        struct pull_request *r = CONTAINER_OF(c->requests.next, struct pull_request, link);
        bool pinned = false;
        enum pin_verdict verdict;
        if (r->expires_ns && now >= r->expires_ns) {
            send_end(c, r, "408 Request Timeout");
            end(c, r);
            continue;
        }
        verdict = check_pin(c, r, &pinned);
        if (verdict == PIN_WRONG) {
            send_end(c, r, "423 Nats-Wrong-Pin-Id");
            end(c, r);
            continue;
        }
        if (verdict == PIN_WAITS || !overflows(c, r)) {
            cycle(c, r);
            if (++cycled >= c->request_count) return NULL;
            continue;
        }
        if (take_bytes(r, size)) return r;
        send_end(c, r, "409 Message Size Exceeds MaxBytes");
        if (pinned) pull_unpin(c);
        end(c, r);
    }
    return NULL;
}

void pull_delivered(struct consumer *c, struct pull_request *r)
{
    r->delivered++;
    r->left--;
    if (r->left > 0) {
        if (r->heartbeat_ns) r->heartbeat_due_ns = now_of(c) + r->heartbeat_ns;
        if (c->request_count > 1) {
            list_remove(&r->link);
            enqueue(c, r);
        }
        return;
    }
    if (r->bytes > 0) send_end(c, r, "409 Batch Completed");
    end(c, r);
}

/* ---- looking after those that wait ---- */

/* False: it was ended. */
static bool check_one(struct consumer *c, struct pull_request *r, bool out, int64_t now)
{
    if (r->expires_ns && now >= r->expires_ns) {
        send_end(c, r, "408 Request Timeout");
        end(c, r);
        return false;
    }
    if (out && r->no_wait && (r->expires_ns == 0 || r->delivered > 0)) {
        pull_send_status(c, r->account, reply_of(r), "404 No Messages");
        end(c, r);
        return false;
    }
    if (!js_has_interest(consumer_js(c), r->account, reply_of(r))) {
        end(c, r);
        return false;
    }
    if (r->heartbeat_ns && now >= r->heartbeat_due_ns) {
        consumer_send_heartbeat(c, r->account, reply_of(r));
        r->heartbeat_due_ns = now + r->heartbeat_ns;
    }
    return true;
}

static int64_t due_of(const struct pull_request *r)
{
    int64_t due = r->expires_ns ? r->expires_ns : DUE_NEVER;

    return r->heartbeat_ns && r->heartbeat_due_ns < due ? r->heartbeat_due_ns : due;
}

int64_t pull_check(struct consumer *c, bool out)
{
    struct list *link = c->requests.next;
    int64_t wanted = 0, due = DUE_NEVER;
    int64_t now = loop_now(consumer_js(c)->home);

    c->checked_ns = now;
    while (link != &c->requests) {
        struct pull_request *r = CONTAINER_OF(link, struct pull_request, link);
        link = link->next;
        if (!check_one(c, r, out, now)) continue;
        wanted = duration_sum(wanted, r->left);
        if (due_of(r) < due) due = due_of(r);
    }
    c->due[DUE_REQUESTS] = DUE_NEVER;
    if (due != DUE_NEVER) consumer_set_due(c, DUE_REQUESTS, due);
    return wanted;
}

/* ---- taking a request ---- */

static bool is_group(const struct consumer_config *config, const char *group)
{
    for (size_t i = 0; i < config->priority_groups.count; i++)
        if (strcmp(config->priority_groups.items[i], group) == 0) return true;
    return false;
}

/* What is wrong with the request; out holds the text where it isn't fixed. NULL: nothing. */
static const char *check_limits(const struct consumer_config *config, const struct pull_body *b,
                                struct buf *out)
{
    out->len = 0;
    if (config->max_request_batch > 0 && b->batch > config->max_request_batch) {
        buf_printf(out, "409 Exceeded MaxRequestBatch of %lld",
                   (long long)config->max_request_batch);
    } else if (b->expires_ns && config->max_request_expires > 0 &&
               b->expires_ns > config->max_request_expires) {
        buf_append_text(out, "409 Exceeded MaxRequestExpires of ");
        duration_append(out, config->max_request_expires);
    } else if (b->max_bytes > 0 && config->max_request_max_bytes > 0 &&
               b->max_bytes > config->max_request_max_bytes) {
        buf_printf(out, "409 Exceeded MaxRequestMaxBytes of %lld",
                   (long long)config->max_request_max_bytes);
    }
    return out->len ? buf_text(out) : NULL;
}

static const char *check_group(struct consumer *c, const struct pull_body *b)
{
    enum js_priority policy = c->config.priority;

    if (!b->has_group) return NULL;
    if ((b->min_pending || b->min_ack_pending) && policy != JS_PRIORITY_OVERFLOW)
        return "400 Bad Request - Not a Overflow Priority consumer";
    if (b->id && policy != JS_PRIORITY_PINNED_CLIENT)
        return "400 Bad Request - Not a Pinned Client Priority consumer";
    if (b->priority < 0 || b->priority > 9)
        return "400 Bad Request - Priority must be between 0 and 9";
    if (policy == JS_PRIORITY_NONE) return NULL;
    if (b->group == NULL) return "400 Bad Request - Priority Group missing";
    if (!is_group(&c->config, b->group)) return "400 Bad Request - Invalid Priority Group";
    if (c->pin_id[0] == '\0' || b->id == NULL) return NULL;
    if (strcmp(b->id, c->pin_id) != 0) return "423 Nats-Pin-Id mismatch";
    renew_pin(c);
    return NULL;
}

/* No waiting: refused when there is nothing, or less than others wait for. */
static const char *check_no_wait(struct consumer *c, const struct pull_body *b)
{
    uint64_t pending;

    if (!b->no_wait) return NULL;
    pending = consumer_pending(c) + c->pending.queued;
    if (pending == 0) return b->expires_ns ? NULL : "404 No Messages";
    return pending < (uint64_t)pull_check(c, false) ? "408 Requests Pending" : NULL;
}

static struct pull_request *make_request(struct consumer *c, struct account *a, struct span reply,
                                         const struct pull_body *b)
{
    struct pull_request *r = mem_zero(sizeof *r + reply.len);
    int64_t now = loop_now(consumer_js(c)->home);

    r->account = a;
    r->left = b->batch > INT64_MIN ? b->batch : -INT64_MAX;
    r->bytes = b->max_bytes > 0 ? b->max_bytes : 0;
    if (b->expires_ns)
        r->expires_ns = duration_sum(now, b->expires_ns);
    r->heartbeat_ns = b->heartbeat_ns;
    if (b->heartbeat_ns) r->heartbeat_due_ns = now + b->heartbeat_ns;
    r->min_pending = b->min_pending;
    r->min_ack_pending = b->min_ack_pending;
    r->priority = b->has_group ? (int)b->priority : INT_MAX;
    r->has_group = b->group != NULL;
    r->no_wait = b->no_wait;
    if (b->id) snprintf(r->pin_id, sizeof r->pin_id, "%s", b->id);
    r->reply_len = (uint16_t)reply.len;
    memcpy(r->reply, reply.p, reply.len);
    return r;
}

static void add(struct consumer *c, struct pull_request *r)
{
    int64_t due = due_of(r);

    enqueue(c, r);
    c->request_count++;
    if (r->no_wait) c->no_wait_count++;
    if (due < c->due[DUE_REQUESTS]) consumer_set_due(c, DUE_REQUESTS, due);
    consumer_make_ready(c);
}

static bool is_full(const struct consumer *c)
{
    return c->config.max_waiting > 0 && c->request_count >= (uint64_t)c->config.max_waiting;
}

static void take(struct consumer *c, struct account *a, struct span reply,
                 const struct pull_body *b)
{
    struct buf text = { 0 };
    const char *wrong = check_limits(&c->config, b, &text);

    if (wrong == NULL) wrong = check_group(c, b);
    if (wrong == NULL) {
        c->used_ns = now_of(c);
        if (is_full(c) && c->used_ns - c->checked_ns > LOOK_AGAIN_NS) pull_check(c, false);
        wrong = check_no_wait(c, b);
    }
    if (wrong == NULL && is_full(c)) {
        wrong = "409 Exceeded MaxWaiting";
        if (b->heartbeat_ns) reply = SPAN_NONE;         /* the client asks again by itself */
    }
    if (wrong && reply.len) pull_send_status(c, a, reply, wrong);
    if (wrong == NULL) add(c, make_request(c, a, reply, b));
    buf_free(&text);
}

void pull_handle(struct consumer *c, struct account *a, struct span reply, struct span body)
{
    struct pull_body b;
    struct buf why = { 0 };

    if (reply.len == 0) return;
    if (consumer_config_is_push(&c->config)) {
        pull_send_status(c, a, reply, "409 Consumer is push based");
        return;
    }
    if (pull_body_read(&b, body, &why)) {
        take(c, a, reply, &b);
    } else {
        struct buf text = { 0 };
        buf_printf(&text, "400 Bad Request - %s", buf_text(&why));
        pull_send_status(c, a, reply, buf_text(&text));
        buf_free(&text);
    }
    pull_body_free(&b);
    buf_free(&why);
}
