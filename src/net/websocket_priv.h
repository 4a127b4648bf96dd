/* SPDX-License-Identifier: Apache-2.0 */
/* websocket_priv.h - what the files of the WebSocket transport share. Inside net/ only. */
#ifndef NET_WEBSOCKET_PRIV_H
#define NET_WEBSOCKET_PRIV_H

#include <stdatomic.h>

#include "net/websocket_transport.h"

struct websocket_context {
    atomic_uint refs;
    struct tls_context *tls;            /* NULL: plain TCP */
    struct websocket_rules rules;       /* points into the rest */
    struct websocket_origin *origins;
    struct buf headers;
    char *cookies[4];
};

/* What is needed until the upgrade is done. */
struct websocket_opening {
    bool tls_done, judged, refused;
    struct http_parser http;
    struct websocket_upgrade upgrade;
};

struct websocket_stream {
    struct websocket_context *ctx;
    struct tls_stream *tls;             /* NULL: plain TCP */
    int fd;
    int64_t max_payload;
    struct websocket_opening *opening;  /* NULL: open */
    struct websocket_peer *peer;
    char *error;

    /* input */
    struct websocket_decoder decoder;
    struct buf raw, held;               /* left over: still encoded; decoded already */
    bool more;                          /* the decoder or what is left over has something */
    bool ended, failed;                 /* a close was received; the peer broke the rules */

    /* output: a frame under way whose payload stays in the caller's queue, or bytes kept here */
    struct websocket_framing framing;
    unsigned char head[WEBSOCKET_HEAD_MAX];
    unsigned head_sent, head_len;
    size_t frame_left;                  /* payload bytes announced and not sent */
    struct buf out;
    size_t out_sent;
    bool close_sent;
    enum websocket_status close_status;
    const char *close_text;
};

/* The layer below: TLS or the socket. Results as transport_ops. */
ssize_t websocket_lower_read(struct websocket_stream *ws, void *p, size_t len);
ssize_t websocket_lower_write(struct websocket_stream *ws, const struct iovec *iov, int count);

/* The handshake: TLS, the request, the response. As transport_ops.handshake. */
enum status websocket_open(struct websocket_stream *ws);
void websocket_opening_free(struct websocket_opening **o);      /* *o may be NULL */

/* Send what is kept in ws->out. OK, AGAIN or IO. */
enum status websocket_send_out(struct websocket_stream *ws);

#endif
