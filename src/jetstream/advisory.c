/* SPDX-License-Identifier: Apache-2.0 */
/* advisory.c - the events' JSON. */
#include "jetstream/advisory.h"

#include "base/nuid.h"
#include "jetstream/consumer_priv.h"
#include "jetstream/snapshot.h"
#include "jetstream/stream_info.h"

#define ADVISORY "$JS.EVENT.ADVISORY."
#define METRIC "$JS.EVENT.METRIC."
#define TYPE "io.nats.jetstream.advisory.v1."
#define METRIC_TYPE "io.nats.jetstream.metric.v1."

static const char *const action_texts[] = { "create", "delete", "modify" };
static const char *const action_subjects[] = { "CREATED", "DELETED", "UPDATED" };

struct event {                          /* one being written */
    struct js *js;
    struct account *account;
    struct buf subject, json;
    struct jsonw w;
};

/* False: nobody listens, and nothing is to be freed. */
static bool begin(struct event *e, const char *type)
{
    struct nuid id;

    if (e->account == NULL || !js_has_interest(e->js, e->account, buf_span(&e->subject))) {
        buf_free(&e->subject);
        return false;
    }
    id = nuid_next(&e->js->home->rng);
    e->w = jsonw_start(&e->json);
    jsonw_object(&e->w, NULL);
    jsonw_text(&e->w, "type", type);
    jsonw_text(&e->w, "id", id.text);
    jsonw_time(&e->w, "timestamp", js_now(e->js));
    return true;
}

static void end(struct event *e, uint64_t position)
{
    struct js_message m = { .account = e->account, .subject = buf_span(&e->subject) };

    jsonw_end_object(&e->w);
    m.body = buf_span(&e->json);
    js_send_when(e->js, position, &m);
    buf_free(&e->subject);
    buf_free(&e->json);
}

static void write_domain(struct event *e)
{
    jsonw_text_if(&e->w, "domain", e->js->options->domain);
}

/* JSON as it is. */
static void write_client(struct event *e, struct span client)
{
    if (client.len == 0) {
        jsonw_null(&e->w, "client");
        return;
    }
    jsonw_key(&e->w, SPAN_LIT("client"));
    buf_append_span(e->w.out, client);
    e->w.need_comma = true;
}

/* ---- the API ---- */

void advisory_api(struct js_account *a, const struct inbox_msg *request, struct span response,
                  uint64_t position)
{
    struct event e = { .js = a->js, .account = a->account };

    buf_append_text(&e.subject, ADVISORY "API");
    if (!begin(&e, TYPE "api_audit")) return;
    jsonw_text(&e.w, "server", a->js->core->identity.name);
    write_client(&e, request->client);
    jsonw_string(&e.w, "subject", request->subject);
    if (request->body.len) jsonw_string(&e.w, "request", request->body);
    jsonw_string(&e.w, "response", response);
    write_domain(&e);
    end(&e, position);
}

/* ---- streams ---- */

static bool begin_stream(struct event *e, const struct js_account *a, const char *kind,
                         struct span name, const char *type)
{
    *e = (struct event){ .js = a->js, .account = a->account };
    buf_printf(&e->subject, ADVISORY "STREAM.%s.%.*s", kind, SPAN_ARG(name));
    return begin(e, type);
}

static struct span name_of(const struct stream *s)
{
    return span_of(s->config.name);
}

void advisory_stream_action(struct stream *s, enum advisory_action action, uint64_t position)
{
    struct event e;

    if (!begin_stream(&e, s->account, action_subjects[action], name_of(s), TYPE "stream_action"))
        return;
    jsonw_text(&e.w, "stream", s->config.name);
    jsonw_text(&e.w, "action", action_texts[action]);
    write_domain(&e);
    end(&e, position);
}

