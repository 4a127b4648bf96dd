/* SPDX-License-Identifier: Apache-2.0 */
/* js.c - JetStream of one server: start, turns, sending, accounts, end. */
#include "jetstream/js.h"

#include <stdio.h>

#include "base/assert.h"
#include "base/duration.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/jetstream_settings.h"
#include "config/options.h"
#include "core/publish.h"
#include "jetstream/api.h"
#include "jetstream/consumer.h"
#include "jetstream/gate.h"
#include "jetstream/source.h"
#include "jetstream/transfer.h"
#include "os/clock.h"
#include "os/disk.h"

#define TURN_MESSAGES 8192              /* handled per turn */
#define TURN_DELIVERIES 1024            /* of one consumer per turn */
#define GATE_BYTES_MAX (64 * 1024 * 1024)       /* of answers that wait for the disk */
#define PARKED_MAX 10000                /* requests that wait, where request_queue_limit is 0 */
#define JUMP_NS NS_PER_S                /* the wall clock may differ from ours by this at once */
#define JUMP_LARGE_NS (60 * NS_PER_S)   /* a larger step than this is believed only ... */
#define JUMP_BELIEVED_NS (60 * NS_PER_S)        /* ... when it has stood for so long */

/* ---- time ---- */

/* Log time follows the wall clock but never steps back, and a large step forward (which would
 * expire everything) only when it persists. */
void js_update_time(struct js *js)
{
    int64_t mono = clock_mono_ns(), wall = clock_wall_ns();
    int64_t difference = wall - mono - js->wall_offset_ns, now;

    if (js->wall_offset_ns == 0 || (difference > -JUMP_LARGE_NS && difference < JUMP_LARGE_NS)) {
        js->wall_offset_ns = wall - mono;
        js->jumped_ns = 0;
    } else if (js->jumped_ns == 0) {
        js->jumped_ns = mono;
        log_warn("JetStream: the clock jumped by %lld seconds; waiting whether it stays so",
                 (long long)(difference / NS_PER_S));
    } else if (mono - js->jumped_ns > JUMP_BELIEVED_NS) {
        js->wall_offset_ns = wall - mono;
        js->jumped_ns = 0;
    }
    now = mono + js->wall_offset_ns;
    if (now > js->wall_ns) js->wall_ns = now;
    js->wall_iteration = js->home->stats.iterations;
}

int64_t js_now(struct js *js)
{
    /* Timers run before the turn: what they are told must not be the time before the sleep. */
    if (js->wall_ns == 0 || js->wall_iteration != js->home->stats.iterations)
        js_update_time(js);
    return js->wall_ns;
}

/* ---- sending ---- */

static uint64_t publish(struct js *js, const struct js_message *m)
{
    bool inbox = m->shown_subject.len > 0;
    struct match_cache *cache = inbox ? js->cl->matches : js->cl->reply_matches;
    struct match match = match_find(cache, m->account, m->subject, inbox);
    struct message out = { .subject = inbox ? m->shown_subject : m->subject, .reply = m->reply,
                           .header_len = m->header.len, .total = m->header.len + m->body.len,
                           .account = m->account };
    struct buf joined = { 0 };
    uint64_t delivered;

    if (match.plain_count + match.group_count == 0) return 0;
    if (m->header.len == 0) {
        out.body = m->body.p;
    } else if (m->body.len == 0 || m->body.p == m->header.p + m->header.len) {
        out.body = m->header.p;
    } else {
        buf_append_span(&joined, m->header);
        buf_append_span(&joined, m->body);
        out.body = joined.p;
    }
    if (out.body == NULL) out.body = "";
    delivered = publish_fan_out(js->cl, &match, &out);
    buf_free(&joined);
    return delivered;
}

uint64_t js_send(struct js *js, const struct js_message *m)
{
    return publish(js, m);
}

void js_send_when(struct js *js, uint64_t position, const struct js_message *m)
{
    if (position <= store_durable(js->store)) js_send(js, m);
    else if (js->failed == NULL) gate_add_message(js->gate, position, m);
}

void js_call_when(struct js *js, uint64_t position, void (*fn)(void *arg), void *arg)
{
    if (position <= store_durable(js->store)) fn(arg);
    else gate_add_call(js->gate, position, fn, arg);
}

bool js_has_interest(struct js *js, struct account *a, struct span subject)
{
    struct match match = match_find(js->cl->matches, a, subject, true);

    return match.plain_count + match.group_count > 0;
}

