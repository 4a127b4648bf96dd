/* SPDX-License-Identifier: Apache-2.0 */
/* consumer_advisory.c - what a consumer tells those who watch it. */
#include "jetstream/advisory.h"
#include "jetstream/consumer_priv.h"
#include "jetstream/stream_info.h"

/* Begin one on $JS.EVENT.<space>.<stream>.<consumer>. */
static bool begin(struct consumer *c, struct advisory *a, const char *type, const char *space)
{
    struct stream *s = c->stream;
    struct span name = consumer_name(c);

    if (!advisory_begin(a, s->js, s->account->account, type, "$JS.EVENT.%s.%s.%.*s", space,
                        s->config.name, SPAN_ARG(name)))
        return false;
    return true;
}

static void write_names(struct consumer *c, struct advisory *a)
{
    jsonw_text(&a->w, "stream", c->stream->config.name);
    jsonw_string(&a->w, "consumer", consumer_name(c));
}

void advise_action(struct consumer *c, const char *space, const char *action, uint64_t position)
{
    struct advisory a;

    if (!begin(c, &a, "advisory.v1.consumer_action", space)) return;
    write_names(c, &a);
    jsonw_text(&a.w, "action", action);
    advisory_end(&a, position);
}

void advise_pause(struct consumer *c)
{
    struct advisory a;

    if (!begin(c, &a, "advisory.v1.consumer_pause", "ADVISORY.CONSUMER.PAUSE")) return;
    write_names(c, &a);
    jsonw_bool(&a.w, "paused", consumer_is_paused(c));
    stream_info_write_time(&a.w, "pause_until",
                           c->config.has_pause_until ? c->config.pause_until : 0);
    advisory_end(&a, STORE_NO_POSITION);
}

static void write_delivery(struct advisory *a, const struct ack_subject *ack)
{
    jsonw_uint(&a->w, "consumer_seq", ack->delivery);
    jsonw_uint(&a->w, "stream_seq", ack->seq);
}

void advise_nak(struct consumer *c, const struct ack_subject *ack)
{
    struct advisory a;

    if (!begin(c, &a, "advisory.v1.nak", "ADVISORY.CONSUMER.MSG_NAKED")) return;
    write_names(c, &a);
    write_delivery(&a, ack);
    jsonw_uint(&a.w, "deliveries", ack->deliveries);
    advisory_end(&a, STORE_NO_POSITION);
}

void advise_terminated(struct consumer *c, const struct ack_subject *ack, struct span reason)
{
    struct advisory a;

    if (!begin(c, &a, "advisory.v1.terminated", "ADVISORY.CONSUMER.MSG_TERMINATED")) return;
    write_names(c, &a);
    write_delivery(&a, ack);
    jsonw_uint(&a.w, "deliveries", ack->deliveries);
    if (reason.len) jsonw_string(&a.w, "reason", reason);
    advisory_end(&a, STORE_NO_POSITION);
}

void advise_exceeded(struct consumer *c, uint64_t seq, uint64_t deliveries)
{
    struct advisory a;

    if (!begin(c, &a, "advisory.v1.max_deliver", "ADVISORY.CONSUMER.MAX_DELIVERIES")) return;
    write_names(c, &a);
    jsonw_uint(&a.w, "stream_seq", seq);
    jsonw_uint(&a.w, "deliveries", deliveries);
    advisory_end(&a, STORE_NO_POSITION);
}

void advise_acknowledged(struct consumer *c, const struct ack_subject *ack)
{
    unsigned percent = c->config.sample_percent;
    const struct pending_entry *e;
    struct advisory a;

    if (percent == 0 || (percent < 100 && rng_below(&consumer_js(c)->home->rng, 100) > percent))
        return;
    e = pending_find(&c->pending, ack->seq);
    if (e == NULL || !begin(c, &a, "metric.v1.consumer_ack", "METRIC.CONSUMER.ACK")) return;
    write_names(c, &a);
    write_delivery(&a, ack);
    jsonw_int(&a.w, "ack_time", js_now(consumer_js(c)) - e->time_ns);
    jsonw_uint(&a.w, "deliveries", ack->deliveries);
    advisory_end(&a, STORE_NO_POSITION);
}

void advise_pinned(struct consumer *c, bool pinned, const char *reason)
{
    const struct js_texts *groups = &c->config.priority_groups;
    struct advisory a;

    if (!begin(c, &a,
               pinned ? "advisory.v1.consumer_group_pinned" : "advisory.v1.consumer_group_unpinned",
               pinned ? "ADVISORY.CONSUMER.PINNED" : "ADVISORY.CONSUMER.UNPINNED"))
        return;
    jsonw_text(&a.w, "account", c->stream->account->account->name);
    write_names(c, &a);
    jsonw_text(&a.w, "group", groups->count ? groups->items[0] : "");
    if (pinned) jsonw_text(&a.w, "pinned_id", c->pin_id);
    else jsonw_text(&a.w, "reason", reason);
    advisory_end(&a, STORE_NO_POSITION);
}
