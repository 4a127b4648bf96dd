/* SPDX-License-Identifier: Apache-2.0 */
/* publish.c - the way of a PUB: permission, mapping, match, fan-out, no responders.
 *
 * Everything here runs on the publisher's loop within one chunk. */
#include "auth/perms.h"
#include "base/log.h"
#include "core/client_priv.h"
#include "core/message_trace.h"
#include "core/publish.h"
#include "core/responses.h"
#include "core/trace.h"
#include "core/user_info.h"
#include "proto/subject.h"

/* Deliver to one member of a queue group: a fair first choice, then its neighbours while the
 * chosen one is gone or must not get it. */
static bool deliver_to_group(struct core_loop *cl, const struct match_group *g,
                             const struct message *m)
{
    uint32_t at = g->count > 1 ? rng_below(&cl->loop->rng, g->count) : 0;

    for (uint32_t tried = 0; tried < g->count; tried++) {
        struct sub *sub = g->members[at];
        if (sub->subscriber->deliver(cl->loop, sub, m)) return true;
        if (++at == g->count) at = 0;
    }
    return false;
}

uint64_t publish_fan_out(struct core_loop *cl, const struct match *match, const struct message *m)
{
    struct loop *l = cl->loop;
    struct account_stats *stats = &m->account->stats[l->index];
    uint64_t delivered = 0;

    for (uint32_t i = 0; i < match->plain_count; i++) {
        struct sub *sub = match->plain[i];
        delivered += sub->subscriber->deliver(l, sub, m);
        if (l->staged_bytes >= LOOP_STAGED_BYTES_MAX) loop_commit(l);
    }
    for (uint32_t i = 0; i < match->group_count; i++)
        delivered += deliver_to_group(cl, &match->groups[i], m);
    if (m->trace == NULL || !message_trace_is_only(m->trace)) {
        stats->out_msgs += delivered;
        stats->out_bytes += delivered * m->total;
    }
    l->stats.out_msgs += delivered;
    l->stats.out_bytes += delivered * m->total;         /* headers too, stripped or not */
    cl->deliveries += delivered + 1;
    if (l->staged_bytes >= LOOP_STAGED_BYTES_MAX) loop_commit(l);
    return delivered;
}

uint64_t publish_internal(struct core_loop *cl, const struct message *m)
{
    struct match match = match_find(cl->reply_matches, m->account, m->subject, false);

    return publish_fan_out(cl, &match, m);
}

/* Refuse: tell the client, the log and a trace (may be NULL), each in its own words. */
static bool refuse(struct client *c, struct message_trace *trace, const char *what,
                   const char *logged, struct span subject)
{
    struct buf text = { 0 }, line = { 0 };

    buf_printf(&text, "Permissions Violation for Publish %s ", what);
    buf_append_quoted(&text, subject);
    client_send_error(c, buf_text(&text));
    if (trace) message_trace_refused(trace, buf_text(&text));
    client_append_label(c, &line);
    buf_printf(&line, " - Publish Violation - %s ", logged);
    buf_append_quoted(&line, subject);
    log_error("%s", buf_text(&line));
    buf_free(&text);
    buf_free(&line);
    return false;
}

void publish_refuse(struct client *c, struct span subject)
{
    refuse(c, NULL, "to", "Subject", subject);
}

/* Reply subjects that only servers and JetStream make. */
static bool is_reserved_reply(struct span reply)
{
    return span_has_prefix(reply, SPAN_LIT("_R_.")) ||
           span_has_prefix(reply, SPAN_LIT("$JS.ACK.")) ||
           span_has_prefix(reply, SPAN_LIT("_GR_."));
}

static bool is_gateway_reply(struct span subject)
{
    return span_has_prefix(subject, SPAN_LIT("_GR_.")) ||
           span_has_prefix(subject, SPAN_LIT("$GR."));
}

bool publish_is_reserved(const struct client *c, struct span subject)
{
    char first = subject.p[0];

    if (first != '_' && first != '$') return false;
    if (is_gateway_reply(subject)) return true;
    return span_has_prefix(subject, SPAN_LIT("$NRG.")) && !c->account->is_system;
}

/* Everything that can refuse this publish; says so to the client. */
static bool is_allowed(struct client *c, const struct message *m, const struct match *match,
                       int64_t now_ns)
{
    if (publish_is_reserved(c, m->subject))
        return refuse(c, m->trace, "to", "Subject", m->subject);
    if (c->perms && !match_publish_allowed(match, c->perms, m->subject) &&
        !responses_take(c->responses, m->subject, now_ns))
        return refuse(c, m->trace, "to", "Subject", m->subject);
    if (m->reply.len && is_reserved_reply(m->reply))
        return refuse(c, m->trace, "with Reply of", "Reply", m->reply);
    return true;
}

