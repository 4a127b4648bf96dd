/* SPDX-License-Identifier: Apache-2.0 */
/* collect.c - a victim is walked record by record. A copy says which segment it comes from and in
 * which round: recovery ignores copies whose origin is still there, so that a crash at any moment
 * leaves each message once. */
#include "store/collect.h"

#include <stdio.h>

#include "base/assert.h"
#include "base/mem.h"
#include "store/files.h"
#include "store/maker.h"

#define WALK_BYTES (256u << 10)         /* of a victim, looked at in one step */
#define CHECKPOINTS_MAX 16u             /* asked for in one step */
#define SMALL_MAX 8u                    /* so many small segments may stand */
#define BEHIND_MAX (UINT64_C(16) << 20) /* no copying while so much waits for the disk */

struct collect {
    struct segment **candidates;
    size_t count, cap;
    struct segment *victim;             /* NULL: none */
    uint64_t at, end;                   /* in it: the next record, the end of its batch */
    uint64_t copies_end;                /* position after the last copy */
    uint32_t round;
    bool is_walked;
    uint64_t waits_above;               /* only for a sync beyond this; 0: for more */
    bool is_waiting;                    /* for a chunk */
    struct store_wait wait;
};

static bool is_small(const struct store *s, const struct segment *seg)
{
    return seg->tail < s->options.segment_bytes / 8;
}

/* Bytes in the log that what lives here would take elsewhere, nearly. */
static uint64_t live_estimate(const struct segment *seg)
{
    return seg->live_bytes + seg->live_count * (RECORD_FRAME_BYTES + 8) + seg->checkpoint_bytes;
}

static bool is_worth_it(const struct store *s, const struct segment *seg)
{
    if (!seg->is_closed || seg->is_pinned || seg->is_removed) return false;
    if (seg->in_memory) return seg->live_count > 0 && live_estimate(seg) * 2 < seg->tail;
    if (!seg->is_ready || (!seg->is_sealed && seg->tail > RECORD_BLOCK)) return false;
    if (seg->has_void) return true;
    if (is_small(s, seg) && seg->tail > RECORD_BLOCK) return s->small_count > SMALL_MAX;
    return live_estimate(seg) * 2 < seg->tail || seg->tail == RECORD_BLOCK;
}

void collect_consider(struct store *s, struct segment *seg)
{
    struct collect *c = s->collect;

    if (!seg->is_closed || seg->is_candidate || !is_worth_it(s, seg)) return;
    if (c == NULL) c = s->collect = mem_zero(sizeof *c);
    if (c->count == c->cap) {
        c->cap = c->cap ? 2 * c->cap : 16;
        c->candidates = mem_resize(c->candidates, c->cap * sizeof *c->candidates);
    }
    seg->is_candidate = true;
    c->candidates[c->count++] = seg;
}

void collect_forget(struct store *s, const struct segment *seg)
{
    struct collect *c = s->collect;

    if (c == NULL) return;
    if (c->victim == seg) c->victim = NULL;
    for (size_t i = 0; i < c->count; i++)
        if (c->candidates[i] == seg) c->candidates[i--] = c->candidates[--c->count];
}

/* The candidate with the least to copy. O(candidates). */
static struct segment *choose(struct store *s, struct collect *c)
{
    struct segment *best = NULL;

    for (size_t i = 0; i < c->count; i++) {
        struct segment *seg = c->candidates[i];
        if (!is_worth_it(s, seg)) {
            seg->is_candidate = false;
            c->candidates[i--] = c->candidates[--c->count];
        } else if (best == NULL || live_estimate(seg) < live_estimate(best)) {
            best = seg;
        }
    }
    return best;
}

/* ---- copying ---- */

/* Whether segments other than the victim hold records of the group. O(segments). */
static bool is_held_elsewhere(struct store *s, const struct segment *victim, uint32_t number)
{
    struct segment *seg = NULL;

    while ((seg = segment_next(&s->files, seg ? seg->number : 0)) != NULL)
        if (seg != victim && segment_group(seg, number, false)) return true;
    return false;
}

static void report(struct store *s, struct store_group *g, struct segment *seg, uint64_t from,
                   uint64_t to)
{
    char text[160], name[FILES_NAME_BYTES];

    seg->damaged++;
    s->stats.damaged_records++;
    snprintf(text, sizeof text, "%s: bytes %llu to %llu: %s", files_segment_name(name, seg->number),
             (unsigned long long)from, (unsigned long long)to,
             g ? "the body of a message is damaged" : "unreadable records");
    store_damage(s, g, text);
}

