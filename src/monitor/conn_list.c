/* SPDX-License-Identifier: Apache-2.0 */
/* conn_list.c - visits of all loops, and of the ring of closed connections. */
#include "monitor/conn_list.h"

#include <stdlib.h>

#include "base/mem.h"
#include "core/closed.h"
#include "os/clock.h"

#define BATCH_CONNS 256         /* copied in one visit ... */
#define BATCH_SUBS 4096         /* ... or as many as have this many subscriptions */

struct found {                          /* by one loop, or in the ring */
    struct connz_key *keys;
    size_t count, cap;
    uint64_t total;
};

struct search {
    const struct connz_options *options;
    struct found *found;                /* [loops], then one for the ring */
    struct found *ring;
    int64_t now_wall_ns, now_mono_ns;
    bool cid_found;                     /* the one asked for is open */
};

static void add(struct found *f, struct connz_key key)
{
    if (f->count == f->cap) {
        f->cap = f->cap ? f->cap * 2 : 64;
        f->keys = mem_resize(f->keys, f->cap * sizeof *f->keys);
    }
    f->keys[f->count++] = key;
}

/* ---- open connections, each on its loop ---- */

static int64_t out_count(struct client *c, bool bytes)
{
    uint64_t n;

    sync_mutex_lock(&c->conn.out.mutex);
    n = bytes ? c->conn.out.msg_bytes : c->conn.out.msgs;
    sync_mutex_unlock(&c->conn.out.mutex);
    return (int64_t)n;
}

static int64_t open_value(const struct search *s, struct client *c)
{
    switch (s->options->sort) {
    case CONNZ_SUBS: return c->subs.count;
    case CONNZ_PENDING: return (int64_t)conn_pending(&c->conn);
    case CONNZ_MSGS_TO: return out_count(c, false);
    case CONNZ_MSGS_FROM: return (int64_t)c->in_msgs;
    case CONNZ_BYTES_TO: return out_count(c, true);
    case CONNZ_BYTES_FROM: return (int64_t)c->in_bytes;
    case CONNZ_LAST: return s->now_wall_ns - (s->now_mono_ns - c->last_ns);
    case CONNZ_IDLE: return s->now_mono_ns - c->last_ns;
    case CONNZ_UPTIME: return s->now_mono_ns - c->start_ns;
    case CONNZ_RTT: return c->rtt_ns;
    case CONNZ_CID:
    case CONNZ_START:
    case CONNZ_STOP:
    case CONNZ_REASON:
    case CONNZ_SORTS: break;
    }
    return 0;
}

static bool open_is_wanted(const struct connz_options *o, const struct client *c)
{
    if (o->mqtt_client.len) return false;
    return o->user.len == 0 ||
           span_is(o->user, auth_identity_user(c->details->identity));
}

struct open_visit {
    struct search *search;
    struct found *found;
};

static void on_open(struct client *c, void *arg)
{
    struct open_visit *v = arg;
    const struct connz_options *o = v->search->options;
    bool in_account = o->account.len == 0 || (c->account && span_is(o->account, c->account->name));

    if (c->conn.closed) return;
    if (in_account) v->found->total++;
    if (o->cid ? c->id != o->cid : !in_account || !open_is_wanted(o, c)) return;
    add(v->found, (struct connz_key){ .cid = c->id, .value = open_value(v->search, c),
                                      .sub_count = c->subs.count });
}

static void search_loop(struct core_loop *cl, void *arg)
{
    struct search *s = arg;
    struct open_visit v = { s, &s->found[cl->loop->index] };

    core_each_client(cl, on_open, &v);
}

/* ---- closed connections ---- */

/* Reasons in their alphabetic order: how many of them come before this one. */
static int64_t reason_rank(const char *reason)
{
    int64_t rank = 0;

#define CLOSE(name, text) rank += strcmp(text, reason) < 0;
#include "core/close.def"
#undef CLOSE
    return rank;
}

static int64_t closed_value(const struct client_stats *c, enum connz_sort sort)
{
    switch (sort) {
    case CONNZ_SUBS: return c->sub_count;
    case CONNZ_PENDING: return (int64_t)c->pending_bytes;
    case CONNZ_MSGS_TO: return (int64_t)c->out_msgs;
    case CONNZ_MSGS_FROM: return (int64_t)c->in_msgs;
    case CONNZ_BYTES_TO: return (int64_t)c->out_bytes;
    case CONNZ_BYTES_FROM: return (int64_t)c->in_bytes;
    case CONNZ_LAST: return c->last_wall_ns;
    case CONNZ_IDLE: return -c->last_wall_ns;           /* the time until now, but for now */
    case CONNZ_UPTIME: return c->stop_wall_ns - c->start_wall_ns;
    case CONNZ_STOP: return c->stop_wall_ns;
    case CONNZ_REASON: return reason_rank(c->reason);
    case CONNZ_RTT: return c->rtt_ns;
    case CONNZ_CID:
    case CONNZ_START:
    case CONNZ_SORTS: break;
    }
    return 0;
}

