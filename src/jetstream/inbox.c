/* SPDX-License-Identifier: Apache-2.0 */
/* inbox.c - entries in blocks: filled by the publishing loop, posted as a parcel, handled at home.
 *
 * A target is referred to by each entry for it, so that it can be closed while some are under way.
 * What waits is counted by whole blocks. */
#include "jetstream/inbox.h"

#include "base/mem.h"
#include "core/client.h"
#include "core/message_trace.h"
#include "core/publish.h"
#include "jetstream/client_info.h"


#define BLOCK_BYTES (64 * 1024)
#define BLOCKS_KEPT 8                   /* empty ones, at home */

struct entry {
    struct inbox_target *target;
    struct account *account;
    uint32_t bytes;                     /* of the whole entry: where the next one is */
    uint32_t header_len, body_len;
    uint16_t subject_len, reply_len, client_len;
    bool wants_503;
    char text[];                        /* subject, reply, header, body, client */
};

struct inbox_block {
    struct inbox_block *next;
    size_t at, end, cap;                /* handled up to at, filled up to end */
    _Alignas(8) char bytes[];
};

struct inbox_queue {
    struct inbox_block *head, *tail;
};

struct parcel {                         /* one loop's queue on its way home */
    struct sync_mail mail;
    struct inboxes *inboxes;
    struct inbox_queue queue;
};

struct inboxes {
    struct core *core;
    struct loop *home;
    struct inbox_queue *queues;         /* [loop] */
    struct inbox_block *kept;
    unsigned kept_count;
    _Atomic int64_t bytes;              /* of all blocks that wait */
};

struct inboxes *inboxes_new(struct core *core, struct loop *home)
{
    struct inboxes *i = mem_zero(sizeof *i);

    i->core = core;
    i->home = home;
    i->queues = mem_zero(core->loops.count * sizeof *i->queues);
    return i;
}

static void target_unref(struct inbox_target *t)
{
    if (atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) == 1) t->release(t);
}

static void queue_free(struct inbox_queue *q)
{
    while (q->head) {
        struct inbox_block *b = q->head;
        q->head = b->next;
        for (; b->at < b->end; b->at += ((struct entry *)(void *)(b->bytes + b->at))->bytes)
            target_unref(((struct entry *)(void *)(b->bytes + b->at))->target);
        mem_free(b);
    }
    q->tail = NULL;
}

void inboxes_free(struct inboxes **at)
{
    struct inboxes *i = *at;

    if (i == NULL) return;
    for (unsigned n = 0; n < i->core->loops.count; n++) queue_free(&i->queues[n]);
    while (i->kept) {
        struct inbox_block *b = i->kept;
        i->kept = b->next;
        mem_free(b);
    }
    mem_free(i->queues);
    mem_free(i);
    *at = NULL;
}

/* ---- targets ---- */

/* Tell a publisher that too much is waiting already. It runs inside the fan-out of a client's
 * message, which does not use the reply cache. */
static void refuse(struct loop *l, const struct message *m)
{
    static const char text[] = "NATS/1.0 429 Too Many Requests\r\n\r\n"
        "{\"error\":{\"code\":429,\"err_code\":10167,\"description\":\"too many requests\"},"
        "\"stream\":\"\",\"seq\":0}\r\n";
    static const size_t header_len = sizeof "NATS/1.0 429 Too Many Requests\r\n\r\n" - 1;
    struct message reply = { .subject = m->reply, .body = text, .header_len = header_len,
                             .total = sizeof text - 3, .account = m->account };

    publish_internal(core_of(l), &reply);
}

static struct inbox_block *block_for(struct inboxes *i, struct loop *l, size_t bytes)
{
    struct inbox_queue *q = &i->queues[l->index];
    struct inbox_block *b = q->tail;
    size_t cap = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;

    if (b && b->cap - b->end >= bytes) return b;
    if (l == i->home && i->kept && bytes <= BLOCK_BYTES) {
        b = i->kept;
        i->kept = b->next;
        i->kept_count--;
        cap = b->cap;
    } else {
        b = mem_alloc(sizeof *b + cap);
    }
    b->next = NULL;
    b->at = b->end = 0;
    b->cap = cap;
    if (q->tail) q->tail->next = b;
    else q->head = b;
    q->tail = b;
    atomic_fetch_add_explicit(&i->bytes, (int64_t)cap, memory_order_relaxed);
    return b;
}