bool js_has_literal_interest(struct js *js, struct account *a, struct span subject)
{
    struct sublist_result found = { NULL };
    struct buf filter = { 0 };
    bool has = false;

    sync_brlock_read(&a->lock, js->home->index);
    sublist_match(a->sublist, subject, &found);
    for (size_t i = 0; !has && i < found.plain_count; i++) {
        filter.len = 0;
        sublist_append_filter(found.plain[i], &filter);
        has = span_equal(buf_span(&filter), subject);
    }
    sync_brlock_read_done(&a->lock, js->home->index);
    sublist_result_fini(&found);
    buf_free(&filter);
    return has;
}

uint64_t js_interest_generation(struct js *js, struct account *a, struct span subject)
{
    uint32_t bucket = sublist_bucket(a->sublist, subject);
    struct sublist_generation g = sublist_generation(a->sublist, bucket);

    (void)js;
    return g.bucket + g.wild;
}

bool js_gate_is_full(const struct js *js)
{
    return !js->failed && gate_bytes(js->gate) > GATE_BYTES_MAX;
}

bool js_is_behind(const struct js *js)
{
    int64_t limit = js->options->request_queue_limit;

    return js_gate_is_full(js) ||
           js->parked >= (limit > 0 ? (uint64_t)limit : PARKED_MAX);
}

void js_no_responders(struct js *js, const struct inbox_msg *m)
{
    struct buf *text = &js->scratch;
    struct js_message out = { .account = m->account, .subject = m->reply };

    if (m->reply.len == 0 || !m->wants_503) return;
    text->len = 0;
    buf_printf(text, "NATS/1.0 503\r\nNats-Subject: %.*s\r\n\r\n", SPAN_ARG(m->subject));
    out.header = buf_span(text);
    js_send(js, &out);
}

/* ---- turns ---- */

static void on_durable(void *arg, uint64_t position)
{
    struct js *js = arg;

    gate_open(js->gate, js, position, publish);
}

static void on_failed(void *arg, const char *why)
{
    struct js *js = arg;

    js->failed = mem_dup(why);
    log_error("JetStream: the store failed and takes nothing until the server starts again: %s",
              why);
}

static void post_home(void *arg, struct sync_mail *mail)
{
    loop_post(((struct js *)arg)->home, mail);
}

static bool run_consumers(struct js *js)
{
    struct list ready;

    if (list_is_empty(&js->ready_consumers)) return false;
    list_init(&ready);                  /* those that become ready meanwhile wait a turn */
    while (!list_is_empty(&js->ready_consumers)) {
        struct list *link = js->ready_consumers.next;
        list_remove(link);
        list_append(&ready, link);
    }
    while (!list_is_empty(&ready)) {
        struct list *link = ready.next;
        list_remove(link);
        if (consumer_run(consumer_of_ready(link), TURN_DELIVERIES))
            list_append(&js->ready_consumers, link);
    }
    return !list_is_empty(&js->ready_consumers);
}

/* The turn that follows the timer flushes. */
static void on_flush_due(struct timer *t, void *loop)
{
    (void)t;
    (void)loop;
}

static void arm_flush(struct js *js)
{
    int64_t due = store_next_flush_ns(js->store);

    js->flush.fire = on_flush_due;
    if (due == INT64_MAX) timers_clear(&js->home->timers, &js->flush);
    else timers_set(&js->home->timers, &js->flush, due);
}

static bool home_turn(struct js *js)
{
    bool left = !js_is_behind(js) && inboxes_turn(js->inboxes, js->home, TURN_MESSAGES);

    left = run_consumers(js) || left;
    left = sources_run(js) || left;
    while (!list_is_empty(&js->dirty_streams))
        stream_flush(CONTAINER_OF(js->dirty_streams.next, struct stream, dirty));
    store_flush(js->store);             /* what became visible by then may be copied or delivered */
    arm_flush(js);
    return left || !list_is_empty(&js->ready_consumers) || !list_is_empty(&js->ready_sources);
}

static bool on_turn(struct loop *l, void *arg)
{
    struct js *js = arg;

    if (l != js->home) return inboxes_turn(js->inboxes, l, 0);
    js_update_time(js);
    return home_turn(js);
}

/* ---- accounts ---- */

static bool subscribe_api(struct js_account *a)
{
    const char *domain = a->js->options->domain;
    struct account *account = a->account;
    char text[512];

    if (inbox_subscribe(&a->api, account, SPAN_LIT("$JS.API.>"), &a->api_sub) != ST_OK ||
        inbox_subscribe(&a->acks, account, SPAN_LIT("$JS.ACK.>"), &a->acks_sub) != ST_OK ||
        inbox_subscribe(&a->flow, account, SPAN_LIT("$JS.FC.>"), &a->flow_sub) != ST_OK)
        return false;
    if (domain == NULL) return true;
    snprintf(text, sizeof text, "$JS.%s.API.>", domain);
    return inbox_subscribe(&a->api, account, span_of(text), &a->domain_sub) == ST_OK;
}

