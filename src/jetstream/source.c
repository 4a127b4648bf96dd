/* SPDX-License-Identifier: Apache-2.0 */
/* source.c - cursors from their configuration to the end: made, attached, started, run. */
#include "jetstream/source.h"

#include "base/assert.h"
#include "base/duration.h"
#include "base/log.h"
#include "base/mem.h"
#include "jetstream/stream_priv.h"
#include "net/loop.h"
#include "proto/subject.h"
#include "proto/transform.h"

#define RUN_MESSAGES 512                /* copied by one cursor per turn ... */
#define RUN_BYTES (1024 * 1024)         /* ... or so many bytes */
#define SCAN_MESSAGES 65536             /* looked at by one cursor per turn */
#define RETRY_NS NS_PER_S               /* after the copy refused a message */

static void make_ready(struct source *c)
{
    if (!list_is_linked(&c->ready)) list_append(&c->copy->js->ready_sources, &c->ready);
}

static void on_visible(struct stream_waiter *w)
{
    make_ready(CONTAINER_OF(w, struct source, waiter));
}

static void on_read(struct store_wait *w)
{
    make_ready(CONTAINER_OF(w, struct source, wait));
}

static void on_retry(struct timer *t, void *loop)
{
    (void)loop;
    make_ready(CONTAINER_OF(t, struct source, retry));
}

/* ---- attaching ---- */

static void attach(struct source *c, struct stream *origin)
{
    c->origin = origin;
    c->error = JS_OK;
    c->starting = true;
    c->next = 0;
    c->position = NULL;
    c->filter = msgs_filter_new(c->filters, c->filter_count);
    source_identity(origin->created_ns, c->identity);
    list_remove(&c->link);
    list_append(&origin->readers, &c->link);
    make_ready(c);
}

static void detach(struct source *c)
{
    list_remove(&c->link);
    list_remove(&c->ready);
    timers_clear(&c->copy->js->home->timers, &c->retry);
    if (c->origin == NULL) return;
    list_remove(&c->waiter.link);
    c->origin->log->ops->read_cancel(c->origin->log, &c->wait);
    msgs_filter_free(&c->filter);
    c->origin = NULL;
}

/* Attach, or wait for a stream of that name. */
static void look_for_origin(struct source *c)
{
    struct js_account *a = c->copy->account;
    struct stream *origin = c->is_local ? js_stream_find(a, span_of(c->config->name)) : NULL;

    if (origin) {
        attach(c, origin);
    } else if (c->is_local) {
        list_append(&a->waiting_sources, &c->link);
        make_ready(c);                  /* only to say so */
    }
}

void sources_origin_new(struct stream *origin)
{
    struct list *head = &origin->account->waiting_sources, *next;

    for (struct list *link = head->next; link != head; link = next) {
        struct source *c = CONTAINER_OF(link, struct source, link);
        next = link->next;
        if (span_is(span_of(c->config->name), origin->config.name)) attach(c, origin);
    }
}

void sources_origin_gone(struct stream *origin)
{
    while (!list_is_empty(&origin->readers)) {
        struct source *c = CONTAINER_OF(origin->readers.next, struct source, link);
        detach(c);
        if (c->heard_ns) c->heard_ns = js_now(origin->js);
        list_append(&origin->account->waiting_sources, &c->link);
        make_ready(c);
    }
}

/* ---- making ---- */

/* Without `external`, or when that names this server's own domain. */
static bool is_here(const struct js *js, const struct js_source_config *config)
{
    struct buf prefix = { 0 };
    bool same;

    if (config->external_api == NULL) return true;
    if (js->options->domain == NULL) return false;
    buf_printf(&prefix, "$JS.%s.API", js->options->domain);
    same = span_equal(buf_span(&prefix), span_of(config->external_api));
    buf_free(&prefix);
    return same;
}

