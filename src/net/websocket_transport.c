/* SPDX-License-Identifier: Apache-2.0 */
/* websocket_transport.c - frames in, bytes up; bytes down, frames out.
 *
 * Everything happens on the loop that owns the connection. Plain output is not copied: a frame's
 * head goes out in front of the queue's own bytes, and how much of the frame is still owed is
 * remembered, since the same bytes come again after a full socket. Output that is compressed or
 * cut for a browser is encoded into ws->out, which is empty again before more is encoded; so are
 * control frames, which go between frames. Idle connections hold no buffers. */
#include "net/websocket_transport.h"

#include <errno.h>

#include "base/assert.h"
#include "base/mem.h"
#include "net/conn_priv.h"
#include "net/websocket_priv.h"

#define MESSAGE_BYTES (64 * 1024)       /* of output at most in one message */
#define CHUNK_BYTES 8192                /* of input that may be compressed */
#define OUT_BYTES_MAX (128 * 1024)      /* kept output beyond which pings stay unanswered */
#define COMPRESS_ABOVE 64
#define BROWSER_FRAME 4096
#define FRAME_IOV_MAX 64

/* ---- below ---- */

ssize_t websocket_lower_read(struct websocket_stream *ws, void *p, size_t len)
{
    return ws->tls ? tls_stream_read(ws->tls, p, len) : socket_read(ws->fd, p, len);
}

ssize_t websocket_lower_write(struct websocket_stream *ws, const struct iovec *iov, int count)
{
    return ws->tls ? tls_stream_write(ws->tls, iov, count) : socket_write(ws->fd, iov, count);
}

enum status websocket_send_out(struct websocket_stream *ws)
{
    while (ws->out_sent < ws->out.len) {
        struct iovec iov = { ws->out.p + ws->out_sent, ws->out.len - ws->out_sent };
        ssize_t n = websocket_lower_write(ws, &iov, 1);
        if (n == -EAGAIN) return ST_AGAIN;
        if (n < 0) return ST_IO;
        ws->out_sent += (size_t)n;
    }
    buf_free(&ws->out);
    ws->out_sent = 0;
    return ST_OK;
}

/* ---- input ---- */

static void on_control(struct websocket_stream *ws, const struct websocket_event *ev)
{
    if (ev->kind == WEBSOCKET_PING && ws->out.len - ws->out_sent < OUT_BYTES_MAX)
        websocket_encode_control(WEBSOCKET_OP_PONG, ev->payload, &ws->out);
    if (ev->kind != WEBSOCKET_CLOSE && ev->kind != WEBSOCKET_ERROR) return;
    websocket_encode_close(ev->status, ev->payload, &ws->out);
    ws->close_sent = ws->ended = true;
    ws->failed = ev->kind == WEBSOCKET_ERROR;
    if (ws->failed && ws->error == NULL) ws->error = mem_dup_span(ev->payload);
}

/* Decode bytes into p until one of them is used up; returns the length in p. bytes may be p. */
static size_t decode(struct websocket_stream *ws, char *bytes, size_t n, char *p, size_t len,
                     size_t *used)
{
    size_t done = 0;

    *used = 0;
    ws->more = true;
    while (!ws->ended) {
        size_t took, fits;
        struct websocket_event ev;
        if (done == len && (*used < n || ws->decoder.inflater)) return done;
        ev = websocket_decode(&ws->decoder, bytes + *used, n - *used, &took);
        *used += took;
        if (ev.kind == WEBSOCKET_MORE) {
            ws->more = false;
            break;
        }
        if (ev.kind != WEBSOCKET_DATA) {
            on_control(ws, &ev);
            continue;
        }
        fits = ev.payload.len < len - done ? ev.payload.len : len - done;
        memmove(p + done, ev.payload.p, fits);
        buf_append_span(&ws->held, span_from(ev.payload, fits));
        done += fits;
    }
    return done;
}

/* Bytes that were decoded already but did not fit. */
static size_t take_held(struct websocket_stream *ws, char *p, size_t len)
{
    size_t n = ws->held.len < len ? ws->held.len : len;

    if (n == 0) return 0;
    memcpy(p, ws->held.p, n);
    buf_consume(&ws->held, n);
    if (ws->held.len == 0) buf_free(&ws->held);
    return n;
}

/* What is left over comes first, then at most one chunk from below. */
static ssize_t read_compressed(struct websocket_stream *ws, char *p, size_t len)
{
    size_t done = take_held(ws, p, len), used;
    char chunk[CHUNK_BYTES];
    ssize_t n;

    if (ws->more) {
        done += decode(ws, ws->raw.p, ws->raw.len, p + done, len - done, &used);
        buf_consume(&ws->raw, used);
        if (ws->raw.len == 0) buf_free(&ws->raw);
    }
    if (done > 0 || ws->more || ws->ended) return done > 0 ? (ssize_t)done : -EAGAIN;
    n = websocket_lower_read(ws, chunk, sizeof chunk);
    if (n <= 0) return n;
    done = decode(ws, chunk, (size_t)n, p, len, &used);
    if (!ws->ended) buf_append(&ws->raw, chunk + used, (size_t)n - used);
    return done > 0 ? (ssize_t)done : -EAGAIN;
}

