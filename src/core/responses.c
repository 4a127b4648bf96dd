/* SPDX-License-Identifier: Apache-2.0 */
/* responses.c - a map with expiry; expired entries are cleared out when it is full.
 *
 * The map moves its last entry, the newest, to where one is removed. A hand that goes round over
 * the entries therefore meets a new one only after all that were there before it. */
#include "core/responses.h"

#include "base/map.h"
#include "base/mem.h"
#include "os/sync.h"

#define CLEAR_INTERVAL_NS INT64_C(1000000000)

struct response {
    int64_t left, expires_ns;
};

struct responses {
    struct sync_mutex mutex;
    struct map map;             /* reply subject -> struct response */
    int64_t max, ttl_ns;
    int64_t next_clear_ns;      /* looking for what expired costs much: not each time */
    size_t hand;                /* where the next victim stands */
    bool active;
};

struct responses *responses_new(int64_t max, int64_t ttl_ns)
{
    struct responses *r = mem_zero(sizeof *r);

    r->max = max;
    r->ttl_ns = ttl_ns;
    r->active = true;
    return r;
}

static void clear(struct responses *r)
{
    for (size_t i = 0; i < r->map.count; i++) mem_free(r->map.entries[i].value);
    map_free(&r->map);
}

void responses_configure(struct responses *r, bool active, int64_t max, int64_t ttl_ns)
{
    if (r == NULL) return;
    sync_mutex_lock(&r->mutex);
    r->active = active;
    r->max = max;
    r->ttl_ns = ttl_ns;
    if (!active) clear(r);
    sync_mutex_unlock(&r->mutex);
}

void responses_free(struct responses **r)
{
    if (*r == NULL) return;
    clear(*r);
    mem_free(*r);
    *r = NULL;
}

static void drop(struct responses *r, size_t i)
{
    struct map_entry *e = &r->map.entries[i];

    mem_free(map_remove(&r->map, span_make(e->key, e->key_len)));
}

/* Room for one more: what expired goes, else what would expire first. O(entries). */
static void make_room(struct responses *r, int64_t now_ns)
{
    size_t first = 0;

    for (size_t i = r->map.count; i-- > 0;) {
        const struct response *e = r->map.entries[i].value;
        if (r->ttl_ns > 0 && e->expires_ns <= now_ns) drop(r, i);
    }
    if (r->map.count < RESPONSES_MAX) return;
    for (size_t i = 1; i < r->map.count; i++) {
        const struct response *e = r->map.entries[i].value;
        const struct response *least = r->map.entries[first].value;
        if (e->expires_ns < least->expires_ns) first = i;
    }
    drop(r, first);
}

void responses_add(struct responses *r, struct span reply, int64_t now_ns)
{
    struct response *e;

    sync_mutex_lock(&r->mutex);
    if (!r->active) {
        sync_mutex_unlock(&r->mutex);
        return;
    }
    e = map_get(&r->map, reply);
    if (e == NULL) {
        if (r->map.count >= RESPONSES_MAX) make_room(r, now_ns);
        e = mem_zero(sizeof *e);
        map_set(&r->map, reply, e);
    }
    e->left = r->max;
    e->expires_ns = now_ns + r->ttl_ns;
    sync_mutex_unlock(&r->mutex);
}

bool responses_take(struct responses *r, struct span subject, int64_t now_ns)
{
    struct response *e;
    bool allowed = false;

    if (r == NULL) return false;
    sync_mutex_lock(&r->mutex);
    e = map_get(&r->map, subject);
    if (e != NULL) {
        allowed = r->ttl_ns <= 0 || now_ns < e->expires_ns;
        if (!allowed || (r->max > 0 && --e->left == 0)) mem_free(map_remove(&r->map, subject));
    }
    sync_mutex_unlock(&r->mutex);
    return allowed;
}
