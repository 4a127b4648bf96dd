/* SPDX-License-Identifier: Apache-2.0 */
/* archive_test.c - an archive of nats-server 2.15.1, the writer against the reader, and archives
 * that are broken or too large; each cut at every position. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#undef assert_fail

#include "base/mem.h"
#include "proto/archive.h"
#include "proto/fixture_test.h"

static const struct archive_limits generous = { .json_max = 1 << 20, .message_max = 1 << 20 };

/* ---- transcripts ---- */

static void note(struct buf *log, const struct archive_event *ev)
{
    const struct archive_message *m = &ev->message;

    switch (ev->kind) {
    case ARCHIVE_MORE: break;
    case ARCHIVE_STATE: buf_printf(log, "state %.*s\n", SPAN_ARG(ev->json)); break;
    case ARCHIVE_CONSUMER:
        buf_printf(log, "consumer %.*s %.*s\n", SPAN_ARG(ev->name), SPAN_ARG(ev->json));
        break;
    case ARCHIVE_MESSAGE:
        buf_printf(log, "%llu %lld %.*s [%.*s] [%.*s]\n", (unsigned long long)m->seq,
                   (long long)m->timestamp_ns, SPAN_ARG(m->subject), SPAN_ARG(m->headers),
                   SPAN_ARG(m->body));
        break;
    case ARCHIVE_END: buf_append_text(log, "end\n"); break;
    }
}

static void read_in_steps(struct span in, size_t step, const struct archive_limits *limits,
                          struct buf *log)
{
    struct archive_reader r;
    struct archive_event ev;
    struct error why = { "" };
    enum status st = ST_OK;

    archive_reader_init(&r, limits);
    for (size_t start = 0; start < in.len && st == ST_OK; start += step) {
        size_t n = in.len - start < step ? in.len - start : step, used, at = 0;
        char *exact = mem_dup_span(span_make(in.p + start, n));
        do {
            st = archive_read(&r, span_make(exact + at, n - at), &used, &ev, &why);
            at += used;
            if (st == ST_OK) note(log, &ev);
        } while (st == ST_OK && ev.kind != ARCHIVE_MORE && ev.kind != ARCHIVE_END);
        if (st == ST_OK && ev.kind != ARCHIVE_END) assert_int_equal(at, n);
        mem_free(exact);
    }
    if (st == ST_OK) st = archive_read_end(&r, &why);
    if (st != ST_OK) buf_printf(log, "%s: %s", status_text(st), why.text);
    archive_reader_fini(&r);
}

static void expect(struct span in, const struct archive_limits *limits, const char *want)
{
    for (size_t step = 1; step <= in.len + 1; step++) {
        struct buf log = { 0 };
        read_in_steps(in, step, limits, &log);
        if (strcmp(buf_text(&log), want) != 0) fail_msg("step %zu:\n%s", step, buf_text(&log));
        buf_free(&log);
    }
}

/* ---- the real peer's ---- */

static void add_real_consumers(struct buf *want)
{
    buf_append_text(want, "consumer worker {\"config\":{\"durable_name\":\"worker\",\"name\":"
        "\"worker\",\"deliver_policy\":\"all\",\"ack_policy\":\"explicit\",\"ack_wait\":"
        "30000000000,\"max_deliver\":-1,\"replay_policy\":\"instant\",\"max_waiting\":512,"
        "\"max_ack_pending\":1000,\"num_replicas\":0,\"metadata\":{\"_nats.req.level\":\"0\"},"
        "\"pause_until\":\"0001-01-01T00:00:00Z\"},\"state\":{\"delivered\":{\"consumer_seq\":6,"
        "\"stream_seq\":8},\"ack_floor\":{\"consumer_seq\":3,\"stream_seq\":4},\"pending\":{\"6\":"
        "{\"Sequence\":4,\"Timestamp\":1795468926648111658},\"7\":{\"Sequence\":5,\"Timestamp\":"
        "1795468926675370543},\"8\":{\"Sequence\":6,\"Timestamp\":1795468926701685172}}}}\n");
    buf_append_text(want, "consumer mailer {\"config\":{\"durable_name\":\"mailer\",\"name\":"
        "\"mailer\",\"deliver_policy\":\"all\",\"ack_policy\":\"explicit\",\"ack_wait\":"
        "30000000000,\"max_deliver\":-1,\"filter_subject\":\"orders.1\",\"replay_policy\":"
        "\"instant\",\"max_waiting\":512,\"max_ack_pending\":1000,\"num_replicas\":0,"
        "\"metadata\":{\"_nats.req.level\":\"0\"},\"pause_until\":\"0001-01-01T00:00:00Z\"},"
        "\"state\":{\"delivered\":{\"consumer_seq\":0,\"stream_seq\":1},\"ack_floor\":"
        "{\"consumer_seq\":0,\"stream_seq\":1}}}\n");
}