/* Decoded in place: the heads fall out and the payload moves up. */
static ssize_t read_plain(struct websocket_stream *ws, char *p, size_t len)
{
    ssize_t n = websocket_lower_read(ws, p, len);
    size_t done, used;

    if (n <= 0) return n;
    done = decode(ws, p, (size_t)n, p, (size_t)n, &used);
    assert(ws->held.len == 0);
    return done > 0 ? (ssize_t)done : -EAGAIN;
}

static ssize_t end_of_input(const struct websocket_stream *ws)
{
    return ws->failed ? -EPROTO : 0;
}

static ssize_t op_read(struct conn *c, void *p, size_t len)
{
    struct websocket_stream *ws = c->transport_state;
    bool quiet = ws->out.len == 0;
    ssize_t n;

    if (ws->ended && ws->held.len == 0) return end_of_input(ws);
    n = ws->framing.compress ? read_compressed(ws, p, len) : read_plain(ws, p, len);
    if (quiet && ws->out.len > 0) conn_flush(atomic_load(&c->loop), c);
    return n == -EAGAIN && ws->ended && ws->held.len == 0 ? end_of_input(ws) : n;
}

static bool op_has_input(const struct conn *c)
{
    const struct websocket_stream *ws = c->transport_state;

    return ws->more || ws->ended || ws->held.len > 0 ||
           (ws->tls && tls_stream_has_input(ws->tls));
}

/* ---- output ---- */

/* Where the next byte stands in the caller's pieces. */
struct cursor {
    const struct iovec *iov, *end;
    size_t offset;
};

static void cursor_skip(struct cursor *c, size_t n)
{
    c->offset += n;
    while (c->iov < c->end && c->offset >= c->iov->iov_len) c->offset -= (c->iov++)->iov_len;
}

/* The next pieces of at most max bytes in all; returns how many, *total has their length. */
static int cursor_pieces(const struct cursor *at, size_t max, struct iovec *pieces, int pieces_max,
                         size_t *total)
{
    struct cursor c = *at;
    int count = 0;

    *total = 0;
    while (c.iov < c.end && *total < max && count < pieces_max) {
        size_t n = c.iov->iov_len - c.offset;
        if (n > max - *total) n = max - *total;
        if (n > 0) pieces[count++] = (struct iovec){ (char *)c.iov->iov_base + c.offset, n };
        *total += n;
        cursor_skip(&c, n);
    }
    return count;
}

static bool frame_is_open(const struct websocket_stream *ws)
{
    return ws->head_sent < ws->head_len || ws->frame_left > 0;
}

/* Send of the frame under way what the socket takes. Returns payload bytes, or as write. */
static ssize_t send_frame(struct websocket_stream *ws, struct cursor *c)
{
    struct iovec pieces[FRAME_IOV_MAX + 1];
    size_t head = ws->head_len - ws->head_sent, total;
    int count = cursor_pieces(c, ws->frame_left, pieces + 1, FRAME_IOV_MAX, &total);
    ssize_t n;

    pieces[0] = (struct iovec){ ws->head + ws->head_sent, head };
    n = head ? websocket_lower_write(ws, pieces, count + 1)
             : websocket_lower_write(ws, pieces + 1, count);
    if (n < 0) return n;
    if ((size_t)n < head) {
        ws->head_sent += (unsigned)n;
        return 0;
    }
    ws->head_sent = ws->head_len;
    n -= (ssize_t)head;
    ws->frame_left -= (size_t)n;
    cursor_skip(c, (size_t)n);
    return n;
}

static struct websocket_deflater *deflater_of(struct loop *l)
{
    if (l->deflater == NULL) l->deflater = websocket_deflater_new();
    return l->deflater;
}

/* Make the next message of what stands at c: encoded into ws->out, or as a frame to be sent from
 * where it is. Returns how many payload bytes moved into ws->out. */
static size_t start_message(struct websocket_stream *ws, struct loop *l, struct cursor *c)
{
    struct iovec pieces[FRAME_IOV_MAX];
    struct span parts[FRAME_IOV_MAX];
    size_t total;
    int count = cursor_pieces(c, MESSAGE_BYTES, pieces, FRAME_IOV_MAX, &total);
    bool compress = ws->framing.compress && total > COMPRESS_ABOVE;

    if (!compress && !(ws->framing.browser && total > BROWSER_FRAME)) {
        ws->head_len = (unsigned)websocket_frame_head(ws->head, WEBSOCKET_OP_BINARY, true, false,
                                                      total);
        ws->head_sent = 0;
        ws->frame_left = total;
        return 0;
    }
    for (int i = 0; i < count; i++) parts[i] = span_make(pieces[i].iov_base, pieces[i].iov_len);
    websocket_encode(&ws->framing, compress ? deflater_of(l) : NULL, parts, (size_t)count,
                     &ws->out);
    cursor_skip(c, total);
    return total;
}

