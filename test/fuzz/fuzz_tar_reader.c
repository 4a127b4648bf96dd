/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_tar_reader.c - byte 0: limit, byte 1: step; then a tar, read whole and in steps. Checksums
 * of heads, which mutations break, are made right where a head may stand. */
#include "base/assert.h"
#include "base/mem.h"
#include "proto/tar_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void mend(uint8_t *data, size_t size)
{
    for (size_t at = 0; size - at >= TAR_BLOCK_BYTES; at += TAR_BLOCK_BYTES) {
        uint8_t *block = data + at;
        unsigned sum = 8 * ' ';
        if (memcmp(block + 257, "ustar", 5) != 0) continue;
        for (size_t i = 0; i < TAR_BLOCK_BYTES; i++) sum += i - 148 < 8 ? 0 : block[i];
        for (int i = 5; i >= 0; i--, sum >>= 3) block[148 + i] = (uint8_t)('0' + (sum & 7));
        block[154] = 0;
        block[155] = ' ';
    }
}

static enum status read_tar(const uint8_t *data, size_t size, size_t step, uint64_t max,
                            struct buf *log)
{
    struct tar_event ev = { 0 };
    struct tar_reader r;
    enum status st = ST_OK;
    uint64_t left = 0;

    tar_reader_init(&r, max);
    for (size_t start = 0; start < size && st == ST_OK; start += step) {
        size_t n = size - start < step ? size - start : step, at = 0, used;
        do {
            const char *p = (const char *)data + start + at;
            st = tar_read(&r, span_make(p, n - at), &used, &ev, NULL);
            assert(used <= n - at);
            at += used;
            if (st != ST_OK) break;
            if (ev.kind == TAR_FILE) buf_printf(log, "%.*s=", SPAN_ARG(ev.name));
            if (ev.kind == TAR_FILE) left = ev.size;
            assert(ev.data.len <= left && left <= max);
            left -= ev.data.len;
            buf_append_span(log, ev.data);
            if (ev.kind == TAR_FILE_END) assert(left == 0);
        } while (ev.kind != TAR_MORE && ev.kind != TAR_END);
    }
    if (st == ST_OK) st = tar_read_end(&r, NULL);
    tar_reader_fini(&r);
    return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole = { 0 }, steps = { 0 };
    uint8_t *copy;

    if (size < 3) return 0;
    size -= 2;
    copy = mem_alloc(size);
    memcpy(copy, data + 2, size);
    mend(copy, size);
    enum status a = read_tar(copy, size, size, data[0] * 32u, &whole);
    enum status b = read_tar(copy, size, data[1] * 4u + 1u, data[0] * 32u, &steps);
    assert(a == b);
    assert(span_equal(buf_span(&whole), buf_span(&steps)));
    mem_free(copy);
    buf_free(&whole);
    buf_free(&steps);
    return 0;
}
