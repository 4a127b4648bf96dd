/* SPDX-License-Identifier: Apache-2.0 */
/* message_trace.c - events are written as they happen; the rest of the JSON when all is over. */
#include "core/message_trace.h"

#include <stdlib.h>

#include "auth/perms.h"
#include "base/jsonw.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/publish.h"
#include "core/server_json.h"
#include "core/sublist.h"
#include "core/trace.h"
#include "os/clock.h"
#include "proto/subject.h"

#define VERSION_LINE "NATS/1.0\r\n"
#define KIND_CLIENT 0

struct message_trace {
    struct client *client;              /* the publisher */
    struct span header, subject;        /* as they came in; borrowed */
    struct span dest;
    size_t total;
    int64_t start_wall_ns;
    bool only;
    char *error;                        /* why permissions refused it; or NULL */
    struct buf events;                  /* all but the first */
    struct jsonw writer;
};

struct field {
    struct span key, value;
};

/* Cut the next "key: value" off *rest; fields without a key or value are passed over. */
static bool next_field(struct span *rest, struct field *f)
{
    for (;;) {
        size_t colon = span_find(*rest, ':'), end;
        if (colon == rest->len) return false;
        f->key = span_make(rest->p, colon);
        *rest = span_from(*rest, colon + 1);
        end = span_find(*rest, '\r');
        if (end + 1 >= rest->len || rest->p[end + 1] != '\n') return false;
        f->value = span_trim(span_make(rest->p, end));
        *rest = span_from(*rest, end + 2);
        if (f->key.len > 0 && f->value.len > 0) return true;
    }
}

static bool fields_start(struct span header, struct span *rest)
{
    if (!span_has_prefix(header, SPAN_LIT(VERSION_LINE))) return false;
    *rest = span_from(header, strlen(VERSION_LINE));
    return true;
}

static bool means_yes(struct span s)
{
    return span_is(s, "1") || span_equal_nocase(s, SPAN_LIT("true")) ||
           span_equal_nocase(s, SPAN_LIT("on"));
}

static void log_about(const struct client *c, const char *what, struct span value, const char *end)
{
    struct buf line = { 0 };

    client_append_label(c, &line);
    buf_printf(&line, " - %s", what);
    buf_append_quoted(&line, value);
    buf_append_text(&line, end);
    log_error("%s", buf_text(&line));
    buf_free(&line);
}

/* What the header asks for: first values count. */
struct wish {
    struct span dest, only, origin;
};

static struct wish read_wish(struct span header)
{
    struct wish w = { { 0 }, { 0 }, { 0 } };
    struct span rest;
    struct field f;

    if (!fields_start(header, &rest)) return w;
    while (next_field(&rest, &f)) {
        if (w.dest.len == 0 && span_is(f.key, "Nats-Trace-Dest")) w.dest = f.value;
        if (w.only.len == 0 && span_is(f.key, "Nats-Trace-Only")) w.only = f.value;
        if (w.origin.len == 0 && span_is(f.key, "Nats-Trace-Origin-Account")) w.origin = f.value;
    }
    return w;
}

static bool may_publish_to(const struct client *c, struct span dest)
{
    if (publish_is_reserved(c, dest)) return false;
    return perms_allow(c->perms, PERMS_PUBLISH, dest, SPAN_NONE);
}

bool message_trace_open(struct client *c, struct message *m)
{
    struct span header = span_make(m->body, m->header_len);
    struct wish w = read_wish(header);
    struct message_trace *t;
    bool only = means_yes(w.only);

    if (w.dest.len == 0 || span_is(w.dest, "trace disabled")) return true;
    if (w.origin.len > 0) {
        log_about(c, "Message tracing disabled because of header \"Nats-Trace-Origin-Account\" "
                  "with value=", w.origin, "");
        return !only;
    }
    if (!subject_is_valid_literal(w.dest)) {
        log_about(c, "Destination ", w.dest, " is not valid, won't be able to trace events");
        return !only;
    }
    if (!may_publish_to(c, w.dest)) {
        publish_refuse(c, w.dest);
        return false;
    }
    t = mem_zero(sizeof *t);
    *t = (struct message_trace){ .client = c, .header = header, .subject = m->subject,
                                 .dest = w.dest, .total = m->total, .only = only,
                                 .start_wall_ns = clock_wall_ns() };
    t->writer = jsonw_start(&t->events);
    t->writer.need_comma = true;        /* the first event stands before */
    m->trace = t;
    return true;
}

bool message_trace_is_only(const struct message_trace *t)
{
    return t->only;
}

void message_trace_refused(struct message_trace *t, const char *text)
{
    mem_free(t->error);
    t->error = mem_dup(text);
}