static void batch_abandoned_in(struct stream *s, struct account *in, struct span id,
                               const char *reason)
{
    struct event e = { .js = s->js, .account = in };

    buf_printf(&e.subject, ADVISORY "STREAM.BATCH_ABANDONED.%s", s->config.name);
    if (!begin(&e, TYPE "stream_batch_abandoned")) return;
    if (in == s->js->core->system) jsonw_text(&e.w, "account", s->account->account->name);
    jsonw_text(&e.w, "stream", s->config.name);
    write_domain(&e);
    jsonw_string(&e.w, "batch", id);
    jsonw_text(&e.w, "reason", reason);
    end(&e, STORE_NO_POSITION);
}

void advisory_batch_abandoned(struct stream *s, struct span id, const char *reason)
{
    struct account *system = s->js->core->system;

    if (s->account->account != system) batch_abandoned_in(s, s->account->account, id, reason);
    if (system) batch_abandoned_in(s, system, id, reason);
}

void advisory_snapshot_begun(struct stream *s, struct span client, int64_t first_ns)
{
    struct event e;

    if (!begin_stream(&e, s->account, "SNAPSHOT_CREATE", name_of(s), TYPE "snapshot_create"))
        return;
    jsonw_text(&e.w, "stream", s->config.name);
    snapshot_write_state(s, first_ns, s->consumers.count, &e.w, "state");
    write_client(&e, client);
    write_domain(&e);
    end(&e, STORE_NO_POSITION);
}

void advisory_snapshot_ended(struct stream *s, struct span client, int64_t start_ns,
                             const char *error)
{
    struct event e;

    if (!begin_stream(&e, s->account, "SNAPSHOT_COMPLETE", name_of(s), TYPE "snapshot_complete"))
        return;
    jsonw_text(&e.w, "stream", s->config.name);
    jsonw_time(&e.w, "start", start_ns);
    jsonw_time(&e.w, "end", js_now(s->js));
    write_client(&e, client);
    write_domain(&e);
    jsonw_text_if(&e.w, "error", error);
    end(&e, STORE_NO_POSITION);
}

void advisory_restore_begun(struct js_account *a, struct span stream, struct span client)
{
    struct event e;

    if (!begin_stream(&e, a, "RESTORE_CREATE", stream, TYPE "restore_create")) return;
    jsonw_string(&e.w, "stream", stream);
    write_client(&e, client);
    write_domain(&e);
    end(&e, STORE_NO_POSITION);
}

void advisory_restore_ended(struct js_account *a, const struct advisory_restore *r)
{
    struct event e;

    if (!begin_stream(&e, a, "RESTORE_COMPLETE", r->stream, TYPE "restore_complete")) return;
    jsonw_string(&e.w, "stream", r->stream);
    jsonw_time(&e.w, "start", r->start_ns);
    jsonw_time(&e.w, "end", js_now(a->js));
    jsonw_uint(&e.w, "bytes", r->bytes);
    write_client(&e, r->client);
    write_domain(&e);
    end(&e, STORE_NO_POSITION);
}

/* ---- consumers ---- */

/* prefix: all of the subject but the names. */
static bool begin_consumer(struct event *e, const struct consumer *c, const char *prefix,
                           const char *type)
{
    *e = (struct event){ .js = c->stream->js, .account = c->stream->account->account };
    buf_printf(&e->subject, "%s.%s.%.*s", prefix, c->stream->config.name,
               SPAN_ARG(consumer_name(c)));
    return begin(e, type);
}

static void write_names(struct event *e, const struct consumer *c)
{
    jsonw_text(&e->w, "stream", c->stream->config.name);
    jsonw_string(&e->w, "consumer", consumer_name(c));
}

void advisory_consumer_action(struct consumer *c, enum advisory_action action, uint64_t position)
{
    static const char *const prefixes[] = { ADVISORY "CONSUMER.CREATED",
                                            ADVISORY "CONSUMER.DELETED",
                                            ADVISORY "CONSUMER.UPDATED" };
    struct event e;

    if (c->config.direct) return;
    if (!begin_consumer(&e, c, prefixes[action], TYPE "consumer_action")) return;
    write_names(&e, c);
    jsonw_text(&e.w, "action", action_texts[action]);
    write_domain(&e);
    end(&e, position);
}

