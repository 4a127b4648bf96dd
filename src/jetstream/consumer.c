/* SPDX-License-Identifier: Apache-2.0 */
/* consumer.c - life of a consumer: where it starts, its timer, what is pending for it, its end. */
#include "jetstream/consumer.h"

#include <stdio.h>

#include "base/assert.h"
#include "base/duration.h"
#include "base/mem.h"
#include "jetstream/consumer_priv.h"

#define INACTIVE_LEAST_NS (100 * NS_PER_MS)     /* later than asked for ... */
#define INACTIVE_JITTER_MS 900                  /* ... and that much at random */
#define COUNT_STEPS 1024                /* newer messages counted one by one; else all anew */

struct js *consumer_js(const struct consumer *c)
{
    return c->stream->js;
}

struct span consumer_stream_name(const struct consumer *c)
{
    return span_of(c->stream->config.name);
}

const struct consumer_config *consumer_config_of(const struct consumer *c)
{
    return &c->config;
}

struct span consumer_name(const struct consumer *c)
{
    return span_of(c->config.durable_name ? c->config.durable_name : c->config.name);
}

bool consumer_is_durable(const struct consumer *c)
{
    return c->config.durable_name != NULL;
}

bool consumer_is_paused(const struct consumer *c)
{
    return c->config.has_pause_until && c->config.pause_until > js_now(consumer_js(c));
}

/* ---- its timer ---- */

static struct timers *timers_of(const struct consumer *c)
{
    return &consumer_js(c)->home->timers;
}

void consumer_set_due(struct consumer *c, enum consumer_due what, int64_t due_ns)
{
    c->due[what] = due_ns;
    if (!timer_is_set(&c->timer) || due_ns < c->timer.due_ns)
        timers_set(timers_of(c), &c->timer, due_ns);
}

/* The timer may fire in vain; that costs less than to find the next one now. */
void consumer_clear_due(struct consumer *c, enum consumer_due what)
{
    c->due[what] = DUE_NEVER;
}

static void rearm(struct consumer *c)
{
    int64_t next = DUE_NEVER;

    for (int i = 0; i < DUE_COUNT; i++)
        if (c->due[i] < next) next = c->due[i];
    if (next == DUE_NEVER) timers_clear(timers_of(c), &c->timer);
    else timers_set(timers_of(c), &c->timer, next);
}

static void delete_now(struct consumer *c)
{
    uint64_t position;

    consumer_delete(c, &position);
}

/* When the last message that is not acknowledged has been given up, at the earliest; as wall clock,
 * 0: nothing waits. */
static int64_t pending_until(const struct consumer *c)
{
    const struct pending_entry *e;
    int64_t until = 0;

    for (e = pending_first(&c->pending); e; e = pending_next(&c->pending, e)) {
        int64_t at = duration_sum(duration_sum(e->time_ns, consumer_ack_wait(c, e->redelivered)),
                                  c->inactive_ns);
        if (at > until) until = at;
    }
    return until;
}

/* False: the consumer is gone. */
static bool on_inactive_due(struct consumer *c, int64_t now)
{
    int64_t left = duration_sum(c->used_ns, c->inactive_ns) - now;

    if (c->inactive_ns == 0) return true;
    if (consumer_config_is_push(&c->config)) {
        if (c->active) return true;
        delete_now(c);
        return false;
    }
    if (left <= 0) {
        pull_check(c, true);
        if (c->request_count) left = c->inactive_ns;
    }
    if (left <= 0) left = pending_until(c) - js_now(consumer_js(c));
    if (left > 0) {
        consumer_set_due(c, DUE_INACTIVE, duration_sum(now, left));
        return true;
    }
    delete_now(c);
    return false;
}

static void on_due(struct consumer *c, enum consumer_due what)
{
    switch (what) {
    case DUE_REDELIVERY:
        consumer_on_redelivery_due(c);
        break;
    case DUE_REQUESTS:
        pull_check(c, true);
        break;
    case DUE_HEARTBEAT:
        push_on_heartbeat_due(c);
        break;
    case DUE_PAUSE:
        advise_pause(c);
        consumer_make_ready(c);
        break;
    case DUE_PIN:
        pull_on_pin_due(c);
        break;
    default:
        consumer_make_ready(c);
        break;
    }
}

static void on_timer(struct timer *t, void *loop)
{
    struct consumer *c = CONTAINER_OF(t, struct consumer, timer);
    int64_t now = loop_now(loop);

    for (int i = 0; i < DUE_COUNT; i++) {
        if (c->due[i] > now) continue;
        c->due[i] = DUE_NEVER;
        if (i != DUE_INACTIVE) on_due(c, (enum consumer_due)i);
        else if (!on_inactive_due(c, now)) return;
    }
    rearm(c);
}

