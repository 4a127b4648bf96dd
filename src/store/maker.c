/* SPDX-License-Identifier: Apache-2.0 */
/* maker.c - one round: close what is complete, make one file, write the manifest, remove files.
 * The manifest names a segment only when its file is durable, and drops it before the file goes. */
#include "store/maker.h"

#include <stdio.h>

#include "base/assert.h"
#include "base/mem.h"
#include "os/pages.h"
#include "store/collect.h"
#include "store/files.h"
#include "store/seal.h"

#define SEALS_MAX 4                     /* in one round */
#define SLOW_NS (INT64_C(250) * 1000 * 1000)    /* a segment that took longer to fill */
#define FILL_BYTES_MIN (UINT64_C(1) << 20)

struct maker {
    struct task task;
    struct store *store;
    bool is_active;
    struct segment *make;               /* this round's, or NULL */
    struct record_file header;
    uint64_t spare_bytes;
    bool fill;                          /* write zeros, as there is time for it */
    int64_t made_ns;                    /* when the last one was begun */
    struct disk_file *file;
    char *image;                        /* of what is made ahead; else NULL */
    enum status make_status, status;
    struct error why;
    struct manifest manifest;
    struct seal seals[SEALS_MAX];
    size_t seal_count;
    struct segment **removes;           /* of this round */
    size_t remove_count;
    struct segment **waiting;           /* to be removed by the next one */
    size_t waiting_count, waiting_cap;
};

struct segment *maker_new_segment(struct store *s, uint64_t bytes)
{
    struct segment *seg = segment_new(s->next_segment++, record_pad_block(bytes));

    seg->salt = record_salt(&s->id, seg->number);
    seg->base = s->next_base;
    seg->tail = seg->written = RECORD_BLOCK;
    s->next_base += seg->bytes;
    segment_put(&s->files, seg);
    return seg;
}

void maker_snapshot(struct store *s, struct manifest *out)
{
    struct segment *seg = NULL;

    *out = s->manifest;
    out->generation = ++s->manifest.generation;
    out->store = s->id;
    out->sealed = s->sealed;
    out->next_segment = s->next_segment;
    out->next_group = s->next_group;
    out->next_round = s->next_round;
    out->durable = s->synced;
    out->segments = mem_alloc((s->files.count + 1) * sizeof *out->segments);
    out->segment_count = 0;
    out->void_rounds = mem_alloc(s->manifest.void_count * 4 + 1);
    for (size_t i = 0; i < out->void_count; i++)
        out->void_rounds[i] = s->manifest.void_rounds[i];
    while ((seg = segment_next(&s->files, seg ? seg->number : 0)) != NULL)
        if (seg->is_ready)
            out->segments[out->segment_count++] = (struct manifest_segment){
                .number = seg->number, .bytes = seg->file_bytes, .footer_at = seg->footer_at,
                .footer_bytes = seg->footer_bytes, .footer_crc = seg->footer_crc };
}

static struct manifest_segment *entry_of(struct manifest *m, uint32_t number)
{
    for (size_t i = 0; i < m->segment_count; i++)
        if (m->segments[i].number == number) return &m->segments[i];
    return NULL;
}

/* Write the footers; what can't be read or has no room stays without. */
static enum status run_seals(struct maker *m)
{
    struct store *s = m->store;

    for (size_t i = 0; i < m->seal_count; i++) {
        struct seal *seal = &m->seals[i];
        struct manifest_segment *entry = entry_of(&m->manifest, seal->segment->number);
        enum status st = seal_run(seal, s->dir, s->sealed ? &s->master : NULL, &m->why);
        seal->status = st;
        if (st == ST_LIMIT || st == ST_DAMAGED || st == ST_NOT_FOUND) continue;
        if (st != ST_OK) return st;
        assert(entry);
        entry->footer_at = seal->at;
        entry->footer_bytes = seal->bytes;
        entry->footer_crc = seal->crc;
        entry->bytes = seal->at + seal->bytes;
    }
    return ST_OK;
}

/* Give back what was reserved behind the footers. The manifest is durable already. */
static void cut_sealed(struct maker *m)
{
    for (size_t i = 0; i < m->seal_count; i++) {
        struct seal *seal = &m->seals[i];
        if (seal->status != ST_OK || seal->segment->file == NULL) continue;
        /* Best effort: a longer file only takes room. */
        if (disk_truncate(seal->segment->file, seal->at + seal->bytes, NULL) != ST_OK) break;
    }
}

