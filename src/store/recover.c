/* SPDX-License-Identifier: Apache-2.0 */
/* recover.c - what a directory holds, told to the owner.
 *
 * Batches of all segments are read first, then judged in the order of the log: each names the end
 * of the one before it, and how far everything was synced when it was written. What is bad or
 * missing below the furthest such mark is damage: reported, and everything after it is used. What
 * is bad above it is the torn end of the log: nothing from there on was ever promised, none of it
 * is used, and the headers of later segments say so (cut, cut_end). Nothing is removed because it
 * can't be read; only files that were never used, and segments wholly beyond the torn end, are. */
#include <stdio.h>

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "os/entropy.h"
#include "os/pages.h"
#include "store/files.h"
#include "store/maker.h"
#include "store/recover.h"
#include "store/store_priv.h"

#define MANIFEST_BYTES_MAX (UINT64_C(1) << 30)

void recover_damage(struct recovery *r, void *owner, const char *fmt, ...)
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
        recover_damage(r, NULL, "%s: no segment has such a number", name);
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
            recover_damage(r, NULL, "%s: %s", files_manifest_name(i),
                           status_text(r->manifest_status[i]));
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
            seg->file_bytes = m->segments[i].bytes;
            seg->footer_at = m->segments[i].footer_at;
            seg->footer_bytes = m->segments[i].footer_bytes;
            seg->footer_crc = m->segments[i].footer_crc;
        } else {
            recover_damage(r, NULL, "%s: missing", files_segment_name(name, m->segments[i].number));
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

/* Open the file of rs and note its length. */
static enum status open_file(struct recovery *r, struct recover_segment *rs,
                             struct disk_file **out)
{
    char name[FILES_NAME_BYTES];
    struct error why;
    enum status st;

    files_segment_name(name, rs->segment->number);
    st = disk_open(r->store->dir, name, DISK_READ, out, &why);
    if (st == ST_OK) st = disk_size(*out, &rs->bytes, &why);
    if (st != ST_OK) {
        disk_close(out);
        recover_damage(r, NULL, "%s: %s", name, why.text);
    }
    return st;
}

/* Map and read the whole file of rs; NULL: it can't be opened (reported). */
static char *read_image(struct recovery *r, struct recover_segment *rs)
{
    struct disk_file *f = NULL;
    char name[FILES_NAME_BYTES], *image;
    struct error why;
    size_t got = 0;

    if (open_file(r, rs, &f) != ST_OK) return NULL;
    rs->mapped = record_pad_block(rs->bytes) + RECORD_BLOCK;
    image = pages_map(rs->mapped);
    for (uint64_t at = 0; at < rs->bytes; at += SEGMENT_CHUNK) {
        uint64_t len = rs->bytes - at < SEGMENT_CHUNK ? rs->bytes - at : SEGMENT_CHUNK;
        if (disk_read(f, at, image + at, len, &got, &why) != ST_OK)
            recover_damage(r, NULL, "%s: bytes %llu to %llu: %s",
                           files_segment_name(name, rs->segment->number), (unsigned long long)at,
                           (unsigned long long)(at + len), why.text);
    }
    disk_close(&f);
    return image;
}

/* What the header of a file says. BAD_INPUT: of a newer version. */
static enum status take_header(struct recovery *r, struct recover_segment *rs, const char *block,
                               struct error *why)
{
    struct segment *seg = rs->segment;
    struct store *s = r->store;
    struct record_file h;
    char name[FILES_NAME_BYTES];
    enum status st = record_get_file(block, &h);

    files_segment_name(name, seg->number);
    if (st == ST_UNSUPPORTED)
        return error_set(why, ST_BAD_INPUT, "%s: of a newer version", name);
    if (st == ST_OK && !r->has_id) {
        s->id = h.store;
        r->has_id = true;
        if (h.sealed)
            return error_set(why, ST_BAD_INPUT, "%s: encrypted, and no manifest has the key", name);
    }
    seg->salt = record_salt(&s->id, seg->number);
    /* Not named by the manifest: nothing was ever written to it but, maybe, its header. */
    if (st != ST_OK && r->has_manifest && !seg->is_ready) return ST_OK;
    if (st != ST_OK || h.segment != seg->number ||
        memcmp(&h.store, &s->id, sizeof h.store) != 0) {
        recover_damage(r, NULL, "%s: bytes 0 to %u: not the header of this segment", name,
                       RECORD_BLOCK);
        return ST_OK;
    }
    rs->has_header = true;
    seg->base = h.base;
    rs->cut = h.cut;
    rs->cut_end = h.cut_end;
    seg->file_bytes = seg->file_bytes ? seg->file_bytes : h.bytes;
    if (rs->bytes < seg->file_bytes)
        recover_damage(r, NULL, "%s: cut short at byte %llu", name, (unsigned long long)rs->bytes);
    if (h.base + h.bytes > s->next_base) s->next_base = h.base + h.bytes;
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

static enum status read_header(struct recovery *r, struct recover_segment *rs, struct error *why)
{
    char *block = mem_zero(RECORD_BLOCK);
    struct disk_file *f = NULL;
    enum status st = ST_OK;
    size_t got;

    if (open_file(r, rs, &f) != ST_OK) {
        rs->is_unreadable = true;
    } else {
        if (disk_read(f, 0, block, RECORD_BLOCK, &got, NULL) != ST_OK)
            memset(block, 0, RECORD_BLOCK);
        st = take_header(r, rs, block, why);
    }
    disk_close(&f);
    mem_free(block);
    return st;
}

/* Its own checksum is looked at by footer_open; that of the manifest, when is_first: it is the one
 * that was written then. */
static enum status read_footer(struct recovery *r, struct segment *seg, bool is_first,
                               struct buf *out)
{
    struct disk_file *f = NULL;
    struct buf *to = r->store->sealed ? &r->stored : out;
    char name[FILES_NAME_BYTES];
    size_t got = 0;
    enum status st = disk_open(r->store->dir, files_segment_name(name, seg->number), DISK_READ,
                               &f, NULL);

    out->len = to->len = 0;
    buf_reserve(to, seg->footer_bytes + 1);
    if (st == ST_OK) st = disk_read(f, seg->footer_at, to->p, seg->footer_bytes, &got, NULL);
    to->len = got;
    if (st == ST_OK && (got != seg->footer_bytes ||
                        (is_first && crc32c(0, to->p, got) != seg->footer_crc)))
        st = ST_DAMAGED;
    if (st == ST_OK && to != out) {
        struct crypt_key key = crypt_derive(&r->store->master, 0);
        if (span_has_prefix(buf_span(to), SPAN_LIT(FOOTER_MAGIC)))      /* from before the key */
            buf_append_span(out, buf_span(to));
        else
            st = crypt_open(&key, buf_span(to), out);
        mem_wipe(&key, sizeof key);
    }
    disk_close(&f);
    return st;
}

enum status recover_load_footer(struct recovery *r, struct recover_segment *rs, struct buf *out)
{
    if (rs->segment->is_sealed) return read_footer(r, rs->segment, false, out);
    out->len = 0;
    buf_append_span(out, buf_span(&rs->segment->footer));
    return rs->segment->footer.len ? ST_OK : ST_DAMAGED;
}

/* Whether the segment has a good footer; sets what it says. */
static bool take_footer(struct recovery *r, struct recover_segment *rs)
{
    struct segment *seg = rs->segment;
    struct footer_view v = { 0 };
    char name[FILES_NAME_BYTES];
    bool is_good = false;

    if (seg->footer_at == 0 || !rs->has_header) return false;
    if (seg->footer_at <= rs->bytes && seg->footer_bytes <= rs->bytes - seg->footer_at &&
        read_footer(r, seg, true, &r->footer) == ST_OK &&
        footer_open(buf_span(&r->footer), &v) == ST_OK)
        is_good = v.segment == seg->number && v.end >= seg->base &&
                  v.end - seg->base <= seg->footer_at;
    if (is_good) {
        seg->is_sealed = true;
        seg->tail = v.end - seg->base;
        if (v.end > r->durable) r->durable = v.end;
    } else {
        recover_damage(r, NULL, "%s: bytes %llu to %llu: the footer is damaged",
                       files_segment_name(name, seg->number), (unsigned long long)seg->footer_at,
                       (unsigned long long)(seg->footer_at + seg->footer_bytes));
    }
    footer_close(&v);
    return is_good;
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
        st = read_header(r, rs, why);
        if (st != ST_OK || rs->is_unreadable || take_footer(r, rs)) continue;
        image = read_image(r, rs);
        rs->is_unreadable = image == NULL;
        if (image == NULL) continue;
        find_batches(r, rs, image);
        pages_unmap(image, rs->mapped);
        if (!seg->is_ready && r->has_manifest && rs->count == 0) {
            drop_unused(s, seg);
            *rs = (struct recover_segment){ 0 };
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
        recover_damage(r, NULL, "%s: bytes of the log from %llu to %llu are lost before byte %llu",
                       files_segment_name(name, rs->segment->number),
                       (unsigned long long)r->expected, (unsigned long long)b->previous_end,
                       (unsigned long long)b->at);
    }
    if (!b->is_good && end > r->durable) {
        r->is_torn = true;
        return false;
    }
    r->expected = end;
    return true;
}

/* Judge the batches of one segment; sets where its records end. */
static void judge_segment(struct recovery *r, size_t i)
{
    struct recover_segment *rs = &r->segments[i];
    struct segment *seg = rs->segment;

    seg->tail = RECORD_BLOCK;
    for (size_t k = 0; k < rs->count; k++) {
        struct recover_batch *b = &rs->batches[k];
        b->is_used = !r->is_torn && judge(r, i, b);
        if (b->is_used) {
            seg->tail = b->at + record_pad_block(b->length);
            continue;
        }
        seg->footer_place = record_pad_block(rs->bytes);        /* leave it as it is */
        r->store->void_segments += !seg->has_void;
        seg->has_void = true;                                   /* till it is collected */
    }
}

static void judge_all(struct recovery *r)
{
    struct store *s = r->store;

    if (s->manifest.durable > r->durable) r->durable = s->manifest.durable;
    for (size_t i = 0; i < r->segment_count; i++) {
        struct recover_segment *rs = &r->segments[i];
        struct segment *seg = rs->segment;
        bool follows = i > 0 && r->segments[i - 1].segment->number + 1 == seg->number &&
                       !r->segments[i - 1].is_unreadable;
        uint64_t end;
        if (!follows) {
            r->expected = 0;
            r->floor = seg->base + RECORD_BLOCK;
        }
        if (!seg->is_sealed) judge_segment(r, i);
        end = seg->base + seg->tail;
        if (seg->is_sealed) r->expected = end;
        if (seg->tail > RECORD_BLOCK && end > s->previous_end) s->previous_end = end;
        if (end > s->next_base) s->next_base = record_pad_block(end);
        seg->written = seg->tail;
        seg->bytes = seg->tail;
        seg->is_closed = seg->is_ready = true;
        seg->is_pinned = rs->is_unreadable || (!rs->has_header && seg->tail > RECORD_BLOCK);
        if (seg->number >= s->next_segment) s->next_segment = seg->number + 1;
    }
    s->cut = s->previous_end;
    s->cut_end = s->next_base;
}

static enum status rewrite_batch(struct disk_file *f, const struct recover_batch *b,
                                 struct error *why)
{
    uint64_t len = record_pad_block(b->length);
    struct span part;
    size_t got;
    char *bytes = mem_alloc(len);
    enum status st = disk_read(f, b->at, bytes, len, &got, why);

    part = span_make(bytes, got);
    if (st == ST_OK) st = disk_write(f, b->at, &part, 1, why);
    mem_free(bytes);
    return st;
}

/* Where only the process ended before, what is read now may not be on disk yet, and after a failed
 * sync another one would not bring it there. The owner will act on it, so it is written again. */
static enum status rewrite_tail(struct recovery *r, struct error *why)
{
    enum status st = ST_OK;
    char name[FILES_NAME_BYTES];

    for (size_t i = 0; i < r->segment_count && st == ST_OK; i++) {
        struct recover_segment *rs = &r->segments[i];
        struct disk_file *f = NULL;
        files_segment_name(name, rs->segment->number);
        for (size_t k = 0; k < rs->count && st == ST_OK; k++) {
            const struct recover_batch *b = &rs->batches[k];
            if (!b->is_used || b->position + record_pad_block(b->length) <= r->durable) continue;
            if (f == NULL) st = disk_open(r->store->dir, name, DISK_WRITE, &f, why);
            if (st == ST_OK) st = rewrite_batch(f, b, why);
        }
        if (f && st == ST_OK) st = disk_sync(f, why);
        disk_close(&f);
    }
    return st;
}

/* ---- footers of what has none ---- */

/* Find the next record in [at, end) after a bad one; end: none. */
static uint64_t resync(const struct segment *seg, const char *image, uint64_t at, uint64_t end)
{
    struct record rec;

    for (at += RECORD_ALIGN; at + RECORD_FRAME_BYTES <= end; at += RECORD_ALIGN)
        if (record_parse(image + at, end - at, seg->salt, at, &rec) == ST_OK) return at;
    return end;
}

static void add_batch_records(struct recovery *r, struct recover_segment *rs, const char *image,
                              const struct recover_batch *b, struct footer *f)
{
    struct segment *seg = rs->segment;
    uint64_t at = b->at + RECORD_BATCH_BYTES, end = b->at + b->length, next;
    char name[FILES_NAME_BYTES];

    for (; at < end; at = next) {
        struct record rec;
        enum status st = record_parse(image + at, end - at, seg->salt, at, &rec);
        if (st == ST_OK) st = seal_add(&r->keys, f, &rec, image + at, at);
        if (st == ST_OK) {
            next = at + rec.bytes;
            if (b->is_good || record_body_is_good(&rec) || record_is_erased(&rec)) continue;
            recover_damage(r, NULL, "%s: bytes %llu to %llu: the body of a record is damaged",
                           files_segment_name(name, seg->number), (unsigned long long)at,
                           (unsigned long long)next);
        } else {
            next = resync(seg, image, at, end);
            recover_damage(r, NULL, "%s: bytes %llu to %llu: no records",
                           files_segment_name(name, seg->number), (unsigned long long)at,
                           (unsigned long long)next);
        }
        seg->damaged++;
        seg->is_pinned = true;
    }
}

static void make_footer(struct recovery *r, struct recover_segment *rs)
{
    struct segment *seg = rs->segment;
    char *image = rs->count ? read_image(r, rs) : NULL;
    struct footer f = { 0 };

    if (image)
        for (size_t k = 0; k < rs->count; k++)
            if (rs->batches[k].is_used) add_batch_records(r, rs, image, &rs->batches[k], &f);
    if (image) pages_unmap(image, rs->mapped);
    footer_finish(&f, seg->number, seg->base + seg->tail, &seg->footer);
}

static void make_footers(struct recovery *r)
{
    r->keys.master = r->store->sealed ? &r->store->master : NULL;
    for (size_t i = 0; i < r->segment_count; i++) {
        struct recover_segment *rs = &r->segments[i];
        if (rs->segment->is_sealed || rs->is_unreadable) continue;
        make_footer(r, rs);
        if (!rs->segment->is_pinned && rs->segment->tail > RECORD_BLOCK)
            maker_add_closed(r->store, rs->segment);
    }
    buf_free(&r->keys.plain);
    mem_wipe(&r->keys.group_key, sizeof r->keys.group_key);
}

/* ---- all of it ---- */

static enum status write_manifest(struct store *s, unsigned copies, struct error *why)
{
    struct buf bytes = { 0 };
    struct manifest m;
    enum status st;

    maker_snapshot(s, &m);
    manifest_put(&m, &bytes);
    manifest_free(&m);
    st = files_put_manifest(s->dir, copies, buf_span(&bytes), why);
    buf_free(&bytes);
    return st;
}

/* The master key: from the manifest, or a new one if the store is not encrypted yet. *is_new: the
 * manifest has to be written. */
static enum status take_key(struct recovery *r, bool *is_new, struct error *why)
{
    struct store *s = r->store;
    struct span key = s->options.key, previous = s->options.previous_key;

    if (!s->manifest.sealed && key.len == 0) return ST_OK;
    if (key.len == 0)
        return error_set(why, ST_BAD_INPUT, "%s is encrypted, and there is no key",
                         s->options.dir);
    s->sealed = true;
    if (!s->manifest.sealed) {
        crypt_new_master(&s->master);
    } else if (crypt_unwrap(s->manifest.key, key, &s->master) == ST_OK) {
        return ST_OK;
    } else if (previous.len == 0 ||
               crypt_unwrap(s->manifest.key, previous, &s->master) != ST_OK) {
        return error_set(why, ST_BAD_INPUT, "%s is encrypted with another key", s->options.dir);
    }
    s->manifest.sealed = *is_new = true;
    crypt_wrap(&s->master, key, &s->nonces, s->manifest.key);
    return ST_OK;
}

/* Segments beyond the torn end of which nothing is used. */
static bool is_beyond(const struct segment *seg)
{
    return seg->has_void && seg->tail == RECORD_BLOCK && !seg->is_pinned;
}

/* Take all of them out of the manifest at once: were only some gone, or the segment whose header
 * declares them void, the rest would look like the log. Then remove the files. */
static enum status drop_beyond(struct recovery *r, struct error *why)
{
    struct store *s = r->store;
    enum status st;
    bool any = false;

    for (size_t i = 0; i < r->segment_count; i++) {
        struct segment *seg = r->segments[i].segment;
        if (!is_beyond(seg)) continue;
        seg->is_ready = false;
        any = true;
    }
    if (!any) return ST_OK;
    st = write_manifest(s, FILES_ALL_COPIES, why);
    for (size_t i = 0; i < r->segment_count && st == ST_OK; i++) {
        struct segment *seg = r->segments[i].segment;
        if (!is_beyond(seg)) continue;
        st = files_remove(s->dir, seg->number, false, false, why);
        s->void_segments--;
        segment_remove(&s->files, seg->number);
        segment_free(&seg);
    }
    return st;
}

static enum status find_out(struct recovery *r, struct error *why)
{
    struct store *s = r->store;
    bool is_new = false;
    unsigned bad = 0;
    enum status st = disk_dir_sync(s->dir, why);    /* see rewrite_tail */

    if (st == ST_OK) st = read_manifests(r, why);
    if (st == ST_OK) st = take_key(r, &is_new, why);
    if (st == ST_OK) st = disk_dir_list(s->dir, on_entry, r, why);
    if (st != ST_OK) return st;
    s->next_base = RECORD_BLOCK;
    if (r->has_manifest) {
        const struct manifest *m = &s->manifest;
        s->id = m->store;
        s->next_segment = m->next_segment;
        s->next_group = m->next_group;
        s->next_round = m->next_round;
        r->has_id = true;
    } else if (s->files.count == 0 && r->manifest_status[0] == ST_NOT_FOUND &&
               r->manifest_status[1] == ST_NOT_FOUND) {
        entropy_fill(s->id.bytes, sizeof s->id.bytes);
        return write_manifest(s, FILES_ALL_COPIES, why);
    }
    report_manifests(r);
    compare_with_manifest(r);
    st = scan_all(r, why);
    if (st != ST_OK) return st;
    judge_all(r);
    st = rewrite_tail(r, why);
    if (st != ST_OK) return st;
    make_footers(r);
    recover_tell_all(r);
    for (size_t i = 0; i < r->segment_count; i++)
        if (r->segments[i].segment->is_pinned)          /* it won't be written */
            buf_free(&r->segments[i].segment->footer);
    for (unsigned i = 0; i < MANIFEST_COPIES; i++)
        if (r->manifest_status[i] != ST_OK) bad |= 1u << i;
    st = bad ? write_manifest(s, bad, why) : ST_OK;
    if (st == ST_OK) st = drop_beyond(r, why);
    return is_new && st == ST_OK ? write_manifest(s, FILES_ALL_COPIES, why) : st;
}

enum status recover_run(struct store *s, const struct store_recovery *tell, struct error *why)
{
    struct recovery r = { .store = s, .tell = tell };
    enum status st = find_out(&r, why);

    for (size_t i = 0; i < r.segment_count; i++) mem_free(r.segments[i].batches);
    mem_free(r.segments);
    for (size_t i = 0; i < r.groups.count; i++) mem_free(r.groups.entries[i].value);
    map_free(&r.groups);
    buf_free(&r.footer);
    buf_free(&r.stored);
    return st;
}
