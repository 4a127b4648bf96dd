/* SPDX-License-Identifier: Apache-2.0 */
/* metrics_jetstream_test.c - every value stands in its family, and the labels are bounded. */
#include "monitor/metrics_jetstream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/mem.h"

static void write_all(struct buf *out, const struct js_facts *facts,
                      const struct metrics_rows *rows)
{
    struct exposition e = { .out = out };

    metrics_put_jetstream(&e, facts, rows);
}

static void expect(struct buf *out, const char *line)
{
    if (strstr(buf_text(out), line) == NULL) fail_msg("no %s in:\n%s", line, buf_text(out));
}

static size_t count(struct buf *out, const char *what)
{
    size_t n = 0;

    for (const char *p = buf_text(out); (p = strstr(p, what)) != NULL; p++) n++;
    return n;
}

#define CONSUMER "{account=\"A\",stream=\"S\\\"\",consumer=\"C\"} "

/* What test_values writes, with a number of its own for each value. */
static const char *const lines[] = {
    "\nnats_jetstream_memory_bytes 1\n", "\nnats_jetstream_storage_bytes 2\n",
    "\nnats_jetstream_memory_reserved_bytes 3\n",
    "\nnats_jetstream_storage_reserved_bytes 4\n",
    "\nnats_jetstream_memory_limit_bytes 5\n", "\nnats_jetstream_storage_limit_bytes 6\n",
    "\nnats_jetstream_api_requests_total 7\n", "\nnats_jetstream_api_errors_total 8\n",
    "\nnats_jetstream_api_inflight 9\n", "\nnats_jetstream_streams 10\n",
    "\nnats_jetstream_consumers 11\n", "\nnats_jetstream_messages 12\n",
    "\nnats_store_appended_records_total 51\n", "\nnats_store_appended_bytes_total 52\n",
    "\nnats_store_commits_total 53\n", "\nnats_store_syncs_total 54\n",
    "\nnats_store_sync_seconds_total 1.5\n", "\nnats_store_cache_hits_total 55\n",
    "\nnats_store_cache_misses_total 56\n", "\nnats_store_cache_bytes 57\n",
    "\nnats_store_segments 58\n", "\nnats_store_disk_bytes 59\n",
    "\nnats_store_live_bytes 60\n", "\nnats_store_moved_records_total 61\n",
    "\nnats_store_moved_bytes_total 62\n", "\nnats_store_reclaimed_segments_total 63\n",
    "\nnats_store_scrubbed_bytes_total 64\n", "\nnats_store_damaged_records_total 65\n",
    "\nnats_store_failed 1\n", "\nnats_store_full 1\n",
    "\nnats_store_commit_latency_seconds_bucket{le=\"0.000001\"} 1\n",
    "\nnats_store_commit_latency_seconds_bucket{le=\"0.000002\"} 3\n",
    "\nnats_store_commit_latency_seconds_bucket{le=\"4.194304\"} 3\n",
    "\nnats_store_commit_latency_seconds_bucket{le=\"+Inf\"} 7\n",
    "\nnats_store_commit_latency_seconds_sum 2.5\n",
    "\nnats_store_commit_latency_seconds_count 7\n",
    "\nnats_jetstream_account_memory_bytes{account=\"A\"} 31\n",
    "\nnats_jetstream_account_storage_bytes{account=\"A\"} 32\n",
    "\nnats_jetstream_account_streams{account=\"A\"} 33\n",
    "\nnats_jetstream_account_consumers{account=\"A\"} 34\n",
    "\nnats_jetstream_account_api_requests_total{account=\"A\"} 35\n",
    "\nnats_jetstream_account_api_errors_total{account=\"A\"} 36\n",
    "\nnats_stream_first_seq{account=\"A\",stream=\"S\\\"\"} 71\n",
    "\nnats_stream_last_seq{account=\"A\",stream=\"S\\\"\"} 72\n",
    "\nnats_stream_messages{account=\"A\",stream=\"S\\\"\"} 73\n",
    "\nnats_stream_bytes{account=\"A\",stream=\"S\\\"\"} 74\n",
    "\nnats_stream_subjects{account=\"A\",stream=\"S\\\"\"} 75\n",
    "\nnats_stream_deleted_messages{account=\"A\",stream=\"S\\\"\"} 76\n",
    "\nnats_stream_lost_messages{account=\"A\",stream=\"S\\\"\"} 77\n",
    "\nnats_stream_consumers{account=\"A\",stream=\"S\\\"\"} 78\n",
    "\nnats_consumer_delivered_messages_total" CONSUMER "81\n",
    "\nnats_consumer_delivered_seq" CONSUMER "82\n",
    "\nnats_consumer_ack_floor_seq" CONSUMER "83\n",
    "\nnats_consumer_pending_messages" CONSUMER "84\n",
    "\nnats_consumer_ack_pending_messages" CONSUMER "85\n",
    "\nnats_consumer_redelivered_messages" CONSUMER "86\n",
    "\nnats_consumer_waiting_requests" CONSUMER "87\n",
    "\nnats_jetstream_left_out{kind=\"streams\"} 91\n",
    "\nnats_jetstream_left_out{kind=\"consumers\"} 92\n",
};

