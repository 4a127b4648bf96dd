/* SPDX-License-Identifier: Apache-2.0 */
/* load_js.c - JetStream: publishing with a window of acks, consuming, key-value.
 *
 * Everything that asks and waits is one shape, a window of requests: a request is built from its
 * number, its answer checked against it. Publishers write stamped payloads; a reader compares
 * sequence, stamp and size of each message, so that a message lost, repeated or out of order
 * fails the run. After publishing, stream info must count what was acknowledged. */
#include "load.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define API_LIMIT_NS 60000000000ull
#define FILL_WINDOW 1024u
#define SETTLE_LIMIT_NS 10000000000ull

static bool number_after(const char *p, size_t n, const char *key, uint64_t *value)
{
    size_t k = strlen(key);
    const char *at = memmem(p, n, key, k), *end = p + n;
    uint64_t v = 0;

    if (at == NULL)
        return false;
    for (at += k; at < end && *at == ' '; at++)
        continue;
    if (at == end || *at < '0' || *at > '9')
        return false;
    for (; at < end && *at >= '0' && *at <= '9' && v < UINT64_MAX / 16; at++)
        v = v * 10 + (uint64_t)(*at - '0');
    *value = v;
    return true;
}

static struct token body_of(const struct message *m)
{
    return (struct token){m->payload + m->header_size, m->size - m->header_size};
}

/* Code of a message that is only a status, else 0. */
static unsigned status_of(const struct message *m)
{
    unsigned code = 0;

    if (m->header_size < 14 || memcmp(m->payload, "NATS/1.0 ", 9) != 0)
        return 0;
    for (size_t i = 9; i < 12; i++)
        code = code * 10 + (unsigned)(m->payload[i] - '0');
    return code;
}

static struct conn *open_js(struct load *ld, uint32_t idx)
{
    struct conn *c = conn_open(ld, ROLE_JS, idx);

    c->js = util_alloc(1, sizeof *c->js);
    snprintf(c->inbox, sizeof c->inbox, "_INBOX.%08xload%06zu", (unsigned)getpid(),
             ld->nconns);
    conn_queuef(c, "SUB %s.> 1\r\n", c->inbox);
    return c;
}

/* ---- one request at a time, outside the timed part ---- */

static void on_answer(struct load *ld, struct conn *c, const struct message *m)
{
    struct token body = body_of(m);

    (void)ld;
    free(c->js->answer);
    c->js->answer = util_alloc(body.len + 1, 1);
    memcpy(c->js->answer, body.p, body.len);
}

/* The JSON answer, the connection's until the next call. Dies on an error. */
static const char *api(struct load *ld, struct conn *c, const char *subject, const char *body)
{
    uint64_t deadline = util_now_ns() + API_LIMIT_NS;

    c->js->on_message = on_answer;
    free(c->js->answer);
    c->js->answer = NULL;
    conn_queuef(c, "PUB $JS.API.%s %s.api %zu\r\n", subject, c->inbox, strlen(body));
    conn_queue(c, body, strlen(body));
    conn_queue(c, "\r\n", 2);
    while (c->js->answer == NULL && !c->dead) {
        struct pollfd p = {c->fd, POLLIN, 0};

        c->writable = true;
        if (!conn_flush(ld, c))
            p.events |= POLLOUT;
        if (poll(&p, 1, 1000) < 0 && errno != EINTR)
            util_die("poll: %s", strerror(errno));
        conn_read(ld, c);
        if (util_now_ns() > deadline)
            util_die("%s: no answer", subject);
    }
    if (c->dead || strstr(c->js->answer, "\"error\":") != NULL || c->js->answer[0] != '{')
        util_die("%s: %.300s", subject, c->dead ? "connection lost" : c->js->answer);
    return c->js->answer;
}

static uint64_t api_number(struct load *ld, struct conn *c, const char *subject, const char *key)
{
    const char *text = api(ld, c, subject, "");
    uint64_t value = 0;

    if (!number_after(text, strlen(text), key, &value))
        util_die("%s: no %s in %.300s", subject, key, text);
    return value;
}