static char *put(char *p, const char *from, size_t len)
{
    if (len) memcpy(p, from, len);
    return p + len;
}

static void add_entry(struct loop *l, struct inbox_target *t, const struct message *m,
                      struct span client)
{
    size_t bytes = sizeof(struct entry) + m->subject.len + m->reply.len + m->total + client.len;
    struct inbox_block *b;
    struct entry *e;
    char *p;

    bytes = (bytes + 7) & ~(size_t)7;
    b = block_for(t->inboxes, l, bytes);
    e = (void *)(b->bytes + b->end);
    b->end += bytes;
    e->target = t;
    e->account = m->account;
    e->bytes = (uint32_t)bytes;
    e->header_len = (uint32_t)m->header_len;
    e->body_len = (uint32_t)(m->total - m->header_len);
    e->subject_len = (uint16_t)m->subject.len;
    e->reply_len = (uint16_t)m->reply.len;
    e->client_len = (uint16_t)client.len;
    e->wants_503 = m->origin && m->origin->no_responders;
    p = put(e->text, m->subject.p, m->subject.len);
    p = put(p, m->reply.p, m->reply.len);
    p = put(p, m->body, m->total);
    put(p, client.p, client.len);
    atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
}

/* Requests of the message path, of which no advisory tells. */
static bool is_frequent(struct span subject)
{
    return span_has_prefix(subject, SPAN_LIT("$JS.API.CONSUMER.MSG.NEXT.")) ||
           span_has_prefix(subject, SPAN_LIT("$JS.API.DIRECT.GET."));
}

static bool deliver(struct loop *l, struct sub *sub, const struct message *m)
{
    struct inbox_target *t = CONTAINER_OF(sub->subscriber, struct inbox_target, subscriber);
    struct inboxes *i = t->inboxes;
    struct buf client = { 0 };

    if (atomic_load_explicit(&sub->closed, memory_order_relaxed)) return false;
    if (m->trace && message_trace_is_only(m->trace)) return true;
    if (m->subject.len > UINT16_MAX || m->reply.len > UINT16_MAX) return false;
    if (atomic_load_explicit(&i->bytes, memory_order_relaxed) > INBOX_BYTES_MAX) {
        if (t->refuses && m->reply.len && m->origin) refuse(l, m);
        return true;
    }
    if (t->wants_client && m->origin && !is_frequent(m->subject))
        client_info_append(&client, m->origin);
    if (client.len > UINT16_MAX) client.len = 0;
    add_entry(l, t, m, buf_span(&client));
    buf_free(&client);
    return true;
}

static bool is_denied(const struct sub *sub, struct span subject)
{
    (void)sub;
    (void)subject;
    return false;
}

void inbox_target_init(struct inbox_target *t, struct inboxes *i)
{
    t->subscriber.deliver = deliver;
    t->subscriber.is_denied = is_denied;
    t->subscriber.is_internal = true;
    t->inboxes = i;
    atomic_init(&t->refs, 1);
    atomic_init(&t->closed, false);
}

/* Entries of other loops may still arrive until each has passed an iteration and its parcel is
 * here; the reference that stands for "open" is kept so long. */
struct closing {
    struct loop_grace grace;
    struct inbox_target *target;
};

static void close_over(struct loop_grace *g)
{
    struct closing *c = CONTAINER_OF(g, struct closing, grace);

    target_unref(c->target);
    mem_free(c);
}

static void begin_close(struct sync_mail *mail, void *loop)
{
    struct closing *c = CONTAINER_OF(mail, struct closing, grace.home);

    loop_commit(loop);                  /* mail before this one may have staged something */
    loop_grace(loop, &c->grace, close_over);
}

