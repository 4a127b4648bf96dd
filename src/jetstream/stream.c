/* SPDX-License-Identifier: Apache-2.0 */
/* stream.c - life of a stream: made, changed, deleted; its subjects, its usage, its turns. */
#include "jetstream/stream.h"

#include "base/assert.h"
#include "base/mem.h"
#include "jetstream/advisory.h"
#include "jetstream/batch.h"
#include "jetstream/consumer_priv.h"
#include "jetstream/dedup.h"
#include "jetstream/schedule.h"
#include "jetstream/source.h"
#include "jetstream/stream_priv.h"
#include "proto/transform.h"

/* ---- making ---- */

static struct transform *compile(const char *source, const char *destination)
{
    struct transform *t = NULL;
    struct error why;

    if (destination == NULL || destination[0] == '\0') return NULL;
    if (transform_compile(&t, span_of(source), span_of(destination), TRANSFORM_ANY, &why) != ST_OK)
        return NULL;                    /* the config's check has compiled it before */
    return t;
}

void stream_compile(struct stream *s)
{
    const struct stream_config *c = &s->config;

    transform_free(&s->subject_transform);
    transform_free(&s->republish);
    if (c->subject_transform)
        s->subject_transform = compile(c->subject_transform->source,
                                       c->subject_transform->destination);
    if (c->republish)
        s->republish = compile(c->republish->source, c->republish->destination);
}

static void release_target(struct inbox_target *t)
{
    stream_unref(t->owner);
}

struct stream *stream_alloc(struct js_account *a, struct stream_config *config)
{
    struct stream *s = mem_zero(sizeof *s);

    inbox_target_init(&s->target, a->js->inboxes);
    s->target.owner = s;
    s->target.handle = stream_handle;
    s->target.release = release_target;
    s->target.refuses = true;
    s->js = a->js;
    s->account = a;
    s->config = *config;
    *config = (struct stream_config){ 0 };
    s->msgs = msgs_new(a->js->core->seed);
    if (s->config.duplicate_window > 0)
        s->dedup = dedup_new(s->config.duplicate_window, a->js->core->seed);
    list_init(&s->dirty);
    list_init(&s->waiters);
    list_init(&s->readers);
    s->expiry.fire = stream_on_expiry;
    s->expiry_wait.done = stream_on_expiry_read;
    s->schedule_timer.fire = schedule_on_timer;
    s->schedule_wait.done = schedule_on_read;
    s->refs = 1;                        /* of the target */
    stream_compile(s);
    return s;
}

void stream_ref(struct stream *s)
{
    s->refs++;
}

void stream_unref(struct stream *s)
{
    assert(s->refs > 0);
    if (--s->refs > 0) return;
    dedup_free(&s->dedup);
    msgs_free(&s->msgs);
    transform_free(&s->subject_transform);
    transform_free(&s->republish);
    stream_config_free(&s->config);
    map_free(&s->consumers);
    buf_free(&s->removed);
    buf_free(&s->marks);
    buf_free(&s->lost);
    source_positions_free(&s->positions);
    ttl_free(&s->ttl);
    ttl_free(&s->schedules);
    mem_free(s->last_msg_id);
    mem_free(s->subs);
    mem_free(s);
}

/* ---- accounting ---- */

void stream_usage(struct stream *s, int64_t bytes)
{
    bool memory = s->config.storage == JS_STORAGE_MEMORY;
    uint64_t *mine = memory ? &s->account->memory_used : &s->account->store_used;
    uint64_t *all = memory ? &s->js->memory_used : &s->js->store_used;

    *mine += (uint64_t)bytes;
    *all += (uint64_t)bytes;
}

void stream_reserve(struct stream *s, int64_t bytes)
{
    bool memory = s->config.storage == JS_STORAGE_MEMORY;

    *(memory ? &s->account->memory_reserved : &s->account->store_reserved) += (uint64_t)bytes;
    *(memory ? &s->js->memory_reserved : &s->js->store_reserved) += (uint64_t)bytes;
}

static int64_t reserved_by(const struct stream_config *c)
{
    return c->max_bytes > 0 ? c->max_bytes : 0;
}

/* ---- subjects ---- */

static void subscribe(struct stream *s)
{
    const struct js_texts *subjects = &s->config.subjects;

    s->subs = mem_zero((subjects->count + 1) * sizeof *s->subs);
    s->sub_count = 0;
    for (size_t i = 0; i < subjects->count; i++) {
        enum status st = inbox_subscribe(&s->target, s->account->account,
                                         span_of(subjects->items[i]), &s->subs[s->sub_count]);
        assert(st == ST_OK);            /* the config's check has seen them */
        s->sub_count++;
    }
}

static void unsubscribe(struct stream *s)
{
    for (size_t i = 0; i < s->sub_count; i++)
        inbox_unsubscribe(&s->target, s->account->account, &s->subs[i]);
    mem_free(s->subs);
    s->subs = NULL;
    s->sub_count = 0;
}

void stream_start(struct stream *s)
{
    subscribe(s);
    stream_arm_expiry(s);
    schedule_run(s);
    sources_configure(s);
    sources_origin_new(s);
}

