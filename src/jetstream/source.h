/* SPDX-License-Identifier: Apache-2.0 */
/* source.h - streams that copy other streams of their account: mirrors and sources.
 *
 * Copy and origin live on the same loop, so a copy reads its origin's messages directly, as a
 * cursor: what is visible (durable) there is filtered, its subject transformed, and stored. An
 * origin may be missing; the copy goes on when a stream of that name appears. A mirror's position
 * is its own last sequence, a source's is logged with the copied messages (source_positions.h), so
 * that no message is copied twice or missed after a crash. Owned by the copy; on the home loop. */
#ifndef JETSTREAM_SOURCE_H
#define JETSTREAM_SOURCE_H

#include "jetstream/ingest.h"
#include "jetstream/source_header.h"
#include "jetstream/source_positions.h"

struct msgs_filter;
struct transform;

struct source {
    struct list link;                   /* in origin->readers, or account->waiting_sources */
    struct list ready;                  /* in js->ready_sources */
    struct stream *copy, *origin;       /* origin NULL: not there */
    const struct js_source_config *config;      /* in the copy's configuration */
    bool is_mirror, is_local;           /* local: its origin is looked for in this server */
    bool starting;                      /* next is not known yet */
    bool blocked;                       /* the copy did not take the last message */
    bool untold;                        /* position moved and no record tells it */
    struct span name;                   /* of its index_name, owned */
    char identity[SOURCE_HASH_LEN + 1]; /* of origin */
    struct source_position *position;   /* of a source, once it has started */
    struct msgs_filter *filter;         /* in origin's index */
    struct transform **transforms;      /* one per configured; NULL: subject stays */
    struct span *filters;               /* subjects that it wants; borrowed of config */
    size_t filter_count;
    uint64_t next;                      /* nothing below is wanted */
    struct stream_waiter waiter;
    struct store_wait wait;
    struct timer retry;
    int64_t heard_ns;                   /* wall; when something last came; 0: never */
    enum js_err error;                  /* JS_OK: none */
    struct buf header, subject;         /* of the message being copied */
};

/* ---- told by streams ---- */

/* Make what s's configuration says, keep what it still says, attach. After a change of it and when
 * s begins. */
void sources_configure(struct stream *s);
/* s ends: its cursors go. for_good: it is deleted, origins need keep nothing for it. */
void sources_end(struct stream *s, bool for_good);
/* A stream of that name is there now. */
void sources_origin_new(struct stream *origin);
/* It ends: who copied it waits for another one. */
void sources_origin_gone(struct stream *origin);

/* Whether somebody who copies s still wants a message: of this subject, or seq (number of its
 * subject). Retention by interest and workqueue look at it. */
bool sources_want_text(const struct stream *s, struct span subject);
bool sources_need(const struct stream *s, uint64_t seq, uint32_t subject);

/* The position that a message with this header moves to *seq when it is stored in s; NULL: none,
 * or one too many. A new one is logged. */
struct source_position *sources_of_header(struct stream *s, struct span header, uint64_t *seq);

/* ---- told by the engine ---- */

/* Copy what can be copied, some of it. True: something is left. */
bool sources_run(struct js *js);

/* ---- information ---- */

/* "mirror" and "sources" of StreamInfo. */
void sources_write_info(struct stream *s, struct jsonw *w);

/* The stream that answers direct requests for name, which has no such stream itself: a mirror of
 * it. NULL: none. */
struct stream *sources_find_mirror(struct js_account *a, struct span name);

/* ---- checks ---- */

/* What nats-server checks of mirror and sources against the account's other streams (10030, 10046,
 * 10022, cycles), and mirror_direct taken over from the origin. After stream_config_check.
 * O(streams that are reached). */
enum js_err sources_check(const struct js_account *a, struct stream_config *c, bool pedantic,
                          struct js_error *e);

/* ---- between source*.c ---- */

enum source_result { SOURCE_COPIED, SOURCE_LATER, SOURCE_REFUSED };

/* Store r, which the origin has, in the copy. LATER: the store is behind, again next turn. REFUSED:
 * the copy does not take it now (its limits), the error is in c->error. */
enum source_result source_copy(struct source *c, const struct store_record *r);

#endif