static void test_values(void **state)
{
    char account[] = "A", stream[] = "S\"", consumer[] = "C";
    struct js_account_facts accounts[] = { { .name = account, .memory = 31, .store = 32,
                                             .streams = 33, .consumers = 34, .api_total = 35,
                                             .api_errors = 36 } };
    struct js_facts f = {
        .enabled = true, .memory = 1, .store = 2, .memory_reserved = 3, .store_reserved = 4,
        .max_memory = 5, .max_store = 6, .api_total = 7, .api_errors = 8, .api_inflight = 9,
        .streams = 10, .consumers = 11, .messages = 12, .accounts = accounts, .account_count = 1,
        .stats = { .appends = 51, .append_bytes = 52, .commits = 53, .syncs = 54,
                   .sync_ns = 1500000000, .commit_latency = { 1, 2, [23] = 4 },
                   .commit_latency_ns = 2500000000, .cache_hits = 55, .cache_misses = 56,
                   .cache_bytes = 57, .segments = 58, .disk_bytes = 59, .live_bytes = 60,
                   .moved_records = 61, .moved_bytes = 62, .reclaimed_segments = 63,
                   .scrubbed_bytes = 64, .damaged_records = 65, .failed = true, .full = true },
    };
    struct metrics_stream s = { .account = account, .stream = stream,
                                .state = { 71, 72, 73, 74, 75 }, .deleted = 76, .lost = 77,
                                .consumers = 78 };
    struct metrics_consumer c = { .account = account, .stream = stream, .consumer = consumer,
                                  .facts = { .delivered_consumer_seq = 81,
                                             .delivered_stream_seq = 82, .floor_stream_seq = 83,
                                             .pending = 84, .ack_pending = 85, .redelivered = 86,
                                             .waiting = 87 } };
    struct metrics_rows rows = { .streams = &s, .stream_count = 1, .consumers = &c,
                                 .consumer_count = 1, .streams_left_out = 91,
                                 .consumers_left_out = 92 };
    struct buf out = { 0 };

    (void)state;
    write_all(&out, &f, &rows);
    for (size_t i = 0; i < COUNT_OF(lines); i++) expect(&out, lines[i]);
    buf_free(&out);
}

/* The limit, one more, and an account that is called as the label of the rest. */
static void test_accounts_are_bounded(void **state)
{
    static char names[METRICS_ACCOUNTS_MAX + 2][8];
    static struct js_account_facts accounts[METRICS_ACCOUNTS_MAX + 2];
    struct js_facts f = { .enabled = true, .accounts = accounts };
    struct metrics_rows rows = { .stream_count = 0 };
    struct buf out = { 0 };

    (void)state;
    for (unsigned i = 0; i < METRICS_ACCOUNTS_MAX + 2; i++) {
        snprintf(names[i], sizeof names[i], "A%u", i);
        accounts[i] = (struct js_account_facts){ .name = names[i], .streams = 1 };
    }
    f.account_count = METRICS_ACCOUNTS_MAX;
    write_all(&out, &f, &rows);
    assert_int_equal(count(&out, "\nnats_jetstream_account_streams{"), METRICS_ACCOUNTS_MAX);
    assert_int_equal(count(&out, "account=\"other\""), 0);
    out.len = 0;
    f.account_count = METRICS_ACCOUNTS_MAX + 2;
    snprintf(names[0], sizeof names[0], "other");
    write_all(&out, &f, &rows);
    assert_int_equal(count(&out, "\nnats_jetstream_account_streams{"), METRICS_ACCOUNTS_MAX + 1);
    expect(&out, "\nnats_jetstream_account_streams{account=\"other\"} 2\n");
    buf_free(&out);
}

static void test_rows_are_sorted_and_once(void **state)
{
    static const char *const names[][3] = {
        { "B", "S", "C" }, { "A", "T", "C" }, { "A", "S", "D" }, { "A", "T", "C" },
        { "A", "S", "C" }, { "A", "T", "C" },
    };
    struct metrics_rows rows = { .stream_count = COUNT_OF(names),
                                 .consumer_count = COUNT_OF(names) };

    (void)state;
    rows.streams = mem_zero(COUNT_OF(names) * sizeof *rows.streams);
    rows.consumers = mem_zero(COUNT_OF(names) * sizeof *rows.consumers);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        rows.streams[i].account = mem_dup(names[i][0]);
        rows.streams[i].stream = mem_dup(names[i][1]);
        rows.consumers[i].account = mem_dup(names[i][0]);
        rows.consumers[i].stream = mem_dup(names[i][1]);
        rows.consumers[i].consumer = mem_dup(names[i][2]);
    }
    metrics_rows_sort(&rows);
    assert_int_equal(rows.stream_count, 3);
    assert_string_equal(rows.streams[0].stream, "S");
    assert_string_equal(rows.streams[1].stream, "T");
    assert_string_equal(rows.streams[2].account, "B");
    assert_int_equal(rows.consumer_count, 4);
    assert_string_equal(rows.consumers[0].consumer, "C");
    assert_string_equal(rows.consumers[1].consumer, "D");
    assert_string_equal(rows.consumers[2].stream, "T");
    assert_string_equal(rows.consumers[3].account, "B");
    metrics_rows_fini(&rows);
    metrics_rows_sort(&rows);
    assert_int_equal(rows.stream_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_accounts_are_bounded),
        cmocka_unit_test(test_rows_are_sorted_and_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