static void run_round(struct task *t)
{
    struct maker *m = CONTAINER_OF(t, struct maker, task);
    struct disk_dir *dir = m->store->dir;
    struct buf bytes = { 0 };

    m->status = m->make_status = run_seals(m);
    if (m->status != ST_OK) return;
    if (m->make) {
        struct files_make make = { &m->header, m->spare_bytes, m->fill };
        m->make_status = files_make(dir, &make, &m->file, &m->why);
        if (m->image && m->make_status == ST_OK)
            pages_populate(m->image, m->header.bytes);  /* the owner has no time for it */
        if (m->make_status == ST_OK)
            m->manifest.segments[m->manifest.segment_count++] = (struct manifest_segment){
                .number = m->header.segment, .bytes = m->header.bytes };
    }
    manifest_put(&m->manifest, &bytes);
    m->status = files_put_manifest(dir, FILES_ALL_COPIES, buf_span(&bytes), &m->why);
    buf_free(&bytes);
    if (m->status != ST_OK && m->file) {
        char name[FILES_NAME_BYTES];
        disk_close(&m->file);
        m->make_status = m->status;
        /* No manifest names it, so that it is of no use. After IO, one may. */
        if (m->status == ST_LIMIT &&
            disk_remove(dir, files_segment_name(name, m->header.segment), NULL) != ST_OK)
            m->make_status = ST_IO;
    }
    if (m->status == ST_OK) cut_sealed(m);
    for (size_t i = 0; i < m->remove_count && m->status == ST_OK; i++) {
        enum status st = files_remove(dir, m->removes[i]->number, m->removes[i]->damaged > 0,
                                      m->removes[i]->is_wiped, &m->why);
        if (st != ST_OK && st != ST_NOT_FOUND) m->status = st;
    }
}

static void look_again(struct store *s)
{
    s->stats.full = true;
    s->next_try_ns = store_now(s) + STORE_RETRY_NS;
}

static void end_make(struct store *s, struct maker *m)
{
    struct segment *seg = m->make;

    if (m->make_status == ST_OK) {
        seg->file = m->file;
        seg->is_ready = true;
        seg->file_bytes = seg->bytes;
        if (seg->is_closed) collect_consider(s, seg);   /* skipped meanwhile */
        s->stats.full = m->spare_bytes == 0 && s->stats.full;
    } else if (m->make_status == ST_LIMIT) {
        look_again(s);
        if (m->spare_bytes == 0) s->next_make_ns = s->next_try_ns;
        if (seg == s->spare) s->spare = NULL;
        if (seg != s->active && seg->tail == RECORD_BLOCK) {
            segment_remove(&s->files, seg->number);
            segment_free(&seg);
        }
    }
    m->file = NULL;
    m->make = NULL;
}

static void end_seals(struct store *s, struct maker *m)
{
    for (size_t i = 0; i < m->seal_count; i++) {
        struct seal *seal = &m->seals[i];
        struct segment *seg = seal->segment;
        seg->is_busy = false;
        if (m->status != ST_OK || seal->status != ST_OK) {
            seg->is_pinned = seal->status == ST_DAMAGED || seal->status == ST_NOT_FOUND;
            if (seal->status == ST_LIMIT) look_again(s);
            continue;
        }
        buf_free(&seg->footer);
        seg->footer_at = seal->at;
        seg->footer_bytes = seal->bytes;
        seg->footer_crc = seal->crc;
        seg->file_bytes = seal->at + seal->bytes;
        seg->is_sealed = true;
        disk_close(&seg->file);
        store_closed(s, seg);
    }
}

static void on_round(struct task *t)
{
    struct maker *m = CONTAINER_OF(t, struct maker, task);
    struct store *s = m->store;
    char text[640];

    m->is_active = false;
    manifest_free(&m->manifest);
    end_seals(s, m);
    if (m->make) end_make(s, m);
    for (size_t i = 0; i < m->remove_count; i++) {
        struct segment *seg = m->removes[i];
        if (m->status != ST_OK) {
            maker_remove(s, seg);       /* once more */
            continue;
        }
        s->small_count -= seg->is_small;
        s->void_segments -= seg->has_void;
        collect_forget(s, seg);
        cache_drop(s, seg);
        segment_remove(&s->files, seg->number);
        disk_close(&seg->file);
        seg->next_dead = s->dead;       /* spans of this iteration may point into it */
        s->dead = seg;
        s->stats.reclaimed_segments++;
    }
    if ((m->status != ST_OK && m->status != ST_LIMIT) ||
        (m->make_status != ST_OK && m->make_status != ST_LIMIT)) {
        snprintf(text, sizeof text, "segment file: %s", m->why.text);
        store_fail(s, text);
        return;
    }
    if (m->status == ST_LIMIT) {        /* not even the manifest has room */
        look_again(s);
        s->next_make_ns = s->next_try_ns;
    }
    if (m->status == ST_OK) maker_step(s);
}