/* ---- being run ---- */

struct consumer *consumer_of_ready(struct list *link)
{
    return CONTAINER_OF(link, struct consumer, ready);
}

void consumer_make_ready(struct consumer *c)
{
    if (!list_is_linked(&c->ready)) list_append(&consumer_js(c)->ready_consumers, &c->ready);
}

static void on_visible(struct stream_waiter *w)
{
    consumer_make_ready(CONTAINER_OF(w, struct consumer, waiter));
}

static void on_read(struct store_wait *w)
{
    struct consumer *c = CONTAINER_OF(w, struct consumer, read);

    c->reading = false;
    consumer_make_ready(c);
}

/* ---- what is pending ---- */

bool consumer_wants(struct consumer *c, uint32_t subject)
{
    return c->filter == NULL || msgs_filter_matches(c->filter, c->stream->msgs, subject);
}

bool consumer_wants_text(const struct consumer *c, struct span subject)
{
    return c->filter == NULL || msgs_filter_matches_text(c->filter, subject);
}

bool consumer_needs(const struct consumer *c, uint64_t seq)
{
    const struct pending_entry *e = pending_find(&c->pending, seq);

    if (e) return true;
    if (seq <= c->floor_seq) return false;
    return c->config.ack != JS_ACK_EXPLICIT || seq >= c->next_seq;
}

void consumer_recount(struct consumer *c)
{
    struct msgs *m = c->stream->msgs;
    bool last_only = c->config.deliver == JS_DELIVER_LAST_PER_SUBJECT && c->next_delivery == 1;

    c->counted_to = msgs_state(m).last_seq;
    if (c->skip) {
        c->counted = (int64_t)(c->skip->count - c->skip->at);
        c->counted += (int64_t)msgs_count(m, c->filter, c->skip->resume + 1, false);
        return;
    }
    c->counted = (int64_t)msgs_count(m, c->filter, c->next_seq, last_only);
}

/* Count what came after counted_to. */
static void count_newer(struct consumer *c, uint64_t last)
{
    struct msgs *m = c->stream->msgs;
    uint64_t budget = COUNT_STEPS, at, seq = c->counted_to, newer = 0;

    if (c->filter == NULL) {
        uint64_t from = c->counted_to + 1;
        if (from < c->next_seq) from = c->next_seq;
        c->counted += (int64_t)msgs_count(m, NULL, from, false);
        c->counted_to = last;
        return;
    }
    while ((seq = msgs_next_match(m, c->filter, seq + 1, &budget, &at)) != 0)
        newer += seq >= c->next_seq;
    if (budget == 0) {
        consumer_recount(c);
        return;
    }
    c->counted += (int64_t)newer;
    c->counted_to = last;
}

uint64_t consumer_pending(struct consumer *c)
{
    uint64_t last = msgs_state(c->stream->msgs).last_seq;

    if (last > c->counted_to) count_newer(c, last);
    return c->counted > 0 ? (uint64_t)c->counted : 0;
}

static bool is_skipped(const struct skip_list *skip, uint64_t seq)
{
    size_t low = skip->at, high = skip->count;

    if (seq > skip->resume) return false;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (skip->seqs[middle] < seq) low = middle + 1;
        else high = middle;
    }
    return low == skip->count || skip->seqs[low] != seq;
}

void consumer_on_removed(struct consumer *c, uint64_t seq, uint32_t subject)
{
    struct pending_entry *e;

    if (seq >= c->next_seq) {
        if (seq <= c->counted_to && consumer_wants(c, subject) &&
            !(c->skip && is_skipped(c->skip, seq)))
            c->counted--;
        return;
    }
    e = pending_find(&c->pending, seq);
    if (e) progress_drop(c, e);
}

void consumer_on_purged(struct consumer *c)
{
    struct msgs_state state = msgs_state(c->stream->msgs);

    if (c->next_seq < state.first_seq) c->next_seq = state.first_seq;
    for (uint32_t i = 0; i < c->pending.used; i++) {
        struct pending_entry *e = pending_at(&c->pending, i);
        if (e && msgs_get(c->stream->msgs, e->seq) == NULL) progress_drop(c, e);
    }
    if (c->floor_seq + 1 < state.first_seq) c->floor_seq = state.first_seq - 1;
    if (c->pending.count == 0) {
        c->floor_seq = c->next_seq - 1;
        c->floor_delivery = c->next_delivery - 1;
    }
    c->wants_full = c->logs;
    consumer_recount(c);
    consumer_make_ready(c);
}

/* ---- where it starts ---- */

