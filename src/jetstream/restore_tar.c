/* SPDX-License-Identifier: Apache-2.0 */
/* restore_tar.c - what the files of nats-server's store mean, in snapshots before 2.15.
 *
 * Blocks come before the index that says which of their messages are live (2.10 and later), so
 * everything in them is stored first, and what the index does not list is removed again. */
#include <inttypes.h>
#include <jansson.h>

#include "base/mem.h"
#include "config/options.h"
#include "jetstream/consumer.h"
#include "jetstream/json_in.h"
#include "jetstream/restore_priv.h"
#include "proto/go_consumer.h"

#define FILE_MAX (UINT64_C(1) << 40)    /* of a block */
#define WHOLE_MAX (UINT64_C(128) << 20) /* of a file that is read whole */
#define CHECKED_AT_ONCE 4096            /* messages against the index */

void restore_tar_init(struct restore *r)
{
    tar_reader_init(&r->tar.reader, FILE_MAX);
}

void restore_tar_fini(struct restore *r)
{
    struct restore_tar *t = &r->tar;

    tar_reader_fini(&t->reader);
    if (t->in_block) go_block_reader_fini(&t->block);
    go_index_fini(&t->index);
    buf_free(&t->consumer);
    buf_free(&t->bytes);
    buf_free(&t->blocks);
    buf_free(&t->meta);
}

/* ---- configurations ---- */

static int64_t created_of(const json_t *tree)
{
    const json_t *v = json_object_get(tree, "created");
    int64_t ns = 0;
    struct json_in in;

    if (v == NULL) v = json_object_get(tree, "Created");
    if (v == NULL) return 0;
    json_in_init(&in, false, "");
    if (!json_in_time(&in, v, &ns)) ns = 0;
    json_in_fini(&in);
    return ns;
}

static enum status take_stream_meta(struct restore *r)
{
    struct error why;
    json_t *tree = json_in_parse(buf_span(&r->tar.meta), &why);
    const char *name;
    enum status st;

    if (tree == NULL) return restore_fail(r, "%s", why.text);
    name = json_string_value(json_object_get(tree, "name"));
    if (r->stream) st = restore_fail(r, "unexpected content");
    else if (name == NULL || !span_is(span_of(name), r->name))
        st = restore_fail(r, "stream names do not match");
    else st = restore_begin_stream(r, created_of(tree), 0);
    json_decref(tree);
    return st;
}

static enum status take_consumer_meta(struct restore *r)
{
    struct span name = buf_span(&r->tar.consumer);
    struct error why;
    json_t *tree = json_in_parse(buf_span(&r->tar.meta), &why);
    struct consumer *c;
    enum status st;

    if (tree == NULL)
        return restore_fail(r, "error restoring consumer [\"%.*s\"]: %s", SPAN_ARG(name),
                            why.text);
    st = restore_consumer(r, name, tree, created_of(tree), &c);
    json_decref(tree);
    return st;
}

static enum status take_sum(struct restore *r)
{
    struct restore_tar *t = &r->tar;
    bool of_consumer = t->file.kind == GO_FILE_CONSUMER_SUM;
    struct span consumer = of_consumer ? buf_span(&t->consumer) : SPAN_NONE;

    if (!go_files_meta_matches(span_of(r->name), consumer, buf_span(&t->meta),
                               buf_span(&t->bytes)))
        return restore_fail(r, "the checksum of a configuration does not match");
    return ST_OK;
}

static enum status take_consumer_state(struct restore *r)
{
    struct span name = buf_span(&r->tar.consumer);
    struct consumer *c = r->stream ? map_get(&r->stream->consumers, name) : NULL;
    struct go_consumer_state state;
    struct error why;
    enum status st;

    if (c == NULL)
        return restore_fail(r, "error restoring consumer [\"%.*s\"]: no configuration",
                            SPAN_ARG(name));
    if (go_consumer_decode(&state, buf_span(&r->tar.bytes), &why) != ST_OK)
        return restore_fail(r, "error restoring consumer [\"%.*s\"]: %s", SPAN_ARG(name),
                            why.text);
    st = restore_consumer_progress(r, name, c, &state);
    go_consumer_state_fini(&state);
    return st;
}

/* ---- blocks ---- */

static uint64_t last_seq(const struct restore *r)
{
    return msgs_state(r->stream->msgs).last_seq;
}

