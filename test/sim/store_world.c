/* SPDX-License-Identifier: Apache-2.0 */
/* store_world.c - the owner of the store under test: what it appends, and how it recovers. */
#include "sim/store_world.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/mem.h"

#define SIZE_EXTRA 100                  /* a message's size is that much more than its body */
#define REPLACED_MAX 8
#define SEGMENT_BYTES (64u * 1024)
#define STEPS_MAX 100000
#define WAIT_NS (INT64_C(3000) * TICK_NS)       /* a full disk is looked at again by then */
#define WAITS_MAX 4                     /* for something that does not come */
#define TICK_NS 1000000
#define KEY "0123456789abcdef0123456789abcdef"

struct delta {                          /* what stands in a delta's extra */
    uint64_t number, last_seq;
    uint64_t removed[WORLD_SEQS / 64];
};

void verdict_fail(struct verdict *v, const char *fmt, ...)
{
    va_list ap;

    if (v->failures++ > 0) return;
    va_start(ap, fmt);
    vsnprintf(v->first, sizeof(v->first), fmt, ap);
    va_end(ap);
}

/* ---- records ---- */

/* len bytes that follow from tag, seq and part. The first 16 occur nowhere else. */
static void fill(struct buf *out, uint64_t tag, uint64_t seq, unsigned part, size_t len)
{
    struct rng r;

    rng_seed(&r, tag << 40 ^ seq << 8 ^ part);
    buf_reserve(out, len + 8);
    for (size_t at = 0; at < len; at += 8) {
        uint64_t word = rng_next(&r);

        memcpy(out->p + out->len + at, &word, 8);
    }
    out->len += len;
}

void world_marker(char *out, uint64_t tag, uint64_t seq)
{
    struct buf bytes = { 0 };

    fill(&bytes, tag, seq, 0, 16);
    memcpy(out, bytes.p, 16);
    buf_free(&bytes);
}

struct content {                        /* of a message */
    struct buf subject, header, body;
};

static void content_of(struct content *c, uint64_t tag, uint64_t seq, uint32_t size)
{
    *c = (struct content){ { 0 }, { 0 }, { 0 } };
    buf_printf(&c->subject, "t.%u.%u", (unsigned)tag, (unsigned)(seq % 7));
    if (seq % 3 == 0) fill(&c->header, tag, seq, 1, 12 + seq % 50);
    fill(&c->body, tag, seq, 0, size - SIZE_EXTRA);
}

static void content_free(struct content *c)
{
    buf_free(&c->subject);
    buf_free(&c->header);
    buf_free(&c->body);
}

static struct store_record message_record(const struct content *c, uint64_t seq, uint32_t size,
                                          struct span extra)
{
    return (struct store_record){ STORE_MESSAGE, (uint8_t)seq, size, seq, (int64_t)seq * 1000,
                                  extra, buf_span(&c->subject), buf_span(&c->header),
                                  buf_span(&c->body) };
}

static void log_event(struct world_group *g, uint64_t position, bool exists)
{
    if (g->in_memory) return;
    if (g->event_count == g->event_cap) {
        g->event_cap = g->event_cap ? 2 * g->event_cap : 16;
        g->events = mem_resize(g->events, g->event_cap * sizeof(*g->events));
    }
    g->events[g->event_count++] = (struct event){ position, exists, g->now };
}

static void set_bit(uint64_t *set, uint64_t seq, bool on)
{
    uint64_t bit = (uint64_t)1 << (seq % 64);

    set[seq / 64] = on ? set[seq / 64] | bit : set[seq / 64] & ~bit;
}

/* ---- recovery ---- */

static struct world_group *add_group(struct world *w, uint64_t tag)
{
    struct world_group *g = mem_zero(sizeof(*g));

    g->world = w;
    g->now.tag = tag;
    w->groups[tag] = g;
    if (tag >= w->group_count) w->group_count = (size_t)tag + 1;
    return g;
}

