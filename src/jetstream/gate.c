/* SPDX-License-Identifier: Apache-2.0 */
/* gate.c - entries in blocks, taken from the front. */
#include "jetstream/gate.h"

#include "base/mem.h"

#define BLOCK_BYTES (64 * 1024)

struct gate_entry {
    uint64_t position;
    uint32_t bytes;                     /* of the whole entry */
    uint32_t header_len, body_len;
    uint16_t subject_len, shown_len, reply_len;
    struct account *account;            /* NULL: a call */
    void (*fn)(void *arg);
    void *arg;
    char text[];
};

struct gate_block {
    struct gate_block *next;
    size_t at, end, cap;
    _Alignas(8) char bytes[];
};

struct gate {
    struct gate_block *head, *tail, *spare;
    uint64_t last;                      /* position of the newest entry */
    size_t count, bytes;                /* of the entries */
};

struct gate *gate_new(void)
{
    return mem_zero(sizeof(struct gate));
}

void gate_free(struct gate **g)
{
    if (*g == NULL) return;
    while ((*g)->head) {
        struct gate_block *b = (*g)->head;
        (*g)->head = b->next;
        mem_free(b);
    }
    mem_free((*g)->spare);
    mem_free(*g);
    *g = NULL;
}

static struct gate_entry *add(struct gate *g, uint64_t position, size_t text_len)
{
    size_t bytes = (sizeof(struct gate_entry) + text_len + 7) & ~(size_t)7;
    struct gate_block *b = g->tail;
    struct gate_entry *e;

    if (b == NULL || b->cap - b->end < bytes) {
        size_t cap = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
        b = g->spare && g->spare->cap >= cap ? g->spare : mem_alloc(sizeof *b + cap);
        if (b == g->spare) g->spare = NULL;
        else b->cap = cap;
        b->next = NULL;
        b->at = b->end = 0;
        if (g->tail) g->tail->next = b;
        else g->head = b;
        g->tail = b;
    }
    if (g->count > 0 && position < g->last) position = g->last;
    g->last = position;
    g->count++;
    g->bytes += bytes;
    e = (void *)(b->bytes + b->end);
    b->end += bytes;
    *e = (struct gate_entry){ .position = position, .bytes = (uint32_t)bytes };
    return e;
}

static char *put(char *p, struct span s)
{
    if (s.len) memcpy(p, s.p, s.len);
    return p + s.len;
}

void gate_add_message(struct gate *g, uint64_t position, const struct js_message *m)
{
    size_t len = m->subject.len + m->shown_subject.len + m->reply.len + m->header.len + m->body.len;
    struct gate_entry *e = add(g, position, len);
    char *p;

    e->account = m->account;
    e->subject_len = (uint16_t)m->subject.len;
    e->shown_len = (uint16_t)m->shown_subject.len;
    e->reply_len = (uint16_t)m->reply.len;
    e->header_len = (uint32_t)m->header.len;
    e->body_len = (uint32_t)m->body.len;
    p = put(e->text, m->subject);
    p = put(p, m->shown_subject);
    p = put(p, m->reply);
    p = put(p, m->header);
    put(p, m->body);
}

void gate_add_call(struct gate *g, uint64_t position, void (*fn)(void *arg), void *arg)
{
    struct gate_entry *e = add(g, position, 0);

    e->fn = fn;
    e->arg = arg;
}

static void release(const struct gate_entry *e, struct js *js,
                    uint64_t (*send)(struct js *js, const struct js_message *m))
{
    const char *p = e->text;
    struct js_message m = { .account = e->account };

    if (e->account == NULL) {
        e->fn(e->arg);
        return;
    }
    m.subject = span_make(p, e->subject_len);
    m.shown_subject = span_make(p += e->subject_len, e->shown_len);
    m.reply = span_make(p += e->shown_len, e->reply_len);
    m.header = span_make(p += e->reply_len, e->header_len);
    m.body = span_make(p + e->header_len, e->body_len);
    send(js, &m);
}

size_t gate_open(struct gate *g, struct js *js, uint64_t position,
                 uint64_t (*send)(struct js *js, const struct js_message *m))
{
    size_t released = 0;

    while (g->head) {
        struct gate_block *b = g->head;
        while (b->at < b->end) {
            const struct gate_entry *e = (const void *)(b->bytes + b->at);
            if (e->position > position) return released;
            b->at += e->bytes;          /* first: fn may add entries behind */
            g->count--;
            g->bytes -= e->bytes;
            released++;
            release(e, js, send);
        }
        g->head = b->next;
        if (g->head == NULL) g->tail = NULL;
        if (g->spare == NULL && b->cap == BLOCK_BYTES) g->spare = b;
        else mem_free(b);
    }
    return released;
}

size_t gate_waiting(const struct gate *g)
{
    return g->count;
}

size_t gate_bytes(const struct gate *g)
{
    return g->bytes;
}
