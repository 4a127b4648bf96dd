/* SPDX-License-Identifier: Apache-2.0 */
/* websocket_transport_test.c - a connection over WebSocket on a real loop, with a client made of
 * bytes on the other end of a socket pair, plain or inside TLS. */
#include "net/websocket_transport.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <zlib.h>

#include <cmocka.h>

#include "net/tls_test.h"
#include "os/clock.h"

#define PAYLOAD_MAX 4096
#define REQUEST(path, more) "GET " path " HTTP/1.1\r\nHost: a.com\r\nUpgrade: websocket\r\n" \
    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" \
    "Sec-WebSocket-Version: 13\r\n" more "\r\n"
#define DEFLATE "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; " \
    "client_no_context_takeover\r\n"
#define BROWSER "User-Agent: Mozilla/5.0\r\n"
#define DEADLINE_NS 10000000000

struct peer {                           /* both ends */
    struct conn conn;
    struct loop_group group;
    struct loop *loop;
    struct websocket_stream *ws;
    int fd;                             /* the client's */
    SSL *ssl;                           /* NULL: plain */
    struct buf in, raw;                 /* what the server's protocol and the client got */
    int ready, ended, closed, released;
    enum conn_end why;
    char error[160];                    /* at the end */
};

static struct peer *peer_of(struct conn *c)
{
    return CONTAINER_OF(c, struct peer, conn);
}

static void on_ready(struct conn *c)
{
    peer_of(c)->ready++;
}

static size_t on_bytes(struct conn *c, const char *p, size_t len, size_t *need,
                       struct shared_bytes *keep)
{
    (void)need;
    (void)keep;
    buf_append(&peer_of(c)->in, p, len);
    return len;
}

static void on_end(struct conn *c, enum conn_end why)
{
    peer_of(c)->ended++;
    peer_of(c)->why = why;
    snprintf(peer_of(c)->error, sizeof peer_of(c)->error, "%s",
             websocket_stream_error(peer_of(c)->ws, NULL));
    conn_close(c);
}

static void on_timer(struct conn *c)
{
    (void)c;
}

static void on_notify(struct conn *c, unsigned bits)
{
    (void)c;
    (void)bits;
}

static void on_close(struct conn *c)
{
    peer_of(c)->closed++;
}

static void on_release(struct conn *c)
{
    peer_of(c)->released++;
}

static const struct conn_ops ops = {
    .on_ready = on_ready, .on_bytes = on_bytes, .on_end = on_end, .on_timer = on_timer,
    .on_notify = on_notify, .on_close = on_close, .on_release = on_release,
};

static struct websocket_context *context_new(struct tls_context *tls)
{
    const char *names[] = { "X-One" }, *values[] = { "1" };
    struct websocket_settings s = { .compression = true, .header_names = names,
                                    .header_values = values, .header_count = 1,
                                    .jwt_cookie = "jwt", .user_cookie = "u", .pass_cookie = "p",
                                    .token_cookie = "t" };
    struct websocket_context *ctx;
    struct error why;

    assert_int_equal(websocket_context_new(&s, tls, &ctx, &why), ST_OK);
    return ctx;
}

static struct peer *peer_new(struct websocket_context *ctx, bool tls)
{
    struct peer *p = mem_zero(sizeof *p);
    int fds[2], small = 4096;

    test_pair(fds);
    setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    p->fd = fds[1];
    if (tls) p->ssl = test_client_new(p->fd, NULL, NULL);
    assert_int_equal(loop_group_init(&p->group, 1, 1), ST_OK);
    p->loop = p->group.loops[0];
    atomic_store(&p->group.limits.max_pending, 64 * 1024 * 1024);
    atomic_store(&p->group.limits.write_deadline_ns, DEADLINE_NS);
    p->ws = websocket_stream_new(ctx, fds[0], PAYLOAD_MAX);
    conn_init(&p->conn, &p->group, fds[0], &ops, &transport_websocket, p->ws);
    conn_open(&p->conn, p->loop, NULL);
    return p;
}