static void note_block(struct restore_tar *t, uint64_t seq)
{
    struct restore_block b = { t->file.block, seq };

    if (t->blocks.len) {
        struct restore_block before;
        memcpy(&before, t->blocks.p + t->blocks.len - sizeof before, sizeof before);
        if (before.number == b.number) return;
    }
    buf_append(&t->blocks, &b, sizeof b);
}

static enum status apply_message(struct restore *r, const struct go_record *rec)
{
    struct restore_tar *t = &r->tar;
    struct archive_message m = { .seq = rec->seq, .timestamp_ns = rec->timestamp_ns,
                                 .subject = rec->subject, .headers = rec->headers,
                                 .body = rec->body };
    enum status st;

    if (rec->seq <= t->block_last || rec->seq <= last_seq(r)) return ST_OK;     /* void */
    if (t->has_block_index && !go_index_has(&t->index, t->file.block, rec->seq)) return ST_OK;
    if (restore_check_size(r, m.seq, m.headers.len, m.body.len) != ST_OK) return ST_BAD_INPUT;
    st = restore_message(r, &m);
    if (st == ST_OK) note_block(t, rec->seq);
    return st;
}

static enum status apply_record(struct restore *r)
{
    struct restore_tar *t = &r->tar;
    const struct go_record *rec = &t->record;
    enum status st = ST_OK;

    if (rec->kind == GO_RECORD_MESSAGE) st = apply_message(r, rec);
    else if (rec->kind == GO_RECORD_ERASED && rec->seq) stream_skip_to(r->stream, rec->seq);
    else if (rec->kind == GO_RECORD_TOMBSTONE) stream_remove(r->stream, rec->seq);
    t->has_record = st == ST_AGAIN;
    if (st == ST_OK && rec->kind != GO_RECORD_TOMBSTONE && rec->seq > t->block_last)
        t->block_last = rec->seq;
    return st;
}

static enum status read_block(struct restore *r)
{
    struct restore_tar *t = &r->tar;
    struct error why = { "" };
    size_t used;

    if (t->has_record) return apply_record(r);
    if (go_block_read(&t->block, t->data, &used, &t->record, &why) != ST_OK)
        return restore_fail(r, "block %" PRIu32 ": %s", t->file.block, why.text);
    t->data = span_from(t->data, used);
    return t->record.kind == GO_RECORD_MORE ? ST_OK : apply_record(r);
}

static enum status begin_block(struct restore *r)
{
    struct restore_tar *t = &r->tar;
    uint64_t max = (uint64_t)r->js->options_ref->options->max_payload;

    if (r->stream == NULL) return restore_fail(r, "unexpected content");
    go_block_reader_init(&t->block, span_of(r->name), t->file.block,
                         max + STORE_SUBJECT_MAX + GO_RECORD_BYTES_MIN + 4);
    t->in_block = true;
    t->block_last = 0;
    return ST_OK;
}

static enum status end_block(struct restore *r)
{
    struct restore_tar *t = &r->tar;
    struct error why = { "" };
    enum status st = go_block_read_end(&t->block, &why);

    t->last_block = t->file.block;
    t->last_hash = t->block.last_hash;
    go_block_reader_fini(&t->block);
    t->in_block = false;
    if (st != ST_OK) return restore_fail(r, "block %" PRIu32 ": %s", t->file.block, why.text);
    return ST_OK;
}

/* ---- the index ---- */

/* One that can't be used is passed over as nats-server does: the blocks alone count then. */
static enum status take_index(struct restore *r)
{
    struct restore_tar *t = &r->tar;
    struct error why;

    if (t->has_block_index) return ST_OK;
    go_index_fini(&t->index);
    t->has_index = go_index_decode(&t->index, span_of(r->name), buf_span(&t->bytes), &why) ==
                   ST_OK;
    return ST_OK;
}

static enum status take_block_index(struct restore *r)
{
    struct restore_tar *t = &r->tar;
    struct error why;

    if (t->has_index) return ST_OK;
    t->has_block_index = go_index_add_block(&t->index, t->file.block, buf_span(&t->bytes),
                                            &why) == ST_OK;
    return ST_OK;
}