static ssize_t op_write(struct conn *conn, const struct iovec *iov, int count)
{
    struct websocket_stream *ws = conn->transport_state;
    struct cursor c = { iov, iov + count, 0 };
    size_t done = 0;

    cursor_skip(&c, 0);
    for (;;) {
        enum status st;
        while (frame_is_open(ws)) {
            ssize_t n = send_frame(ws, &c);
            if (n == -EAGAIN) return done > 0 ? (ssize_t)done : n;
            if (n < 0) return n;
            done += (size_t)n;
            if (c.iov == c.end && frame_is_open(ws)) return (ssize_t)done;
        }
        st = websocket_send_out(ws);
        if (st == ST_AGAIN) return done > 0 ? (ssize_t)done : -EAGAIN;
        if (st != ST_OK) return -EIO;
        if (c.iov == c.end) return (ssize_t)done;
        done += start_message(ws, atomic_load(&conn->loop), &c);
    }
}

static bool op_wants_write(const struct conn *c)
{
    const struct websocket_stream *ws = c->transport_state;

    if (ws->opening && ws->tls && tls_stream_wants_write(ws->tls)) return true;
    return ws->out_sent < ws->out.len;
}

static void op_closing(struct conn *c)
{
    struct websocket_stream *ws = c->transport_state;
    struct span text = span_of(ws->close_text);

    if (!frame_is_open(ws)) {           /* else nothing can be said any more */
        if (!ws->close_sent) websocket_encode_close(ws->close_status, text, &ws->out);
        ws->close_sent = true;
        if (websocket_send_out(ws) == ST_IO) return;
    }
    if (ws->tls) tls_stream_closing(ws->tls);
}

/* ---- the object ---- */

struct websocket_stream *websocket_stream_new(struct websocket_context *ctx, int fd,
                                              int64_t max_payload)
{
    struct websocket_stream *ws = mem_zero(sizeof *ws);

    ws->ctx = websocket_context_ref(ctx);
    ws->fd = fd;
    ws->max_payload = max_payload;
    ws->tls = ctx->tls ? tls_stream_new(ctx->tls, fd) : NULL;
    ws->opening = mem_zero(sizeof *ws->opening);
    ws->close_status = WEBSOCKET_NORMAL;
    return ws;
}

void websocket_stream_free(struct websocket_stream **stream)
{
    struct websocket_stream *ws = *stream;

    *stream = NULL;
    if (ws == NULL) return;
    websocket_stream_forget(ws);
    websocket_opening_free(&ws->opening);
    websocket_decoder_fini(&ws->decoder);
    tls_stream_free(&ws->tls);
    buf_free(&ws->raw);
    buf_free(&ws->held);
    buf_free(&ws->out);
    mem_free(ws->error);
    websocket_context_unref(ws->ctx);
    mem_free(ws);
}

const char *websocket_stream_error(const struct websocket_stream *ws, bool *level_debug)
{
    if (level_debug) *level_debug = ws->tls && tls_stream_is_probe(ws->tls);
    if (ws->error) return ws->error;
    return ws->tls ? tls_stream_error(ws->tls) : "";
}

const struct tls_stream *websocket_stream_tls(const struct websocket_stream *ws)
{
    return ws->tls;
}

const struct websocket_peer *websocket_stream_peer(const struct websocket_stream *ws)
{
    return ws->peer;
}

void websocket_stream_forget(struct websocket_stream *ws)
{
    struct websocket_peer *p = ws->peer;

    if (p == NULL) return;
    mem_wipe(p, sizeof *p + p->client_ip.len + p->jwt.len + p->user.len + p->pass.len +
                p->token.len);
    mem_free(p);
    ws->peer = NULL;
}

void websocket_stream_set_close(struct websocket_stream *ws, enum websocket_status status,
                                const char *text)
{
    ws->close_status = status;
    ws->close_text = text;
}

static enum status op_handshake(struct conn *c)
{
    return websocket_open(c->transport_state);
}

static void op_free(struct conn *c)
{
    struct websocket_stream *ws = c->transport_state;

    websocket_stream_free(&ws);
    c->transport_state = NULL;
}

const struct transport_ops transport_websocket = {
    .read = op_read,
    .write = op_write,
    .handshake = op_handshake,
    .has_input = op_has_input,
    .wants_write = op_wants_write,
    .closing = op_closing,
    .free = op_free,
    .owner_only = true,
};