/* Let the server do what it can and take what it says. */
static void step(struct peer *p)
{
    char chunk[8192];
    int n;

    loop_step(p->loop, 0);
    if (p->ssl && !SSL_is_init_finished(p->ssl)) SSL_do_handshake(p->ssl);
    do {
        n = p->ssl ? SSL_read(p->ssl, chunk, sizeof chunk)
                   : (int)recv(p->fd, chunk, sizeof chunk, 0);
        if (n > 0) buf_append(&p->raw, chunk, (size_t)n);
    } while (n > 0);
    ERR_clear_error();
}

#define STEP_UNTIL(p, condition) do { \
    int64_t limit_ = clock_mono_ns() + DEADLINE_NS; \
    while (!(condition)) { \
        step(p); \
        if (clock_mono_ns() > limit_) fail_msg("waiting for " #condition); \
    } \
} while (0)

static void say(struct peer *p, const void *bytes, size_t len)
{
    int64_t limit = clock_mono_ns() + DEADLINE_NS;

    for (size_t at = 0; at < len;) {
        int n;
        if (p->ssl)
            n = SSL_write(p->ssl, (const char *)bytes + at, (int)(len - at));
        else
            n = (int)send(p->fd, (const char *)bytes + at, len - at, MSG_NOSIGNAL);
        if (n > 0) at += (size_t)n;
        if (at < len) step(p);
        if (clock_mono_ns() > limit) fail_msg("the server does not take input");
    }
}

static bool has_response(const struct peer *p)
{
    return p->raw.len > 4 && memmem(p->raw.p, p->raw.len, "\r\n\r\n", 4) != NULL;
}

static void peer_upgrade(struct peer *p, const char *request)
{
    if (p->ssl) STEP_UNTIL(p, SSL_is_init_finished(p->ssl));
    say(p, request, strlen(request));
    STEP_UNTIL(p, p->ready && has_response(p));
    assert_memory_equal(p->raw.p, "HTTP/1.1 101 ", 13);
    assert_non_null(memmem(p->raw.p, p->raw.len, "X-One: 1\r\n", 10));
    buf_free(&p->raw);
}

static void peer_free(struct peer *p)
{
    conn_close(&p->conn);
    STEP_UNTIL(p, p->released);
    assert_int_equal(p->closed, 1);
    loop_group_fini(&p->group);
    SSL_free(p->ssl);
    close(p->fd);
    buf_free(&p->in);
    buf_free(&p->raw);
    mem_free(p);
}

/* ---- the client's frames ---- */

static void append_frame(struct buf *out, int first, const void *payload, size_t len)
{
    static const unsigned char mask[4] = { 1, 200, 3, 77 };
    const unsigned char *p = payload;

    buf_append_char(out, (char)first);
    if (len < 126) {
        buf_append_char(out, (char)(0x80 | len));
    } else {
        buf_append_char(out, (char)(0x80 | 127));
        for (int i = 7; i >= 0; i--) buf_append_char(out, (char)(len >> 8 * i));
    }
    buf_append(out, mask, 4);
    for (size_t i = 0; i < len; i++) buf_append_char(out, (char)(p[i] ^ mask[i & 3]));
}

struct frames {                         /* what the server sent, decoded */
    struct buf data, control;           /* control: opcode, length, payload, ... */
    size_t messages, frame_max;
    bool compressed;
};

static void inflate_into(struct buf *out, struct buf *message)
{
    z_stream z = { 0 };
    unsigned char chunk[4096];

    buf_append(message, "\0\0\xff\xff", 4);
    assert_int_equal(inflateInit2(&z, -15), Z_OK);
    z.next_in = (unsigned char *)message->p;
    z.avail_in = (unsigned)message->len;
    do {
        z.next_out = chunk;
        z.avail_out = sizeof chunk;
        assert_true(inflate(&z, Z_SYNC_FLUSH) >= Z_BUF_ERROR);
        buf_append(out, chunk, sizeof chunk - z.avail_out);
    } while (z.avail_out == 0);
    inflateEnd(&z);
}

