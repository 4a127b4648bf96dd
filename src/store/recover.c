/* SPDX-License-Identifier: Apache-2.0 */
/* recover.c - what a directory holds, told to the owner.
 *
 * Batches of all segments are read first, then judged in the order of the log: each names the end
 * of the one before it, and how far everything was synced when it was written. What is bad or
 * missing below the furthest such mark is damage: reported, and everything after it is used. What
 * is bad above it is the torn end of the log: nothing from there on was ever promised, none of it
 * is used, and the headers of later segments say so (cut, cut_end). Nothing is removed or
 * changed. */
#include <stdio.h>

#include "base/assert.h"
#include "base/mem.h"
#include "os/entropy.h"
#include "os/pages.h"
#include "store/files.h"
#include "store/recover.h"
#include "store/store_priv.h"

#define MANIFEST_BYTES_MAX (UINT64_C(1) << 30)

static void damage(struct recovery *r, void *owner, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void damage(struct recovery *r, void *owner, const char *fmt, ...)
{
    struct buf text = { 0 };
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    r->tell->damage(r->tell->arg, owner, buf_text(&text));
    buf_free(&text);
}

/* ---- which files there are ---- */

static void on_entry(void *arg, const char *name, bool is_dir)
{
    struct recovery *r = arg;
    uint32_t number = is_dir ? 0 : files_segment_number(name);

    if (number == 0) return;
    if (number >= SEGMENT_IN_MEMORY) {
        damage(r, NULL, "%s: no segment has such a number", name);
        return;
    }
    segment_put(&r->store->files, segment_new(number, RECORD_BLOCK));
}

/* Read the copies of the manifest; the newest good one counts. */
static enum status read_manifests(struct recovery *r, struct error *why)
{
    struct store *s = r->store;

    for (int i = 0; i < MANIFEST_COPIES; i++) {
        struct buf bytes = { 0 };
        struct manifest m = { 0 };
        const char *name = files_manifest_name(i);
        enum status st = files_read(s->dir, name, MANIFEST_BYTES_MAX, &bytes, why);
        if (st == ST_OK) st = manifest_get(buf_span(&bytes), &m);
        buf_free(&bytes);
        r->manifest_status[i] = st;
        if (st == ST_UNSUPPORTED)
            return error_set(why, ST_BAD_INPUT, "%s/%s: of a newer version", s->options.dir, name);
        if (st != ST_OK) continue;
        if (!r->has_manifest || m.generation > s->manifest.generation) {
            manifest_free(&s->manifest);
            s->manifest = m;
            r->has_manifest = true;
        } else {
            manifest_free(&m);
        }
    }
    return ST_OK;
}

static void report_manifests(struct recovery *r)
{
    for (int i = 0; i < MANIFEST_COPIES; i++) {
        /* A crash while the first ones were made leaves one of them. */
        bool is_unmade = r->has_manifest && r->store->manifest.generation == 1 &&
                         r->manifest_status[i] == ST_NOT_FOUND;
        if (r->manifest_status[i] != ST_OK && !is_unmade)
            damage(r, NULL, "%s: %s", files_manifest_name(i), status_text(r->manifest_status[i]));
    }
}

/* Segments that the manifest names but no file is; files that it says are gone. */
static void compare_with_manifest(struct recovery *r)
{
    struct store *s = r->store;
    const struct manifest *m = &s->manifest;
    struct segment *seg = NULL;
    char name[FILES_NAME_BYTES];

    for (size_t i = 0; i < m->segment_count; i++) {
        seg = segment_find(&s->files, m->segments[i].number);
        if (seg) {
            seg->is_ready = true;
            seg->bytes = m->segments[i].bytes;
            seg->footer_at = m->segments[i].footer_at;
            seg->footer_bytes = m->segments[i].footer_bytes;
            seg->footer_crc = m->segments[i].footer_crc;
        } else {
            damage(r, NULL, "%s: missing", files_segment_name(name, m->segments[i].number));
        }
    }
    if (!r->has_manifest) return;
    for (seg = segment_next(&s->files, 0); seg;) {
        struct segment *next = segment_next(&s->files, seg->number);
        if (!seg->is_ready && seg->number < m->next_segment) {  /* removed, but for its name */
            enum status st = disk_remove(s->dir, files_segment_name(name, seg->number), NULL);
            segment_remove(&s->files, seg->number);
            if (st == ST_OK) segment_free(&seg);
            else mem_free(seg);
        }
        seg = next;
    }
}

/* ---- batches ---- */

static void add_batch(struct recover_segment *rs, const struct record_batch *b, bool is_good)
{
    if (rs->count == rs->cap) {
        rs->cap = rs->cap ? 2 * rs->cap : 64;
        rs->batches = mem_resize(rs->batches, rs->cap * sizeof *rs->batches);
    }
    rs->batches[rs->count++] = (struct recover_batch){
        .at = b->offset, .length = b->length, .position = b->position,
        .previous_end = b->previous_end, .durable = b->durable, .is_good = is_good };
}

/* Whether all records of the batch are there and good. */
static bool batch_is_good(const struct segment *seg, const char *image,
                          const struct record_batch *b)
{
    uint64_t at = b->offset + RECORD_BATCH_BYTES, end = b->offset + b->length;
    struct record r;
    uint32_t count = 0;

    for (; at < end; at += r.bytes, count++) {
        if (record_parse(image + at, end - at, seg->salt, at, &r) != ST_OK) return false;
        if (!record_body_is_good(&r) && !record_is_erased(&r)) return false;
    }
    return count == b->count;
}

static void find_batches(struct recovery *r, struct recover_segment *rs, const char *image)
{
    struct segment *seg = rs->segment;
    uint64_t at = RECORD_BLOCK;

    while (at + RECORD_BATCH_BYTES <= rs->bytes) {
        struct record_batch b;
        bool is_whole;
        if (record_get_batch(image + at, seg->number, at, seg->salt, &b) != ST_OK) {
            at += RECORD_BLOCK;
            continue;
        }
        is_whole = b.length <= rs->bytes - at;
        if (!is_whole) b.length = rs->bytes - at;
        add_batch(rs, &b, is_whole && batch_is_good(seg, image, &b));
        if (b.durable > r->durable) r->durable = b.durable;
        seg->base = b.position - b.offset;
        at += record_pad_block(b.length);
    }
}

/* Map and read the whole file of rs; NULL: it can't be opened (reported). */
static char *read_image(struct recovery *r, struct recover_segment *rs)
{
    char name[FILES_NAME_BYTES], *image;
    struct disk_file *f = NULL;
    struct error why;
    size_t got = 0;
    enum status st;

    files_segment_name(name, rs->segment->number);
    st = disk_open(r->store->dir, name, DISK_READ, &f, &why);
    if (st == ST_OK) st = disk_size(f, &rs->bytes, &why);
    if (st != ST_OK) {
        disk_close(&f);
        damage(r, NULL, "%s: %s", name, why.text);
        return NULL;
    }
    rs->mapped = record_pad_block(rs->bytes) + RECORD_BLOCK;
    image = pages_map(rs->mapped);
    for (uint64_t at = 0; at < rs->bytes; at += SEGMENT_CHUNK) {
        uint64_t len = rs->bytes - at < SEGMENT_CHUNK ? rs->bytes - at : SEGMENT_CHUNK;
        if (disk_read(f, at, image + at, len, &got, &why) != ST_OK)
            damage(r, NULL, "%s: bytes %llu to %llu: %s", name, (unsigned long long)at,
                   (unsigned long long)(at + len), why.text);
    }
    disk_close(&f);
    return image;
}

/* The header of a file; sets what it says. */
static enum status take_header(struct recovery *r, struct recover_segment *rs, const char *image,
                               struct error *why)
{
    struct segment *seg = rs->segment;
    struct store *s = r->store;
    struct record_file h;
    char name[FILES_NAME_BYTES];
    enum status st = ST_DAMAGED;

    files_segment_name(name, seg->number);
    if (rs->bytes >= RECORD_BLOCK) st = record_get_file(image, &h);
    if (st == ST_UNSUPPORTED)
        return error_set(why, ST_BAD_INPUT, "%s: of a newer version", name);
    if (st == ST_OK && !r->has_id) {
        s->id = h.store;
        s->sealed = h.sealed;
        r->has_id = true;
    }
    seg->salt = record_salt(&s->id, seg->number);
    if (st == ST_OK && memcmp(&h.store, &s->id, sizeof h.store) != 0) {
        damage(r, NULL, "%s: of another store", name);
        return ST_OK;
    }
    /* Not named by the manifest: nothing was ever written to it but, maybe, its header. */
    if (st != ST_OK && r->has_manifest && !seg->is_ready) return ST_OK;
    if (st != ST_OK || h.segment != seg->number) {
        damage(r, NULL, "%s: bytes 0 to %u: no header of this segment", name, RECORD_BLOCK);
        return ST_OK;
    }
    seg->base = h.base;
    rs->cut = h.cut;
    rs->cut_end = h.cut_end;
    if (seg->bytes < h.bytes) seg->bytes = h.bytes;
    if (rs->bytes < (seg->footer_at ? seg->footer_at + seg->footer_bytes : h.bytes))
        damage(r, NULL, "%s: cut short: %llu bytes", name, (unsigned long long)rs->bytes);
    return ST_OK;
}

/* A crash came between the making of the file and the manifest with its name: nothing was ever
 * written to it but, maybe, its header. */
static void drop_unused(struct store *s, struct segment *seg)
{
    char name[FILES_NAME_BYTES];

    if (seg->number >= s->next_segment) s->next_segment = seg->number + 1;
    if (disk_remove(s->dir, files_segment_name(name, seg->number), NULL) != ST_OK) return;
    segment_remove(&s->files, seg->number);
    segment_free(&seg);
}

static enum status scan_all(struct recovery *r, struct error *why)
{
    struct store *s = r->store;
    enum status st = ST_OK;
    uint32_t number = 0;

    r->segments = mem_zero((s->files.count + 1) * sizeof *r->segments);
    for (struct segment *seg; st == ST_OK && (seg = segment_next(&s->files, number)) != NULL;) {
        struct recover_segment *rs = &r->segments[r->segment_count++];
        char *image;
        rs->segment = seg;
        number = seg->number;
        image = read_image(r, rs);
        if (image == NULL) continue;
        st = take_header(r, rs, image, why);
        if (st == ST_OK) find_batches(r, rs, image);
        if (rs->bytes > seg->bytes) seg->bytes = record_pad_block(rs->bytes);
        pages_unmap(image, rs->mapped);
        if (st == ST_OK && !seg->is_ready && r->has_manifest && rs->count == 0) {
            drop_unused(s, seg);
            r->segment_count--;
        }
    }
    return st;
}

/* ---- judging ---- */

static bool is_void(const struct recovery *r, size_t of, uint64_t position)
{
    for (size_t i = of + 1; i < r->segment_count; i++)
        if (position >= r->segments[i].cut && position < r->segments[i].cut_end) return true;
    return false;
}

/* Whether the batch is used; sets is_torn at the torn end of the log. */
static bool judge(struct recovery *r, size_t of, const struct recover_batch *b)
{
    struct recover_segment *rs = &r->segments[of];
    uint64_t end = b->position + record_pad_block(b->length);
    char name[FILES_NAME_BYTES];

    if (is_void(r, of, b->position)) return false;
    if (r->expected ? b->previous_end != r->expected : b->previous_end > r->floor) {
        if (b->previous_end > r->durable) {
            r->is_torn = true;
            return false;
        }
        damage(r, NULL, "%s: bytes of the log from %llu to %llu are lost before byte %llu",
               files_segment_name(name, rs->segment->number), (unsigned long long)r->expected,
               (unsigned long long)b->previous_end, (unsigned long long)b->at);
    }
    if (!b->is_good && end > r->durable) {
        r->is_torn = true;
        return false;
    }
    r->expected = end;
    return true;
}

static void judge_all(struct recovery *r)
{
    struct store *s = r->store;

    if (s->manifest.durable > r->durable) r->durable = s->manifest.durable;
    for (size_t i = 0; i < r->segment_count; i++) {
        struct recover_segment *rs = &r->segments[i];
        struct segment *seg = rs->segment;
        bool follows = i > 0 && r->segments[i - 1].segment->number + 1 == seg->number;
        if (!follows) {
            r->expected = 0;
            r->floor = seg->base + RECORD_BLOCK;
        }
        seg->tail = RECORD_BLOCK;
        for (size_t k = 0; k < rs->count; k++) {
            struct recover_batch *b = &rs->batches[k];
            b->is_used = !r->is_torn && judge(r, i, b);
            if (b->is_used) seg->tail = b->at + record_pad_block(b->length);
            if (b->is_used) s->previous_end = seg->base + seg->tail;
        }
        seg->written = seg->tail;
        seg->is_closed = seg->is_ready = true;
        if (seg->base + seg->bytes > s->next_base) s->next_base = seg->base + seg->bytes;
        if (seg->number >= s->next_segment) s->next_segment = seg->number + 1;
    }
    s->cut = s->previous_end;
    s->cut_end = s->next_base;
}

/* ---- records ---- */

typedef void each_f(struct recovery *r, struct recover_segment *rs, const struct record *rec,
                    uint64_t at);

/* Find the next record in [at, end) after a bad one; end: none. */
static uint64_t resync(const struct segment *seg, const char *image, uint64_t at, uint64_t end)
{
    struct record rec;

    for (at += RECORD_ALIGN; at + RECORD_FRAME_BYTES <= end; at += RECORD_ALIGN)
        if (record_parse(image + at, end - at, seg->salt, at, &rec) == ST_OK) return at;
    return end;
}

static void walk_batch(struct recovery *r, struct recover_segment *rs, const char *image,
                       const struct recover_batch *b, each_f *each)
{
    struct segment *seg = rs->segment;
    uint64_t at = b->at + RECORD_BATCH_BYTES, end = b->at + b->length;
    char name[FILES_NAME_BYTES];

    while (at < end) {
        struct record rec;
        if (record_parse(image + at, end - at, seg->salt, at, &rec) == ST_OK) {
            each(r, rs, &rec, at);
            at += rec.bytes;
        } else {
            uint64_t next = resync(seg, image, at, end);
            if (r->pass == 0)
                damage(r, NULL, "%s: bytes %llu to %llu: no records",
                       files_segment_name(name, seg->number), (unsigned long long)at,
                       (unsigned long long)next);
            seg->damaged++;
            at = next;
        }
    }
}

static void walk_all(struct recovery *r, each_f *each)
{
    for (size_t i = 0; i < r->segment_count; i++) {
        struct recover_segment *rs = &r->segments[i];
        char *image = rs->count ? read_image(r, rs) : NULL;
        if (image == NULL) continue;
        for (size_t k = 0; k < rs->count; k++)
            if (rs->batches[k].is_used) walk_batch(r, rs, image, &rs->batches[k], each);
        pages_unmap(image, rs->mapped);
    }
    r->pass++;
}

static struct store_record to_owner(const struct record *rec)
{
    return (struct store_record){
        .kind = rec->kind, .flags = rec->flags, .size = rec->size, .seq = rec->seq,
        .time_ns = rec->time_ns, .extra = span_make(rec->head, rec->extra_len),
        .subject = span_make(rec->head + rec->extra_len, rec->subject_len) };
}

static void with_body(struct store_record *out, const struct record *rec)
{
    out->header = span_make(rec->body, rec->header_len);
    out->body = span_make(rec->body + rec->header_len, rec->body_len);
}

static struct recover_group *group_of(struct recovery *r, uint32_t number)
{
    struct recover_group *rg;

    if (r->last && r->last->number == number) return r->last;
    rg = map_get(&r->groups, span_make((const char *)&number, sizeof number));
    if (rg == NULL) {
        rg = mem_zero(sizeof *rg);
        rg->number = number;
        map_set(&r->groups, span_make((const char *)&number, sizeof number), rg);
    }
    return r->last = rg;
}

/* First pass: what groups there are, and the place of each one's newest checkpoint. */
static void find_state(struct recovery *r, struct recover_segment *rs, const struct record *rec,
                       uint64_t at)
{
    struct recover_group *rg = group_of(r, rec->group);
    char name[FILES_NAME_BYTES];

    if (rec->kind == RECORD_END) rg->is_ended = true;
    if (rec->index > rg->index) rg->index = rec->index;
    if (rec->group >= r->store->next_group) r->store->next_group = rec->group + 1;
    if (rec->kind == STORE_CHECKPOINT && rec->index > rg->checkpoint_index && rec->id) {
        if (record_body_is_good(rec)) {
            rg->checkpoint_index = rec->index;
            rg->checkpoint = (struct store_loc){ rs->segment->number,
                                                 (uint32_t)(at / RECORD_ALIGN) };
        } else {
            damage(r, NULL, "%s: checkpoint at byte %llu is damaged",
                   files_segment_name(name, rs->segment->number), (unsigned long long)at);
        }
    }
}

/* Second pass: the checkpoints themselves. */
static void tell_group(struct recovery *r, struct recover_segment *rs, const struct record *rec,
                       uint64_t at)
{
    struct recover_group *rg = group_of(r, rec->group);
    struct store_record out = to_owner(rec);
    struct store_group *g;

    if (rg->is_ended || rec->kind != STORE_CHECKPOINT ||
        rg->checkpoint.segment != rs->segment->number || rg->checkpoint.at != at / RECORD_ALIGN)
        return;
    g = store_add_group(r->store, rec->group);
    memcpy(g->id.bytes, rec->id, sizeof g->id.bytes);
    g->index = rg->index;
    g->checkpoint_index = rec->index;
    g->checkpoint_position = rs->segment->base + at + rec->bytes;
    with_body(&out, rec);
    rg->group = g;
    rg->owner = r->tell->group(r->tell->arg, g, &out);
    g->is_orphan = rg->owner == NULL;
}

/* Third pass: what changed since. Segments and batches come in the order of appending. */
static void tell_delta(struct recovery *r, struct recover_segment *rs, const struct record *rec,
                       uint64_t at)
{
    struct recover_group *rg = group_of(r, rec->group);
    struct store_record out = to_owner(rec);
    char name[FILES_NAME_BYTES];

    if (rec->kind == RECORD_END) rs->segment->ends++;
    if (rg->is_ended || rec->kind == RECORD_END) return;
    if (rg->group) store_account(rg->group, rs->segment, rec);
    else rs->segment->is_pinned = true;
    if (rg->owner == NULL || rec->kind != STORE_DELTA || rec->index <= rg->checkpoint_index)
        return;
    if (!record_body_is_good(rec)) {
        damage(r, rg->owner, "%s: a change at byte %llu is damaged",
               files_segment_name(name, rs->segment->number), (unsigned long long)at);
        return;
    }
    with_body(&out, rec);
    r->tell->delta(rg->owner, &out);
}

/* Fourth pass: messages. */
static void tell_message(struct recovery *r, struct recover_segment *rs, const struct record *rec,
                         uint64_t at)
{
    struct recover_group *rg = group_of(r, rec->group);
    struct store_record out = to_owner(rec);
    uint32_t memo = UINT32_MAX;

    if (rg->owner == NULL || rg->is_ended || rec->kind != STORE_MESSAGE) return;
    r->tell->message(rg->owner, &out,
                     (struct store_loc){ rs->segment->number, (uint32_t)(at / RECORD_ALIGN) },
                     &memo);
}

static void end_groups(struct recovery *r)
{
    for (size_t i = 0; i < r->groups.count; i++) {
        struct recover_group *rg = r->groups.entries[i].value;
        if (rg->owner) r->tell->group_done(rg->owner);
        if (rg->group == NULL && !rg->is_ended)
            damage(r, NULL, "group %u has records and no checkpoint", rg->number);
    }
}

/* ---- all of it ---- */

static enum status write_first_manifest(struct store *s, struct error *why)
{
    struct buf bytes = { 0 };
    struct manifest m = s->manifest;
    enum status st;

    m.store = s->id;
    m.sealed = s->sealed;
    m.next_segment = s->next_segment;
    m.next_group = s->next_group;
    m.next_round = s->next_round;
    m.generation = ++s->manifest.generation;
    manifest_put(&m, &bytes);
    st = files_put_manifest(s->dir, buf_span(&bytes), why);
    buf_free(&bytes);
    return st;
}

static enum status find_out(struct recovery *r, struct error *why)
{
    struct store *s = r->store;
    enum status st = read_manifests(r, why);

    if (st == ST_OK) st = disk_dir_list(s->dir, on_entry, r, why);
    if (st != ST_OK) return st;
    if (r->has_manifest) {
        const struct manifest *m = &s->manifest;
        s->id = m->store;
        s->sealed = m->sealed;
        s->next_segment = m->next_segment;
        s->next_group = m->next_group;
        s->next_round = m->next_round;
        r->has_id = true;
    } else if (s->files.count == 0 && r->manifest_status[0] == ST_NOT_FOUND &&
               r->manifest_status[1] == ST_NOT_FOUND) {
        entropy_fill(s->id.bytes, sizeof s->id.bytes);
        s->next_base = RECORD_BLOCK;
        return write_first_manifest(s, why);
    }
    report_manifests(r);
    compare_with_manifest(r);
    st = scan_all(r, why);
    if (st != ST_OK) return st;
    s->next_base = RECORD_BLOCK;
    judge_all(r);
    walk_all(r, find_state);
    walk_all(r, tell_group);
    walk_all(r, tell_delta);
    walk_all(r, tell_message);
    end_groups(r);
    return ST_OK;
}

enum status recover_run(struct store *s, const struct store_recovery *tell, struct error *why)
{
    struct recovery r = { .store = s, .tell = tell };
    enum status st = find_out(&r, why);

    for (size_t i = 0; i < r.segment_count; i++) mem_free(r.segments[i].batches);
    mem_free(r.segments);
    for (size_t i = 0; i < r.groups.count; i++) mem_free(r.groups.entries[i].value);
    map_free(&r.groups);
    return st;
}
