/* SPDX-License-Identifier: Apache-2.0 */
/* client_timer.c - the authentication deadline and PINGs, on one timer per client. */
#include "base/log.h"
#include "core/client_priv.h"
#include "core/trace.h"

#define FIRST_PING_NS (2 * INT64_C(1000000000))
#define RTT_INTERVAL_NS (3600 * INT64_C(1000000000))

static int64_t ping_interval(const struct client *c)
{
    const struct options *o = core_of(client_loop(c))->config->options;

    if (c->listener == CORE_LISTENER_WEBSOCKET && o->websocket.ping_interval_ns > 0)
        return o->websocket.ping_interval_ns;
    return o->ping_interval_ns;
}

void client_set_timers(struct client *c)
{
    int64_t due = INT64_MAX;

    if (c->auth_deadline_ns > 0) due = c->auth_deadline_ns;
    if (c->ping_due_ns > 0 && c->ping_due_ns < due) due = c->ping_due_ns;
    if (due == INT64_MAX)
        conn_clear_timer(&c->conn);
    else
        conn_set_timer(&c->conn, due);
}

void client_start_ping(struct client *c, bool first)
{
    struct loop *l = client_loop(c);
    int64_t wait = ping_interval(c);

    if (first) {                        /* soon, to measure the round trip, and not all at once */
        if (wait > FIRST_PING_NS) wait = FIRST_PING_NS;
        wait += wait / 5 * (int64_t)rng_below(&l->rng, 1000) / 1000;
    }
    c->ping_due_ns = l->now_ns + wait;
    client_set_timers(c);
}

static void send_ping(struct client *c)
{
    struct loop *l = client_loop(c);

    c->pings_out++;
    c->ping_sent_ns = l->now_ns;
    conn_stage_copy(l, &c->conn, SPAN_LIT("PING\r\n"));
    if (core_of(l)->config->options->trace) trace_out(c, SPAN_LIT("PING"));
}

static void on_ping_due(struct client *c)
{
    struct loop *l = client_loop(c);
    const struct options *o = core_of(l)->config->options;
    bool need_rtt = c->rtt_ns == 0 || l->now_ns - c->ping_sent_ns > RTT_INTERVAL_NS;

    if (l->now_ns - c->last_in_ns >= ping_interval(c) || need_rtt) {
        if (c->pings_out + 1 > o->ping_max) {
            log_debug("Stale Client Connection - Closing");
            l->stats.stale++;
            client_send_error(c, "Stale Connection");
            client_close(c, CLOSE_STALE_CONNECTION);
            return;
        }
        send_ping(c);
    }
    client_start_ping(c, false);
}

void client_on_timer(struct conn *conn)
{
    struct client *c = client_of(conn);
    int64_t now = client_loop(c)->now_ns;

    if (c->auth_deadline_ns > 0 && now >= c->auth_deadline_ns) {
        if (client_on_open_deadline(c)) return;
        client_send_error(c, "Authentication Timeout");
        client_close(c, CLOSE_AUTHENTICATION_TIMEOUT);
        return;
    }
    if (c->ping_due_ns > 0 && now >= c->ping_due_ns)
        on_ping_due(c);
    else
        client_set_timers(c);
}
