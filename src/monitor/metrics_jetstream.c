/* SPDX-License-Identifier: Apache-2.0 */
/* metrics_jetstream.c - families of JetStream, as tables of what is read from where. */
#include "monitor/metrics_jetstream.h"

#include <stddef.h>

#include "base/duration.h"

#define OTHER "other"                   /* an account of this name is counted among the others */

/* A family whose value is the uint64_t at offset in some struct. */
struct family {
    const char *name;
    enum exposition_type type;
    size_t offset;
    const char *help;
};

static uint64_t value_at(const void *base, size_t offset)
{
    uint64_t value;

    memcpy(&value, (const char *)base + offset, sizeof value);
    return value;
}

static void put_families(struct exposition *e, const struct family *rows, size_t count,
                         const void *base)
{
    for (size_t i = 0; i < count; i++) {
        exposition_family(e, rows[i].name, rows[i].type, rows[i].help);
        exposition_u64(e, NULL, 0, value_at(base, rows[i].offset));
    }
}

static void put_gauge(struct exposition *e, const char *name, const char *help, int64_t value)
{
    exposition_family(e, name, EXPOSITION_GAUGE, help);
    exposition_int(e, NULL, 0, value);
}

/* ---- server ---- */

#define AT(field) offsetof(struct js_facts, field)

static void put_server(struct exposition *e, const struct js_facts *f)
{
    static const struct family rows[] = {
        { "nats_jetstream_streams", EXPOSITION_GAUGE, AT(streams), "Streams." },
        { "nats_jetstream_consumers", EXPOSITION_GAUGE, AT(consumers), "Consumers." },
        { "nats_jetstream_messages", EXPOSITION_GAUGE, AT(messages), "Messages in all streams." },
        { "nats_jetstream_memory_bytes", EXPOSITION_GAUGE, AT(memory),
          "Bytes of messages of streams in memory." },
        { "nats_jetstream_memory_reserved_bytes", EXPOSITION_GAUGE, AT(memory_reserved),
          "Bytes that streams in memory were promised." },
        { "nats_jetstream_storage_bytes", EXPOSITION_GAUGE, AT(store),
          "Bytes of messages of streams on disk." },
        { "nats_jetstream_storage_reserved_bytes", EXPOSITION_GAUGE, AT(store_reserved),
          "Bytes that streams on disk were promised." },
        { "nats_jetstream_api_requests", EXPOSITION_COUNTER, AT(api_total),
          "Requests to the JetStream API." },
        { "nats_jetstream_api_errors", EXPOSITION_COUNTER, AT(api_errors),
          "Requests to the JetStream API that were answered with an error." },
        { "nats_jetstream_api_inflight", EXPOSITION_GAUGE, AT(api_inflight),
          "Requests to the JetStream API under way." },
    };

    put_families(e, rows, COUNT_OF(rows), f);
    put_gauge(e, "nats_jetstream_memory_limit_bytes", "Bytes that streams in memory may have.",
              f->max_memory);
    put_gauge(e, "nats_jetstream_storage_limit_bytes", "Bytes that streams on disk may have.",
              f->max_store);
}

#undef AT

/* ---- store ---- */

#define AT(field) offsetof(struct store_stats, field)

static void put_latency(struct exposition *e, const struct store_stats *s)
{
    double bounds[STORE_LATENCY_BUCKETS - 1];

    for (unsigned i = 0; i < COUNT_OF(bounds); i++) bounds[i] = (double)(1u << i) / 1e6;
    exposition_family(e, "nats_store_commit_latency_seconds", EXPOSITION_HISTOGRAM,
                      "Time of a commit from its hand-over to the writer until it is durable.");
    exposition_histogram(e, bounds, s->commit_latency, STORE_LATENCY_BUCKETS,
                         (double)s->commit_latency_ns / (double)NS_PER_S);
}