static void *on_group(void *arg, struct store_group *group, const struct store_record *r)
{
    struct world *w = arg;
    struct world_group *g;
    struct state st;

    if (r->kind != STORE_CHECKPOINT || r->extra.len != sizeof(st)) {
        verdict_fail(w->verdict, "recovery: a checkpoint that nobody wrote");
        return NULL;
    }
    memcpy(&st, r->extra.p, sizeof(st));
    if (st.tag >= WORLD_GROUPS || w->groups[st.tag]) {
        verdict_fail(w->verdict, "recovery: group %u twice or unknown", (unsigned)st.tag);
        return NULL;
    }
    g = add_group(w, st.tag);
    g->group = group;
    g->id = *store_group_id(group);
    g->now = st;
    g->checkpoint_seq = st.last_seq;
    return g;
}

static void on_delta(void *owner, const struct store_record *r)
{
    struct world_group *g = owner;
    struct delta d;

    if (r->kind != STORE_DELTA || r->extra.len != sizeof(d)) {
        verdict_fail(g->world->verdict, "recovery: a delta that nobody wrote");
        return;
    }
    memcpy(&d, r->extra.p, sizeof(d));
    /* Deltas are numbered, so that one left out or out of order is seen. Damage may leave some out;
     * the digest then differs from every state that there was. */
    if (d.number <= g->now.deltas)
        verdict_fail(g->world->verdict, "recovery: group %u: delta %u after %u",
                     (unsigned)g->now.tag, (unsigned)d.number, (unsigned)g->now.deltas);
    g->now.deltas = d.number;
    g->now.digest = XXH3_64bits_withSeed(&d, sizeof(d), g->now.digest);
    if (d.last_seq > g->now.last_seq) g->now.last_seq = d.last_seq;
    for (size_t i = 0; i < COUNT_OF(d.removed); i++) g->removed[i] |= d.removed[i];
}

static void on_message(void *owner, const struct store_record *r, struct store_loc loc,
                       uint32_t *memo)
{
    struct world_group *g = owner;
    uint64_t seq = r->seq, replaced[REPLACED_MAX];
    struct verdict *v = g->world->verdict;

    if (r->kind != STORE_MESSAGE || seq == 0 || seq >= WORLD_SEQS || r->flags != (uint8_t)seq ||
        r->time_ns != (int64_t)seq * 1000 || r->size < SIZE_EXTRA ||
        r->extra.len > sizeof(replaced)) {
        verdict_fail(v, "recovery: group %u: a message that nobody wrote", (unsigned)g->now.tag);
        return;
    }
    if (g->messages[seq].reported) {
        verdict_fail(v, "recovery: group %u: message %u twice", (unsigned)g->now.tag,
                     (unsigned)seq);
        return;
    }
    if (*memo == UINT32_MAX) *memo = (uint32_t)(seq % 7);
    else if (*memo != seq % 7) verdict_fail(v, "recovery: the memo of another subject");
    g->messages[seq] = (struct message){ loc, r->size, true, false };
    memcpy(replaced, r->extra.p ? r->extra.p : "", r->extra.len);
    for (size_t i = 0; i < r->extra.len / sizeof(*replaced); i++)
        if (replaced[i] < WORLD_SEQS) set_bit(g->removed, replaced[i], true);
}

/* Now everything is known: what is live, and what was reported but is not. */
static void on_group_done(void *owner)
{
    struct world_group *g = owner;

    for (uint64_t seq = 1; seq < WORLD_SEQS; seq++) {
        bool was = seq <= g->checkpoint_seq ? state_has(g->now.live, seq)
                                            : g->messages[seq].reported;

        set_bit(g->now.live, seq, was && !state_has(g->removed, seq));
        if (g->messages[seq].reported && seq > g->now.last_seq) g->now.last_seq = seq;
    }
    g->is_done = true;
    log_event(g, 0, true);
}

static void on_damage(void *arg, void *owner, const char *text)
{
    struct world *w = arg;

    (void)owner;
    if (w->damages++ == 0) snprintf(w->damage, sizeof(w->damage), "%s", text);
    if (!*text) verdict_fail(w->verdict, "damage without a text");
}

