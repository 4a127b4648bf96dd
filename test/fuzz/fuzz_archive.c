/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_archive.c - byte 0: limit, byte 1: step; then an archive, read whole and in steps. What is
 * read well is written again and read once more. */
#include "base/assert.h"
#include "proto/archive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void note(const struct archive_event *ev, struct buf *log)
{
    switch (ev->kind) {
    case ARCHIVE_MORE: break;
    case ARCHIVE_STATE: archive_append_state(log, ev->json, 1); break;
    case ARCHIVE_CONSUMER: archive_append_consumer(log, ev->name, ev->json, 1); break;
    case ARCHIVE_MESSAGE: archive_append_message(log, &ev->message); break;
    case ARCHIVE_END: archive_append_end(log); break;
    }
}

static enum status read_archive(struct span in, size_t step, uint64_t max, struct buf *log)
{
    struct archive_limits limits = { .json_max = max, .message_max = max };
    struct archive_event ev = { 0 };
    struct archive_reader r;
    enum status st = ST_OK;

    archive_reader_init(&r, &limits);
    for (size_t start = 0; start < in.len && st == ST_OK; start += step) {
        size_t n = in.len - start < step ? in.len - start : step, at = 0, used;
        do {
            st = archive_read(&r, span_make(in.p + start + at, n - at), &used, &ev, NULL);
            assert(used <= n - at);
            at += used;
            if (st != ST_OK) break;
            assert(ev.json.len <= max);
            assert(ev.message.headers.len + ev.message.body.len <= max);
            note(&ev, log);
        } while (ev.kind != ARCHIVE_MORE && ev.kind != ARCHIVE_END);
    }
    if (st == ST_OK) st = archive_read_end(&r, NULL);
    archive_reader_fini(&r);
    return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole = { 0 }, steps = { 0 }, again = { 0 };
    struct span in;
    uint64_t max;

    if (size < 3) return 0;
    max = data[0] * 8u;
    in = span_make((const char *)data + 2, size - 2);
    enum status a = read_archive(in, in.len, max, &whole);
    enum status b = read_archive(in, data[1] + 1u, max, &steps);
    assert(a == b);
    assert(span_equal(buf_span(&whole), buf_span(&steps)));
    if (a == ST_OK) {
        b = read_archive(buf_span(&whole), whole.len, max, &again);
        assert(b == ST_OK);
        assert(span_equal(buf_span(&whole), buf_span(&again)));
    }
    buf_free(&whole);
    buf_free(&steps);
    buf_free(&again);
    return 0;
}
