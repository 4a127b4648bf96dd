/* SPDX-License-Identifier: Apache-2.0 */
/* erase.c - an erasure waits until the record's segment is sealed: without a footer recovery would
 * take a body that is half written over for a torn end. Then it is written over in the file and
 * synced, and is finished when no earlier copy is left: the origin of a moved record is wiped and
 * removed first, and so are segments with copies that a crash made void. */
#include "store/erase.h"

#include "base/assert.h"
#include "base/mem.h"
#include "store/collect.h"
#include "store/files.h"

struct erase {
    struct task task;
    struct erase *next;
    struct store *store;
    struct store_wait *wait;            /* NULL: cancelled */
    struct store_loc loc;
    bool is_active, is_written;
    struct record_salt salt;
    uint64_t tail;
    uint64_t body_at, body_bytes;       /* in the file; bytes 0: not known */
    uint32_t origin;                    /* of a moved record, else 0 */
    enum status status;
    struct error why;
};

/* Learn from the record where its body stands. */
static enum status find_body(struct erase *e, struct disk_file *f, char **bytes)
{
    uint64_t at = (uint64_t)e->loc.at * RECORD_ALIGN, len;
    char frame[RECORD_FRAME_BYTES];
    struct record r;
    size_t got;
    enum status st = disk_read(f, at, frame, sizeof frame, &got, &e->why);

    if (st != ST_OK) return st;
    len = got == sizeof frame ? record_peek(frame) : 0;
    if (len == 0 || len > e->tail - at) return ST_DAMAGED;
    *bytes = mem_alloc(len);
    st = disk_read(f, at, *bytes, len, &got, &e->why);
    if (st == ST_OK && got < len) st = ST_DAMAGED;
    if (st == ST_OK) st = record_parse(*bytes, len, e->salt, at, &r);
    if (st != ST_OK) return st;
    e->body_at = at + (uint64_t)(r.body - *bytes);
    e->body_bytes = record_body_bytes(&r);
    e->origin = r.form & RECORD_MOVED ? r.origin : 0;
    return ST_OK;
}

static void run_erase(struct task *t)
{
    struct erase *e = CONTAINER_OF(t, struct erase, task);
    char name[FILES_NAME_BYTES], *bytes = NULL;
    struct disk_file *f;

    e->status = disk_open(e->store->dir, files_segment_name(name, e->loc.segment), DISK_WRITE, &f,
                          &e->why);
    if (e->status != ST_OK) return;
    e->status = find_body(e, f, &bytes);
    if (e->status == ST_OK && e->body_bytes) {
        struct span part = span_make(bytes, e->body_bytes);
        record_erase(bytes, e->body_bytes, 0);
        e->status = disk_write(f, e->body_at, &part, 1, &e->why);
        if (e->status == ST_OK) e->status = disk_sync(f, &e->why);
    }
    disk_close(&f);
    mem_free(bytes);
}

/* The same bytes in memory. */
static void wipe_image(struct segment *seg, uint64_t at, uint64_t len)
{
    uint64_t start = at, end = at + len;

    while (seg->image && at < end) {
        uint64_t i = at / SEGMENT_CHUNK, stop = (i + 1) * SEGMENT_CHUNK;
        if (stop > end) stop = end;
        if (seg->chunks[i].state >= CHUNK_FRESH)
            record_erase(seg->image + at, stop - at, at - start);
        at = stop;
    }
}

static void on_erase(struct task *t)
{
    struct erase *e = CONTAINER_OF(t, struct erase, task);
    struct segment *seg = segment_find(&e->store->files, e->loc.segment);

    e->is_active = false;
    e->is_written = true;
    if (e->status == ST_IO || e->status == ST_LIMIT || e->status == ST_DENIED) {
        store_fail(e->store, e->why.text);
        return;
    }
    if (e->status == ST_OK && seg && e->body_bytes)
        wipe_image(seg, e->body_at, e->body_bytes);
    seg = e->origin ? segment_find(&e->store->files, e->origin) : NULL;
    if (seg) seg->must_wipe = true;
    else e->origin = 0;
}

static void wipe_in_memory(struct segment *seg, uint64_t at)
{
    struct record r;

    if (record_parse(seg->image + at, seg->tail - at, seg->salt, at, &r) != ST_OK) return;
    record_erase(seg->image + (r.body - seg->image), record_body_bytes(&r), 0);
}

void erase_start(struct store *s, struct store_loc loc, struct store_wait *w)
{
    struct erase *e = mem_zero(sizeof *e), **end = &s->erases;
    uint64_t at = (uint64_t)loc.at * RECORD_ALIGN;

    assert(!w->queued);
    w->queued = true;
    e->store = s;
    e->wait = w;
    e->loc = loc;
    if (loc.segment & SEGMENT_IN_MEMORY) {
        struct segment *seg = segment_find(&s->memory, loc.segment);
        if (seg && at < seg->tail) wipe_in_memory(seg, at);
        e->is_written = true;
    }
    while (*end) end = &(*end)->next;
    *end = e;
}

/* Begin with e if its record is in the file. */
static void begin(struct store *s, struct erase *e)
{
    struct segment *seg = segment_find(&s->files, e->loc.segment);
    uint64_t at = (uint64_t)e->loc.at * RECORD_ALIGN;

    if (seg == NULL || seg->is_removed) {
        if (seg) {                      /* finished when its file is gone */
            seg->must_wipe = true;
            e->origin = seg->number;
        }
        e->is_written = true;
        return;
    }
    if (!seg->is_sealed && !seg->is_pinned) {
        if (seg == s->active) store_close_active(s);
        return;
    }
    if (at >= seg->written || !seg->is_ready) return;
    e->salt = seg->salt;
    e->tail = seg->tail;
    e->is_active = true;
    e->task = (struct task){ .run = run_erase, .done = on_erase };
    tasks_submit(s->tasks, TASK_READER, &e->task);
}

static bool is_finished(struct store *s, const struct erase *e)
{
    if (!e->is_written || s->stats.failed) return false;
    if (e->loc.segment & SEGMENT_IN_MEMORY) return true;
    if (e->origin && segment_find(&s->files, e->origin)) return false;
    return s->void_segments == 0;
}

void erase_step(struct store *s)
{
    struct erase **link = &s->erases, *e;

    while ((e = *link) != NULL) {
        struct store_wait *w = e->wait;
        if (!e->is_active && !e->is_written && !s->stats.failed) begin(s, e);
        if (!is_finished(s, e)) {
            link = &e->next;
            continue;
        }
        *link = e->next;
        mem_free(e);
        if (w == NULL) continue;
        w->queued = false;
        w->done(w);
        link = &s->erases;              /* done may have added some */
    }
}

bool erase_cancel(struct store *s, struct store_wait *w)
{
    for (struct erase *e = s->erases; e; e = e->next)
        if (e->wait == w) {
            e->wait = NULL;
            w->queued = false;
            return true;
        }
    return false;
}

void erase_free(struct store *s)
{
    while (s->erases) {
        struct erase *next = s->erases->next;
        mem_free(s->erases);
        s->erases = next;
    }
}
