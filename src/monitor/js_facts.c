/* SPDX-License-Identifier: Apache-2.0 */
/* js_facts.c - one visit of the home loop; statistics, configuration and limits as JSON. */
#include "monitor/js_facts.h"

#include <stdlib.h>

#include "base/mem.h"
#include "config/jetstream_settings.h"
#include "jetstream/consumer.h"
#include "jetstream/js_level.h"
#include "jetstream/stream.h"
#include "os/sync.h"

/* ---- visiting ---- */

struct visit {
    struct sync_mail mail;
    struct js *js;
    void (*fn)(struct js *js, void *arg);
    void *arg;
    struct sync_gate gate;
};

static void on_visit(struct sync_mail *mail, void *loop)
{
    struct visit *v = CONTAINER_OF(mail, struct visit, mail);

    (void)loop;
    js_update_time(v->js);
    v->fn(v->js, v->arg);
    sync_gate_pass(&v->gate);
}

void js_visit(struct js *js, void (*fn)(struct js *js, void *arg), void *arg)
{
    struct visit v = { .mail.run = on_visit, .js = js, .fn = fn, .arg = arg };

    sync_gate_init(&v.gate, 1);
    loop_post(js->home, &v.mail);
    sync_gate_wait(&v.gate);
}

/* ---- gathering ---- */

static void add_stream(struct js_facts *f, const struct stream *s)
{
    struct msgs_state state = msgs_state(s->msgs);

    f->streams++;
    f->consumers += s->consumers.count;
    f->messages += state.count;
    f->bytes += state.bytes;
}

static void add_account(struct js_facts *f, const struct js_account *a)
{
    struct js_account_facts *to = &f->accounts[f->account_count++];

    *to = (struct js_account_facts){
        .name = mem_dup(a->account->name), .limits = a->limits,
        .memory = a->memory_used, .store = a->store_used,
        .memory_reserved = a->memory_reserved, .store_reserved = a->store_reserved,
        .streams = a->streams.count, .api_total = a->api_total, .api_errors = a->api_errors,
    };
    for (size_t i = 0; i < a->streams.count; i++) {
        const struct stream *s = a->streams.entries[i].value;
        to->consumers += s->consumers.count;
        add_stream(f, s);
    }
}

static void gather(struct js *js, void *arg)
{
    struct js_facts *f = arg;

    f->failed = js->failed ? mem_dup(js->failed) : NULL;
    f->memory = js->memory_used;
    f->store = js->store_used;
    f->memory_reserved = js->memory_reserved;
    f->store_reserved = js->store_reserved;
    f->max_memory = js->max_memory;
    f->max_store = js->max_store;
    f->api_total = js->metrics.api_total;
    f->api_errors = js->metrics.api_errors;
    f->api_inflight = js->metrics.api_inflight;
    store_stats(js->store, &f->stats);
    f->accounts = mem_zero((js->accounts.count + 1) * sizeof *f->accounts);
    for (size_t i = 0; i < js->accounts.count; i++) {
        const struct js_account *a = js->accounts.entries[i].value;
        if (a->enabled) add_account(f, a);
    }
}

static void count_public(struct js *js, void *arg)
{
    uint64_t *count = arg;

    for (size_t i = 0; i < js->accounts.count; i++) {
        const struct js_account *a = js->accounts.entries[i].value;
        if (!a->enabled) continue;
        for (size_t n = 0; n < a->streams.count; n++) {
            const struct stream *s = a->streams.entries[n].value;
            for (size_t k = 0; k < s->consumers.count; k++)
                *count += !consumer_config_of(s->consumers.entries[k].value)->direct;
        }
    }
}

uint64_t js_facts_count_public(struct js *js)
{
    uint64_t count = 0;

    if (js) js_visit(js, count_public, &count);
    return count;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct js_account_facts *)a)->name,
                  ((const struct js_account_facts *)b)->name);
}