static void put_store(struct exposition *e, const struct store_stats *s)
{
    static const struct family rows[] = {
        { "nats_store_appended_records", EXPOSITION_COUNTER, AT(appends), "Records appended." },
        { "nats_store_appended_bytes", EXPOSITION_COUNTER, AT(append_bytes),
          "Bytes of appended records with their frames." },
        { "nats_store_commits", EXPOSITION_COUNTER, AT(commits),
          "Batches of records that were made durable together." },
        { "nats_store_syncs", EXPOSITION_COUNTER, AT(syncs), "Syncs of files." },
        { "nats_store_cache_hits", EXPOSITION_COUNTER, AT(cache_hits),
          "Reads of records answered from memory." },
        { "nats_store_cache_misses", EXPOSITION_COUNTER, AT(cache_misses),
          "Reads of records that had to wait for the disk." },
        { "nats_store_cache_bytes", EXPOSITION_GAUGE, AT(cache_bytes),
          "Memory of segments held for reading." },
        { "nats_store_segments", EXPOSITION_GAUGE, AT(segments), "Segment files." },
        { "nats_store_disk_bytes", EXPOSITION_GAUGE, AT(disk_bytes), "Bytes of segment files." },
        { "nats_store_live_bytes", EXPOSITION_GAUGE, AT(live_bytes),
          "Bytes of records that are still needed." },
        { "nats_store_moved_records", EXPOSITION_COUNTER, AT(moved_records),
          "Records copied forward to free segments." },
        { "nats_store_moved_bytes", EXPOSITION_COUNTER, AT(moved_bytes),
          "Bytes copied forward to free segments." },
        { "nats_store_reclaimed_segments", EXPOSITION_COUNTER, AT(reclaimed_segments),
          "Segments freed." },
        { "nats_store_scrubbed_bytes", EXPOSITION_COUNTER, AT(scrubbed_bytes),
          "Bytes read back in the background and checked." },
        { "nats_store_damaged_records", EXPOSITION_COUNTER, AT(damaged_records),
          "Reads of records whose bytes were found damaged." },
    };

    put_families(e, rows, COUNT_OF(rows), s);
    exposition_family(e, "nats_store_sync_seconds", EXPOSITION_COUNTER, "Time spent in syncs.");
    exposition_double(e, NULL, 0, (double)s->sync_ns / (double)NS_PER_S);
    put_latency(e, s);
    put_gauge(e, "nats_store_failed",
              "Whether the store takes nothing until the server starts again.", s->failed);
    put_gauge(e, "nats_store_full", "Whether the disk is too full for messages.", s->full);
}

#undef AT

/* ---- accounts ---- */

#define AT(field) offsetof(struct js_account_facts, field)

static void put_by_account(struct exposition *e, const struct js_facts *f, size_t offset)
{
    struct exposition_label label = { "account", SPAN_LIT(OTHER) };
    uint64_t other = 0;
    size_t shown = 0;

    for (size_t i = 0; i < f->account_count; i++) {
        const struct js_account_facts *a = &f->accounts[i];
        if (shown == METRICS_ACCOUNTS_MAX || strcmp(a->name, OTHER) == 0) {
            other += value_at(a, offset);
            continue;
        }
        label.value = span_of(a->name);
        exposition_u64(e, &label, 1, value_at(a, offset));
        shown++;
    }
    label.value = SPAN_LIT(OTHER);
    if (shown < f->account_count) exposition_u64(e, &label, 1, other);
}

static void put_accounts(struct exposition *e, const struct js_facts *f)
{
    static const struct family rows[] = {
        { "nats_jetstream_account_streams", EXPOSITION_GAUGE, AT(streams),
          "Streams of an account." },
        { "nats_jetstream_account_consumers", EXPOSITION_GAUGE, AT(consumers),
          "Consumers of an account." },
        { "nats_jetstream_account_memory_bytes", EXPOSITION_GAUGE, AT(memory),
          "Bytes of messages of an account's streams in memory." },
        { "nats_jetstream_account_storage_bytes", EXPOSITION_GAUGE, AT(store),
          "Bytes of messages of an account's streams on disk." },
        { "nats_jetstream_account_api_requests", EXPOSITION_COUNTER, AT(api_total),
          "Requests to the JetStream API by an account." },
        { "nats_jetstream_account_api_errors", EXPOSITION_COUNTER, AT(api_errors),
          "Requests to the JetStream API by an account that were answered with an error." },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        exposition_family(e, rows[i].name, rows[i].type, rows[i].help);
        put_by_account(e, f, rows[i].offset);
    }
}

#undef AT

/* ---- streams and consumers ---- */

#define AT(field) offsetof(struct metrics_stream, field)

