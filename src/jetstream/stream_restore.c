/* SPDX-License-Identifier: Apache-2.0 */
/* stream_restore.c - a stream that is filled before anybody sees it.
 *
 * Its checkpoints carry a mark until it is published, and recovery deletes what still has it. The
 * checkpoint without the mark is one record: there is nothing between not there and there. */
#include "base/mem.h"
#include "jetstream/advisory.h"
#include "jetstream/consumer_priv.h"
#include "jetstream/consumer.h"
#include "jetstream/stream_priv.h"

static int64_t reserved_by(const struct stream_config *c)
{
    return c->max_bytes > 0 ? c->max_bytes : 0;
}

enum status stream_restore_begin(struct stream **out, struct js_account *a,
                                 struct stream_config *config, int64_t created_ns,
                                 uint64_t first_seq)
{
    bool memory = config->storage == JS_STORAGE_MEMORY;
    struct stream *s = stream_alloc(a, config);
    uint64_t position;
    enum status st;

    s->restoring = true;
    s->created_ns = created_ns ? created_ns : js_now(a->js);
    s->log = replicator_local_new(a->js->store, NULL, memory, &stream_group_ops, s);
    if (first_seq > 1) {
        msgs_set_last(s->msgs, first_seq - 1);
        s->visible = first_seq - 1;
    }
    stream_reserve(s, reserved_by(&s->config));
    st = stream_log_config(s, &position);
    if (st != ST_OK) {
        stream_delete(s, &position);
        s = NULL;
    }
    *out = s;
    return st;
}

enum status stream_restore_publish(struct stream *s, uint64_t *position)
{
    enum status st;

    s->restoring = false;
    st = stream_log_config(s, position);
    if (st != ST_OK) {
        s->restoring = true;
        return st;
    }
    map_set(&s->account->streams, span_of(s->config.name), s);
    stream_enforce_limits(s);
    advisory_stream(s, "CREATED", "create");
    for (size_t i = s->consumers.count; i > 0; i--) {
        struct consumer *c = s->consumers.entries[i - 1].value;
        advise_action(c, "ADVISORY.CONSUMER.CREATED", "create", *position);
        consumer_recovered(c);
    }
    stream_start(s);
    return ST_OK;
}
