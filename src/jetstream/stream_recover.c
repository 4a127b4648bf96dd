/* SPDX-License-Identifier: Apache-2.0 */
/* stream_recover.c - a stream from its records: checkpoint, changes after it, messages.
 *
 * Messages come in no promised order and may include removed ones, so what was removed is
 * collected first. A sequence that is neither there nor removed was lost to damage and is
 * remembered as such, never given out again. */
#include <jansson.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "jetstream/consumer.h"
#include "jetstream/dedup.h"
#include "jetstream/json_in.h"
#include "jetstream/schedule.h"
#include "jetstream/source_positions.h"
#include "jetstream/state_record.h"
#include "jetstream/stream_priv.h"

struct late_id {                        /* a message id within the window */
    uint64_t seq;
    int64_t time_ns;
    char *text;
};

struct dead {                           /* a message to be given back to the store */
    struct store_loc loc;
    uint32_t size;
};

struct stream_recovery {
    uint64_t first, last;               /* of the checkpoint; last also of changes */
    struct msgs_holes *holes;
    struct buf removed;                 /* pairs of uint64_t, sorted once messages come */
    bool sorted;
    struct buf ids, dead;
    uint64_t batch_from;                /* of an atomic batch without its end; 0: none */
    uint64_t newest;                    /* sequence of the newest message */
    int64_t newest_ns;
};

/* ---- checkpoint ---- */

static bool read_config(struct stream_config *c, struct span text)
{
    struct stream_config_rules rules = { .strict = false, .max_payload = INT64_MAX,
                                         .account_max_ack_pending = -1,
                                         .account_stream_max_bytes = -1 };
    struct js_error e;
    struct error why;
    json_t *object = json_in_parse(text, &why);
    bool good = object && stream_config_parse(c, object, &rules, &e) == JS_OK;

    json_decref(object);
    return good;
}

/* The sections that stand for the stream itself; consumers come when it exists. */
struct found {
    struct span account, config, holes;
    uint64_t created, first, last, last_ns, restoring;
};

static bool find_sections(struct span body, struct found *f)
{
    struct state_section section;
    bool bad, good = true;

    while (good && state_next(&body, &section, &bad)) {
        switch (section.tag) {
        case STATE_ACCOUNT: f->account = section.body; break;
        case STATE_CONFIG: f->config = section.body; break;
        case STATE_HOLES: f->holes = section.body; break;
        case STATE_CREATED: good = state_number(section.body, &f->created); break;
        case STATE_FIRST: good = state_number(section.body, &f->first); break;
        case STATE_LAST: good = state_number(section.body, &f->last); break;
        case STATE_LAST_TIME: good = state_number(section.body, &f->last_ns); break;
        case STATE_RESTORING: good = state_number(section.body, &f->restoring); break;
        default: break;
        }
    }
    return good && !bad && f->account.len && f->config.len;
}

static void recover_consumer(struct stream *s, struct span body)
{
    struct span name, state;

    if (!state_consumer(body, &name, &state) || consumer_recover(s, name, state) != ST_OK)
        log_error("JetStream stream '%s > %s': a consumer's record is not readable",
                  s->account->account->name, s->config.name);
}

static void recover_source(struct stream *s, struct span body)
{
    if (s->positions == NULL) s->positions = source_positions_new();
    if (!source_positions_take(s->positions, body))
        log_error("JetStream stream '%s > %s': the position in a source is not readable",
                  s->account->account->name, s->config.name);
}

static void recover_lists(struct stream *s, struct span body)
{
    struct state_section section;
    bool bad;

    while (state_next(&body, &section, &bad)) {
        if (section.tag == STATE_CONSUMER) recover_consumer(s, section.body);
        if (section.tag == STATE_SOURCE) recover_source(s, section.body);
        if (section.tag == STATE_LOST) (void)state_runs(section.body, &s->lost);
    }
}

