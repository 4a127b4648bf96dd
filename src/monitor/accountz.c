/* SPDX-License-Identifier: Apache-2.0 */
/* accountz.c - /accountz and /accstatz: names, one account in detail, traffic by account. */
#include "monitor/endpoint.h"
#include "monitor/gather.h"
#include "monitor/sublist_stats.h"
#include "os/clock.h"

static void put_head(struct jsonw *w, const struct gather *g)
{
    jsonw_object(w, NULL);
    jsonw_text(w, "server_id", g->core->identity.id);
    jsonw_time(w, "now", g->now_wall_ns);
}

/* ---- /accountz ---- */

static void put_mappings(struct jsonw *w, const struct mapping_options *m, size_t count)
{
    if (count == 0) return;
    jsonw_object(w, "mappings");
    for (size_t i = 0; i < count; i++) {
        jsonw_array(w, m[i].source);
        for (size_t j = 0; j < m[i].destination_count; j++) {
            const struct mapping_destination *d = &m[i].destinations[j];
            jsonw_object(w, NULL);
            jsonw_text(w, "subject", d->subject);
            jsonw_uint(w, "weight", d->weight);
            jsonw_text_if(w, "cluster", d->cluster);
            jsonw_end_object(w);
        }
        jsonw_end_array(w);
    }
    jsonw_end_object(w);
}

static void put_account_mappings(struct jsonw *w, const struct options *o, const char *name)
{
    if (strcmp(name, "$G") == 0) put_mappings(w, o->mappings, o->mapping_count);
    for (size_t i = 0; i < o->account_count; i++)
        if (strcmp(o->accounts[i].name, name) == 0)
            put_mappings(w, o->accounts[i].mappings, o->accounts[i].mapping_count);
}

static bool uses_jetstream(const struct gather *g, const char *name, const struct js *js)
{
    return js && options_jetstream_of(g->config->options, name) != NULL;
}

static void put_detail(struct jsonw *w, const struct gather *g, const struct gather_account *a,
                       const struct js *js)
{
    const char *name = a->account->name;

    jsonw_object(w, "account_detail");
    jsonw_text(w, "account_name", name);
    jsonw_time(w, "update_time", g->config->load_wall_ns);
    jsonw_bool_if(w, "is_system", a->account->is_system);
    jsonw_bool(w, "expired", false);
    jsonw_bool(w, "complete", true);
    jsonw_bool(w, "jetstream_enabled", uses_jetstream(g, name, js));
    jsonw_int(w, "leafnode_connections", 0);
    jsonw_int(w, "client_connections", a->connections);
    jsonw_uint(w, "subscriptions", a->subs.subs);
    put_account_mappings(w, g->config->options, name);
    jsonw_text(w, "name_tag", name);
    jsonw_object(w, "sublist_stats");
    sublist_stats_put(w, a->subs, &g->sum.matches);
    jsonw_end_object(w);
    jsonw_end_object(w);
}

static void put_names(struct jsonw *w, const struct gather *g)
{
    if (g->account_count == 0) return;
    jsonw_array(w, "accounts");
    for (size_t i = 0; i < g->account_count; i++)
        jsonw_text(w, NULL, g->accounts[i].account->name);
    jsonw_end_array(w);
}

void accountz_serve(const struct endpoint_call *call, struct reply *r)
{
    struct span name = query_text(call->query, "acc");
    const struct gather_account *a;
    struct buf json = { 0 };
    struct jsonw w = jsonw_start(&json);
    struct gather g;

    gather_init(&g, call->core);
    a = gather_account(&g, name);
    if (name.len && a == NULL) {
        buf_printf(&r->body, "Account %.*s does not exist", SPAN_ARG(name));
        reply_text(r, 400, "");
    } else {
        put_head(&w, &g);
        jsonw_text_if(&w, "system_account", gather_system_name(&g));
        if (name.len)
            put_detail(&w, &g, a, call->js);
        else
            put_names(&w, &g);
        jsonw_end_object(&w);
        reply_json(r, &json);
    }
    gather_fini(&g);
    buf_free(&json);
}

/* ---- /accstatz ---- */

static void put_data(struct jsonw *w, const char *key, uint64_t msgs, uint64_t bytes)
{
    static const char *const links[] = { "gateways", "routes", "leafs" };

    jsonw_object(w, key);
    jsonw_uint(w, "msgs", msgs);
    jsonw_uint(w, "bytes", bytes);
    for (size_t i = 0; i < COUNT_OF(links); i++) {
        jsonw_object(w, links[i]);
        jsonw_int(w, "msgs", 0);
        jsonw_int(w, "bytes", 0);
        jsonw_end_object(w);
    }
    jsonw_end_object(w);
}

static void put_statz(struct jsonw *w, const struct gather_account *a)
{
    jsonw_object(w, NULL);
    jsonw_text(w, "acc", a->account->name);
    jsonw_text(w, "name", a->account->name);
    jsonw_int(w, "conns", a->connections);
    jsonw_int(w, "leafnodes", 0);
    jsonw_int(w, "total_conns", a->connections);
    jsonw_uint(w, "num_subscriptions", a->subs.subs);
    put_data(w, "sent", a->stats.out_msgs, a->stats.out_bytes);
    put_data(w, "received", a->stats.in_msgs, a->stats.in_bytes);
    jsonw_uint(w, "slow_consumers", a->stats.slow_consumers);
    jsonw_end_object(w);
}

void accstatz_serve(const struct endpoint_call *call, struct reply *r)
{
    struct buf json = { 0 };
    struct jsonw w = jsonw_start(&json);
    struct gather g;
    bool unused;

    if (query_bool(call->query, "unused", &unused, &r->body) != ST_OK) {
        reply_text(r, 400, "");
        return;
    }
    gather_init(&g, call->core);
    put_head(&w, &g);
    jsonw_array(&w, "account_statz");
    for (size_t i = 0; i < g.account_count; i++)
        if (unused || g.accounts[i].connections) put_statz(&w, &g.accounts[i]);
    jsonw_end_array(&w);
    jsonw_end_object(&w);
    gather_fini(&g);
    reply_json(r, &json);
    buf_free(&json);
}
