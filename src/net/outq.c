/* SPDX-License-Identifier: Apache-2.0 */
/* outq.c - staging, splicing, flushing: how bytes get from any loop to one socket.
 *
 * Staged blocks are private to a loop. loop_commit first splices all of them onto the queues of
 * their targets, then flushes, so that no effect is seen before its cause. Under the queue's lock
 * there are pointer operations, the filling of the last queued block, and the arming of EPOLLOUT;
 * writes run outside, by one flusher at a time.
 * Whoever stops flushing with data left either armed EPOLLOUT or handed the duty to the owner. */
#include <errno.h>

#include "base/assert.h"
#include "base/mem.h"
#include "net/conn_priv.h"

#define FLUSH_IOV_MAX 64
#define FLUSH_BYTES_MAX (256 * 1024)    /* per turn: the rest goes behind other work */
#define FLUSHES_PER_COMMIT 256          /* direct ones; targets beyond that wait for their owner */

/* ---- staging ---- */

static void grow_stage_of(struct loop *l, uint32_t slot)
{
    uint32_t cap = l->stage_of_cap ? l->stage_of_cap : 64;

    while (cap <= slot) cap *= 2;
    l->stage_of = mem_resize(l->stage_of, cap * sizeof *l->stage_of);
    memset(l->stage_of + l->stage_of_cap, 0, (cap - l->stage_of_cap) * sizeof *l->stage_of);
    l->stage_of_cap = cap;
}

struct stage *conn_stage_of(struct loop *l, struct conn *c)
{
    if (c->slot >= l->stage_of_cap) grow_stage_of(l, c->slot);
    if (l->stage_of[c->slot] == 0) {
        if (l->stage_count == l->stage_cap) {
            l->stage_cap = l->stage_cap ? l->stage_cap * 2 : 16;
            l->stages = mem_resize(l->stages, l->stage_cap * sizeof *l->stages);
        }
        l->stages[l->stage_count++] = (struct stage){ .conn = c };
        l->stage_of[c->slot] = l->stage_count;
    }
    return &l->stages[l->stage_of[c->slot] - 1];
}

static void add_block(struct loop *l, struct stage *s, struct block *b)
{
    if (s->tail)
        s->tail->next = b;
    else
        s->head = b;
    s->tail = b;
    l->staged_bytes += b->shared ? b->end : b->cap;
}

char *conn_stage(struct loop *l, struct conn *c, size_t len)
{
    struct stage *s = conn_stage_of(l, c);
    struct block *b = s->tail;

    if (b == NULL || b->cap - b->end < len || b->shared) {
        b = block_new(&l->blocks, len, b != NULL);
        add_block(l, s, b);
    }
    return b->bytes + b->end;
}

void conn_stage_done(struct loop *l, struct conn *c, size_t used)
{
    struct stage *s = &l->stages[l->stage_of[c->slot] - 1];

    assert(s->tail->cap - s->tail->end >= used);
    s->tail->end += used;
    s->bytes += used;
}

void conn_stage_shared(struct loop *l, struct conn *c, struct shared_bytes *bytes,
                       const char *data, size_t len)
{
    struct stage *s = conn_stage_of(l, c);

    add_block(l, s, block_new_shared(&l->blocks, bytes, data, len));
    s->bytes += len;
}

void conn_stage_copy(struct loop *l, struct conn *c, struct span bytes)
{
    memcpy(conn_stage(l, c, bytes.len), bytes.p, bytes.len);
    conn_stage_done(l, c, bytes.len);
}

size_t conn_pending(struct conn *c)
{
    size_t pending;

    sync_mutex_lock(&c->out.mutex);
    pending = c->out.pending;
    sync_mutex_unlock(&c->out.mutex);
    return pending;
}

/* ---- splicing ---- */

/* Close as slow: nothing is accepted or sent from now on. Returns what was queued, unless a
 * flusher is at work on it, who then frees it. Lock held. */
static struct block *kill_queue(struct outq *q)
{
    struct block *queued = q->flushing ? NULL : q->head;

    q->dead = true;
    if (queued) q->head = q->tail = NULL;
    return queued;
}