/* False: the last frame is not complete. */
static bool parse_frames(const struct buf *raw, struct frames *f)
{
    struct buf message = { 0 };
    bool deflated = false;
    size_t at = 0;

    *f = (struct frames){ 0 };
    while (at + 2 <= raw->len) {
        const unsigned char *h = (const unsigned char *)raw->p + at;
        size_t len = h[1], head = len < 126 ? 2 : len == 126 ? 4 : 10;
        if (at + head > raw->len) break;
        if (head > 2) len = 0;
        for (size_t i = 2; i < head; i++) len = len << 8 | h[i];
        if (len > raw->len - at - head) break;
        at += head + len;
        if (h[0] & 8) {
            buf_append(&f->control, h, 2 + len);
            continue;
        }
        if ((h[0] & 15) != 0) deflated = h[0] & 0x40;
        f->compressed |= deflated;
        if (len > f->frame_max) f->frame_max = len;
        buf_append(deflated ? &message : &f->data, h + head, len);
        if (!(h[0] & 0x80)) continue;
        f->messages++;
        if (deflated) inflate_into(&f->data, &message);
        buf_free(&message);
    }
    buf_free(&message);
    return at == raw->len;
}

static void frames_fini(struct frames *f)
{
    buf_free(&f->data);
    buf_free(&f->control);
}

/* ---- tests ---- */

/* The same whatever the pieces the bytes come in: first the request cut in two, then the frames. */
static void test_cuts(void **state)
{
    static const char request[] = REQUEST("/", "Cookie: jwt=abc; t=\"tok\"\r\n"
                                          "X-Forwarded-For: 1.2.3.4\r\n");
    struct websocket_context *ctx = context_new(NULL);
    struct buf frames = { 0 };

    (void)state;
    append_frame(&frames, 0x02, "CONNECT {}\r\n", 12);
    append_frame(&frames, 0x89, "hey", 3);
    append_frame(&frames, 0x00, "", 0);
    append_frame(&frames, 0x80, "PING\r\n", 6);
    append_frame(&frames, 0x8a, "", 0);
    append_frame(&frames, 0x82, "PONG\r\n", 6);
    append_frame(&frames, 0x88, "\x03\xe8" "bye", 5);
    for (size_t cut = 0; cut < sizeof request - 1 || cut < frames.len; cut++) {
        size_t a = cut < sizeof request - 1 ? cut : 0, b = cut < frames.len ? cut : 0;
        struct peer *p = peer_new(ctx, false);
        say(p, request, a);
        step(p);
        assert_int_equal(p->ready, 0);
        peer_upgrade(p, request + a);
        assert_true(span_is(websocket_stream_peer(p->ws)->jwt, "abc"));
        assert_true(span_is(websocket_stream_peer(p->ws)->token, "tok"));
        assert_true(span_is(websocket_stream_peer(p->ws)->client_ip, "1.2.3.4"));
        assert_null(websocket_stream_peer(p->ws)->user.p);
        websocket_stream_forget(p->ws);
        assert_null(websocket_stream_peer(p->ws));
        say(p, frames.p, b);
        step(p);
        say(p, frames.p + b, frames.len - b);
        STEP_UNTIL(p, p->ended);
        step(p);
        if (p->in.len != 24 || memcmp(p->in.p, "CONNECT {}\r\nPING\r\nPONG\r\n", 24) != 0)
            fail_msg("cut %zu: %.*s", cut, SPAN_ARG(buf_span(&p->in)));
        assert_int_equal(p->why, CONN_END_EOF);
        assert_int_equal(p->raw.len, 5 + 7);
        assert_memory_equal(p->raw.p, "\x8a\x03hey\x88\x05\x03\xe8" "bye", 12);
        assert_string_equal(p->error, "");
        peer_free(p);
    }
    buf_free(&frames);
    websocket_context_unref(ctx);
}

