/* SPDX-License-Identifier: Apache-2.0 */
/* store.c - the store's calls: append, read, release, flush, open and close. */
#include "store/store.h"

#include <stdio.h>

#include "base/assert.h"
#include "base/mem.h"
#include "os/clock.h"
#include "os/entropy.h"
#include "store/collect.h"
#include "store/erase.h"
#include "store/files.h"
#include "store/maker.h"
#include "store/scrub.h"
#include "store/store_priv.h"

#define SEGMENT_BYTES_DEFAULT (UINT64_C(16) << 20)
#define SEGMENT_BYTES_MIN (UINT64_C(64) << 10)
#define MEMORY_SEGMENT_BYTES (UINT64_C(4) << 20)
#define CACHE_BYTES_DEFAULT (UINT64_C(64) << 20)
#define HEADROOM_SEGMENTS 4             /* default headroom */

int64_t store_now(const struct store *s)
{
    return s->options.now ? s->options.now(s->options.arg) : clock_mono_ns();
}

void store_fail(struct store *s, const char *why)
{
    if (s->stats.failed) return;
    s->stats.failed = true;
    s->options.on_failed(s->options.arg, why);
}

void store_damage(struct store *s, struct store_group *g, const char *text)
{
    if (s->options.on_damage) s->options.on_damage(s->options.arg, g ? g->owner : NULL, text);
}

static struct span number_key(const uint32_t *number)
{
    return span_make((const char *)number, sizeof *number);
}

struct store_group *store_find_group(const struct store *s, uint32_t number)
{
    return map_get(&s->by_number, number_key(&number));
}

struct store_group *store_add_group(struct store *s, uint32_t number)
{
    struct store_group *g = mem_zero(sizeof *g);

    g->store = s;
    g->number = number;
    if (s->sealed) g->key = crypt_derive(&s->master, number);
    g->next = s->groups;
    if (g->next) g->next->prev = g;
    s->groups = g;
    map_set(&s->by_number, number_key(&number), g);
    return g;
}

static void free_group(struct store_group *g)
{
    struct store *s = g->store;

    map_remove(&s->by_number, number_key(&g->number));
    if (g->prev) g->prev->next = g->next;
    else s->groups = g->next;
    if (g->next) g->next->prev = g->prev;
    mem_wipe(&g->key, sizeof g->key);
    mem_free(g);
}

/* ---- room ---- */

static void free_if_dead(struct store *s, struct segment *seg)
{
    if (!seg->in_memory || seg->live_count || !seg->is_closed) return;
    collect_forget(s, seg);
    segment_remove(&s->memory, seg->number);
    seg->next_dead = s->dead;           /* spans of this iteration may point into it */
    s->dead = seg;
}


void store_closed(struct store *s, struct segment *seg)
{
    if (seg->tail < s->options.segment_bytes / 8 && !seg->is_small) {
        seg->is_small = true;
        s->small_count++;
    }
    collect_consider(s, seg);
}

void store_close_active(struct store *s)
{
    struct segment *seg = s->active;

    if (seg == NULL) return;
    writer_close_batch(s);
    seg->is_closed = true;
    maker_add_closed(s, seg);
    if (seg->written == seg->tail && seg->image)
        cache_add(s, seg, (uint32_t)((seg->tail - 1) / SEGMENT_CHUNK));
    s->active = NULL;
}

static void open_active(struct store *s, uint64_t bytes)
{
    struct segment *spare = s->spare;

    s->spare = NULL;
    if (spare && spare->bytes >= bytes) {
        s->active = spare;
        return;
    }
    if (spare) maker_skip(s, spare);
    if (bytes < s->options.segment_bytes) bytes = s->options.segment_bytes;
    s->active = maker_new_segment(s, bytes);
    maker_step(s);
}

static struct segment *memory_room(struct store *s, uint64_t bytes)
{
    struct segment *seg = s->memory_active;

    if (seg && seg->tail + bytes > seg->bytes) {
        seg->is_closed = true;
        s->memory_active = NULL;
        collect_consider(s, seg);
        free_if_dead(s, seg);
        seg = NULL;
    }
    if (seg == NULL) {
        uint64_t size = bytes > MEMORY_SEGMENT_BYTES ? record_pad_block(bytes)
                                                     : MEMORY_SEGMENT_BYTES;
        seg = segment_new(s->next_memory++ | SEGMENT_IN_MEMORY, size);
        segment_put(&s->memory, seg);
        s->memory_active = seg;
    }
    cache_fill(s, seg, seg->tail + bytes);
    return seg;
}