/* ---- what the store asks ---- */

static bool same_loc(struct store_loc a, struct store_loc b)
{
    return a.segment == b.segment && a.at == b.at;
}

static bool is_live(void *owner, uint64_t seq, struct store_loc loc)
{
    struct world_group *g = owner;

    return seq < WORLD_SEQS && state_has(g->now.live, seq) && same_loc(g->messages[seq].loc, loc);
}

static void on_moved(void *owner, uint64_t seq, struct store_loc from, struct store_loc to)
{
    struct world_group *g = owner;

    if (!is_live(owner, seq, from))
        verdict_fail(g->world->verdict, "moved message %u which is not live", (unsigned)seq);
    else
        g->messages[seq].loc = to;
}

static void on_checkpoint(void *owner)
{
    struct world_group *g = owner;

    world_checkpoint(g->world, g);
}

static const struct store_group_ops group_ops = { is_live, on_moved, on_checkpoint };

static void on_durable(void *arg, uint64_t position)
{
    struct world *w = arg;

    if (position < w->reported) verdict_fail(w->verdict, "what is durable went back");
    w->reported = position;
    if (!w->options.lazy) w->durable = position;
}

static void on_failed(void *arg, const char *why)
{
    struct world *w = arg;

    if (w->failed) verdict_fail(w->verdict, "on_failed was called twice");
    if (!*why) verdict_fail(w->verdict, "on_failed without a reason");
    w->failed = true;
    snprintf(w->why, sizeof(w->why), "%s", why);
}

static void on_post(void *arg, struct sync_mail *mail)
{
    mail->run(mail, arg);
}

static int64_t on_now(void *arg)
{
    return ((struct world *)arg)->now_ns;
}

/* ---- open and close ---- */

static enum status open_store(struct world *w)
{
    struct store_options o = {
        .dir = WORLD_DIR, .disk = sim_disk_of(w->disk),
        .sync = w->options.lazy ? STORE_SYNC_LAZY : STORE_SYNC_ALWAYS,
        .sync_interval_ns = INT64_C(50) * TICK_NS, .segment_bytes = SEGMENT_BYTES,
        .cache_bytes = w->options.cache_bytes, .headroom_bytes = w->options.headroom_bytes,
        .key = w->options.sealed ? span_of(KEY) : SPAN_NONE, .threads = false, .now = on_now,
        .post = on_post, .on_durable = on_durable, .on_failed = on_failed, .arg = w,
    };
    struct store_recovery recovery = { on_group, on_delta, on_message, on_group_done, on_damage,
                                       w };
    struct error why = { "" };
    enum status st = store_open(&w->store, &o, &recovery, &why);

    if (st != ST_OK) {
        if (w->store || !why.text[0]) verdict_fail(w->verdict, "a failed open without a reason");
        w->store = NULL;
        snprintf(w->why, sizeof(w->why), "%s", why.text);
        return st;
    }
    for (size_t i = 0; i < w->group_count; i++) {
        struct world_group *g = w->groups[i];

        if (!g) continue;
        if (!g->is_done) verdict_fail(w->verdict, "recovery: group %u was not ended", (unsigned)i);
        store_group_own(g->group, &group_ops, g);
        for (uint64_t seq = 1; seq < WORLD_SEQS; seq++)
            if (g->messages[seq].reported && !state_has(g->now.live, seq))
                store_release(g->group, g->messages[seq].loc, g->messages[seq].size);
    }
    return ST_OK;
}

enum status world_open(struct world *w, struct sim_disk *disk, const struct world_options *options,
                       struct verdict *v, uint64_t seed)
{
    *w = (struct world){ .disk = disk, .options = *options, .verdict = v };
    rng_seed(&w->rng, seed);
    return open_store(w);
}

