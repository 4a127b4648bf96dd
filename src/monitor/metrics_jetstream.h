/* SPDX-License-Identifier: Apache-2.0 */
/* metrics_jetstream.h - JetStream's part of /metrics: server, store, accounts, streams, consumers.
 * Inside monitor/ only. */
#ifndef MONITOR_METRICS_JETSTREAM_H
#define MONITOR_METRICS_JETSTREAM_H

#include "jetstream/consumer.h"
#include "monitor/exposition.h"
#include "monitor/js_facts.h"

#define METRICS_ROWS_MAX 10000          /* streams; consumers. Further ones are only counted */
#define METRICS_ACCOUNTS_MAX 100        /* further ones share one label */

struct metrics_stream {
    char *account, *stream;
    struct msgs_state state;
    uint64_t deleted, lost, consumers;
};

struct metrics_consumer {
    char *account, *stream, *consumer;
    struct consumer_facts facts;
};

struct metrics_rows {
    struct metrics_stream *streams;
    struct metrics_consumer *consumers;
    size_t stream_count, consumer_count;
    uint64_t streams_left_out, consumers_left_out;      /* about, while they come and go */
};

/* Copy from js at most METRICS_ROWS_MAX of each: of facts' accounts in their order, the oldest.
 * They are sorted by name and none is there twice. The home loop is visited for a short time, again
 * and again; each row is of one moment. From the monitoring thread. O(n log n) in the number of
 * streams and consumers. Free with metrics_rows_fini. */
void metrics_rows_init(struct metrics_rows *rows, struct js *js, const struct js_facts *facts);
void metrics_rows_fini(struct metrics_rows *rows);

/* Sort by name and drop rows of the same name but one: a stream or consumer may be copied, deleted,
 * made again and copied again. */
void metrics_rows_sort(struct metrics_rows *rows);

/* Write all families. O(rows). */
void metrics_put_jetstream(struct exposition *e, const struct js_facts *facts,
                           const struct metrics_rows *rows);

#endif
