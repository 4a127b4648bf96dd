/* SPDX-License-Identifier: Apache-2.0 */
/* load.h - shared types of the load generator for NATS servers.
 *
 * One thread, one epoll loop, raw sockets. Everything hangs off struct load,
 * which main() owns and passes down; no file keeps state of its own.
 *
 * Strictness is the point of this program: a run counts only if every byte the
 * server sent is one it had to send. Publishers send from a ring of prebuilt
 * PUB commands whose payloads carry a stamp (publisher, index), so a subscriber
 * knows the one MSG it must see next and compares subject, sid, size, payload
 * and the closing CRLF with it. After the timed part every connection is asked
 * PING once more, so that a message too many shows up as well.
 *
 * Any failure is printed on stderr and makes the exit status 1; a run that
 * can't start (bad option, no server) exits with 2. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE                         /* memmem; so this header comes first everywhere */
#endif

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define READ_BYTES (256u * 1024u)           /* one recv() */
#define LINE_BYTES_MAX 4608u                /* INFO is the longest line */
#define STAMP_BYTES 8u                      /* publisher and index, 32 bits each */
#define EVENTS_MAX 256

enum role { ROLE_PUB, ROLE_SUB, ROLE_REQUESTER, ROLE_RESPONDER, ROLE_IDLE, ROLE_JS };

struct token {
    const char *p;
    size_t len;
};

/* A MSG or HMSG with its payload, in the read buffer. */
struct message {
    struct token subject, sid, reply;
    size_t head_len;        /* of the line, CRLF included */
    size_t header_size;
    size_t size;            /* headers and payload */
    const char *payload;    /* headers first */
};

/* How a subscriber knows which message it is looking at. */
enum check {
    CHECK_ORDER,            /* one publisher: exactly the next of its ring */
    CHECK_STAMP,            /* several publishers: next of the ring named by the stamp */
    CHECK_MEMBER            /* queue group member: any entry, content checked */
};

struct options {
    const char *mode, *addr, *subject, *queue, *kind, *user, *pass;
    pid_t pid;              /* server, 0 = don't measure it */
    uint64_t messages, conns, distinct, window_bytes, rounds;
    size_t payload_bytes, write_bytes;
    uint32_t pubs, subs, in_flight;
    double limit_s;
    bool tls, idle_sub;
    const char *folder;     /* flush */
    uint64_t batch;         /* jspull */
    uint32_t streams;
    bool memory, ids, existing;
};

/* Whole PUB commands back to back, and the MSG line each must come back with. */
struct ring {
    char *pub;
    size_t *pub_off;        /* n + 1 offsets into pub */
    char *msg;
    size_t *msg_off;        /* n + 1 offsets into msg */
    size_t n;
    size_t payload_bytes;
    struct ring *older;     /* list of struct load */
};

/* What a set of publishers may be ahead of its slowest subscriber. */
struct flow {
    struct conn **subs;
    size_t nsubs;
    bool shared;            /* queue group: the members' sum counts */
    uint64_t sent;
    uint64_t window;        /* messages; 0 = unlimited */
    struct flow *older;     /* list of struct load */
};

struct conn {
    int fd;
    SSL *ssl;               /* NULL without TLS */
    enum role role;
    uint32_t idx;
    bool dead, writable, closing_allowed;
    uint64_t pongs;
    char *carry;            /* start of a message whose rest has not arrived */
    size_t carry_len, carry_cap;
    char *out;              /* queued commands, unlike a publisher's ring */
    size_t out_len, out_off, out_cap;

    /* publisher */
    const struct ring *ring;
    size_t ring_pos;
    const char *chunk;
    size_t chunk_left;
    uint64_t to_send, sent, pong_wanted;
    bool ping_sent, finished;
    struct flow *flow;

    /* subscriber: source[i] is the ring of publisher i, next[i] its next entry */
    enum check check;
    const struct ring **source;
    size_t *next;
    size_t nsources;
    uint64_t got, expect;
    bool uncounted;         /* its messages don't end the run (slow subscribers) */

    struct js *js;

    /* requester: slot = last token of the reply subject */
    uint64_t *slot_start_ns;    /* 0 = free */
    uint32_t *free_slots, nfree;
    char *commands;             /* the whole PUB of each slot, back to back */
    size_t *command_off;
    char inbox[48];
    uint64_t asked;
    uint32_t *latency_ns;
    size_t nlatency;
};

/* Of a socket, in bytes: its buffers, and the largest segment it lets the peer send. */
struct sizes {
    int rcv, snd, mss;
};

struct usage {
    uint64_t cpu_ns, user_ns, sys_ns, rss_kb, peak_kb;
};

struct load {
    struct options opt;
    struct sockaddr_in server;
    SSL_CTX *tls;
    int epoll_fd;
    bool failed;
    size_t max_payload;     /* from INFO */
    char *read_buf;
    size_t read_cap;
    char *payload;          /* of a request, with its CRLF */
    char size_text[24];     /* its size and CRLF, as it ends a PUB line */
    char req_subject[128];
    struct conn **conns;
    size_t nconns;
    struct ring *rings;
    struct flow *flows;
    uint64_t delivered, wanted, index_sum;  /* over all counted subscribers */
    size_t pubs_left;
    uint64_t deadline_ns;
    void (*tick)(struct load *ld);  /* every 10 ms of a run, or NULL */
    uint64_t ticks;
};

