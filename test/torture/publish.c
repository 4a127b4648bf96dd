/* SPDX-License-Identifier: Apache-2.0 */
/* publish.c - the workers of the torture driver that write. */
#include "driver.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define GIVE_UP_NS 5000000000ull
#define WINDOW_MAX 1024u
#define NO_BYTES ((struct span){"", 0})

enum outcome { STORED, REFUSED, UNKNOWN };

struct answer {
    enum outcome outcome;
    uint64_t value;         /* sequence or error code */
    uint64_t stated;        /* duplicate: 1; wrong last sequence: the one the server names */
};

struct slot {
    struct stamp stamp;
    uint64_t sent_ns;
    bool used;
};

/* What a server error of 5xx did to the message is unknown; 4xx and 503 without responders say
 * that it was not stored. */
static struct answer read_answer(const struct message *m)
{
    struct answer a = {UNKNOWN, 0, 0};
    uint64_t code = 0;

    if (client_status(m) == 503)
        return (struct answer){REFUSED, 503, 0};
    if (client_contains(m->body, "\"error\":")) {
        client_json_number(m->body, "code", &code);
        client_json_number(m->body, "err_code", &a.value);
        a.outcome = code >= 500 ? UNKNOWN : REFUSED;
        if (a.value == 10071 || a.value == 10164) {
            const char *p = memmem(m->body.p, m->body.n, "sequence: ", 10);
            a.stated = p != NULL ? strtoull(p + 10, NULL, 10) : UINT64_MAX;
        }
        return a;
    }
    if (client_json_number(m->body, "seq", &a.value)) {
        a.outcome = STORED;
        a.stated = client_contains(m->body, "\"duplicate\":true") ||
                   client_contains(m->body, "\"duplicate\": true");
    }
    return a;
}

static void record(struct worker *w, const struct stamp *s, const char *subject, uint64_t t0,
                   struct answer a)
{
    static const char *const names[] = {"ok", "err", "unk"};

    fprintf(w->out, "P %c %u %" PRIu64 " %" PRIu64 " %s %" PRIu64 " %" PRIu64 " %s %" PRIu64
            " %" PRIu64 "\n", s->kind, s->worker, s->n, s->expected, subject, t0, client_now_ns(),
            names[a.outcome], a.value, a.stated);
}

static bool send_stamp(struct worker *w, const struct stamp *s, const char *subject,
                       const char *reply)
{
    char header[256];

    return client_publish(&w->client, subject, reply, stamp_header(s, header, sizeof header),
                          stamp_body(s, w->body));
}

static void append_sent_all_unknown(struct worker *w, struct slot *slots, const char *subject)
{
    for (uint32_t i = 0; i < w->set->window; i++) {
        if (slots[i].used)
            record(w, &slots[i].stamp, subject, slots[i].sent_ns, (struct answer){UNKNOWN, 0, 0});
        slots[i].used = false;
    }
    worker_lost(w);
}

static uint64_t append_oldest(const struct worker *w, const struct slot *slots)
{
    uint64_t oldest = UINT64_MAX;

    for (uint32_t i = 0; i < w->set->window; i++)
        if (slots[i].used && slots[i].sent_ns < oldest)
            oldest = slots[i].sent_ns;
    return oldest;
}

static bool append_send(struct worker *w, struct slot *slots, const char *subject)
{
    char reply[96];
    uint32_t i = 0;

    while (i < w->set->window && slots[i].used)
        i++;
    if (i == w->set->window || worker_due_ms(w) > 0)
        return false;
    worker_take_turn(w);
    slots[i] = (struct slot){{'a', w->client.worker, ++w->n, 0}, client_now_ns(), true};
    snprintf(reply, sizeof reply, "%s.%u.%" PRIu64, w->client.inbox, i, w->n);
    return send_stamp(w, &slots[i].stamp, subject, reply);
}

static void append_receive(struct worker *w, struct slot *slots, const char *subject, int wait_ms)
{
    struct message m;
    size_t prefix = strlen(w->client.inbox) + 1;
    char text[64];
    uint32_t slot = 0;
    unsigned long long n = 0;

    while (client_next(&w->client, &m, wait_ms) == 1) {
        size_t k = m.subject.n > prefix ? m.subject.n - prefix : 0;

        wait_ms = 0;
        k = k < sizeof text - 1 ? k : sizeof text - 1;
        memcpy(text, m.subject.p + prefix, k);
        text[k] = '\0';
        if (sscanf(text, "%u.%llu", &slot, &n) == 2 && slot < w->set->window &&
            slots[slot].used && slots[slot].stamp.n == n) {
            slots[slot].used = false;
            record(w, &slots[slot].stamp, subject, slots[slot].sent_ns, read_answer(&m));
        } else {
            fprintf(w->out, "Z %" PRIu64 " an ack nobody waits for: %s\n", client_now_ns(), text);
        }
    }
}