/* How long a producer should wait for a target this full; nats-server's 2 to 5 ms. */
static int64_t stall_for(size_t pending, int64_t max)
{
    int64_t over = (int64_t)pending - max / 4 * 3, room = max / 4 + 1;

    return 2000000 + 3000000 * (over < room ? over : room) / room;
}

/* Link what is staged behind what is queued. While something is queued the target is slower than
 * its input: then bytes are moved into the room that the last block has left, and emptied blocks
 * go to *freed, so that many small deliveries to a slow target don't hold a block each. A flusher
 * at work reads only what was there before. Lock held. */
static void append(struct outq *q, struct stage *s, struct block **freed)
{
    while (s->head && q->tail && !q->tail->shared && !s->head->shared) {
        struct block *b = s->head;
        size_t len = b->end - b->start;
        if (len > q->tail->cap - q->tail->end) break;
        memcpy(q->tail->bytes + q->tail->end, b->data + b->start, len);
        q->tail->end += len;
        s->head = b->next;
        b->next = *freed;
        *freed = b;
    }
    if (s->head == NULL) return;
    if (q->tail)
        q->tail->next = s->head;
    else
        q->head = s->head;
    q->tail = s->tail;
}

bool conn_splice(struct loop *l, struct stage *s)
{
    struct conn *c = s->conn;
    struct outq *q = &c->out;
    int64_t max = atomic_load_explicit(&l->group->limits.max_pending, memory_order_relaxed);
    struct block *garbage = NULL, *killed = NULL;
    bool over = false, flush;

    l->stage_of[c->slot] = 0;
    if (s->count) atomic_fetch_add_explicit(s->counter, s->count, memory_order_relaxed);
    sync_mutex_lock(&q->mutex);
    if (q->dead) {
        garbage = s->head;
        flush = false;
    } else {
        append(q, s, &garbage);
        q->pending += s->bytes;
        q->msgs += s->msgs;
        q->msg_bytes += s->msg_bytes;
        over = q->pending > (uint64_t)max;
        if (over) killed = kill_queue(q);
        flush = !over && !q->flushing && !q->blocked;
        if (q->pending > (uint64_t)max / 4 * 3) {
            atomic_store_explicit(&q->crowded, true, memory_order_relaxed);
            if (l->stall_ns < stall_for(q->pending, max)) l->stall_ns = stall_for(q->pending, max);
            if (!atomic_load_explicit(&l->group->limits.no_stall, memory_order_relaxed))
                q->stalls++;
        }
    }
    sync_mutex_unlock(&q->mutex);
    block_free_list(&l->blocks, garbage);
    block_free_list(&l->blocks, killed);
    if (over) conn_command(c, CONN_COMMAND_SLOW);
    return flush;
}

void loop_commit(struct loop *l)
{
    uint32_t count = l->stage_count, flushes = 0;

    if (count == 0) return;
    for (uint32_t i = 0; i < count; i++)
        if (!conn_splice(l, &l->stages[i])) l->stages[i].conn = NULL;
    l->staged_bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct conn *c = l->stages[i].conn;
        if (c == NULL) continue;
        if (flushes++ < FLUSHES_PER_COMMIT)
            conn_flush(l, c);
        else
            conn_command(c, CONN_COMMAND_FLUSH);
    }
    assert(l->stage_count == count);    /* nothing stages while output goes out */
    l->stage_count = 0;
}

/* ---- flushing ---- */

/* Point iov at the first bytes queued, up to budget. Lock held. */
static int gather(const struct outq *q, struct iovec *iov, size_t budget, size_t *total)
{
    int n = 0;

    *total = 0;
    for (struct block *b = q->head; b && n < FLUSH_IOV_MAX && *total < budget; b = b->next) {
        size_t len = b->end - b->start;
        if (len > budget - *total) len = budget - *total;
        iov[n++] = (struct iovec){ (void *)(uintptr_t)(b->data + b->start), len };
        *total += len;
    }
    return n;
}

