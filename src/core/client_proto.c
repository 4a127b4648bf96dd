/* SPDX-License-Identifier: Apache-2.0 */
/* client_proto.c - from parsed commands to what they do. */
#include "base/log.h"
#include "base/mem.h"
#include "core/client_priv.h"
#include "core/trace.h"
#include "proto/subject.h"

#define DELIVERIES_PER_CHUNK 8192       /* then other connections have their turn */

void client_send_ok(struct client *c)
{
    conn_stage_copy(client_loop(c), &c->conn, SPAN_LIT("+OK\r\n"));
}

void client_send_error(struct client *c, const char *text)
{
    struct loop *l = client_loop(c);
    struct buf line = { 0 };

    buf_printf(&line, "-ERR '%s'\r\n", text);
    conn_stage_copy(l, &c->conn, buf_span(&line));
    line.len -= 2;
    if (core_of(l)->config->options->trace) trace_out(c, buf_span(&line));
    buf_free(&line);
}

/* ---- PING, PONG ---- */

static void send_pong(struct client *c, struct span sid, int64_t max)
{
    struct loop *l = client_loop(c);

    (void)sid;
    (void)max;
    conn_stage_copy(l, &c->conn, SPAN_LIT("PONG\r\n"));
    if (core_of(l)->config->options->trace) trace_out(c, SPAN_LIT("PONG"));
    if (c->first_pong_sent || !c->connect_received) return;
    c->first_pong_sent = true;
    if (c->protocol >= 1) client_send_info(c, true);
}

void client_on_ping(struct client *c)
{
    bool drain = c->unsubscribed;

    c->last_in_ns = client_loop(c)->now_ns;
    c->unsubscribed = false;
    if (drain)
        client_wait(c, send_pong, SPAN_NONE, 0);
    else
        send_pong(c, SPAN_NONE, 0);
}

void client_on_pong(struct client *c)
{
    int64_t now = loop_now(client_loop(c));

    c->pings_out = 0;
    if (c->ping_sent_ns > 0) c->rtt_ns = now > c->ping_sent_ns ? now - c->ping_sent_ns : 1;
}

/* ---- CONNECT ---- */

/* What CONNECT is applied to: defaults, or what an earlier one has said. */
static struct connect_options *connect_options_of(struct client *c)
{
    struct client_details *d = c->details;
    struct connect_options *o = d->connect;

    if (o) return o;
    d->connect = o = mem_zero(sizeof *o);
    connect_options_init(o);
    if (!c->connect_received) return o;
    o->verbose = c->verbose;
    o->pedantic = c->pedantic;
    o->echo = c->echo;
    o->headers = c->headers;
    o->no_responders = c->no_responders;
    o->protocol = c->protocol;
    if (d->name) connect_options_set(&o->name, span_of(d->name));
    if (d->lang) connect_options_set(&o->lang, span_of(d->lang));
    if (d->version) connect_options_set(&o->version, span_of(d->version));
    return o;
}

void client_on_connect(struct client *c, struct span json)
{
    struct loop *l = client_loop(c);
    struct connect_options *o = connect_options_of(c);
    const struct core_config *config = core_of(l)->config;
    struct error why;

    c->auth_deadline_ns = 0;
    if (c->rtt_ns == 0) c->rtt_ns = l->now_ns > c->start_ns ? l->now_ns - c->start_ns : 1;
    client_start_ping(c, true);
    if (connect_options_parse(o, json, &why) != ST_OK) {
        struct buf label = { 0 };
        client_append_label(c, &label);
        log_error("%s - CONNECT: %s", buf_text(&label), why.text);
        buf_free(&label);
        client_close(c, CLOSE_PROTOCOL_VIOLATION);
        return;
    }
    if (c->connect_received) client_remove_all_subs(c);
    c->connect_received = true;
    c->verbose = o->verbose;
    c->pedantic = o->pedantic;
    c->echo = o->echo;
    c->headers = o->headers && !config->options->no_header_support;
    c->limits.headers = c->headers;
    c->protocol = o->protocol < 0 || o->protocol > 1 ? 2 : (uint8_t)o->protocol;
    client_start_auth(c);
}

/* ---- dispatch ---- */