static void create_stream(struct load *ld, struct conn *c, uint32_t k)
{
    char subject[64], body[400];

    snprintf(subject, sizeof subject, "STREAM.CREATE.BENCH%u", k);
    snprintf(body, sizeof body,
             "{\"name\":\"BENCH%u\",\"subjects\":[\"%s.%u.>\"],\"storage\":\"%s\",\"retention\":"
             "\"limits\",\"num_replicas\":1,\"max_consumers\":-1,\"max_msgs\":-1,\"max_bytes\":-1}",
             k, ld->opt.subject, k, ld->opt.memory ? "memory" : "file");
    api(ld, c, subject, body);
}

static void create_bucket(struct load *ld, struct conn *c)
{
    char body[400];

    snprintf(body, sizeof body,
             "{\"name\":\"KV_BENCH\",\"subjects\":[\"$KV.BENCH.>\"],\"storage\":\"%s\","
             "\"max_msgs_per_subject\":1,\"discard\":\"new\",\"allow_direct\":true,"
             "\"allow_rollup_hdrs\":true,\"deny_delete\":true,\"num_replicas\":1}",
             ld->opt.memory ? "memory" : "file");
    api(ld, c, "STREAM.CREATE.KV_BENCH", body);
}

/* ---- a window of requests ---- */

static void fill_window(struct load *ld, struct conn *c)
{
    char reply[80];

    while (c->nfree > 0 && c->asked < c->expect) {
        uint32_t slot = c->free_slots[--c->nfree];

        snprintf(reply, sizeof reply, "%s.%u", c->inbox, slot);
        c->js->slot_number[slot] = c->asked;
        c->slot_start_ns[slot] = util_now_ns();
        c->js->build(ld, c, c->asked++, reply);
        if (c->out_len - c->out_off >= ld->opt.write_bytes && c->writable)
            conn_flush(ld, c);
    }
}

static void on_window(struct load *ld, struct conn *c, const struct message *m)
{
    size_t prefix = strlen(c->inbox) + 1;
    uint64_t slot = 0, took;

    if (m->subject.len <= prefix || memcmp(m->subject.p, c->inbox, prefix - 1) != 0 ||
        !number_after(m->subject.p + prefix - 1, m->subject.len - prefix + 1, ".", &slot) ||
        slot >= c->js->window || c->slot_start_ns[slot] == 0) {
        conn_fail(ld, c, "answer that nobody waits for: %.*s", (int)m->subject.len, m->subject.p);
        return;
    }
    if (!c->js->check(ld, c, m, c->js->slot_number[slot])) {
        conn_fail(ld, c, "wrong answer: status %u, %.*s", status_of(m),
                  (int)(body_of(m).len > 200 ? 200 : body_of(m).len), body_of(m).p);
        return;
    }
    took = util_now_ns() - c->slot_start_ns[slot];
    c->latency_ns[c->nlatency++] = took > UINT32_MAX ? UINT32_MAX : (uint32_t)took;
    c->slot_start_ns[slot] = 0;
    c->free_slots[c->nfree++] = (uint32_t)slot;
    c->got++;
    ld->delivered++;
}

static void open_window(struct load *ld, struct conn *c, uint32_t size, uint64_t requests)
{
    size = size < requests ? size : (uint32_t)requests;
    c->expect = requests;
    c->js->window = size;
    c->slot_start_ns = util_alloc(size, sizeof *c->slot_start_ns);
    c->free_slots = util_alloc(size, sizeof *c->free_slots);
    c->latency_ns = util_alloc(requests, sizeof *c->latency_ns);
    c->js->slot_number = util_alloc(size, sizeof *c->js->slot_number);
    for (uint32_t s = size; s > 0; s--)
        c->free_slots[c->nfree++] = s - 1;
    c->js->on_message = on_window;
    c->js->on_turn = fill_window;
    conn_sync(ld, c);
    conn_watch(ld, c);
    ld->wanted += requests;
}

/* ---- publishing ---- */

/* Payload of a message: its number, then filler. */
static void queue_payload(const struct load *ld, struct conn *c, uint64_t stamp)
{
    size_t z = ld->opt.payload_bytes, k = z < sizeof stamp ? z : sizeof stamp;

    conn_queue(c, &stamp, k);
    conn_queue(c, ld->payload + k, z - k + 2);
}

static bool payload_is(const struct load *ld, struct token body, uint64_t stamp)
{
    size_t z = ld->opt.payload_bytes, k = z < sizeof stamp ? z : sizeof stamp;

    return body.len == z && memcmp(body.p, &stamp, k) == 0 &&
           memcmp(body.p + k, ld->payload + k, z - k) == 0;
}

