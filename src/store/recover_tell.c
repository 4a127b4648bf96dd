/* SPDX-License-Identifier: Apache-2.0 */
/* recover_tell.c - what the footers say, told in the order that store.h promises. Three passes:
 * what groups there are and where each one's newest checkpoint stands; then the checkpoints and the
 * changes after them; then the messages, of which neither header nor body is read. */
#include "base/assert.h"
#include "base/mem.h"
#include "store/files.h"
#include "store/recover.h"

#define WINDOW_BYTES (UINT64_C(256) << 10)

static struct recover_group *group_of(struct recovery *r, uint32_t number)
{
    struct span key = span_make((const char *)&number, sizeof number);
    struct recover_group *rg;

    if (r->last && r->last->number == number) return r->last;
    rg = map_get(&r->groups, key);
    if (rg == NULL) {
        rg = mem_zero(sizeof *rg);
        rg->number = number;
        map_set(&r->groups, key, rg);
    }
    return r->last = rg;
}

/* ---- single records ---- */

/* Bytes [at, at + len) of the segment's file in the window; NULL: they can't be read. */
static const char *window(struct recovery *r, const struct segment *seg, uint64_t at, uint64_t len)
{
    char name[FILES_NAME_BYTES];
    uint64_t want = len > WINDOW_BYTES ? len : WINDOW_BYTES;
    size_t got;

    if (r->file_of == seg->number && at >= r->window_at &&
        at + len <= r->window_at + r->window.len)
        return r->window.p + (at - r->window_at);
    if (r->file_of != seg->number) {
        disk_close(&r->file);
        r->file_of = seg->number;
        files_segment_name(name, seg->number);
        if (disk_open(r->store->dir, name, DISK_READ, &r->file, NULL) != ST_OK) return NULL;
    }
    if (r->file == NULL) return NULL;
    r->window.len = 0;
    r->window_at = at;
    buf_reserve(&r->window, want);
    if (disk_read(r->file, at, r->window.p, want, &got, NULL) != ST_OK &&
        disk_read(r->file, at, r->window.p, len, &got, NULL) != ST_OK)
        return NULL;
    r->window.len = got;
    return got >= len ? r->window.p : NULL;
}

/* Decrypt rec, which stands at in: its spans then point into r->plain. */
static enum status decrypt(struct recovery *r, struct record *rec, const char *in)
{
    size_t head = (size_t)rec->extra_len + rec->subject_len;
    struct crypt_key key;
    enum status st;

    if (!(rec->form & RECORD_SEALED)) return ST_OK;
    if (!r->store->sealed) return ST_DAMAGED;
    key = crypt_derive(&r->store->master, rec->group);
    r->plain.len = 0;
    buf_reserve(&r->plain, head + rec->header_len + rec->body_len + 1);
    st = crypt_open_head(&key, rec, in, r->plain.p);
    if (st == ST_OK) st = crypt_open_body(&key, rec, in, r->plain.p + head);
    mem_wipe(&key, sizeof key);
    rec->head = r->plain.p;
    rec->body = r->plain.p + head;
    return st;
}

/* Read the whole record at at. DAMAGED: it is not good. */
static enum status read_record(struct recovery *r, const struct segment *seg, uint64_t at,
                               struct store_record *out, struct store_id *id)
{
    const char *p = window(r, seg, at, RECORD_FRAME_BYTES);
    uint64_t bytes = p ? record_peek(p) : 0;
    struct record rec;

    if (bytes == 0 || bytes > seg->tail - at || (p = window(r, seg, at, bytes)) == NULL)
        return ST_DAMAGED;
    if (record_parse(p, bytes, seg->salt, at, &rec) != ST_OK || !record_body_is_good(&rec))
        return ST_DAMAGED;
    if (id && rec.id == NULL) return ST_DAMAGED;
    if (id) memcpy(id->bytes, rec.id, sizeof id->bytes);
    if (decrypt(r, &rec, p) != ST_OK) return ST_DAMAGED;
    *out = (struct store_record){
        .kind = rec.kind, .flags = rec.flags, .size = rec.size, .seq = rec.seq,
        .time_ns = rec.time_ns, .extra = span_make(rec.head, rec.extra_len),
        .subject = span_make(rec.head + rec.extra_len, rec.subject_len),
        .header = span_make(rec.body, rec.header_len),
        .body = span_make(rec.body + rec.header_len, rec.body_len) };
    return ST_OK;
}