void worker_append(struct worker *w)
{
    struct slot slots[WINDOW_MAX] = {{{0, 0, 0, 0}, 0, false}};
    uint64_t stop_ns = 0;
    char subject[32];

    snprintf(subject, sizeof subject, "t.append.%u", w->index);
    while (stop_ns == 0 || (append_oldest(w, slots) != UINT64_MAX && client_now_ns() < stop_ns)) {
        if (stop_ns == 0 && worker_stopped(w))
            stop_ns = client_now_ns() + GIVE_UP_NS;
        if (stop_ns == 0 && !worker_ready(w))
            continue;
        while (stop_ns == 0 && append_send(w, slots, subject))
            continue;
        append_receive(w, slots, subject, 1);
        if (client_is_lost(&w->client) || append_oldest(w, slots) < client_now_ns() - GIVE_UP_NS)
            append_sent_all_unknown(w, slots, subject);
    }
    append_sent_all_unknown(w, slots, subject);
}

/* Publishes and waits; an unknown outcome loses the connection. */
static struct answer publish_one(struct worker *w, const struct stamp *s, const char *subject)
{
    struct answer a = {UNKNOWN, 0, 0};
    struct message m;
    char header[256];
    uint64_t t0 = client_now_ns();
    int got = client_request(&w->client, subject, stamp_header(s, header, sizeof header),
                             stamp_body(s, w->body), &m);

    if (got == 1)
        a = read_answer(&m);
    record(w, s, subject, t0, a);
    if (got != 1)
        worker_lost(w);
    return a;
}

/* Sequence of the last message on a subject, recorded as a read; UINT64_MAX: no answer. */
static uint64_t read_last(struct worker *w, const char *stream, const char *subject)
{
    char api[160], text[32];
    struct message m;
    struct stamp s;
    struct span value;
    uint64_t t0 = client_now_ns(), seq;
    bool good;

    snprintf(api, sizeof api, "$JS.API.DIRECT.GET.%s.%s", stream, subject);
    if (client_request(&w->client, api, NO_BYTES, NO_BYTES, &m) != 1) {
        worker_lost(w);
        return UINT64_MAX;
    }
    if (client_status(&m) == 404) {
        fprintf(w->out, "G %s %" PRIu64 " %" PRIu64 " 0 - 0 0 0 good\n", subject, t0,
                client_now_ns());
        return 0;
    }
    value = client_header(m.header, "Nats-Sequence");
    if (value.n == 0 || value.n >= sizeof text)
        return UINT64_MAX;      /* 503 and the like: nothing was read */
    memcpy(text, value.p, value.n);
    text[value.n] = '\0';
    seq = strtoull(text, NULL, 10);
    good = stamp_check(&m, &s, w->scratch);
    fprintf(w->out, "G %s %" PRIu64 " %" PRIu64 " %" PRIu64 " %c %u %" PRIu64 " %" PRIu64 " %s\n",
            subject, t0, client_now_ns(), seq, s.kind, s.worker, s.n, s.expected,
            good ? "good" : "bad");
    return seq;
}

void worker_cas(struct worker *w)
{
    uint64_t last[CAS_SUBJECTS];
    struct answer a;
    char subject[32];

    memset(last, 0xff, sizeof last);
    while (!worker_stopped(w)) {
        uint32_t k = (uint32_t)(worker_random(w) % CAS_SUBJECTS);

        if (!worker_ready(w))
            continue;
        worker_take_turn(w);
        snprintf(subject, sizeof subject, "t.cas.%u", k);
        if (last[k] == UINT64_MAX)
            last[k] = read_last(w, STREAM, subject);
        if (last[k] == UINT64_MAX)
            continue;
        a = publish_one(w, &(struct stamp){'c', w->client.worker, ++w->n, last[k]}, subject);
        if (a.outcome == STORED)
            last[k] = a.value;
        else
            last[k] = a.value == 10071 || a.value == 10164 ? a.stated : UINT64_MAX;
    }
}

/* Sends until the outcome is known; one in eight once more after that. */
void worker_dedup(struct worker *w)
{
    struct answer a = {STORED, 0, 0};
    char subject[32];
    struct stamp s = {'d', w->client.worker, 0, 0};

    snprintf(subject, sizeof subject, "t.dedup.%u", w->index);
    while (!worker_stopped(w)) {
        if (!worker_ready(w))
            continue;
        worker_take_turn(w);
        if (a.outcome == STORED && (s.n == 0 || worker_random(w) % 8 != 0))
            s.n++;
        a = publish_one(w, &s, subject);
    }
}

void worker_kv(struct worker *w)
{
    uint64_t known[KEYS] = {0};
    char subject[48];
    struct answer a;

    while (!worker_stopped(w)) {
        uint32_t k = (uint32_t)(worker_random(w) % KEYS), what = (uint32_t)(worker_random(w) % 20);
        struct stamp s = {'k', w->client.worker, w->n + 2 - w->n % 2, 0};

        if (!worker_ready(w))
            continue;
        worker_take_turn(w);
        snprintf(subject, sizeof subject, "$KV." BUCKET ".k%u", k);
        if (what < 6) {
            uint64_t seq = read_last(w, "KV_" BUCKET, subject);
            known[k] = seq == UINT64_MAX ? known[k] : seq;
            continue;
        }
        if (what < 12) {        /* an odd count makes it an update */
            s.n = w->n + 1 + w->n % 2;
            s.expected = known[k];
        } else if (what == 12) {
            s.kind = 'e';
        }
        w->n = s.n;
        a = publish_one(w, &s, subject);
        if (a.outcome == STORED)
            known[k] = a.value;
        else if (a.value == 10071 || a.value == 10164)
            known[k] = a.stated;
    }
}