/* Take n sent bytes off the queue; emptied blocks go to *done. Lock held. */
static void advance(struct outq *q, size_t n, struct block **done)
{
    q->pending -= n;
    while (q->head) {
        struct block *b = q->head;
        size_t len = b->end - b->start;
        if (n < len) {
            b->start += n;
            return;
        }
        n -= len;
        q->head = b->next;
        if (q->head == NULL) q->tail = NULL;
        b->next = *done;
        *done = b;
        if (n == 0 && (q->head == NULL || q->head->end > q->head->start)) return;
    }
}

static bool wants_write(const struct conn *c)
{
    return c->transport->wants_write && c->transport->wants_write(c);
}

static void note_progress(struct loop *l, struct outq *q)
{
    int64_t max = atomic_load_explicit(&l->group->limits.max_pending, memory_order_relaxed);

    if (!atomic_load_explicit(&q->crowded, memory_order_relaxed)) return;
    if (q->pending <= (uint64_t)max / 4 * 3)
        atomic_store_explicit(&q->crowded, false, memory_order_relaxed);
}

enum flush_end { FLUSH_EMPTY, FLUSH_BLOCKED, FLUSH_BUDGET, FLUSH_FAILED, FLUSH_DEAD };

/* The turn of the one flusher. Lock held on entry and exit. */
static enum flush_end flush_turn(struct loop *l, struct conn *c, struct block **done)
{
    struct outq *q = &c->out;
    size_t budget = FLUSH_BYTES_MAX;

    while (!q->dead) {
        struct iovec iov[FLUSH_IOV_MAX];
        size_t total;
        int count = gather(q, iov, budget, &total);
        ssize_t n;
        if (q->head == NULL && !wants_write(c)) return FLUSH_EMPTY;
        if (budget == 0) return FLUSH_BUDGET;
        sync_mutex_unlock(&q->mutex);
        l->stats.flushes++;
        n = c->transport->write(c, iov, count);
        sync_mutex_lock(&q->mutex);
        if (n < 0 && n != -EAGAIN) return FLUSH_FAILED;
        if (n >= 0) advance(q, (size_t)n, done);        /* 0: blocks that hold nothing go as well */
        if (n > 0) {
            note_progress(l, q);
            q->blocked_since_ns = l->now_ns;
        }
        if (n < (ssize_t)total || n == -EAGAIN || wants_write(c)) return FLUSH_BLOCKED;
        budget -= (size_t)n;
    }
    return FLUSH_DEAD;
}

static void flush_here(struct loop *l, struct conn *c)
{
    struct outq *q = &c->out;
    struct block *done = NULL, *garbage = NULL;
    enum flush_end end;

    sync_mutex_lock(&q->mutex);
    if (q->flushing || q->blocked || q->dead) {
        sync_mutex_unlock(&q->mutex);
        return;
    }
    q->flushing = true;
    end = flush_turn(l, c, &done);
    q->flushing = false;
    if (end == FLUSH_BLOCKED) {
        q->blocked = true;
        if (q->blocked_since_ns == 0) q->blocked_since_ns = l->now_ns;
        conn_arm(c, true);
    }
    if (end == FLUSH_EMPTY) q->blocked_since_ns = 0;
    if (end == FLUSH_FAILED) q->dead = true;
    if (q->dead) {
        garbage = q->head;
        q->head = q->tail = NULL;
    }
    sync_mutex_unlock(&q->mutex);
    block_free_list(&l->blocks, done);
    block_free_list(&l->blocks, garbage);
    if (end == FLUSH_BLOCKED) conn_command(c, CONN_COMMAND_ARM);
    if (end == FLUSH_BUDGET) conn_command(c, CONN_COMMAND_FLUSH);
    if (end == FLUSH_FAILED) conn_command(c, CONN_COMMAND_WRITE_ERROR);
}

void conn_flush(struct loop *l, struct conn *c)
{
    if (c->transport->owner_only && atomic_load(&c->loop) != l)
        conn_command(c, CONN_COMMAND_FLUSH);
    else if (c->transport->handshake == NULL || c->ready)       /* else it goes out after it */
        flush_here(l, c);
}
