/* SPDX-License-Identifier: Apache-2.0 */
/* metrics_rows.c - numbers of streams and consumers, copied from the home loop page by page. */
#include <stdlib.h>

#include "base/duration.h"
#include "base/mem.h"
#include "jetstream/stream.h"
#include "monitor/metrics_jetstream.h"
#include "os/clock.h"

#define PAGE_NS (NS_PER_S / 1000)
#define GROWTH 64                       /* rows */

struct walk {
    struct metrics_rows *rows;
    const struct js_facts *facts;
    size_t account_at, stream_at, consumer_at;
    bool in_stream;                     /* stream_at was copied, its consumers are being */
    bool done;
};

/* ---- on the home loop ---- */

/* Room for one more, allocated in steps. */
static void *grow(void *rows, size_t count, size_t size)
{
    return count % GROWTH ? rows : mem_resize(rows, (count + GROWTH) * size);
}

static uint64_t count_lost(const struct stream *s)
{
    uint64_t count = 0, run[2];

    for (size_t at = 0; at + sizeof run <= s->lost.len; at += sizeof run) {
        memcpy(run, s->lost.p + at, sizeof run);
        count += run[1] - run[0] + 1;
    }
    return count;
}

static void copy_stream(struct metrics_rows *rows, const struct stream *s)
{
    if (rows->stream_count == METRICS_ROWS_MAX) return;
    rows->streams = grow(rows->streams, rows->stream_count, sizeof *rows->streams);
    rows->streams[rows->stream_count++] = (struct metrics_stream){
        .account = mem_dup(s->account->account->name), .stream = mem_dup(s->config.name),
        .state = msgs_state(s->msgs), .deleted = msgs_deleted_count(s->msgs),
        .lost = count_lost(s), .consumers = s->consumers.count,
    };
}

static void copy_consumer(struct metrics_rows *rows, const struct stream *s, struct consumer *c)
{
    struct metrics_consumer *to;
    struct span name = consumer_name(c);

    if (rows->consumer_count == METRICS_ROWS_MAX) return;
    rows->consumers = grow(rows->consumers, rows->consumer_count, sizeof *rows->consumers);
    to = &rows->consumers[rows->consumer_count++];
    to->account = mem_dup(s->account->account->name);
    to->stream = mem_dup(s->config.name);
    to->consumer = mem_printf("%.*s", SPAN_ARG(name));
    consumer_facts(c, &to->facts);
}

/* One stream or one consumer. */
static void step(struct walk *k, const struct js_account *a)
{
    const struct stream *s = a->streams.entries[k->stream_at].value;

    if (!k->in_stream) {
        copy_stream(k->rows, s);
        k->in_stream = true;
        k->consumer_at = 0;
    } else if (k->consumer_at < s->consumers.count && k->rows->consumer_count < METRICS_ROWS_MAX) {
        copy_consumer(k->rows, s, s->consumers.entries[k->consumer_at++].value);
    } else {
        k->in_stream = false;
        k->stream_at++;
    }
}

static void copy_page(struct js *js, void *arg)
{
    struct walk *k = arg;
    int64_t end_ns = clock_mono_ns() + PAGE_NS;

    do {
        const struct js_account *a = NULL;
        if (k->account_at < k->facts->account_count)
            a = js_account_find(js, span_of(k->facts->accounts[k->account_at].name));
        if (a && k->stream_at < a->streams.count) {
            step(k, a);
        } else if (k->account_at < k->facts->account_count) {
            k->account_at++;
            k->stream_at = 0;
            k->in_stream = false;
        }
        k->done = k->account_at == k->facts->account_count ||
                  (k->rows->stream_count == METRICS_ROWS_MAX &&
                   k->rows->consumer_count == METRICS_ROWS_MAX);
    } while (!k->done && clock_mono_ns() < end_ns);
}

/* ---- on the monitoring thread ---- */

static int by_stream(const void *a, const void *b)
{
    const struct metrics_stream *x = a, *y = b;
    int order = strcmp(x->account, y->account);

    return order ? order : strcmp(x->stream, y->stream);
}

static int by_consumer(const void *a, const void *b)
{
    const struct metrics_consumer *x = a, *y = b;
    int order = strcmp(x->account, y->account);

    if (order == 0) order = strcmp(x->stream, y->stream);
    return order ? order : strcmp(x->consumer, y->consumer);
}

static void free_stream(struct metrics_stream *s)
{
    mem_free(s->account);
    mem_free(s->stream);
}

static void free_consumer(struct metrics_consumer *c)
{
    mem_free(c->account);
    mem_free(c->stream);
    mem_free(c->consumer);
}

void metrics_rows_sort(struct metrics_rows *rows)
{
    size_t kept = 0;

    if (rows->stream_count)
        qsort(rows->streams, rows->stream_count, sizeof *rows->streams, by_stream);
    for (size_t i = 0; i < rows->stream_count; i++) {
        struct metrics_stream *s = &rows->streams[i];
        if (kept && by_stream(&rows->streams[kept - 1], s) == 0) free_stream(s);
        else rows->streams[kept++] = *s;
    }
    rows->stream_count = kept;
    kept = 0;
    if (rows->consumer_count)
        qsort(rows->consumers, rows->consumer_count, sizeof *rows->consumers, by_consumer);
    for (size_t i = 0; i < rows->consumer_count; i++) {
        struct metrics_consumer *c = &rows->consumers[i];
        if (kept && by_consumer(&rows->consumers[kept - 1], c) == 0) free_consumer(c);
        else rows->consumers[kept++] = *c;
    }
    rows->consumer_count = kept;
}

static uint64_t left_out(uint64_t all, size_t shown)
{
    return all > shown ? all - shown : 0;
}

void metrics_rows_init(struct metrics_rows *rows, struct js *js, const struct js_facts *facts)
{
    struct walk k = { .rows = rows, .facts = facts };

    *rows = (struct metrics_rows){ .stream_count = 0 };
    while (!k.done) js_visit(js, copy_page, &k);
    metrics_rows_sort(rows);
    rows->streams_left_out = left_out(facts->streams, rows->stream_count);
    rows->consumers_left_out = left_out(facts->consumers, rows->consumer_count);
}

void metrics_rows_fini(struct metrics_rows *rows)
{
    for (size_t i = 0; i < rows->stream_count; i++) free_stream(&rows->streams[i]);
    for (size_t i = 0; i < rows->consumer_count; i++) free_consumer(&rows->consumers[i]);
    mem_free(rows->streams);
    mem_free(rows->consumers);
    *rows = (struct metrics_rows){ .stream_count = 0 };
}
