/* SPDX-License-Identifier: Apache-2.0 */
/* ingest.c - changing a message's header on its way in, and publishing it once more. */
#include "jetstream/ingest.h"

#include <stdio.h>

#include "base/duration.h"
#include "proto/header.h"
#include "proto/subject.h"
#include "proto/transform.h"

/* A copy of the header that may be changed. */
static struct buf *own_header(struct ingest *in)
{
    if (in->new_header.p == NULL || in->header.p != in->new_header.p) {
        in->new_header.len = 0;
        buf_append_span(&in->new_header, in->header);
    }
    return &in->new_header;
}

void ingest_remove_header(struct ingest *in, struct span key)
{
    struct span value;
    struct buf *b;

    if (in->header.len == 0 || !header_find(in->header, key, &value)) return;
    b = own_header(in);
    b->len = header_remove(b->p, b->len, key);
    in->header = b->len ? buf_span(b) : SPAN_NONE;
}

void ingest_set_header(struct ingest *in, struct span key, struct span value)
{
    struct buf *b;

    ingest_remove_header(in, key);
    b = own_header(in);
    if (b->len >= 2) b->len -= 2;       /* the empty line */
    else buf_append_text(b, "NATS/1.0\r\n");
    buf_printf(b, "%.*s: %.*s\r\n\r\n", SPAN_ARG(key), SPAN_ARG(value));
    in->header = buf_span(b);
}

void ingest_replace_header(struct ingest *in, struct span key, struct span value)
{
    struct span old;
    struct buf after = { 0 };
    struct buf *b;
    size_t at;

    if (in->header.len == 0 || !header_find(in->header, key, &old)) {
        ingest_set_header(in, key, value);
        return;
    }
    b = own_header(in);
    at = (size_t)(old.p - in->header.p);
    buf_append(&after, b->p + at + old.len, b->len - at - old.len);
    b->len = at;
    buf_append_span(b, value);
    buf_append_span(b, buf_span(&after));
    buf_free(&after);
    in->header = buf_span(b);
}

static void append_facts(const struct ingest *in, uint64_t before, struct buf *out)
{
    const struct stream *s = in->stream;

    if (in->header.len >= 2) buf_append(out, in->header.p, in->header.len - 2);
    else buf_append_text(out, "NATS/1.0\r\n");
    buf_printf(out, "Nats-Stream: %s\r\nNats-Subject: %.*s\r\nNats-Sequence: %llu\r\n"
               "Nats-Time-Stamp: ", s->config.name, SPAN_ARG(in->subject),
               (unsigned long long)in->seq);
    duration_append_rfc3339(out, s->last_ns);
    buf_printf(out, "\r\nNats-Last-Sequence: %llu\r\n", (unsigned long long)before);
    if (s->config.republish->headers_only)
        buf_printf(out, "Nats-Msg-Size: %zu\r\n", in->body.len);
    buf_append_text(out, "\r\n");
}

void ingest_republish(struct ingest *in, uint64_t before)
{
    struct stream *s = in->stream;
    struct buf subject = { 0 }, header = { 0 };
    struct js_message m = { .account = s->account->account };

    if (!transform_matches(s->republish, in->subject)) return;
    transform_apply(s->republish, in->subject, &s->js->home->rng, &subject);
    if (subject_is_valid_literal(buf_span(&subject))) {
        append_facts(in, before, &header);
        m.subject = buf_span(&subject);
        m.header = buf_span(&header);
        if (!s->config.republish->headers_only) m.body = in->body;
        js_send_when(s->js, s->position, &m);
    }
    buf_free(&subject);
    buf_free(&header);
}