/* ROLE_JS: a window of requests, or a consumer. */
struct js {
    void (*on_message)(struct load *ld, struct conn *c, const struct message *m);
    void (*on_turn)(struct load *ld, struct conn *c);   /* may send; NULL: never */
    /* a window: */
    void (*build)(struct load *ld, struct conn *c, uint64_t number, const char *reply);
    bool (*check)(struct load *ld, struct conn *c, const struct message *m, uint64_t number);
    uint64_t *slot_number;
    uint32_t window;
    /* a consumer: */
    uint64_t left;          /* of the batch asked for */
    bool acks;
    /* an answer that somebody waits for: */
    char *answer;
};

/* The outcome of one timed part. */
struct timing {
    double elapsed_s;
    struct usage before, after;
    uint64_t own_cpu_ns;
};

/* load_util.c */
uint64_t util_now_ns(void);
uint64_t util_own_cpu_ns(void);
void util_die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void *util_alloc(size_t n, size_t size);    /* zeroed; never NULL */
void *util_grow(void *p, size_t size);      /* never NULL */
struct usage util_server_usage(pid_t pid);  /* dies when pid has gone */
char util_server_state(pid_t pid);          /* letter of proc_pid_stat(5) */

/* load_ring.c: payload bytes are a function of (publisher, index) alone.
 * ld owns the ring. sids may be NULL: then every MSG is expected with sid 1. */
struct ring *ring_new(struct load *ld, uint32_t publisher, char *const *subjects,
                      const uint64_t *sids, size_t n);
/* One subject throughout, write_bytes long or a little more. */
struct ring *ring_new_repeated(struct load *ld, uint32_t publisher, char *subject);
void ring_free_all(struct load *ld);
const char *ring_payload(const struct ring *r, size_t i);
/* Both compare with entry i; the payload check of messages over 1 KiB is complete
 * for one message in eight and covers both ends of the others. */
bool ring_payload_is(const struct ring *r, size_t i, const char *payload);
bool ring_header_is(const struct ring *r, size_t i, const char *line, size_t len);
uint64_t ring_index_sum(const struct ring *r, uint64_t messages);

/* load_conn.c */
struct conn *conn_open(struct load *ld, enum role role, uint32_t idx);
/* As conn_open, with sizes set before connecting (0 = leave it). Buffers over the sysctl
 * limits need CAP_NET_ADMIN and are cut down silently without it. */
struct conn *conn_open_sized(struct load *ld, enum role role, uint32_t idx, struct sizes size);
void conn_free(struct conn *c);
void conn_watch(struct load *ld, struct conn *c);       /* add to the epoll set */
void conn_queue(struct conn *c, const void *data, size_t n);
void conn_queuef(struct conn *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool conn_flush(struct load *ld, struct conn *c);       /* false: the socket is full */
ssize_t conn_send(struct load *ld, struct conn *c, const char *data, size_t n);
void conn_fail(struct load *ld, struct conn *c, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
bool conn_read_once(struct load *ld, struct conn *c, size_t max);   /* true: more may wait */
void conn_read(struct load *ld, struct conn *c);        /* until drained */
/* Sends what is queued and a PING, and waits for the PONG. Dies on any failure unless
 * the server may close the connection (closing_allowed). */
void conn_sync(struct load *ld, struct conn *c);

/* load_parse.c: eats whole commands from p and returns how many bytes that were. */
size_t parse_input(struct load *ld, struct conn *c, const char *p, size_t n);

/* load_run.c: ld owns the flow and borrows subs. */
struct flow *run_new_flow(struct load *ld, struct conn **subs, size_t nsubs);
void run_free_flows(struct load *ld);
void run_add_source(struct conn *sub, const struct ring *ring);
bool run_next_chunk(struct load *ld, struct conn *c);
void run_fill_window(struct load *ld, struct conn *c);
struct timing run_loop(struct load *ld);
void run_settle(struct load *ld);           /* untimed: no message missing, none too many */
void run_report(const struct load *ld, const struct timing *t, uint64_t published);
void run_report_latency(const struct load *ld);

/* load_modes.c, load_special.c: each prints its line of key=value pairs. */
void mode_publish(struct load *ld);
void mode_fan(struct load *ld);
void mode_pair(struct load *ld);
void mode_request(struct load *ld);
void mode_idle(struct load *ld);
void mode_subs(struct load *ld);
void mode_hot(struct load *ld);
void mode_mixed(struct load *ld);

/* load_js.c */
void mode_js_publish(struct load *ld);
void mode_js_pull(struct load *ld);
void mode_js_push(struct load *ld);
void mode_kv_get(struct load *ld);
void mode_kv_put(struct load *ld);
void mode_js_idle(struct load *ld);

/* load_flush.c */
void mode_flush(struct load *ld);

#endif