enum status store_make_room(struct store *s, bool in_memory, uint64_t bytes, bool frees_space,
                            struct segment **out)
{
    struct segment *seg = s->active;
    uint64_t need = bytes + RECORD_BATCH_BYTES;

    if (in_memory) {
        *out = memory_room(s, bytes);
        return ST_OK;
    }
    if (s->stats.failed) return ST_IO;
    if (s->stats.full && !frees_space &&
        (!seg || !seg->is_ready || seg->tail + need > seg->bytes - seg->bytes / 4))
        return ST_LIMIT;
    if (s->unsynced_bytes > STORE_UNSYNCED_MAX && !frees_space) return ST_AGAIN;
    if (seg && seg->tail + need > seg->bytes) store_close_active(s);
    if (s->active == NULL) open_active(s, RECORD_BLOCK + need);
    seg = s->active;
    cache_fill(s, seg, seg->tail + need);
    if (!s->batch_is_open) {
        s->batch_is_open = true;
        s->batch_at = seg->tail;
        s->batch_count = 0;
        seg->tail += RECORD_BATCH_BYTES;
        s->unsynced_bytes += RECORD_BATCH_BYTES;
    }
    *out = seg;
    return ST_OK;
}

static struct segment_group *entry_of(struct segment *seg, uint32_t number, uint32_t *in,
                                      uint32_t *entry)
{
    struct segment_group *e;

    if (*in == seg->number) return &seg->groups[*entry];
    e = segment_group(seg, number, true);
    *in = seg->number;
    *entry = (uint32_t)(e - seg->groups);
    return e;
}

void store_account(struct store_group *g, struct segment *seg, const struct record *r)
{
    struct segment_group *e;

    if (r->kind == RECORD_END) {
        seg->ends++;
        return;
    }
    e = entry_of(seg, g->number, &g->in, &g->in_entry);
    if (r->index > e->index_max) e->index_max = r->index;
    if (r->kind != STORE_MESSAGE) return;
    e->live_count++;
    e->live_bytes += r->size;
    seg->live_count++;
    seg->live_bytes += r->size;
    g->store->stats.live_bytes += r->size;
}

void store_note_checkpoint(struct store_group *g, struct segment *seg, uint64_t bytes)
{
    struct segment *before = segment_find(&g->store->files, g->checkpoint_segment);

    if (before && g->checkpoint_segment) {
        before->checkpoint_bytes -= g->checkpoint_bytes;
        collect_consider(g->store, before);
    }
    g->checkpoint_segment = seg ? seg->number : 0;
    g->checkpoint_bytes = (uint32_t)bytes;
    if (seg) seg->checkpoint_bytes += (uint32_t)bytes;
}

void store_advance(struct store *s, struct segment *seg, uint64_t bytes)
{
    seg->tail += bytes;
    if (seg->in_memory) return;
    s->batch_count++;
    s->unsynced_bytes += bytes;
    s->appended = seg->base + seg->tail;
}

/* ---- append ---- */

static enum status append(struct store_group *g, struct record *r, const struct store_record *in,
                          struct segment **where)
{
    struct store *s = g->store;
    uint64_t bytes = record_bytes(r), at;
    struct segment *seg = g->in_memory ? s->memory_active : s->active;
    char *out, *p;

    if (seg == NULL || seg->tail + bytes > seg->present ||
        (!g->in_memory && (!s->batch_is_open || s->stats.full || s->stats.failed))) {
        enum status st = store_make_room(s, g->in_memory, bytes,
                                         r->kind != STORE_MESSAGE, &seg);
        if (st != ST_OK) return st;
    }
    at = seg->tail;
    out = seg->image + at;
    r->index = ++g->index;
    record_begin(r, out);
    p = seg->image + (r->head - seg->image);
    memcpy(p, in->extra.p ? in->extra.p : "", in->extra.len);
    p += in->extra.len;
    memcpy(p, in->subject.p ? in->subject.p : "", in->subject.len);
    p += in->subject.len + (r->form & RECORD_SEALED ? RECORD_TAG_BYTES : 0);
    memcpy(p, in->header.p ? in->header.p : "", in->header.len);
    p += in->header.len;
    memcpy(p, in->body.p ? in->body.p : "", in->body.len);
    if (r->form & RECORD_SEALED) crypt_seal_record(&g->key, &s->nonces, r, out);
    record_finish(r, out, seg->salt, at, true);
    store_advance(s, seg, bytes);
    s->stats.appends++;
    s->stats.append_bytes += bytes;
    store_account(g, seg, r);
    *where = seg;
    return ST_OK;
}