/* Lay the record at in out again at the end of the log. */
static enum status copy(struct store *s, const struct segment *from, struct record *r,
                        struct segment **to, uint64_t *at)
{
    struct record c = *r;
    struct segment *seg;
    size_t head = (size_t)r->extra_len + r->subject_len;
    enum status st;
    char *out;

    if (!from->in_memory && r->kind == STORE_MESSAGE) {
        c.form |= RECORD_MOVED;
        c.origin = from->number;
        c.round = s->collect->round;
    }
    st = store_make_room(s, from->in_memory, record_bytes(&c), true, &seg);
    if (st != ST_OK) return st;
    *at = seg->tail;
    out = seg->image + seg->tail;
    record_begin(&c, out);
    if (c.nonce)
        memcpy(out + (c.nonce - (uint8_t *)out), r->nonce, RECORD_NONCE_BYTES + RECORD_TAG_BYTES);
    memcpy(out + (c.head - out), r->head, head);
    memcpy(out + (c.body - out), r->body, record_body_bytes(r));
    record_finish(&c, out, seg->salt, *at, false);
    store_advance(s, seg, c.bytes);
    s->stats.moved_records++;
    s->stats.moved_bytes += c.bytes;
    *to = seg;
    return ST_OK;
}

static enum status move(struct store *s, struct segment *from, struct record *r, uint64_t at)
{
    struct store_loc old = { from->number, (uint32_t)(at / RECORD_ALIGN) }, new;
    struct store_group *g = store_find_group(s, r->group);
    struct segment *to;
    uint64_t to_at;
    enum status st;

    if (r->kind == RECORD_END && is_held_elsewhere(s, from, r->group)) {
        st = copy(s, from, r, &to, &to_at);
        if (st == ST_OK) to->ends++;
        return st;
    }
    if (r->kind != STORE_MESSAGE || g == NULL) return ST_OK;
    if (g->ops == NULL) return ST_AGAIN;        /* its owner is not there yet */
    if (!g->ops->is_live(g->owner, r->seq, old)) return ST_OK;
    if (!record_body_is_good(r)) report(s, g, from, at, at + r->bytes);         /* it stays so */
    st = copy(s, from, r, &to, &to_at);
    if (st != ST_OK) return st;
    store_account(g, to, r);
    new = (struct store_loc){ to->number, (uint32_t)(to_at / RECORD_ALIGN) };
    g->ops->moved(g->owner, r->seq, old, new);
    store_release(g, old, r->size);
    return ST_OK;
}


/* Whether bytes of the victim are in memory; else wait for them. */
static bool has(struct store *s, struct collect *c, uint64_t from, uint64_t to)
{
    if (cache_has(s, c->victim, from, to, &c->wait)) return true;
    c->is_waiting = true;
    return false;
}

static void on_chunk(struct store_wait *w)
{
    CONTAINER_OF(w, struct collect, wait)->is_waiting = false;
}

/* Enter the batch at c->at. False: not in memory. */
static bool enter_batch(struct store *s, struct collect *c)
{
    struct segment *seg = c->victim;
    struct record_batch b;
    uint64_t at = c->at;

    if (!has(s, c, at, at + RECORD_BATCH_BYTES)) return false;
    if (record_get_batch(seg->image + at, seg->number, at, seg->salt, &b) == ST_OK &&
        b.length <= seg->tail - at) {
        c->at = at + RECORD_BATCH_BYTES;
        c->end = at + b.length;
    } else {
        report(s, NULL, seg, at, at + RECORD_BLOCK);
        c->at = c->end = at + RECORD_BLOCK;
    }
    return true;
}

/* Copy the record at c->at if it lives, and go on. AGAIN: not in memory. */
static enum status walk_record(struct store *s, struct collect *c)
{
    struct segment *seg = c->victim;
    uint64_t at = c->at, bytes = 0;
    struct record r;
    enum status st;