static void put_streams(struct exposition *e, const struct metrics_rows *rows)
{
    static const struct family families[] = {
        { "nats_stream_messages", EXPOSITION_GAUGE, AT(state.count), "Messages in a stream." },
        { "nats_stream_bytes", EXPOSITION_GAUGE, AT(state.bytes),
          "Bytes of the messages in a stream." },
        { "nats_stream_first_seq", EXPOSITION_GAUGE, AT(state.first_seq),
          "Sequence of the first message of a stream." },
        { "nats_stream_last_seq", EXPOSITION_GAUGE, AT(state.last_seq),
          "Last sequence that a stream has given out." },
        { "nats_stream_subjects", EXPOSITION_GAUGE, AT(state.subjects),
          "Subjects that have a message in a stream." },
        { "nats_stream_deleted_messages", EXPOSITION_GAUGE, AT(deleted),
          "Messages removed between the first and the last of a stream." },
        { "nats_stream_lost_messages", EXPOSITION_GAUGE, AT(lost),
          "Messages of a stream that were lost to damage." },
        { "nats_stream_consumers", EXPOSITION_GAUGE, AT(consumers), "Consumers of a stream." },
    };

    for (size_t i = 0; i < COUNT_OF(families); i++) {
        exposition_family(e, families[i].name, families[i].type, families[i].help);
        for (size_t n = 0; n < rows->stream_count; n++) {
            const struct metrics_stream *s = &rows->streams[n];
            const struct exposition_label labels[] = { { "account", span_of(s->account) },
                                                       { "stream", span_of(s->stream) } };
            exposition_u64(e, labels, COUNT_OF(labels), value_at(s, families[i].offset));
        }
    }
}

#undef AT
#define AT(field) offsetof(struct metrics_consumer, facts.field)

static void put_consumers(struct exposition *e, const struct metrics_rows *rows)
{
    static const struct family families[] = {
        { "nats_consumer_pending_messages", EXPOSITION_GAUGE, AT(pending),
          "Messages that a consumer has not delivered yet: its lag." },
        { "nats_consumer_ack_pending_messages", EXPOSITION_GAUGE, AT(ack_pending),
          "Messages delivered and not acknowledged." },
        { "nats_consumer_redelivered_messages", EXPOSITION_GAUGE, AT(redelivered),
          "Messages delivered more than once and not acknowledged." },
        { "nats_consumer_waiting_requests", EXPOSITION_GAUGE, AT(waiting),
          "Pull requests that wait for messages." },
        { "nats_consumer_delivered_messages", EXPOSITION_COUNTER, AT(delivered_consumer_seq),
          "Deliveries of a consumer, redeliveries included." },
        { "nats_consumer_delivered_seq", EXPOSITION_GAUGE, AT(delivered_stream_seq),
          "Highest stream sequence that a consumer has delivered." },
        { "nats_consumer_ack_floor_seq", EXPOSITION_GAUGE, AT(floor_stream_seq),
          "Stream sequence up to which everything is acknowledged." },
    };

    for (size_t i = 0; i < COUNT_OF(families); i++) {
        exposition_family(e, families[i].name, families[i].type, families[i].help);
        for (size_t n = 0; n < rows->consumer_count; n++) {
            const struct metrics_consumer *c = &rows->consumers[n];
            const struct exposition_label labels[] = { { "account", span_of(c->account) },
                                                       { "stream", span_of(c->stream) },
                                                       { "consumer", span_of(c->consumer) } };
            exposition_u64(e, labels, COUNT_OF(labels), value_at(c, families[i].offset));
        }
    }
}

#undef AT

static void put_left_out(struct exposition *e, const struct metrics_rows *rows)
{
    struct exposition_label label = { "kind", SPAN_LIT("streams") };

    exposition_family(e, "nats_jetstream_left_out", EXPOSITION_GAUGE,
                      "Streams and consumers without metrics of their own: there are too many.");
    exposition_u64(e, &label, 1, rows->streams_left_out);
    label.value = SPAN_LIT("consumers");
    exposition_u64(e, &label, 1, rows->consumers_left_out);
}

void metrics_put_jetstream(struct exposition *e, const struct js_facts *facts,
                           const struct metrics_rows *rows)
{
    put_server(e, facts);
    put_store(e, &facts->stats);
    put_accounts(e, facts);
    put_streams(e, rows);
    put_consumers(e, rows);
    put_left_out(e, rows);
}