static void free_groups(struct world *w)
{
    for (size_t i = 0; i < w->group_count; i++) {
        if (w->groups[i]) mem_free(w->groups[i]->events);
        mem_free(w->groups[i]);
    }
    memset(w->groups, 0, sizeof(w->groups));
    w->group_count = 0;
}

static void close_store(struct world *w)
{
    struct store_stats stats;

    if (!w->store) return;
    store_stats(w->store, &stats);
    w->verdict->reclaimed += stats.reclaimed_segments;
    w->verdict->moved += stats.moved_records;
    store_close(&w->store);
}

void world_close(struct world *w)
{
    close_store(w);
    free_groups(w);
}

/* Tags and erased messages of before go on: a recovered group must not get the tag of one that was
 * deleted, and what was erased must stay so. */
bool world_reopen(struct world *w)
{
    const char *what = w->what ? w->what : "reopen";
    bool had_failed = sim_disk_has_failed(w->disk), opened;
    struct verdict *v = w->verdict;
    struct world before;

    close_store(w);
    before = *w;
    if (!w->failed && !sim_disk_has_failed(w->disk)) before.durable = UINT64_MAX - 1;   /* all */
    w->before = &before;
    memset(w->groups, 0, sizeof(w->groups));
    w->group_count = 0;
    w->durable = w->reported = 0;
    w->damages = 0;
    w->failed = false;
    opened = open_store(w) == ST_OK;
    if (opened && w->damages > 0 && !had_failed && sim_disk_has_failed(w->disk)) {
        store_close(&w->store);         /* a fault while opening was reported as damage: well */
        opened = false;
    }
    if (opened) world_compare(&before, w, what);
    else if (!sim_disk_has_failed(w->disk)) verdict_fail(v, "%s: reopen: %s", what, w->why);
    for (size_t i = 0; i < before.group_count; i++) {
        struct world_group *old = before.groups[i];

        if (!old) continue;
        if (w->groups[i]) {
            for (uint64_t seq = 1; seq < WORLD_SEQS; seq++)
                w->groups[i]->messages[seq].erased = old->messages[seq].erased;
        } else if (opened) {
            struct world_group *g = add_group(w, i);

            g->in_memory = old->in_memory;
            log_event(g, 0, false);
        }
    }
    if (opened) {
        free_groups(&before);
    } else {                    /* what must be there is still what must be there */
        free_groups(w);
        memcpy(w->groups, before.groups, sizeof(w->groups));
        w->group_count = before.group_count;
        w->durable = before.durable;
        w->failed = true;
        for (size_t i = 0; i < w->group_count; i++)
            if (w->groups[i]) w->groups[i]->group = NULL;
    }
    w->before = NULL;
    return opened;
}

/* ---- what the owner does ---- */

struct world_group *world_pick(struct world *w)
{
    size_t start = w->group_count ? rng_below(&w->rng, (uint32_t)w->group_count) : 0;

    for (size_t i = 0; i < w->group_count; i++) {
        struct world_group *g = w->groups[(start + i) % w->group_count];

        if (g && g->group) return g;
    }
    return NULL;
}

void world_checkpoint(struct world *w, struct world_group *g)
{
    struct buf filler = { 0 };
    struct store_record r = { .kind = STORE_CHECKPOINT, .size = 0, .time_ns = 5,
                              .extra = { (const char *)&g->now, sizeof(g->now) } };
    uint64_t position = 0;

    fill(&filler, g->now.tag, g->now.deltas, 2, rng_below(&w->rng, 3000));
    r.body = buf_span(&filler);
    if (store_append(g->group, &r, NULL, &position) == ST_OK) log_event(g, position, true);
    else w->refused++;
    buf_free(&filler);
}

void world_new_group(struct world *w, bool in_memory)
{
    struct world_group *g;
    size_t refused = w->refused;

    if (w->group_count == WORLD_GROUPS || w->failed) return;
    g = add_group(w, w->group_count);
    g->in_memory = in_memory;
    g->group = store_group_new(w->store, in_memory, &group_ops, g);
    g->id = *store_group_id(g->group);
    log_event(g, 0, false);
    if (!in_memory) world_checkpoint(w, g);
    if (w->refused == refused) return;
    store_group_delete(&g->group, NULL);
}

