/* SPDX-License-Identifier: Apache-2.0 */
/* store_test_owner.h - for tests: a store with one owner that knows what it appended. Each group is
 * a list of messages by seq with their places; bodies are a function of group and seq, so that
 * what is read can be checked whatever happened in between. Included once per test program. */
#ifndef STORE_STORE_TEST_OWNER_H
#define STORE_STORE_TEST_OWNER_H

#pragma GCC diagnostic ignored "-Wunused-function"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/mem.h"
#include "base/rng.h"
#include "os/clock.h"
#include "os/disk.h"
#include "store/store.h"

#define OWNER_SEQ_MAX 70000
#define OWNER_GROUPS_MAX 8
#define OWNER_SEGMENT (UINT64_C(256) << 10)
#define OWNER_DEAD UINT32_C(0x40000000)         /* in a segment's number: reported, but removed */

struct owner;

struct owner_group {
    struct owner *owner;
    struct store_group *g;
    uint32_t name;                      /* in the checkpoint's body */
    uint32_t size_max;
    uint64_t last;                      /* seq */
    struct store_loc locs[OWNER_SEQ_MAX + 1];   /* segment 0: released */
    uint64_t deltas, done;              /* told at recovery */
    uint64_t counter;                   /* sum of deltas since the checkpoint */
    uint64_t moved, checkpoints;
    bool in_memory;
};

struct owner {
    struct store *s;
    struct disk *disk;
    struct store_options options;
    struct owner_group *groups[OWNER_GROUPS_MAX];
    size_t count;
    struct sync_mailbox box;
    uint64_t durable;
    unsigned failures, damages;
    char failed_text[512], damage_text[4096];
    int64_t now;
    bool without_checkpoint;            /* does not answer when asked for one */
};

static void owner_post(void *arg, struct sync_mail *mail)
{
    sync_mailbox_post(&((struct owner *)arg)->box, mail);
}

static void owner_on_durable(void *arg, uint64_t position)
{
    struct owner *o = arg;

    assert(position > o->durable);
    o->durable = position;
}

static void owner_on_failed(void *arg, const char *why)
{
    struct owner *o = arg;

    o->failures++;
    snprintf(o->failed_text, sizeof o->failed_text, "%s", why);
}

/* The payload of a message: its length and bytes follow from group and seq. */
static size_t owner_fill(const struct owner_group *og, uint64_t seq, char *subject, char *body)
{
    struct rng rng;
    size_t len;

    rng_seed(&rng, og->name * UINT64_C(1000003) + seq);
    len = og->size_max ? rng_below(&rng, og->size_max + 1) : 0;
    snprintf(subject, 64, "s.%u.%u", og->name, rng_below(&rng, 50));
    for (size_t i = 0; i < len; i++) body[i] = (char)(i % 61 == 0 ? rng_next(&rng) : i + seq);
    return len;
}

static enum status owner_append(struct owner_group *og, uint64_t *position)
{
    uint64_t seq = og->last + 1;
    char subject[64], *body = mem_alloc(og->size_max + 1);
    size_t len = owner_fill(og, seq, subject, body);
    enum status st;

    assert(seq <= OWNER_SEQ_MAX);
    st = store_append(og->g, &(struct store_record){
        .kind = STORE_MESSAGE, .flags = (uint8_t)seq, .size = (uint32_t)len + 10, .seq = seq,
        .time_ns = (int64_t)seq * 1000, .extra = span_make((char *)&seq, seq % 3 ? 0 : 8),
        .subject = span_of(subject), .header = span_make(body, len / 4),
        .body = span_make(body + len / 4, len - len / 4) }, &og->locs[seq], position);
    mem_free(body);
    if (st == ST_OK) og->last = seq;
    return st;
}

static uint32_t owner_size(const struct owner_group *og, uint64_t seq)
{
    char subject[64], *body = mem_alloc(og->size_max + 1);
    size_t len = owner_fill(og, seq, subject, body);

    mem_free(body);
    return (uint32_t)len + 10;
}

