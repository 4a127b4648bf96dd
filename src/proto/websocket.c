/* SPDX-License-Identifier: Apache-2.0 */
/* websocket.c - frames in and out.
 *
 * The decoder hands uncompressed payload on as it comes; a compressed message is inflated as it
 * comes, piece by piece, so neither needs memory in proportion to a message. Every limit depends
 * on positions in the stream alone, never on how the bytes were cut. */
#include "proto/websocket.h"

#include <stdio.h>

#include <zlib.h>

#include "base/assert.h"
#include "base/mem.h"
#include "base/utf8.h"

enum {
    FINAL = 0x80, RSV1 = 0x40, RSV23 = 0x30, OPCODE = 0x0f, MASKED = 0x80, LENGTH = 0x7f,
    IN_BYTES = 4096, OUT_BYTES = 16384,
    COMPRESS_ABOVE = 64,                /* bytes */
    BROWSER_FRAME = 4096,
    SCRATCH_KEPT_BYTES = 256 * 1024,
    DEFLATE_CHUNK = 1 << 30,
};

static const unsigned char sync_tail[4] = { 0x00, 0x00, 0xff, 0xff };

static const uint64_t message_bytes_max = 64 << 20;
static const uint64_t message_per_payload = 8;

struct websocket_inflater {
    z_stream z;
    bool more;                  /* output may be waiting */
    bool ended;                 /* the last block came; what follows in the message is ignored */
    bool corrupt;
    unsigned char in[IN_BYTES], out[OUT_BYTES];
};

struct websocket_deflater {
    z_stream z;
    struct buf scratch;
};

static void *z_alloc(void *arg, unsigned count, unsigned size)
{
    (void)arg;
    return mem_zero((size_t)count * size);
}

static void z_free(void *arg, void *p)
{
    (void)arg;
    mem_free(p);
}

/* ---- decoder: compressed messages ---- */

static struct websocket_inflater *inflater_new(void)
{
    struct websocket_inflater *inf = mem_zero(sizeof *inf);

    inf->z.zalloc = z_alloc;
    inf->z.zfree = z_free;
    if (inflateInit2(&inf->z, -MAX_WBITS) != Z_OK) unreachable();
    return inf;
}

static void inflater_free(struct websocket_inflater **inf)
{
    if (*inf == NULL) return;
    inflateEnd(&(*inf)->z);
    mem_free(*inf);
    *inf = NULL;
}

static struct websocket_event nothing(void)
{
    return (struct websocket_event){ .kind = WEBSOCKET_MORE };
}

/* The stream is broken off: everything from here on is swallowed. */
static struct websocket_event fail(struct websocket_decoder *d, int status, const char *reason)
{
    struct websocket_event ev = { WEBSOCKET_ERROR, status, span_of(reason) };

    d->over = true;
    inflater_free(&d->inflater);
    return ev;
}

static struct websocket_event violation(struct websocket_decoder *d, const char *reason)
{
    return fail(d, WEBSOCKET_PROTOCOL_ERROR, reason);
}

static struct websocket_event too_big(struct websocket_decoder *d)
{
    return fail(d, WEBSOCKET_TOO_BIG, "Maximum Message Payload Exceeded");
}

static bool inflater_is_busy(const struct websocket_inflater *inf)
{
    return inf != NULL && (inf->z.avail_in > 0 || inf->more);
}

/* One step: some output, or input used up, or too much. At the limit one byte of room is left as
 * a probe, so that a message of exactly message_max bytes passes. */
static struct websocket_event inflate_some(struct websocket_decoder *d)
{
    struct websocket_inflater *inf = d->inflater;
    uint64_t room = d->message_max - d->message_out;
    unsigned offered = room == 0 ? 1 : room < OUT_BYTES ? (unsigned)room : OUT_BYTES, made;
    int rc;

