/* SPDX-License-Identifier: Apache-2.0 */
/* restore_archive.c - what the archive of nats-server 2.15 means: state, consumers, messages. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/mem.h"
#include "config/options.h"
#include "jetstream/consumer.h"
#include "jetstream/json_in.h"
#include "jetstream/restore_priv.h"
#include "proto/go_consumer.h"

#define JSON_MAX (64 * 1024 * 1024)

void restore_archive_init(struct restore *r)
{
    struct archive_limits limits = {
        .json_max = JSON_MAX,
        .message_max = (uint64_t)r->js->options_ref->options->max_payload,
    };

    archive_reader_init(&r->archive.reader, &limits);
}

void restore_archive_fini(struct restore *r)
{
    archive_reader_fini(&r->archive.reader);
}

/* ---- JSON ---- */

static bool get_number(const json_t *object, const char *key, uint64_t *n)
{
    const json_t *v = json_object_get(object, key);

    *n = 0;
    if (v == NULL) return true;
    if (!json_is_integer(v) || json_integer_value(v) < 0) return false;
    *n = (uint64_t)json_integer_value(v);
    return true;
}

static bool get_pair(const json_t *state, const char *key, uint64_t *consumer, uint64_t *stream)
{
    const json_t *pair = json_object_get(state, key);

    return get_number(pair, "consumer_seq", consumer) && get_number(pair, "stream_seq", stream);
}

static bool get_pending(const json_t *map, struct go_consumer_state *out)
{
    const char *key;
    json_t *v;

    if (json_object_size(map) == 0) return true;
    out->pending = mem_zero(json_object_size(map) * sizeof *out->pending);
    json_object_foreach((json_t *)(uintptr_t)map, key, v) {
        struct go_pending *p = &out->pending[out->pending_count++];
        uint64_t ns;
        if (!span_to_u64(span_of(key), &p->stream_seq) ||
            !get_number(v, "Sequence", &p->consumer_seq) || !get_number(v, "Timestamp", &ns))
            return false;
        p->timestamp_ns = (int64_t)ns;
    }
    return true;
}

static bool get_redelivered(const json_t *map, struct go_consumer_state *out)
{
    const char *key;
    json_t *v;

    if (json_object_size(map) == 0) return true;
    out->redelivered = mem_zero(json_object_size(map) * sizeof *out->redelivered);
    json_object_foreach((json_t *)(uintptr_t)map, key, v) {
        struct go_redelivered *one = &out->redelivered[out->redelivered_count++];
        if (!span_to_u64(span_of(key), &one->stream_seq) || !json_is_integer(v) ||
            json_integer_value(v) < 0)
            return false;
        one->count = (uint64_t)json_integer_value(v);
    }
    return true;
}

static bool get_consumer_state(const json_t *state, struct go_consumer_state *out)
{
    return get_pair(state, "delivered", &out->delivered_consumer, &out->delivered_stream) &&
           get_pair(state, "ack_floor", &out->ack_floor_consumer, &out->ack_floor_stream) &&
           get_pending(json_object_get(state, "pending"), out) &&
           get_redelivered(json_object_get(state, "redelivered"), out);
}

/* ---- entries ---- */

static int64_t get_time(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);
    struct json_in in;
    int64_t ns = 0;

    json_in_init(&in, false, "");
    if (v == NULL || !json_in_time(&in, v, &ns)) ns = 0;
    json_in_fini(&in);
    return ns;
}

static enum status take_state(struct restore *r, struct span text)
{
    struct restore_archive *a = &r->archive;
    struct error why;
    json_t *tree = json_in_parse(text, &why);
    uint64_t bytes;
    bool good;

