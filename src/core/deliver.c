/* SPDX-License-Identifier: Apache-2.0 */
/* deliver.c - from a message to "MSG subject sid [reply] size" in a client's staged output.
 *
 * Runs on the publisher's loop, for clients of any loop: it reads only what is fixed in the
 * subscription, and stages. The usual message is one header of a few bytes and one copy of the
 * publisher's own bytes; large ones are passed on by reference. */
#include "auth/perms.h"
#include "base/mem.h"
#include "core/client_priv.h"
#include "core/message_trace.h"
#include "core/responses.h"
#include "core/trace.h"
#include "proto/text.h"

#define COPY_BYTES_MAX (16 * 1024)      /* larger payloads go by reference */

/* What goes to one kind of receiver: with the header, or without. */
struct form {
    const char *body;
    size_t header_len, total;
};

static struct form form_for(const struct sub *sub, const struct message *m)
{
    if (m->header_len == 0 || sub->headers)
        return (struct form){ m->body, m->header_len, m->total };
    return (struct form){ m->body + m->header_len, 0, m->total - m->header_len };
}

/* "MSG subject sid " or "HMSG subject sid "; returns the end. */
static char *put_start(char *p, const struct sub *sub, struct span subject, bool header)
{
    if (header) *p++ = 'H';
    memcpy(p, "MSG ", 4);
    p += 4;
    memcpy(p, subject.p, subject.len);
    p += subject.len;
    *p++ = ' ';
    memcpy(p, sub->sid, sub->sid_len);
    p += sub->sid_len;
    *p++ = ' ';
    return p;
}

/* "[reply ][header size ]total size\r\n"; returns the end. */
static char *put_sizes(char *p, struct span reply, const struct form *f)
{
    if (reply.len) {
        memcpy(p, reply.p, reply.len);
        p += reply.len;
        *p++ = ' ';
    }
    if (f->header_len) {
        p = text_put_u64(p, f->header_len);
        *p++ = ' ';
    }
    p = text_put_u64(p, f->total);
    *p++ = '\r';
    *p++ = '\n';
    return p;
}

static size_t start_bytes(const struct sub *sub, struct span subject)
{
    return 5 + subject.len + 1 + sub->sid_len + 1u;
}

static void stage_raw(struct loop *l, struct conn *conn, const struct sub *sub,
                      const struct message *m)
{
    size_t room = start_bytes(sub, m->subject) + m->raw.len;
    char *start = conn_stage(l, conn, room), *p;

    p = put_start(start, sub, m->subject, m->header_len > 0);
    memcpy(p, m->raw.p, m->raw.len);
    conn_stage_done(l, conn, (size_t)(p - start) + m->raw.len);
}

static void stage_formatted(struct loop *l, struct conn *conn, const struct sub *sub,
                            const struct message *m, const struct form *f)
{
    bool by_reference = f->total > COPY_BYTES_MAX && m->keep != NULL;
    size_t room = start_bytes(sub, m->subject) + m->reply.len + 1 + 2 * TEXT_U64_MAX + 4;
    char *start, *p;

    if (!by_reference) room += f->total + 2;
    start = conn_stage(l, conn, room);
    p = put_start(start, sub, m->subject, f->header_len > 0);
    p = put_sizes(p, m->reply, f);
    if (!by_reference) {
        memcpy(p, f->body, f->total);
        p += f->total;
        *p++ = '\r';
        *p++ = '\n';
    }
    conn_stage_done(l, conn, (size_t)(p - start));
    if (by_reference) conn_stage_shared(l, conn, m->keep, f->body, f->total + 2);
}

/* A max is exact: every delivery counts at once. True: this one is within it. The max is read
 * after the count went up, so that either we see a max that is being set, or who sets it sees our
 * delivery among those before it (apply_max in client_subs.c). */
static bool count_exactly(struct client *c, struct sub *sub)
{
    int64_t n = atomic_fetch_add(&sub->delivered, 1) + 1, max = atomic_load(&sub->max);

    if (n == max) client_post_reap(c, sub);
    return n <= max;
}

/* Without a max the count is added when the stage is spliced, once for a run of messages. */
static void count_later(struct stage *s, struct sub *sub)
{
    if (s->counter != &sub->delivered) {
        if (s->count) atomic_fetch_add_explicit(s->counter, s->count, memory_order_relaxed);
        s->counter = &sub->delivered;
        s->count = 0;
    }
    s->count++;
}

/* The message stops here, which a trace wants to know. */
static bool withhold(const struct message *m, const struct sub *sub, const char *why)
{
    if (m->trace) message_trace_egress(m->trace, sub, why);
    return false;
}

bool client_deliver(struct loop *l, struct sub *sub, const struct message *m)
{
    struct client *c = CONTAINER_OF(sub->subscriber, struct client, subscriber);
    struct form f;
    struct stage *s;
    int64_t max;

    if (atomic_load_explicit(&sub->closed, memory_order_relaxed))
        return withhold(m, sub, "Not delivered because subscription is closed");
    if (sub->no_echo && m->origin == c)
        return withhold(m, sub, "Not delivered because of no echo");
    if (conn_drops(l, &c->conn))
        return withhold(m, sub, "Not delivered because client is closed");
    if (m->trace && message_trace_is_only(m->trace)) {
        message_trace_egress(m->trace, sub, NULL);
        return true;
    }
    max = atomic_load(&sub->max);       /* ordered after waking up, see sync_epochs_enter */
    if (max > 0 && !m->uncounted && !count_exactly(c, sub))
        return withhold(m, sub, "Not delivered because auto-unsubscribe exceeded");
    if (m->trace) message_trace_egress(m->trace, sub, NULL);
    if (m->reply.len && atomic_load_explicit(&sub->track_responses, memory_order_acquire))
        responses_add(c->responses, m->reply, l->now_ns);
    f = form_for(sub, m);
    if (m->raw.len && f.total == m->total && (m->total <= COPY_BYTES_MAX || m->keep == NULL))
        stage_raw(l, &c->conn, sub, m);
    else
        stage_formatted(l, &c->conn, sub, m, &f);
    if (!m->uncounted) {
        s = conn_stage_of(l, &c->conn);
        s->msgs++;
        s->msg_bytes += m->total;       /* as nats-server: with a header that was stripped */
        if (max <= 0) count_later(s, sub);
    }
    if (core_of(l)->config->options->trace) trace_delivery(c, sub, m, f.header_len, f.total);
    return true;
}

bool client_is_denied(const struct sub *sub, struct span subject)
{
    const struct client *c = CONTAINER_OF(sub->subscriber, struct client, subscriber);

    return !perms_allow(c->perms, PERMS_DELIVER, subject, sublist_queue(sub));
}