enum status store_append(struct store_group *g, const struct store_record *in,
                         struct store_loc *loc, uint64_t *position)
{
    struct record r = { .kind = (uint8_t)in->kind, .flags = in->flags,
                        .subject_len = (uint16_t)in->subject.len,
                        .extra_len = (uint16_t)in->extra.len,
                        .header_len = (uint32_t)in->header.len,
                        .body_len = (uint32_t)in->body.len, .group = g->number,
                        .size = in->size, .seq = in->seq, .time_ns = in->time_ns };
    struct segment *seg;
    enum status st;

    assert(in->kind >= STORE_MESSAGE && in->kind <= STORE_CHECKPOINT);
    assert(in->extra.len <= STORE_EXTRA_MAX && in->subject.len <= STORE_SUBJECT_MAX);
    assert(in->header.len <= STORE_PAYLOAD_MAX && in->body.len <= STORE_PAYLOAD_MAX);
    if (loc) *loc = (struct store_loc){ 0, 0 };
    if (position) *position = STORE_NO_POSITION;
    if (g->in_memory && in->kind != STORE_MESSAGE) return ST_OK;
    if (g->store->sealed && !g->in_memory) r.form = RECORD_SEALED;
    if (in->kind == STORE_CHECKPOINT) {
        r.form |= RECORD_HAS_ID;
        r.id = g->id.bytes;
    }
    assert(g->in_memory || g->checkpoint_index || in->kind == STORE_CHECKPOINT ||
           g->store->stats.failed);
    st = append(g, &r, in, &seg);
    if (st != ST_OK) return st;
    if (in->kind == STORE_CHECKPOINT) {
        g->checkpoint_index = r.index;
        g->checkpoint_position = g->store->appended;
        store_note_checkpoint(g, seg, r.bytes);
    }
    if (loc) *loc = (struct store_loc){ seg->number,
                                        (uint32_t)((seg->tail - r.bytes) / RECORD_ALIGN) };
    if (position && !g->in_memory) *position = g->store->appended;
    return ST_OK;
}

static struct segment *find(struct store *s, uint32_t number)
{
    struct segment *seg = segment_find(number & SEGMENT_IN_MEMORY ? &s->memory : &s->files, number);

    return seg && !seg->is_removed ? seg : NULL;
}

void store_release(struct store_group *g, struct store_loc loc, uint32_t size)
{
    struct store *s = g->store;
    struct segment *seg = find(s, loc.segment);
    struct segment_group *e;

    assert(seg);
    e = entry_of(seg, g->number, &g->out, &g->out_entry);
    assert(e->live_count > 0 && e->live_bytes >= size);
    e->live_count--;
    e->live_bytes -= size;
    seg->live_count--;
    seg->live_bytes -= size;
    s->stats.live_bytes -= size;
    collect_consider(s, seg);
    free_if_dead(s, seg);
}

/* ---- read ---- */

/* Whether some byte of [from, to) was read back from the file. */
static bool was_loaded(const struct segment *seg, uint64_t from, uint64_t to)
{
    for (uint64_t i = from / SEGMENT_CHUNK; i <= (to - 1) / SEGMENT_CHUNK; i++)
        if (seg->chunks[i].state == CHUNK_LOADED) return true;
    return false;
}

/* Decrypt into memory that stays until store_flush. */
static enum status open_record(struct store_group *g, struct record *r, const char *in)
{
    struct store *s = g->store;
    size_t head = (size_t)r->extra_len + r->subject_len;
    struct buf *b;

    if (s->scratch_count == s->scratch_cap) {
        s->scratch_cap = s->scratch_cap ? 2 * s->scratch_cap : 16;
        s->scratch = mem_resize(s->scratch, s->scratch_cap * sizeof *s->scratch);
    }
    b = &s->scratch[s->scratch_count++];
    *b = (struct buf){ 0 };
    buf_reserve(b, head + r->header_len + r->body_len + 1);
    if (crypt_open_head(&g->key, r, in, b->p) != ST_OK ||
        crypt_open_body(&g->key, r, in, b->p + head) != ST_OK)
        return ST_DAMAGED;
    r->head = b->p;
    r->body = b->p + head;
    return ST_OK;
}

enum status store_read(struct store_group *g, struct store_loc loc, struct store_record *out,
                       struct store_wait *wait)
{
    struct store *s = g->store;
    struct segment *seg = find(s, loc.segment);
    uint64_t at = (uint64_t)loc.at * RECORD_ALIGN, bytes;
    struct record r;