#define SNIPPET_MAX 32                  /* bytes of bad input that go to the log */

static void log_bad_input(struct client *c, const char *what, struct span input)
{
    struct buf line = { 0 };

    if (input.len > SNIPPET_MAX) input.len = SNIPPET_MAX;
    client_append_label(c, &line);
    buf_printf(&line, " - Client parser ERROR: %s: proto=", what);
    buf_append_quoted(&line, input);
    log_error("%s...", buf_text(&line));
    buf_free(&line);
}

static void refuse(struct client *c, enum parser_result why, struct span input)
{
    switch (why) {
    case PARSER_UNKNOWN:
        log_bad_input(c, "unknown operation", input);
        client_send_error(c, "Unknown Protocol Operation");
        client_close(c, CLOSE_PROTOCOL_VIOLATION);
        break;
    case PARSER_CONTROL_LINE:
        log_bad_input(c, "maximum control line exceeded", input);
        client_send_error(c, "maximum control line exceeded");
        client_close(c, CLOSE_MAX_CONTROL_LINE);
        break;
    case PARSER_MAX_PAYLOAD:
        client_send_error(c, "Maximum Payload Violation");
        client_close(c, CLOSE_MAX_PAYLOAD);
        break;
    default:
        log_bad_input(c, "bad arguments", input);
        client_close(c, CLOSE_PROTOCOL_VIOLATION);
    }
}

/* Clients have no reason to send INFO; what is not even JSON ends the connection. */
static void on_info(struct client *c, struct span json)
{
    struct connect_options unused;

    connect_options_init(&unused);
    if (connect_options_parse(&unused, json, NULL) != ST_OK) {
        log_bad_input(c, "INFO", json);
        client_close(c, CLOSE_PROTOCOL_VIOLATION);
    }
    connect_options_fini(&unused);
}

static void dispatch(struct client *c, const struct parser_command *cmd, struct shared_bytes *keep)
{
    switch (cmd->verb) {
    case VERB_PUB:
    case VERB_HPUB: client_on_pub(c, cmd, keep); break;
    case VERB_SUB: client_on_sub(c, cmd); break;
    case VERB_UNSUB: client_on_unsub(c, cmd); break;
    case VERB_PING: client_on_ping(c); break;
    case VERB_PONG: client_on_pong(c); break;
    case VERB_CONNECT: client_on_connect(c, cmd->args); break;
    case VERB_ERR: client_close(c, CLOSE_PARSE_ERROR); break;
    case VERB_INFO: on_info(c, cmd->args); break;
    case VERB_OK: break;
    }
}

/* Before authentication only CONNECT may come, unless a default user stands in for it. */
static bool may_start(struct client *c, char first)
{
    if (first == 'C' || first == 'c') return true;
    if (client_try_no_auth_user(c)) return !c->conn.closed;
    client_auth_violation(c);
    return false;
}

size_t client_on_bytes(struct conn *conn, const char *p, size_t len, size_t *need,
                       struct shared_bytes *keep)
{
    struct client *c = client_of(conn);
    struct loop *l = client_loop(c);
    struct core_loop *cl = core_of(l);
    struct parser_command cmd;
    size_t at = 0;

    c->last_ns = c->last_in_ns = l->now_ns;
    cl->deliveries = 0;
    while (at < len && !conn->paused) {
        enum parser_result r;
        if (c->awaiting_auth && !may_start(c, p[at])) return len;
        r = parser_next(p + at, len - at, &c->limits, &cmd);
        if (r == PARSER_MORE) {
            *need = cmd.need;
            break;
        }
        if (r != PARSER_COMMAND) {
            refuse(c, r, span_make(p + at, len - at));
            return len;
        }
        if (cl->config->options->trace) {
            trace_command(c, &cmd);
            if (cmd.verb == VERB_PUB || cmd.verb == VERB_HPUB) trace_payload(c, &cmd);
        }
        at += cmd.consumed;
        dispatch(c, &cmd, keep);
        if (conn->closed) return len;
        if (cl->deliveries > DELIVERIES_PER_CHUNK && at < len) {
            conn_suspend(conn);
            break;
        }
    }
    return at;
}
