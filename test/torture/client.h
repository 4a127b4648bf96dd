/* SPDX-License-Identifier: Apache-2.0 */
/* client.h - a tiny NATS client of the torture driver, written apart from the server's code.
 *
 * One blocking connection per thread; nothing is shared between threads. Whatever goes wrong with a
 * connection (closed, garbled, -ERR, a write that blocks too long) makes it "lost": the caller
 * forgets what was in flight and connects again.
 *
 * Contents of a message are a function of its stamp, so that a reader needs no memory of what was
 * sent to tell a right byte from a wrong one. */
#ifndef TORTURE_CLIENT_H
#define TORTURE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BODY_BYTES_MAX (128u * 1024u)

struct span {
    const char *p;
    size_t n;
};

/* Valid until the next call with the same client. */
struct message {
    struct span subject, reply, header, body;
};

struct client {
    int fd;
    uint16_t port;
    uint32_t worker, connects;
    uint64_t requests;
    char inbox[64];             /* the subscription is <inbox>.> */
    char *in;
    size_t in_len, in_off, in_cap;
};

/* Who wrote a message: kind (a append, c compare-and-set, d dedup, k key-value put, e key-value
 * delete), worker, its count, and the expected last sequence where the kind has one. */
struct stamp {
    char kind;
    uint32_t worker;
    uint64_t n, expected;
};

uint64_t client_now_ns(void);                   /* CLOCK_MONOTONIC */
void client_init(struct client *c, uint16_t port, uint32_t worker);
void client_fini(struct client *c);
/* One attempt, five seconds at most; a lost connection may be connected again. */
bool client_connect(struct client *c);
bool client_is_lost(const struct client *c);
/* reply may be NULL, header may be empty (whole block with its status line). False: lost. */
bool client_publish(struct client *c, const char *subject, const char *reply, struct span header,
                    struct span body);
/* Besides the inbox. False: lost. */
bool client_subscribe(struct client *c, const char *subject);
/* 1 a message, 0 none within wait_ms, -1 lost. */
int client_next(struct client *c, struct message *m, int wait_ms);
/* The first answer; 1, 0 (none in time) or -1 (lost) as client_next. */
int client_request(struct client *c, const char *subject, struct span header, struct span body,
                   struct message *m);

/* Code of "NATS/1.0 503 ...", or 0. */
unsigned client_status(const struct message *m);
/* Value of the first line "name: value" of a header block. */
struct span client_header(struct span header, const char *name);
/* Number after "key": in a JSON text; false when there is none. */
bool client_json_number(struct span text, const char *key, uint64_t *value);
bool client_contains(struct span text, const char *part);

/* Both write into the caller's buffer and return what is in it. The body needs BODY_BYTES_MAX. */
struct span stamp_header(const struct stamp *s, char *buf, size_t cap);
struct span stamp_body(const struct stamp *s, char *buf);
/* Reads the stamp of a message, then compares header and body with what it must be: true only
 * when every byte is right. Lines that a direct get adds to the header don't count. */
bool stamp_check(const struct message *m, struct stamp *s, char *scratch);

#endif