/* The stamp is the sequence less one when one publisher writes to one stream. */
static void build_publish(struct load *ld, struct conn *c, uint64_t number, const char *reply)
{
    const struct options *o = &ld->opt;
    uint64_t stamp = number * o->pubs + c->idx;
    char id[64];
    int n;

    if (!o->ids) {
        conn_queuef(c, "PUB %s.%" PRIu64 ".%" PRIu64 " %s %s", o->subject,
                    (number + c->idx) % o->streams, stamp % o->distinct, reply, ld->size_text);
    } else {
        n = snprintf(id, sizeof id, "NATS/1.0\r\nNats-Msg-Id: %020" PRIu64 "\r\n\r\n", stamp);
        conn_queuef(c, "HPUB %s.%" PRIu64 ".%" PRIu64 " %s %d %zu\r\n%s", o->subject,
                    (number + c->idx) % o->streams, stamp % o->distinct, reply, n,
                    (size_t)n + o->payload_bytes, id);
    }
    queue_payload(ld, c, stamp);
}

static void build_put(struct load *ld, struct conn *c, uint64_t number, const char *reply)
{
    uint64_t key = (number * ld->opt.pubs + c->idx) % ld->opt.distinct;

    conn_queuef(c, "PUB $KV.BENCH.%" PRIu64 " %s %s", key, reply, ld->size_text);
    queue_payload(ld, c, key);
}

static bool check_ack(struct load *ld, struct conn *c, const struct message *m, uint64_t number)
{
    struct token body = body_of(m);
    uint64_t seq = 0;

    (void)ld, (void)c, (void)number;
    return number_after(body.p, body.len, "\"seq\":", &seq) && seq > 0 &&
           memmem(body.p, body.len, "\"error\"", 7) == NULL &&
           memmem(body.p, body.len, "\"duplicate\"", 11) == NULL;
}

static void add_publishers(struct load *ld, uint32_t pubs, uint32_t window, bool put)
{
    for (uint32_t i = 0; i < pubs; i++) {
        struct conn *c = open_js(ld, i);

        c->js->build = put ? build_put : build_publish;
        c->js->check = check_ack;
        open_window(ld, c, window, ld->opt.messages / pubs);
    }
}

/* All streams together hold so many messages. */
static void expect_stored(struct load *ld, struct conn *c, uint64_t messages)
{
    uint64_t stored = 0;
    char subject[64];

    for (uint32_t k = 0; k < ld->opt.streams && !ld->failed; k++) {
        snprintf(subject, sizeof subject, "STREAM.INFO.BENCH%u", k);
        stored += api_number(ld, c, subject, "\"messages\":");
    }
    if (!ld->failed && stored != messages)
        conn_fail(ld, c, "the streams hold %" PRIu64 " messages of %" PRIu64, stored, messages);
}

static void report(const struct load *ld, const struct timing *t, uint64_t messages)
{
    run_report(ld, t, messages);
    run_report_latency(ld);
    if (ld->opt.pid != 0)
        printf(" peak_kb=%llu", (unsigned long long)t->after.peak_kb);
    putchar('\n');
}

void mode_js_publish(struct load *ld)
{
    struct options *o = &ld->opt;
    struct conn *control = open_js(ld, 9999);
    uint64_t total = o->messages / o->pubs * o->pubs, before = 0;
    struct timing t;

    for (uint32_t k = 0; k < o->streams && !o->existing; k++)
        create_stream(ld, control, k);
    if (o->existing)
        before = api_number(ld, control, "STREAM.INFO.BENCH0", "\"messages\":");
    add_publishers(ld, o->pubs, o->in_flight, false);
    t = run_loop(ld);
    run_settle(ld);
    if (!ld->failed)
        expect_stored(ld, control, before + total);
    report(ld, &t, total);
}

/* Untimed: so many messages in one stream or, put, one in each key. */
static void fill(struct load *ld, bool put)
{
    uint32_t pubs = ld->opt.pubs;
    double limit_s = ld->opt.limit_s;
    uint64_t messages = ld->opt.messages;

    ld->opt.pubs = 1;
    ld->opt.limit_s = 200;
    if (put)
        ld->opt.messages = ld->opt.distinct;
    add_publishers(ld, 1, FILL_WINDOW, put);
    run_loop(ld);
    ld->conns[ld->nconns - 1]->nlatency = 0;
    ld->conns[ld->nconns - 1]->js->on_turn = NULL;
    if (ld->failed)
        util_die("filling the stream failed");
    ld->opt.pubs = pubs;
    ld->opt.limit_s = limit_s;
    ld->opt.messages = messages;
    ld->delivered = ld->wanted = 0;
}