static void set_filters(struct source *c)
{
    const struct js_source_config *config = c->config;
    size_t count = config->transform_count;

    mem_free(c->filters);
    c->filters = mem_zero((count + 1) * sizeof *c->filters);
    c->filter_count = 0;
    for (size_t i = 0; i < count; i++) {
        const char *source = config->transforms[i].source;
        c->filters[c->filter_count++] = source && source[0] ? span_of(source) : SPAN_LIT(">");
    }
    if (count == 0 && config->filter_subject && config->filter_subject[0])
        c->filters[c->filter_count++] = span_of(config->filter_subject);
}

static void compile(struct source *c)
{
    const struct js_source_config *config = c->config;
    struct error why;

    c->transforms = mem_zero((config->transform_count + 1) * sizeof *c->transforms);
    for (size_t i = 0; i < config->transform_count; i++) {
        const struct js_transform_config *t = &config->transforms[i];
        if (t->destination == NULL || t->destination[0] == '\0') continue;
        if (transform_compile(&c->transforms[i], span_of(t->source), span_of(t->destination),
                              TRANSFORM_ANY, &why) != ST_OK)
            assert(false);              /* the config's check has compiled it */
    }
}

static struct source *make(struct stream *s, const struct js_source_config *config,
                           bool is_mirror)
{
    struct source *c = mem_zero(sizeof *c);
    struct buf name = { 0 };

    c->copy = s;
    c->config = config;
    c->is_mirror = is_mirror;
    list_init(&c->link);
    list_init(&c->ready);
    list_init(&c->waiter.link);
    c->waiter.wake = on_visible;
    c->wait.done = on_read;
    c->retry.fire = on_retry;
    source_append_name(config, &name);
    c->name = span_of(mem_dup_span(buf_span(&name)));
    buf_free(&name);
    if (config->consumer_name) c->error = JS_ERR_CONSUMER_NOT_FOUND;
    else c->is_local = is_here(s->js, config);
    set_filters(c);
    compile(c);
    return c;
}

/* for_good: its origin need not keep anything for it any more. */
static void unmake(struct source *c, bool for_good)
{
    struct stream *origin = c->origin;

    detach(c);
    if (origin && for_good) stream_check_interest(origin);
    for (size_t i = 0; i < c->config->transform_count; i++) transform_free(&c->transforms[i]);
    mem_free(c->transforms);
    mem_free(c->filters);
    mem_free((char *)(uintptr_t)c->name.p);
    buf_free(&c->header);
    buf_free(&c->subject);
    mem_free(c);
}

/* Take the one that goes by config's name out of old, or make it. */
static struct source *keep_or_new(struct stream *s, const struct js_source_config *config,
                                  bool is_mirror, struct buf *old)
{
    struct source **list = (void *)old->p;
    struct buf name = { 0 };
    struct source *found = NULL;

    source_append_name(config, &name);
    for (size_t i = 0; i < old->len / sizeof *list; i++)
        if (list[i] && list[i]->is_mirror == is_mirror &&
            span_equal(list[i]->name, buf_span(&name))) {
            found = list[i];
            list[i] = NULL;
            break;
        }
    buf_free(&name);
    if (found == NULL) {
        found = make(s, config, is_mirror);
        look_for_origin(found);
    } else {
        found->config = config;
        set_filters(found);
    }
    return found;
}

static void free_all(struct buf *list, bool for_good)
{
    struct source **items = (void *)list->p;

    for (size_t i = 0; i < list->len / sizeof *items; i++)
        if (items[i]) unmake(items[i], for_good);
    buf_free(list);
}

void sources_configure(struct stream *s)
{
    const struct stream_config *config = &s->config;
    struct buf old = s->sources;

    s->sources = (struct buf){ 0 };
    if (config->mirror) {
        struct source *c = keep_or_new(s, config->mirror, true, &old);
        buf_append(&s->sources, &c, sizeof c);
    }
    for (size_t i = 0; i < config->source_count; i++) {
        struct source *c = keep_or_new(s, &config->sources[i], false, &old);
        buf_append(&s->sources, &c, sizeof c);
    }
    free_all(&old, true);
}

