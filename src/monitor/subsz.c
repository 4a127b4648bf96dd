/* SPDX-License-Identifier: Apache-2.0 */
/* subsz.c - /subsz: counters of the subject lists, and the subscriptions themselves.
 *
 * Without test=, subscriptions are listed connection by connection; with it, the accounts are
 * asked who would get a message. The caches of matches belong to loops and not to accounts: their
 * figures are those of the whole server also with acc=. */
#include "base/mem.h"
#include "core/client.h"
#include "monitor/conn_list.h"
#include "monitor/endpoint.h"
#include "monitor/sublist_stats.h"
#include "proto/subject.h"

#define FETCH 256               /* connections copied at a time */

struct subsz {
    bool subs;
    struct page page;
    struct span account, test;
    struct buf items;                   /* the part of the list that is shown */
    struct jsonw w;                     /* into items */
    uint64_t total;
};

static enum status read_options(struct subsz *s, const struct query *q, struct buf *error)
{
    enum status st = query_bool(q, "subs", &s->subs, error);

    if (st == ST_OK) st = query_page(q, &s->page, error);
    s->test = query_text(q, "test");
    s->account = query_text(q, "acc");
    if (st == ST_OK && s->test.len && !subject_is_valid_literal(s->test)) {
        buf_append_text(error, "invalid test subject, must be valid publish subject: ");
        buf_append_span(error, s->test);
        st = ST_BAD_INPUT;
    }
    return st;
}

static void put_sub(struct subsz *s, const char *account, const struct client_sub_stats *sub,
                    uint64_t cid)
{
    uint64_t index = s->total++;

    if (index < (uint64_t)s->page.offset) return;
    if (index - (uint64_t)s->page.offset >= (uint64_t)s->page.limit) return;
    if (s->items.len > REPLY_BYTES_MAX) return;
    jsonw_object(&s->w, NULL);
    jsonw_text_if(&s->w, "account", account);
    jsonw_text_if(&s->w, "account_tag", account);
    jsonw_text(&s->w, "subject", sub->subject);
    jsonw_text_if(&s->w, "qgroup", sub->queue);
    jsonw_text(&s->w, "sid", sub->sid);
    jsonw_int(&s->w, "msgs", sub->msgs);
    jsonw_int_if(&s->w, "max", sub->max);
    jsonw_uint(&s->w, "cid", cid);
    jsonw_end_object(&s->w);
}

/* ---- all of them, by connection ---- */

/* Connections whose subscriptions all stand before the page are only counted. */
static size_t skip_before(struct subsz *s, const struct conn_list *l)
{
    size_t i = 0;

    while (i < l->count && s->total + l->keys[i].sub_count <= (uint64_t)s->page.offset)
        s->total += l->keys[i++].sub_count;
    return i;
}

/* How many connections from at on to copy next: none when the page is full. */
static size_t next_chunk(const struct subsz *s, const struct conn_list *l, size_t at)
{
    uint64_t seen = s->total, end;
    size_t n = 0;

    if (__builtin_add_overflow((uint64_t)s->page.offset, (uint64_t)s->page.limit, &end))
        end = UINT64_MAX;
    while (n < FETCH && at + n < l->count && seen < end) seen += l->keys[at + n++].sub_count;
    return n;
}

static void put_chunk(struct subsz *s, struct core *core, const struct connz_key *keys, size_t n)
{
    struct client_stats *list = mem_zero(n * sizeof *list);

    conn_list_fetch(core, keys, n, CLIENT_STATS_SUBS, list);
    for (size_t i = 0; i < n; i++) {
        for (uint32_t j = 0; list[i].subs && j < list[i].sub_count; j++)
            put_sub(s, list[i].account, &list[i].subs[j], list[i].cid);
        client_stats_fini(&list[i]);
    }
    mem_free(list);
}