/* ---- consuming ---- */

static void pull_next(struct load *ld, struct conn *c)
{
    char body[64];
    int n;

    if (c->js->left > 0 || c->got == c->expect || c->dead)
        return;
    n = snprintf(body, sizeof body, "{\"batch\":%" PRIu64 ",\"expires\":5000000000}",
                 ld->opt.batch);
    conn_queuef(c, "PUB $JS.API.CONSUMER.MSG.NEXT.BENCH0.C %s.next %d\r\n%s\r\n", c->inbox, n,
                body);
    c->js->left = ld->opt.batch;
}

/* $JS.ACK.<stream>.<consumer>.<deliveries>.<sequence>...; with a domain, two more before. */
static uint64_t sequence_of(struct token reply)
{
    size_t dots = 0, want = 5;
    uint64_t seq = 0;

    for (size_t i = 0; i < reply.len; i++)
        dots += reply.p[i] == '.';
    if (dots > 8)
        want = 7;
    for (size_t i = 0; i < reply.len; i++) {
        if (reply.p[i] == '.')
            want--;
        else if (want == 0)
            seq = seq * 10 + (uint64_t)(reply.p[i] - '0');
        if (want == 0 && i + 1 < reply.len && reply.p[i + 1] == '.')
            break;
    }
    return seq;
}

static void on_delivery(struct load *ld, struct conn *c, const struct message *m)
{
    unsigned status = status_of(m);
    uint64_t seq;

    if (status == 100) {
        if (m->reply.len > 0)               /* flow control */
            conn_queuef(c, "PUB %.*s 0\r\n\r\n", (int)m->reply.len, m->reply.p);
        return;
    }
    if (status == 404 || status == 408 || status == 409) {
        c->js->left = 0;
        return;
    }
    seq = sequence_of(m->reply);
    if (seq != c->got + 1 || !payload_is(ld, body_of(m), seq - 1)) {
        conn_fail(ld, c, "missing, repeated or wrong message after %" PRIu64 " good ones "
                  "(sequence %" PRIu64 ", %zu bytes)", c->got, seq, m->size);
        return;
    }
    if (c->js->acks)
        conn_queuef(c, "PUB %.*s 4\r\n+ACK\r\n", (int)m->reply.len, m->reply.p);
    if (c->js->left > 0)
        c->js->left--;
    c->got++;
    ld->delivered++;
}

static void consume(struct load *ld, const char *subject, const char *config, bool pulls)
{
    struct conn *control = open_js(ld, 9999), *c;
    uint64_t deadline;
    struct timing t;
    char body[512];

    if (ld->opt.payload_bytes < sizeof(uint64_t))
        util_die("this mode needs payloads of at least 8 bytes");
    create_stream(ld, control, 0);
    fill(ld, false);
    c = open_js(ld, 9000);
    c->expect = ld->opt.messages;
    c->js->acks = pulls;
    conn_queuef(c, "SUB _PUSH.load 2\r\n");
    conn_sync(ld, c);
    c->js->on_message = on_delivery;
    c->js->on_turn = pulls ? pull_next : NULL;
    conn_watch(ld, c);
    ld->wanted = c->expect;
    snprintf(body, sizeof body, "{\"stream_name\":\"BENCH0\",\"config\":{%s}}", config);
    api(ld, control, subject, body);
    t = run_loop(ld);
    if (!ld->failed)
        conn_sync(ld, c);
    deadline = util_now_ns() + SETTLE_LIMIT_NS;
    while (pulls && !ld->failed &&
           api_number(ld, control, "CONSUMER.INFO.BENCH0.C", "\"num_ack_pending\":") > 0)
        if (util_now_ns() > deadline)
            conn_fail(ld, c, "acks did not count");
    report(ld, &t, c->expect);
}

void mode_js_pull(struct load *ld)
{
    char config[256];

    snprintf(config, sizeof config,
             "\"durable_name\":\"C\",\"deliver_policy\":\"all\",\"ack_policy\":\"explicit\","
             "\"ack_wait\":30000000000,\"max_ack_pending\":%" PRIu64
             ",\"replay_policy\":\"instant\"", ld->opt.batch * 4 + 1000);
    consume(ld, "CONSUMER.DURABLE.CREATE.BENCH0.C", config, true);
}

