/* SPDX-License-Identifier: Apache-2.0 */
/* jsz.c - /jsz: JetStream's usage, configuration and assets. */
#include "monitor/jsz.h"

#include "monitor/endpoint.h"
#include "os/clock.h"
#include "os/machine.h"

#define LIMIT_DEFAULT 1024

/* ---- what is asked for ---- */

enum status jsz_options_read(struct jsz_options *o, const struct query *q, struct buf *error)
{
    const struct { const char *name; bool *truth; int64_t *number; } rows[] = {
        { "accounts", &o->accounts, NULL }, { "streams", &o->streams, NULL },
        { "consumers", &o->consumers, NULL }, { "direct-consumers", &o->direct, NULL },
        { "config", &o->config, NULL }, { "offset", NULL, &o->offset },
        { "limit", NULL, &o->limit }, { "leader-only", &o->leader_only, NULL },
        { "raft", &o->raft, NULL }, { "stream-leader-only", &o->stream_leader_only, NULL },
    };
    enum status st = ST_OK;

    *o = (struct jsz_options){ .account = query_text(q, "acc") };
    for (size_t i = 0; i < COUNT_OF(rows) && st == ST_OK; i++)
        st = rows[i].truth ? query_bool(q, rows[i].name, rows[i].truth, error)
                           : query_int(q, rows[i].name, rows[i].number, error);
    if (o->offset < 0) o->offset = 0;
    if (o->limit == 0) o->limit = LIMIT_DEFAULT;
    if (o->consumers) o->streams = true;
    if (o->streams && o->account.len == 0) o->accounts = true;
    return st;
}

void jsz_accounts(const struct jsz_options *o, const struct js_facts *f, size_t *from, size_t *to)
{
    *from = *to = 0;
    for (size_t i = 0; i < f->account_count; i++)
        if (span_is(o->account, f->accounts[i].name)) {
            *from = i;
            *to = i + 1;
            return;
        }
    if (!o->accounts) return;
    if (o->limit < 0)
        *to = f->account_count;
    else
        page_bounds((struct page){ o->offset, o->limit }, f->account_count, from, to);
}

/* ---- the answer ---- */

static void put_account(struct jsonw *w, struct js *js, const struct js_account_facts *a,
                        const struct jsz_options *o)
{
    jsonw_object(w, NULL);
    jsonw_text(w, "name", a->name);
    jsonw_text(w, "id", a->name);
    js_facts_put_account_stats(w, a);
    if (o->streams) jsz_put_streams(w, js, a->name, o);
    jsonw_end_object(w);
}

static void put_accounts(struct jsonw *w, struct js *js, const struct js_facts *f,
                         const struct jsz_options *o)
{
    size_t from, to;

    jsz_accounts(o, f, &from, &to);
    if (from == to) return;
    jsonw_array(w, "account_details");
    for (; from < to && w->out->len <= REPLY_BYTES_MAX; from++)
        put_account(w, js, &f->accounts[from], o);
    jsonw_end_array(w);
}

/* On one server everybody leads. */
static void put_leaders(struct jsonw *w, const char *key, uint64_t count)
{
    if (count) jsonw_uint(w, key, count);
}

static void put_answer(struct jsonw *w, const struct endpoint_call *call, const struct js_facts *f,
                       const struct jsz_options *o)
{
    struct core_config *config = core_config_latest(call->core);
    const struct options_jetstream *oj = &config->options->jetstream;

    jsonw_object(w, NULL);
    js_facts_put_stats(w, f);
    jsonw_text(w, "server_id", call->core->identity.id);
    jsonw_time(w, "now", clock_wall_ns());
    jsonw_bool_if(w, "disabled", !f->enabled);
    js_facts_put_config(w, f, oj, machine_temporary_folder());
    if (f->enabled) js_facts_put_limits(w, &oj->limits);
    jsonw_uint(w, "streams", f->streams);
    if (o->raft) put_leaders(w, "streams_leader", f->streams);
    jsonw_uint(w, "consumers", f->consumers);
    if (o->raft) put_leaders(w, "consumers_leader", js_facts_count_public(call->js));
    jsonw_uint(w, "messages", f->messages);
    jsonw_uint(w, "bytes", f->bytes);
    put_accounts(w, call->js, f, o);
    jsonw_uint(w, "total", f->account_count);
    jsonw_end_object(w);
    core_config_unref(config);
}

void jsz_serve(const struct endpoint_call *call, struct reply *r)
{
    struct buf json = { 0 };
    struct jsonw w = jsonw_start(&json);
    struct jsz_options o;
    struct js_facts f;

    if (jsz_options_read(&o, call->query, &r->body) != ST_OK) {
        reply_text(r, 400, "");
        return;
    }
    if (o.leader_only && call->js == NULL) {
        reply_text(r, 400, "filtered response: not leader");
        return;
    }
    js_facts_init(&f, call->js);
    put_answer(&w, call, &f, &o);
    js_facts_fini(&f);
    reply_json(r, &json);
    buf_free(&json);
}