static void skip_to_last_of_subjects(struct consumer *c, const struct msgs_state *state)
{
    struct buf seqs = { 0 };
    struct skip_list *skip;
    size_t count;

    if (c->stream->config.max_msgs_per_subject == 1) {
        c->next_seq = state->first_seq;
        return;
    }
    count = msgs_last_per_subject(c->stream->msgs, c->filter, 0, &seqs);
    if (count == 0) {
        c->next_seq = state->last_seq;
        buf_free(&seqs);
        return;
    }
    skip = c->skip = mem_zero(sizeof *skip);
    skip->count = count;
    skip->seqs = mem_alloc(seqs.len);
    memcpy(skip->seqs, seqs.p, seqs.len);
    skip->resume = state->last_seq;
    c->next_seq = skip->seqs[0];
    buf_free(&seqs);
}

/* The last message that any of its filters matches. */
static uint64_t last_wanted(struct consumer *c)
{
    uint64_t budget = UINT64_MAX, at;
    uint64_t last = msgs_state(c->stream->msgs).last_seq;

    if (c->filter == NULL) return last;
    return msgs_previous_match(c->stream->msgs, c->filter, last, &budget, &at);
}

static uint64_t from_time(struct consumer *c, uint64_t by_time, uint64_t last)
{
    uint64_t budget = UINT64_MAX, at, seq;

    if (c->filter == NULL) return by_time;
    seq = msgs_next_match(c->stream->msgs, c->filter, by_time, &budget, &at);
    return seq > by_time && seq < last ? seq : by_time;
}

static void select_start(struct consumer *c, uint64_t by_time)
{
    const struct consumer_config *config = &c->config;
    struct msgs_state state = msgs_state(c->stream->msgs);

    if (config->opt_start_seq) c->next_seq = config->opt_start_seq;
    else if (config->deliver == JS_DELIVER_ALL) c->next_seq = state.first_seq;
    else if (config->deliver == JS_DELIVER_LAST) c->next_seq = last_wanted(c);
    else if (config->deliver == JS_DELIVER_LAST_PER_SUBJECT) skip_to_last_of_subjects(c, &state);
    else if (config->has_start_time) c->next_seq = from_time(c, by_time, state.last_seq);
    else c->next_seq = state.last_seq + 1;
    if (state.first_seq == 0 && config->opt_start_seq == 0) c->next_seq = 1;
    else if (c->next_seq > state.last_seq && config->opt_start_seq == 0)
        c->next_seq = state.last_seq + 1;
    else if (c->next_seq < state.first_seq) c->next_seq = state.first_seq;
    if (c->next_seq == 0) c->next_seq = 1;
    c->next_delivery = 1;
    c->floor_seq = c->delivered_seq = c->next_seq - 1;
    c->replays = config->replay == JS_REPLAY_ORIGINAL;
    c->replay_to = state.last_seq;
}

/* ---- making ---- */

static void compile_filter(struct consumer *c)
{
    struct span *filters = mem_alloc((c->config.filter_subjects.count + 1) * sizeof *filters);
    size_t count = consumer_config_filters(&c->config, filters);

    msgs_filter_free(&c->filter);
    if (count) c->filter = msgs_filter_new(filters, count);
    if (c->filter && msgs_filter_is_all(c->filter)) msgs_filter_free(&c->filter);
    mem_free(filters);
}

/* When it is deleted for want of use: some time after what its config says. */
static void settle_inactive(struct consumer *c)
{
    const struct consumer_config *config = &c->config;
    struct rng *rng = &consumer_js(c)->home->rng;

    c->inactive_ns = config->inactive_threshold > 0 ? config->inactive_threshold : 0;
    if (c->inactive_ns == 0 || consumer_config_is_push(config)) return;
    c->inactive_ns = duration_sum(c->inactive_ns, INACTIVE_LEAST_NS +
                                  (int64_t)(rng_below(rng, INACTIVE_JITTER_MS) * NS_PER_MS));
}

void consumer_compile(struct consumer *c)
{
    compile_filter(c);
    settle_inactive(c);
}

struct consumer *consumer_alloc(struct stream *s, struct consumer_config *config)
{
    struct consumer *c = mem_zero(sizeof *c);
    struct span name;

    c->stream = s;
    c->config = *config;
    *config = (struct consumer_config){ 0 };
    name = consumer_name(c);
    c->ack_prefix = mem_printf("$JS.ACK.%s.%.*s.", s->config.name, SPAN_ARG(name));
    c->ack_prefix_len = strlen(c->ack_prefix);
    c->created_ns = js_now(s->js);
    list_init(&c->ready);
    list_init(&c->waiter.link);
    list_init(&c->requests);
    c->waiter.wake = on_visible;
    c->read.done = on_read;
    c->timer.fire = on_timer;
    for (int i = 0; i < DUE_COUNT; i++) c->due[i] = DUE_NEVER;
    consumer_compile(c);
    return c;
}