void mode_js_push(struct load *ld)
{
    consume(ld, "CONSUMER.CREATE.BENCH0",
            "\"deliver_policy\":\"all\",\"ack_policy\":\"none\",\"replay_policy\":\"instant\","
            "\"deliver_subject\":\"_PUSH.load\",\"max_deliver\":1,\"flow_control\":true,"
            "\"idle_heartbeat\":5000000000,\"mem_storage\":true,\"num_replicas\":1", false);
}

/* ---- key-value ---- */

static uint64_t key_of(const struct load *ld, const struct conn *c, uint64_t number)
{
    return ((number * ld->opt.pubs + c->idx) * 0x9e3779b97f4a7c15u >> 20) % ld->opt.distinct;
}

static void build_get(struct load *ld, struct conn *c, uint64_t number, const char *reply)
{
    conn_queuef(c, "PUB $JS.API.DIRECT.GET.KV_BENCH.$KV.BENCH.%" PRIu64 " %s 0\r\n\r\n",
                key_of(ld, c, number), reply);
}

static bool check_get(struct load *ld, struct conn *c, const struct message *m, uint64_t number)
{
    return status_of(m) == 0 && payload_is(ld, body_of(m), key_of(ld, c, number));
}

static void run_bucket(struct load *ld, bool put)
{
    struct options *o = &ld->opt;
    struct conn *control = open_js(ld, 9999);
    struct timing t;

    create_bucket(ld, control);
    fill(ld, true);
    for (uint32_t i = 0; i < o->pubs; i++) {
        struct conn *c = open_js(ld, i);

        c->js->build = put ? build_put : build_get;
        c->js->check = put ? check_ack : check_get;
        open_window(ld, c, o->in_flight, o->messages / o->pubs);
    }
    t = run_loop(ld);
    run_settle(ld);
    if (!ld->failed &&
        api_number(ld, control, "STREAM.INFO.KV_BENCH", "\"messages\":") != o->distinct)
        conn_fail(ld, control, "the bucket does not hold each key once");
    report(ld, &t, o->messages / o->pubs * o->pubs);
}

void mode_kv_get(struct load *ld)
{
    run_bucket(ld, false);
}

void mode_kv_put(struct load *ld)
{
    run_bucket(ld, true);
}

/* ---- consumers that do nothing ---- */

static void build_consumer(struct load *ld, struct conn *c, uint64_t number, const char *reply)
{
    char body[256];
    int n = snprintf(body, sizeof body,
                     "{\"stream_name\":\"BENCH0\",\"config\":{\"durable_name\":\"C%" PRIu64
                     "\",\"ack_policy\":\"explicit\",\"deliver_policy\":\"all\","
                     "\"replay_policy\":\"instant\"}}", number);

    (void)ld;
    conn_queuef(c, "PUB $JS.API.CONSUMER.DURABLE.CREATE.BENCH0.C%" PRIu64 " %s %d\r\n%s\r\n",
                number, reply, n, body);
}

static bool check_consumer(struct load *ld, struct conn *c, const struct message *m,
                           uint64_t number)
{
    struct token body = body_of(m);

    (void)ld, (void)c, (void)number;
    return memmem(body.p, body.len, "\"error\"", 7) == NULL &&
           memmem(body.p, body.len, "\"num_pending\"", 13) != NULL;
}

void mode_js_idle(struct load *ld)
{
    struct conn *control = open_js(ld, 9999), *c;
    struct timespec settle = {1, 0};
    struct timing t;

    create_stream(ld, control, 0);
    c = open_js(ld, 0);
    c->js->build = build_consumer;
    c->js->check = check_consumer;
    open_window(ld, c, ld->opt.in_flight, ld->opt.conns);
    t = run_loop(ld);
    run_settle(ld);
    nanosleep(&settle, NULL);
    t.after.rss_kb = util_server_usage(ld->opt.pid).rss_kb;
    run_report(ld, &t, ld->opt.conns);
    printf(" bytes_per_consumer=%.0f\n",
           ((double)t.after.rss_kb - (double)t.before.rss_kb) * 1024 / (double)ld->opt.conns);
}