static void owner_release(struct owner_group *og, uint64_t seq)
{
    store_release(og->g, og->locs[seq], owner_size(og, seq));
    og->locs[seq].segment = 0;
}

struct owner_state {                    /* body of a checkpoint */
    uint64_t last, counter;
    uint32_t name, size_max;
};

static void owner_checkpoint(void *arg)
{
    struct owner_group *og = arg;
    struct buf b = { 0 };
    struct owner_state state = { og->last, og->counter, og->name, og->size_max };
    enum status st;

    if (og->owner->without_checkpoint) return;
    buf_append(&b, &state, sizeof state);
    for (uint64_t seq = 1; seq <= og->last; seq++)
        buf_append_char(&b, og->locs[seq].segment ? 1 : 0);
    st = store_append(og->g, &(struct store_record){ .kind = STORE_CHECKPOINT,
                      .body = buf_span(&b) }, NULL, NULL);
    assert(st == ST_OK || og->owner->failures);
    og->checkpoints++;
    buf_free(&b);
}

/* A change of state: seq was removed (0: none). */
static enum status owner_delta(struct owner_group *og, uint64_t seq, uint64_t *position)
{
    og->counter++;
    return store_append(og->g, &(struct store_record){ .kind = STORE_DELTA, .seq = seq,
                        .body = span_make((char *)&og->counter, 8) }, NULL, position);
}

static bool owner_is_live(void *arg, uint64_t seq, struct store_loc loc)
{
    struct owner_group *og = arg;

    return seq <= og->last && og->locs[seq].segment == loc.segment && og->locs[seq].at == loc.at;
}

static void owner_moved(void *arg, uint64_t seq, struct store_loc from, struct store_loc to)
{
    struct owner_group *og = arg;

    assert(owner_is_live(arg, seq, from));
    og->locs[seq] = to;
    og->moved++;
}

static const struct store_group_ops owner_ops = { owner_is_live, owner_moved, owner_checkpoint };

static struct owner_group *owner_new_group(struct owner *o, uint32_t size_max, bool in_memory)
{
    struct owner_group *og = mem_zero(sizeof *og);

    assert(o->count < OWNER_GROUPS_MAX);
    og->owner = o;
    og->name = (uint32_t)o->count + 1;
    og->size_max = size_max;
    og->in_memory = in_memory;
    og->g = store_group_new(o->s, in_memory, &owner_ops, og);
    o->groups[o->count++] = og;
    if (!in_memory) owner_checkpoint(og);
    return og;
}

/* ---- recovery ---- */

static void *on_group(void *arg, struct store_group *g, const struct store_record *checkpoint)
{
    struct owner *o = arg;
    struct owner_group *og = mem_zero(sizeof *og);
    struct owner_state state;

    assert(o->count < OWNER_GROUPS_MAX && checkpoint->body.len >= sizeof state);
    memcpy(&state, checkpoint->body.p, sizeof state);
    assert(checkpoint->body.len == sizeof state + state.last);
    og->owner = o;
    og->g = g;
    og->name = state.name;
    og->size_max = state.size_max;
    og->last = state.last;
    og->counter = state.counter;
    /* At UINT32_MAX: dead, and known to be. */
    for (uint64_t seq = 1; seq <= state.last; seq++)
        if (!checkpoint->body.p[sizeof state + seq - 1]) og->locs[seq].at = UINT32_MAX;
    o->groups[o->count++] = og;
    return og;
}

static void on_delta(void *owner, const struct store_record *r)
{
    struct owner_group *og = owner;
    uint64_t counter;

    assert(r->body.len == 8);
    memcpy(&counter, r->body.p, 8);
    assert(counter == og->counter + 1);         /* each one, in order */
    og->counter = counter;
    og->deltas++;
    if (r->seq) og->locs[r->seq].at = UINT32_MAX;
}

