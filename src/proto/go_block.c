/* SPDX-License-Identifier: Apache-2.0 */
/* go_block.c - gathers a record, checks its lengths and its hash, and only then looks into it. */
#include "proto/go_block.h"

#include <openssl/evp.h>

#include "base/assert.h"

enum { LENGTH_BYTES = 4, HEADER_LENGTH_BYTES = 4, HASH_BYTES = 8 };

#define HEADERS_BIT (UINT32_C(1) << 31)         /* of the length */
#define ERASED_BIT (UINT64_C(1) << 63)          /* of the sequence */
#define TOMBSTONE_BIT (UINT64_C(1) << 62)

static uint64_t load_le(const char *p, unsigned bytes)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < bytes; i++) v |= (uint64_t)(unsigned char)p[i] << (8 * i);
    return v;
}

void go_block_reader_init(struct go_block_reader *r, struct span stream, uint32_t number,
                          uint64_t record_max)
{
    struct buf name = { 0 };
    int done;

    memset(r, 0, sizeof *r);
    r->record_max = record_max;
    buf_printf(&name, "%.*s-%u", SPAN_ARG(stream), (unsigned)number);
    done = EVP_Digest(name.p, name.len, r->key, NULL, EVP_sha256(), NULL);
    assert(done == 1);
    buf_free(&name);
}

void go_block_reader_fini(struct go_block_reader *r)
{
    buf_free(&r->record);
}

static enum status begin_record(struct go_block_reader *r, struct error *why)
{
    r->want = load_le(r->record.p, LENGTH_BYTES) & ~HEADERS_BIT;
    if (r->want < GO_RECORD_BYTES_MIN)
        return error_set(why, ST_BAD_INPUT, "message block: record of %zu bytes", r->want);
    if (r->want > r->record_max)
        return error_set(why, ST_LIMIT, "message block: record of %zu bytes", r->want);
    return ST_OK;
}

static bool has_right_hash(struct go_block_reader *r, struct span subject, struct span rest)
{
    struct highwayhash h;

    highwayhash_init(&h, r->key);
    highwayhash_update(&h, r->record.p + 4, 16);
    highwayhash_update(&h, subject.p, subject.len);
    highwayhash_update(&h, rest.p, rest.len);
    r->last_hash = load_le(r->record.p + r->want - HASH_BYTES, HASH_BYTES);
    return highwayhash_final(&h) == r->last_hash;
}

static enum status end_record(struct go_block_reader *r, struct go_record *record,
                              struct error *why)
{
    const char *p = r->record.p;
    bool has_headers = load_le(p, LENGTH_BYTES) & HEADERS_BIT;
    uint64_t seq = load_le(p + 4, 8), header_bytes = 0;
    struct span subject = span_make(p + GO_RECORD_HEAD_BYTES, load_le(p + 20, 2));
    struct span rest = span_make(subject.p, r->want - GO_RECORD_BYTES_MIN);

    if (subject.len + (has_headers ? HEADER_LENGTH_BYTES : 0) > rest.len)
        return error_set(why, ST_BAD_INPUT, "message block: invalid subject length");
    rest = span_from(rest, subject.len);
    if (has_headers) {
        header_bytes = load_le(rest.p, HEADER_LENGTH_BYTES);
        rest = span_from(rest, HEADER_LENGTH_BYTES);
    }
    if (!has_right_hash(r, subject, rest))
        return error_set(why, ST_BAD_INPUT, "message block: invalid checksum");
    record->seq = seq & ~(ERASED_BIT | TOMBSTONE_BIT);
    record->timestamp_ns = (int64_t)load_le(p + 12, 8);
    if (seq & TOMBSTONE_BIT) {
        record->kind = GO_RECORD_TOMBSTONE;
    } else if (seq == 0 || seq & ERASED_BIT) {
        record->kind = GO_RECORD_ERASED;
    } else {
        if (header_bytes > rest.len)
            return error_set(why, ST_BAD_INPUT, "message block: invalid header length");
        record->kind = GO_RECORD_MESSAGE;
        record->subject = subject;
        record->headers = span_make(rest.p, header_bytes);
        record->body = span_from(rest, header_bytes);
    }
    return ST_OK;
}

enum status go_block_read(struct go_block_reader *r, struct span in, size_t *used,
                          struct go_record *record, struct error *why)
{
    enum status st = ST_OK;

    *used = 0;
    *record = (struct go_record){ .kind = GO_RECORD_MORE };
    if (r->handed_out) {
        r->record.len = r->want = 0;
        r->handed_out = false;
    }
    for (;;) {
        size_t want = r->want ? r->want : LENGTH_BYTES, n = want - r->record.len;
        if (n > in.len - *used) n = in.len - *used;
        if (n > 0) buf_append(&r->record, in.p + *used, n);
        *used += n;
        if (r->record.len < want) return ST_OK;
        if (r->want == 0) {
            st = begin_record(r, why);
            if (st != ST_OK) return st;
        } else {
            r->handed_out = true;
            return end_record(r, record, why);
        }
    }
}

enum status go_block_read_end(const struct go_block_reader *r, struct error *why)
{
    if (r->handed_out || r->record.len == 0) return ST_OK;
    return error_set(why, ST_BAD_INPUT, "message block: ends inside a record");
}