    inf->z.next_out = inf->out;
    inf->z.avail_out = offered;
    rc = inflate(&inf->z, Z_SYNC_FLUSH);
    made = offered - inf->z.avail_out;
    inf->more = inf->z.avail_out == 0;
    if (rc != Z_OK && rc != Z_BUF_ERROR) {
        inf->ended = rc == Z_STREAM_END;
        inf->corrupt = !inf->ended;
        inf->z.avail_in = 0;
        inf->more = false;
    }
    if (made == 0) return nothing();
    if (room == 0) return too_big(d);
    d->message_out += made;
    return (struct websocket_event){
        .kind = WEBSOCKET_DATA, .payload = span_make((const char *)inf->out, made),
    };
}

/* Give the inflater n unmasked bytes, at most IN_BYTES. */
static void inflater_feed(struct websocket_inflater *inf, const void *p, size_t n)
{
    if (inf->ended || inf->corrupt) return;
    memcpy(inf->in, p, n);
    inf->z.next_in = inf->in;
    inf->z.avail_in = (unsigned)n;
}

/* The compressed message's last byte is in. False: first drain what this set in motion. */
static bool message_finish(struct websocket_decoder *d, struct websocket_event *ev)
{
    struct websocket_inflater *inf = d->inflater;

    if (!d->tail_fed) {
        d->tail_fed = true;
        inflater_feed(inf, sync_tail, sizeof sync_tail);
        return false;
    }
    /* Between two blocks zlib sets bit 7: anything else is a message cut short. */
    if (!inf->ended && (inf->z.data_type & 128) == 0) {
        *ev = fail(d, WEBSOCKET_INVALID_PAYLOAD, "invalid compressed data");
        return true;
    }
    inflater_free(&d->inflater);
    return true;
}

/* ---- decoder: frames ---- */

void websocket_decoder_init(struct websocket_decoder *d, bool compress, bool need_mask,
                            int64_t max_payload)
{
    uint64_t most = max_payload > 0 ? (uint64_t)max_payload : 1024 * 1024;

    *d = (struct websocket_decoder){ .compress = compress, .need_mask = need_mask };
    d->message_max = most < message_bytes_max / message_per_payload ? most * message_per_payload
                                                                    : message_bytes_max;
}

void websocket_decoder_fini(struct websocket_decoder *d)
{
    inflater_free(&d->inflater);
}

static bool is_control(const struct websocket_decoder *d)
{
    return d->opcode >= WEBSOCKET_OP_CLOSE;
}

static void unmask(struct websocket_decoder *d, unsigned char *p, size_t n)
{
    unsigned char key[8];
    uint64_t word, k;
    size_t i = 0;

    for (unsigned j = 0; j < 8; j++) key[j] = d->mask[(d->mask_at + j) & 3];
    memcpy(&k, key, sizeof k);
    for (; i + 8 <= n; i += 8) {
        memcpy(&word, p + i, sizeof word);
        word ^= k;
        memcpy(p + i, &word, sizeof word);
    }
    for (; i < n; i++) p[i] ^= key[i & 7];
    d->mask_at = (unsigned)((d->mask_at + n) & 3);
}

/* What the first byte alone says. */
static struct websocket_event check_first(struct websocket_decoder *d)
{
    if (d->head[0] & RSV23) return violation(d, "RSV2 and RSV3 must be clear");
    if ((d->head[0] & RSV1) && !d->compress)
        return violation(d, "compressed frame received without negotiated permessage-deflate");
    return nothing();
}

static struct websocket_event check_control(struct websocket_decoder *d, unsigned length)
{
    if (length > WEBSOCKET_CONTROL_MAX)
        return violation(d, "control frame length bigger than maximum allowed of 125 bytes");
    if (!d->final) return violation(d, "control frame does not have final bit set");
    if (d->head[0] & RSV1) return violation(d, "control frame must not be compressed");
    return nothing();
}

/* What the first two bytes say. */
static struct websocket_event check_second(struct websocket_decoder *d)
{
    bool rsv1 = d->head[0] & RSV1;

