/* SPDX-License-Identifier: Apache-2.0 */
/* consumer_config.h - what a consumer is to be: read, completed, checked, written.
 *
 * Plain data without behaviour, as stream_config.h. */
#ifndef JETSTREAM_CONSUMER_CONFIG_H
#define JETSTREAM_CONSUMER_CONFIG_H

#include "jetstream/stream_config.h"

enum js_deliver {
    JS_DELIVER_ALL, JS_DELIVER_LAST, JS_DELIVER_NEW, JS_DELIVER_BY_START_SEQUENCE,
    JS_DELIVER_BY_START_TIME, JS_DELIVER_LAST_PER_SUBJECT
};
enum js_ack { JS_ACK_NONE, JS_ACK_ALL, JS_ACK_EXPLICIT, JS_ACK_FLOW_CONTROL };
enum js_replay { JS_REPLAY_INSTANT, JS_REPLAY_ORIGINAL };
enum js_priority {
    JS_PRIORITY_NONE, JS_PRIORITY_OVERFLOW, JS_PRIORITY_PINNED_CLIENT, JS_PRIORITY_PRIORITIZED
};

struct consumer_config {
    char *durable_name, *name, *description;
    enum js_deliver deliver;
    uint64_t opt_start_seq;
    bool has_start_time;
    int64_t opt_start_time;             /* wall ns */
    enum js_ack ack;
    int64_t ack_wait;                   /* ns */
    int64_t max_deliver;                /* -1: no limit */
    int64_t *backoff;                   /* ns */
    size_t backoff_count;
    char *filter_subject;
    struct js_texts filter_subjects;
    enum js_replay replay;
    uint64_t rate_limit_bps;
    char *sample_freq;
    unsigned sample_percent;            /* what sample_freq says; 0: none */
    int64_t max_waiting, max_ack_pending;
    bool flow_control, headers_only;
    int64_t max_request_batch, max_request_expires, max_request_max_bytes;      /* 0: none */
    char *deliver_subject, *deliver_group;
    int64_t idle_heartbeat, inactive_threshold;         /* ns */
    int64_t replicas;
    bool mem_storage, direct, sourcing;
    struct js_metadata metadata;
    bool has_pause_until;
    int64_t pause_until;                /* wall ns */
    struct js_texts priority_groups;
    enum js_priority priority;
    int64_t priority_timeout;           /* ns */
};

static inline bool consumer_config_is_push(const struct consumer_config *c)
{
    return c->deliver_subject != NULL;
}

/* As their counterparts in stream_config.h. The object is the request's "config". */
enum js_err consumer_config_parse(struct consumer_config *c, const struct json_t *object,
                                  const struct stream_config_rules *rules, struct js_error *e);
/* stream: of the stream it reads. Fills defaults (ack_wait, max_waiting, limits of the stream).
 * What compares the request's subject with its config (names, filter), replicas above 1 on a
 * server that stands alone (10074, before the stream is looked up), the limit of consumers (10026),
 * workqueue streams' rules (10098 to 10101), and names above JS_NAME_MAX of durables (10102; both
 * after the consumer's existence is looked at) are left to whoever has the stream. */
enum js_err consumer_config_check(struct consumer_config *c, const struct stream_config *stream,
                                  const struct stream_config_rules *rules, struct js_error *e);
/* next may replace old: 10012 with nats-server's text, or 10116. Left to the caller: a deliver
 * subject may only change while nobody listens on the old one (10013). */
enum js_err consumer_config_check_update(const struct consumer_config *old,
                                         const struct consumer_config *next, struct js_error *e);

/* Consumers made without a durable name always have an inactive_threshold: 5 s. Done when one is
 * made or changed, after the comparison with an existing one (nats-server compares without). */
void consumer_config_fill_threshold(struct consumer_config *c);

/* As their counterparts in stream_config.h. */
void consumer_config_write(const struct consumer_config *c, struct jsonw *w, const char *key);
/* With the dynamic metadata, as stream_config_write_info. */
void consumer_config_write_info(const struct consumer_config *c, struct jsonw *w, const char *key,
                                const char *version);
void consumer_config_set_static(struct consumer_config *c);     /* as stream_config_set_static */
void consumer_config_copy(struct consumer_config *to, const struct consumer_config *from);
void consumer_config_free(struct consumer_config *c);
bool consumer_config_equal(const struct consumer_config *a, const struct consumer_config *b);
unsigned consumer_config_level(const struct consumer_config *c);

/* The filters: filter_subject, or filter_subjects, or none. Borrowed into out (which has room for
 * filter_subjects.count or 1); returns how many. */
size_t consumer_config_filters(const struct consumer_config *c, struct span *out);

#endif