static void release_target(struct inbox_target *t)
{
    (void)t;                            /* part of the js_account, which lives as long as js */
}

static void init_target(struct inbox_target *t, struct js_account *a,
                        bool (*handle)(struct inbox_target *t, const struct inbox_msg *m))
{
    inbox_target_init(t, a->js->inboxes);
    t->owner = a;
    t->handle = handle;
    t->release = release_target;
}

/* Consumers that push look whether somebody still, or again, listens. */
static void on_interest(struct sync_mail *mail, void *loop)
{
    struct js_account *a = CONTAINER_OF(mail, struct js_account, watch.mail);

    (void)loop;
    atomic_store(&a->watch.posted, false);
    for (size_t i = 0; i < a->streams.count; i++) {
        struct stream *s = a->streams.entries[i].value;
        for (size_t n = 0; n < s->consumers.count; n++) {
            struct consumer *c = s->consumers.entries[n].value;
            if (consumer_config_is_push(consumer_config_of(c))) consumer_on_interest(c);
        }
    }
}

/* The account's part of JetStream, made when it is new. */
static struct js_account *account_of(struct js *js, struct account *account)
{
    struct js_account *a = map_get(&js->accounts, span_of(account->name));

    if (a) return a;
    a = mem_zero(sizeof *a);
    a->js = js;
    a->account = account;
    list_init(&a->waiting_sources);
    init_target(&a->api, a, api_handle);
    a->api.wants_client = true;
    init_target(&a->acks, a, consumer_handle_ack);
    init_target(&a->flow, a, consumer_handle_flow);
    map_set(&js->accounts, span_of(account->name), a);
    return a;
}

static void enable_account(struct js *js, struct account *account,
                           const struct jetstream_account_limits *limits)
{
    struct js_account *a = account_of(js, account);

    if (a->watch.mail.run == NULL) {
        a->watch.mail.run = on_interest;
        a->watch.loop = js->home;
        atomic_store(&account->watch, &a->watch);
    }
    a->limits = *limits;
    if (!a->enabled) {
        inbox_unsubscribe(&a->api, account, &a->api_sub);
        a->enabled = subscribe_api(a);
        assert(a->enabled);
    }
}

static void disable_account(struct js_account *a)
{
    a->enabled = false;
    inbox_unsubscribe(&a->api, a->account, &a->api_sub);
    inbox_unsubscribe(&a->api, a->account, &a->domain_sub);
    inbox_unsubscribe(&a->acks, a->account, &a->acks_sub);
    inbox_unsubscribe(&a->flow, a->account, &a->flow_sub);
}

/* An account that may not use JetStream is told so when it asks. */
static void refuse_account(struct js *js, struct account *account)
{
    struct js_account *a = account_of(js, account);
    enum status st;

    disable_account(a);
    st = inbox_subscribe(&a->api, account, SPAN_LIT("$JS.API.>"), &a->api_sub);
    assert(st == ST_OK);
}

static void apply_accounts(struct js *js, const struct options *o)
{
    struct core *core = js->core;

    for (size_t i = 0; i < core->accounts.count; i++) {
        struct account *account = core->accounts.entries[i].value;
        const struct jetstream_account_limits *limits =
            atomic_load(&account->removed) ? NULL : options_jetstream_of(o, account->name);
        struct js_account *a = map_get(&js->accounts, span_of(account->name));
        if (limits) enable_account(js, account, limits);
        else if (!account->is_system && !atomic_load(&account->removed))
            refuse_account(js, account);
        else if (a) disable_account(a);
    }
}

/* Take the newest configuration; what it says of sizes and folders needs a restart. */
static void take_config(struct js *js)
{
    struct core_config *old = js->options_ref;

    js->options_ref = core_config_latest(js->core);
    js->options = &js->options_ref->options->jetstream;
    core_config_unref(old);
    sync_mutex_lock(&js->core->mutex);
    apply_accounts(js, js->options_ref->options);
    sync_mutex_unlock(&js->core->mutex);
}

void js_apply_config(struct js *js)
{
    const struct options_jetstream *o;

    take_config(js);
    o = js->options;
    if (o->max_memory >= 0) js->max_memory = o->max_memory;
    if (o->max_store >= 0) js->max_store = o->max_store;
}

struct js_account *js_account_find(struct js *js, struct span name)
{
    struct js_account *a = map_get(&js->accounts, name);

    return a && a->enabled ? a : NULL;
}

