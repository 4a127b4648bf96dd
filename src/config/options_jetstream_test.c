/* SPDX-License-Identifier: Apache-2.0 */
/* options_jetstream_test.c - jetstream {} of servers and accounts: values, defaults, nats-server's
 * errors, flags, checks at start, reload. Files are real, in a folder of their own. */
#include "config/options_jetstream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/duration.h"
#include "base/mem.h"
#include "base/span.h"
#include "config/config.h"

#define ACCOUNT_NKEY "ADLGEVANYDKDQ6WYXPNBEGVUURXZY4LLLK5BJPOUDN6NGNXLNH4ATPWR"

struct fixture {
    char folder[64];            /* also the working directory */
    struct options *o;
    struct config_messages msgs;
};

static int setup(void **state)
{
    struct fixture *f = mem_zero(sizeof *f);

    snprintf(f->folder, sizeof f->folder, "/tmp/myelin-jetstream-XXXXXX");
    if (mkdtemp(f->folder) == NULL || chdir(f->folder) != 0) return -1;
    *state = f;
    return 0;
}

static void reset(struct fixture *f)
{
    options_free(&f->o);
    config_messages_free(&f->msgs);
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    reset(f);
    unlink("c.conf");
    if (chdir("/") != 0 || rmdir(f->folder) != 0) return -1;
    mem_free(f);
    return 0;
}