    d->final = d->head[0] & FINAL;
    d->opcode = d->head[0] & OPCODE;
    if (d->need_mask && !(d->head[1] & MASKED)) return violation(d, "mask bit missing");
    switch (d->opcode) {
    case WEBSOCKET_OP_CLOSE:
    case WEBSOCKET_OP_PING:
    case WEBSOCKET_OP_PONG:
        return check_control(d, d->head[1] & LENGTH);
    case WEBSOCKET_OP_TEXT:
    case WEBSOCKET_OP_BINARY:
        if (d->in_message)
            return violation(d, "new message started before final frame for previous message was "
                             "received");
        d->message_compressed = rsv1;
        d->message_in = d->message_out = 0;
        d->tail_fed = false;
        d->in_message = true;
        return nothing();
    case WEBSOCKET_OP_CONTINUATION:
        if (!d->in_message || rsv1) return violation(d, "invalid continuation frame");
        return nothing();
    default:
        snprintf(d->control, sizeof d->control, "unknown opcode %u", d->opcode);
        return violation(d, d->control);
    }
}

static unsigned head_length(const struct websocket_decoder *d)
{
    unsigned length = d->head[1] & LENGTH;

    return 2 + (length == 126 ? 2u : length == 127 ? 8u : 0u) + (d->head[1] & MASKED ? 4u : 0u);
}

static struct websocket_event head_done(struct websocket_decoder *d)
{
    unsigned length = d->head[1] & LENGTH, extra = length == 126 ? 2 : length == 127 ? 8 : 0;

    d->left = extra ? 0 : length;
    for (unsigned i = 0; i < extra; i++) d->left = d->left << 8 | d->head[2 + i];
    if (d->left >> 63) return violation(d, "invalid 64-bit payload length");
    memset(d->mask, 0, sizeof d->mask);
    if (d->head[1] & MASKED) memcpy(d->mask, d->head + 2 + extra, sizeof d->mask);
    d->mask_at = 0;
    d->control_len = 0;
    d->in_payload = true;
    if (is_control(d) || !d->message_compressed) return nothing();
    if (d->left > d->message_max - d->message_in) return too_big(d);
    d->message_in += d->left;
    if (d->inflater == NULL) d->inflater = inflater_new();
    return nothing();
}

static struct websocket_event head_byte(struct websocket_decoder *d, char c)
{
    struct websocket_event ev = nothing();

    d->head[d->head_len++] = (unsigned char)c;
    if (d->head_len == 1) ev = check_first(d);
    if (d->head_len == 2) ev = check_second(d);
    if (ev.kind == WEBSOCKET_MORE && d->head_len >= 2 && d->head_len == head_length(d))
        ev = head_done(d);
    return ev;
}

static bool close_status_is_valid(int code)
{
    if (code == 1004 || code == 1005 || code == 1006) return false;
    return (code >= 1000 && code <= 1014) || (code >= 3000 && code < 5000);
}

static struct websocket_event close_event(struct websocket_decoder *d)
{
    struct websocket_event ev = { .kind = WEBSOCKET_CLOSE, .status = WEBSOCKET_NO_STATUS };

    if (d->control_len == 1) return violation(d, "close frame payload cannot be 1 byte");
    if (d->control_len >= 2) {
        ev.status = (unsigned char)d->control[0] << 8 | (unsigned char)d->control[1];
        ev.payload = span_make(d->control + 2, d->control_len - 2);
        if (!close_status_is_valid(ev.status)) {
            snprintf(d->control, sizeof d->control, "invalid close status code %d", ev.status);
            return violation(d, d->control);
        }
        if (!utf8_is_valid(ev.payload)) {
            ev.status = WEBSOCKET_INVALID_PAYLOAD;
            ev.payload = SPAN_LIT("invalid utf8 body in close frame");
        }
    }
    d->over = true;
    inflater_free(&d->inflater);
    return ev;
}

static struct websocket_event control_event(struct websocket_decoder *d)
{
    struct span payload = span_make(d->control, d->control_len);

    if (d->opcode == WEBSOCKET_OP_CLOSE) return close_event(d);
    return (struct websocket_event){
        .kind = d->opcode == WEBSOCKET_OP_PING ? WEBSOCKET_PING : WEBSOCKET_PONG,
        .payload = payload,
    };
}

/* All of the frame's payload was taken. */
static struct websocket_event frame_done(struct websocket_decoder *d)
{
    struct websocket_event ev = nothing();