void inbox_target_close(struct inbox_target *t)
{
    struct closing *c = mem_zero(sizeof *c);

    atomic_store(&t->closed, true);
    c->target = t;
    c->grace.home.run = begin_close;
    loop_post(t->inboxes->home, &c->grace.home);
}

enum status inbox_subscribe(struct inbox_target *t, struct account *a, struct span filter,
                            struct sub **out)
{
    struct sub *sub = mem_zero(sizeof *sub);
    enum status st;

    sub->subscriber = &t->subscriber;
    sub->headers = true;
    sync_brlock_write(&a->lock);
    st = sublist_insert(a->sublist, sub, filter, SPAN_NONE);
    sync_brlock_write_done(&a->lock);
    if (st != ST_OK) mem_free(sub);
    *out = st == ST_OK ? sub : NULL;
    return st;
}

static void release_sub(struct sync_retired *r, void *loop)
{
    (void)loop;
    mem_free(CONTAINER_OF(r, struct sub, retired));
}

void inbox_unsubscribe(struct inbox_target *t, struct account *a, struct sub **sub)
{
    if (*sub == NULL) return;
    atomic_store(&(*sub)->closed, true);
    sync_brlock_write(&a->lock);
    sublist_remove(a->sublist, *sub);
    sync_brlock_write_done(&a->lock);
    loop_retire(t->inboxes->home, &(*sub)->retired, release_sub);
    *sub = NULL;
}

void inbox_put(struct inbox_target *t, const struct message *m)
{
    add_entry(t->inboxes->home, t, m, SPAN_NONE);
}

/* ---- turns ---- */

static void on_parcel(struct sync_mail *mail, void *loop)
{
    struct parcel *p = CONTAINER_OF(mail, struct parcel, mail);
    struct inbox_queue *q = &p->inboxes->queues[((struct loop *)loop)->index];

    if (q->tail) q->tail->next = p->queue.head;
    else q->head = p->queue.head;
    q->tail = p->queue.tail;
    mem_free(p);
}

static void send_home(struct inboxes *i, struct loop *l)
{
    struct parcel *p;

    if (i->queues[l->index].head == NULL) return;
    p = mem_zero(sizeof *p);
    p->mail.run = on_parcel;
    p->inboxes = i;
    p->queue = i->queues[l->index];
    i->queues[l->index] = (struct inbox_queue){ NULL, NULL };
    loop_post(i->home, &p->mail);
}

static bool handle_entry(const struct entry *e)
{
    struct inbox_msg m = { .account = e->account, .wants_503 = e->wants_503 };
    const char *p = e->text;

    m.subject = span_make(p, e->subject_len);
    m.reply = span_make(p += e->subject_len, e->reply_len);
    m.header = span_make(p += e->reply_len, e->header_len);
    m.body = span_make(p += e->header_len, e->body_len);
    m.client = span_make(p + e->body_len, e->client_len);
    if (!atomic_load_explicit(&e->target->closed, memory_order_relaxed) &&
        !e->target->handle(e->target, &m))
        return false;
    target_unref(e->target);
    return true;
}

static void drop_block(struct inboxes *i, struct inbox_queue *q)
{
    struct inbox_block *b = q->head;

    q->head = b->next;
    if (q->head == NULL) q->tail = NULL;
    atomic_fetch_sub_explicit(&i->bytes, (int64_t)b->cap, memory_order_relaxed);
    if (b->cap == BLOCK_BYTES && i->kept_count < BLOCKS_KEPT) {
        b->next = i->kept;
        i->kept = b;
        i->kept_count++;
    } else {
        mem_free(b);
    }
}

bool inboxes_turn(struct inboxes *i, struct loop *l, unsigned budget)
{
    struct inbox_queue *q = &i->queues[l->index];

    if (l != i->home) {
        send_home(i, l);
        return false;
    }
    while (q->head) {
        struct inbox_block *b = q->head;
        while (b->at < b->end) {
            const struct entry *e = (const void *)(b->bytes + b->at);
            if (budget == 0 || !handle_entry(e)) return true;
            b->at += e->bytes;
            budget--;
        }
        /* A handler may have put more behind what is handled. */
        if (b->at == b->end) drop_block(i, q);
    }
    return false;
}
