/* SPDX-License-Identifier: Apache-2.0 */
/* source_copy.c - one message of an origin becomes one of the copy. */
#include "jetstream/source.h"
#include "jetstream/stream_priv.h"
#include "proto/header.h"
#include "proto/transform.h"

/* By the first of the source's transforms that takes it. */
static struct span map_subject(struct source *c, struct span subject)
{
    for (size_t i = 0; i < c->config->transform_count; i++) {
        const struct transform *t = c->transforms[i];
        if (t == NULL || !transform_matches(t, subject)) continue;
        c->subject.len = 0;
        transform_apply(t, subject, &c->copy->js->home->rng, &c->subject);
        return buf_span(&c->subject);
    }
    return subject;
}

/* Without what was meant for the origin alone; a source's with where it comes from. */
static struct span make_header(struct source *c, const struct store_record *r)
{
    struct buf *b = &c->header;

    b->len = 0;
    buf_append_span(b, r->header);
    if (b->len) b->len = header_remove_prefix(b->p, b->len, SPAN_LIT("Nats-Expected-"));
    if (b->len) b->len = header_remove_prefix(b->p, b->len, SPAN_LIT("Nats-Batch-"));
    if (c->is_mirror) return b->len ? buf_span(b) : SPAN_NONE;
    if (b->len) b->len = header_remove(b->p, b->len, SPAN_LIT("Nats-Stream-Source"));
    if (b->len >= 2) b->len -= 2;       /* the empty line */
    else buf_append_text(b, "NATS/1.0\r\n");
    buf_append_text(b, "Nats-Stream-Source: ");
    source_append_header(b, c->name, r->seq, r->subject, span_of(c->identity));
    buf_append_text(b, "\r\n\r\n");
    return buf_span(b);
}

/* What lies between has no message in the origin, or none that is wanted. It is logged before the
 * message, so that recovery finds no hole that nobody has made. */
static void skip_up_to(struct stream *s, uint64_t seq)
{
    if (seq <= msgs_state(s->msgs).last_seq + 1) return;
    stream_skip_to(s, seq - 1);
    stream_log_now(s);
}

enum source_result source_copy(struct source *c, const struct store_record *r)
{
    struct stream *s = c->copy;
    struct inbox_msg m = { .subject = map_subject(c, r->subject), .body = r->body,
                           .account = s->account->account };
    struct ingest in;
    enum ingest_result result;

    if (c->is_mirror && r->seq <= msgs_state(s->msgs).last_seq) return SOURCE_COPIED;
    m.header = make_header(c, r);
    ingest_init(&in, s, &m);
    in.copied = true;
    if (c->is_mirror) {
        skip_up_to(s, r->seq);
        in.time_ns = r->time_ns;
    }
    result = ingest_take(&in);
    if (result == INGEST_REFUSED) c->error = in.refused;
    if (in.duplicate) result = INGEST_DONE;
    ingest_fini(&in);
    if (result == INGEST_LATER) return SOURCE_LATER;
    return result == INGEST_DONE ? SOURCE_COPIED : SOURCE_REFUSED;
}