static void test_real_archive(void **state)
{
    struct buf in = fixture_read_s2("snapshot-2.15.1.arc.s2"), want = { 0 }, log = { 0 };

    (void)state;
    buf_append_text(&want, "state {\"messages\":10,\"bytes\":2652,\"first_seq\":2,\"first_ts\":"
        "\"2026-11-23T21:22:06.4056159Z\",\"last_seq\":14,\"last_ts\":"
        "\"2026-11-23T21:22:06.986329515Z\",\"num_subjects\":10,\"num_deleted\":3,"
        "\"consumer_count\":2}\n");
    add_real_consumers(&want);
    read_in_steps(buf_span(&in), in.len, &generous, &log);
    buf_append_char(&want, '2');
    if (!span_has_prefix(buf_span(&log), buf_span(&want))) fail_msg("%s", buf_text(&log));
    assert_non_null(strstr(buf_text(&log), " orders.2 [NATS/1.0\r\nKind: test\r\n"
                           "Other: value of the header\r\n\r\n] [second]\n"));
    assert_non_null(strstr(buf_text(&log), "\n12 1795468926810128671 orders.12 [] "
                           "[body number 12]\nend\n"));
    expect(buf_span(&in), &generous, buf_text(&log));
    buf_free(&in);
    buf_free(&want);
    buf_free(&log);
}

/* ---- the writer's ---- */

static void write_small(struct buf *out)
{
    archive_append_state(out, SPAN_LIT("{\"consumer_count\":1}"), 5);
    archive_append_consumer(out, SPAN_LIT("C"), SPAN_LIT("{}"), 6);
    archive_append_message(out, &(struct archive_message){
        .seq = 1, .timestamp_ns = -3, .subject = SPAN_LIT("a"), .body = SPAN_LIT("body") });
    archive_append_message(out, &(struct archive_message){
        .seq = UINT64_MAX, .timestamp_ns = INT64_MIN, .subject = SPAN_LIT("consumers/x"),
        .headers = SPAN_LIT("NATS/1.0\r\n\r\n") });
    archive_append_end(out);
}

static const char small_log[] =
    "state {\"consumer_count\":1}\n"
    "consumer C {}\n"
    "1 -3 a [] [body]\n"
    "18446744073709551615 -9223372036854775808 consumers/x [NATS/1.0\r\n\r\n] []\n"
    "end\n";

static void test_round_trip(void **state)
{
    struct buf out = { 0 };

    (void)state;
    write_small(&out);
    expect(buf_span(&out), &generous, small_log);
    buf_append_text(&out, "what follows is ignored");
    expect(buf_span(&out), &generous, small_log);
    buf_free(&out);
}

/* Byte for byte what nats-server wrote, from its own events. */
static void test_writes_the_same_bytes(void **state)
{
    struct buf in = fixture_read_s2("snapshot-2.15.1.arc.s2"), out = { 0 };
    struct archive_reader r;
    struct archive_event ev;
    struct span rest = buf_span(&in);
    size_t used;

    (void)state;
    archive_reader_init(&r, &generous);
    do {
        assert_int_equal(archive_read(&r, rest, &used, &ev, NULL), ST_OK);
        rest = span_from(rest, used);
        if (ev.kind == ARCHIVE_STATE)
            archive_append_state(&out, ev.json, INT64_C(1795468927324925886));
        if (ev.kind == ARCHIVE_CONSUMER)
            archive_append_consumer(&out, ev.name, ev.json, INT64_C(1795468927324925886));
        if (ev.kind == ARCHIVE_MESSAGE) archive_append_message(&out, &ev.message);
        if (ev.kind == ARCHIVE_END) archive_append_end(&out);
    } while (ev.kind != ARCHIVE_END);
    assert_int_equal(out.len, in.len);
    assert_memory_equal(out.p, in.p, in.len);
    archive_reader_fini(&r);
    buf_free(&in);
    buf_free(&out);
}

/* ---- broken ones ---- */

#define TRUNCATED "invalid input: backup was truncated"
#define INVALID "invalid input: archive: invalid archive stream"
#define HEAD ARCHIVE_MAGIC "\x0a\0\0\0\x02" "state.json{}"
#define HEAD_LOG "state {}\n"

