/* SPDX-License-Identifier: Apache-2.0 */
/* client_stats.c - copying what monitoring may show; no secret is among it. */
#include "core/client_stats.h"

#include "base/mem.h"
#include "core/client_priv.h"
#include "net/tls.h"
#include "os/clock.h"

static char *dup_or_null(struct span s)
{
    return s.len ? mem_dup_span(s) : NULL;
}

static void fill_subs(struct client_stats *s, const struct client *c)
{
    uint32_t n = 0;

    s->subs = mem_zero((c->subs.count + 1) * sizeof *s->subs);
    for (uint32_t i = 0; i < c->subs.cap; i++) {
        struct sub *sub = c->subs.slots[i];
        struct buf filter = { 0 };
        int64_t max;
        if (sub == NULL) continue;
        max = atomic_load(&sub->max);
        sublist_append_filter(sub, &filter);
        s->subs_bytes += sizeof *s->subs + filter.len + sublist_queue(sub).len + sub->sid_len;
        s->subs[n++] = (struct client_sub_stats){
            .subject = buf_take(&filter), .queue = dup_or_null(sublist_queue(sub)),
            .sid = mem_dup_span(sub_sid(sub)), .msgs = atomic_load(&sub->delivered),
            .max = max == SUB_MAX_PENDING ? 0 : max,
        };
    }
    s->sub_count = n;
}

void client_stats_fill(struct client_stats *s, struct client *c, enum client_stats_parts parts)
{
    const struct client_details *d = c->details;
    const struct core_identity *id = &c->core->identity;
    const char *user = auth_identity_user(d->identity);
    int64_t now_mono = clock_mono_ns(), now_wall = clock_wall_ns();

    *s = (struct client_stats){ .cid = c->id, .port = d->peer.port, .rtt_ns = c->rtt_ns,
                                .in_msgs = c->in_msgs,
                                .in_bytes = c->in_bytes,
                                .sub_count = c->subs.count };
    s->start_wall_ns = id->start_wall_ns + (c->start_ns - id->start_mono_ns);
    s->kind_type = mem_dup(c->listener == CORE_LISTENER_WEBSOCKET ? "websocket" : "nats");
    s->ip = mem_dup(d->client_ip ? d->client_ip : d->peer.host);
    s->last_wall_ns = now_wall - (now_mono - c->last_ns);
    sync_mutex_lock(&c->conn.out.mutex);
    s->pending_bytes = c->conn.out.pending;
    s->stalls = c->conn.out.stalls;
    s->out_msgs = c->conn.out.msgs;
    s->out_bytes = c->conn.out.msg_bytes;
    sync_mutex_unlock(&c->conn.out.mutex);
    /* While there is a CONNECT, what it says, also if the client was then refused. */
    s->name = d->connect ? dup_or_null(d->connect->name) : mem_dup(d->name);
    s->lang = d->connect ? dup_or_null(d->connect->lang) : mem_dup(d->lang);
    s->version = d->connect ? dup_or_null(d->connect->version) : mem_dup(d->version);
    s->authorized_user = user[0] ? mem_dup(user) : NULL;
    s->nkey = d->connect ? dup_or_null(d->connect->nkey) : NULL;
    s->account = c->account ? mem_dup(c->account->name) : NULL;
    client_fill_tls_stats(c, s, parts & CLIENT_STATS_CERTIFICATES);
    if ((parts & CLIENT_STATS_SUBS) && c->account) fill_subs(s, c);
}

static struct client_sub_stats *copy_subs(const struct client_stats *from)
{
    struct client_sub_stats *subs = mem_zero((from->sub_count + 1) * sizeof *subs);

    for (uint32_t i = 0; i < from->sub_count; i++) {
        subs[i] = from->subs[i];
        subs[i].subject = mem_dup(subs[i].subject);
        subs[i].queue = mem_dup(subs[i].queue);
        subs[i].sid = mem_dup(subs[i].sid);
    }
    return subs;
}

void client_stats_copy(struct client_stats *to, const struct client_stats *from,
                       enum client_stats_parts parts)
{
    *to = *from;
    to->kind_type = mem_dup(from->kind_type);
    to->ip = mem_dup(from->ip);
    to->reason = mem_dup(from->reason);
    to->name = mem_dup(from->name);
    to->lang = mem_dup(from->lang);
    to->version = mem_dup(from->version);
    to->tls_version = mem_dup(from->tls_version);
    to->tls_cipher = mem_dup(from->tls_cipher);
    to->authorized_user = mem_dup(from->authorized_user);
    to->account = mem_dup(from->account);
    to->nkey = mem_dup(from->nkey);
    to->certificates = NULL;
    to->certificate_count = 0;
    to->subs = from->subs && (parts & CLIENT_STATS_SUBS) ? copy_subs(from) : NULL;
    if (to->subs == NULL) to->subs_bytes = 0;
}

void client_stats_close(struct client_stats *s, const char *reason)
{
    s->stop_wall_ns = clock_wall_ns();
    s->reason = mem_dup(reason);
}

void client_stats_drop_subs(struct client_stats *s)
{
    for (uint32_t i = 0; s->subs && i < s->sub_count; i++) {
        mem_free(s->subs[i].subject);
        mem_free(s->subs[i].queue);
        mem_free(s->subs[i].sid);
    }
    mem_free(s->subs);
    s->subs = NULL;
    s->subs_bytes = 0;
}

void client_stats_fini(struct client_stats *s)
{
    client_stats_drop_subs(s);
    mem_free(s->kind_type);
    mem_free(s->ip);
    mem_free(s->reason);
    mem_free(s->name);
    mem_free(s->lang);
    mem_free(s->version);
    mem_free(s->tls_version);
    mem_free(s->tls_cipher);
    tls_peer_certificates_free(s->certificates, s->certificate_count);
    mem_free(s->authorized_user);
    mem_free(s->account);
    mem_free(s->nkey);
    *s = (struct client_stats){ 0 };
}