static void on_message(void *owner, const struct store_record *r, struct store_loc loc,
                       uint32_t *memo)
{
    struct owner_group *og = owner;
    char subject[64], *body = mem_alloc(og->size_max + 1);
    size_t len = owner_fill(og, r->seq, subject, body);
    bool is_dead;

    assert(r->seq >= 1 && r->seq <= OWNER_SEQ_MAX);
    assert(span_is(r->subject, subject) && r->size == len + 10 && r->flags == (uint8_t)r->seq);
    assert(r->extra.len == (r->seq % 3 ? 0 : 8) && r->time_ns == (int64_t)r->seq * 1000);
    assert(*memo == UINT32_MAX || *memo == strlen(subject));
    *memo = (uint32_t)strlen(subject);
    assert(og->locs[r->seq].segment == 0);      /* once */
    is_dead = og->locs[r->seq].at == UINT32_MAX;
    og->locs[r->seq] = loc;
    if (is_dead) og->locs[r->seq].segment |= OWNER_DEAD;        /* released when all is open */
    if (r->seq > og->last) og->last = r->seq;
    mem_free(body);
}

static void on_group_done(void *owner)
{
    ((struct owner_group *)owner)->done++;
}

static void on_damage(void *arg, void *owner, const char *text)
{
    struct owner *o = arg;
    size_t len = strlen(o->damage_text);

    (void)owner;
    o->damages++;
    snprintf(o->damage_text + len, sizeof o->damage_text - len, "%s\n", text);
}

/* Real time, which a test may push on. */
static int64_t owner_now(void *arg)
{
    return clock_mono_ns() + __atomic_load_n(&((struct owner *)arg)->now, __ATOMIC_RELAXED);
}

static enum status owner_open(struct owner *o, struct error *why)
{
    struct store_recovery recovery = { on_group, on_delta, on_message, on_group_done, on_damage,
                                       o };
    enum status st;

    o->options.disk = o->disk;
    o->options.post = owner_post;
    o->options.on_durable = owner_on_durable;
    o->options.on_failed = owner_on_failed;
    o->options.on_damage = on_damage;
    o->options.now = owner_now;
    o->options.arg = o;
    st = store_open(&o->s, &o->options, &recovery, why);
    if (st != ST_OK) return st;
    o->durable = store_durable(o->s);
    for (size_t i = 0; i < o->count; i++) {
        struct owner_group *og = o->groups[i];
        store_group_own(og->g, &owner_ops, og);
        for (uint64_t seq = 1; seq <= og->last; seq++) {
            if (og->locs[seq].segment & OWNER_DEAD) {
                og->locs[seq].segment &= ~OWNER_DEAD;
                owner_release(og, seq);
            }
            if (og->locs[seq].at == UINT32_MAX) og->locs[seq].at = 0;
        }
    }
    return ST_OK;
}

static void owner_forget(struct owner *o)
{
    for (size_t i = 0; i < o->count; i++) mem_free(o->groups[i]);
    o->count = 0;
}

/* ---- running ---- */

/* One iteration of a loop: mail, flush, a piece of the threads' work. */
static bool owner_turn(struct owner *o)
{
    struct sync_mail *mail = sync_mailbox_take(&o->box);
    bool worked = mail != NULL;

    while (mail) {
        struct sync_mail *next = mail->next;
        mail->run(mail, NULL);
        mail = next;
    }
    store_flush(o->s);
    if (!o->options.threads) return store_step(o->s);
    if (!worked) sched_yield();
    return true;
}

static void owner_settle(struct owner *o)       /* without threads: until nothing is to do */
{
    assert(!o->options.threads);
    while (owner_turn(o)) { }
}

static void owner_wait_durable(struct owner *o, uint64_t position)
{
    int64_t deadline = clock_mono_ns() + INT64_C(30000000000);

    while (o->durable < position && !o->failures) {
        assert(clock_mono_ns() < deadline);
        owner_turn(o);
    }
}

static void owner_close(struct owner *o)
{
    struct sync_mail *mail;

    store_close(&o->s);
    mail = sync_mailbox_take(&o->box);
    while (mail) {
        struct sync_mail *next = mail->next;
        mail->run(mail, NULL);
        mail = next;
    }
}

