/* SPDX-License-Identifier: Apache-2.0 */
/* go_consumer.c - counts are held against the bytes that are left before anything is allocated. */
#include "proto/go_consumer.h"

#include "base/mem.h"
#include "proto/varint.h"

enum { MAGIC = 22, NS_PER_SECOND = 1000000000 };

void go_consumer_state_fini(struct go_consumer_state *s)
{
    mem_free(s->pending);
    mem_free(s->redelivered);
    memset(s, 0, sizeof *s);
}

/* Version 1 keeps delivered as a difference, too. */
static bool read_positions(struct go_consumer_state *s, struct span *in, int version)
{
    const uint64_t top_bit = UINT64_C(1) << 63;

    if (!varint_read_u64(in, &s->ack_floor_consumer) ||
        !varint_read_u64(in, &s->ack_floor_stream) ||
        !varint_read_u64(in, &s->delivered_consumer) ||
        !varint_read_u64(in, &s->delivered_stream))
        return false;
    if (version == 1) {
        if (s->ack_floor_consumer > 1) s->delivered_consumer += s->ack_floor_consumer - 1;
        if (s->ack_floor_stream > 1) s->delivered_stream += s->ack_floor_stream - 1;
    }
    return ((s->ack_floor_stream | s->delivered_stream) & top_bit) == 0;
}

/* Differences wrap: what lies below the ack floor comes out right. */
static bool read_pending(struct go_consumer_state *s, struct span *in, int version)
{
    uint64_t count;
    int64_t base, seconds;

    if (!varint_read_u64(in, &count)) return false;
    if (count == 0) return true;
    if (!varint_read_i64(in, &base) || count > in->len / (version == 1 ? 2 : 3)) return false;
    s->pending = mem_alloc(count * sizeof *s->pending);
    for (; s->pending_count < count; s->pending_count++) {
        struct go_pending *p = &s->pending[s->pending_count];
        *p = (struct go_pending){ 0 };
        if (!varint_read_u64(in, &p->stream_seq) ||
            (version == 2 && !varint_read_u64(in, &p->consumer_seq)) ||
            !varint_read_i64(in, &seconds))
            return false;
        p->stream_seq += s->ack_floor_stream;
        if (version == 2) p->consumer_seq += s->ack_floor_consumer;
        if (version == 1 ? __builtin_add_overflow(base, seconds, &seconds)
                         : __builtin_sub_overflow(base, seconds, &seconds))
            return false;
        if (p->stream_seq == 0 ||
            __builtin_mul_overflow(seconds, (int64_t)NS_PER_SECOND, &p->timestamp_ns))
            return false;
    }
    return true;
}

/* Entries without meaning are left out, as nats-server does. */
static bool read_redelivered(struct go_consumer_state *s, struct span *in)
{
    uint64_t count, seq, times;

    if (!varint_read_u64(in, &count) || count > in->len / 2) return false;
    if (count == 0) return true;
    s->redelivered = mem_alloc(count * sizeof *s->redelivered);
    for (uint64_t i = 0; i < count; i++) {
        if (!varint_read_u64(in, &seq) || !varint_read_u64(in, &times)) return false;
        if (seq == 0 || times == 0) continue;
        s->redelivered[s->redelivered_count++] = (struct go_redelivered){
            .stream_seq = seq + s->ack_floor_stream, .count = times };
    }
    return true;
}

enum status go_consumer_decode(struct go_consumer_state *s, struct span bytes, struct error *why)
{
    int version;

    memset(s, 0, sizeof *s);
    if (bytes.len < 2 || bytes.p[0] != MAGIC)
        return error_set(why, ST_BAD_INPUT, "corrupt consumer state");
    version = (unsigned char)bytes.p[1];
    if (version != 1 && version != 2)
        return error_set(why, ST_UNSUPPORTED, "consumer state of version %d", version);
    bytes = span_from(bytes, 2);
    if (read_positions(s, &bytes, version) && read_pending(s, &bytes, version) &&
        read_redelivered(s, &bytes))
        return ST_OK;
    go_consumer_state_fini(s);
    return error_set(why, ST_BAD_INPUT, "corrupt consumer state");
}
