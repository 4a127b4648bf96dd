/* SPDX-License-Identifier: Apache-2.0 */
/* writer.c - finishing batches and committing them: one write each, one sync for all. While the
 * writer has a commit in hand the next batch fills; a batch is finished when the writer becomes
 * idle, so that the busier the disk, the larger the batches. */
#include <stdio.h>

#include "base/assert.h"
#include "base/mem.h"
#include "store/store_priv.h"

void writer_close_batch(struct store *s)
{
    struct segment *seg = s->active;
    struct write_list *l = &s->writes;
    uint64_t end;

    if (!s->batch_is_open) return;
    end = record_pad_block(seg->tail);
    s->unsynced_bytes += end - seg->tail;
    record_put_batch(seg->image + s->batch_at, &(struct record_batch){
        .segment = seg->number, .offset = s->batch_at, .length = seg->tail - s->batch_at,
        .position = seg->base + s->batch_at, .previous_end = s->previous_end,
        .durable = s->synced, .count = s->batch_count }, seg->salt);
    if (l->count == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 16;
        l->items = mem_resize(l->items, l->cap * sizeof *l->items);
    }
    l->items[l->count++] = (struct write){ seg, s->batch_at, end };
    seg->tail = end;
    s->previous_end = seg->base + end;
    s->batch_is_open = false;
    s->batch_count = 0;
}

bool writer_is_idle(const struct store *s)
{
    return !s->commit.is_active && s->writes.count == 0 && !s->batch_is_open &&
           s->dirty_count == 0;
}

static void run_commit(struct task *t)
{
    struct commit *c = CONTAINER_OF(t, struct commit, task);
    int64_t start;

    c->status = ST_OK;
    for (size_t i = 0; i < c->writes.count && c->status == ST_OK; i++) {
        struct write *w = &c->writes.items[i];
        struct span bytes = span_make(w->segment->image + w->from, w->to - w->from);
        c->status = disk_write(w->segment->file, w->from, &bytes, 1, &c->why);
    }
    start = store_now(c->store);
    for (size_t i = 0; i < c->sync_count && c->status == ST_OK; i++)
        c->status = disk_sync(c->sync[i]->file, &c->why);
    c->sync_ns = store_now(c->store) - start;
}

/* The chunks of a write that nothing more is written to may be dropped from now on. */
static void release_chunks(struct store *s, struct segment *seg, uint64_t from, uint64_t to)
{
    uint32_t last = (uint32_t)((to - 1) / SEGMENT_CHUNK);

    for (uint32_t i = (uint32_t)(from / SEGMENT_CHUNK); i <= last; i++)
        if ((i + 1ull) * SEGMENT_CHUNK <= to || (seg->is_closed && to == seg->tail))
            cache_add(s, seg, i);
}

static void count_latency(struct store *s, int64_t ns)
{
    unsigned bucket = 0;

    for (int64_t us = ns / 1000; us > 0 && bucket < STORE_LATENCY_BUCKETS - 1; us >>= 1) bucket++;
    s->stats.commit_latency[bucket]++;
    s->stats.commit_latency_ns += (uint64_t)ns;
}

static void add_dirty(struct store *s, struct segment *seg)
{
    if (s->dirty_count && s->dirty[s->dirty_count - 1] == seg) return;
    if (s->dirty_count == s->dirty_cap) {
        s->dirty_cap = s->dirty_cap ? 2 * s->dirty_cap : 8;
        s->dirty = mem_resize(s->dirty, s->dirty_cap * sizeof *s->dirty);
    }
    s->dirty[s->dirty_count++] = seg;
}

static void on_commit(struct task *t)
{
    struct commit *c = CONTAINER_OF(t, struct commit, task);
    struct store *s = c->store;
    char text[640];

    c->is_active = false;
    if (c->status != ST_OK) {
        snprintf(text, sizeof text, "commit failed: %s", c->why.text);
        store_fail(s, text);
        return;
    }
    for (size_t i = 0; i < c->writes.count; i++) {
        struct write *w = &c->writes.items[i];
        w->segment->written = w->to;
        s->unsynced_bytes -= w->to - w->from;
        release_chunks(s, w->segment, w->from, w->to);
        if (c->sync_count == 0) add_dirty(s, w->segment);
    }
    s->stats.commits += c->writes.count > 0;
    s->stats.syncs += c->sync_count;
    s->stats.sync_ns += (uint64_t)c->sync_ns;
    if (c->sync_count) s->synced = c->end;
    if (c->writes.count) count_latency(s, store_now(s) - c->start_ns);
    if (c->end > s->durable) {
        s->durable = c->end;
        s->options.on_durable(s->options.arg, c->end);
    }
}

static void add_sync(struct commit *c, struct segment *seg)
{
    if (c->sync_count && c->sync[c->sync_count - 1] == seg) return;
    if (c->sync_count == c->sync_cap) {
        c->sync_cap = c->sync_cap ? 2 * c->sync_cap : 8;
        c->sync = mem_resize(c->sync, c->sync_cap * sizeof *c->sync);
    }
    c->sync[c->sync_count++] = seg;
}

/* Move the batches whose file is there to the commit. */
static void take_writes(struct store *s)
{
    struct write_list *from = &s->writes, spare = s->commit.writes;
    size_t n = 0;

    while (n < from->count && from->items[n].segment->is_ready) n++;
    if (n == from->count) {             /* the usual case: swap the lists */
        s->commit.writes = *from;
        *from = spare;
        from->count = 0;
        return;
    }
    s->commit.writes.count = 0;
    if (n == 0) return;
    if (spare.cap < n) {
        s->commit.writes.cap = n;
        s->commit.writes.items = mem_resize(spare.items, n * sizeof *spare.items);
    }
    memcpy(s->commit.writes.items, from->items, n * sizeof *from->items);
    s->commit.writes.count = n;
    from->count -= n;
    memmove(from->items, from->items + n, from->count * sizeof *from->items);
}

void writer_start(struct store *s)
{
    struct commit *c = &s->commit;
    bool sync_is_due;

    if (c->is_active || s->stats.failed) return;
    if (s->batch_is_open && s->active->is_ready) writer_close_batch(s);
    take_writes(s);
    c->start_ns = store_now(s);
    sync_is_due = s->options.sync == STORE_SYNC_ALWAYS || s->is_closing ||
                  (s->dirty_count && c->start_ns >= s->next_sync_ns);
    c->sync_count = 0;
    c->end = s->durable;
    if (sync_is_due) {
        for (size_t i = 0; i < s->dirty_count; i++) add_sync(c, s->dirty[i]);
        s->dirty_count = 0;
        s->next_sync_ns = c->start_ns + s->options.sync_interval_ns;
    } else if (s->dirty_count == 0) {
        s->next_sync_ns = c->start_ns + s->options.sync_interval_ns;
    }
    for (size_t i = 0; i < c->writes.count; i++) {
        struct write *w = &c->writes.items[i];
        if (sync_is_due) add_sync(c, w->segment);
        c->end = w->segment->base + w->to;
    }
    if (c->writes.count == 0 && c->sync_count == 0) return;
    c->is_active = true;
    c->store = s;
    c->task = (struct task){ .run = run_commit, .done = on_commit };
    tasks_submit(s->tasks, TASK_WRITER, &c->task);
}