/* ---- passes over the footers ---- */

typedef void each_f(struct recovery *r, struct recover_segment *rs, struct footer_view *v);

static void pass(struct recovery *r, each_f *each)
{
    for (size_t i = 0; i < r->segment_count; i++) {
        struct recover_segment *rs = &r->segments[i];
        struct footer_view v = { 0 };
        char name[FILES_NAME_BYTES];
        if (rs->is_unreadable) continue;
        if (recover_load_footer(r, rs, &r->footer) == ST_OK &&
            footer_open(buf_span(&r->footer), &v) == ST_OK) {
            each(r, rs, &v);
        } else {
            recover_damage(r, NULL, "%s: the footer can't be read any more",
                           files_segment_name(name, rs->segment->number));
            rs->is_unreadable = true;
            rs->segment->is_pinned = true;      /* what is in it is not accounted for */
        }
        footer_close(&v);
    }
}

static void find_checkpoint(struct recovery *r, struct recover_segment *rs,
                            const struct footer_state *state)
{
    struct recover_group *rg = group_of(r, state->group);

    if (state->index <= rg->checkpoint_index) return;
    if (rg->bad_index && state->index >= rg->bad_index) return;
    rg->checkpoint_index = state->index;
    rg->checkpoint = (struct store_loc){ rs->segment->number,
                                         (uint32_t)(state->at / RECORD_ALIGN) };
}

static void find_groups(struct recovery *r, struct recover_segment *rs, struct footer_view *v)
{
    struct footer_state state;

    for (uint32_t i = 0; i < v->group_count; i++) {
        struct recover_group *rg = group_of(r, v->group_numbers[i]);
        if (v->group_index_max[i] > rg->index) rg->index = v->group_index_max[i];
        if (rg->number >= r->store->next_group) r->store->next_group = rg->number + 1;
    }
    while (footer_next_state(v, &state) == ST_OK) {
        if (state.kind == RECORD_END) {
            group_of(r, state.group)->is_ended = true;
            rs->segment->ends++;
        } else if (state.kind == STORE_CHECKPOINT) {
            find_checkpoint(r, rs, &state);
        }
    }
}

/* Once more, for groups whose newest checkpoint is bad: an older one has to do. */
static void find_older(struct recovery *r, struct recover_segment *rs, struct footer_view *v)
{
    struct footer_state state;

    while (footer_next_state(v, &state) == ST_OK)
        if (state.kind == STORE_CHECKPOINT) find_checkpoint(r, rs, &state);
}

/* Account for what is there of each group; records of unknown groups pin the segment. */
static void account_groups(struct recovery *r, struct recover_segment *rs, struct footer_view *v)
{
    for (uint32_t i = 0; i < v->group_count; i++) {
        struct recover_group *rg = group_of(r, v->group_numbers[i]);
        struct segment_group *e;
        if (rg->is_ended || v->group_index_max[i] == 0) continue;
        if (rg->owner == NULL) rs->segment->is_pinned = true;
        e = segment_group(rs->segment, rg->number, true);
        e->index_max = v->group_index_max[i];
    }
}

static void tell_deltas(struct recovery *r, struct recover_segment *rs, struct footer_view *v)
{
    struct footer_state state;
    char name[FILES_NAME_BYTES];

    account_groups(r, rs, v);
    while (footer_next_state(v, &state) == ST_OK) {
        struct recover_group *rg = group_of(r, state.group);
        struct store_record out;
        if (rg->is_ended || rg->owner == NULL || state.kind != STORE_DELTA ||
            state.index <= rg->checkpoint_index)
            continue;
        if (read_record(r, rs->segment, state.at, &out, NULL) == ST_OK)
            r->tell->delta(rg->owner, &out);
        else
            recover_damage(r, rg->owner, "%s: a change at byte %llu is damaged",
                           files_segment_name(name, rs->segment->number),
                           (unsigned long long)state.at);
    }
}

