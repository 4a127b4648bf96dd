/* SPDX-License-Identifier: Apache-2.0 */
/* jsz.h - what /jsz is asked for, and its list of streams and consumers. Inside monitor/ only. */
#ifndef MONITOR_JSZ_H
#define MONITOR_JSZ_H

#include "base/jsonw.h"
#include "monitor/js_facts.h"
#include "monitor/query.h"

struct jsz_options {
    struct span account;                /* empty: none in particular */
    bool accounts, streams, consumers, direct, config, leader_only, raft, stream_leader_only;
    int64_t offset, limit;              /* limit below 0: none, and no offset */
};

/* Read the query, with nats-server's order of checks and defaults. BAD_INPUT: *error has the text
 * of the answer. account is valid as long as q. */
MUST_USE enum status jsz_options_read(struct jsz_options *o, const struct query *q,
                                      struct buf *error);

/* Which of the accounts, sorted by name, get details: [*from, *to). O(accounts). */
void jsz_accounts(const struct jsz_options *o, const struct js_facts *f, size_t *from, size_t *to);

/* Write the array "stream_detail" of the account, if it has streams. The home loop is visited for
 * a short time, again and again: while others are deleted one may be missing, and what is deleted
 * and made again may be there twice, but each stream is as it was at one moment, and so is each
 * consumer. Stops when w->out is longer than an
 * answer may be. From the monitoring thread. O(streams + consumers) and reads of first messages. */
void jsz_put_streams(struct jsonw *w, struct js *js, const char *account,
                     const struct jsz_options *o);

#endif