    if (!is_control(d) && d->final && d->message_compressed && !message_finish(d, &ev)) return ev;
    if (ev.kind == WEBSOCKET_ERROR) return ev;
    d->in_payload = false;
    d->head_len = 0;
    if (is_control(d)) return control_event(d);
    if (d->final) d->in_message = d->message_compressed = false;
    return ev;
}

/* Take up to n bytes of payload. Returns how many; *ev is DATA for uncompressed ones. */
static size_t take_payload(struct websocket_decoder *d, char *p, size_t n,
                           struct websocket_event *ev)
{
    if (n > d->left) n = (size_t)d->left;
    if (d->message_compressed && !is_control(d) && n > IN_BYTES) n = IN_BYTES;
    unmask(d, (unsigned char *)p, n);
    d->left -= n;
    if (is_control(d)) {
        memcpy(d->control + d->control_len, p, n);
        d->control_len += (unsigned)n;
    } else if (d->message_compressed) {
        inflater_feed(d->inflater, p, n);
    } else {
        ev->kind = WEBSOCKET_DATA;
        ev->payload = span_make(p, n);
    }
    return n;
}

struct websocket_event websocket_decode(struct websocket_decoder *d, char *bytes, size_t len,
                                        size_t *used)
{
    struct websocket_event ev = nothing();

    *used = 0;
    while (ev.kind == WEBSOCKET_MORE) {
        if (d->over) {
            *used = len;
            return ev;
        }
        if (inflater_is_busy(d->inflater)) {
            ev = inflate_some(d);
        } else if (d->inflater != NULL && d->inflater->corrupt) {
            ev = fail(d, WEBSOCKET_INVALID_PAYLOAD, "invalid compressed data");
        } else if (d->in_payload && d->left == 0) {
            ev = frame_done(d);
        } else if (*used == len) {
            return ev;
        } else if (d->in_payload) {
            *used += take_payload(d, bytes + *used, len - *used, &ev);
        } else {
            ev = head_byte(d, bytes[(*used)++]);
        }
    }
    return ev;
}

/* ---- encoder ---- */

size_t websocket_frame_head(unsigned char out[WEBSOCKET_HEAD_MAX], enum websocket_opcode op,
                            bool final, bool compressed, uint64_t payload_bytes)
{
    unsigned extra = payload_bytes <= 125 ? 0 : payload_bytes <= 0xffff ? 2 : 8;

    out[0] = (unsigned char)((final ? FINAL : 0) | (compressed ? RSV1 : 0) | (int)op);
    out[1] = (unsigned char)(extra == 0 ? payload_bytes : extra == 2 ? 126 : 127);
    for (unsigned i = 0; i < extra; i++)
        out[2 + i] = (unsigned char)(payload_bytes >> (8 * (extra - 1 - i)));
    return 2 + extra;
}

static void append_head(struct buf *out, enum websocket_opcode op, bool final, bool compressed,
                        uint64_t payload_bytes)
{
    unsigned char head[WEBSOCKET_HEAD_MAX];

    buf_append(out, head, websocket_frame_head(head, op, final, compressed, payload_bytes));
}

struct websocket_deflater *websocket_deflater_new(void)
{
    struct websocket_deflater *z = mem_zero(sizeof *z);

