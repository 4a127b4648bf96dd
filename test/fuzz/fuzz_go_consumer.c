/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_go_consumer.c - the state of a consumer of nats-server's file store. */
#include "base/assert.h"
#include "proto/go_consumer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct go_consumer_state s;
    enum status st = go_consumer_decode(&s, span_make((const char *)data, size), NULL);

    assert(st == ST_OK || (s.pending == NULL && s.redelivered == NULL));
    assert(s.pending_count <= size && s.redelivered_count <= size);
    for (size_t i = 0; i < s.pending_count; i++) assert(s.pending[i].stream_seq != 0);
    for (size_t i = 0; i < s.redelivered_count; i++) assert(s.redelivered[i].count != 0);
    go_consumer_state_fini(&s);
    return 0;
}
