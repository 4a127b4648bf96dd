/* SPDX-License-Identifier: Apache-2.0 */
/* client_open.c - from an accepted socket to a session: WebSocket, TLS before or after INFO, INFO.
 *
 *      accepted ─ websocket ───────── transport_websocket ready ──────────── INFO, session
 *               ├ plain ─────────────────────────────────────────────────── INFO, session
 *               ├ tls ─────────────────────── INFO, handshake ────────────── session
 *               ├ tls, handshake_first ────── handshake ──────────────────── INFO, session
 *               ├ tls, first: auto ─ sniff ┬─ hello: as handshake_first
 *               │                          └─ nothing in time: INFO, handshake, session
 *               └ tls, allow_non_tls ─ INFO, sniff ┬ hello: handshake ────── session
 *                                                  └ other ───────────────── session
 *
 * on_ready is called whenever the transport of the moment is ready; c->opening says what for. */
#include "auth/auth.h"
#include <errno.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/client_priv.h"
#include "core/trace.h"
#include "net/tls.h"
#include "net/websocket_transport.h"

/* ---- a transport that waits for the first byte and leaves it there ---- */

static enum status sniff(struct conn *conn)
{
    enum tls_sniff found = tls_looks_like_hello(conn->fd);

    if (found == TLS_SNIFF_NOTHING) return ST_AGAIN;
    client_of(conn)->sniffed_hello = found == TLS_SNIFF_HELLO;
    return ST_OK;
}

static ssize_t no_read(struct conn *conn, void *p, size_t len)
{
    (void)conn;
    (void)p;
    (void)len;
    return -EAGAIN;
}

static ssize_t plain_write(struct conn *conn, const struct iovec *iov, int count)
{
    return transport_tcp.write(conn, iov, count);
}

static const struct transport_ops transport_sniff = {
    .read = no_read, .write = plain_write, .handshake = sniff,
};

/* ---- steps ---- */

static const struct options *options_of(const struct client *c)
{
    return core_of(client_loop(c))->config->options;
}

static void set_deadline(struct client *c, int64_t after_ns)
{
    c->auth_deadline_ns = client_loop(c)->now_ns + after_ns;
    client_set_timers(c);
}

static void start_session(struct client *c)
{
    const struct core_config *config = core_of(client_loop(c))->config;
    const struct options *o = config->options;
    int64_t timeout = o->authorization.timeout_ns;

    c->opening = CLIENT_OPEN;
    c->config_serial = config->serial;
    c->auth_deadline_ns = 0;
    if (c->over_limit) {
        client_send_error(c, "maximum connections exceeded");
        client_close(c, CLOSE_MAX_CONNECTIONS);
        return;
    }
    if (c->listener == CORE_LISTENER_WEBSOCKET && o->websocket.has_authorization &&
        o->websocket.authorization.timeout_ns > 0)
        timeout = o->websocket.authorization.timeout_ns;
    c->awaiting_auth = c->conn.cautious = auth_db_required(config->auth[c->listener]);
    if (!c->awaiting_auth && !client_join_account(c, config->no_auth_account, NULL)) return;
    if (c->awaiting_auth) c->auth_deadline_ns = client_loop(c)->now_ns + timeout;
    client_start_ping(c, false);
}

/* More handshakes this second than connection_rate_limit allows. */
static bool is_throttled(struct client *c)
{
    int64_t limit = options_of(c)->tls->connection_rate_limit;
    struct core_rate *r = &c->core->tls_rate;
    int64_t now = client_loop(c)->now_ns;
    bool allowed;

    if (limit <= 0) return false;
    sync_mutex_lock(&r->mutex);
    if (now > r->end_ns) {
        r->count = 0;
        r->end_ns = now + 1000000000;
    } else {
        r->count++;
    }
    allowed = r->count < limit;
    sync_mutex_unlock(&r->mutex);
    if (allowed) return false;
    client_send_error(c, "Connection throttling is active. Please try again later.");
    client_close(c, CLOSE_MAX_CONNECTIONS);
    return true;
}

