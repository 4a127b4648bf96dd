/* SPDX-License-Identifier: Apache-2.0 */
/* consumer_info.c - the state of a consumer for people and clients. */
#include "jetstream/consumer_priv.h"

#define GO_ZERO_TIME "0001-01-01T00:00:00Z"

static void write_pair(struct jsonw *w, const char *key, uint64_t delivery, uint64_t seq,
                       int64_t last_ns)
{
    jsonw_object(w, key);
    jsonw_uint(w, "consumer_seq", delivery);
    jsonw_uint(w, "stream_seq", seq);
    if (last_ns) jsonw_time(w, "last_active", last_ns);
    jsonw_end_object(w);
}

static void write_groups(const struct consumer *c, struct jsonw *w)
{
    if (c->config.priority_groups.count == 0) return;
    jsonw_array(w, "priority_groups");
    jsonw_object(w, NULL);
    jsonw_text(w, "group", c->config.priority_groups.items[0]);
    jsonw_text_if(w, "pinned_client_id", c->pin_id);
    if (c->pinned_ns) jsonw_time(w, "pinned_ts", c->pinned_ns);
    else jsonw_text(w, "pinned_ts", GO_ZERO_TIME);
    jsonw_end_object(w);
    jsonw_end_array(w);
}

void consumer_facts(struct consumer *c, struct consumer_facts *out)
{
    bool push = consumer_config_is_push(&c->config);

    if (!push) pull_check(c, false);
    *out = (struct consumer_facts){
        .delivered_consumer_seq = c->next_delivery - 1, .delivered_stream_seq = c->delivered_seq,
        .floor_consumer_seq = c->floor_delivery, .floor_stream_seq = c->floor_seq,
        .pending = consumer_pending(c), .ack_pending = c->pending.count,
        .redelivered = c->config.max_deliver == 1 ? 0 : c->pending.redelivered,
        .waiting = c->request_count, .push_bound = push && c->active,
        .paused = consumer_is_paused(c),
    };
}

static void write_name(const struct consumer *c, struct jsonw *w)
{
    jsonw_text(w, "stream_name", c->stream->config.name);
    jsonw_string(w, "name", consumer_name(c));
    jsonw_time(w, "created", c->created_ns);
}

static void write_state(struct consumer *c, struct jsonw *w)
{
    const struct js *js = consumer_js(c);
    struct consumer_facts f;

    consumer_facts(c, &f);
    write_pair(w, "delivered", f.delivered_consumer_seq, f.delivered_stream_seq, c->delivered_ns);
    write_pair(w, "ack_floor", f.floor_consumer_seq, f.floor_stream_seq, c->acked_ns);
    jsonw_uint(w, "num_ack_pending", f.ack_pending);
    jsonw_uint(w, "num_redelivered", f.redelivered);
    jsonw_uint(w, "num_waiting", f.waiting);
    jsonw_uint(w, "num_pending", f.pending);
    jsonw_bool_if(w, "push_bound", f.push_bound);
    jsonw_bool_if(w, "paused", f.paused);
    if (f.paused) jsonw_int(w, "pause_remaining", c->config.pause_until - js->wall_ns);
    jsonw_time(w, "ts", js->wall_ns);
    write_groups(c, w);
}

void consumer_write_fields(struct consumer *c, struct jsonw *w)
{
    write_name(c, w);
    consumer_config_write_info(&c->config, w, "config", consumer_js(c)->core->identity.version);
    write_state(c, w);
}

void consumer_write_detail(struct consumer *c, struct jsonw *w, bool config)
{
    jsonw_object(w, NULL);
    write_name(c, w);
    if (config) consumer_config_write(&c->config, w, "config");
    write_state(c, w);
    jsonw_end_object(w);
}
