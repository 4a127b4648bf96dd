/* SPDX-License-Identifier: Apache-2.0 */
/* dump.c - reads a whole stream, in two ways: every sequence by a direct get, and an ephemeral
 * push consumer from the first message on. The two must tell the same story. */
#include "driver.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW 128u
#define SILENT_MS 10000
#define NO_BYTES ((struct span){"", 0})

static bool info(struct client *c, const char *stream, uint64_t *first, uint64_t *last,
                 uint64_t *messages)
{
    char api[96];
    struct message m;

    snprintf(api, sizeof api, "$JS.API.STREAM.INFO.%s", stream);
    if (client_request(c, api, NO_BYTES, NO_BYTES, &m) != 1 ||
        !client_json_number(m.body, "first_seq", first) ||
        !client_json_number(m.body, "last_seq", last) ||
        !client_json_number(m.body, "messages", messages)) {
        fprintf(stderr, "%s: no stream info\n", stream);
        return false;
    }
    return true;
}

static void write_line(FILE *out, uint64_t seq, struct span subject, const struct message *m,
                       char *scratch)
{
    struct stamp s;
    bool good = stamp_check(m, &s, scratch);

    fprintf(out, "M %" PRIu64 " %.*s %c %u %" PRIu64 " %" PRIu64 " %s\n", seq, (int)subject.n,
            subject.p, s.kind, s.worker, s.n, s.expected, good ? "good" : "bad");
}

static bool ask(struct client *c, const char *stream, uint64_t seq)
{
    char api[96], reply[96], text[48];
    int n = snprintf(text, sizeof text, "{\"seq\":%" PRIu64 "}", seq);

    snprintf(api, sizeof api, "$JS.API.DIRECT.GET.%s", stream);
    snprintf(reply, sizeof reply, "%s.g%" PRIu64, c->inbox, seq);
    return client_publish(c, api, reply, NO_BYTES, (struct span){text, (size_t)n});
}

/* One answer; false when the server says something that is neither a message nor "not found". */
static bool answer(struct client *c, const struct message *m, FILE *out, char *scratch)
{
    size_t prefix = strlen(c->inbox) + 2, k = m->subject.n > prefix ? m->subject.n - prefix : 0;
    unsigned status = client_status(m);
    char text[32], stored[32];
    struct span value = client_header(m->header, "Nats-Sequence");

    k = k < sizeof text - 1 ? k : sizeof text - 1;
    memcpy(text, m->subject.p + prefix, k);
    text[k] = '\0';
    if (status == 404)
        return true;
    if (status != 0 || value.n == 0 || value.n >= sizeof stored) {
        fprintf(stderr, "direct get of %s: status %u\n", text, status);
        return false;
    }
    memcpy(stored, value.p, value.n);
    stored[value.n] = '\0';
    if (strcmp(text, stored) != 0) {
        fprintf(stderr, "direct get of %s answered with %s\n", text, stored);
        return false;
    }
    write_line(out, strtoull(text, NULL, 10), client_header(m->header, "Nats-Subject"), m, scratch);
    return true;
}

static bool get_all(struct client *c, const char *stream, FILE *out, char *scratch)
{
    uint64_t first, last, messages, next, answered;
    struct message m;
    bool good = true;

    if (!info(c, stream, &first, &last, &messages))
        return false;
    next = answered = first > 0 ? first : 1;
    while (answered <= last) {
        while (next <= last && next - answered < WINDOW && ask(c, stream, next))
            next++;
        if (client_next(c, &m, SILENT_MS) != 1) {
            fprintf(stderr, "%s: no answer to a direct get near %" PRIu64 "\n", stream, answered);
            return false;
        }
        good = answer(c, &m, out, scratch) && good;
        answered++;
    }
    return good;
}

bool dump_stream(uint16_t port, const char *stream, FILE *out)
{
    struct client c;
    char *scratch = malloc(BODY_BYTES_MAX);
    bool good;

    client_init(&c, port, 900);
    good = scratch != NULL && client_connect(&c) && get_all(&c, stream, out, scratch);
    client_fini(&c);
    free(scratch);
    return good;
}

/* Asks for the consumer; its messages may come before the answer. */
static bool create_push(struct client *c, const char *stream)
{
    char api[96], text[256], push[96], reply[96];
    int n;

    snprintf(push, sizeof push, "_PUSH.%s", c->inbox + sizeof "_INBOX." - 1);
    n = snprintf(text, sizeof text,
                 "{\"stream_name\":\"%s\",\"config\":{\"deliver_policy\":\"all\",\"ack_policy\":"
                 "\"none\",\"replay_policy\":\"instant\",\"deliver_subject\":\"%s\","
                 "\"max_deliver\":1,\"num_replicas\":1,\"mem_storage\":true}}",
                 stream, push);
    snprintf(api, sizeof api, "$JS.API.CONSUMER.CREATE.%s", stream);
    snprintf(reply, sizeof reply, "%s.create", c->inbox);
    return client_subscribe(c, push) &&
           client_publish(c, api, reply, NO_BYTES, (struct span){text, (size_t)n});
}

/* Sequence in an ack subject; 0 when there is none. */
static uint64_t seq_of(struct span reply)
{
    char text[256], *at = text, *tokens[16];
    size_t count = 0;

    if (reply.n >= sizeof text)
        return 0;
    memcpy(text, reply.p, reply.n);
    text[reply.n] = '\0';
    while (count < 16 && (tokens[count] = strsep(&at, ".")) != NULL)
        count++;
    return count == 9 ? strtoull(tokens[5], NULL, 10)
         : count >= 11 ? strtoull(tokens[7], NULL, 10) : 0;
}

static bool replay_all(struct client *c, const char *stream, FILE *out, char *scratch,
                       int silent_ms)
{
    uint64_t first, last, messages, got = 0;
    size_t inbox = strlen(c->inbox);
    struct message m;

    if (!info(c, stream, &first, &last, &messages) || !create_push(c, stream))
        return false;
    while (got < messages) {
        if (client_next(c, &m, silent_ms) != 1) {
            fprintf(stderr, "%s: replay ended after %" PRIu64 " of %" PRIu64 " messages\n", stream,
                    got, messages);
            return false;
        }
        if (m.subject.n > inbox && memcmp(m.subject.p, c->inbox, inbox) == 0) {
            if (client_contains(m.body, "\"error\":") || client_status(&m) != 0) {
                fprintf(stderr, "%s: no consumer: %.*s\n", stream, (int)m.body.n, m.body.p);
                return false;
            }
        } else if (m.reply.n > 0) {         /* else a status */
            write_line(out, seq_of(m.reply), m.subject, &m, scratch);
            got++;
        }
    }
    return true;
}

bool dump_replay(uint16_t port, const char *stream, FILE *out, int silent_ms)
{
    struct client c;
    char *scratch = malloc(BODY_BYTES_MAX);
    bool good;

    client_init(&c, port, 901);
    good = scratch != NULL && client_connect(&c) && replay_all(&c, stream, out, scratch, silent_ms);
    client_fini(&c);
    free(scratch);
    return good;
}