static void start_tls(struct client *c, enum client_opening next)
{
    struct tls_context *ctx = core_of(client_loop(c))->config->tls[CORE_LISTENER_CLIENT];

    if (is_throttled(c)) return;
    c->opening = (uint8_t)next;
    loop_commit(client_loop(c));        /* INFO leaves in plain text */
    set_deadline(c, options_of(c)->tls->timeout_ns);
    conn_set_transport(&c->conn, &transport_tls, tls_stream_new(ctx, c->conn.fd));
}

static void start_sniff(struct client *c, enum client_opening next, int64_t timeout_ns)
{
    c->opening = (uint8_t)next;
    loop_commit(client_loop(c));
    set_deadline(c, timeout_ns);
    conn_set_transport(&c->conn, &transport_sniff, NULL);
}

static void go_plain(struct client *c, enum client_opening next)
{
    c->opening = (uint8_t)next;
    conn_set_transport(&c->conn, &transport_tcp, NULL);
}

/* INFO, then what has to follow it. */
static void send_info(struct client *c)
{
    const struct options *o = options_of(c);

    c->info_sent = true;
    client_send_info(c, false);
    if (c->listener == CORE_LISTENER_WEBSOCKET || o->tls == NULL || c->tls_done)
        start_session(c);
    else if (o->allow_non_tls)
        start_sniff(c, CLIENT_SNIFF_MIXED, o->tls->timeout_ns);
    else
        start_tls(c, CLIENT_TLS);
}

/* What the upgrade request brought along. */
static void take_websocket_peer(struct client *c)
{
    struct websocket_stream *ws = c->conn.transport_state;
    const struct websocket_peer *peer = websocket_stream_peer(ws);

    c->tls_done = websocket_stream_tls(ws) != NULL;
    if (peer && peer->client_ip.len) c->details->client_ip = mem_dup_span(peer->client_ip);
}

static void begin(struct client *c)
{
    const struct options *o = options_of(c);

    if (c->listener == CORE_LISTENER_WEBSOCKET) {
        take_websocket_peer(c);
        send_info(c);
    } else if (o->tls && o->tls->first == TLS_FIRST_YES) {
        start_tls(c, CLIENT_TLS_FIRST);
    } else if (o->tls && o->tls->first == TLS_FIRST_AUTO) {
        start_sniff(c, CLIENT_SNIFF_FIRST, o->tls->first_fallback_ns);
    } else {
        send_info(c);
    }
}

void client_on_open(struct conn *conn)
{
    struct client *c = client_of(conn);

    core_of(client_loop(c))->clients++;
    if (c->listener == CORE_LISTENER_WEBSOCKET)
        set_deadline(c, options_of(c)->websocket.handshake_timeout_ns);
}

void client_on_ready(struct conn *conn)
{
    struct client *c = client_of(conn);

    switch ((enum client_opening)c->opening) {
    case CLIENT_NEW:
        begin(c);
        break;
    case CLIENT_SNIFF_FIRST:            /* something came: it has to be a hello */
        start_tls(c, CLIENT_TLS_FIRST);
        break;
    case CLIENT_TLS_FIRST:
        c->tls_done = c->tls_first = true;
        send_info(c);
        break;
    case CLIENT_NO_HELLO:
        send_info(c);
        break;
    case CLIENT_SNIFF_MIXED:
        if (c->sniffed_hello)
            start_tls(c, CLIENT_TLS);
        else
            go_plain(c, CLIENT_PLAIN);
        break;
    case CLIENT_TLS:
        c->tls_done = true;
        start_session(c);
        break;
    case CLIENT_PLAIN:
        start_session(c);
        break;
    case CLIENT_OPEN:
        unreachable();
    }
}

bool client_on_open_deadline(struct client *c)
{
    if (c->opening == CLIENT_OPEN) return false;
    c->auth_deadline_ns = 0;
    if (c->opening == CLIENT_SNIFF_FIRST) {
        go_plain(c, CLIENT_NO_HELLO);
    } else {
        log_debug("TLS handshake timeout");
        client_close(c, CLOSE_TLS_HANDSHAKE_ERROR);
    }
    return true;
}

/* ---- what a transport is and why it failed ---- */

