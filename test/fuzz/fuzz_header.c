/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_header.c - "key\nblock": what was removed is not found again. */
#include "base/assert.h"
#include "base/buf.h"
#include "proto/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_make((const char *)data, size), key, value;
    size_t at = span_find(in, '\n');
    struct buf block = { 0 };

    if (at == in.len || at == 0) return 0;
    key = span_make(in.p, at);
    buf_append_span(&block, span_from(in, at + 1));
    if (header_find(buf_span(&block), key, &value))
        assert(value.p >= block.p && value.p + value.len <= block.p + block.len);
    header_is_valid(buf_span(&block));
    block.len = header_remove(block.p, block.len, key);
    assert(!header_find(buf_span(&block), key, &value));
    block.len = header_remove_prefix(block.p, block.len, span_make(key.p, 1));
    buf_free(&block);
    return 0;
}
