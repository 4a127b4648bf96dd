/* SPDX-License-Identifier: Apache-2.0 */
/* query.h - the query part of a request's URL, read as Go's net/url and strconv read it.
 *
 * Pairs that can't be read (a bad %, a ';') are left out, of equal names the first counts. A value
 * of the wrong kind is an error with nats-server's text. Pure; owned by one request. */
#ifndef MONITOR_QUERY_H
#define MONITOR_QUERY_H

#include "base/buf.h"
#include "base/status.h"

#define QUERY_PAIRS_MAX 64      /* further ones are left out */

struct query_pair { struct span name, value; };

struct query {
    struct buf text;            /* decoded names and values */
    struct query_pair pairs[QUERY_PAIRS_MAX];
    size_t count;
};

/* Read raw, what stands behind the '?'. Free with query_fini. */
void query_init(struct query *q, struct span raw);
void query_fini(struct query *q);

/* Append raw without its %xx; plus_is_space as in queries. False: a bad %, out is unchanged. */
bool query_decode(struct buf *out, struct span raw, bool plus_is_space);

/* The first value of name; empty when there is none. Valid as long as q. */
struct span query_text(const struct query *q, const char *name);

/* The value of name as a number or truth; 0 or false when it is empty. BAD_INPUT: *error has the
 * text of the answer. */
MUST_USE enum status query_bool(const struct query *q, const char *name, bool *out,
                                struct buf *error);
MUST_USE enum status query_int(const struct query *q, const char *name, int64_t *out,
                               struct buf *error);
MUST_USE enum status query_u64(const struct query *q, const char *name, uint64_t *out,
                               struct buf *error);

/* subs=1|detail: list of subjects, or of details. */
MUST_USE enum status query_subs(const struct query *q, bool *subs, bool *detail,
                                struct buf *error);

/* offset and limit of a list; an offset below 0 is 0, a limit of 0 or less the default, 1024. */
struct page { int64_t offset, limit; };

/* Read both. Errors as query_int's. */
MUST_USE enum status query_page(const struct query *q, struct page *page, struct buf *error);

/* The part [*from, *to) of a list of count elements. */
void page_bounds(struct page page, size_t count, size_t *from, size_t *to);

#endif
