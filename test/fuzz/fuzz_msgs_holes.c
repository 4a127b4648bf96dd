/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_msgs_holes.c - a text of holes: what is decoded and small enough to be made comes out of a
 * message index as the same text. */
#include "base/assert.h"
#include "jetstream/msgs.h"

#define SEQS_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The last sequence in a hole, or 0 when that is above the limit. */
static uint64_t end_of(const struct msgs_holes *h, uint64_t first)
{
    uint64_t end = 0;

    for (uint64_t seq = first; seq <= first + SEQS_MAX; seq++) {
        if (msgs_holes_has(h, seq)) end = seq;
    }
    return end == first + SEQS_MAX ? 0 : end;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_make((const char *)data, size);
    struct msg_entry e = { { 1, 1 }, 0, 1 };
    struct msgs_holes *h;
    struct buf out = { 0 };
    struct msgs *m;
    uint64_t first = size ? data[0] : 0, end;

    if (msgs_holes_decode(&h, in) != ST_OK) {
        assert(h == NULL);
        return 0;
    }
    assert(!msgs_holes_has(h, 0));
    end = size == 0 || first >= 0x80 ? 0 : end_of(h, first);
    m = msgs_new(1);
    e.subject = msgs_intern(m, SPAN_LIT("a"));
    for (uint64_t seq = first; end != 0 && seq <= end; seq++) {
        if (!msgs_holes_has(h, seq)) msgs_add(m, seq, &e);
    }
    if (end != 0) msgs_set_last(m, end);
    msgs_encode_holes(m, &out);
    if (end != 0) assert(span_has_prefix(in, buf_span(&out)));
    buf_free(&out);
    msgs_free(&m);
    msgs_holes_free(&h);
    return 0;
}