void *stream_recover_group(void *arg, struct store_group *g, const struct store_record *checkpoint)
{
    struct found f = { .account = SPAN_NONE };
    struct stream_config config = { 0 };
    struct js_account *a;
    struct stream *s;
    struct js *js = arg;

    if (!find_sections(checkpoint->body, &f) || !read_config(&config, f.config)) {
        log_error("JetStream: a stream's checkpoint is not readable; its records are kept");
        stream_config_free(&config);
        return NULL;
    }
    a = js_account_find(js, f.account);
    if (a == NULL || (!f.restoring && js_stream_find(a, span_of(config.name)))) {
        log_warn("JetStream stream '%.*s > %s' is kept on disk but not used: %s",
                 SPAN_ARG(f.account), config.name,
                 a ? "another one has its name" : "its account has no JetStream");
        stream_config_free(&config);
        return NULL;
    }
    s = stream_alloc(a, &config);
    s->created_ns = (int64_t)f.created;
    s->last_ns = (int64_t)f.last_ns;
    s->log = replicator_local_new(NULL, g, false, &stream_group_ops, s);
    s->recovery = mem_zero(sizeof *s->recovery);
    s->recovery->first = f.first;
    s->recovery->last = f.last;
    if (f.holes.len && msgs_holes_decode(&s->recovery->holes, f.holes) != ST_OK)
        log_error("JetStream stream '%s > %s': the list of removed messages is not readable",
                  a->account->name, s->config.name);
    s->restoring = f.restoring != 0;
    if (s->restoring) buf_append(&js->unfinished, &s, sizeof s);
    else map_set(&a->streams, span_of(s->config.name), s);
    recover_lists(s, checkpoint->body);
    return s;
}

/* ---- changes ---- */

void stream_recover_delta(void *owner, const struct store_record *r)
{
    struct stream *s = owner;
    struct span body = r->body;
    struct state_section section;
    struct consumer *c;
    uint64_t last;
    bool bad;

    while (state_next(&body, &section, &bad)) {
        switch (section.tag) {
        case STATE_REMOVED:
            if (!state_runs(section.body, &s->recovery->removed)) bad = true;
            break;
        case STATE_LAST:
            if (state_number(section.body, &last) && last > s->recovery->last)
                s->recovery->last = last;
            break;
        case STATE_CONSUMER:
            recover_consumer(s, section.body);
            break;
        case STATE_SOURCE:
            recover_source(s, section.body);
            break;
        case STATE_BATCH:
            bad = !state_number(section.body, &s->recovery->batch_from);
            break;
        case STATE_BATCH_END:
            s->recovery->batch_from = 0;
            break;
        case STATE_CONSUMER_END:
            c = map_get(&s->consumers, section.body);
            if (c) consumer_free(c, NULL);
            break;
        default:
            break;
        }
    }
    s->delta_bytes += r->body.len;
    if (bad)
        log_error("JetStream stream '%s > %s': a change is not readable",
                  s->account->account->name, s->config.name);
}

/* ---- messages ---- */

static int by_start(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return x[0] < y[0] ? -1 : x[0] > y[0];
}

static void sort_removed(struct stream_recovery *rec)
{
    uint64_t cut[2] = { rec->batch_from, UINT64_MAX - 2 }, *runs;
    size_t count, kept = 0;

    /* Of a batch that was cut off; its sequences are not given out again. */
    if (rec->batch_from) buf_append(&rec->removed, cut, sizeof cut);
    runs = (void *)rec->removed.p;
    count = rec->removed.len / 16;
    rec->sorted = true;
    if (count == 0) return;
    qsort(runs, count, 16, by_start);
    for (size_t i = 1; i < count; i++) {
        if (runs[2 * i] <= runs[2 * kept + 1] + 1) {
            if (runs[2 * i + 1] > runs[2 * kept + 1]) runs[2 * kept + 1] = runs[2 * i + 1];
            continue;
        }
        kept++;
        runs[2 * kept] = runs[2 * i];
        runs[2 * kept + 1] = runs[2 * i + 1];
    }
    rec->removed.len = (kept + 1) * 16;
}