enum status stream_new(struct stream **out, struct js_account *a, struct stream_config *config,
                       uint64_t *position)
{
    bool memory = config->storage == JS_STORAGE_MEMORY;
    struct stream *s = stream_alloc(a, config);
    enum status st;

    s->created_ns = js_now(a->js);
    s->log = replicator_local_new(a->js->store, NULL, memory, &stream_group_ops, s);
    if (s->config.first_seq > 1) {
        msgs_set_last(s->msgs, s->config.first_seq - 1);
        s->visible = s->config.first_seq - 1;
    }
    st = stream_log_config(s, position);
    if (st != ST_OK) {
        *config = s->config;
        s->config = (struct stream_config){ 0 };
        s->log->ops->end(s->log, NULL);
        s->log->ops->free(s->log);
        stream_unref(s);
        *out = NULL;
        return st;
    }
    map_set(&a->streams, span_of(s->config.name), s);
    stream_reserve(s, reserved_by(&s->config));
    stream_start(s);
    advisory_stream(s, "CREATED", "create");
    *out = s;
    return ST_OK;
}

static bool same_texts(const struct js_texts *a, const struct js_texts *b)
{
    if (a->count != b->count) return false;
    for (size_t i = 0; i < a->count; i++)
        if (!span_equal(span_of(a->items[i]), span_of(b->items[i]))) return false;
    return true;
}

static void change_window(struct stream *s)
{
    if (s->config.duplicate_window <= 0)
        dedup_free(&s->dedup);
    else if (s->dedup)
        dedup_set_window(s->dedup, s->config.duplicate_window);
    else
        s->dedup = dedup_new(s->config.duplicate_window, s->js->core->seed);
}

enum status stream_update(struct stream *s, struct stream_config *next, uint64_t *position)
{
    struct stream_config old = s->config;
    bool resubscribe = !same_texts(&old.subjects, &next->subjects);
    bool retains_anew = old.retention != next->retention;
    enum status st;

    s->config = *next;
    st = stream_log_config(s, position);
    if (st != ST_OK) {
        s->config = old;
        return st;
    }
    *next = (struct stream_config){ 0 };
    stream_reserve(s, reserved_by(&s->config) - reserved_by(&old));
    stream_compile(s);
    change_window(s);
    if (resubscribe) {
        unsubscribe(s);
        subscribe(s);
    }
    sources_configure(s);
    stream_config_free(&old);
    stream_enforce_limits(s);
    if (retains_anew) {
        stream_check_interest(s);
        stream_log_now(s);
        *position = s->position;
    }
    stream_arm_expiry(s);
    advisory_stream(s, "UPDATED", "modify");
    return ST_OK;
}

/* ---- ending ---- */

static void stop(struct stream *s, const char *status, bool for_good)
{
    sources_end(s, for_good);
    sources_origin_gone(s);
    unsubscribe(s);
    timers_clear(&s->js->home->timers, &s->expiry);
    timers_clear(&s->js->home->timers, &s->schedule_timer);
    s->log->ops->read_cancel(s->log, &s->expiry_wait);
    s->log->ops->read_cancel(s->log, &s->schedule_wait);
    while (s->consumers.count)          /* each takes itself out of the table */
        consumer_free(s->consumers.entries[s->consumers.count - 1].value, status);
    batch_drop_all(s);
    list_remove(&s->dirty);
    while (!list_is_empty(&s->waiters)) list_remove(s->waiters.next);
    if (!s->restoring) map_remove(&s->account->streams, span_of(s->config.name));
    stream_usage(s, -(int64_t)msgs_state(s->msgs).bytes);
    stream_reserve(s, -reserved_by(&s->config));
    s->closed = true;
}

void stream_delete(struct stream *s, uint64_t *position)
{
    struct replicator *log = s->log;

    for (size_t n = 0; n < s->consumers.count; n++)
        advise_action(s->consumers.entries[n].value, "ADVISORY.CONSUMER.DELETED", "delete",
                      STORE_NO_POSITION);
    stop(s, "409 Consumer Deleted", true);
    log->ops->end(log, position);
    log->ops->free(log);
    s->log = NULL;
    s->position = *position;
    advisory_stream(s, "DELETED", "delete");
    inbox_target_close(&s->target);
}

void stream_close(struct stream *s)
{
    stop(s, NULL, false);
    s->log->ops->free(s->log);
    s->log = NULL;
    inbox_target_close(&s->target);
}

/* ---- turns ---- */

void stream_mark_dirty(struct stream *s)
{
    if (!list_is_linked(&s->dirty)) list_append(&s->js->dirty_streams, &s->dirty);
}

static void show_up_to(struct stream *s, uint64_t seq)
{
    if (seq <= s->visible) return;
    s->visible = seq;
    while (!list_is_empty(&s->waiters)) {
        struct stream_waiter *w = CONTAINER_OF(s->waiters.next, struct stream_waiter, link);
        list_remove(&w->link);
        w->wake(w);
    }
}

/* The oldest turn with new messages is durable. */
static void on_turn_durable(void *arg)
{
    struct stream *s = arg;
    uint64_t seq;

    memcpy(&seq, s->marks.p, sizeof seq);
    buf_consume(&s->marks, sizeof seq);
    if (!s->closed) show_up_to(s, seq);
    stream_unref(s);
}

void stream_wait_visible(struct stream *s, struct stream_waiter *w)
{
    if (!list_is_linked(&w->link)) list_append(&s->waiters, &w->link);
}

void stream_log_now(struct stream *s)
{
    if (s->removed.len) stream_log_removed(s);
}

void stream_flush(struct stream *s)
{
    uint64_t last = msgs_state(s->msgs).last_seq;

    list_remove(&s->dirty);
    if (s->removed.len) stream_log_removed(s);
    if (!s->stored) return;
    s->stored = false;
    if (s->log->in_memory) {
        show_up_to(s, last);
        return;
    }
    buf_append(&s->marks, &last, sizeof last);
    stream_ref(s);
    js_call_when(s->js, s->position, on_turn_durable, s);
}