static void arm_pause(struct consumer *c)
{
    int64_t left = duration_sum(c->config.pause_until, -js_now(consumer_js(c)));

    if (consumer_is_paused(c))
        consumer_set_due(c, DUE_PAUSE, duration_sum(consumer_js(c)->home->now_ns, left));
}

void consumer_start(struct consumer *c)
{
    int64_t now = loop_now(consumer_js(c)->home);

    c->logs = !c->stream->log->in_memory && !c->config.mem_storage && !c->config.direct;
    c->used_ns = now;
    if (consumer_config_is_push(&c->config)) push_start(c);
    else if (c->inactive_ns) consumer_set_due(c, DUE_INACTIVE, duration_sum(now, c->inactive_ns));
    arm_pause(c);
    if (c->pending.count) consumer_set_due(c, DUE_REDELIVERY, now);
}

struct consumer *consumer_new(struct stream *s, const struct consumer_config *config,
                              uint64_t by_time, uint64_t *position)
{
    struct consumer_config copy = { 0 };
    struct consumer *c;

    consumer_config_copy(&copy, config);
    c = consumer_alloc(s, &copy);
    select_start(c, by_time);
    map_set(&s->consumers, consumer_name(c), c);
    consumer_recount(c);
    consumer_start(c);
    consumer_log_full(c, position);
    advise_action(c, "ADVISORY.CONSUMER.CREATED", "create", *position);
    if (consumer_is_paused(c)) advise_pause(c);
    return c;
}

/* ---- changing ---- */

static bool same_filters(const struct consumer_config *a, const struct consumer_config *b)
{
    struct span *x = mem_alloc((a->filter_subjects.count + 1) * sizeof *x);
    struct span *y = mem_alloc((b->filter_subjects.count + 1) * sizeof *y);
    size_t count = consumer_config_filters(a, x);
    bool same = consumer_config_filters(b, y) == count;

    for (size_t i = 0; same && i < count; i++) {
        bool found = false;
        for (size_t n = 0; n < count; n++) found = found || span_equal(x[i], y[n]);
        same = found;
    }
    mem_free(x);
    mem_free(y);
    return same;
}

void consumer_update(struct consumer *c, const struct consumer_config *next, uint64_t *position)
{
    struct consumer_config old = c->config;
    int64_t now = loop_now(consumer_js(c)->home);

    c->config = (struct consumer_config){ 0 };
    consumer_config_copy(&c->config, next);
    compile_filter(c);
    if (old.inactive_threshold != c->config.inactive_threshold)
        settle_inactive(c);
    if (!same_filters(&old, &c->config)) {
        consumer_recount(c);
        stream_check_interest(c->stream);
    }
    if (old.ack_wait != c->config.ack_wait && c->pending.count)
        consumer_set_due(c, DUE_REDELIVERY, now + 100 * NS_PER_MS);
    consumer_clear_due(c, DUE_INACTIVE);
    if (consumer_config_is_push(&c->config)) push_set_active(c, c->active);
    else if (c->inactive_ns) consumer_set_due(c, DUE_INACTIVE, duration_sum(now, c->inactive_ns));
    if (consumer_config_is_push(&c->config)) consumer_on_interest(c);
    if (old.has_pause_until != c->config.has_pause_until ||
        (old.has_pause_until && old.pause_until != c->config.pause_until)) {
        consumer_clear_due(c, DUE_PAUSE);
        arm_pause(c);
        advise_pause(c);
    }
    consumer_config_free(&old);
    consumer_log_full(c, position);
    consumer_make_ready(c);
}

/* ---- ending ---- */

void consumer_tell_shutdown(struct consumer *c)
{
    pull_shutdown(c);
}

void consumer_free(struct consumer *c, const char *status)
{
    struct stream *s = c->stream;

    pull_end(c, status);
    timers_clear(timers_of(c), &c->timer);
    list_remove(&c->ready);
    list_remove(&c->waiter.link);
    s->log->ops->read_cancel(s->log, &c->read);
    if (map_get(&s->consumers, consumer_name(c)) == c)
        map_remove(&s->consumers, consumer_name(c));
    consumer_progress_free(c);
    msgs_filter_free(&c->filter);
    buf_free(&c->steps);
    buf_free(&c->replies);
    mem_free(c->ack_prefix);
    consumer_config_free(&c->config);
    mem_free(c);
}

void consumer_delete(struct consumer *c, uint64_t *position)
{
    struct stream *s = c->stream;

    *position = STORE_NO_POSITION;
    if (c->logs) *position = stream_log_consumer_end(s, consumer_name(c));
    advise_action(c, "ADVISORY.CONSUMER.DELETED", "delete", *position);
    consumer_free(c, "409 Consumer Deleted");
    stream_check_interest(s);
    if (s->removed.len) {
        stream_log_now(s);
        *position = s->position;
    }
}