static void test_refusals(void **state)
{
    static const struct { const char *request, *start, *error; } rows[] = {
        { "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n",
          "websocket handshake error: invalid value for header 'Upgrade'" },
        { REQUEST("/leafnode", ""), "HTTP/1.1 4", "websocket handshake error: " },
        { REQUEST("/mqtt", ""), "HTTP/1.1 4", "websocket handshake error: " },
        { REQUEST("/", "") "x", "HTTP/1.1 400 Bad Request\r\n", "websocket handshake error: "
          "client sent data before handshake is complete" },
        { "CONNECT {}\r\nPING\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n",
          "websocket handshake error: 400 Bad Request" },
    };
    struct websocket_context *ctx = context_new(NULL);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct peer *p = peer_new(ctx, false);
        say(p, rows[i].request, strlen(rows[i].request));
        STEP_UNTIL(p, p->ended && has_response(p));
        assert_int_equal(p->why, CONN_END_HANDSHAKE);
        assert_int_equal(p->ready, 0);
        if (memcmp(p->raw.p, rows[i].start, strlen(rows[i].start)) != 0 ||
            strncmp(p->error, rows[i].error, strlen(rows[i].error)) != 0)
            fail_msg("row %zu: %s; %.60s", i, p->error, p->raw.p);
        peer_free(p);
    }
    websocket_context_unref(ctx);
}

static void test_wrong_scheme(void **state)
{
    struct websocket_context *ctx = context_new(*state);
    struct peer *p = peer_new(ctx, false);

    say(p, REQUEST("/", ""), sizeof REQUEST("/", "") - 1);
    STEP_UNTIL(p, p->ended && has_response(p));
    assert_int_equal(p->why, CONN_END_HANDSHAKE);
    assert_memory_equal(p->raw.p, "HTTP/1.0 400 Bad Request\r\n", 26);
    assert_string_equal(p->error, "tls: first record does not look like a TLS handshake");
    peer_free(p);
    websocket_context_unref(ctx);
}

/* A head of one byte too many is refused, of the most that is allowed taken. */
static void test_long_request(void **state)
{
    struct websocket_context *ctx = context_new(NULL);
    static const char start[] = REQUEST("/", "");

    (void)state;
    for (size_t over = 0; over < 2; over++) {
        struct peer *p = peer_new(ctx, false);
        struct buf b = { 0 };
        size_t filler = HTTP_HEAD_MAX + over - (sizeof start - 1) - 5;
        buf_append(&b, start, sizeof start - 3);
        buf_append_text(&b, "A: ");
        for (size_t i = 0; i < filler; i++) buf_append_char(&b, 'a');
        buf_append_text(&b, "\r\n\r\n");
        assert_int_equal(b.len, HTTP_HEAD_MAX + over);
        say(p, b.p, b.len);
        STEP_UNTIL(p, has_response(p));
        assert_memory_equal(p->raw.p, over ? "HTTP/1.1 431" : "HTTP/1.1 101", 12);
        buf_free(&b);
        peer_free(p);
    }
    websocket_context_unref(ctx);
}

