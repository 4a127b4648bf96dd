/* SPDX-License-Identifier: Apache-2.0 */
/* websocket.h - the server's side of RFC 6455 with permessage-deflate (RFC 7692).
 *
 * Sans I/O. Three parts: the upgrade (request in, 101 or refusal out), the decoder (bytes in,
 * events out, the same for every way of cutting the bytes), the encoder (NATS bytes in, frames
 * out). A decoder belongs to one connection; a deflater to one loop, for all its connections:
 * no context is taken over from message to message. */
#ifndef PROTO_WEBSOCKET_H
#define PROTO_WEBSOCKET_H

#include "base/buf.h"
#include "base/status.h"
#include "proto/http.h"

/* ---- upgrade ---- */

struct websocket_origin {
    char *scheme, *host, *port;         /* lower case; the port is always there */
};

/* Parse an allowed origin ("https://example.com[:port]"). BAD_INPUT: no absolute http or https
 * URL; why says so in nats-server's words. */
MUST_USE enum status websocket_origin_parse(struct websocket_origin *o, struct span text,
                                            struct error *why);
void websocket_origin_fini(struct websocket_origin *o);

/* Why this header can't be added to the 101 response: NULL when it can. The text has no prefix
 * ("invalid header \"Host\" not allowed"). why is the storage. */
const char *websocket_check_header(struct span name, struct error *why);

struct websocket_rules {                /* of a listener; borrowed */
    bool tls;                           /* the listener speaks TLS */
    bool same_origin;
    const struct websocket_origin *origins;     /* count 0: any */
    size_t origin_count;
    bool compression;
    bool mqtt, leafnode;                /* the paths are served */
    struct span extra_headers;          /* "Name: value\r\n"..., for the 101 response */
    struct span jwt_cookie, user_cookie, pass_cookie, token_cookie;     /* names; empty: none */
};

enum websocket_kind { WEBSOCKET_CLIENT, WEBSOCKET_LEAFNODE, WEBSOCKET_MQTT };

struct websocket_upgrade {
    enum websocket_kind kind;
    bool compress;                      /* permessage-deflate was agreed on */
    bool no_masking;                    /* the peer's frames need no mask */
    bool browser;                       /* cut frames at 4 KiB */
    bool fragment_compressed;           /* ...compressed ones too (not for Safari) */
    struct span client_ip;              /* X-Forwarded-For, if it is an address */
    struct span jwt, user, pass, token; /* from cookies; p NULL: not there */
    char reason[160];                   /* for the log, after a refusal */
};

/* Judge the request. OK: *up is set (spans borrow from the request), response got the 101.
 * DENIED: response got an HTTP error, up->reason says why; close after sending. more says that
 * bytes follow the head already, which a client must not do. */
MUST_USE enum status websocket_upgrade(struct websocket_upgrade *up,
                                       const struct websocket_rules *rules,
                                       const struct http_request *request, bool more,
                                       struct buf *response);

/* ---- decoder ---- */

enum websocket_status {
    WEBSOCKET_NORMAL = 1000, WEBSOCKET_GOING_AWAY = 1001, WEBSOCKET_PROTOCOL_ERROR = 1002,
    WEBSOCKET_NO_STATUS = 1005, WEBSOCKET_INVALID_PAYLOAD = 1007, WEBSOCKET_POLICY = 1008,
    WEBSOCKET_TOO_BIG = 1009, WEBSOCKET_INTERNAL = 1011, WEBSOCKET_TLS_HANDSHAKE = 1015,
};

enum websocket_event_kind {
    WEBSOCKET_MORE,             /* all bytes are used up */
    WEBSOCKET_DATA,             /* payload: a piece of the NATS byte stream */
    WEBSOCKET_PING,             /* payload: to be sent back in a pong */
    WEBSOCKET_PONG,
    WEBSOCKET_CLOSE,            /* status, payload (reason) to answer with; NO_STATUS: no body */
    WEBSOCKET_ERROR,            /* status and payload (reason) for the close frame to send */
};

struct websocket_event {
    enum websocket_event_kind kind;
    int status;                 /* of CLOSE and ERROR */
    struct span payload;        /* in the caller's bytes or the decoder; until the next call */
};

enum { WEBSOCKET_CONTROL_MAX = 125 };

struct websocket_decoder {
    bool compress, need_mask;           /* as agreed */
    uint64_t message_max;               /* bytes of a compressed message, before and after */
    /* the rest is private */
    unsigned char head[14];
    unsigned head_len;
    unsigned char opcode;
    bool final, in_payload, in_message, message_compressed, tail_fed, over;
    unsigned char mask[4];
    unsigned mask_at;
    uint64_t left;                      /* of the frame's payload */
    uint64_t message_in, message_out;   /* of the compressed message */
    char control[WEBSOCKET_CONTROL_MAX];
    unsigned control_len;
    struct websocket_inflater *inflater;        /* only inside a compressed message */
};

/* max_payload: the client's, in bytes; a compressed message may hold 8 times as much, but at
 * most 64 MiB, both as sent and inflated. */
void websocket_decoder_init(struct websocket_decoder *d, bool compress, bool need_mask,
                            int64_t max_payload);
void websocket_decoder_fini(struct websocket_decoder *d);

/* Decode from bytes (changed in place: unmasked) until there is an event; *used says how many
 * bytes are done with and not to be given again. Call until MORE. After CLOSE or ERROR the
 * stream is over: further calls give MORE and take everything. An event may come with *used 0
 * while a compressed message is drained. Memory: none between messages, about 64 KiB within a
 * compressed one. */
struct websocket_event websocket_decode(struct websocket_decoder *d, char *bytes, size_t len,
                                        size_t *used);

/* ---- encoder ---- */

enum websocket_opcode {
    WEBSOCKET_OP_CONTINUATION = 0, WEBSOCKET_OP_TEXT = 1, WEBSOCKET_OP_BINARY = 2,
    WEBSOCKET_OP_CLOSE = 8, WEBSOCKET_OP_PING = 9, WEBSOCKET_OP_PONG = 10,
};

enum { WEBSOCKET_HEAD_MAX = 10 };       /* a server's frames are not masked */

/* Write the head of a frame; returns its length. */
size_t websocket_frame_head(unsigned char out[WEBSOCKET_HEAD_MAX], enum websocket_opcode op,
                            bool final, bool compressed, uint64_t payload_bytes);

struct websocket_deflater;
struct websocket_deflater *websocket_deflater_new(void);        /* about 280 KiB */
void websocket_deflater_free(struct websocket_deflater **z);

struct websocket_framing { bool compress, browser, fragment_compressed; };

/* Append the parts' bytes as binary frames, in the way of nats-server: compressed as one message
 * when agreed and more than 64 bytes in all; for browsers in pieces of at most 4 KiB (messages of
 * their own when not compressed). z may be NULL when f->compress is false. */
void websocket_encode(const struct websocket_framing *f, struct websocket_deflater *z,
                      const struct span *parts, size_t count, struct buf *out);

/* Append a control frame; payload at most WEBSOCKET_CONTROL_MAX. */
void websocket_encode_control(enum websocket_opcode op, struct span payload, struct buf *out);

/* Append a close frame. NO_STATUS: without body. A long reason is cut and ends in "...". */
void websocket_encode_close(int status, struct span reason, struct buf *out);

#endif
