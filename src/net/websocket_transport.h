/* SPDX-License-Identifier: Apache-2.0 */
/* websocket_transport.h - NATS over WebSocket frames, over TCP or TLS.
 *
 * A struct websocket_context is what the websocket{} block means for connections: immutable,
 * atomically counted, used by all loops. The transport does the TLS handshake, the upgrade, and
 * turns data frames into a byte stream and output into messages; the connection above sees plain
 * NATS. Pings and closes are answered inside. */
#ifndef NET_WEBSOCKET_TRANSPORT_H
#define NET_WEBSOCKET_TRANSPORT_H

#include "net/tls.h"
#include "proto/websocket.h"

struct websocket_settings {             /* borrowed by websocket_context_new only */
    bool same_origin;
    const char *const *allowed_origins;
    size_t allowed_origin_count;
    bool compression;
    const char *const *header_names, *const *header_values;     /* for the 101 response, in step */
    size_t header_count;
    const char *jwt_cookie, *user_cookie, *pass_cookie, *token_cookie;  /* names; NULL: none */
};

struct websocket_context;

/* Build a context and give the caller one reference in *out. tls: the listener's, or NULL: plain
 * TCP; one more reference is taken. BAD_INPUT: an origin or a header is not allowed; why says so
 * in nats-server's words. */
MUST_USE enum status websocket_context_new(const struct websocket_settings *s,
                                           struct tls_context *tls,
                                           struct websocket_context **out, struct error *why);
struct websocket_context *websocket_context_ref(struct websocket_context *ctx);
void websocket_context_unref(struct websocket_context *ctx);    /* NULL: nothing; any thread */

/* ---- one connection ---- */

extern const struct transport_ops transport_websocket;  /* transport_state: a websocket_stream */

struct websocket_stream;

/* For conn_init, with transport_websocket. Holds a reference to ctx. max_payload: the limit of
 * one NATS message, from which that of a compressed WebSocket message follows. */
struct websocket_stream *websocket_stream_new(struct websocket_context *ctx, int fd,
                                              int64_t max_payload);

/* Free a stream that no conn got; those of a conn go with it. */
void websocket_stream_free(struct websocket_stream **ws);

/* Why the handshake or the stream failed, for the log; "" if it did not. *level_debug (may be
 * NULL): nats-server says it at debug level. Valid as long as ws. */
const char *websocket_stream_error(const struct websocket_stream *ws, bool *level_debug);

/* The TLS below, or NULL: for connz and for names in certificates. */
const struct tls_stream *websocket_stream_tls(const struct websocket_stream *ws);

/* What came with the upgrade request; after the handshake. */
struct websocket_peer {
    struct span client_ip;              /* of X-Forwarded-For; empty: not there */
    struct span jwt, user, pass, token; /* of cookies; p NULL: not there */
    bool compress;
};

/* NULL: forgotten. Valid until websocket_stream_forget. */
const struct websocket_peer *websocket_stream_peer(const struct websocket_stream *ws);

/* The peer is authenticated: wipe and free what it gave. */
void websocket_stream_forget(struct websocket_stream *ws);

/* What the close frame says that conn_close sends: without this call NORMAL and nothing. Static
 * text, as the closed connection's reason ("Slow Consumer (Pending Bytes)"). */
void websocket_stream_set_close(struct websocket_stream *ws, enum websocket_status status,
                                const char *text);

#endif