    z->z.zalloc = z_alloc;
    z->z.zfree = z_free;
    if (deflateInit2(&z->z, Z_BEST_SPEED, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        unreachable();
    return z;
}

void websocket_deflater_free(struct websocket_deflater **z)
{
    if (*z == NULL) return;
    deflateEnd(&(*z)->z);
    buf_free(&(*z)->scratch);
    mem_free(*z);
    *z = NULL;
}

/* Run deflate over what z->z.next_in holds, into the scratch buffer. */
static void deflate_all(struct websocket_deflater *z, int flush)
{
    do {
        buf_reserve(&z->scratch, OUT_BYTES);
        z->z.next_out = (unsigned char *)z->scratch.p + z->scratch.len;
        z->z.avail_out = OUT_BYTES;
        if (deflate(&z->z, flush) == Z_STREAM_ERROR) unreachable();
        z->scratch.len += OUT_BYTES - z->z.avail_out;
    } while (z->z.avail_out == 0);
}

/* The parts as one message, without the tail that every message would end in. */
static struct span deflate_message(struct websocket_deflater *z, const struct span *parts,
                                   size_t count)
{
    z->scratch.len = 0;
    deflateReset(&z->z);
    for (size_t i = 0; i < count; i++) {
        for (struct span rest = parts[i]; rest.len > 0;) {
            size_t n = rest.len < DEFLATE_CHUNK ? rest.len : DEFLATE_CHUNK;
            z->z.next_in = (unsigned char *)(uintptr_t)rest.p;
            z->z.avail_in = (unsigned)n;
            deflate_all(z, Z_NO_FLUSH);
            rest = span_from(rest, n);
        }
    }
    z->z.next_in = NULL;
    z->z.avail_in = 0;
    deflate_all(z, Z_SYNC_FLUSH);
    assert(z->scratch.len >= sizeof sync_tail);
    return span_make(z->scratch.p, z->scratch.len - sizeof sync_tail);
}

static void append_compressed(struct span message, size_t frame_max, struct buf *out)
{
    enum websocket_opcode op = WEBSOCKET_OP_BINARY;

    while (message.len > frame_max) {
        append_head(out, op, false, op == WEBSOCKET_OP_BINARY, frame_max);
        buf_append(out, message.p, frame_max);
        message = span_from(message, frame_max);
        op = WEBSOCKET_OP_CONTINUATION;
    }
    append_head(out, op, true, op == WEBSOCKET_OP_BINARY, message.len);
    buf_append_span(out, message);
}

/* Frames of at most frame_max bytes, each a message of its own: the receiver sees one stream. */
static void append_plain(const struct span *parts, size_t count, size_t total, size_t frame_max,
                         struct buf *out)
{
    size_t left = 0;            /* of the current frame */

    for (size_t i = 0; i < count; i++) {
        for (struct span rest = parts[i]; rest.len > 0;) {
            size_t n;
            if (left == 0) {
                left = total < frame_max ? total : frame_max;
                append_head(out, WEBSOCKET_OP_BINARY, true, false, left);
            }
            n = rest.len < left ? rest.len : left;
            buf_append(out, rest.p, n);
            rest = span_from(rest, n);
            left -= n;
            total -= n;
        }
    }
}

void websocket_encode(const struct websocket_framing *f, struct websocket_deflater *z,
                      const struct span *parts, size_t count, struct buf *out)
{
    size_t total = 0, frame_max = f->browser ? BROWSER_FRAME : SIZE_MAX;

    for (size_t i = 0; i < count; i++) total += parts[i].len;
    if (total == 0) return;
    if (!f->compress || total <= COMPRESS_ABOVE) {
        append_plain(parts, count, total, frame_max, out);
        return;
    }
    assert(z != NULL);
    append_compressed(deflate_message(z, parts, count),
                      f->fragment_compressed ? frame_max : SIZE_MAX, out);
    if (z->scratch.cap > SCRATCH_KEPT_BYTES) buf_free(&z->scratch);
}

void websocket_encode_control(enum websocket_opcode op, struct span payload, struct buf *out)
{
    assert(op >= WEBSOCKET_OP_CLOSE && payload.len <= WEBSOCKET_CONTROL_MAX);
    append_head(out, op, true, false, payload.len);
    buf_append_span(out, payload);
}

void websocket_encode_close(int status, struct span reason, struct buf *out)
{
    char body[WEBSOCKET_CONTROL_MAX];
    size_t room = sizeof body - 2, n = reason.len <= room ? reason.len : room - 3;

    if (status == WEBSOCKET_NO_STATUS) {
        websocket_encode_control(WEBSOCKET_OP_CLOSE, SPAN_NONE, out);
        return;
    }
    body[0] = (char)(status >> 8);
    body[1] = (char)status;
    if (n > 0) memcpy(body + 2, reason.p, n);
    if (n < reason.len) {
        memcpy(body + 2 + n, "...", 3);
        n += 3;
    }
    websocket_encode_control(WEBSOCKET_OP_CLOSE, span_make(body, n + 2), out);
}