static void write_file(const char *text)
{
    FILE *out = fopen("c.conf", "w");

    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

/* Load with the words of line as arguments. */
static enum status load_line(struct fixture *f, const char *line)
{
    char *words = mem_dup(line), *save = NULL, *argv[32] = { "myelin" };
    int argc = 1;
    enum status st;

    for (char *w = strtok_r(words, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save))
        argv[argc++] = w;
    reset(f);
    st = config_load(argc, argv, &f->o, &f->msgs);
    mem_free(words);
    return st;
}

static enum status load_text(struct fixture *f, const char *text)
{
    write_file(text);
    return load_line(f, "-c c.conf");
}

static const char *errors_of(struct fixture *f)
{
    return f->msgs.errors.len > 0 ? buf_text(&f->msgs.errors) : "";
}

static const struct options_jetstream *must_load(struct fixture *f, const char *text)
{
    if (load_text(f, text) != ST_OK) fail_msg("'%s': %s", text, errors_of(f));
    return &f->o->jetstream;
}

/* ---- the server ---- */

static void defaults(void **state)
{
    struct fixture *f = *state;
    const struct options_jetstream *o;

    assert_int_equal(load_line(f, ""), ST_OK);
    o = &f->o->jetstream;
    assert_false(o->enabled);
    assert_true(o->strict);
    assert_null(o->store_dir);
    assert_int_equal(o->max_memory, -1);
    assert_int_equal(o->max_store, -1);
    assert_int_equal(o->sync, JETSTREAM_SYNC_DEFAULT);
    assert_int_equal(o->sync_interval_ns, 120 * NS_PER_S);
    assert_null(o->domain);
    assert_null(o->key);
    assert_int_equal(o->request_queue_limit, 10000);
    assert_int_equal(o->info_queue_limit, 10000);
    assert_int_equal(o->max_concurrent_io, 4096);
    assert_int_equal(o->max_buffered_msgs, 0);
    o = must_load(f, "jetstream {store_dir: \"\", domain: \"\", key: \"\"\n"
                  "request_queue_limit: -1\n"
                  "info_queue_limit: 7, limits {max_ack_pending: -1}, max_mem: -2}");
    assert_true(o->enabled);
    assert_null(o->store_dir);
    assert_null(o->domain);
    assert_null(o->key);
    assert_int_equal(o->request_queue_limit, 10000);
    assert_int_equal(o->info_queue_limit, 7);
    assert_int_equal(o->limits.max_ack_pending, 0);
    assert_int_equal(o->max_memory, -1);
}

static void enabled(void **state)
{
    static const struct { const char *text; bool want; } rows[] = {
        { "jetstream: true", true }, { "jetstream: false", false }, { "jetstream: on", true },
        { "jetstream: enabled", true }, { "jetstream: Enable", true },
        { "jetstream: DISABLED", false }, { "jetstream: disable", false }, { "jetstream {}", true },
        { "JetStream {enabled: false}", false }, { "jetstream {enable: true}", true },
        { "jetstream {enabled: false, store_dir: x}", false }, { "store_dir: x", false },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (must_load(f, rows[i].text)->enabled != rows[i].want) fail_msg("'%s'", rows[i].text);
}

static void every_key(void **state)
{
    struct fixture *f = *state;
    const struct options_jetstream *o = must_load(f,
        "jetstream { strict: false, STORE: \"/d\", sync_interval: \"10s\", max_memory_store: 5K\n"
        "max_file: \"6T\", domain: hub, ek: new, prev_encryption_key: old, cipher: AES\n"
        "extension_hint: no_extend, unique_tag: \" Az:One \", max_outstanding_catchup: \"1M\"\n"
        "max_buffered_size: 2, max_buffered_msgs: 3, request_queue_limit: 4\n"
        "meta_compact: 6, meta_compact_size: \"7G\", meta_compact_sync: true\n"
        "max_concurrent_io: 8192, limits { max_ack_pending: 1, max_ha_assets: 2\n"
        "max_request_batch: 3, duplicate_window: \"4s\", batch {max_inflight_per_stream: 5\n"
        "max_inflight_total: 6, max_msgs: 7, timeout: \"8s\"}}}");
    const struct jetstream_limit_options *l = &o->limits;

    assert_false(o->strict);
    assert_string_equal(o->store_dir, "/d");
    assert_int_equal(o->sync, JETSTREAM_SYNC_INTERVAL);
    assert_int_equal(o->sync_interval_ns, 10 * NS_PER_S);
    assert_int_equal(o->max_memory, 5000);
    assert_int_equal(o->max_store, INT64_C(6) << 40);
    assert_string_equal(o->domain, "hub");
    assert_string_equal(o->key, "new");
    assert_string_equal(o->prev_key, "old");
    assert_int_equal(o->cipher, JETSTREAM_CIPHER_AES);
    assert_string_equal(o->extension_hint, "no_extend");
    assert_string_equal(o->unique_tag, "az:one");
    assert_int_equal(o->max_outstanding_catchup, 1 << 20);
    assert_int_equal(o->max_buffered_size, 2);
    assert_int_equal(o->max_buffered_msgs, 3);
    assert_int_equal(o->request_queue_limit, 4);
    assert_int_equal(o->info_queue_limit, 4);
    assert_int_equal(o->meta_compact, 6);
    assert_int_equal(o->meta_compact_size, INT64_C(7) << 30);
    assert_true(o->meta_compact_sync);
    assert_int_equal(o->max_concurrent_io, 8192);
    assert_int_equal(l->max_ack_pending, 1);
    assert_int_equal(l->max_ha_assets, 2);
    assert_int_equal(l->max_request_batch, 3);
    assert_int_equal(l->duplicate_window_ns, 4 * NS_PER_S);
    assert_int_equal(l->max_batch_inflight_per_stream, 5);
    assert_int_equal(l->max_batch_inflight_total, 6);
    assert_int_equal(l->max_batch_msgs, 7);
    assert_int_equal(l->batch_timeout_ns, 8 * NS_PER_S);
}

static void sizes(void **state)
{
    static const struct { const char *text; int64_t want; } rows[] = {
        { "0", 0 }, { "1", 1 }, { "-1", -1 }, { "-7", -1 }, { "\"\"", 0 }, { "\"1K\"", 1024 },
        { "\"+3M\"", 3 << 20 }, { "\"-3M\"", -1 }, { "2G", 2000000000 },
        { "2GB", INT64_C(2) << 30 },
        { "9223372036854775807", INT64_MAX }, { "\"8388607T\"", INT64_C(8388607) << 40 },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char *text = mem_printf("jetstream {max_mem_store: %s}", rows[i].text);
        int64_t got = must_load(f, text)->max_memory;
        if (got != rows[i].want) fail_msg("'%s' is %" PRId64, rows[i].text, got);
        mem_free(text);
    }
}

static void syncs(void **state)
{
    static const struct { const char *text; enum jetstream_sync want; int64_t ns; } rows[] = {
        { "jetstream {sync: always}", JETSTREAM_SYNC_ALWAYS, 120 * NS_PER_S },
        { "jetstream {sync_interval: ALWAYS}", JETSTREAM_SYNC_ALWAYS, 120 * NS_PER_S },
        { "jetstream {sync: \"1s\"}", JETSTREAM_SYNC_INTERVAL, NS_PER_S },
        { "jetstream {sync: \"0s\"}", JETSTREAM_SYNC_INTERVAL, 120 * NS_PER_S },
        { "jetstream {sync: 3}", JETSTREAM_SYNC_INTERVAL, 3 * NS_PER_S },
        { "jetstream {sync: always, sync_interval: \"1s\"}", JETSTREAM_SYNC_ALWAYS,
          120 * NS_PER_S },
        { "jetstream {sync_interval: \"1s\", sync: always}", JETSTREAM_SYNC_ALWAYS, NS_PER_S },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct options_jetstream *o = must_load(f, rows[i].text);
        if (o->sync != rows[i].want || o->sync_interval_ns != rows[i].ns)
            fail_msg("'%s': %d %" PRId64, rows[i].text, o->sync, o->sync_interval_ns);
    }
}

static void ciphers(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(must_load(f, "jetstream {cipher: ChaCha}")->cipher, JETSTREAM_CIPHER_CHACHA);
    assert_int_equal(must_load(f, "jetstream {cipher: chachapoly}")->cipher,
                     JETSTREAM_CIPHER_CHACHA);
    assert_int_equal(must_load(f, "jetstream {cipher: aes}")->cipher, JETSTREAM_CIPHER_AES);
}

/* Texts of nats-server -t 2.15, but for values of types that it does not expect at all. */
static void errors(void **state)
{
    static const struct { const char *text, *error; } rows[] = {
        { "jetstream: 5", "Expected map, bool or string to define JetStream, got int64" },
        { "jetstream: []", "Expected map, bool or string to define JetStream, got []interface {}" },
        { "jetstream: foo", "Expected 'enabled' or 'disabled' for string value, got 'foo'" },
        { "jetstream {foo: 1}", "c.conf:1:11: unknown field \"foo\"" },
        { "jetstream {strict: x}", "Expected 'true' or 'false' for bool value, got 'x'" },
        { "jetstream {strict: 5}", "\"strict\" must be a boolean, not an integer" },
        { "jetstream {enabled: 5}", "\"enabled\" must be a boolean, not an integer" },
        { "store_dir: 5", "\"store_dir\" must be a string, not an integer" },
        { "store_dir: a; storedir: b", "Duplicate 'store_dir' configuration" },
        { "store_dir: a; jetstream {store: b}",
          "c.conf:1:25: Duplicate 'store_dir' configuration" },
        { "jetstream {store: b, storedir: c}", "Duplicate 'store_dir' configuration" },
        { "jetstream {max_mem: x}",
          "max_mem_store strconv.ParseInt: parsing \"\": invalid syntax" },
        { "jetstream {max_mem: \"5k\"}",
          "max_mem_store sizes defined as strings must end in K, M, G, T" },
        { "jetstream {max_file: true}", "max_file_store must be int64 or string" },
        { "jetstream {max_file: \"8388608T\"}", "max_file_store is out of the range" },
        { "jetstream {max_file: \"9223372036854775808K\"}", "max_file_store is out of the range" },
        { "jetstream {max_file: \"-+1K\"}", "parsing \"-+1\": invalid syntax" },
        { "jetstream {Max_Buffered_Size: x}", "max_buffered_size strconv.ParseInt: parsing" },
        { "jetstream {Max_Buffered_Msgs: x}",
          "Expected a parseable size for \"Max_Buffered_Msgs\", got x\n" },
        { "jetstream {request_queue_limit: 1.5}",
          "Expected a parseable size for \"request_queue_limit\", got 1.5\n" },
        { "jetstream {meta_compact: -1}",
          "Expected an absolute size for \"meta_compact\", got -1" },
        { "jetstream {meta_compact: x}", "Expected an absolute size for \"meta_compact\", got x" },
        { "jetstream {meta_compact_size: \"-5K\"}",
          "Expected an absolute size for \"meta_compact_size\", got -5K" },
        { "jetstream {max_concurrent_io: 3}",
          "Expected an absolute size for \"max_concurrent_io\" between 4 and 8192, got 3" },
        { "jetstream {max_concurrent_io: 8193}", "between 4 and 8192, got 8193" },
        { "jetstream {limits: 5}", "Expected a map to define JetStreamLimits, got int64" },
        { "jetstream {limits {foo: 1}}", "c.conf:1:19: unknown field \"foo\"" },
        { "jetstream {limits {batch: 5}}", "Expected a map to define batch limits, got int64" },
        { "jetstream {limits {batch {batch {}}}}", "unknown field \"batch\"" },
        { "jetstream {limits {duplicate_window: x}}", "time: invalid duration \"x\"" },
        { "jetstream {limits {duplicate_window: 5}}", "must be a string, not an integer" },
        { "jetstream {limits {max_ack_pending: x}}", "must be an integer, not a string" },
        { "jetstream {cipher: foo}", "Unknown cipher type: \"foo\"" },
        { "jetstream {tpm: 5}", "Expected a map to define JetStreamLimits, got int64" },
        { "jetstream {tpm {keys_file: x}}", "\"tpm\" is not supported by this version of myelin" },
        { "jetstream {sync: x}", "error parsing sync: time: invalid duration \"x\"" },
        { "jetstream {sync: \"-1ns\"}", "sync can not be negative" },
        { "jetstream {domain: \"a.b\"}", "invalid domain name: may not contain ., * or >" },
        { "jetstream {enabled: false, domain: \"a b\"}",
          "invalid domain name: derived \"$JS.a b.API.>\" is not a valid subject" },
        { "jetstream {domain: \">\"}",
          "invalid domain name: derived \"$JS.>.API.>\" is not a valid subject" },
        { "jetstream {domain: \"*\"}", "invalid domain name: may not contain ., * or >" },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (load_text(f, rows[i].text) == ST_OK) fail_msg("'%s' is accepted", rows[i].text);
        if (strstr(errors_of(f), rows[i].error) == NULL)
            fail_msg("'%s':\n got  %s want %s", rows[i].text, errors_of(f), rows[i].error);
    }
}

static void flags(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(load_line(f, "-js -sd /x"), ST_OK);
    assert_true(f->o->jetstream.enabled);
    assert_string_equal(f->o->jetstream.store_dir, "/x");
    assert_int_equal(load_line(f, "--store_dir=/y"), ST_OK);
    assert_false(f->o->jetstream.enabled);
    write_file("jetstream: enabled\n");
    assert_int_equal(load_line(f, "-c c.conf --jetstream=false"), ST_OK);
    assert_false(f->o->jetstream.enabled);
    assert_int_equal(load_line(f, "-c c.conf -sd /z"), ST_OK);
    assert_true(f->o->jetstream.enabled);
    assert_string_equal(f->o->jetstream.store_dir, "/z");
    write_file("store_dir: a\n");
    assert_int_equal(load_line(f, "-c c.conf -sd /z"), ST_BAD_INPUT);
    assert_string_equal(errors_of(f),
                        "nats-server: c.conf:1:0: Duplicate 'store_dir' configuration\n\n");
}

static void warnings_for_the_log(void **state)
{
    static const struct { const char *text, *want; } rows[] = {
        { "jetstream {store_dir: x}", "" }, { "jetstream {enabled: false, sync: \"1s\"}", "" },
        { "jetstream: true",
          "Temporary storage directory used, data could be lost on system reboot\n" },
        { "jetstream {store_dir: x, sync: \"1s\"}", "JetStream sync_interval is 1s: messages are "
          "acknowledged before they are on disk, and a power cut may lose them\n" },
        { "jetstream {store_dir: x, sync: always}", "" },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf got = { 0 };
        (void)must_load(f, rows[i].text);
        options_warn(f->o, &got);
        if (!span_is(buf_span(&got), rows[i].want))
            fail_msg("'%s': %s", rows[i].text, buf_text(&got));
        buf_free(&got);
    }
}

/* ---- accounts ---- */

static void account_forms(void **state)
{
    static const struct { const char *value; bool want; } rows[] = {
        { "true", true }, { "false", false }, { "enabled", true }, { "Disable", false },
        { "{}", true }, { "{cluster_traffic: owner}", true }, { "{cluster_traffic: \"\"}", true },
        { "{cluster_traffic: system}", true },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char *text = mem_printf("accounts {A {jetstream: %s}}", rows[i].value);
        (void)must_load(f, text);
        if (f->o->accounts[0].has_jetstream != rows[i].want) fail_msg("'%s'", text);
        assert_int_equal(f->o->accounts[0].jetstream_limits.max_memory, -1);
        assert_int_equal(f->o->accounts[0].jetstream_limits.max_ack_pending, -1);
        mem_free(text);
    }
}

static void account_limits(void **state)
{
    struct fixture *f = *state;
    const struct jetstream_account_limits *l;

    (void)must_load(f, "accounts {A {jetstream {max_mem: 1KB, max_disk: 2, streams: 3\n"
                    "consumers: 0, max_bytes: true, memory_max_stream_bytes: 5\n"
                    "store_max_stream_bytes: 6, max_ack_pending: -9}}}");
    l = &f->o->accounts[0].jetstream_limits;
    assert_int_equal(l->max_memory, 1024);
    assert_int_equal(l->max_store, 2);
    assert_int_equal(l->max_streams, 3);
    assert_int_equal(l->max_consumers, 0);
    assert_true(l->max_bytes_required);
    assert_int_equal(l->memory_max_stream_bytes, 5);
    assert_int_equal(l->store_max_stream_bytes, 6);
    assert_int_equal(l->max_ack_pending, -1);
}

static void account_errors(void **state)
{
    static const struct { const char *value, *error; } rows[] = {
        { "5", "Expected map, bool or string to define JetStream, got int64" },
        { "foo", "Expected 'enabled' or 'disabled' for string value, got 'foo'" },
        { "{foo: 1}", "unknown field \"foo\"" },
        { "{max_mem: \"5G\"}", "Expected a parseable size for \"max_mem\", got 5G\n" },
        { "{Streams: true}", "Expected a parseable size for \"Streams\", got true\n" },
        { "{max_bytes: 5}", "Expected a parseable bool for \"max_bytes\", got 5\n" },
        { "{cluster_traffic: Owner}",
          "Expected 'system' or 'owner' string value for \"cluster_traffic\", got Owner\n" },
        { "{cluster_traffic: 5}",
          "Expected either 'system' or 'owner' string value for \"cluster_traffic\", got 5\n" },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char *text = mem_printf("accounts {A {jetstream: %s}}", rows[i].value);
        assert_int_not_equal(load_text(f, text), ST_OK);
        if (strstr(errors_of(f), rows[i].error) == NULL)
            fail_msg("'%s':\n got  %s want %s", text, errors_of(f), rows[i].error);
        mem_free(text);
    }
}

static void who_may_use_it(void **state)
{
    static const struct { const char *text, *account; bool want; } rows[] = {
        { "jetstream: true", "$G", true }, { "jetstream: true", "$SYS", false },
        { "accounts {A {}}", "$G", false }, { "accounts {A {}}", "A", false },
        { "accounts {A {jetstream: true}, B {}}", "A", true },
        { "accounts {A {jetstream: true}, B {}}", "B", false },
        { "accounts {A {jetstream: true}, B {}}", "$G", false },
        { "accounts {$SYS {users: []}}", "$G", true },
        { "system_account: S; accounts {S {}}", "$G", true },
        { "system_account: S; accounts {S {jetstream: true}}", "S", false },
        { "system_account: " ACCOUNT_NKEY "; accounts {S {nkey: " ACCOUNT_NKEY "}}", "$G", true },
        { "system_account: S; accounts {S {}, $SYS {}}", "$G", false },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct jetstream_account_limits *l;
        (void)must_load(f, rows[i].text);
        l = options_jetstream_of(f->o, rows[i].account);
        if ((l != NULL) != rows[i].want) fail_msg("'%s': %s", rows[i].text, rows[i].account);
        if (l != NULL) assert_int_equal(l->max_streams, -1);
    }
}

static void never_on_the_system_account(void **state)
{
    static const char *const rows[] = {
        "jetstream: true\naccounts {$SYS {jetstream: true}}",
        "jetstream: true\nsystem_account: S\naccounts {S {jetstream {max_mem: 1}}, A {}}",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(load_text(f, rows[i]), ST_BAD_INPUT);
        assert_string_equal(errors_of(f), "nats-server: Not allowed to enable JetStream on the "
                            "system account\n");
    }
    (void)must_load(f, "accounts {$SYS {jetstream: true}}");    /* JetStream is off */
    (void)must_load(f, "jetstream: true\naccounts {$SYS {jetstream: false}}");
}

/* ---- reload ---- */

/* Load before, reload after; returns the refusal, or "" and the names of the changes. */
static char *reload_of(struct fixture *f, const char *before, const char *after)
{
    struct options *next = NULL;
    struct config_messages msgs = { 0 };
    struct config_diff d;
    struct error why = { "" };
    struct buf out = { 0 };

    (void)must_load(f, before);
    write_file(after);
    assert_int_equal(config_reload(f->o, &next, &msgs), ST_OK);
    config_diff_init(&d, f->o, next);
    if (config_diff_check(&d, &why) != ST_OK) buf_append_text(&out, why.text);
    else for (size_t i = 0; i < d.count; i++)
        buf_printf(&out, "%s=%s ", d.items[i].name, d.items[i].new_text);
    config_diff_fini(&d);
    options_free(&next);
    config_messages_free(&msgs);
    return buf_take(&out);
}

#define REFUSED "config reload not supported for "

static void reload_plans(void **state)
{
    static const struct { const char *before, *after, *want; } rows[] = {
        { "jetstream: true", "jetstream {}", "" },
        { "port: 1", "port: 1; jetstream: true", "JetStream=true " },
        { "port: 1; jetstream: true", "port: 1", "JetStream=false " },
        { "jetstream {store_dir: a}", "jetstream {store_dir: b}",
          REFUSED "jetstream storage directory" },
        { "jetstream {store_dir: a}", "jetstream {}", REFUSED "jetstream storage dir" },
        { "jetstream {store_dir: a}", "jetstream: false", "JetStream=false " },
        { "store_dir: a", "store_dir: b", "" },
        { "port: 1", "port: 1; jetstream {store_dir: b}", "JetStream=true " },
        { "jetstream {max_mem: 5, max_file: 6}", "jetstream {max_mem: 7, max_file: 8}",
          "JetStreamMaxMemory=7 JetStreamMaxStore=8 " },
        { "jetstream {max_mem: 5}", "jetstream {max_mem: 4}",
          REFUSED "decreasing jetstream max memory and store" },
        { "jetstream {max_file: 5}", "jetstream {max_file: 0}",
          REFUSED "decreasing jetstream max memory and store" },
        { "jetstream {}", "jetstream {max_file: 5}",
          REFUSED "jetstream dynamic max memory and store" },
        { "jetstream {max_mem: 5}", "jetstream {}", REFUSED "jetstream max memory and max store" },
        { "jetstream {max_mem: 5}", "jetstream: false", "JetStream=false " },
        { "jetstream {enabled: false, max_mem: 5}", "jetstream {enabled: false, max_mem: 4}", "" },
        { "jetstream {}", "jetstream {meta_compact: 5}", "" },
        { "jetstream {}", "jetstream {max_concurrent_io: 5}",
          REFUSED "JetStreamConcurrentIOs: old=4096, new=5" },
        { "jetstream {max_concurrent_io: 5}", "jetstream: false", "JetStream=false " },
        { "jetstream {}", "jetstream {domain: x}", REFUSED "JetStreamDomain: old=, new=x" },
        { "jetstream {}", "jetstream {strict: false}",
          REFUSED "NoJetStreamStrict: old=false, new=true" },
        { "jetstream {key: secret}", "jetstream {key: secret2}",
          REFUSED "JetStreamKey: old=[REDACTED], new=[REDACTED]" },
        { "jetstream {prev_key: secret}", "jetstream {}",
          REFUSED "JetStreamOldKey: old=[REDACTED], new=" },
        { "jetstream {}", "jetstream {cipher: aes}", REFUSED "JetStreamCipher: "
          "old=ChaCha20-Poly1305, new=AES-GCM" },
        { "jetstream {}", "jetstream {sync: always}", "" },
        { "jetstream {sync: \"1s\"}", "jetstream {sync: \"2s\"}",
          REFUSED "SyncInterval: old=1s, new=2s" },
        { "jetstream {}", "jetstream {sync: \"2m\"}", REFUSED "SyncAlways: old=true, new=false" },
        { "jetstream {}", "jetstream {limits {max_ack_pending: 5}}",
          "JetStreamLimits={max_ack_pending:5 max_ha_assets:0 max_request_batch:0 "
          "duplicate_window:0s batch:0/0/0/0s} " },
        { "jetstream {}", "jetstream {request_queue_limit: 5, info_queue_limit: 10000}",
          REFUSED "JetStreamRequestQueueLimit: old=10000, new=5" },
        { "accounts {A {}}", "accounts {A {jetstream: true}}",
          "Accounts=[{A limits:-1/-1/-1 jetstream:-1/-1/-1/-1/-1/-1/-1/0}] " },
        { "accounts {A {jetstream {max_mem: 5}}}", "accounts {A {jetstream {max_mem: 6}}}",
          "Accounts=[{A limits:-1/-1/-1 jetstream:6/-1/-1/-1/-1/-1/-1/0}] " },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char *got = reload_of(f, rows[i].before, rows[i].after);
        if (strcmp(got, rows[i].want) != 0)
            fail_msg("'%s' to '%s': %s", rows[i].before, rows[i].after, got);
        mem_free(got);
    }
}

static void descriptions_hold_no_secrets(void **state)
{
    struct fixture *f = *state;
    struct buf out = { 0 };

    (void)must_load(f, "jetstream {key: hush1, prev_key: hush2, domain: d}");
    options_describe(&out, f->o);
    assert_null(strstr(buf_text(&out), "hush"));
    assert_non_null(strstr(buf_text(&out), "JetStreamDomain: d\n"));
    assert_non_null(strstr(buf_text(&out), "JetStreamKey: [REDACTED]\n"));
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults), cmocka_unit_test(enabled), cmocka_unit_test(every_key),
        cmocka_unit_test(sizes), cmocka_unit_test(syncs), cmocka_unit_test(ciphers),
        cmocka_unit_test(errors), cmocka_unit_test(flags),
        cmocka_unit_test(warnings_for_the_log), cmocka_unit_test(account_forms),
        cmocka_unit_test(account_limits), cmocka_unit_test(account_errors),
        cmocka_unit_test(who_may_use_it), cmocka_unit_test(never_on_the_system_account),
        cmocka_unit_test(reload_plans), cmocka_unit_test(descriptions_hold_no_secrets),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