void advisory_consumer_pause(struct consumer *c)
{
    int64_t until = c->config.has_pause_until ? c->config.pause_until : 0;
    struct event e;

    if (!begin_consumer(&e, c, ADVISORY "CONSUMER.PAUSE", TYPE "consumer_pause")) return;
    write_names(&e, c);
    jsonw_bool(&e.w, "paused", consumer_is_paused(c));
    stream_info_write_time(&e.w, "pause_until", until);
    write_domain(&e);
    end(&e, STORE_NO_POSITION);
}

static const char *group_of(const struct consumer *c)
{
    return c->config.priority_groups.count ? c->config.priority_groups.items[0] : "";
}

static bool begin_group(struct event *e, const struct consumer *c, const char *prefix,
                        const char *type)
{
    if (!begin_consumer(e, c, prefix, type)) return false;
    jsonw_text(&e->w, "account", c->stream->account->account->name);
    write_names(e, c);
    write_domain(e);
    jsonw_text(&e->w, "group", group_of(c));
    return true;
}

void advisory_pinned(struct consumer *c)
{
    struct event e;

    if (!begin_group(&e, c, ADVISORY "CONSUMER.PINNED", TYPE "consumer_group_pinned")) return;
    jsonw_text(&e.w, "pinned_id", c->pin_id);
    end(&e, STORE_NO_POSITION);
}

void advisory_unpinned(struct consumer *c, const char *reason)
{
    struct event e;

    if (!begin_group(&e, c, ADVISORY "CONSUMER.UNPINNED", TYPE "consumer_group_unpinned")) return;
    jsonw_text(&e.w, "reason", reason);
    end(&e, STORE_NO_POSITION);
}

void advisory_max_deliver(struct consumer *c, uint64_t seq, uint64_t deliveries)
{
    struct event e;

    if (!begin_consumer(&e, c, ADVISORY "CONSUMER.MAX_DELIVERIES", TYPE "max_deliver")) return;
    write_names(&e, c);
    jsonw_uint(&e.w, "stream_seq", seq);
    jsonw_uint(&e.w, "deliveries", deliveries);
    write_domain(&e);
    end(&e, STORE_NO_POSITION);
}

static void write_ack(struct event *e, const struct consumer *c, const struct advisory_ack *ack)
{
    write_names(e, c);
    jsonw_uint(&e->w, "consumer_seq", ack->delivery);
    jsonw_uint(&e->w, "stream_seq", ack->seq);
}

void advisory_nak(struct consumer *c, const struct advisory_ack *ack)
{
    struct event e;

    if (!begin_consumer(&e, c, ADVISORY "CONSUMER.MSG_NAKED", TYPE "nak")) return;
    write_ack(&e, c, ack);
    jsonw_uint(&e.w, "deliveries", ack->deliveries);
    write_domain(&e);
    end(&e, STORE_NO_POSITION);
}

void advisory_terminated(struct consumer *c, const struct advisory_ack *ack, struct span reason)
{
    struct event e;

    if (!begin_consumer(&e, c, ADVISORY "CONSUMER.MSG_TERMINATED", TYPE "terminated")) return;
    write_ack(&e, c, ack);
    jsonw_uint(&e.w, "deliveries", ack->deliveries);
    if (reason.len) jsonw_string(&e.w, "reason", reason);
    write_domain(&e);
    end(&e, STORE_NO_POSITION);
}

/* nats-server takes one more in a hundred than the config says. */
static bool is_sampled(struct consumer *c)
{
    unsigned percent = c->config.sample_percent;

    if (percent == 0) return false;
    return percent >= 100 || rng_below(&c->stream->js->home->rng, 100) <= percent;
}

void advisory_sample_ack(struct consumer *c, const struct advisory_ack *ack, int64_t delay_ns)
{
    struct event e;

    if (!is_sampled(c)) return;
    if (!begin_consumer(&e, c, METRIC "CONSUMER.ACK", METRIC_TYPE "consumer_ack")) return;
    write_ack(&e, c, ack);
    jsonw_int(&e.w, "ack_time", delay_ns);
    jsonw_uint(&e.w, "deliveries", ack->deliveries);
    write_domain(&e);
    end(&e, STORE_NO_POSITION);
}