/* Output in all shapes through a small socket, with pings answered in between. */
static void test_output(void **state)
{
    static const struct { const char *request; bool tls, compressed; size_t frame_max; } rows[] = {
        { REQUEST("/", ""), false, false, 65536 },
        { REQUEST("/", BROWSER), false, false, 4096 },
        { REQUEST("/", DEFLATE), false, true, 65536 },
        { REQUEST("/", DEFLATE BROWSER), false, true, 4096 },
        { REQUEST("/", ""), true, false, 65536 },
        { REQUEST("/", DEFLATE), true, true, 65536 },
    };
    static const size_t sizes[] = { 1, 64, 65, 125, 126, 4095, 4097, 65535, 65536, 65537, 300000 };

    for (size_t r = 0; r < COUNT_OF(rows); r++) {
        struct websocket_context *ctx = context_new(rows[r].tls ? *state : NULL);
        struct peer *p = peer_new(ctx, rows[r].tls);
        struct buf sent = { 0 }, ping = { 0 };
        struct frames f;
        uint32_t noise = 1;
        peer_upgrade(p, rows[r].request);
        append_frame(&ping, 0x89, "?", 1);
        for (size_t i = 0; i < COUNT_OF(sizes); i++) {
            size_t start = sent.len;
            for (size_t j = 0; j < sizes[i]; j++) {
                noise = noise * 1664525 + 1013904223;
                buf_append_char(&sent, (char)('a' + (noise >> 28)));
            }
            conn_stage_copy(p->loop, &p->conn, span_make(sent.p + start, sizes[i]));
            loop_commit(p->loop);
            say(p, ping.p, ping.len);
            loop_step(p->loop, 0);
        }
        STEP_UNTIL(p, conn_pending(&p->conn) == 0 && !transport_websocket.wants_write(&p->conn));
        step(p);
        assert_true(parse_frames(&p->raw, &f));
        if (f.data.len != sent.len || memcmp(f.data.p, sent.p, sent.len) != 0)
            fail_msg("row %zu: %zu of %zu bytes", r, f.data.len, sent.len);
        assert_int_equal(f.compressed, rows[r].compressed);
        assert_true(f.frame_max <= rows[r].frame_max);
        assert_true(f.frame_max > rows[r].frame_max / 4);
        assert_int_equal(f.control.len, COUNT_OF(sizes) * 3);
        for (size_t i = 0; i < COUNT_OF(sizes); i++)
            assert_memory_equal(f.control.p + 3 * i, "\x8a\x01?", 3);
        frames_fini(&f);
        buf_free(&sent);
        buf_free(&ping);
        peer_free(p);
        websocket_context_unref(ctx);
    }
}

static void append_deflated(struct buf *out, const struct buf *message)
{
    z_stream z = { 0 };
    struct buf packed = { 0 };

    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    buf_reserve(&packed, deflateBound(&z, message->len) + 16);
    z.next_in = (unsigned char *)message->p;
    z.avail_in = (unsigned)message->len;
    z.next_out = (unsigned char *)packed.p;
    z.avail_out = (unsigned)packed.cap;
    assert_int_equal(deflate(&z, Z_SYNC_FLUSH), Z_OK);
    packed.len = z.total_out - 4;
    deflateEnd(&z);
    append_frame(out, 0xc2, packed.p, packed.len);
    buf_free(&packed);
}

/* A message of 8 times max_payload is let through, one byte more is not. */
static void test_compressed_input(void **state)
{
    for (size_t row = 0; row < 4; row++) {
        struct websocket_context *ctx = context_new(row & 2 ? *state : NULL);
        struct peer *p = peer_new(ctx, row & 2);
        struct buf message = { 0 }, frames = { 0 };
        size_t over = row & 1;
        peer_upgrade(p, REQUEST("/", DEFLATE));
        for (size_t i = 0; i < 8 * PAYLOAD_MAX + over; i++)
            buf_append_char(&message, (char)(i >> 7));
        append_frame(&frames, 0x82, "before", 6);
        append_deflated(&frames, &message);
        append_deflated(&frames, &message);
        append_deflated(&frames, &message);
        append_frame(&frames, 0x82, "after", 5);
        say(p, frames.p, frames.len);
        if (over) {
            STEP_UNTIL(p, p->ended);
            step(p);
            assert_int_equal(p->why, CONN_END_PROTOCOL);
            assert_memory_equal(p->raw.p + 2, "\x03\xf1", 2);
            assert_string_equal(p->error, "Maximum Message Payload Exceeded");
        } else {
            STEP_UNTIL(p, p->in.len >= 6 + 3 * message.len + 5);
            assert_memory_equal(p->in.p, "before", 6);
            for (size_t i = 0; i < 3; i++)
                assert_memory_equal(p->in.p + 6 + i * message.len, message.p, message.len);
            assert_memory_equal(p->in.p + 6 + 3 * message.len, "after", 5);
            assert_int_equal(p->ended, 0);
        }
        buf_free(&message);
        buf_free(&frames);
        peer_free(p);
        websocket_context_unref(ctx);
    }
}

