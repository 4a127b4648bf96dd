/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_state_record.c - a stream's state record of any bytes: read to its end, runs come back. */
#include "base/assert.h"
#include "jetstream/pub_headers.h"
#include "jetstream/state_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_runs(struct span body)
{
    struct buf runs = { 0 }, again = { 0 }, back = { 0 };
    struct state_section section;
    struct span rest;
    bool bad;

    if (state_runs(body, &runs)) {
        state_put_runs(&again, STATE_REMOVED, buf_span(&runs));
        rest = buf_span(&again);
        if (!state_next(&rest, &section, &bad)) unreachable();
        if (!state_runs(section.body, &back)) unreachable();
        assert(span_equal(buf_span(&back), buf_span(&runs)));
    }
    buf_free(&runs);
    buf_free(&again);
    buf_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_make((const char *)data, size), name, state;
    struct state_section section;
    struct pub_headers h;
    uint64_t n;
    bool bad;

    pub_headers_scan(rest, &h);
    while (state_next(&rest, &section, &bad)) {
        (void)state_number(section.body, &n);
        if (state_consumer(section.body, &name, &state))
            assert(name.len + state.len <= section.body.len);
        check_runs(section.body);
    }
    return 0;
}
