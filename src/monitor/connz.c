/* SPDX-License-Identifier: Apache-2.0 */
/* connz.c - /connz: a page of connections, keys and order as nats-server's. */
#include "monitor/connz.h"

#include "base/duration.h"
#include "base/mem.h"
#include "monitor/conn_list.h"
#include "monitor/endpoint.h"
#include "net/tls.h"
#include "os/clock.h"

#define FETCH 256               /* connections copied at a time */

static void put_age(struct jsonw *w, const char *key, int64_t ns)
{
    struct buf text = { 0 };

    duration_append_uptime(&text, ns < 0 ? 0 : ns);
    jsonw_string(w, key, buf_span(&text));
    buf_free(&text);
}

/* Round trips between a microsecond and a millisecond are cut to whole microseconds. */
static int64_t shown_rtt(int64_t ns)
{
    return ns > NS_PER_US && ns < NS_PER_MS ? ns - ns % NS_PER_US : ns;
}

static void put_traffic(struct jsonw *w, const struct client_stats *c)
{
    jsonw_uint(w, "pending_bytes", c->pending_bytes);
    jsonw_uint(w, "in_msgs", c->in_msgs);
    jsonw_uint(w, "out_msgs", c->out_msgs);
    jsonw_uint(w, "in_bytes", c->in_bytes);
    jsonw_uint(w, "out_bytes", c->out_bytes);
    if (c->stalls) jsonw_uint(w, "stalls", c->stalls);
    jsonw_uint(w, "subscriptions", c->sub_count);
}

static void put_certificates(struct jsonw *w, const struct client_stats *c)
{
    if (c->certificate_count == 0) return;
    jsonw_array(w, "tls_peer_certs");
    for (size_t i = 0; i < c->certificate_count; i++) {
        jsonw_object(w, NULL);
        jsonw_text_if(w, "subject", c->certificates[i].subject);
        jsonw_text(w, "spki_sha256", c->certificates[i].spki_sha256);
        jsonw_text(w, "cert_sha256", c->certificates[i].sha256);
        jsonw_end_object(w);
    }
    jsonw_end_array(w);
}

static void put_client(struct jsonw *w, const struct client_stats *c, bool auth)
{
    jsonw_text_if(w, "name", c->name);
    jsonw_text_if(w, "lang", c->lang);
    jsonw_text_if(w, "version", c->version);
    jsonw_text_if(w, "tls_version", c->tls_version);
    jsonw_text_if(w, "tls_cipher_suite", c->tls_cipher);
    put_certificates(w, c);
    jsonw_bool_if(w, "tls_first", c->tls_first);
    if (!auth) return;
    jsonw_text_if(w, "authorized_user", c->authorized_user);
    if (c->account && strcmp(c->account, "$G") != 0) jsonw_text(w, "account", c->account);
}

static void put_sub(struct jsonw *w, const struct client_stats *c,
                    const struct client_sub_stats *sub)
{
    jsonw_object(w, NULL);
    if (c->stop_wall_ns) {
        jsonw_text_if(w, "account", c->account);
        jsonw_text_if(w, "account_tag", c->account);
    }
    jsonw_text(w, "subject", sub->subject);
    jsonw_text_if(w, "qgroup", sub->queue);
    jsonw_text(w, "sid", sub->sid);
    jsonw_int(w, "msgs", sub->msgs);
    jsonw_int_if(w, "max", c->stop_wall_ns ? 0 : sub->max);
    jsonw_uint(w, "cid", c->cid);
    jsonw_end_object(w);
}

static void put_subs(struct jsonw *w, const struct client_stats *c, const struct connz_options *o)
{
    if (c->subs == NULL || c->sub_count == 0 || (!o->subs && !o->detail)) return;
    jsonw_array(w, o->detail ? "subscriptions_list_detail" : "subscriptions_list");
    for (uint32_t i = 0; i < c->sub_count; i++) {
        if (o->detail)
            put_sub(w, c, &c->subs[i]);
        else
            jsonw_text(w, NULL, c->subs[i].subject);
    }
    jsonw_end_array(w);
}