/* Whether a copy does not count: its origin is there, or was at an earlier recovery. */
static bool is_void_copy(struct recovery *r, const struct footer_message *m)
{
    struct store *s = r->store;
    struct manifest *man = &s->manifest;
    size_t i = 0;

    while (i < man->void_count && man->void_rounds[i] != m->round) i++;
    if (i == man->void_count) {
        if (segment_find(&s->files, m->origin) == NULL) return false;
        man->void_rounds = mem_resize(man->void_rounds,
                                      (man->void_count + 1) * sizeof *man->void_rounds);
        man->void_rounds[man->void_count++] = m->round;
    }
    if (i >= r->void_used) {            /* those with copies come first */
        man->void_rounds[i] = man->void_rounds[r->void_used];
        man->void_rounds[r->void_used++] = m->round;
    }
    return true;
}

static void tell_messages(struct recovery *r, struct recover_segment *rs, struct footer_view *v)
{
    struct segment *seg = rs->segment;
    struct footer_message m;
    uint32_t *memos = mem_alloc(v->subject_count * sizeof *memos + 1);
    enum status st = footer_begin_messages(v);

    memset(memos, 0xff, v->subject_count * sizeof *memos);
    while (st == ST_OK && (st = footer_next_message(v, &m)) == ST_OK) {
        struct recover_group *rg = group_of(r, m.group);
        if (m.is_moved && m.round >= r->store->next_round) r->store->next_round = m.round + 1;
        if (m.is_moved && is_void_copy(r, &m)) {
            r->store->void_segments += !seg->has_void;
            seg->has_void = true;
            continue;
        }
        if (rg->owner == NULL || rg->is_ended) continue;
        store_account(rg->group, seg, &(struct record){ .kind = STORE_MESSAGE,
                                                        .size = m.record.size });
        r->tell->message(rg->owner, &m.record,
                         (struct store_loc){ seg->number, (uint32_t)(m.at / RECORD_ALIGN) },
                         &memos[m.subject]);
    }
    mem_free(memos);
}

/* ---- groups ---- */

/* False: its checkpoint is bad, look for an older one. */
static bool tell_group(struct recovery *r, struct recover_group *rg)
{
    struct segment *seg = segment_find(&r->store->files, rg->checkpoint.segment);
    uint64_t at = (uint64_t)rg->checkpoint.at * RECORD_ALIGN;
    char name[FILES_NAME_BYTES];
    struct store_group *g;
    struct store_record out;
    struct store_id id;

    if (rg->is_ended || rg->is_told) return true;
    if (seg == NULL) {
        rg->is_told = true;
        recover_damage(r, NULL, "group %u has records and no checkpoint", rg->number);
        return true;
    }
    if (read_record(r, seg, at, &out, &id) != ST_OK) {
        recover_damage(r, NULL, "%s: the checkpoint of group %u at byte %llu is damaged",
                       files_segment_name(name, seg->number), rg->number,
                       (unsigned long long)at);
        rg->bad_index = rg->checkpoint_index;
        rg->checkpoint_index = 0;
        rg->checkpoint.segment = 0;
        return false;
    }
    rg->is_told = true;
    g = store_add_group(r->store, rg->number);
    g->id = id;
    g->index = rg->index;
    g->checkpoint_index = rg->checkpoint_index;
    store_note_checkpoint(g, seg, out.body.len + RECORD_FRAME_BYTES);
    rg->group = g;
    rg->owner = r->tell->group(r->tell->arg, g, &out);
    g->is_orphan = rg->owner == NULL;
    if (rg->owner && rg->bad_index)
        recover_damage(r, rg->owner, "group %u: an older checkpoint was used", rg->number);
    return true;
}

void recover_tell_all(struct recovery *r)
{
    bool all_good;

    pass(r, find_groups);
    do {
        all_good = true;
        for (size_t i = 0; i < r->groups.count; i++)
            all_good = tell_group(r, r->groups.entries[i].value) && all_good;
        if (!all_good) pass(r, find_older);
    } while (!all_good);
    pass(r, tell_deltas);
    pass(r, tell_messages);
    for (size_t i = 0; i < r->segment_count; i++) all_good &= !r->segments[i].is_unreadable;
    if (all_good) r->store->manifest.void_count = r->void_used;
    for (size_t i = 0; i < r->groups.count; i++) {
        struct recover_group *rg = r->groups.entries[i].value;
        if (rg->owner) r->tell->group_done(rg->owner);
    }
    disk_close(&r->file);
    buf_free(&r->window);
    buf_free(&r->plain);
}