/* Nobody got a request: tell the client, if it asked for that and listens for the reply itself. */
static void send_no_responders(struct core_loop *cl, struct client *c, const struct message *m)
{
    struct match match = match_find(cl->reply_matches, c->account, m->reply, false);
    struct buf *text = &cl->status;

    text->len = 0;
    buf_printf(text, "NATS/1.0 503\r\nNats-Subject: %.*s\r\n\r\n\r\n", SPAN_ARG(m->subject));
    for (uint32_t i = 0; i < match.plain_count; i++) {
        size_t len = text->len - 2;
        struct message reply = { .subject = m->reply, .body = text->p, .header_len = len,
                                 .total = len, .account = c->account, .uncounted = true };
        if (match.plain[i]->subscriber != &c->subscriber) continue;
        client_deliver(cl->loop, match.plain[i], &reply);
        break;
    }
}

/* Replace m->subject by its mapping, if there is one. False: the message is lost by its weights. */
static bool map_subject(struct core_loop *cl, struct client *c, struct message *m)
{
    const struct account_settings *s = atomic_load(&c->account->settings);

    for (size_t i = 0; i < s->mapping_count; i++) {
        if (!mapping_matches(s->mappings[i], m->subject)) continue;
        if (!mapping_choose(s->mappings[i], SPAN_NONE, m->subject, &cl->loop->rng, &cl->scratch))
            return false;
        if (cl->config->options->trace) trace_mapping(c, m->subject, buf_span(&cl->scratch));
        if (m->trace) message_trace_mapped(m->trace, buf_span(&cl->scratch));
        m->subject = buf_span(&cl->scratch);
        return m->subject.len > 0;
    }
    return true;
}

/* Several targets for a large payload that nobody holds yet: one copy that all refer to. */
static struct shared_bytes *share_large(struct message *m, const struct match *match)
{
    struct shared_bytes *copy;

    if (m->total <= 16 * 1024 || m->keep) return NULL;
    if (match->plain_count + match->group_count < 2) return NULL;
    copy = shared_bytes_new(m->total + 2);
    memcpy(copy->bytes, m->body, m->total + 2);
    copy->len = m->total + 2;
    m->body = copy->bytes;
    m->keep = copy;
    m->raw = SPAN_NONE;
    return copy;
}

static void route(struct core_loop *cl, struct client *c, struct message *m)
{
    bool cache = !cl->config->options->disable_sublist_cache;
    struct match match = match_find(cl->matches, c->account, m->subject, cache);
    struct shared_bytes *shared;
    uint64_t delivered;

    if (!is_allowed(c, m, &match, cl->loop->now_ns)) return;
    if (c->verbose) client_send_ok(c);
    shared = share_large(m, &match);
    delivered = publish_fan_out(cl, &match, m);
    if (shared) shared_bytes_unref(shared);
    if (delivered > 0 || m->reply.len == 0) return;
    if (user_info_answer(cl, c, m)) return;
    if (c->no_responders) send_no_responders(cl, c, m);
}

void client_on_pub(struct client *c, const struct parser_command *cmd, struct shared_bytes *keep)
{
    struct loop *l = client_loop(c);
    struct core_loop *cl = core_of(l);
    struct account_stats *stats;
    struct message m;

    /* Word by word: as structs the spans would be loaded by vector instructions right after the
     * parser stored them by halves, which stalls the processor. */
    m.subject.p = cmd->subject.p;
    m.subject.len = cmd->subject.len;
    m.reply.p = cmd->reply.p;
    m.reply.len = cmd->reply.len;
    m.body = cmd->body;
    m.header_len = cmd->header_len;
    m.total = cmd->total;
    /* HPUB with an empty header becomes a plain MSG. */
    m.raw.p = cmd->raw.p;
    m.raw.len = cmd->verb == VERB_PUB || cmd->header_len ? cmd->raw.len : 0;
    m.keep = keep;
    m.account = c->account;
    m.origin = c;
    m.uncounted = false;
    m.trace = NULL;

    c->in_msgs++;
    c->in_bytes += cmd->total;
    l->stats.in_msgs++;
    l->stats.in_bytes += cmd->total;
    stats = &c->account->stats[l->index];
    stats->in_msgs++;
    stats->in_bytes += cmd->total;
    if (cmd->has_nul) {
        client_send_error(c, "Invalid Publish Subject");
        return;
    }
    if (c->pedantic && !subject_is_valid_literal(cmd->subject))
        client_send_error(c, "Invalid Publish Subject");
    cl->scratch.len = 0;
    if (cmd->header_len > 0 && !message_trace_open(c, &m)) return;
    if (map_subject(cl, c, &m)) route(cl, c, &m);
    if (m.trace) message_trace_close(cl, &m.trace);
}