void sources_end(struct stream *s, bool for_good)
{
    free_all(&s->sources, for_good);
}

/* ---- interest ---- */

bool sources_want_text(const struct stream *s, struct span subject)
{
    const struct list *head = &s->readers;

    for (const struct list *link = head->next; link != head; link = link->next)
        if (msgs_filter_matches_text(CONTAINER_OF(link, struct source, link)->filter, subject))
            return true;
    return false;
}

bool sources_need(const struct stream *s, uint64_t seq, uint32_t subject)
{
    const struct list *head = &s->readers;

    for (const struct list *link = head->next; link != head; link = link->next) {
        struct source *c = CONTAINER_OF(link, struct source, link);
        if (seq >= c->next && msgs_filter_matches(c->filter, s->msgs, subject)) return true;
    }
    return false;
}

/* ---- positions ---- */

struct source_position *sources_of_header(struct stream *s, struct span header, uint64_t *seq)
{
    struct pub_headers h;
    struct buf key = { 0 };
    struct source_position *at = NULL;

    pub_headers_scan(header, &h);
    if (h.stream_source.len && source_read_header(h.stream_source, &key, seq)) {
        if (s->positions == NULL) s->positions = source_positions_new();
        at = source_positions_note(s->positions, buf_span(&key));
        if (at && !at->named) stream_log_sources(s);
    }
    buf_free(&key);
    return at;
}

/* The position in this very origin. One of unknown identity counts for any. */
static struct source_position *position_of(struct source *c)
{
    struct stream *s = c->copy;
    struct source_position *at, *any;
    struct buf key = { 0 };

    buf_append_span(&key, c->name);
    buf_append_char(&key, ' ');
    buf_append_text(&key, c->identity);
    if (s->positions == NULL) s->positions = source_positions_new();
    any = source_positions_find(s->positions, c->name);
    at = source_positions_find(s->positions, buf_span(&key));
    if (at == NULL) {
        at = source_positions_add(s->positions, buf_span(&key));
        if (any) source_position_move(at, any->seq);
    }
    buf_free(&key);
    return at;
}

/* ---- starting ---- */

/* Where the configuration says to begin, within what there is. AGAIN: as stream_read. */
static enum status configured_start(struct source *c, uint64_t *seq)
{
    struct msgs_state state = msgs_state(c->origin->msgs);
    enum status st;

    *seq = c->config->opt_start_seq;
    if (*seq == 0 && c->config->has_start_time) {
        st = stream_seq_from_time(c->origin, c->config->opt_start_time, seq, &c->wait);
        if (st == ST_AGAIN) return st;
    }
    if (*seq > state.last_seq + 1) *seq = state.last_seq + 1;
    if (*seq < state.first_seq) *seq = state.first_seq;
    if (*seq == 0) *seq = 1;
    return ST_OK;
}

static enum status start_mirror(struct source *c)
{
    struct stream *s = c->copy;
    struct msgs_state mine = msgs_state(s->msgs), theirs = msgs_state(c->origin->msgs);
    uint64_t from = theirs.first_seq;
    enum status st = ST_OK;

    if (mine.last_seq == 0) st = configured_start(c, &from);
    if (st != ST_OK) return st;
    if (from <= mine.last_seq) from = mine.last_seq + 1;
    c->next = from;
    if (from > mine.last_seq + 1) {
        stream_skip_to(s, from - 1);
        stream_log_now(s);
    }
    return ST_OK;
}

static enum status start_source(struct source *c)
{
    struct source_position *at = position_of(c);
    uint64_t from = at->seq + 1;
    enum status st = ST_OK;

    if (at->seq == 0) st = configured_start(c, &from);
    if (st != ST_OK) return st;
    c->position = at;
    c->next = from;
    source_position_move(at, from - 1);
    stream_log_sources(c->copy);
    return ST_OK;
}

