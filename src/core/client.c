/* SPDX-License-Identifier: Apache-2.0 */
/* client.c - beginning and end of a client's session. */
#include "core/client.h"

#include "base/duration.h"
#include "base/log.h"
#include "auth/nkey.h"
#include "auth/perms.h"
#include "base/mem.h"
#include "core/client_priv.h"
#include "core/closed.h"
#include "core/responses.h"
#include "core/trace.h"
#include "os/clock.h"
#include "os/entropy.h"
#include "proto/info.h"

const char *close_reason_text(enum close_reason reason)
{
    static const char *const texts[] = {
#define CLOSE(name, text) text,
#include "core/close.def"
#undef CLOSE
    };
    return texts[reason];
}

/* ---- INFO ---- */

void client_fill_info(const struct client *c, bool connect_info, struct info_fields *f)
{
    const struct core *core = c->core;
    const struct core_config *config = core_of(client_loop(c))->config;
    const struct options *o = config->options;
    bool websocket = c->listener == CORE_LISTENER_WEBSOCKET;
    const struct tls_options *tls = o->tls;
    const char *host = config->advertise_host ? config->advertise_host : o->host;
    int port = config->advertise_port > 0 ? config->advertise_port : core->port;

    *f = (struct info_fields){
        .server_id = span_of(core->identity.id), .server_name = span_of(core->identity.name),
        .version = span_of(core->identity.version), .proto = 1,
        .go = span_of(core->identity.go), .git_commit = span_of(core->identity.git_commit),
        .host = span_of(websocket ? o->websocket.host : host),
        .port = websocket ? core->websocket_port : port,
        .headers = !o->no_header_support, .max_payload = c->limits.max_payload,
        .auth_required = c->connect_received ? auth_db_required(config->auth[c->listener])
                                             : auth_db_info_required(config->auth[c->listener]),
        .client_id = c->id,
        .client_ip = span_of(c->details->client_ip ? c->details->client_ip
                                                   : c->details->peer.host),
        .nonce = span_of(c->details->nonce),
        .ldm = atomic_load(&((struct core *)(uintptr_t)core)->lame_duck),
        .jetstream = o->jetstream.enabled, .domain = span_of(o->jetstream.domain),
        .api_lvl = o->jetstream.enabled ? CORE_API_LEVEL : 0,
        .connect_info = connect_info, .xkey = span_of(core->identity.xkey),
    };
    if (tls != NULL) {
        f->tls_required = !o->allow_non_tls || c->tls_first;
        f->tls_available = o->allow_non_tls;
        f->tls_verify = tls->verify || tls->verify_and_map;
    }
    if (websocket)
        f->tls_required = f->tls_available = config->tls[CORE_LISTENER_WEBSOCKET] != NULL;
    if (connect_info && c->account) {
        f->remote_account = span_of(c->account->name);
        f->acc_is_sys = c->account->is_system;
    }
}

void client_send_info(struct client *c, bool connect_info)
{
    struct info_fields f;
    struct buf line = { 0 };

    client_fill_info(c, connect_info, &f);
    info_append(&f, &line);
    conn_stage_copy(client_loop(c), &c->conn, buf_span(&line));
    buf_free(&line);
}

/* ---- opening ---- */

/* A new connection counts against max_connections before anything else is done for it. */
static bool is_over_limit(struct core *core, int64_t max)
{
    int64_t before = atomic_fetch_add(&core->counters.clients, 1);

    return max < 0 || (max > 0 && before >= max);
}

void client_accept(struct core_loop *cl, enum core_listener listener, int fd,
                   const struct socket_address *peer, struct loop *home)
{
    struct core *core = cl->core;
    const struct options *o = cl->config->options;
    struct client *c = mem_zero(sizeof *c);

    c->core = core;
    c->listener = (uint8_t)listener;
    c->id = atomic_fetch_add(&core->counters.next_client_id, 1) + 1;
    atomic_fetch_add(&core->counters.total_clients, 1);
    c->over_limit = is_over_limit(core, o->max_connections);
    c->subscriber = (struct subscriber){ client_deliver, client_is_denied, false };
    c->details = mem_zero(sizeof *c->details);
    c->details->peer = *peer;
    c->start_ns = c->last_ns = c->last_in_ns = clock_mono_ns();
    c->verbose = c->pedantic = c->echo = true;
    c->limits = (struct parser_limits){ .max_control_line = (size_t)o->max_control_line,
                                        .max_payload = o->max_payload };
    c->max_subs = -1;
    if (auth_db_needs_nonce(cl->config->auth[listener])) {
        unsigned char raw[NKEY_NONCE_RAW_BYTES];
        entropy_fill(raw, sizeof raw);
        nkey_nonce(raw, c->details->nonce);
    }
    client_init_conn(c, cl, fd);
    log_debug("%s:%u - cid:%llu - Client connection created", peer->host, peer->port,
              (unsigned long long)c->id);
    conn_open(&c->conn, home, cl->loop);
}

/* ---- closing ---- */

