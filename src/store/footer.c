/* SPDX-License-Identifier: Apache-2.0 */
/* footer.c - varints, most of them differences to the record before. Everything read is checked
 * against the section's end and the counts; a checksum covers all. */
#include "store/footer.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/hash.h"
#include "base/mem.h"

#define VERSION 1u
#define VARINT_MAX 10

enum section { GROUPS, STATES, SUBJECTS, MESSAGES };

/* ---- varints: 7 bits a byte, low first ---- */

static void put(struct buf *b, uint64_t v)
{
    char *p;

    buf_reserve(b, VARINT_MAX);
    p = b->p + b->len;
    for (; v >= 0x80; v >>= 7) *p++ = (char)(v | 0x80);
    *p++ = (char)v;
    b->len = (size_t)(p - b->p);
}

static bool get(struct footer_view *v, uint64_t *out)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64 && v->p < v->stop; shift += 7) {
        uint8_t c = (uint8_t)*v->p++;
        value |= (uint64_t)(c & 0x7f) << shift;
        if (c < 0x80) {
            *out = value;
            return true;
        }
    }
    return false;
}

static bool get_max(struct footer_view *v, uint64_t max, uint64_t *out)
{
    return get(v, out) && *out <= max;
}

static uint64_t zigzag(int64_t v)
{
    return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

static int64_t unzigzag(uint64_t v)
{
    return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}

/* ---- making ---- */

static uint32_t group_of(struct footer *f, uint32_t number)
{
    uint32_t hash = number * UINT32_C(2654435761), i;

    if (2 * f->group_count >= f->group_slot_count) {
        mem_free(f->group_slots);
        f->group_slot_count = f->group_slot_count ? 2 * f->group_slot_count : 16;
        f->group_slots = mem_zero(f->group_slot_count * sizeof *f->group_slots);
        for (uint32_t k = 0; k < f->group_count; k++) {
            i = f->groups[k].number * UINT32_C(2654435761) & (f->group_slot_count - 1);
            while (f->group_slots[i].id) i = (i + 1) & (f->group_slot_count - 1);
            f->group_slots[i].id = k + 1;
        }
    }
    for (i = hash & (f->group_slot_count - 1); f->group_slots[i].id;
         i = (i + 1) & (f->group_slot_count - 1))
        if (f->groups[f->group_slots[i].id - 1].number == number)
            return f->group_slots[i].id - 1;
    if (f->group_count == f->group_cap) {
        f->group_cap = f->group_cap ? 2 * f->group_cap : 8;
        f->groups = mem_resize(f->groups, f->group_cap * sizeof *f->groups);
    }
    f->groups[f->group_count] = (struct footer_group){ .number = number };
    f->group_slots[i].id = ++f->group_count;
    return f->group_count - 1;
}

static void grow_subjects(struct footer *f)
{
    struct footer_slot *old = f->slots;
    uint32_t count = f->slot_count;

    f->slot_count = count ? 2 * count : 1024;
    f->slots = mem_zero(f->slot_count * sizeof *f->slots);
    for (uint32_t k = 0; k < count; k++) {
        uint32_t i = old[k].hash & (f->slot_count - 1);
        if (old[k].id == 0) continue;
        while (f->slots[i].id) i = (i + 1) & (f->slot_count - 1);
        f->slots[i] = old[k];
    }
    mem_free(old);
}

static uint32_t subject_of(struct footer *f, uint32_t group, struct span subject)
{
    uint32_t hash = (uint32_t)hash_span(subject, group), i;
    struct buf *b = &f->sections[SUBJECTS];

    if (2 * f->subject_count >= f->slot_count) grow_subjects(f);
    for (i = hash & (f->slot_count - 1); f->slots[i].id; i = (i + 1) & (f->slot_count - 1)) {
        const struct footer_subject *s = &f->subjects[f->slots[i].id - 1];
        if (f->slots[i].hash == hash && s->group == group &&
            span_equal(span_make(b->p + s->at, s->len), subject))
            return f->slots[i].id - 1;
    }
    if (f->subject_count == f->subject_cap) {
        f->subject_cap = f->subject_cap ? 2 * f->subject_cap : 256;
        f->subjects = mem_resize(f->subjects, f->subject_cap * sizeof *f->subjects);
    }
    put(b, subject.len);
    f->subjects[f->subject_count] = (struct footer_subject){ b->len, (uint32_t)subject.len,
                                                             group };
    buf_append_span(b, subject);
    f->slots[i] = (struct footer_slot){ hash, ++f->subject_count };
    return f->subject_count - 1;
}

void footer_add(struct footer *f, const struct record *r, uint64_t at)
{
    uint32_t group = group_of(f, r->group);
    struct footer_group *g = &f->groups[group];
    struct buf *b = &f->sections[r->kind == STORE_MESSAGE ? MESSAGES : STATES];

    if (r->index > g->index_max) g->index_max = r->index;
    if (r->kind != STORE_MESSAGE) {
        put(b, r->kind);
        put(b, group);
        put(b, (at - f->state_at) / RECORD_ALIGN);
        put(b, r->index);
        f->state_at = at;
        f->state_count++;
        return;
    }
    put(b, (uint64_t)group << 1 | (r->form & RECORD_MOVED ? 1 : 0));
    put(b, (at - f->message_at) / RECORD_ALIGN);
    put(b, zigzag((int64_t)(r->seq - g->seq)));
    put(b, zigzag((int64_t)((uint64_t)r->time_ns - (uint64_t)f->time_ns)));
    put(b, r->size);
    put(b, r->flags);
    put(b, r->extra_len);
    put(b, subject_of(f, group, span_make(r->head + r->extra_len, r->subject_len)));
    if (r->form & RECORD_MOVED) {
        put(b, r->origin);
        put(b, r->round);
    }
    buf_append(b, r->head, r->extra_len);
    f->groups[group].seq = r->seq;
    f->time_ns = r->time_ns;
    f->message_at = at;
    f->message_count++;
}

void footer_finish(struct footer *f, uint32_t segment, uint64_t end, struct buf *out)
{
    size_t start = out->len;
    char fixed[FOOTER_FIXED_BYTES] = FOOTER_MAGIC;
    uint64_t total = sizeof fixed;

    for (uint32_t i = 0; i < f->group_count; i++) {
        put(&f->sections[GROUPS], f->groups[i].number);
        put(&f->sections[GROUPS], f->groups[i].index_max);
    }
    record_put32(fixed + 8, VERSION);
    record_put32(fixed + 16, segment);
    record_put64(fixed + 24, end);
    record_put32(fixed + 32, f->group_count);
    record_put32(fixed + 36, f->state_count);
    record_put32(fixed + 40, f->subject_count);
    record_put32(fixed + 44, f->message_count);
    for (int i = 0; i < FOOTER_SECTIONS; i++) {
        assert(f->sections[i].len <= UINT32_MAX);
        record_put32(fixed + 48 + 4 * i, (uint32_t)f->sections[i].len);
        total += f->sections[i].len;
    }
    buf_reserve(out, total);
    buf_append(out, fixed, sizeof fixed);
    for (int i = 0; i < FOOTER_SECTIONS; i++) buf_append_span(out, buf_span(&f->sections[i]));
    record_put32(out->p + start + 12, crc32c(crc32c(0, out->p + start, 12), out->p + start + 16,
                                             total - 16));
    footer_free(f);
}

void footer_free(struct footer *f)
{
    for (int i = 0; i < FOOTER_SECTIONS; i++) buf_free(&f->sections[i]);
    mem_free(f->groups);
    mem_free(f->subjects);
    mem_free(f->slots);
    mem_free(f->group_slots);
    *f = (struct footer){ 0 };
}

/* ---- reading ---- */

static void enter(struct footer_view *v, enum section section)
{
    v->p = v->sections[section].p;
    v->stop = v->p + v->sections[section].len;
    v->at = 0;
}

static enum status read_groups(struct footer_view *v)
{
    enter(v, GROUPS);
    if (v->group_count > v->sections[GROUPS].len) return ST_DAMAGED;
    v->group_numbers = mem_zero(v->group_count * sizeof *v->group_numbers + 1);
    v->group_index_max = mem_zero(v->group_count * sizeof *v->group_index_max + 1);
    v->group_seq = mem_zero(v->group_count * sizeof *v->group_seq + 1);
    for (uint32_t i = 0; i < v->group_count; i++) {
        uint64_t number;
        if (!get_max(v, UINT32_MAX, &number) || !get(v, &v->group_index_max[i]))
            return ST_DAMAGED;
        v->group_numbers[i] = (uint32_t)number;
    }
    enter(v, STATES);
    return ST_OK;
}

enum status footer_open(struct span in, struct footer_view *v)
{
    uint64_t at = FOOTER_FIXED_BYTES;

    *v = (struct footer_view){ 0 };
    if (in.len < FOOTER_FIXED_BYTES || memcmp(in.p, FOOTER_MAGIC, 8) != 0 ||
        record_get32(in.p + 8) != VERSION ||
        record_get32(in.p + 12) != crc32c(crc32c(0, in.p, 12), in.p + 16, in.len - 16))
        return ST_DAMAGED;
    v->segment = record_get32(in.p + 16);
    v->end = record_get64(in.p + 24);
    v->group_count = record_get32(in.p + 32);
    v->state_count = record_get32(in.p + 36);
    v->subject_count = record_get32(in.p + 40);
    v->message_count = record_get32(in.p + 44);
    for (int i = 0; i < FOOTER_SECTIONS; i++) {
        uint32_t len = record_get32(in.p + 48 + 4 * i);
        if (len > in.len - at) return ST_DAMAGED;
        v->sections[i] = span_make(in.p + at, len);
        at += len;
    }
    return at == in.len ? read_groups(v) : ST_DAMAGED;
}

void footer_close(struct footer_view *v)
{
    mem_free(v->group_numbers);
    mem_free(v->group_index_max);
    mem_free(v->group_seq);
    mem_free(v->subjects);
    *v = (struct footer_view){ 0 };
}

static bool get_at(struct footer_view *v, uint64_t *out)
{
    uint64_t step;

    if (!get_max(v, UINT32_MAX, &step)) return false;
    v->at += step * RECORD_ALIGN;
    *out = v->at;
    return v->at / RECORD_ALIGN <= UINT32_MAX;
}

enum status footer_next_state(struct footer_view *v, struct footer_state *out)
{
    uint64_t kind, group;

    if (v->p == v->stop) return ST_NOT_FOUND;
    if (!get_max(v, RECORD_END, &kind) || kind <= STORE_MESSAGE ||
        !get_max(v, UINT32_MAX, &group) || group >= v->group_count || !get_at(v, &out->at) ||
        !get(v, &out->index))
        return ST_DAMAGED;
    out->kind = (uint8_t)kind;
    out->group = v->group_numbers[group];
    return ST_OK;
}

enum status footer_begin_messages(struct footer_view *v)
{
    enter(v, SUBJECTS);
    if (v->subject_count > v->sections[SUBJECTS].len) return ST_DAMAGED;
    v->subjects = mem_zero(v->subject_count * sizeof *v->subjects + 1);
    for (uint32_t i = 0; i < v->subject_count; i++) {
        uint64_t len;
        if (!get_max(v, STORE_SUBJECT_MAX, &len) || len > (size_t)(v->stop - v->p))
            return ST_DAMAGED;
        v->subjects[i] = span_make(v->p, len);
        v->p += len;
    }
    enter(v, MESSAGES);
    v->time_ns = 0;
    memset(v->group_seq, 0, v->group_count * sizeof *v->group_seq);
    return ST_OK;
}

enum status footer_next_message(struct footer_view *v, struct footer_message *out)
{
    uint64_t group, seq, time, size, flags, extra, subject, origin = 0, round = 0;

    if (v->p == v->stop) return ST_NOT_FOUND;
    if (!get(v, &group) || group >> 1 >= v->group_count || !get_at(v, &out->at) ||
        !get(v, &seq) || !get(v, &time) || !get_max(v, UINT32_MAX, &size) ||
        !get_max(v, UINT8_MAX, &flags) || !get_max(v, STORE_EXTRA_MAX, &extra) ||
        !get_max(v, UINT32_MAX, &subject) || subject >= v->subject_count)
        return ST_DAMAGED;
    out->is_moved = group & 1;
    if (out->is_moved &&
        (!get_max(v, UINT32_MAX, &origin) || !get_max(v, UINT32_MAX, &round)))
        return ST_DAMAGED;
    if (extra > (size_t)(v->stop - v->p)) return ST_DAMAGED;
    group >>= 1;
    v->group_seq[group] += (uint64_t)unzigzag(seq);
    v->time_ns = (int64_t)((uint64_t)v->time_ns + (uint64_t)unzigzag(time));
    out->group = v->group_numbers[group];
    out->subject = (uint32_t)subject;
    out->origin = (uint32_t)origin;
    out->round = (uint32_t)round;
    out->record = (struct store_record){
        .kind = STORE_MESSAGE, .flags = (uint8_t)flags, .size = (uint32_t)size,
        .seq = v->group_seq[group], .time_ns = v->time_ns, .extra = span_make(v->p, extra),
        .subject = v->subjects[subject] };
    v->p += extra;
    return ST_OK;
}