    if (seg == NULL || at + RECORD_FRAME_BYTES > seg->tail) return ST_DAMAGED;
    if (!cache_has(s, seg, at, at + RECORD_FRAME_BYTES, wait)) goto absent;
    bytes = record_peek(seg->image + at);
    if (bytes == 0 || bytes > seg->tail - at) goto damaged;
    if (!cache_has(s, seg, at, at + bytes, wait)) goto absent;
    if (record_parse(seg->image + at, bytes, seg->salt, at, &r) != ST_OK || r.group != g->number)
        goto damaged;
    if (was_loaded(seg, at, at + bytes) && !record_body_is_good(&r)) goto damaged;
    if ((r.form & RECORD_SEALED) && open_record(g, &r, seg->image + at) != ST_OK) goto damaged;
    s->stats.cache_hits++;
    *out = (struct store_record){
        .kind = r.kind, .flags = r.flags, .size = r.size, .seq = r.seq, .time_ns = r.time_ns,
        .extra = span_make(r.head, r.extra_len),
        .subject = span_make(r.head + r.extra_len, r.subject_len),
        .header = span_make(r.body, r.header_len),
        .body = span_make(r.body + r.header_len, r.body_len) };
    return ST_OK;
absent:
    s->stats.cache_misses++;
    return ST_AGAIN;
damaged:
    if (cache_is_bad(seg, at)) return ST_IO;
    s->stats.damaged_records++;
    return ST_DAMAGED;
}

void store_wait_cancel(struct store *s, struct store_wait *w)
{
    if (!erase_cancel(s, w)) cache_cancel(s, w);
}

void store_read_ahead(struct store_group *g, struct store_loc loc)
{
    struct segment *seg = find(g->store, loc.segment);

    if (seg && !seg->in_memory) cache_read_ahead(g->store, seg, (uint64_t)loc.at * RECORD_ALIGN);
}

void store_erase(struct store_group *g, struct store_loc loc, struct store_wait *w)
{
    erase_start(g->store, loc, w);
}

/* ---- groups ---- */

struct store_group *store_group_new(struct store *s, bool in_memory,
                                    const struct store_group_ops *ops, void *owner)
{
    struct store_group *g = store_add_group(s, s->next_group++);

    entropy_fill(g->id.bytes, sizeof g->id.bytes);
    g->in_memory = in_memory;
    store_group_own(g, ops, owner);
    return g;
}

void store_group_own(struct store_group *g, const struct store_group_ops *ops, void *owner)
{
    g->ops = ops;
    g->owner = owner;
}

struct store *store_of_group(const struct store_group *g)
{
    return g->store;
}

const struct store_id *store_group_id(const struct store_group *g)
{
    return &g->id;
}

static void forget_in(struct store *s, struct segment_table *t, uint32_t number)
{
    struct segment *seg = segment_next(t, 0);

    while (seg) {
        struct segment *next = segment_next(t, seg->number);
        struct segment_group *e = segment_group(seg, number, false);
        if (e) {
            seg->live_count -= e->live_count;
            seg->live_bytes -= e->live_bytes;
            s->stats.live_bytes -= e->live_bytes;
            e->live_count = 0;
            e->live_bytes = 0;
            collect_consider(s, seg);
            free_if_dead(s, seg);
        }
        seg = next;
    }
}

void store_group_delete(struct store_group **group, uint64_t *position)
{
    struct store_group *g = *group;
    struct store *s = g->store;
    struct record r = { .kind = RECORD_END, .group = g->number,
                        .form = s->sealed ? RECORD_SEALED : 0 };
    struct store_record none = { .size = 0 };
    struct segment *seg;

    if (position) *position = STORE_NO_POSITION;
    if (!g->in_memory && g->checkpoint_index) {
        bool is_there = append(g, &r, &none, &seg) == ST_OK;
        if (is_there) s->ends_end = s->appended;
        if (position) *position = is_there ? s->appended : STORE_NEVER;
    }
    if (!g->in_memory) store_note_checkpoint(g, NULL, 0);
    forget_in(s, g->in_memory ? &s->memory : &s->files, g->number);
    free_group(g);
    *group = NULL;
}

/* ---- flush, open, close ---- */

static void bury(struct store *s)
{
    struct segment *seg;

    while ((seg = s->dead) != NULL) {
        s->dead = seg->next_dead;
        segment_free(&seg);
    }
}

void store_flush(struct store *s)
{
    s->collect_more = collect_step(s);
    erase_step(s);                      /* may close what the next two then complete */
    writer_start(s);
    maker_step(s);
    scrub_step(s);
    bury(s);
    while (s->scratch_count) buf_free(&s->scratch[--s->scratch_count]);
    cache_trim(s);
}