static bool in_runs(const struct buf *b, uint64_t seq)
{
    const uint64_t *runs = (const void *)b->p;
    size_t low = 0, high = b->len / 16;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (runs[2 * middle + 1] < seq) low = middle + 1;
        else high = middle;
    }
    return low < b->len / 16 && runs[2 * low] <= seq;
}

static bool was_removed(const struct stream_recovery *rec, uint64_t seq)
{
    return seq < rec->first || in_runs(&rec->removed, seq) ||
           (rec->holes && msgs_holes_has(rec->holes, seq));
}

static void take_extra(struct stream *s, const struct store_record *r)
{
    struct late_id late = { .seq = r->seq, .time_ns = r->time_ns };
    struct source_position *origin;
    struct stream_extra x;

    if (r->seq >= s->recovery->newest) {
        mem_free(s->last_msg_id);
        s->last_msg_id = NULL;
    }
    if (!stream_get_extra(r, &x)) return;
    origin = source_positions_by_id(s->positions, x.source);
    if (origin) source_position_move(origin, x.source_seq);
    stream_note_ttl(s, r->seq, r->time_ns, x.ttl_s);
    if (x.schedule_ns) schedule_note(s, r->seq, x.schedule_ns);
    if (x.msg_id.len == 0) return;
    if (r->seq >= s->recovery->newest) s->last_msg_id = mem_dup_span(x.msg_id);
    if (s->dedup == NULL || r->time_ns < js_now(s->js) - s->config.duplicate_window) return;
    late.text = mem_dup_span(x.msg_id);
    buf_append(&s->recovery->ids, &late, sizeof late);
}

void stream_recover_message(void *owner, const struct store_record *r, struct store_loc loc,
                            uint32_t *memo)
{
    struct stream *s = owner;
    struct stream_recovery *rec = s->recovery;
    struct msg_entry e = { .loc = loc, .size = r->size };

    if (!rec->sorted) sort_removed(rec);
    if (r->seq > rec->last) rec->last = r->seq;
    if (was_removed(rec, r->seq) || msgs_get(s->msgs, r->seq)) {
        struct dead d = { loc, r->size };
        buf_append(&rec->dead, &d, sizeof d);
        return;
    }
    if (*memo == UINT32_MAX) *memo = msgs_intern(s->msgs, r->subject);
    e.subject = *memo;
    msgs_add(s->msgs, r->seq, &e);
    stream_usage(s, e.size);
    take_extra(s, r);
    if (r->seq >= rec->newest) rec->newest = r->seq;
    if (r->time_ns > s->last_ns) s->last_ns = r->time_ns;
}

/* ---- the end ---- */

