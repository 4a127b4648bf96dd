/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_consumer_state.c - a consumer's record from disk: refused, or a state that comes out of its
 * own record again. Input: a byte for the policy, then bodies, each behind two bytes of length. */
#include "base/assert.h"
#include "base/list.h"
#include "jetstream/consumer_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(struct consumer *c)
{
    struct consumer again = { .stream = c->stream };
    struct buf body = { 0 };
    struct span config;

    c->logs = true;
    consumer_encode(c, &body);
    c->logs = false;
    assert(consumer_state_apply(&again, buf_span(&body), &config) == ST_OK ||
           c->next_delivery == 0 || c->created_ns < 0);
    if (again.next_seq) {
        assert(again.next_seq == c->next_seq && again.floor_seq == c->floor_seq);
        assert(again.pending.total == c->pending.total);
    }
    consumer_progress_free(&again);
    buf_free(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stream stream = { .js = NULL };
    struct consumer c = { .stream = &stream };
    struct span rest = span_make((const char *)data, size), config;

    if (size == 0) return 0;
    c.config.ack = (enum js_ack)(data[0] & 3);
    rest = span_from(rest, 1);
    while (rest.len >= 2) {
        size_t length = (size_t)((uint8_t)rest.p[0] | (uint8_t)rest.p[1] << 8);
        enum status st;
        rest = span_from(rest, 2);
        if (length > rest.len) length = rest.len;
        st = consumer_state_apply(&c, span_make(rest.p, length), &config);
        if (st != ST_OK) break;
        rest = span_from(rest, length);
        check_again(&c);
    }
    consumer_progress_free(&c);
    return 0;
}