/* Bytes that come in one TLS record with others, of which no event tells. */
static void test_input_over_tls(void **state)
{
    struct websocket_context *ctx = context_new(*state);
    struct peer *p = peer_new(ctx, true);
    struct buf frames = { 0 };

    peer_upgrade(p, REQUEST("/", ""));
    assert_string_equal(tls_stream_version(websocket_stream_tls(p->ws)), "1.3");
    for (size_t i = 0; i < 40000; i++) append_frame(&frames, i % 3 ? 0x8a : 0x82, "abc", 3);
    say(p, frames.p, frames.len);
    STEP_UNTIL(p, p->in.len == 13334 * 3);
    for (size_t i = 0; i < p->in.len; i++) assert_int_equal(p->in.p[i], "abc"[i % 3]);
    buf_free(&frames);
    peer_free(p);
    websocket_context_unref(ctx);
}

static void test_violation(void **state)
{
    struct websocket_context *ctx = context_new(NULL);
    struct peer *p = peer_new(ctx, false);

    (void)state;
    peer_upgrade(p, REQUEST("/", ""));
    say(p, "\x82\x01x", 3);
    STEP_UNTIL(p, p->ended);
    step(p);
    assert_int_equal(p->why, CONN_END_PROTOCOL);
    assert_string_equal(p->error, "mask bit missing");
    assert_memory_equal(p->raw.p, "\x88\x12\x03\xeamask bit missing", 20);
    peer_free(p);
    websocket_context_unref(ctx);
}

/* A client that asks and never listens: pongs are kept up to a bound. */
static void test_ping_flood(void **state)
{
    struct websocket_context *ctx = context_new(NULL);
    struct peer *p = peer_new(ctx, false);
    struct buf frames = { 0 };
    char payload[125];
    size_t at = 0;

    (void)state;
    peer_upgrade(p, REQUEST("/", ""));
    memset(payload, 'x', sizeof payload);
    for (size_t i = 0; i < 4000; i++) append_frame(&frames, 0x89, payload, sizeof payload);
    while (at < frames.len) {
        ssize_t n = send(p->fd, frames.p + at, frames.len - at, MSG_NOSIGNAL);
        if (n > 0) at += (size_t)n;
        loop_step(p->loop, 0);
    }
    loop_step(p->loop, 0);
    assert_int_equal(p->ended, 0);
    STEP_UNTIL(p, !transport_websocket.wants_write(&p->conn));
    step(p);
    assert_true(p->raw.len >= 128 * 1024);
    assert_true(p->raw.len < 192 * 1024);
    assert_int_equal(p->raw.len % 127, 0);
    buf_free(&frames);
    peer_free(p);
    websocket_context_unref(ctx);
}

static void test_close_frame(void **state)
{
    struct websocket_context *ctx = context_new(NULL);

    (void)state;
    for (int named = 0; named < 2; named++) {
        struct peer *p = peer_new(ctx, false);
        peer_upgrade(p, REQUEST("/", ""));
        if (named) websocket_stream_set_close(p->ws, WEBSOCKET_POLICY, "Slow");
        conn_stage_copy(p->loop, &p->conn, SPAN_LIT("-ERR 'x'\r\n"));
        conn_close(&p->conn);
        step(p);
        assert_int_equal(p->raw.len, named ? 12 + 8 : 12 + 4);
        assert_memory_equal(p->raw.p, "\x82\x0a-ERR 'x'\r\n", 12);
        assert_memory_equal(p->raw.p + 12, named ? "\x88\x06\x03\xf0Slow" : "\x88\x02\x03\xe8",
                            named ? 8 : 4);
        peer_free(p);
    }
    websocket_context_unref(ctx);
}