void client_init_conn(struct client *c, struct core_loop *cl, int fd)
{
    struct websocket_stream *ws;

    if (c->listener != CORE_LISTENER_WEBSOCKET) {
        conn_init(&c->conn, &cl->core->loops, fd, &client_conn_ops, &transport_tcp, NULL);
        return;
    }
    ws = websocket_stream_new(cl->config->websocket, fd, cl->config->options->max_payload);
    conn_init(&c->conn, &cl->core->loops, fd, &client_conn_ops, &transport_websocket, ws);
}

const struct tls_stream *client_tls_stream(const struct client *c)
{
    if (c->conn.transport == &transport_tls) return c->conn.transport_state;
    if (c->conn.transport == &transport_websocket)
        return websocket_stream_tls(c->conn.transport_state);
    return NULL;
}

void client_log_transport_error(const struct client *c)
{
    const char *text = "";
    bool debug = false;
    struct buf label = { 0 };

    if (c->conn.transport == &transport_websocket) {
        text = websocket_stream_error(c->conn.transport_state, &debug);
    } else if (c->conn.transport == &transport_tls) {
        text = tls_stream_error(c->conn.transport_state);
        debug = tls_stream_is_probe(c->conn.transport_state);
    }
    if (text[0] == '\0') return;
    client_append_label(c, &label);
    log_at(debug ? LOG_DEBUG : LOG_ERROR, "%s - %s%s", buf_text(&label),
           c->conn.transport == &transport_tls ? "TLS handshake error: " : "", text);
    buf_free(&label);
}

/* What a WebSocket client is told in the close frame. */
static enum websocket_status close_status(enum close_reason reason)
{
    switch (reason) {
    case CLOSE_CLIENT_CLOSED: return WEBSOCKET_NORMAL;
    case CLOSE_AUTHENTICATION_TIMEOUT:
    case CLOSE_AUTHENTICATION_VIOLATION:
    case CLOSE_SLOW_PENDING_BYTES:
    case CLOSE_SLOW_WRITE_DEADLINE:
    case CLOSE_MAX_ACCOUNT_CONNECTIONS:
    case CLOSE_MAX_CONNECTIONS:
    case CLOSE_MAX_CONTROL_LINE:
    case CLOSE_MAX_SUBSCRIPTIONS:
    case CLOSE_MISSING_ACCOUNT: return WEBSOCKET_POLICY;
    case CLOSE_TLS_HANDSHAKE_ERROR: return WEBSOCKET_TLS_HANDSHAKE;
    case CLOSE_PARSE_ERROR:
    case CLOSE_PROTOCOL_VIOLATION: return WEBSOCKET_PROTOCOL_ERROR;
    case CLOSE_MAX_PAYLOAD: return WEBSOCKET_TOO_BIG;
    case CLOSE_WRITE_ERROR:
    case CLOSE_READ_ERROR:
    case CLOSE_STALE_CONNECTION:
    case CLOSE_SERVER_SHUTDOWN: return WEBSOCKET_GOING_AWAY;
    default: return WEBSOCKET_INTERNAL;
    }
}

void client_set_close_frame(struct client *c, enum close_reason reason)
{
    if (c->conn.transport == &transport_websocket)
        websocket_stream_set_close(c->conn.transport_state, close_status(reason),
                                   close_reason_text(reason));
}

void client_forget_upgrade(struct client *c)
{
    if (c->conn.transport == &transport_websocket)
        websocket_stream_forget(c->conn.transport_state);
}

/* What CONNECT left out may stand in cookies. */
void client_take_cookies(struct client *c)
{
    struct connect_options *o = c->details->connect;
    const struct websocket_peer *peer;

    if (c->conn.transport != &transport_websocket) return;
    peer = websocket_stream_peer(c->conn.transport_state);
    if (peer == NULL) return;
    if (o->user.len == 0 && peer->user.len) connect_options_set(&o->user, peer->user);
    if (o->pass.len == 0 && peer->pass.len) connect_options_set(&o->pass, peer->pass);
    if (o->auth_token.len == 0 && peer->token.len) connect_options_set(&o->auth_token, peer->token);
}