static int by_seq(const void *a, const void *b)
{
    const struct late_id *x = a, *y = b;

    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static void fill_dedup(struct stream *s)
{
    struct late_id *ids = (void *)s->recovery->ids.p;
    size_t count = s->recovery->ids.len / sizeof *ids;

    if (count) qsort(ids, count, sizeof *ids, by_seq);
    for (size_t i = 0; i < count; i++) {
        if (s->dedup) dedup_add(s->dedup, span_of(ids[i].text), ids[i].seq, ids[i].time_ns);
        mem_free(ids[i].text);
    }
}

/* The runs stay in order. O(runs behind it). */
static void note_lost(struct stream *s, uint64_t first, uint64_t last)
{
    uint64_t run[2] = { first, last };
    uint64_t *runs = NULL;
    size_t at = s->lost.len / sizeof run;

    buf_append(&s->lost, run, sizeof run);
    runs = (void *)s->lost.p;
    for (; at > 0 && runs[2 * at - 2] > first; at--) memcpy(runs + 2 * at, runs + 2 * at - 2, 16);
    memcpy(runs + 2 * at, run, sizeof run);
    log_error("JetStream stream '%s > %s': messages %llu to %llu are lost to damage",
              s->account->account->name, s->config.name, (unsigned long long)first,
              (unsigned long long)last);
}

void stream_note_damaged(struct stream *s, uint64_t seq)
{
    if (!in_runs(&s->lost, seq)) note_lost(s, seq, seq);
}

struct run {
    uint64_t first, last;
};

/* The first run that ends at or after seq. */
static bool next_run(const struct buf *b, uint64_t seq, struct run *out)
{
    size_t low = 0, high = b->len / sizeof *out;

    while (low < high) {
        size_t middle = (low + high) / 2;
        memcpy(out, b->p + middle * sizeof *out, sizeof *out);
        if (out->last < seq) low = middle + 1;
        else high = middle;
    }
    if (low == b->len / sizeof *out) return false;
    memcpy(out, b->p + low * sizeof *out, sizeof *out);
    return true;
}

/* The first run at or after seq of sequences that are known to have no message. */
static struct run next_known(const struct stream *s, uint64_t seq)
{
    const struct stream_recovery *rec = s->recovery;
    struct run best = { UINT64_MAX, UINT64_MAX }, one;

    if (next_run(&rec->removed, seq, &one) && one.first < best.first) best = one;
    if (next_run(&s->lost, seq, &one) && one.first < best.first) best = one;
    if (rec->holes && msgs_holes_next(rec->holes, seq, &one.first, &one.last) &&
        one.first < best.first)
        best = one;
    return best;
}

/* Sequences from first to last of which there is neither a message nor a removal. By runs: a gap
 * may be of any length. */
static void find_lost(struct stream *s)
{
    struct stream_recovery *rec = s->recovery;
    uint64_t seq = rec->first ? rec->first : 1;

    while (seq <= rec->last) {
        uint64_t live = msgs_next(s->msgs, seq), end = live ? live : rec->last + 1;
        while (seq < end) {
            struct run known = next_known(s, seq);
            uint64_t stop = known.first < end ? known.first : end;
            if (stop > seq) note_lost(s, seq, stop - 1);
            seq = stop;
            if (seq < end) seq = known.last < end ? known.last + 1 : end;
        }
        while (seq <= rec->last && msgs_get(s->msgs, seq)) seq++;
    }
}

void stream_recover_done(void *owner)
{
    struct stream *s = owner;

    if (!s->recovery->sorted) sort_removed(s->recovery);
    msgs_set_last(s->msgs, s->recovery->last);
    if (!s->restoring) find_lost(s);
    s->visible = msgs_state(s->msgs).last_seq;
    fill_dedup(s);
}

void stream_recover_start(struct stream *s)
{
    struct stream_recovery *rec = s->recovery;

    for (size_t at = 0; at < rec->dead.len; at += sizeof(struct dead)) {
        struct dead d;
        memcpy(&d, rec->dead.p + at, sizeof d);
        s->log->ops->release(s->log, d.loc, d.size);
    }
    msgs_holes_free(&rec->holes);
    buf_free(&rec->removed);
    buf_free(&rec->ids);
    buf_free(&rec->dead);
    mem_free(rec);
    s->recovery = NULL;
    stream_reserve(s, s->config.max_bytes > 0 ? s->config.max_bytes : 0);
    if (s->restoring) {
        uint64_t position;
        log_warn("JetStream stream '%s > %s' was not restored completely and is removed",
                 s->account->account->name, s->config.name);
        stream_delete(s, &position);
        return;
    }
    for (size_t i = s->consumers.count; i > 0; i--)
        consumer_recovered(s->consumers.entries[i - 1].value);
    stream_enforce_limits(s);
    stream_start(s);
    stream_checkpoint(s);               /* in a segment of this life: a file may be lost */
}