int64_t store_next_flush_ns(const struct store *s)
{
    int64_t at = INT64_MAX;

    if (s->stats.failed) return at;
    if (s->collect_more) return store_now(s);
    if (s->dirty_count) at = s->next_sync_ns;
    if (s->stats.full && s->next_try_ns < at) at = s->next_try_ns;
    if (scrub_next_ns(s) < at) at = scrub_next_ns(s);
    return at;
}

uint64_t store_appended(const struct store *s)
{
    return s->appended;
}

uint64_t store_durable(const struct store *s)
{
    return s->durable;
}

bool store_step(struct store *s)
{
    return tasks_step(s->tasks);
}

void store_stats(const struct store *s, struct store_stats *out)
{
    *out = s->stats;
    out->segments = s->files.count;
    for (struct segment *seg = NULL; (seg = segment_next(&s->files, seg ? seg->number : 0));)
        out->disk_bytes += seg->is_ready ? seg->file_bytes : 0;
}

static void copy_options(struct store *s, const struct store_options *options)
{
    s->options = *options;
    s->options.dir = mem_dup(options->dir);
    if (s->options.segment_bytes == 0) s->options.segment_bytes = SEGMENT_BYTES_DEFAULT;
    if (s->options.segment_bytes < SEGMENT_BYTES_MIN) s->options.segment_bytes = SEGMENT_BYTES_MIN;
    s->options.segment_bytes = record_pad_block(s->options.segment_bytes);
    if (s->options.cache_bytes == 0) s->options.cache_bytes = CACHE_BYTES_DEFAULT;
    if (s->options.headroom_bytes == 0)
        s->options.headroom_bytes = HEADROOM_SEGMENTS * s->options.segment_bytes;
}

void store_free(struct store **store)
{
    struct store *s = *store;
    struct segment *seg = NULL;

    while ((seg = segment_next(&s->files, seg ? seg->number : 0)) != NULL) disk_close(&seg->file);
    bury(s);
    segment_table_free(&s->files);
    segment_table_free(&s->memory);
    while (s->groups) free_group(s->groups);
    map_free(&s->by_number);
    maker_free(s);
    collect_free(s);
    erase_free(s);
    scrub_free(s);
    manifest_free(&s->manifest);
    mem_free(s->writes.items);
    mem_free(s->commit.writes.items);
    mem_free(s->commit.sync);
    mem_free(s->dirty);
    mem_free(s->closed);
    for (size_t i = 0; i < s->scratch_count; i++) buf_free(&s->scratch[i]);
    mem_free(s->scratch);
    mem_wipe(&s->master, sizeof s->master);
    disk_close(&s->lock);
    disk_dir_close(&s->dir);
    mem_free((char *)(uintptr_t)s->options.dir);
    mem_free(s);
    *store = NULL;
}

enum status store_open(struct store **out, const struct store_options *options,
                       const struct store_recovery *recovery, struct error *why)
{
    struct store *s = mem_zero(sizeof *s);
    enum status st;

    s->disk = options->disk;
    crypt_nonces_init(&s->nonces);
    crypt_nonces_init(&s->reader_nonces);
    s->next_memory = s->next_segment = s->next_group = s->next_round = 1;
    list_init(&s->lru);
    copy_options(s, options);
    maker_init(s);
    st = disk_dir_open(s->disk, s->options.dir, true, &s->dir, why);
    if (st == ST_OK) st = disk_dir_lock(s->dir, FILES_LOCK, &s->lock, why);
    if (st == ST_OK) st = recover_run(s, recovery, why);
    s->options.key = s->options.previous_key = SPAN_NONE;      /* the caller's, until here */
    if (st == ST_OK)
        st = tasks_new(&s->tasks, options->threads, options->post, options->arg);
    if (st != ST_OK) {
        store_free(&s);
        return st;
    }
    s->appended = s->durable = s->synced = s->previous_end;
    for (struct segment *seg = segment_next(&s->files, 0); seg;
         seg = segment_next(&s->files, seg->number))
        store_closed(s, seg);
    *out = s;
    return ST_OK;
}

void store_close(struct store **store)
{
    struct store *s = *store;

    if (s == NULL) return;
    s->is_closing = true;
    store_close_active(s);
    writer_start(s);
    tasks_finish(s->tasks);             /* what is in hand */
    while (!s->stats.failed && !s->stats.full && (!writer_is_idle(s) || s->closed_count)) {
        writer_start(s);
        maker_step(s);
        tasks_finish(s->tasks);
    }
    tasks_free(&s->tasks);
    store_free(store);
}
