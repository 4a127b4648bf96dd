/* SPDX-License-Identifier: Apache-2.0 */
/* js_facts.h - a copy of what JetStream knows of itself, and the parts of answers made from it.
 *
 * Copied on JetStream's home loop, then owned by the monitoring thread. Without JetStream
 * everything is zero, as nats-server shows it. Inside monitor/ only. */
#ifndef MONITOR_JS_FACTS_H
#define MONITOR_JS_FACTS_H

#include "base/jsonw.h"
#include "config/options.h"
#include "jetstream/js.h"

struct js_account_facts {
    char *name;
    struct jetstream_account_limits limits;
    uint64_t memory, store, memory_reserved, store_reserved;
    uint64_t streams, consumers;
    uint64_t api_total, api_errors;
};

struct js_facts {
    bool enabled;
    char *failed;                       /* why the store takes nothing; NULL: it does */
    uint64_t memory, store, memory_reserved, store_reserved;
    int64_t max_memory, max_store;
    uint64_t api_total, api_errors, api_inflight;
    uint64_t streams, consumers, messages, bytes;
    struct store_stats stats;
    struct js_account_facts *accounts;  /* enabled ones, by name */
    size_t account_count;
};

/* Run fn(js, arg) on the home loop with its time brought up to date, and wait. From the monitoring
 * thread. */
void js_visit(struct js *js, void (*fn)(struct js *js, void *arg), void *arg);

/* js NULL: JetStream is off. O(accounts log accounts + streams), of which the home loop does
 * O(accounts + streams). Free with js_facts_fini. */
void js_facts_init(struct js_facts *f, struct js *js);
void js_facts_fini(struct js_facts *f);

/* How many consumers are not of nats-server's kind "direct". O(streams + consumers) on the home
 * loop. */
uint64_t js_facts_count_public(struct js *js);

/* The fields of JetStreamStats, without braces. */
void js_facts_put_stats(struct jsonw *w, const struct js_facts *f);
/* The same of one account: what it may use stands where the server shows what is reserved. */
void js_facts_put_account_stats(struct jsonw *w, const struct js_account_facts *a);
/* The object "config": what JetStream runs with. temporary_folder: for a store_dir that nobody
 * chose. */
void js_facts_put_config(struct jsonw *w, const struct js_facts *f,
                         const struct options_jetstream *o, const char *temporary_folder);
/* The object "limits". */
void js_facts_put_limits(struct jsonw *w, const struct jetstream_limit_options *l);

#endif