void maker_remove(struct store *s, struct segment *seg)
{
    struct maker *m = s->maker;

    seg->is_ready = false;              /* leaves the manifest */
    seg->is_removed = true;
    if (m->waiting_count == m->waiting_cap) {
        m->waiting_cap = m->waiting_cap ? 2 * m->waiting_cap : 8;
        m->waiting = mem_resize(m->waiting, m->waiting_cap * sizeof *m->waiting);
    }
    m->waiting[m->waiting_count++] = seg;
}

void maker_skip(struct store *s, struct segment *seg)
{
    struct maker *m = s->maker;

    seg->is_closed = true;
    if (seg->is_ready) collect_consider(s, seg);
    if (seg->is_ready || (m->is_active && m->make == seg)) return;     /* collected later */
    segment_remove(&s->files, seg->number);
    segment_free(&seg);
}

/* The file to make next, or NULL. */
static struct segment *choose(struct store *s)
{
    struct segment *active = s->active;

    if (s->writes.count && !s->writes.items[0].segment->is_ready)
        return s->writes.items[0].segment;
    if (active && !active->is_ready) return active;
    if (active == NULL || s->is_closing) return NULL;
    if (s->stats.full && store_now(s) < s->next_try_ns) return NULL;
    if (s->spare == NULL && (s->stats.full || active->tail > active->bytes / 2))
        s->spare = maker_new_segment(s, s->options.segment_bytes);
    return s->spare && !s->spare->is_ready ? s->spare : NULL;
}

void maker_add_closed(struct store *s, struct segment *seg)
{
    if (s->closed_count == s->closed_cap) {
        s->closed_cap = s->closed_cap ? 2 * s->closed_cap : 8;
        s->closed = mem_resize(s->closed, s->closed_cap * sizeof *s->closed);
    }
    s->closed[s->closed_count++] = seg;
}

/* Complete segments without a footer. */
static void choose_seals(struct store *s, struct maker *m)
{
    size_t kept = 0;

    m->seal_count = 0;
    if (s->stats.full && store_now(s) < s->next_try_ns && !s->is_closing) return;
    for (size_t i = 0; i < s->closed_count; i++) {
        struct segment *seg = s->closed[i];
        bool complete = seg->is_ready && seg->written == seg->tail &&
                        seg->base + seg->tail <= s->synced && m->seal_count < SEALS_MAX;
        if (seg->is_sealed || seg->is_pinned) continue;
        s->closed[kept++] = seg;
        if (!complete) continue;
        m->seals[m->seal_count++] = (struct seal){
            .segment = seg, .nonces = &s->reader_nonces,
            .has_image = seg->chunks_present * (uint64_t)SEGMENT_CHUNK >= seg->tail };
        seg->is_busy = true;
    }
    s->closed_count = kept;
}

void maker_step(struct store *s)
{
    struct maker *m = s->maker;

    if (m->is_active || s->stats.failed) return;
    if (s->stats.full && store_now(s) < s->next_make_ns && !s->is_closing) return;
    m->make = choose(s);
    choose_seals(s, m);
    if (m->make == NULL && m->waiting_count == 0 && m->seal_count == 0) return;
    if (m->make)
        m->header = (struct record_file){ .store = s->id, .segment = m->make->number,
                                          .sealed = s->sealed, .bytes = m->make->bytes,
                                          .base = m->make->base, .cut = s->cut,
                                          .cut_end = s->cut_end };
    if (m->make) {                      /* the write volume doubles: not when that hurts */
        int64_t now = store_now(s);
        m->fill = m->make == s->spare && m->make->bytes >= FILL_BYTES_MIN &&
                  now - m->made_ns > SLOW_NS;
        m->made_ns = now;
        if (m->make == s->spare) segment_map(m->make);
        m->image = m->make == s->spare ? m->make->image : NULL;
    }
    /* What frees space may use the headroom; so may the batches that wait for this file. */
    m->spare_bytes = m->make != s->spare ? 0 : s->options.headroom_bytes;
    mem_free(m->removes);
    m->removes = m->waiting;
    m->remove_count = m->waiting_count;
    m->waiting = NULL;
    m->waiting_count = m->waiting_cap = 0;
    for (size_t i = 0; i < m->remove_count; i++) m->removes[i]->is_wiped = m->removes[i]->must_wipe;
    maker_snapshot(s, &m->manifest);
    m->is_active = true;
    m->task = (struct task){ .run = run_round, .done = on_round };
    tasks_submit(s->tasks, TASK_READER, &m->task);
}

void maker_init(struct store *s)
{
    s->maker = mem_zero(sizeof *s->maker);
    s->maker->store = s;
}

void maker_free(struct store *s)
{
    if (s->maker == NULL) return;
    mem_free(s->maker->removes);
    mem_free(s->maker->waiting);
    mem_free(s->maker);
}