static void start_event(struct jsonw *w, const char *type, int64_t wall_ns)
{
    jsonw_object(w, NULL);
    jsonw_text(w, "type", type);
    jsonw_time(w, "ts", wall_ns);
}

void message_trace_mapped(struct message_trace *t, struct span to)
{
    start_event(&t->writer, "sm", clock_wall_ns());
    jsonw_string(&t->writer, "to", to);
    jsonw_end_object(&t->writer);
}

/* Where sub stands in the sublist. Its own loop may take it out meanwhile: then nothing. */
static void write_sub(const struct message_trace *t, const struct sub *sub, struct jsonw *w)
{
    struct account *a = t->client->account;
    unsigned side = client_loop(t->client)->index;
    struct buf filter = { 0 };

    sync_brlock_read(&a->lock, side);
    if (sub->node) {
        sublist_append_filter(sub, &filter);
        jsonw_string(w, "sub", buf_span(&filter));
        if (sub->group) jsonw_string(w, "queue", sublist_queue(sub));
    }
    sync_brlock_read_done(&a->lock, side);
    buf_free(&filter);
}

void message_trace_egress(struct message_trace *t, const struct sub *sub, const char *error)
{
    const struct client *c = CONTAINER_OF(sub->subscriber, struct client, subscriber);
    struct jsonw *w = &t->writer;

    if (t->events.len >= MESSAGE_TRACE_EVENTS_BYTES_MAX) return;
    start_event(w, "eg", clock_wall_ns());
    jsonw_int(w, "kind", KIND_CLIENT);
    jsonw_uint(w, "cid", c->id);
    jsonw_text_if(w, "name", atomic_load(&c->details->name));
    write_sub(t, sub, w);
    jsonw_text_if(w, "error", error);
    jsonw_end_object(w);
}

/* By key; fields of one key stay in their order. */
static int compare_fields(const void *a, const void *b)
{
    const struct field *x = a, *y = b;
    int order = span_compare(x->key, y->key);

    return order ? order : (x->key.p > y->key.p) - (x->key.p < y->key.p);
}

/* "header":{"key":["value",...],...}, keys sorted. */
static void write_header(const struct message_trace *t, struct jsonw *w)
{
    struct field *fields = NULL, f;
    size_t count = 0, cap = 0;
    struct span rest;

    if (!fields_start(t->header, &rest)) return;
    while (next_field(&rest, &f)) {
        if (count == cap) {
            cap = cap ? 2 * cap : 16;
            fields = mem_resize(fields, cap * sizeof *fields);
        }
        fields[count++] = f;
    }
    qsort(fields, count, sizeof *fields, compare_fields);
    jsonw_object(w, "header");
    for (size_t i = 0; i < count; i++) {
        bool first = i == 0 || !span_equal(fields[i - 1].key, fields[i].key);
        if (first && i > 0) jsonw_end_array(w);
        if (first) {
            jsonw_key(w, fields[i].key);
            jsonw_array(w, NULL);
        }
        jsonw_string(w, NULL, fields[i].value);
    }
    jsonw_end_array(w);
    jsonw_end_object(w);
    mem_free(fields);
}

static void write_ingress(const struct message_trace *t, struct jsonw *w)
{
    start_event(w, "in", t->start_wall_ns);
    jsonw_int(w, "kind", KIND_CLIENT);
    jsonw_uint(w, "cid", t->client->id);
    jsonw_text_if(w, "name", atomic_load(&t->client->details->name));
    jsonw_text(w, "acc", t->client->account->name);
    jsonw_string(w, "subj", t->subject);
    jsonw_text_if(w, "error", t->error);
    jsonw_end_object(w);
}

void message_trace_close(struct core_loop *cl, struct message_trace **tp)
{
    struct message_trace *t = *tp;
    struct message event = { .subject = t->dest, .account = t->client->account };
    struct buf body = { 0 };
    struct jsonw w = jsonw_start(&body);

    jsonw_object(&w, NULL);
    server_json_write(cl, &w, "server");
    jsonw_object(&w, "request");
    write_header(t, &w);
    jsonw_uint(&w, "msgsize", t->total);
    jsonw_end_object(&w);
    jsonw_array(&w, "events");
    write_ingress(t, &w);
    if (t->events.len > 0) buf_append_span(&body, buf_span(&t->events));
    jsonw_end_array(&w);
    jsonw_end_object(&w);
    event.total = body.len;
    event.body = body.p;
    publish_internal(cl, &event);
    buf_free(&body);
    buf_free(&t->events);
    mem_free(t->error);
    mem_free(t);
    *tp = NULL;
}