static void test_settings_errors(void **state)
{
    static const char *const bad[] = { "ftp://x" }, *const host[] = { "Host" };
    static const char *const x[] = { "X" };
    static const char *const fold[] = { "a\r\nB: c" };
    static const struct websocket_settings rows[] = {
        { .allowed_origins = bad, .allowed_origin_count = 1 },
        { .header_names = host, .header_values = x, .header_count = 1 },
        { .header_names = x, .header_values = fold, .header_count = 1 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct websocket_context *ctx;
        struct error why = { "" };
        assert_int_equal(websocket_context_new(&rows[i], NULL, &ctx, &why), ST_BAD_INPUT);
        assert_null(ctx);
        assert_true(why.text[0] != '\0');
    }
}

/* What is staged before the handshake is over goes out after it, in a frame. */
static void test_early_output(void **state)
{
    for (int tls = 0; tls < 2; tls++) {
        struct websocket_context *ctx = context_new(tls ? *state : NULL);
        struct peer *p = peer_new(ctx, tls);
        loop_step(p->loop, 0);
        conn_stage_copy(p->loop, &p->conn, SPAN_LIT("INFO {}\r\n"));
        loop_commit(p->loop);
        if (tls) STEP_UNTIL(p, SSL_is_init_finished(p->ssl));
        assert_int_equal(p->raw.len, 0);
        say(p, REQUEST("/", ""), sizeof REQUEST("/", "") - 1);
        STEP_UNTIL(p, p->ready && conn_pending(&p->conn) == 0);
        step(p);
        assert_memory_equal(p->raw.p, "HTTP/1.1 101", 12);
        assert_memory_equal(p->raw.p + p->raw.len - 15, "\r\n\r\n\x82\x09INFO {}\r\n", 15);
        peer_free(p);
        websocket_context_unref(ctx);
    }
}

/* More connections in the middle of a handshake than one iteration serves: each gets its turn. */
static void test_handshake_budget(void **state)
{
    enum { COUNT = LOOP_HANDSHAKES_MAX + 3 };
    static const char request[] = REQUEST("/", "");
    struct websocket_context *ctx = context_new(NULL);
    struct peer *host = peer_new(ctx, false), guests[COUNT] = { 0 };
    int ready[2] = { 0 };

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        struct peer *p = &guests[i];
        int fds[2];
        test_pair(fds);
        p->fd = fds[1];
        p->ws = websocket_stream_new(ctx, fds[0], PAYLOAD_MAX);
        conn_init(&p->conn, &host->group, fds[0], &ops, &transport_websocket, p->ws);
        conn_open(&p->conn, host->loop, NULL);
    }
    loop_step(host->loop, 0);
    for (size_t i = 0; i < COUNT; i++) say(&guests[i], request, sizeof request - 1);
    for (int turn = 0; turn < 2; turn++) {
        loop_step(host->loop, 0);
        for (size_t i = 0; i < COUNT; i++) ready[turn] += guests[i].ready;
    }
    assert_int_equal(ready[0], LOOP_HANDSHAKES_MAX);
    assert_int_equal(ready[1], COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        conn_close(&guests[i].conn);
        STEP_UNTIL(host, guests[i].released);
        close(guests[i].fd);
    }
    peer_free(host);
    websocket_context_unref(ctx);
}

/* One TLS context for all tests. */
static int setup(void **state)
{
    char dir[] = "/tmp/ws_testXXXXXX";
    struct test_cert cert;
    struct tls_context *tls;
    struct tls_settings s = { .certificate_count = 1 };
    struct error why;

    assert_non_null(mkdtemp(dir));
    cert = test_cert_new(dir, "server", NULL, EVP_EC_gen("P-256"), NULL);
    s.cert_files = (const char *const *)&cert.cert_file;
    s.key_files = (const char *const *)&cert.key_file;
    assert_int_equal(tls_context_new(&s, &tls, &why), ST_OK);
    test_cert_free(&cert);
    *state = tls;
    return rmdir(dir);
}

static int teardown(void **state)
{
    tls_context_unref(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_wrong_scheme),
        cmocka_unit_test(test_long_request),
        cmocka_unit_test(test_output),
        cmocka_unit_test(test_compressed_input),
        cmocka_unit_test(test_input_over_tls),
        cmocka_unit_test(test_violation),
        cmocka_unit_test(test_ping_flood),
        cmocka_unit_test(test_close_frame),
        cmocka_unit_test(test_early_output),
        cmocka_unit_test(test_handshake_budget),
        cmocka_unit_test(test_settings_errors),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
