/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_go_block.c - byte 0: limit, byte 1: step; then block 1 of a stream "KEYS" of nats-server's
 * file store, read whole and in steps; the hashes of records are made right first. */
#include "base/assert.h"
#include "base/mem.h"
#include "proto/go_block.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void mend(uint8_t *data, size_t size)
{
    struct go_block_reader r;

    go_block_reader_init(&r, SPAN_LIT("KEYS"), 1, size);
    for (size_t at = 0; size - at >= GO_RECORD_BYTES_MIN;) {
        uint8_t *p = data + at;
        size_t length = p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16;
        size_t subject = p[20] | (size_t)p[21] << 8, skip = p[3] & 0x80 ? 4 : 0;
        struct highwayhash h;
        uint64_t hash;
        if ((p[3] & 0x7f) != 0 || length > size - at ||
            length < GO_RECORD_BYTES_MIN + subject + skip)
            break;
        highwayhash_init(&h, r.key);
        highwayhash_update(&h, p + 4, 16);
        highwayhash_update(&h, p + 22, subject);
        highwayhash_update(&h, p + 22 + subject + skip,
                           length - GO_RECORD_BYTES_MIN - subject - skip);
        hash = highwayhash_final(&h);
        for (size_t i = 0; i < 8; i++) p[length - 8 + i] = (uint8_t)(hash >> (8 * i));
        at += length;
    }
    go_block_reader_fini(&r);
}

static enum status read_block(struct span in, size_t step, uint64_t max, struct buf *log)
{
    struct go_block_reader r;
    struct go_record rec = { 0 };
    enum status st = ST_OK;

    go_block_reader_init(&r, SPAN_LIT("KEYS"), 1, max);
    for (size_t start = 0; start < in.len && st == ST_OK; start += step) {
        size_t n = in.len - start < step ? in.len - start : step, at = 0, used;
        do {
            st = go_block_read(&r, span_make(in.p + start + at, n - at), &used, &rec, NULL);
            assert(used <= n - at);
            at += used;
            if (st != ST_OK) break;
            buf_printf(log, "%d %llu ", rec.kind, (unsigned long long)rec.seq);
            if (rec.kind == GO_RECORD_MORE) log->len -= strlen("0 0 ");
            buf_append_span(log, rec.subject);
            buf_append_span(log, rec.headers);
            buf_append_span(log, rec.body);
        } while (rec.kind != GO_RECORD_MORE);
    }
    if (st == ST_OK) st = go_block_read_end(&r, NULL);
    go_block_reader_fini(&r);
    return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole = { 0 }, steps = { 0 };
    struct span in;
    uint8_t *copy;

    if (size < 3) return 0;
    size -= 2;
    copy = mem_alloc(size);
    memcpy(copy, data + 2, size);
    mend(copy, size);
    in = span_make((char *)copy, size);
    enum status a = read_block(in, size, data[0] * 16u, &whole);
    enum status b = read_block(in, data[1] + 1u, data[0] * 16u, &steps);
    assert(a == b);
    assert(span_equal(buf_span(&whole), buf_span(&steps)));
    mem_free(copy);
    buf_free(&whole);
    buf_free(&steps);
    return 0;
}
