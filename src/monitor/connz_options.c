/* SPDX-License-Identifier: Apache-2.0 */
/* connz_options.c - what a request to /connz asks for. */
#include <stdlib.h>

#include "monitor/connz.h"

static const char *const sorts[CONNZ_SORTS] = {
    [CONNZ_CID] = "cid", [CONNZ_START] = "start", [CONNZ_SUBS] = "subs",
    [CONNZ_PENDING] = "pending", [CONNZ_MSGS_TO] = "msgs_to", [CONNZ_MSGS_FROM] = "msgs_from",
    [CONNZ_BYTES_TO] = "bytes_to", [CONNZ_BYTES_FROM] = "bytes_from", [CONNZ_LAST] = "last",
    [CONNZ_IDLE] = "idle", [CONNZ_UPTIME] = "uptime", [CONNZ_STOP] = "stop",
    [CONNZ_REASON] = "reason", [CONNZ_RTT] = "rtt",
};

static enum status read_state(struct connz_options *o, const struct query *q, struct buf *error)
{
    static const struct { const char *text; enum connz_state state; } rows[] = {
        { "", CONNZ_OPEN }, { "open", CONNZ_OPEN }, { "closed", CONNZ_CLOSED },
        { "any", CONNZ_ALL }, { "all", CONNZ_ALL },
    };
    struct span text = query_text(q, "state");

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (span_equal_nocase(text, span_of(rows[i].text))) {
            o->state = rows[i].state;
            return ST_OK;
        }
    buf_printf(error, "Error decoding state for ");
    buf_append_span(error, text);
    return ST_BAD_INPUT;
}

static enum status read_sort(struct connz_options *o, const struct query *q, struct buf *error)
{
    struct span text = query_text(q, "sort");

    o->sort = CONNZ_CID;
    if (text.len == 0) return ST_OK;
    for (o->sort = CONNZ_CID; o->sort < CONNZ_SORTS; o->sort++)
        if (span_is(text, sorts[o->sort])) break;
    if (o->sort == CONNZ_SORTS) {
        buf_append_text(error, "invalid sorting option: ");
        buf_append_span(error, text);
        return ST_BAD_INPUT;
    }
    if ((o->sort == CONNZ_STOP || o->sort == CONNZ_REASON) && o->state != CONNZ_CLOSED) {
        buf_printf(error, "sort by %s only valid on closed connections", sorts[o->sort]);
        return ST_BAD_INPUT;
    }
    return ST_OK;
}

enum status connz_options_read(struct connz_options *o, const struct query *q, struct buf *error)
{
    enum status st = query_bool(q, "auth", &o->auth, error);

    if (st == ST_OK) st = query_subs(q, &o->subs, &o->detail, error);
    if (st == ST_OK) st = query_page(q, &o->page, error);
    if (st == ST_OK) st = query_u64(q, "cid", &o->cid, error);
    if (st == ST_OK) st = read_state(o, q, error);
    if (st == ST_OK) st = read_sort(o, q, error);
    if (st != ST_OK) return st;
    o->user = query_text(q, "user");
    o->account = query_text(q, "acc");
    o->mqtt_client = query_text(q, "mqtt_client");
    if (o->cid > 0) o->page.limit = 1;
    return ST_OK;
}

static int by_cid(const void *a, const void *b)
{
    const struct connz_key *x = a, *y = b;

    if (x->cid != y->cid) return x->cid < y->cid ? -1 : 1;
    return x->closed - y->closed;
}

static int by_value(const void *a, const void *b)
{
    const struct connz_key *x = a, *y = b;

    if (x->value != y->value) return x->value < y->value ? -1 : 1;
    return by_cid(a, b);
}

static int by_value_down(const void *a, const void *b)
{
    const struct connz_key *x = a, *y = b;

    if (x->value != y->value) return x->value > y->value ? -1 : 1;
    return by_cid(a, b);
}

size_t connz_sort_keys(struct connz_key *keys, size_t count, enum connz_sort sort)
{
    size_t kept = 0;

    if (count == 0) return 0;
    qsort(keys, count, sizeof *keys, by_cid);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || by_cid(&keys[kept - 1], &keys[i]) != 0) keys[kept++] = keys[i];
    if (sort == CONNZ_CID || sort == CONNZ_START) return kept;
    qsort(keys, kept, sizeof *keys,
          sort == CONNZ_UPTIME || sort == CONNZ_REASON ? by_value : by_value_down);
    return kept;
}
