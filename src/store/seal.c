/* SPDX-License-Identifier: Apache-2.0 */
/* seal.c - walks the batches in the image, or in the file where part of the image was dropped. */
#include "store/seal.h"

#include "base/crc32c.h"
#include "base/mem.h"
#include "os/disk.h"
#include "os/pages.h"
#include "store/files.h"

enum status seal_add(struct seal_keys *k, struct footer *f, const struct record *r,
                     const char *in, uint64_t at)
{
    struct record plain = *r;
    size_t len = (size_t)r->extra_len + r->subject_len;

    if (r->form & RECORD_SEALED) {
        if (k->master == NULL) return ST_DAMAGED;
        if (k->group != r->group) {
            k->group_key = crypt_derive(k->master, r->group);
            k->group = r->group;
        }
        k->plain.len = 0;
        buf_reserve(&k->plain, len + 1);
        if (crypt_open_head(&k->group_key, r, in, k->plain.p) != ST_OK) return ST_DAMAGED;
        plain.head = k->plain.p;
    }
    footer_add(f, &plain, at);
    return ST_OK;
}

static enum status build(const struct segment *seg, const char *image,
                         const struct crypt_key *master, struct buf *out, struct error *why)
{
    struct seal_keys keys = { .master = master };
    struct footer f = { 0 };
    struct record_batch b;
    enum status st = ST_OK;

    for (uint64_t at = RECORD_BLOCK; at < seg->tail && st == ST_OK;
         at += record_pad_block(b.length)) {
        uint64_t end, from = at + RECORD_BATCH_BYTES;
        struct record r;
        st = record_get_batch(image + at, seg->number, at, seg->salt, &b);
        if (st == ST_OK && b.length > seg->tail - at) st = ST_DAMAGED;
        end = at + b.length;
        for (; st == ST_OK && from < end; from += r.bytes) {
            st = record_parse(image + from, end - from, seg->salt, from, &r);
            if (st == ST_OK) st = seal_add(&keys, &f, &r, image + from, from);
        }
    }
    if (st == ST_OK) footer_finish(&f, seg->number, seg->base + seg->tail, out);
    else error_set(why, st, "the segment is damaged");
    footer_free(&f);
    buf_free(&keys.plain);
    mem_wipe(&keys.group_key, sizeof keys.group_key);
    return st;
}

static enum status build_from_file(const struct segment *seg, struct disk_file *f,
                                   const struct crypt_key *master, struct buf *out,
                                   struct error *why)
{
    char *image = pages_map(seg->tail);
    size_t got;
    enum status st = disk_read(f, 0, image, seg->tail, &got, why);

    if (st == ST_OK && got < seg->tail) st = error_set(why, ST_DAMAGED, "the file is too short");
    if (st == ST_OK) st = build(seg, image, master, out, why);
    pages_unmap(image, seg->tail);
    return st;
}

enum status seal_run(struct seal *seal, struct disk_dir *dir, const struct crypt_key *master,
                     struct error *why)
{
    struct segment *seg = seal->segment;
    struct buf plain = seg->footer, sealed = { 0 };
    struct disk_file *f = seg->file, *own = NULL;
    char name[FILES_NAME_BYTES];
    struct span bytes;
    enum status st = ST_OK;

    if (f == NULL) {
        st = disk_open(dir, files_segment_name(name, seg->number), DISK_WRITE, &own, why);
        f = own;
    }
    if (st == ST_OK && plain.len == 0)
        st = seal->has_image ? build(seg, seg->image, master, &plain, why)
                             : build_from_file(seg, f, master, &plain, why);
    if (st == ST_OK) {
        bytes = buf_span(&plain);
        if (master) {
            struct crypt_key key = crypt_derive(master, 0);
            crypt_seal(&key, seal->nonces, bytes, &sealed);
            bytes = buf_span(&sealed);
            mem_wipe(&key, sizeof key);
        }
        seal->at = seg->footer_place ? seg->footer_place : seg->tail;
        seal->bytes = bytes.len;
        seal->crc = crc32c(0, bytes.p, bytes.len);
        st = disk_write(f, seal->at, &bytes, 1, why);
    }
    if (st == ST_OK) st = disk_sync(f, why);
    disk_close(&own);
    if (seg->footer.p != plain.p) buf_free(&plain);
    buf_free(&sealed);
    return st;
}