    if (at + RECORD_FRAME_BYTES <= c->end) {
        if (!has(s, c, at, at + RECORD_FRAME_BYTES)) return ST_AGAIN;
        bytes = record_peek(seg->image + at);
    }
    if (bytes > 0 && bytes <= c->end - at) {
        if (!has(s, c, at, at + bytes)) return ST_AGAIN;
        if (record_parse(seg->image + at, bytes, seg->salt, at, &r) == ST_OK) {
            st = move(s, seg, &r, at);
            if (st == ST_OK) c->at = at + bytes;
            return st;
        }
    }
    report(s, NULL, seg, at, c->end);
    c->at = c->end;
    return ST_OK;
}

/* Walk a part of the victim. True: something was done. */
static bool walk(struct store *s, struct collect *c)
{
    struct segment *seg = c->victim;
    uint64_t stop = c->at + WALK_BYTES;
    bool worked = false;

    if (c->is_waiting || (!seg->in_memory && s->unsynced_bytes > BEHIND_MAX)) return false;
    while (c->victim && c->at < stop) {
        if (c->at >= seg->tail || (seg->live_count == 0 && seg->ends == 0)) {
            c->is_walked = true;
            c->copies_end = s->appended;
            return true;
        }
        if (!seg->in_memory && c->at >= c->end) {
            c->at = record_pad_block(c->at);
            if (c->at < seg->tail && !enter_batch(s, c)) return worked;
        } else if (walk_record(s, c) != ST_OK) {
            return worked;
        }
        worked = true;
    }
    return worked;
}

/* ---- letting go ---- */

/* Whether every group has a later checkpoint, synced; asks for some that are missing. */
static bool is_settled(struct store *s, struct collect *c)
{
    struct segment *seg = c->victim;
    unsigned asked = 0;
    bool missing = false;
    bool settled = s->synced >= c->copies_end && s->synced >= s->ends_end && seg->loads == 0 &&
                   !seg->is_busy;

    if (c->waits_above && s->synced <= c->waits_above) return false;
    for (uint32_t i = 0; i < seg->group_count; i++) {
        const struct segment_group *e = &seg->groups[i];
        struct store_group *g = store_find_group(s, e->number);
        if (g == NULL || e->index_max == 0) continue;
        if (g->checkpoint_index <= e->index_max && g->ops) {
            if (asked++ == CHECKPOINTS_MAX) return false;
            g->ops->checkpoint(g->owner);
        }
        missing |= g->checkpoint_index <= e->index_max;
        if (g->checkpoint_index <= e->index_max || g->checkpoint_position > s->synced)
            settled = false;
    }
    c->waits_above = settled || missing || s->synced >= s->appended ? 0 : s->synced;
    return settled;
}

static void begin(struct store *s, struct collect *c, struct segment *seg)
{
    c->victim = seg;
    c->at = c->end = seg->in_memory ? 0 : RECORD_BLOCK;
    if (seg->in_memory) c->end = seg->tail;
    c->is_walked = false;
    c->is_waiting = false;
    c->wait = (struct store_wait){ .done = on_chunk };
    c->round = seg->in_memory ? 0 : s->next_round++;
    c->copies_end = 0;
    c->waits_above = 0;
}

static void finish(struct store *s, struct collect *c)
{
    struct segment *seg = c->victim;

    for (size_t i = 0; i < c->count; i++)
        if (c->candidates[i] == seg) c->candidates[i--] = c->candidates[--c->count];
    c->victim = NULL;
    if (seg->in_memory) {
        seg->is_pinned = true;          /* nothing lives, or nothing more can be done */
        return;
    }
    maker_remove(s, seg);
}

bool collect_step(struct store *s)
{
    struct collect *c = s->collect;
    struct segment *seg;

    if (c == NULL || s->stats.failed || s->is_closing) return false;
    if (c->victim == NULL) {
        /* Nothing goes while some segment has no footer: its end is known from later ones. */
        seg = choose(s, c);
        if (seg == NULL || (!seg->in_memory && s->closed_count > 0)) return false;
        begin(s, c, seg);
    }
    if (!c->is_walked && !walk(s, c)) return false;
    if (c->victim && c->is_walked && (c->victim->in_memory || is_settled(s, c))) {
        finish(s, c);
        return true;
    }
    return c->victim == NULL || !c->is_walked;
}

void collect_free(struct store *s)
{
    if (s->collect == NULL) return;
    mem_free(s->collect->candidates);
    mem_free(s->collect);
    s->collect = NULL;
}