static void put_connection(struct jsonw *w, const struct client_stats *c,
                           const struct connz_options *o, int64_t now_ns)
{
    int64_t until_ns = c->stop_wall_ns ? c->stop_wall_ns : now_ns;
    bool tagged = o->auth && c->account && (!c->stop_wall_ns || strcmp(c->account, "$G") != 0);

    jsonw_object(w, NULL);
    jsonw_uint(w, "cid", c->cid);
    jsonw_text(w, "kind", "Client");
    jsonw_text(w, "type", c->kind_type);
    jsonw_text(w, "ip", c->ip);
    jsonw_int(w, "port", c->port);
    jsonw_time(w, "start", c->start_wall_ns);
    jsonw_time(w, "last_activity", c->last_wall_ns);
    if (c->stop_wall_ns) jsonw_time(w, "stop", c->stop_wall_ns);
    jsonw_text_if(w, "reason", c->reason);
    jsonw_duration(w, "rtt", shown_rtt(c->rtt_ns));
    put_age(w, "uptime", until_ns - c->start_wall_ns);
    put_age(w, "idle", until_ns - c->last_wall_ns);
    put_traffic(w, c);
    put_client(w, c, o->auth);
    put_subs(w, c, o);
    if (tagged)
        jsonw_text(w, "name_tag", c->account);
    else if (o->auth && c->account == NULL && !c->stop_wall_ns)
        jsonw_text(w, "name_tag", "$G");        /* until it has authenticated */
    jsonw_end_object(w);
}

/* Append the connections behind keys to w, and return how many were still there. */
static size_t put_connections(struct jsonw *w, struct core *core, const struct connz_key *keys,
                              size_t count, const struct connz_options *o, int64_t now_ns)
{
    struct client_stats *list = mem_zero(FETCH * sizeof *list);
    enum client_stats_parts parts = (o->subs || o->detail ? CLIENT_STATS_SUBS : 0) |
                                    (o->auth ? CLIENT_STATS_CERTIFICATES : 0);
    size_t there = 0;

    for (size_t at = 0; at < count && w->out->len <= REPLY_BYTES_MAX; at += FETCH) {
        size_t n = count - at < FETCH ? count - at : FETCH;
        conn_list_fetch(core, &keys[at], n, parts, list);
        for (size_t i = 0; i < n; i++) {
            if (list[i].kind_type == NULL) continue;
            put_connection(w, &list[i], o, now_ns);
            client_stats_fini(&list[i]);
            there++;
        }
    }
    mem_free(list);
    return there;
}

static void put_page(struct jsonw *w, const struct endpoint_call *call, struct conn_list *l,
                     const struct connz_options *o, int64_t now_ns)
{
    struct buf items = { 0 };
    struct jsonw into = jsonw_start(&items);
    size_t from, to, there;

    l->count = connz_sort_keys(l->keys, l->count, o->sort);
    page_bounds(o->page, l->count, &from, &to);
    there = put_connections(&into, call->core, &l->keys[from], to - from, o, now_ns);
    jsonw_uint(w, "num_connections", there);
    jsonw_uint(w, "total", l->open_total + l->closed_total);
    jsonw_int(w, "offset", o->page.offset);
    jsonw_int(w, "limit", o->page.limit);
    jsonw_array(w, "connections");
    buf_append_span(w->out, buf_span(&items));
    jsonw_end_array(w);
    buf_free(&items);
}

/* nats-server's answer for an account that does not exist. */
static void put_no_account(struct jsonw *w, const struct connz_options *o, int64_t now_ns)
{
    jsonw_text(w, "server_id", "");
    jsonw_time(w, "now", now_ns);
    jsonw_int(w, "num_connections", 0);
    jsonw_int(w, "total", 0);
    jsonw_int(w, "offset", o->page.offset);
    jsonw_int(w, "limit", o->page.limit);
    jsonw_null(w, "connections");
}

void connz_serve(const struct endpoint_call *call, struct reply *r)
{
    struct connz_options o = { .page = { 0, 0 } };
    struct buf json = { 0 };
    struct jsonw w = jsonw_start(&json);
    int64_t now_ns = clock_wall_ns();

    if (connz_options_read(&o, call->query, &r->body) != ST_OK) {
        reply_text(r, 400, "");
        return;
    }
    jsonw_object(&w, NULL);
    if (o.account.len && core_account(call->core, o.account) == NULL) {
        put_no_account(&w, &o, now_ns);
    } else {
        struct conn_list l;
        jsonw_text(&w, "server_id", call->core->identity.id);
        jsonw_time(&w, "now", now_ns);
        conn_list_init(&l, call->core, &o);
        put_page(&w, call, &l, &o, now_ns);
        conn_list_fini(&l);
    }
    jsonw_end_object(&w);
    reply_json(r, &json);
    buf_free(&json);
}