/* Whether the client was told something that it should get to read. */
static bool has_last_words(enum close_reason reason)
{
    switch (reason) {
    case CLOSE_CLIENT_CLOSED:
    case CLOSE_READ_ERROR:
    case CLOSE_WRITE_ERROR:
    case CLOSE_SLOW_PENDING_BYTES:
    case CLOSE_SLOW_WRITE_DEADLINE:
    case CLOSE_SERVER_SHUTDOWN: return false;
    default: return true;
    }
}

void client_close(struct client *c, enum close_reason reason)
{
    struct loop *l = client_loop(c);

    if (c->conn.closed) return;
    loop_commit(l);                     /* count what the close itself sends, too */
    closed_ring_add(c->core->closed, c, reason);
    if (log_wants(LOG_DEBUG)) {
        struct buf label = { 0 };
        client_append_label(c, &label);
        log_debug("%s - Client connection closed: %s", buf_text(&label),
                  close_reason_text(reason));
        buf_free(&label);
    }
    client_set_close_frame(c, reason);
    if (has_last_words(reason))
        conn_close_gently(&c->conn);
    else
        conn_close(&c->conn);
}

static void on_close(struct conn *conn)
{
    struct client *c = client_of(conn);

    core_of(client_loop(c))->clients--;
    client_abandon_bcrypt(c);
    if (c->account) client_remove_all_subs(c);
    client_leave_account(c);
    atomic_fetch_sub(&c->core->counters.clients, 1);
}

static void on_release(struct conn *conn)
{
    struct client *c = client_of(conn);

    if (c->details->connect) connect_options_fini(c->details->connect);
    mem_free(c->details->connect);
    mem_free(c->details->name);
    mem_free(c->details->lang);
    mem_free(c->details->version);
    auth_identity_free(&c->details->identity);
    mem_free(c->details->client_ip);
    mem_free(c->details);
    perms_unref(c->perms);
    responses_free(&c->responses);
    mem_free(c);
}

static void log_slow(struct client *c, enum conn_end why)
{
    const struct options *o = core_of(client_loop(c))->config->options;
    struct buf line = { 0 };

    client_append_label(c, &line);
    buf_append_text(&line, " - Slow Consumer Detected: ");
    if (why == CONN_END_SLOW_PENDING) {
        buf_printf(&line, "MaxPending of %lld Exceeded", (long long)o->max_pending);
    } else {
        buf_append_text(&line, "WriteDeadline of ");
        duration_append(&line, o->write_deadline_ns);
        buf_printf(&line, " exceeded with %zu total bytes.", conn_pending(&c->conn));
    }
    log_info("%s", buf_text(&line));
    buf_free(&line);
    if (c->account) c->account->stats[client_loop(c)->index].slow_consumers++;
}

static void on_end(struct conn *conn, enum conn_end why)
{
    static const enum close_reason reasons[] = {
        [CONN_END_EOF] = CLOSE_CLIENT_CLOSED, [CONN_END_READ_ERROR] = CLOSE_READ_ERROR,
        [CONN_END_WRITE_ERROR] = CLOSE_WRITE_ERROR,
        [CONN_END_SLOW_PENDING] = CLOSE_SLOW_PENDING_BYTES,
        [CONN_END_SLOW_DEADLINE] = CLOSE_SLOW_WRITE_DEADLINE,
        [CONN_END_HANDSHAKE] = CLOSE_TLS_HANDSHAKE_ERROR,
        [CONN_END_PROTOCOL] = CLOSE_READ_ERROR,
    };
    struct client *c = client_of(conn);

    if (why == CONN_END_SLOW_PENDING || why == CONN_END_SLOW_DEADLINE) log_slow(c, why);
    if (why == CONN_END_HANDSHAKE || why == CONN_END_PROTOCOL) client_log_transport_error(c);
    client_close(c, reasons[why]);
}

static void on_notify(struct conn *conn, unsigned bits)
{
    struct client *c = client_of(conn);

    if (!(bits & CLIENT_NOTIFY_AUTH) || c->details->pending == NULL) return;
    if (conn->closed || atomic_load(&c->core->shutting_down))   /* then nothing was computed */
        client_drop_bcrypt(c);
    else
        client_on_bcrypt(c);
}

/* On its way between two loops it was on neither's list when they switched. */
static void on_moved(struct conn *conn)
{
    struct client *c = client_of(conn);

    if (c->config_serial < core_of(client_loop(c))->config->serial) client_apply_config(c, NULL);
}

static bool is_busy(const struct conn *conn)
{
    const struct client *c = (const struct client *)(const void *)conn;

    return c->details->pending != NULL || c->wait != NULL;
}

const struct conn_ops client_conn_ops = {
    .on_open = client_on_open, .on_ready = client_on_ready, .on_bytes = client_on_bytes,
    .on_end = on_end, .on_timer = client_on_timer, .on_notify = on_notify, .on_moved = on_moved,
    .on_close = on_close,
    .is_busy = is_busy, .on_release = on_release,
};

/* ---- reload ---- */

void client_apply_config(struct client *c, const struct core_config *old)
{
    (void)old;
    if (c->conn.closed) return;
    c->config_serial = core_of(client_loop(c))->config->serial;
    client_recheck_auth(c);
    if (!c->conn.closed && c->account) client_apply_limits(c);
}
