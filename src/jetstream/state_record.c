/* SPDX-License-Identifier: Apache-2.0 */
/* state_record.c - sections, varints and runs. Pure. */
#include "jetstream/state_record.h"

#include "proto/varint.h"

void varint_put(struct buf *out, uint64_t n)
{
    for (; n >= 0x80; n >>= 7) buf_append_char(out, (char)(n | 0x80));
    buf_append_char(out, (char)n);
}

bool varint_take(struct span *rest, uint64_t *n)
{
    return varint_read_u64(rest, n);
}

void state_put(struct buf *out, enum state_tag tag, struct span body)
{
    buf_append_char(out, (char)tag);
    varint_put(out, body.len);
    buf_append_span(out, body);
}

void state_put_number(struct buf *out, enum state_tag tag, uint64_t n)
{
    struct buf body = { 0 };

    varint_put(&body, n);
    state_put(out, tag, buf_span(&body));
    buf_free(&body);
}

void state_put_consumer(struct buf *out, struct span name, struct span state)
{
    struct buf body = { 0 };

    varint_put(&body, name.len);
    buf_append_span(&body, name);
    buf_append_span(&body, state);
    state_put(out, STATE_CONSUMER, buf_span(&body));
    buf_free(&body);
}

void state_put_runs(struct buf *out, enum state_tag tag, struct span runs)
{
    struct buf body = { 0 };
    uint64_t end = 0;

    for (size_t at = 0; at + 16 <= runs.len; at += 16) {
        uint64_t run[2];
        memcpy(run, runs.p + at, sizeof run);
        varint_put(&body, zigzag((int64_t)(run[0] - end)));
        varint_put(&body, run[1] - run[0] + 1);
        end = run[1] + 1;
    }
    state_put(out, tag, buf_span(&body));
    buf_free(&body);
}

bool state_next(struct span *rest, struct state_section *out, bool *bad)
{
    uint64_t len;

    *bad = false;
    if (rest->len == 0) return false;
    out->tag = (unsigned char)rest->p[0];
    *rest = span_from(*rest, 1);
    if (!varint_take(rest, &len) || len > rest->len) {
        *bad = true;
        return false;
    }
    out->body = span_make(rest->p, len);
    *rest = span_from(*rest, len);
    return true;
}

bool state_number(struct span body, uint64_t *n)
{
    return varint_take(&body, n) && body.len == 0;
}

bool state_consumer(struct span body, struct span *name, struct span *state)
{
    uint64_t len;

    if (!varint_take(&body, &len) || len > body.len) return false;
    *name = span_make(body.p, len);
    *state = span_from(body, len);
    return true;
}

bool state_runs(struct span body, struct buf *out)
{
    uint64_t end = 0, step, length;

    while (body.len) {
        uint64_t run[2];
        if (!varint_take(&body, &step) || !varint_take(&body, &length)) return false;
        run[0] = end + (uint64_t)unzigzag(step);
        if (length == 0 || run[0] > UINT64_MAX - length) return false;
        run[1] = run[0] + length - 1;
        end = run[1] + 1;
        buf_append(out, run, sizeof run);
    }
    return true;
}