static void release(struct world_group *g, uint64_t seq)
{
    set_bit(g->now.live, seq, false);
    store_release(g->group, g->messages[seq].loc, g->messages[seq].size);
}

void world_append(struct world *w, struct world_group *g, uint32_t body, unsigned replaces)
{
    uint64_t seq = g->now.last_seq + 1, replaced[REPLACED_MAX], position = 0;
    uint32_t size = body + SIZE_EXTRA, count = 0;
    struct store_record r;
    struct store_loc loc;
    struct content c;

    if (seq >= WORLD_SEQS) return;
    for (uint64_t i = 1; i < seq && count < replaces && count < REPLACED_MAX; i++)
        if (state_has(g->now.live, i)) replaced[count++] = i;
    content_of(&c, g->now.tag, seq, size);
    r = message_record(&c, seq, size, span_make((char *)replaced, count * sizeof(*replaced)));
    if (store_append(g->group, &r, &loc, &position) == ST_OK) {
        g->now.last_seq = seq;
        g->messages[seq] = (struct message){ loc, size, false, false };
        set_bit(g->now.live, seq, true);
        for (uint32_t i = 0; i < count; i++) release(g, replaced[i]);
        log_event(g, position, true);
    } else {
        w->refused++;
    }
    content_free(&c);
}

/* Append the delta that removes these, and release them. False: refused. */
static bool append_delta(struct world *w, struct world_group *g, const uint64_t *removed)
{
    struct delta d = { .number = g->now.deltas + 1, .last_seq = g->now.last_seq };
    struct store_record r = { .kind = STORE_DELTA, .time_ns = 5,
                              .extra = { (const char *)&d, sizeof(d) } };
    uint64_t position = 0;

    memcpy(d.removed, removed, sizeof(d.removed));
    if (store_append(g->group, &r, NULL, &position) != ST_OK) {
        w->refused++;
        return false;
    }
    g->now.deltas = d.number;
    g->now.digest = XXH3_64bits_withSeed(&d, sizeof(d), g->now.digest);
    for (uint64_t seq = 1; seq < WORLD_SEQS; seq++)
        if (state_has(removed, seq)) release(g, seq);
    log_event(g, position, true);
    return true;
}

void world_remove(struct world *w, struct world_group *g, unsigned odds)
{
    uint64_t removed[WORLD_SEQS / 64] = { 0 };

    for (uint64_t seq = 1; seq <= g->now.last_seq; seq++)
        if (state_has(g->now.live, seq) && rng_below(&w->rng, 16) < odds)
            set_bit(removed, seq, true);
    (void)append_delta(w, g, removed);
}

void world_delete(struct world *w, struct world_group *g)
{
    uint64_t position = 0;
    bool failed = w->failed;

    store_group_delete(&g->group, &position);
    memset(g->now.live, 0, sizeof(g->now.live));
    log_event(g, failed ? UINT64_MAX : position, false);
}

static void on_erased(struct store_wait *wait)
{
    (void)wait;
}

void world_erase(struct world *w, struct world_group *g)
{
    uint64_t removed[WORLD_SEQS / 64] = { 0 }, seq = 1;
    struct store_wait wait = { .done = on_erased };
    struct store_stats stats;

    while (seq < WORLD_SEQS && !state_has(g->now.live, seq)) seq++;
    if (seq >= WORLD_SEQS || g->in_memory) return;
    set_bit(removed, seq, true);
    if (!append_delta(w, g, removed)) return;
    world_settle(w);
    if (w->failed || w->options.lazy) return;
    store_erase(g->group, g->messages[seq].loc, &wait);
    for (int i = 0; i == 0 || (i < WAITS_MAX && wait.queued); i++) {
        w->now_ns += i * WAIT_NS;
        world_settle(w);
    }
    store_stats(w->store, &stats);
    if (wait.queued && !w->failed && !stats.full)
        verdict_fail(w->verdict, "%s: an erase without an end", w->what ? w->what : "");
    if (wait.queued) store_wait_cancel(w->store, &wait);
    else if (!w->failed) g->messages[seq].erased = true, w->verdict->erased++;
}