struct stream *js_stream_find(struct js_account *a, struct span name)
{
    return map_get(&a->streams, name);
}

/* ---- start and end ---- */

static void on_damage(void *arg, void *owner, const char *text)
{
    (void)arg;
    (void)owner;
    log_error("JetStream: %s", text);
}

static enum status open_store(struct js *js, const char *dir, struct error *why)
{
    const struct options_jetstream *o = js->options;
    struct store_options so = {
        .dir = dir, .disk = js->disk, .threads = true, .post = post_home,
        .on_durable = on_durable, .on_failed = on_failed, .arg = js,
        .sync = o->sync == JETSTREAM_SYNC_INTERVAL ? STORE_SYNC_LAZY : STORE_SYNC_ALWAYS,
        .sync_interval_ns = o->sync_interval_ns,
        .key = span_of(o->key), .previous_key = span_of(o->prev_key),
    };
    struct store_recovery recovery = {
        .group = stream_recover_group, .delta = stream_recover_delta,
        .message = stream_recover_message, .group_done = stream_recover_done,
        .damage = on_damage, .arg = js,
    };

    return store_open(&js->store, &so, &recovery, why);
}

static void start_streams(struct js *js)
{
    for (size_t at = 0; at < js->unfinished.len; at += sizeof(struct stream *)) {
        struct stream *s;
        memcpy(&s, js->unfinished.p + at, sizeof s);
        stream_recover_start(s);        /* deletes it */
    }
    buf_free(&js->unfinished);
    for (size_t i = 0; i < js->accounts.count; i++) {
        struct js_account *a = js->accounts.entries[i].value;
        for (size_t n = 0; n < a->streams.count; n++)       /* origins keep what they need */
            sources_configure(a->streams.entries[n].value);
        for (size_t n = 0; n < a->streams.count; n++)
            stream_recover_start(a->streams.entries[n].value);
    }
}

static void start_loops(struct js *js)
{
    for (unsigned i = 0; i < js->core->loops.count; i++)
        js->core->loops.loops[i]->turn = (struct loop_turn){ on_turn, js };
}

enum status js_new(struct js **out, struct core *core, const struct jetstream_settings *settings,
                   struct disk *disk, struct error *why)
{
    struct js *js = mem_zero(sizeof *js);
    enum status st;

    js->core = core;
    js->home = core->loops.loops[0];
    js->cl = core_of(js->home);
    js->disk = disk;
    js->max_memory = settings->max_memory;
    js->max_store = settings->max_store;
    js->inboxes = inboxes_new(core, js->home);
    js->gate = gate_new();
    list_init(&js->dirty_streams);
    list_init(&js->ready_consumers);
    list_init(&js->ready_sources);
    list_init(&js->transfers);
    take_config(js);
    st = open_store(js, settings->store_dir, why);
    if (st != ST_OK) {
        for (size_t i = 0; i < js->accounts.count; i++)
            disable_account(js->accounts.entries[i].value);
        js_free(&js);
        return st;
    }
    start_streams(js);
    store_flush(js->store);
    start_loops(js);
    *out = js;
    return ST_OK;
}

void js_shutdown(struct js *js)
{
    timers_clear(&js->home->timers, &js->flush);
    transfers_stop(js);
    for (size_t i = 0; i < js->accounts.count; i++) {
        struct js_account *a = js->accounts.entries[i].value;
        disable_account(a);
        while (a->streams.count)
            stream_close(a->streams.entries[a->streams.count - 1].value);
    }
    store_flush(js->store);
    loop_commit(js->home);              /* before the connections close */
}

static uint64_t drop(struct js *js, const struct js_message *m)
{
    (void)js;
    (void)m;
    return 0;
}

void js_free(struct js **at)
{
    struct js *js = *at;

    if (js == NULL) return;
    for (size_t i = 0; i < js->accounts.count; i++) {
        struct js_account *a = js->accounts.entries[i].value;
        atomic_store(&a->account->watch, NULL);
    }
    loop_group_drain(&js->core->loops); /* a watch's mail may be under way */
    store_close(&js->store);
    gate_open(js->gate, js, UINT64_MAX, drop);  /* nobody is left to hear it */
    inboxes_free(&js->inboxes);
    gate_free(&js->gate);
    for (size_t i = 0; i < js->accounts.count; i++) {
        struct js_account *a = js->accounts.entries[i].value;
        map_free(&a->streams);
        mem_free(a);
    }
    map_free(&js->accounts);
    core_config_unref(js->options_ref);
    mem_free((char *)(uintptr_t)js->failed);
    buf_free(&js->scratch);
    buf_free(&js->unfinished);
    mem_free(js);
    *at = NULL;
}