static void test_errors(void **state)
{
    static const struct { struct span in; const char *want; } rows[] = {
        { SPAN_NONE, TRUNCATED },
        { SPAN_LIT("NATSARC"), TRUNCATED },
        { SPAN_LIT("NATSARC2"), INVALID },
        { SPAN_LIT(ARCHIVE_MAGIC), TRUNCATED },
        { SPAN_LIT(ARCHIVE_MAGIC "\x0a\0\0\0\x02" "state.json{"), TRUNCATED },
        { SPAN_LIT(ARCHIVE_MAGIC "\x0a\0\0\0\x02" "State.json{}"),
          "invalid input: expected state.json first" },
        { SPAN_LIT(ARCHIVE_MAGIC "\0\0\0\0\0"), "invalid input: expected state.json first" },
        { SPAN_LIT(HEAD), HEAD_LOG TRUNCATED },
        { SPAN_LIT(HEAD "\0\0\0\0\0"), HEAD_LOG "end\n" },
        { SPAN_LIT(HEAD "\x0b\2\0\0\x02" "consumers/C{}"), HEAD_LOG "consumer C {}\n" TRUNCATED },
        { SPAN_LIT(HEAD "\x0a\2\0\0\x02" "consumers/{}"),
          HEAD_LOG "invalid input: expected consumer, found \"consumers/\"" },
        { SPAN_LIT(HEAD "\x01\2\0\0\x02" "c{}"),
          HEAD_LOG "invalid input: expected consumer, found \"c\"" },
        { SPAN_LIT(HEAD "\1\0\1\0\0" "a" "\x0b\2\0\0\x02" "consumers/C{}"),
          HEAD_LOG "1 0 a [] []\ninvalid input: expected message sequence" },
        { SPAN_LIT(HEAD "\1\0\2\0\0" "a" "\1\0\2\0\0" "a"),
          HEAD_LOG "2 0 a [] []\ninvalid input: message sequence 2 out of order" },
        { SPAN_LIT(HEAD "\1\0\2\0\0" "a" "\1\0\1\0\0" "a"),
          HEAD_LOG "2 0 a [] []\ninvalid input: message sequence 1 out of order" },
        { SPAN_LIT(HEAD "\0\0\2\0\0"),
          HEAD_LOG "invalid input: message sequence 2 has no subject" },
        /* numbers: 64 bits, then one more; all bits of lengths */
        { SPAN_LIT(HEAD "\1\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\0\0" "a"),
          HEAD_LOG "18446744073709551615 0 a [] []\n" TRUNCATED },
        { SPAN_LIT(HEAD "\1\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\2\0\0" "a"), HEAD_LOG INVALID },
        { SPAN_LIT(HEAD "\1\0\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\0\0" "a"),
          HEAD_LOG INVALID },
        { SPAN_LIT(HEAD "\1\0\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\1" "a"),
          HEAD_LOG "limit reached: message sequence 1 exceeds maximum payload size" },
        { SPAN_LIT(HEAD "\1\2\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\1" "a"),
          HEAD_LOG "limit reached: consumer state is too large" },
        { SPAN_LIT(HEAD "\x80\x80\4\0\1\0\0"),
          HEAD_LOG "limit reached: archive: invalid archive stream" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) expect(rows[i].in, &generous, rows[i].want);
}

/* At each limit, and one byte over it. */
static void test_limits(void **state)
{
    const struct archive_limits at = { .json_max = 20, .message_max = 12 };
    const struct archive_limits json = { .json_max = 19, .message_max = 12 };
    const struct archive_limits message = { .json_max = 20, .message_max = 11 };
    struct buf out = { 0 }, log = { 0 };

    (void)state;
    write_small(&out);
    expect(buf_span(&out), &at, small_log);
    expect(buf_span(&out), &json, "limit reached: state.json is too large");
    buf_append(&log, small_log, (size_t)(strstr(small_log, "18446") - small_log));
    buf_append_text(&log, "limit reached: message sequence 18446744073709551615 exceeds "
                    "maximum payload size");
    expect(buf_span(&out), &message, buf_text(&log));
    buf_free(&out);
    buf_free(&log);
}

static void test_name_limit(void **state)
{
    struct buf out = { 0 }, name = { 0 };
    struct archive_reader r;
    struct archive_event ev;
    size_t used;

    (void)state;
    while (name.len < ARCHIVE_NAME_BYTES_MAX) buf_append_char(&name, 'n');
    archive_append_state(&out, SPAN_LIT("{}"), 1);
    archive_append_message(&out, &(struct archive_message){ .seq = 1,
                                                            .subject = buf_span(&name) });
    archive_reader_init(&r, &generous);
    assert_int_equal(archive_read(&r, buf_span(&out), &used, &ev, NULL), ST_OK);
    assert_int_equal(archive_read(&r, span_from(buf_span(&out), used), &used, &ev, NULL), ST_OK);
    assert_int_equal(ev.kind, ARCHIVE_MESSAGE);
    assert_int_equal(ev.message.subject.len, ARCHIVE_NAME_BYTES_MAX);
    archive_reader_fini(&r);
    buf_free(&out);
    buf_free(&name);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_real_archive),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_writes_the_same_bytes),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_name_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
