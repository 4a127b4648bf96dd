/* SPDX-License-Identifier: Apache-2.0 */
/* websocket_open.c - a WebSocket connection before its first frame: TLS, request, response. */
#include <errno.h>

#include "base/mem.h"
#include "net/websocket_priv.h"

#define READ_BYTES 4096

void websocket_opening_free(struct websocket_opening **o)
{
    if (*o == NULL) return;
    if ((*o)->http.head.p) mem_wipe((*o)->http.head.p, (*o)->http.head.cap);   /* cookies */
    http_parser_fini(&(*o)->http);
    mem_free(*o);
    *o = NULL;
}

static enum status fail(struct websocket_stream *ws, enum status st, const char *text)
{
    if (ws->error == NULL) ws->error = mem_dup(text);
    return st;
}

static struct span copy_span(char **at, struct span s)
{
    char *p = *at;

    if (s.p == NULL) return SPAN_NONE;
    if (s.len > 0) memcpy(p, s.p, s.len);
    *at += s.len;
    return span_make(p, s.len);
}

/* One block holds the struct and its text. */
static struct websocket_peer *copy_peer(const struct websocket_upgrade *up)
{
    size_t bytes = up->client_ip.len + up->jwt.len + up->user.len + up->pass.len + up->token.len;
    struct websocket_peer *peer = mem_zero(sizeof *peer + bytes + 1);
    char *at = (char *)(peer + 1);

    peer->client_ip = copy_span(&at, up->client_ip);
    peer->jwt = copy_span(&at, up->jwt);
    peer->user = copy_span(&at, up->user);
    peer->pass = copy_span(&at, up->pass);
    peer->token = copy_span(&at, up->token);
    peer->compress = up->compress;
    return peer;
}

static void judge(struct websocket_stream *ws, bool more)
{
    struct websocket_opening *o = ws->opening;
    struct websocket_upgrade *up = &o->upgrade;

    o->judged = true;
    if (websocket_upgrade(up, &ws->ctx->rules, &o->http.request, more, &ws->out) == ST_OK) return;
    o->refused = true;
    ws->error = mem_printf("websocket handshake error: %s", up->reason);
}

/* Read until the request is complete and judged. */
static enum status read_request(struct websocket_stream *ws)
{
    struct websocket_opening *o = ws->opening;

    while (!o->judged) {
        char chunk[READ_BYTES];
        size_t used;
        enum status st;
        ssize_t n = websocket_lower_read(ws, chunk, sizeof chunk);
        if (n == -EAGAIN) return ST_AGAIN;
        if (n == 0) return fail(ws, ST_CLOSED, "websocket handshake error: EOF");
        if (n < 0) return fail(ws, ST_IO, "websocket handshake error: read error");
        st = http_parser_feed(&o->http, span_make(chunk, (size_t)n), &used);
        mem_wipe(chunk, sizeof chunk);
        if (st == ST_AGAIN) continue;
        if (st == ST_OK) {
            judge(ws, used < (size_t)n || (ws->tls && tls_stream_has_input(ws->tls)));
            continue;
        }
        o->judged = o->refused = true;
        http_append_refusal(&ws->out, o->http.refusal, o->http.detail);
        ws->error = mem_printf("websocket handshake error: %d %s%s%s", o->http.refusal,
                               http_status_text(o->http.refusal), o->http.detail ? ": " : "",
                               o->http.detail ? o->http.detail : "");
    }
    return ST_OK;
}

static void become_open(struct websocket_stream *ws)
{
    const struct websocket_upgrade *up = &ws->opening->upgrade;

    websocket_decoder_init(&ws->decoder, up->compress, !up->no_masking, ws->max_payload);
    ws->framing = (struct websocket_framing){
        .compress = up->compress, .browser = up->browser,
        .fragment_compressed = up->fragment_compressed,
    };
    ws->peer = copy_peer(up);
    websocket_opening_free(&ws->opening);
}

/* As Go's HTTPS server: a browser that was sent to the wrong scheme shows this. */
static void explain_scheme(const struct websocket_stream *ws)
{
    static const char text[] = "HTTP/1.0 400 Bad Request\r\n\r\n"
                               "Client sent an HTTP request to an HTTPS server.\n";
    struct iovec iov = { (void *)(uintptr_t)text, sizeof text - 1 };

    socket_write(ws->fd, &iov, 1);      /* a fresh socket has room */
}

enum status websocket_open(struct websocket_stream *ws)
{
    struct websocket_opening *o = ws->opening;
    enum status st;

    if (ws->tls && !o->tls_done) {
        st = tls_stream_handshake(ws->tls);
        if (st != ST_OK && st != ST_AGAIN && tls_stream_is_http(ws->tls)) explain_scheme(ws);
        if (st != ST_OK) return st;
        o->tls_done = true;
    }
    st = read_request(ws);
    if (st == ST_OK) st = websocket_send_out(ws);
    if (st == ST_IO) return fail(ws, st, "websocket handshake error: write error");
    if (st != ST_OK) return st;
    if (o->refused) {
        if (ws->tls) tls_stream_closing(ws->tls);
        return ST_DENIED;
    }
    become_open(ws);
    return ST_OK;
}
