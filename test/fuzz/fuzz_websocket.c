/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_websocket.c - byte 0: flags, byte 1: step; then frames, decoded whole and in steps. */
#include "base/assert.h"
#include "proto/websocket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(const uint8_t *data, size_t size, size_t step, unsigned flags, struct buf *log)
{
    struct websocket_decoder d;

    websocket_decoder_init(&d, flags & 1, flags & 2, 100);
    for (size_t start = 0; start < size; start += step) {
        struct buf piece = { 0 };
        size_t at = 0, used;
        buf_append(&piece, data + start, size - start < step ? size - start : step);
        for (;;) {
            struct websocket_event ev = websocket_decode(&d, piece.p + at, piece.len - at, &used);
            at += used;
            if (ev.kind == WEBSOCKET_MORE) break;
            if (ev.kind != WEBSOCKET_DATA) buf_printf(log, "[%d %d]", ev.kind, ev.status);
            buf_append_span(log, ev.payload);
        }
        assert(at == piece.len);
        buf_free(&piece);
    }
    websocket_decoder_fini(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole = { 0 }, steps = { 0 };

    if (size < 3) return 0;
    decode(data + 2, size - 2, size, data[0], &whole);
    decode(data + 2, size - 2, data[1] % 16 + 1u, data[0], &steps);
    assert(span_equal(buf_span(&whole), buf_span(&steps)));
    buf_free(&whole);
    buf_free(&steps);
    return 0;
}