/* False: the origin's messages have to be read first. */
static bool start(struct source *c)
{
    if ((c->is_mirror ? start_mirror(c) : start_source(c)) != ST_OK) return false;
    c->starting = false;
    c->heard_ns = js_now(c->copy->js);
    return true;
}

/* ---- running ---- */

static void block(struct source *c)
{
    struct js_error e;
    struct loop *l = c->copy->js->home;

    timers_set(&l->timers, &c->retry, loop_now(l) + RETRY_NS);
    if (c->blocked) return;
    c->blocked = true;
    js_error_set(&e, c->error);
    log_warn("JetStream stream '%s > %s' does not take message %llu of stream '%s': %s",
             c->copy->account->account->name, c->copy->config.name, (unsigned long long)c->next,
             c->config->name, c->error ? e.text : "out of resources");
    c->error = JS_OK;
}

/* seq is copied, or left out for good; then no record of the copy tells the position. */
static void done_with(struct source *c, uint64_t seq)
{
    c->blocked = false;
    c->heard_ns = js_now(c->copy->js);
    c->next = seq + 1;
    if (c->position && c->position->seq < seq) {
        source_position_move(c->position, seq);
        c->untold = true;
    }
    stream_consumer_done(c->origin, seq);
}

/* One message. False: nothing more now; *again: but next turn. */
static bool step(struct source *c, uint64_t seq, uint64_t *bytes, bool *again)
{
    struct store_record r;
    enum status st = stream_read(c->origin, seq, &r, &c->wait);
    enum source_result result;

    if (st == ST_AGAIN) return false;
    if (st != ST_OK) {                  /* lost to damage there: the copy can't have it */
        done_with(c, seq);
        return true;
    }
    *bytes += r.size;
    result = source_copy(c, &r);
    if (result == SOURCE_COPIED) {
        done_with(c, seq);
        return true;
    }
    if (result == SOURCE_LATER) *again = true;
    else block(c);
    return false;
}

/* True: something is left for the next turn. */
static bool copy_some(struct source *c)
{
    struct stream *origin = c->origin;
    uint64_t scan = SCAN_MESSAGES, bytes = 0, at = 0;
    bool again = false;

    for (unsigned n = 0; n < RUN_MESSAGES && bytes < RUN_BYTES; n++) {
        uint64_t seq = msgs_next_match(origin->msgs, c->filter, c->next, &scan, &at);
        if (seq == 0 && scan == 0) {
            c->next = at;
            return true;
        }
        c->next = seq ? seq : msgs_state(origin->msgs).last_seq + 1;
        if (seq == 0 || seq > origin->visible) {
            stream_wait_visible(origin, &c->waiter);
            return false;
        }
        if (!step(c, seq, &bytes, &again)) return again;
    }
    return true;
}

static bool run(struct source *c)
{
    struct stream *s = c->copy;
    bool left;

    if (c->origin == NULL) {
        c->error = JS_ERR_STREAM_NOT_FOUND;
        return false;
    }
    if (s->config.sealed || s->js->failed) return false;
    if (c->starting && !start(c)) return false;
    left = copy_some(c);
    if (c->untold) stream_log_sources(s);
    c->untold = false;
    return left;
}

bool sources_run(struct js *js)
{
    struct list ready;

    if (list_is_empty(&js->ready_sources)) return false;
    list_init(&ready);                  /* those that become ready meanwhile wait a turn */
    while (!list_is_empty(&js->ready_sources)) {
        struct list *link = js->ready_sources.next;
        list_remove(link);
        list_append(&ready, link);
    }
    while (!list_is_empty(&ready)) {
        struct source *c = CONTAINER_OF(ready.next, struct source, ready);
        list_remove(&c->ready);
        if (run(c)) make_ready(c);
    }
    return !list_is_empty(&js->ready_sources);
}