void js_facts_init(struct js_facts *f, struct js *js)
{
    *f = (struct js_facts){ .enabled = js != NULL };
    if (js == NULL) return;
    js_visit(js, gather, f);
    qsort(f->accounts, f->account_count, sizeof *f->accounts, by_name);
}

void js_facts_fini(struct js_facts *f)
{
    for (size_t i = 0; i < f->account_count; i++) mem_free(f->accounts[i].name);
    mem_free(f->accounts);
    mem_free(f->failed);
    *f = (struct js_facts){ .enabled = false };
}

/* ---- writing ---- */

static void put_usage(struct jsonw *w, uint64_t memory, uint64_t store, uint64_t memory_reserved,
                      uint64_t store_reserved)
{
    jsonw_uint(w, "memory", memory);
    jsonw_uint(w, "storage", store);
    jsonw_uint(w, "reserved_memory", memory_reserved);
    jsonw_uint(w, "reserved_storage", store_reserved);
}

static void put_api(struct jsonw *w, int level, uint64_t total, uint64_t errors,
                    uint64_t inflight)
{
    jsonw_object(w, "api");
    jsonw_int(w, "level", level);
    jsonw_uint(w, "total", total);
    jsonw_uint(w, "errors", errors);
    if (inflight) jsonw_uint(w, "inflight", inflight);
    jsonw_end_object(w);
}

void js_facts_put_stats(struct jsonw *w, const struct js_facts *f)
{
    put_usage(w, f->memory, f->store, f->memory_reserved, f->store_reserved);
    jsonw_uint(w, "accounts", f->account_count);
    jsonw_int(w, "ha_assets", 0);
    put_api(w, f->enabled ? JS_API_LEVEL : 0, f->api_total, f->api_errors, f->api_inflight);
}

void js_facts_put_account_stats(struct jsonw *w, const struct js_account_facts *a)
{
    /* No limit is 2^64 - 1 there, as nats-server's conversion of -1 gives it. */
    put_usage(w, a->memory, a->store, (uint64_t)a->limits.max_memory,
              (uint64_t)a->limits.max_store);
    jsonw_int(w, "accounts", 0);
    jsonw_int(w, "ha_assets", 0);
    put_api(w, 0, a->api_total, a->api_errors, 0);
}

void js_facts_put_config(struct jsonw *w, const struct js_facts *f,
                         const struct options_jetstream *o, const char *temporary_folder)
{
    jsonw_object(w, "config");
    jsonw_int(w, "max_memory", f->max_memory);
    jsonw_int(w, "max_storage", f->max_store);
    if (f->enabled) {
        char *folder = jetstream_store_dir(o, temporary_folder);
        jsonw_text_if(w, "store_dir", folder);
        mem_free(folder);
        jsonw_int_if(w, "sync_interval", o->sync_interval_ns);
        jsonw_bool_if(w, "sync_always", o->sync != JETSTREAM_SYNC_INTERVAL);
        jsonw_text_if(w, "domain", o->domain);
        jsonw_text_if(w, "unique_tag", o->unique_tag);
        jsonw_bool_if(w, "strict", o->strict);
    }
    jsonw_end_object(w);
}

void js_facts_put_limits(struct jsonw *w, const struct jetstream_limit_options *l)
{
    jsonw_object(w, "limits");
    jsonw_int_if(w, "max_request_batch", l->max_request_batch);
    jsonw_int_if(w, "max_ack_pending", l->max_ack_pending);
    jsonw_int_if(w, "max_ha_assets", l->max_ha_assets);
    jsonw_int_if(w, "max_duplicate_window", l->duplicate_window_ns);
    jsonw_int_if(w, "max_batch_inflight_per_stream", l->max_batch_inflight_per_stream);
    jsonw_int_if(w, "max_batch_inflight_total", l->max_batch_inflight_total);
    jsonw_int_if(w, "max_batch_size", l->max_batch_msgs);
    jsonw_int_if(w, "max_batch_timeout", l->batch_timeout_ns);
    jsonw_end_object(w);
}