struct owner_reader {
    struct store_wait wait;
    unsigned calls;
};

static void owner_read_done(struct store_wait *w)
{
    CONTAINER_OF(w, struct owner_reader, wait)->calls++;
}

/* Read seq however long it takes, and compare. */
static enum status owner_check(struct owner_group *og, uint64_t seq)
{
    struct owner_reader reader = { .wait.done = owner_read_done };
    char subject[64], *body = mem_alloc(og->size_max + 1);
    size_t len = owner_fill(og, seq, subject, body);
    struct store_record r;
    enum status st;
    int64_t deadline = clock_mono_ns() + INT64_C(30000000000);

    while ((st = store_read(og->g, og->locs[seq], &r, &reader.wait)) == ST_AGAIN) {
        unsigned calls = reader.calls;
        assert(reader.wait.queued && clock_mono_ns() < deadline);
        while (reader.calls == calls) owner_turn(og->owner);
    }
    if (st == ST_OK) {
        assert(r.kind == STORE_MESSAGE && r.seq == seq && span_is(r.subject, subject));
        assert(r.header.len == len / 4 && r.body.len == len - len / 4);
        assert(memcmp(r.header.p, body, r.header.len) == 0 || len / 4 == 0);
        assert(len == 0 || memcmp(r.body.p, body + len / 4, r.body.len) == 0);
    }
    mem_free(body);
    return st;
}

static void owner_check_all(struct owner *o)
{
    for (size_t i = 0; i < o->count; i++)
        for (uint64_t seq = 1; seq <= o->groups[i]->last; seq++)
            if (o->groups[i]->locs[seq].segment) {
                enum status st = owner_check(o->groups[i], seq);
                assert(st == ST_OK);
            }
}

/* ---- the directory ---- */

static char *owner_make_dir(void)
{
    char *dir = mem_dup("/tmp/store_test.XXXXXX");

    assert(mkdtemp(dir) == dir);
    return dir;
}

static void owner_remove_dir(char *dir)
{
    char command[128];

    snprintf(command, sizeof command, "rm -r '%s'", dir);
    if (system(command) != 0) perror(command);
    mem_free(dir);
}

static void owner_start(struct owner *o, char *dir, bool threads)
{
    enum status st;

    *o = (struct owner){ .disk = disk_real_new(),
                         .options = { .dir = dir, .segment_bytes = OWNER_SEGMENT,
                                      .cache_bytes = 2 * OWNER_SEGMENT, .threads = threads } };
    st = owner_open(o, NULL);
    assert(st == ST_OK);
}

/* Close, open, and find everything as it was. */
static void owner_reopen(struct owner *o)
{
    uint64_t live[OWNER_GROUPS_MAX] = { 0 };
    size_t count = o->count, files = 0;
    enum status st;

    for (size_t i = 0; i < count; i++)
        for (uint64_t seq = 1; seq <= o->groups[i]->last; seq++)
            if (!o->groups[i]->in_memory && o->groups[i]->locs[seq].segment)
                live[o->groups[i]->name]++;
    for (size_t i = 0; i < count; i++) files += !o->groups[i]->in_memory;
    owner_close(o);
    owner_forget(o);
    st = owner_open(o, NULL);
    assert(st == ST_OK);
    assert(o->count == files);
    for (size_t i = 0; i < o->count; i++) {
        uint64_t n = 0;
        assert(o->groups[i]->done == 1);
        for (uint64_t seq = 1; seq <= o->groups[i]->last; seq++)
            n += o->groups[i]->locs[seq].segment != 0;
        assert(n == live[o->groups[i]->name]);
    }
    if (o->damages) fprintf(stderr, "%s", o->damage_text);
    assert(o->damages == 0);
    owner_check_all(o);
}

static void owner_stop(struct owner *o, char *dir)
{
    owner_close(o);
    owner_forget(o);
    disk_free(&o->disk);
    owner_remove_dir(dir);
}

#endif