/* Remove what the index does not list, some at a time. */
static void check_some(struct restore *r)
{
    struct restore_tar *t = &r->tar;
    const struct restore_block *blocks = (const void *)t->blocks.p;
    size_t count = t->blocks.len / sizeof *blocks;

    for (int i = 0; i < CHECKED_AT_ONCE; i++) {
        uint64_t seq = msgs_next(r->stream->msgs, t->check_seq);
        if (seq == 0) {
            t->checking = false;
            break;
        }
        while (t->check_block + 1 < count && blocks[t->check_block + 1].first_seq <= seq)
            t->check_block++;
        if (!go_index_has(&t->index, blocks[t->check_block].number, seq))
            stream_remove(r->stream, seq);
        t->check_seq = seq + 1;
    }
    if (t->checking) return;
    restore_last(r, t->index.last_seq, t->index.last_timestamp_ns);
    r->complete = true;
}

static enum status take_end(struct restore *r)
{
    struct restore_tar *t = &r->tar;

    if (r->stream == NULL) return restore_fail(r, "open meta.inf: no such file or directory");
    t->checking = t->has_index && t->index.last_block == t->last_block &&
                  t->index.last_hash == t->last_hash;
    if (!t->checking) r->complete = true;
    return ST_OK;
}

/* ---- files ---- */

static enum status begin_file(struct restore *r, const struct tar_event *ev)
{
    struct restore_tar *t = &r->tar;

    t->file = go_files_classify(ev->name);
    t->bytes.len = 0;
    if (t->file.consumer.len) {
        t->consumer.len = 0;
        buf_append_span(&t->consumer, t->file.consumer);
    }
    if (t->file.kind == GO_FILE_BLOCK) return begin_block(r);
    if (t->file.kind != GO_FILE_OTHER && ev->size > WHOLE_MAX)
        return restore_fail(r, "file \"%.*s\" is too large", SPAN_ARG(ev->name));
    return ST_OK;
}

static void keep_meta(struct restore_tar *t)
{
    t->meta.len = 0;
    buf_append_span(&t->meta, buf_span(&t->bytes));
}

static enum status end_file(struct restore *r)
{
    struct restore_tar *t = &r->tar;

    switch (t->file.kind) {
    case GO_FILE_ERRORS:
        return restore_fail(r, "the snapshot is not complete: %.*s",
                            SPAN_ARG(span_trim(buf_span(&t->bytes))));
    case GO_FILE_STREAM_META:
        keep_meta(t);
        return take_stream_meta(r);
    case GO_FILE_CONSUMER_META:
        keep_meta(t);
        return take_consumer_meta(r);
    case GO_FILE_STREAM_SUM: case GO_FILE_CONSUMER_SUM:
        return take_sum(r);
    case GO_FILE_BLOCK:
        return end_block(r);
    case GO_FILE_BLOCK_INDEX:
        return take_block_index(r);
    case GO_FILE_INDEX:
        return take_index(r);
    case GO_FILE_CONSUMER_STATE:
        return take_consumer_state(r);
    case GO_FILE_OTHER:
        break;
    }
    return ST_OK;
}

static enum status take_data(struct restore *r, struct span data)
{
    struct restore_tar *t = &r->tar;

    if (t->file.kind == GO_FILE_BLOCK) t->data = data;
    else if (t->file.kind != GO_FILE_OTHER) buf_append_span(&t->bytes, data);
    return ST_OK;
}

enum status restore_tar_feed(struct restore *r, struct span in, size_t *used)
{
    struct restore_tar *t = &r->tar;
    struct error why = { "" };
    struct tar_event ev;
    enum status st = ST_OK;

    *used = 0;
    if (t->checking) {
        check_some(r);
    } else if (t->has_record || t->data.len) {
        st = read_block(r);
    } else if (tar_read(&t->reader, in, used, &ev, &why) != ST_OK) {
        st = restore_fail(r, "%s", why.text);
    } else {
        if (ev.kind == TAR_FILE) st = begin_file(r, &ev);
        else if (ev.kind == TAR_DATA) st = take_data(r, ev.data);
        else if (ev.kind == TAR_FILE_END) st = end_file(r);
        else if (ev.kind == TAR_END) st = take_end(r);
    }
    r->busy = t->checking || t->has_record || t->data.len;
    return st;
}

enum status restore_tar_end(struct restore *r)
{
    struct error why = { "" };

    if (tar_read_end(&r->tar.reader, &why) == ST_OK && r->complete) return ST_OK;
    return restore_fail(r, "%s", why.text[0] ? why.text : "unexpected EOF");
}
