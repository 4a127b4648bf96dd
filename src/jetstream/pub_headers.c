/* SPDX-License-Identifier: Apache-2.0 */
/* pub_headers.c - one pass over the lines of a header block. */
#include "jetstream/pub_headers.h"

#include "base/duration.h"

struct known {
    struct span key;
    size_t at;                          /* of the span in struct pub_headers */
};

#define KNOWN(text, field) { SPAN_INIT(text), offsetof(struct pub_headers, field) }

static const struct known known[] = {
    KNOWN("Nats-Msg-Id", msg_id),
    KNOWN("Nats-Expected-Stream", expected_stream),
    KNOWN("Nats-Expected-Last-Msg-Id", expected_last_msg_id),
    KNOWN("Nats-Expected-Last-Sequence", expected_last_seq),
    KNOWN("Nats-Expected-Last-Subject-Sequence", expected_last_subject_seq),
    KNOWN("Nats-Expected-Last-Subject-Sequence-Subject", expected_last_subject),
    KNOWN("Nats-Rollup", rollup),
    KNOWN("Nats-TTL", ttl),
    KNOWN("Nats-Incr", incr),
    KNOWN("Nats-Counter-Sources", counter_sources),
    KNOWN("Nats-Schedule", schedule),
    KNOWN("Nats-Schedule-Target", schedule_target),
    KNOWN("Nats-Schedule-Source", schedule_source),
    KNOWN("Nats-Schedule-TTL", schedule_ttl),
    KNOWN("Nats-Schedule-Rollup", schedule_rollup),
    KNOWN("Nats-Schedule-Time-Zone", schedule_time_zone),
    KNOWN("Nats-Scheduler", scheduler),
    KNOWN("Nats-Schedule-Next", schedule_next),
    KNOWN("Nats-Batch-Id", batch_id),
    KNOWN("Nats-Batch-Sequence", batch_seq),
    KNOWN("Nats-Batch-Commit", batch_commit),
    KNOWN("Nats-Stream-Source", stream_source),
    KNOWN("Nats-Required-Api-Level", required_api_level),
    KNOWN("Nats-Marker-Reason", marker_reason),
    KNOWN("KV-Operation", kv_operation),
};

static void take_line(struct span key, struct span value, struct pub_headers *h)
{
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        struct span *field;
        if (!span_equal(known[i].key, key)) continue;
        field = (struct span *)(void *)((char *)h + known[i].at);
        if (field->p == NULL) *field = value;
        h->any = true;
        return;
    }
}

/* nats-server drops the spaces before a value, but none behind it. */
static struct span value_of(struct span text)
{
    while (text.len && text.p[0] == ' ') text = span_from(text, 1);
    return text;
}

void pub_headers_scan(struct span block, struct pub_headers *h)
{
    const char *p = block.p, *end = block.p + block.len;
    bool first = true;

    *h = (struct pub_headers){ .any = false };
    while (p < end) {
        const char *eol = memchr(p, '\n', (size_t)(end - p)), *next = eol ? eol + 1 : end;
        size_t len = (size_t)((eol ? eol : end) - p), colon;
        if (len > 0 && p[len - 1] == '\r') len--;
        colon = first ? len : span_find(span_make(p, len), ':');
        if (colon < len && (p[0] == 'N' || p[0] == 'K'))
            take_line(span_make(p, colon), value_of(span_make(p + colon + 1, len - colon - 1)), h);
        first = false;
        p = next;
    }
}

enum rollup pub_headers_rollup(const struct pub_headers *h)
{
    if (span_equal_nocase(h->rollup, SPAN_LIT("sub"))) return ROLLUP_SUBJECT;
    if (span_equal_nocase(h->rollup, SPAN_LIT("all"))) return ROLLUP_ALL;
    return ROLLUP_NONE;
}

uint64_t pub_headers_number(struct span value)
{
    uint64_t n;

    return span_to_u64(value, &n) && n <= INT64_MAX ? n : UINT64_MAX;
}

static bool is_digits(struct span value)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.p[i] < '0' || value.p[i] > '9') return false;
    return value.len > 0;
}

bool pub_headers_ttl(struct span value, int64_t *seconds)
{
    uint64_t n;
    int64_t ns;

    *seconds = 0;
    if (value.len == 0) return true;
    if (span_equal_nocase(value, SPAN_LIT("never"))) {
        *seconds = -1;
        return true;
    }
    if (duration_parse(value, &ns) == ST_OK && !(value.len == 1 && value.p[0] == '0')) {
        *seconds = ns / NS_PER_S;
        return ns >= NS_PER_S;
    }
    if (!is_digits(value)) return false;
    n = pub_headers_number(value);
    *seconds = n > INT64_MAX ? INT64_MAX : (int64_t)n;      /* longer than any clock goes */
    return n > 0;                       /* Go reads "0" as a duration below a second */
}