    if (tree == NULL) return restore_fail(r, "error in state.json: %s", why.text);
    good = json_is_object(tree) && get_number(tree, "first_seq", &a->first_seq) &&
           get_number(tree, "last_seq", &a->last_seq) && get_number(tree, "bytes", &bytes) &&
           get_number(tree, "consumer_count", &a->consumers);
    a->last_ns = get_time(tree, "last_ts");
    json_decref(tree);
    if (!good) return restore_fail(r, "error in state.json: a number is missing or wrong");
    a->has_state = true;
    a->seq = a->first_seq ? a->first_seq - 1 : 0;
    if (restore_check_room(r, bytes) != ST_OK) return ST_BAD_INPUT;
    return restore_begin_stream(r, 0, a->first_seq);
}

static enum status apply_consumer(struct restore *r, struct span name, const json_t *tree)
{
    const json_t *config = json_object_get(tree, "config"), *state = json_object_get(tree, "state");
    struct go_consumer_state progress = { 0 };
    struct consumer *c;
    enum status st;

    if (!json_is_object(config))
        return restore_fail(r, "consumer \"%.*s\" is missing config", SPAN_ARG(name));
    if (!json_is_object(state))
        return restore_fail(r, "consumer \"%.*s\" is missing state", SPAN_ARG(name));
    st = restore_consumer(r, name, config, 0, &c);
    if (st == ST_OK && !get_consumer_state(state, &progress))
        st = restore_fail(r, "failed to decode consumer \"%.*s\" state", SPAN_ARG(name));
    if (st == ST_OK) st = restore_consumer_progress(r, name, c, &progress);
    go_consumer_state_fini(&progress);
    return st;
}

static enum status take_consumer(struct restore *r, struct span name, struct span text)
{
    struct error why;
    enum status st;
    json_t *tree;

    if (r->archive.consumers == 0)
        return restore_fail(r, "expected message sequence");
    r->archive.consumers--;
    tree = json_in_parse(text, &why);
    if (tree == NULL)
        return restore_fail(r, "failed to decode consumer \"%.*s\" state: %s", SPAN_ARG(name),
                            why.text);
    st = apply_consumer(r, name, tree);
    json_decref(tree);
    return st;
}

static enum status check_message(struct restore *r, const struct archive_message *m)
{
    if (r->archive.consumers)
        return restore_fail(r, "expected consumer, found \"%.*s\"", SPAN_ARG(m->subject));
    if (m->seq <= r->archive.seq)
        return restore_fail(r, "message sequence %" PRIu64 " out of order", m->seq);
    return restore_check_size(r, m->seq, m->headers.len, m->body.len);
}

static enum status store(struct restore *r)
{
    enum status st = restore_message(r, &r->archive.message);

    r->busy = st == ST_AGAIN;
    if (st == ST_OK) r->archive.seq = r->archive.message.seq;
    return st;
}

static enum status take_end(struct restore *r)
{
    if (r->archive.consumers) return restore_fail(r, "expected consumer, found \"\"");
    restore_last(r, r->archive.last_seq, r->archive.last_ns);
    r->complete = true;
    return ST_OK;
}

enum status restore_archive_feed(struct restore *r, struct span in, size_t *used)
{
    struct archive_event ev;
    struct error why = { "" };

    *used = 0;
    if (r->busy) return store(r);
    if (archive_read(&r->archive.reader, in, used, &ev, &why) != ST_OK)
        return restore_fail(r, "%s", why.text);
    switch (ev.kind) {
    case ARCHIVE_STATE:
        return take_state(r, ev.json);
    case ARCHIVE_CONSUMER:
        return take_consumer(r, ev.name, ev.json);
    case ARCHIVE_MESSAGE:
        if (check_message(r, &ev.message) != ST_OK) return ST_BAD_INPUT;
        r->archive.message = ev.message;
        return store(r);
    case ARCHIVE_END:
        return take_end(r);
    case ARCHIVE_MORE:
        break;
    }
    return ST_OK;
}

enum status restore_archive_end(struct restore *r)
{
    struct error why = { "" };

    if (archive_read_end(&r->archive.reader, &why) == ST_OK && r->complete) return ST_OK;
    return restore_fail(r, "%s", why.text[0] ? why.text : "unexpected EOF");
}
