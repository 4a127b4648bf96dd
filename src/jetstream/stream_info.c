/* SPDX-License-Identifier: Apache-2.0 */
/* stream_info.c - the state of a stream for people and clients. */
#include "jetstream/stream_info.h"

#include <stdlib.h>

#include "base/mem.h"
#include "jetstream/source.h"

#define GO_ZERO_TIME "0001-01-01T00:00:00Z"

void stream_info_write_time(struct jsonw *w, const char *key, int64_t wall_ns)
{
    if (wall_ns == 0) jsonw_text(w, key, GO_ZERO_TIME);
    else jsonw_time(w, key, wall_ns);
}

/* ---- subjects ---- */

struct listed {
    struct span text;
    uint64_t count;
};

static bool collect(void *arg, uint32_t number, const struct msgs_subject *of)
{
    struct listed one = { of->text, of->count };

    (void)number;
    buf_append(arg, &one, sizeof one);
    return true;
}

static int by_text(const void *a, const void *b)
{
    return span_compare(((const struct listed *)a)->text, ((const struct listed *)b)->text);
}

static void write_subjects(struct stream *s, const struct stream_info_wishes *wishes,
                           struct jsonw *w, uint64_t *total)
{
    struct msgs_filter *f = msgs_filter_new(&wishes->subjects_filter, 1);
    struct buf list = { 0 };
    const struct listed *items;
    size_t count, at, end;

    msgs_each_subject(s->msgs, f, collect, &list);
    msgs_filter_free(&f);
    items = (const void *)list.p;
    count = list.len / sizeof *items;
    *total = count;
    if (count) qsort(list.p, count, sizeof *items, by_text);
    at = wishes->offset < count ? wishes->offset : count;
    end = count - at > STREAM_INFO_SUBJECTS_MAX ? at + STREAM_INFO_SUBJECTS_MAX : count;
    if (at < end) {
        jsonw_object(w, "subjects");
        for (; at < end; at++) {
            jsonw_key(w, items[at].text);
            jsonw_uint(w, NULL, items[at].count);
        }
        jsonw_end_object(w);
    }
    buf_free(&list);
}

/* ---- what is not there ---- */

#define LIST_MAX (1024 * 1024)          /* sequences told of in one answer */

static void write_deleted(const struct stream *s, struct jsonw *w)
{
    struct buf seqs = { 0 };
    size_t count = msgs_deleted(s->msgs, LIST_MAX, &seqs);

    if (count) jsonw_array(w, "deleted");
    for (size_t i = 0; i < count; i++) {
        uint64_t seq;
        memcpy(&seq, seqs.p + i * sizeof seq, sizeof seq);
        jsonw_uint(w, NULL, seq);
    }
    if (count) jsonw_end_array(w);
    buf_free(&seqs);
}

static void write_lost(const struct stream *s, struct jsonw *w)
{
    unsigned left = LIST_MAX;

    if (s->lost.len == 0) return;
    jsonw_object(w, "lost");
    jsonw_array(w, "msgs");
    for (size_t at = 0; at + 16 <= s->lost.len; at += 16) {
        uint64_t run[2];
        memcpy(run, s->lost.p + at, sizeof run);
        for (uint64_t seq = run[0]; seq <= run[1] && left > 0; seq++, left--)
            jsonw_uint(w, NULL, seq);
    }
    jsonw_end_array(w);
    jsonw_uint(w, "bytes", 0);          /* unknown: the records are gone */
    jsonw_end_object(w);
}

void stream_info_write_state(struct stream *s, const struct stream_info_wishes *wishes,
                             struct jsonw *w, uint64_t *subjects)
{
    struct msgs_state state = msgs_state(s->msgs);
    uint64_t deleted = msgs_deleted_count(s->msgs);
    bool starts_at_1 = state.first_seq == 0 && s->config.first_seq == 1;

    jsonw_object(w, "state");
    jsonw_uint(w, "messages", state.count);
    jsonw_uint(w, "bytes", state.bytes);
    jsonw_uint(w, "first_seq", starts_at_1 ? 1 : state.first_seq);
    stream_info_write_time(w, "first_ts", wishes->first_ns);
    jsonw_uint(w, "last_seq", state.last_seq);
    stream_info_write_time(w, "last_ts", s->last_ns);
    if (state.subjects) jsonw_uint(w, "num_subjects", state.subjects);
    if (wishes->subjects_filter.len) write_subjects(s, wishes, w, subjects);
    if (deleted) jsonw_uint(w, "num_deleted", deleted);
    if (wishes->deleted) write_deleted(s, w);
    write_lost(s, w);
    jsonw_uint(w, "consumer_count", s->consumers.count);
    jsonw_end_object(w);
}

void stream_info_write(struct stream *s, const struct stream_info_wishes *wishes,
                       struct jsonw *w, uint64_t *subjects)
{
    const struct js *js = s->js;

    stream_config_write_info(&s->config, w, "config",
                             wishes->stored_metadata ? NULL : js->core->identity.version);
    jsonw_time(w, "created", s->created_ns);
    stream_info_write_state(s, wishes, w, subjects);
    if (wishes->domain) jsonw_text_if(w, "domain", js->options->domain);
    if (wishes->cluster) {
        jsonw_object(w, "cluster");
        jsonw_text(w, "leader", js->core->identity.name);
        jsonw_end_object(w);
    }
    sources_write_info(s, w);
    jsonw_time(w, "ts", s->js->wall_ns);
}
