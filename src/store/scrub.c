/* SPDX-License-Identifier: Apache-2.0 */
/* scrub.c - walks records in windows of the file; what is bad is reported to the owner, a body only
 * if its message still lives. */
#include "store/scrub.h"

#include <stdio.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "store/files.h"

#define FINDS_MAX 16

struct find {
    uint64_t from, to;
    bool is_body;
    uint32_t group;
    uint64_t seq;
};

struct scrub {
    struct task task;
    struct store *store;
    bool is_active;
    int64_t next_ns;
    uint32_t number;                    /* of the segment; 0: before the first */
    uint64_t at, end;                   /* in it: next record, end of its batch */
    uint64_t tail;
    struct record_salt salt;
    uint64_t footer_at, footer_bytes;
    uint32_t footer_crc;
    /* of a step: */
    struct disk_file *file;
    struct buf window;
    uint64_t window_at, read;
    struct find finds[FINDS_MAX];
    size_t find_count;
};

static const char *window(struct scrub *c, uint64_t at, uint64_t len)
{
    uint64_t want = len > SEGMENT_CHUNK ? len : SEGMENT_CHUNK;
    size_t got;

    if (at >= c->window_at && at + len <= c->window_at + c->window.len)
        return c->window.p + (at - c->window_at);
    c->window.len = 0;
    c->window_at = at;
    buf_reserve(&c->window, want);
    if (disk_read(c->file, at, c->window.p, want, &got, NULL) != ST_OK &&
        disk_read(c->file, at, c->window.p, len, &got, NULL) != ST_OK)
        got = 0;
    c->window.len = got;
    c->read += got;
    return got >= len ? c->window.p : NULL;
}

static void note(struct scrub *c, struct find f)
{
    if (c->find_count < FINDS_MAX) c->finds[c->find_count++] = f;
}

static void enter_batch(struct scrub *c)
{
    const char *p = window(c, c->at, RECORD_BATCH_BYTES);
    struct record_batch b;

    if (p && record_get_batch(p, c->number, c->at, c->salt, &b) == ST_OK &&
        b.length <= c->tail - c->at) {
        c->end = c->at + b.length;
        c->at += RECORD_BATCH_BYTES;
    } else {
        note(c, (struct find){ .from = c->at, .to = c->at + RECORD_BLOCK });
        c->at = c->end = c->at + RECORD_BLOCK;
    }
}

static void check_record(struct scrub *c)
{
    const char *p = window(c, c->at, RECORD_FRAME_BYTES);
    uint64_t bytes = p ? record_peek(p) : 0;
    struct record r;

    if (bytes == 0 || bytes > c->end - c->at || (p = window(c, c->at, bytes)) == NULL ||
        record_parse(p, bytes, c->salt, c->at, &r) != ST_OK) {
        note(c, (struct find){ .from = c->at, .to = c->end });
        c->at = c->end;
        return;
    }
    if (!record_body_is_good(&r) && !record_is_erased(&r))
        note(c, (struct find){ .from = c->at, .to = c->at + bytes,
                               .is_body = r.kind == STORE_MESSAGE, .group = r.group,
                               .seq = r.seq });
    c->at += bytes;
}

static void check_footer(struct scrub *c)
{
    const char *p = window(c, c->footer_at, c->footer_bytes);

    if (p == NULL || crc32c(0, p, c->footer_bytes) != c->footer_crc)
        note(c, (struct find){ .from = c->footer_at, .to = c->footer_at + c->footer_bytes });
}

static void run_scrub(struct task *t)
{
    struct scrub *c = CONTAINER_OF(t, struct scrub, task);
    char name[FILES_NAME_BYTES];

    c->read = c->find_count = 0;
    if (disk_open(c->store->dir, files_segment_name(name, c->number), DISK_READ, &c->file, NULL) !=
        ST_OK) {
        c->at = c->tail;                /* removed meanwhile, or missing: the owner knows */
        return;
    }
    while (c->at < c->tail && c->read < SCRUB_STEP_BYTES && c->find_count < FINDS_MAX) {
        if (c->at < c->end) check_record(c);
        else if ((c->at = record_pad_block(c->at)) < c->tail) enter_batch(c);
    }
    if (c->at >= c->tail) check_footer(c);
    disk_close(&c->file);
    buf_free(&c->window);
}

static void report(struct scrub *c, const struct find *f)
{
    struct store *s = c->store;
    struct store_group *g = f->is_body ? store_find_group(s, f->group) : NULL;
    struct segment *seg = segment_find(&s->files, c->number);
    char text[160], name[FILES_NAME_BYTES];
    struct store_loc loc = { c->number, (uint32_t)(f->from / RECORD_ALIGN) };

    if (seg == NULL || seg->is_removed) return;
    if (f->is_body && (g == NULL || g->is_orphan || !g->ops->is_live(g->owner, f->seq, loc)))
        return;
    snprintf(text, sizeof text, "%s: bytes %llu to %llu: %s",
             files_segment_name(name, c->number), (unsigned long long)f->from,
             (unsigned long long)f->to, f->is_body ? "the body of a message is damaged"
                                                   : "unreadable records");
    seg->damaged++;
    s->stats.damaged_records++;
    store_damage(s, g, text);
}

static void on_scrub(struct task *t)
{
    struct scrub *c = CONTAINER_OF(t, struct scrub, task);

    c->is_active = false;
    c->store->stats.scrubbed_bytes += c->read;
    for (size_t i = 0; i < c->find_count; i++) report(c, &c->finds[i]);
}

/* Go to the next sealed segment; false: there is none, the pass is over. */
static bool next_segment(struct store *s, struct scrub *c)
{
    struct segment *seg = segment_next(&s->files, c->number);

    while (seg && (!seg->is_sealed || seg->is_removed)) seg = segment_next(&s->files, seg->number);
    c->number = seg ? seg->number : 0;
    if (seg == NULL) return false;
    c->at = c->end = RECORD_BLOCK;
    c->tail = seg->tail;
    c->salt = seg->salt;
    c->footer_at = seg->footer_at;
    c->footer_bytes = seg->footer_bytes;
    c->footer_crc = seg->footer_crc;
    return true;
}

void scrub_step(struct store *s)
{
    struct scrub *c = s->scrub;
    int64_t now = store_now(s);

    if (c == NULL) {
        c = s->scrub = mem_zero(sizeof *c);
        c->store = s;
        c->next_ns = now + SCRUB_STEP_NS;
    }
    if (c->is_active || now < c->next_ns) return;
    if (c->at >= c->tail && !next_segment(s, c)) {
        c->next_ns = now + SCRUB_PASS_NS;
        return;
    }
    c->next_ns = now + SCRUB_STEP_NS;
    c->is_active = true;
    c->task = (struct task){ .run = run_scrub, .done = on_scrub };
    tasks_submit(s->tasks, TASK_READER, &c->task);
}

int64_t scrub_next_ns(const struct store *s)
{
    return s->scrub && !s->scrub->is_active ? s->scrub->next_ns : INT64_MAX;
}

void scrub_free(struct store *s)
{
    if (s->scrub) buf_free(&s->scrub->window);
    mem_free(s->scrub);
}