static void list_all(struct subsz *s, struct core *core)
{
    struct connz_options all = { .sort = CONNZ_CID, .account = s->account };
    struct conn_list l;
    size_t at, n;

    conn_list_init(&l, core, &all);
    l.count = connz_sort_keys(l.keys, l.count, CONNZ_CID);
    for (at = skip_before(s, &l); (n = next_chunk(s, &l, at)) > 0; at += n)
        put_chunk(s, core, &l.keys[at], n);
    for (; at < l.count; at++) s->total += l.keys[at].sub_count;
    conn_list_fini(&l);
}

/* ---- those that match, by account ---- */

static void put_match(struct subsz *s, const struct account *a, struct sub *sub)
{
    const struct client *c = CONTAINER_OF(sub->subscriber, struct client, subscriber);
    struct buf subject = { 0 };
    struct span queue = sublist_queue(sub);
    struct client_sub_stats stats = { .msgs = atomic_load(&sub->delivered),
                                      .max = atomic_load(&sub->max) };

    if (sub->subscriber->is_internal || atomic_load(&sub->closed)) return;
    sublist_append_filter(sub, &subject);
    stats.subject = buf_take(&subject);
    stats.queue = queue.len ? mem_dup_span(queue) : NULL;
    stats.sid = mem_dup_span(sub_sid(sub));
    put_sub(s, a->name, &stats, c->id);
    mem_free(stats.subject);
    mem_free(stats.queue);
    mem_free(stats.sid);
}

struct match_visit {
    struct subsz *s;
    const struct gather *g;
};

/* On loop 0, which may look at every account's list from its side of the lock. */
static void match_all(struct core_loop *cl, void *arg)
{
    struct match_visit *v = arg;
    struct sublist_result r = { 0 };

    if (cl->loop->index != 0) return;
    for (size_t i = 0; i < v->g->account_count; i++) {
        struct account *a = v->g->accounts[i].account;
        if (v->s->account.len && !span_is(v->s->account, a->name)) continue;
        sync_brlock_read(&a->lock, 0);
        sublist_match(a->sublist, v->s->test, &r);
        for (size_t j = 0; j < r.plain_count; j++) put_match(v->s, a, r.plain[j]);
        for (size_t k = 0; k < r.group_count; k++)
            for (size_t j = 0; j < r.groups[k].count; j++)
                put_match(v->s, a, r.groups[k].members[j]);
        sync_brlock_read_done(&a->lock, 0);
    }
    sublist_result_fini(&r);
}

/* ---- the answer ---- */

static struct sublist_counts count_subs(const struct gather *g, struct span account)
{
    struct sublist_counts sum = { 0 };

    for (size_t i = 0; i < g->account_count; i++) {
        const struct gather_account *a = &g->accounts[i];
        if (account.len && !span_is(account, a->account->name)) continue;
        sum.subs += a->subs.subs;
        sum.inserts += a->subs.inserts;
        sum.removes += a->subs.removes;
    }
    return sum;
}

static void put_answer(struct subsz *s, struct core *core, struct buf *json)
{
    struct jsonw w = jsonw_start(json);
    struct gather g;
    struct match_visit v = { s, &g };

    gather_init(&g, core);
    if (s->subs && s->test.len)
        core_on_each_loop(core, match_all, &v);
    else if (s->subs)
        list_all(s, core);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "server_id", core->identity.id);
    jsonw_time(&w, "now", g.now_wall_ns);
    sublist_stats_put(&w, count_subs(&g, s->account), &g.sum.matches);
    jsonw_uint(&w, "total", s->total);
    jsonw_int(&w, "offset", s->page.offset);
    jsonw_int(&w, "limit", s->page.limit);
    if (s->items.len) {
        jsonw_array(&w, "subscriptions_list");
        buf_append_span(json, buf_span(&s->items));
        jsonw_end_array(&w);
    }
    jsonw_end_object(&w);
    gather_fini(&g);
}

void subsz_serve(const struct endpoint_call *call, struct reply *r)
{
    struct subsz s = { .total = 0 };
    struct buf json = { 0 };

    if (read_options(&s, call->query, &r->body) != ST_OK) {
        reply_text(r, 400, "");
        return;
    }
    s.w = jsonw_start(&s.items);
    put_answer(&s, call->core, &json);
    reply_json(r, &json);
    buf_free(&s.items);
    buf_free(&json);
}