void world_flush(struct world *w)
{
    w->now_ns += TICK_NS;
    store_flush(w->store);
}

/* A full disk is looked at again from time to time: the clock goes on some seconds as long as
 * something waits. */
void world_settle(struct world *w)
{
    unsigned steps = 0, waits = 0;

    for (;;) {
        unsigned before = steps;

        world_flush(w);
        while (steps < STEPS_MAX && store_step(w->store)) steps++;
        if (steps == STEPS_MAX) {
            verdict_fail(w->verdict, "%s: the store's work has no end", w->what ? w->what : "");
            return;
        }
        if (steps > before) continue;
        if (w->failed || waits++ == WAITS_MAX) return;
        if (store_durable(w->store) >= store_appended(w->store)) return;
        w->now_ns += WAIT_NS;
    }
}

/* ---- reading ---- */

static bool same_record(const struct store_record *a, const struct store_record *b)
{
    return a->kind == b->kind && a->flags == b->flags && a->size == b->size && a->seq == b->seq &&
           a->time_ns == b->time_ns && span_equal(a->subject, b->subject) &&
           span_equal(a->header, b->header) && span_equal(a->body, b->body);
}

enum read_result world_read(struct world *w, struct world_group *g, uint64_t seq)
{
    struct store_wait wait = { .done = on_erased };
    struct message *m = &g->messages[seq];
    struct store_record got = { 0 }, wanted;
    struct content c;
    enum status st;
    bool same;

    for (int turns = 0; (st = store_read(g->group, m->loc, &got, &wait)) == ST_AGAIN; turns++) {
        while (wait.queued && store_step(w->store)) { }
        if (wait.queued || turns > 100) {
            verdict_fail(w->verdict, "group %u: reading %u has no end", (unsigned)g->now.tag,
                         (unsigned)seq);
            if (wait.queued) store_wait_cancel(w->store, &wait);
            return READ_WRONG;
        }
    }
    if (st != ST_OK) return READ_LOST;
    content_of(&c, g->now.tag, seq, m->size);
    wanted = message_record(&c, seq, m->size, SPAN_NONE);
    same = same_record(&got, &wanted);
    content_free(&c);
    return same ? READ_GOOD : READ_WRONG;
}

/* ---- random scripts ---- */

static uint32_t pick_length(struct rng *r)
{
    static const uint32_t most[] = { 16, 64, 400, 400, 3000, 9000, 30000 };
    uint32_t limit = most[rng_below(r, (uint32_t)COUNT_OF(most))];

    return 16 + rng_below(r, limit);
}

void world_step(struct world *w)
{
    struct world_group *g = world_pick(w);
    uint32_t what = rng_below(&w->rng, 32);

    if (!w->store) return;
    if (!g || (what == 0 && w->group_count < WORLD_GROUPS / 2)) {
        world_new_group(w, g && rng_below(&w->rng, 4) == 0);
    } else if (what < 12) {
        for (uint32_t n = 1 + rng_below(&w->rng, 6); n > 0; n--)
            world_append(w, world_pick(w), pick_length(&w->rng), rng_below(&w->rng, 4) == 0);
    } else if (what < 15) {
        world_remove(w, g, rng_below(&w->rng, 17));
    } else if (what < 17) {
        world_checkpoint(w, g);
    } else if (what == 17 && w->group_count > 3) {
        world_delete(w, g);
    } else if (what == 18) {
        world_erase(w, g);
    } else if (what < 22) {
        world_flush(w);
    } else if (what < 26) {
        world_flush(w);
        (void)store_step(w->store);
    } else if (what < 31) {
        world_settle(w);
    } else {
        (void)world_reopen(w);
    }
}
