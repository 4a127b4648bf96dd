/* SPDX-License-Identifier: Apache-2.0 */
/* consume.c - the workers of the torture driver that read: a shared durable pull consumer with
 * explicit acks, and one that watches its state. */
#include "driver.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH 50
#define PULL_SILENT_MS 2500
#define NO_BYTES ((struct span){"", 0})

/* Sequences and count of deliveries out of "$JS.ACK.<stream>.<consumer>.<deliveries>.<seq>...",
 * or the longer form with domain and account hash. */
static bool parse_ack_subject(struct span reply, uint64_t out[3])
{
    char text[256], *at = text, *tokens[16];
    size_t count = 0, first;

    if (reply.n >= sizeof text || reply.n < 9)
        return false;
    memcpy(text, reply.p, reply.n);
    text[reply.n] = '\0';
    if (strncmp(text, "$JS.ACK.", 8) != 0)
        return false;
    while (count < 16 && (tokens[count] = strsep(&at, ".")) != NULL)
        count++;
    if (count != 9 && count != 11 && count != 12)
        return false;
    first = count == 9 ? 4 : 6;
    for (size_t i = 0; i < 3; i++)
        out[i] = strtoull(tokens[first + i], NULL, 10);
    return true;
}

static bool pull(struct worker *w, uint64_t number)
{
    static const char text[] = "{\"batch\":50,\"expires\":1000000000}";
    char reply[96];

    snprintf(reply, sizeof reply, "%s.p%" PRIu64, w->client.inbox, number);
    return client_publish(&w->client, "$JS.API.CONSUMER.MSG.NEXT." STREAM "." CONSUMER, reply,
                          NO_BYTES, (struct span){text, sizeof text - 1});
}

static void acknowledge(struct worker *w, const char *to, uint64_t seq, bool confirmed)
{
    char reply[96];

    fprintf(w->out, "K %" PRIu64 " %" PRIu64 "\n", client_now_ns(), seq);
    snprintf(reply, sizeof reply, "%s.a%" PRIu64, w->client.inbox, seq);
    client_publish(&w->client, to, confirmed ? reply : NULL, NO_BYTES, (struct span){"+ACK", 4});
}

static void on_delivery(struct worker *w, const struct message *m)
{
    uint64_t field[3], draw = worker_random(w) % 10;
    struct stamp s;
    char to[256];
    bool good = stamp_check(m, &s, w->scratch);

    if (!parse_ack_subject(m->reply, field)) {
        fprintf(w->out, "Z %" PRIu64 " a delivery without an ack subject\n", client_now_ns());
        return;
    }
    memcpy(to, m->reply.p, m->reply.n);
    to[m->reply.n] = '\0';
    fprintf(w->out, "R %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %.*s %c %u %" PRIu64
            " %" PRIu64 " %s\n", client_now_ns(), field[1], field[2], field[0],
            (int)m->subject.n, m->subject.p, s.kind, s.worker, s.n, s.expected,
            good ? "good" : "bad");
    if (w->set->drain || draw < 8)
        acknowledge(w, to, field[1], true);
    else if (draw == 8)
        acknowledge(w, to, field[1], false);
}

/* 1: the pull is over; 0: more may come. */
static int on_message(struct worker *w, const struct message *m, uint64_t number, int *left)
{
    size_t prefix = strlen(w->client.inbox) + 1;
    char text[32] = "", want[32];
    size_t k;

    if (m->subject.n <= prefix || memcmp(m->subject.p, w->client.inbox, prefix - 1) != 0) {
        on_delivery(w, m);
        return --*left <= 0;
    }
    k = m->subject.n - prefix;
    k = k < sizeof text - 1 ? k : sizeof text - 1;
    memcpy(text, m->subject.p + prefix, k);
    text[k] = '\0';
    if (text[0] == 'a') {
        if (client_status(m) != 0) return 0;    /* nobody took the ack: the server is going */
        fprintf(w->out, "Y %" PRIu64 " %" PRIu64 "\n", client_now_ns(),
                (uint64_t)strtoull(text + 1, NULL, 10));
        return 0;
    }
    snprintf(want, sizeof want, "p%" PRIu64, number);
    return client_status(m) >= 400 && strcmp(text, want) == 0;
}

/* JSON number "key" inside the object "object". */
static bool number_in(struct span text, const char *object, const char *key, uint64_t *value)
{
    char quoted[32];
    const char *p;

    snprintf(quoted, sizeof quoted, "\"%s\":", object);
    p = text.n > 0 ? memmem(text.p, text.n, quoted, strlen(quoted)) : NULL;
    return p != NULL &&
           client_json_number((struct span){p, (size_t)(text.p + text.n - p)}, key, value);
}

/* Writes the F line; pending and unacked in *left, UINT64_MAX when there was no answer. */
static void watch(struct worker *w, uint64_t *left)
{
    uint64_t t0 = client_now_ns(), floor, delivered, unacked, pending;
    struct message m;

    *left = UINT64_MAX;
    if (client_request(&w->client, "$JS.API.CONSUMER.INFO." STREAM "." CONSUMER, NO_BYTES, NO_BYTES,
                       &m) != 1) {
        worker_lost(w);
        return;
    }
    if (!number_in(m.body, "ack_floor", "stream_seq", &floor) ||
        !number_in(m.body, "delivered", "stream_seq", &delivered) ||
        !client_json_number(m.body, "num_ack_pending", &unacked) ||
        !client_json_number(m.body, "num_pending", &pending))
        return;
    fprintf(w->out, "F %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", t0,
            client_now_ns(), floor, delivered, unacked);
    *left = unacked + pending;
}

void worker_consume(struct worker *w)
{
    uint64_t number = 0, heard_ns = 0, left_over;
    int left = 0;
    bool pulling = false;
    struct message m;

    while (!worker_stopped(w)) {
        int got;

        if (client_is_lost(&w->client)) {
            pulling = false;
            if (!worker_ready(w))
                continue;
        }
        if (!pulling) {
            if (w->set->drain) {
                watch(w, &left_over);
                if (left_over == 0)
                    return;
            }
            pulling = pull(w, ++number);
            left = BATCH;
            heard_ns = client_now_ns();
        }
        got = client_next(&w->client, &m, 100);
        if (got == 1) {
            heard_ns = client_now_ns();
            pulling = on_message(w, &m, number, &left) == 0;
        } else if (got < 0) {
            worker_lost(w);
        } else if (client_now_ns() - heard_ns > PULL_SILENT_MS * 1000000ull) {
            pulling = false;
        }
    }
}

void worker_info(struct worker *w)
{
    struct timespec pause = {.tv_nsec = 100000000};
    uint64_t left;

    while (!worker_stopped(w)) {
        if (worker_ready(w))
            watch(w, &left);
        nanosleep(&pause, NULL);
    }
}
