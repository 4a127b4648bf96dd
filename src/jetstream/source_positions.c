/* SPDX-License-Identifier: Apache-2.0 */
/* source_positions.c - the table of positions and its bytes in the log.
 *
 * A section is varint number, varint sequence, key; the key may be missing where an earlier record
 * has given it. Numbers count up from 1 and are never given back. */
#include "jetstream/source_positions.h"

#include "base/map.h"
#include "base/mem.h"
#include "jetstream/state_record.h"

struct source_positions {
    struct map by_key;                  /* -> struct source_position; entry n is number n + 1 */
};

struct source_positions *source_positions_new(void)
{
    return mem_zero(sizeof(struct source_positions));
}

void source_positions_free(struct source_positions **at)
{
    struct source_positions *p = *at;

    if (p == NULL) return;
    for (size_t i = 0; i < p->by_key.count; i++) {
        struct source_position *one = p->by_key.entries[i].value;
        mem_free(one->key);
        mem_free(one);
    }
    map_free(&p->by_key);
    mem_free(p);
    *at = NULL;
}

struct source_position *source_positions_find(const struct source_positions *p, struct span key)
{
    return p ? map_get(&p->by_key, key) : NULL;
}

struct source_position *source_positions_by_id(const struct source_positions *p, uint64_t id)
{
    return p && id > 0 && id <= p->by_key.count ? p->by_key.entries[id - 1].value : NULL;
}

static struct source_position *add(struct source_positions *p, struct span key)
{
    struct source_position *one = mem_zero(sizeof *one);

    one->id = p->by_key.count + 1;
    one->key = mem_dup_span(key);
    map_set(&p->by_key, key, one);
    return one;
}

struct source_position *source_positions_add(struct source_positions *p, struct span key)
{
    struct source_position *one = map_get(&p->by_key, key);

    return one ? one : add(p, key);
}

struct source_position *source_positions_note(struct source_positions *p, struct span key)
{
    struct source_position *one = map_get(&p->by_key, key);

    if (one || p->by_key.count >= SOURCE_POSITIONS_MAX) return one;
    return add(p, key);
}

void source_position_move(struct source_position *at, uint64_t seq)
{
    if (seq <= at->seq) return;
    at->seq = seq;
    at->moved = true;
}

void source_positions_put(struct source_positions *p, bool all, struct buf *out)
{
    struct buf body = { 0 };

    for (size_t i = 0; p && i < p->by_key.count; i++) {
        struct source_position *one = p->by_key.entries[i].value;
        if (!all && !one->moved && one->named) continue;
        body.len = 0;
        varint_put(&body, one->id);
        varint_put(&body, one->seq);
        if (all || !one->named) buf_append_text(&body, one->key);
        state_put(out, STATE_SOURCE, buf_span(&body));
        one->named = true;
        one->moved = false;
    }
    buf_free(&body);
}

bool source_positions_take(struct source_positions *p, struct span body)
{
    struct source_position *one;
    uint64_t id, seq;

    if (!varint_take(&body, &id) || !varint_take(&body, &seq)) return false;
    one = source_positions_by_id(p, id);
    if (one == NULL) {
        if (id != p->by_key.count + 1 || body.len == 0 || map_has(&p->by_key, body)) return false;
        one = add(p, body);
    }
    if (seq > one->seq) one->seq = seq;
    one->named = true;
    return true;
}