static bool text_is(struct span wanted, const char *text)
{
    return wanted.len == 0 || span_is(wanted, text);
}

static void on_closed(const struct client_stats *c, void *arg)
{
    struct search *s = arg;
    const struct connz_options *o = s->options;
    int64_t value = closed_value(c, o->sort);

    if (!text_is(o->account, c->account)) return;
    s->ring->total++;
    if (o->cid && (o->cid != c->cid || s->cid_found)) return;
    if (!text_is(o->user, c->authorized_user) || o->mqtt_client.len) return;
    if (o->sort == CONNZ_IDLE) value += s->now_wall_ns;
    add(s->ring, (struct connz_key){ .cid = c->cid, .value = value, .closed = true,
                                     .sub_count = c->sub_count });
}

/* ---- both ---- */

void conn_list_init(struct conn_list *l, struct core *core, const struct connz_options *o)
{
    unsigned loops = core->loops.count;
    struct search s = { .options = o, .now_wall_ns = clock_wall_ns(),
                        .now_mono_ns = clock_mono_ns() };

    *l = (struct conn_list){ .count = 0 };
    s.found = mem_zero((loops + 1) * sizeof *s.found);
    s.ring = &s.found[loops];
    if (o->state != CONNZ_CLOSED) core_on_each_loop(core, search_loop, &s);
    for (unsigned i = 0; i < loops; i++) {
        if (s.found[i].count) s.cid_found = true;
        l->open_total += s.found[i].total;
    }
    if (o->state != CONNZ_OPEN) closed_ring_each(core->closed, on_closed, &s);
    l->closed_total = s.ring->total;
    for (unsigned i = 0; i <= loops; i++) l->count += s.found[i].count;
    l->keys = mem_alloc((l->count + 1) * sizeof *l->keys);
    l->count = 0;
    for (unsigned i = 0; i <= loops; i++) {
        if (s.found[i].count)
            memcpy(&l->keys[l->count], s.found[i].keys, s.found[i].count * sizeof *l->keys);
        l->count += s.found[i].count;
        mem_free(s.found[i].keys);
    }
    mem_free(s.found);
}

void conn_list_fini(struct conn_list *l)
{
    mem_free(l->keys);
    *l = (struct conn_list){ .count = 0 };
}

/* ---- copies ---- */

struct want { uint64_t cid; bool closed; struct client_stats *out; };

struct batch {
    struct want wants[BATCH_CONNS];     /* by cid, open before closed */
    size_t count;
    enum client_stats_parts parts;
    bool any_open, any_closed;
};

static int compare_wants(const void *a, const void *b)
{
    const struct want *x = a, *y = b;

    if (x->cid != y->cid) return x->cid < y->cid ? -1 : 1;
    return x->closed - y->closed;
}

/* Where to copy to; NULL: not wanted, or there already. */
static struct client_stats *find_want(const struct batch *b, uint64_t cid, bool closed)
{
    struct want key = { cid, closed, NULL };
    struct want *w = bsearch(&key, b->wants, b->count, sizeof key, compare_wants);

    return w && w->out->kind_type == NULL ? w->out : NULL;
}

static void copy_open(struct client *c, void *arg)
{
    const struct batch *b = arg;
    struct client_stats *out = find_want(b, c->id, false);

    if (out && !c->conn.closed) client_stats_fill(out, c, b->parts);
}

static void copy_loop(struct core_loop *cl, void *arg)
{
    core_each_client(cl, copy_open, arg);
}

static void copy_closed(const struct client_stats *c, void *arg)
{
    const struct batch *b = arg;
    struct client_stats *out = find_want(b, c->cid, true);

    if (out) client_stats_copy(out, c, b->parts);
}

static void run_batch(struct core *core, struct batch *b)
{
    qsort(b->wants, b->count, sizeof *b->wants, compare_wants);
    if (b->any_open) core_on_each_loop(core, copy_loop, b);
    if (b->any_closed) closed_ring_each(core->closed, copy_closed, b);
}

void conn_list_fetch(struct core *core, const struct connz_key *keys, size_t count,
                     enum client_stats_parts parts, struct client_stats *out)
{
    struct batch *b = mem_alloc(sizeof *b);
    size_t i = 0, subs;

    while (i < count) {
        b->count = 0;
        b->parts = parts;
        b->any_open = b->any_closed = false;
        for (subs = 0; i < count && b->count < BATCH_CONNS && subs < BATCH_SUBS; i++) {
            b->wants[b->count++] = (struct want){ keys[i].cid, keys[i].closed, &out[i] };
            if (parts & CLIENT_STATS_SUBS) subs += keys[i].sub_count;
            if (keys[i].closed) b->any_closed = true;
            else b->any_open = true;
        }
        run_batch(core, b);
    }
    mem_free(b);
}
