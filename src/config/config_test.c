/* SPDX-License-Identifier: Apache-2.0 */
/* config_test.c - command line and file to options: values, defaults, errors with their places,
 * what is refused, reload plans. Files are real, in a folder of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/duration.h"
#include "base/mem.h"
#include "config/config.h"
#include "config/option_table.h"
#include "config/public_key.h"
#include "config/tls_names.h"

#define USER_NKEY "UC6NLCN7AS34YOJVCYD4PJ3QB7QGLYG5B5IMBT25VW5K4TNUJODM7BOX"
#define ACCOUNT_NKEY "ADLGEVANYDKDQ6WYXPNBEGVUURXZY4LLLK5BJPOUDN6NGNXLNH4ATPWR"

struct fixture {
    char folder[64];            /* also the working directory */
    struct options *o;
    struct config_messages msgs;
};

static int setup(void **state)
{
    struct fixture *f = mem_zero(sizeof *f);

    snprintf(f->folder, sizeof f->folder, "/tmp/myelin-config-XXXXXX");
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
    unlink("x.pem");
    if (chdir("/") != 0 || rmdir(f->folder) != 0) return -1;
    mem_free(f);
    return 0;
}

static void write_file(const char *name, const char *text)
{
    FILE *out = fopen(name, "w");

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
    write_file("c.conf", text);
    return load_line(f, "-c c.conf");
}

static const char *errors_of(struct fixture *f)
{
    return f->msgs.errors.len > 0 ? buf_text(&f->msgs.errors) : "";
}

static void must_load(struct fixture *f, const char *text)
{
    if (load_text(f, text) != ST_OK) fail_msg("'%s': %s", text, errors_of(f));
}

/* ---- the command line ---- */

static void flags_set_members(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(load_line(f, "-p 4333 -a=127.0.0.1 --name n -m 8222 -l /x --loops 3 -P p "
                               "--client_advertise a:1 --ports_file_dir d -r udp://h -s=true "
                               "--log_size_limit 0x10 --max_traced_msg_len 5 -T=false"), ST_OK);
    assert_int_equal(f->o->mode, RUN_SERVER);
    assert_int_equal(f->o->port, 4333);
    assert_string_equal(f->o->host, "127.0.0.1");
    assert_string_equal(f->o->server_name, "n");
    assert_int_equal(f->o->http_port, 8222);
    assert_string_equal(f->o->log_file, "/x");
    assert_int_equal(f->o->loops, 3);
    assert_string_equal(f->o->pid_file, "p");
    assert_int_equal(f->o->log_size_limit, 16);
    assert_int_equal(f->o->max_traced_msg_len, 5);
    assert_true(f->o->syslog);
    assert_false(f->o->logtime);
}

static void defaults(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(load_line(f, ""), ST_OK);
    assert_int_equal(f->o->port, 4222);
    assert_string_equal(f->o->host, "0.0.0.0");
    assert_int_equal(f->o->max_payload, 1048576);
    assert_int_equal(f->o->max_control_line, 4096);
    assert_int_equal(f->o->max_pending, 67108864);
    assert_int_equal(f->o->max_connections, 65536);
    assert_int_equal(f->o->ping_interval_ns, 120 * NS_PER_S);
    assert_int_equal(f->o->ping_max, 2);
    assert_int_equal(f->o->write_deadline_ns, 10 * NS_PER_S);
    assert_int_equal(f->o->authorization.timeout_ns, 2 * NS_PER_S);
    assert_int_equal(f->o->lame_duck_duration_ns, 120 * NS_PER_S);
    assert_int_equal(f->o->lame_duck_grace_period_ns, 10 * NS_PER_S);
    assert_int_equal(f->o->max_closed_clients, 10000);
    assert_true(f->o->logtime);
    assert_null(f->o->tls);
    assert_false(f->o->websocket.enabled);
}

static void flags_have_gos_syntax(void **state)
{
    static const struct { const char *line; int port; bool debug, trace, verbose; } rows[] = {
        { "-p=1", 1, false, false, false }, { "--p=1", 1, false, false, false },
        { "--port 1", 1, false, false, false }, { "-port=-1", -1, false, false, false },
        { "-D", 4222, true, false, false }, { "-debug=T", 4222, true, false, false },
        { "-D=false", 4222, false, false, false }, { "-DV", 4222, true, true, false },
        { "-DV=false", 4222, false, false, false }, { "-DVV", 4222, true, true, true },
        { "-VV", 4222, false, true, true }, { "-D -V -p 1 -p 2", 2, true, true, false },
        { "-D --", 4222, true, false, false },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (load_line(f, rows[i].line) != ST_OK) fail_msg("%s: %s", rows[i].line, errors_of(f));
        if (f->o->port != rows[i].port || f->o->debug != rows[i].debug ||
            f->o->trace != rows[i].trace || f->o->trace_verbose != rows[i].verbose)
            fail_msg("row '%s'", rows[i].line);
    }
}

static void flag_errors(void **state)
{
    static const struct { const char *line, *error; bool usage; int code; } rows[] = {
        { "-foo", "flag provided but not defined: -foo\n", true, 0 },
        { "-p abc", "invalid value \"abc\" for flag -p: parse error\n", true, 0 },
        { "-p 70000", "invalid value \"70000\" for flag -p: value out of range\n", false, 1 },
        { "-p", "flag needs an argument: -p\n", true, 0 },
        { "-D=xx", "invalid boolean value \"xx\" for -D: parse error\n", true, 0 },
        { "-=x", "bad flag syntax: -=x\n", true, 0 },
        { "---p", "bad flag syntax: ---p\n", true, 0 },
        { "foo", "nats-server: unrecognized command: \"foo\"\n", false, 1 },
        { "-D foo", "nats-server: unrecognized command: \"foo\"\n", false, 1 },
        { "-t", "nats-server: must specify [-c, --config] option to check configuration file "
          "syntax\n", false, 1 },
        { "-c nofile", "nats-server: open nofile: no such file or directory\n", false, 1 },
        { "--tls", "nats-server: TLS Server certificate must be present and valid\n", false, 1 },
        { "--tls --tlscert a", "nats-server: TLS Server private key must be present and valid\n",
          false, 1 },
        { "--routes nats://a", "nats-server: flag -routes is not supported by this version of "
          "myelin\n", false, 1 },
        { "-m 1 -ms 2", "nats-server: can't specify both HTTP (1) and HTTPs (2) ports\n", false,
          1 },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_not_equal(load_line(f, rows[i].line), ST_OK);
        assert_null(f->o);
        if (strcmp(errors_of(f), rows[i].error) != 0 || f->msgs.show_usage != rows[i].usage ||
            f->msgs.exit_code != rows[i].code)
            fail_msg("row '%s': '%s', code %d", rows[i].line, errors_of(f), f->msgs.exit_code);
    }
}

static void modes(void **state)
{
    static const struct { const char *line; enum run_mode mode; } rows[] = {
        { "-v", RUN_VERSION }, { "--version", RUN_VERSION }, { "version", RUN_VERSION },
        { "VERSION", RUN_VERSION }, { "-h", RUN_HELP }, { "help", RUN_HELP },
        { "-v -h", RUN_VERSION },
        { "-h -v", RUN_VERSION }, { "--help_tls", RUN_HELP_TLS }, { "-v foo", RUN_VERSION },
        { "-sl reload=5", RUN_SIGNAL }, { "--signal stop -t", RUN_SIGNAL },
        { "-js=false --no_advertise=false --connect_retries 0", RUN_SERVER },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (load_line(f, rows[i].line) != ST_OK || f->o->mode != rows[i].mode)
            fail_msg("row '%s'", rows[i].line);
    assert_int_equal(load_line(f, "-sl reload=5"), ST_OK);
    assert_string_equal(f->o->signal_spec, "reload=5");
}

static void flags_override_the_file(void **state)
{
    struct fixture *f = *state;

    write_file("c.conf", "port: 1\nhost: \"h\"\ndebug: true\nauthorization {user: a, pass: b}\n");
    assert_int_equal(load_line(f, "-c c.conf -p 2 -D=false --user u"), ST_OK);
    assert_int_equal(f->o->port, 2);
    assert_string_equal(f->o->host, "h");
    assert_false(f->o->debug);
    assert_string_equal(f->o->authorization.username, "u");
    assert_string_equal(f->o->authorization.password, "b");
}

static void arguments_are_redacted(void **state)
{
    char program[] = "x", user[] = "--user", name[] = "bob", pass[] = "-pass=secret", p[] = "-p";
    char number[] = "1";
    char *argv[] = { program, user, name, pass, p, number };

    (void)state;
    config_redact_arguments(6, argv);
    assert_string_equal(name, "***");
    assert_string_equal(pass, "-pass=******");
    assert_string_equal(number, "1");
}

/* ---- the file ---- */

static void file_sets_members(void **state)
{
    struct fixture *f = *state;
    const struct user_options *u;

    must_load(f, "listen: \"127.0.0.1:4333\"\nserver_name: s\nmax_conn: 0\nmax_payload: 2MB\n"
              "ping_interval: \"30s\"\nwrite_timeout: retry\nserver_tags: [a, b]\n"
              "server_metadata {k: v}\ntrace_verbose: true\nmax_sub_tokens: 255\n"
              "accounts { A { nkey: " ACCOUNT_NKEY ", limits {max_subs: 5},\n"
              "  default_permissions {publish: \"d\"},\n"
              "  mappings {a: [{dest: b, weight: 40%}, {dest: c, weight: 50}]}\n"
              "  users [{user: u, password: p}, {nkey: " USER_NKEY ", clients: [websocket ],\n"
              "    permissions {sub: [\"x q\" ], allow_responses: {max: -1, ttl: \"5s\"}}}]}}\n"
              "no_auth_user: u\nhttp_base_path: \"nats/./x/\"\n");
    assert_string_equal(f->o->http_base_path, "/nats/x");
    assert_string_equal(f->o->host, "127.0.0.1");
    assert_int_equal(f->o->port, 4333);
    assert_int_equal(f->o->max_connections, -1);
    assert_int_equal(f->o->max_payload, 2 << 20);
    assert_int_equal(f->o->ping_interval_ns, 30 * NS_PER_S);
    assert_int_equal(f->o->write_timeout, WRITE_TIMEOUT_RETRY);
    assert_int_equal(f->o->tags.tags.count, 2);
    assert_string_equal(f->o->tags.metadata_values.items[0], "v");
    assert_true(f->o->trace && f->o->trace_verbose);
    assert_int_equal(f->o->max_sub_tokens, 255);
    assert_int_equal(f->o->account_count, 1);
    assert_string_equal(f->o->accounts[0].nkey, ACCOUNT_NKEY);
    assert_int_equal(f->o->accounts[0].max_subscriptions, 5);
    assert_int_equal(f->o->accounts[0].max_connections, -1);
    assert_int_equal(f->o->accounts[0].mappings[0].destinations[0].weight, 40);
    assert_int_equal(f->o->user_count, 2);
    u = &f->o->users[0];
    assert_string_equal(u->account, "A");
    assert_string_equal(u->permissions->publish.allow.items[0], "d");
    u = &f->o->users[1];
    assert_string_equal(u->nkey, USER_NKEY);
    assert_int_equal(u->connection_types, CONNECTION_WEBSOCKET);
    assert_true(u->permissions->publish.has_allow);     /* answers and nothing else */
    assert_int_equal(u->permissions->publish.allow.count, 0);
    assert_int_equal(u->permissions->responses_max, -1);
    assert_int_equal(u->permissions->responses_ttl_ns, 5 * NS_PER_S);
}

static void websocket_and_tls_blocks(void **state)
{
    struct fixture *f = *state;
    const struct websocket_options *w;

    write_file("x.pem", "any text: OpenSSL reads it later\n");
    must_load(f, "tls { cert_file: x.pem, key_file: x.pem, verify_and_map: true, timeout: 0.5\n"
              " handshake_first: auto, min_version: \"1.3\", pinned_certs: [\n"
              " 7F83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069 ] }\n"
              "ws { port: -1, tls {cert_file: x.pem, key_file: x.pem}, compress: true\n"
              " allowed_origins: \"http://a:80\", handshake_timeout: 3, headers {\"X-A\": b}\n"
              " authorization {token: t, timeout: 1} }\n");
    assert_int_equal(f->o->tls->certificate_count, 1);
    assert_true(f->o->tls->verify && f->o->tls->verify_and_map);
    assert_int_equal(f->o->tls->timeout_ns, NS_PER_S / 2);
    assert_int_equal(f->o->tls->first, TLS_FIRST_AUTO);
    assert_int_equal(f->o->tls->first_fallback_ns, 50 * NS_PER_MS);
    assert_int_equal(f->o->tls->min_version, 0x0304);
    assert_int_equal(f->o->tls->pinned_certs.items[0][1], 'f');
    assert_int_equal(f->o->authorization.timeout_ns, 3 * NS_PER_S / 2);
    w = &f->o->websocket;
    assert_true(w->enabled && w->has_authorization && w->compression);
    assert_int_equal(w->port, -1);
    assert_int_equal(w->handshake_timeout_ns, 3 * NS_PER_S);
    assert_string_equal(w->header_names.items[0], "X-A");
    assert_string_equal(w->authorization.token, "t");
    assert_int_equal(w->authorization.timeout_ns, NS_PER_S);
}

struct error_row { const char *text, *error; };

static void check_errors(struct fixture *f, const struct error_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_not_equal(load_text(f, rows[i].text), ST_OK);
        if (strstr(errors_of(f), rows[i].error) == NULL)
            fail_msg("row '%s':\n got  %s want %s", rows[i].text, errors_of(f), rows[i].error);
    }
}

static void file_errors(void **state)
{
    static const struct error_row rows[] = {
        { "foo: 1\n", "nats-server: c.conf:1:0: unknown field \"foo\"\n\n" },
        { "port: 1\n  foo: 1\n", "c.conf:2:3: unknown field \"foo\"\n" },
        { "port: x\n", "c.conf:1:0: \"port\" must be an integer, not a string\n" },
        { "port: 65536\n", "c.conf:1:0: port must be between -1 and 65535, not 65536\n" },
        { "debug: 1\n", "c.conf:1:0: \"debug\" must be a boolean, not an integer\n" },
        { "listen: x\n", "c.conf:1:0: could not parse address string \"x\"\n" },
        { "listen: \"a:b\"\n", "c.conf:1:0: could not parse port \"b\"\n" },
        { "server_name: \"a b\"\n", "c.conf:1:0: server name cannot contain spaces\n" },
        { "max_payload: 2147483648\n", "c.conf:1:0: max_payload value is too big\n" },
        { "max_sub_tokens: 256\n", "max_sub_tokens value is too big\n" },
        { "max_sub_tokens: 0\n", "max_sub_tokens value can not be negative\n" },
        { "lame_duck_duration: \"29s\"\n", "c.conf:1:0: invalid lame_duck_duration of 29s, minimum "
          "is 30 seconds\n" },
        { "lame_duck_duration: \"30s\"\nlame_duck_grace_period: \"30s\"\n", "nats-server: lame "
          "duck grace period (30s) should be strictly lower than lame duck duration (30s)\n" },
        { "max_payload: 64MB\nmax_pending: 67108863\n", "nats-server: max_payload (67108864) "
          "cannot be higher than max_pending (67108863)\n" },
        { "write_timeout: x\n", "write_timeout must be 'default', 'close' or 'retry'\n" },
        { "authorization {user: a, pass: b, token: t}\n", "Cannot have a user/pass and token\n" },
        { "authorization {user: a, users: []}\n",
          "c.conf:1:0: Can not have a single user/pass and a users array\n" },
        { "authorization {users: [{user: a}, {user: a}]}\n", "Duplicate user \"a\" detected\n" },
        { "authorization {users: [{password: a}]}\n", "User entry requires a user\n" },
        { "accounts {$G {}}\n", "\"$G\" is a Reserved Account\n" },
        { "accounts {A {users: [{user: a}]}}\nauthorization {token: t}\n",
          "c.conf:1:0: Can not have a token and accounts\n" },
        { "mappings {a: [{dest: b, weight: 101}]}\n",
          "Invalid weight 101 for mapping destination\n" },
        { "mappings {a: [{dest: b, weight: 60}, {dest: c, weight: 41}]}\n",
          "Error adding mapping for \"a\" : total weight needs to be <= 100\n" },
        { "no_auth_user: x\n", "no_auth_user: \"x\" present, but users/nkeys are not defined\n" },
        { "no_auth_user: x\nauthorization {users: [{user: a}]}\n", "no_auth_user: \"x\" not "
          "present as user or nkey in authorization block or account configuration\n" },
        { "websocket {port: 1}\n", "websocket requires TLS configuration\n" },
        { "websocket {port: 1, no_tls: true, headers {Host: x}}\n",
          "websocket: invalid header \"Host\" not allowed\n" },
        { "websocket {port: 1, no_tls: true, headers {a: \"x\\r\\ny\"}}\n", "is not one line\n" },
        { "websocket {port: 1, no_tls: true, origin: \"ftp://x\"}\n", "must be absolute URLs" },
        { "tls {cert_file: no.pem, key_file: no.pem}\n", "c.conf:1:0: error parsing X509 "
          "certificate/key pair: open no.pem: no such file or directory\n" },
        { "tls {cipher_suites: [TLS_RSA_WITH_RC4_128_SHA ]}\n",
          "insecure cipher suites configured without" },
        { "system_account: NOPE\n", "error resolving system account: account missing\n" },
        { "https: 1\n", "TLS cert and key required for HTTPS\n" },
        { "ping_interval: \"5\"\n", "error parsing ping_interval: time: missing unit in duration "
          "\"5\"\n" },
        { "write_deadline: 1d\n", "error parsing write_deadline: time: unknown unit \"d\" in "
          "duration \"1d\"\n" },
        { "write_deadline: x\n", "error parsing write_deadline: time: invalid duration \"x\"\n" },
        { "host: \"a\\x00b\"\n", "\"host\" must not contain a NUL byte\n" },
    };

    check_errors(*state, rows, COUNT_OF(rows));
}

static void several_errors_are_all_told(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(load_text(f, "a: 1\nping_interval: 5\nb: 2\n"), ST_BAD_INPUT);
    assert_string_equal(errors_of(f), "nats-server: c.conf:2:1: invalid use of field "
                        "\"ping_interval\": ping_interval should be converted to a duration\n"
                        "c.conf:1:0: unknown field \"a\"\nc.conf:3:1: unknown field \"b\"\n\n");
    must_load(f, "ping_interval: 5\n");
    assert_int_equal(f->o->ping_interval_ns, 5 * NS_PER_S);
    assert_string_equal(buf_text(&f->msgs.warnings), "c.conf:1:0: invalid use of field "
                        "\"ping_interval\": ping_interval should be converted to a duration\n");
}

static void what_is_missing_is_refused(void **state)
{
    static const char *const blocks[] = {
        "cluster {port: 1}", "routes: [\"nats://x\"]", "jetstream {tpm {pcr: 1}}",
        "gateway {name: x}", "leafnodes {port: 1}", "mqtt {port: 1}", "operator: x",
        "resolver: MEM", "ocsp: true", "proxy_protocol: true", "default_js_domain {A: x}",
        "prof_port: 1", "trusted_keys: x", "feature_flags {x: true}",
        "authorization {auth_callout {issuer: x}}",
        "accounts {A {exports: [{stream: x}]}}", "accounts {A {imports: [{stream: x}]}}",
        "accounts {A {msg_trace: x}}",
        "authorization {users: [{user: a, proxy_required: true}]}", "tls {ocsp_peer: true}",
        "websocket {port: 1, no_tls: true, jwt_cookie: x}",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(blocks); i++) {
        enum status st = load_text(f, blocks[i]);
        bool unknown = strncmp(blocks[i], "routes", 6) == 0;    /* no key of the top level */
        if (st != (unknown ? ST_BAD_INPUT : ST_UNSUPPORTED))
            fail_msg("'%s': status %d, %s", blocks[i], st, errors_of(f));
        if (st == ST_UNSUPPORTED &&
            strstr(errors_of(f), "\" is not supported by this version of myelin\n") == NULL)
            fail_msg("'%s': %s", blocks[i], errors_of(f));
    }
    assert_int_equal(load_text(f, "port: 1\n\n mqtt { port: 1 }\n"), ST_UNSUPPORTED);
    assert_string_equal(errors_of(f), "nats-server: c.conf:3:2: \"mqtt\" is not supported by this "
                        "version of myelin\n\n");
    must_load(f, "jetstream {tpm {}}\nocsp: false\ncluster {}\nmqtt {}\n"
              "accounts {A {exports: []}}\n");
}

static void check_mode_stops_after_the_file(void **state)
{
    struct fixture *f = *state;

    write_file("c.conf", "max_payload: 1gb\n");
    assert_int_equal(load_line(f, "-t -c c.conf"), ST_OK);
    assert_string_equal(f->o->config_digest, "sha256:"
                        "2dc0bd045fe16ffbd2bcac1d2d328a7da402f5c950757938a8d6639f40c8e342");
    write_file("c.conf", "");
    assert_int_equal(load_line(f, "-c c.conf"), ST_OK);
    assert_int_equal(load_line(f, "-t -c c.conf"), ST_BAD_INPUT);
    assert_string_equal(errors_of(f), "nats-server: c.conf: config has no values or is empty\n\n");
}

static void warnings_for_the_log(void **state)
{
    static const struct { const char *text, *want; } rows[] = {
        { "port: 1", "" }, { "max_payload: 8MB", "" },
        { "max_payload: 8388609", "Maximum payloads over 8.00 MB are generally discouraged and "
          "could lead to poor performance\n" },
        { "authorization {user: a, pass: b}",
          "Plaintext passwords detected, use nkeys or bcrypt\n" },
        { "authorization {users: [{user: a, password: \"$2secret\"}]}",
          "Plaintext passwords detected, use nkeys or bcrypt\n" },
        { "authorization {users: [{user: a, password: $2a$11$W2zko751KUvVy59mUTWmpO}]}", "" },
        { "authorization {users: [{nkey: " USER_NKEY "}]}", "" },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf got = { 0 };
        must_load(f, rows[i].text);
        options_warn(f->o, &got);
        if (!span_is(buf_span(&got), rows[i].want)) fail_msg("row %zu: %s", i, buf_text(&got));
        buf_free(&got);
    }
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

    must_load(f, before);
    write_file("c.conf", after);
    assert_int_equal(config_reload(f->o, &next, &msgs), ST_OK);
    config_diff_init(&d, f->o, next);
    if (config_diff_check(&d, &why) != ST_OK) buf_append_text(&out, why.text);
    else for (size_t i = 0; i < d.count; i++) buf_printf(&out, "%s ", d.items[i].name);
    assert_int_equal(config_diff_has(&d, "Debug"), strstr(after, "debug") != NULL);
    config_diff_fini(&d);
    options_free(&next);
    config_messages_free(&msgs);
    return buf_take(&out);
}

static void reload_plans(void **state)
{
    static const struct { const char *before, *after, *want; } rows[] = {
        { "port: 1", "port: 1", "" }, { "port: 1", "port: 1\ndebug: true", "Debug " },
        { "port: 1", "port: 2", "config reload not supported for Port: old=1, new=2" },
        { "max_payload: 5", "max_payload: 6\nmax_conn: 7", "MaxConn MaxPayload " },
        { "port: 1", "lame_duck_duration: \"1m\"\nport: 1",
          "config reload not supported for LameDuckDuration: old=2m0s, new=1m0s" },
        { "server_name: a", "server_name: b",
          "config reload not supported for ServerName: old=a, new=b" },
        { "authorization {user: a, pass: b}", "authorization {user: a, pass: c}", "Password " },
        { "authorization {token: b}", "authorization {token: c}", "Authorization " },
        { "authorization {users: [{user: a, password: b}]}",
          "authorization {users: [{user: a, password: c}]}", "Users " },
        { "accounts {A {}}", "accounts {A {limits {max_subs: 1}}}", "Accounts " },
        { "mappings {a: b}", "mappings {a: c}", "Accounts " },
        { "server_tags: a", "server_tags: b", "Tags " },
        { "authorization {users: [{user: a}, {user: b}]}\nno_auth_user: a",
          "authorization {users: [{user: b}]}", "NoAuthUser Users " },
        { "authorization {users: [{user: a}]}\nno_auth_user: a",
          "authorization {users: [{user: a}]}",
          "config reload not supported for NoAuthUser: old=a, new=" },
        { "ws {port: -1, no_tls: true, authorization {token: secret}}",
          "ws {port: -1, no_tls: true, authorization {token: other}}",
          "config reload not supported for Websocket: old=" },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char *got = reload_of(f, rows[i].before, rows[i].after);
        size_t len = i == COUNT_OF(rows) - 1 ? strlen(rows[i].want) : strlen(got) + 1;
        if (strncmp(got, rows[i].want, len) != 0 || strstr(got, "secret") != NULL)
            fail_msg("row %zu: %s", i, got);
        mem_free(got);
    }
}

static void reload_keeps_the_command_line(void **state)
{
    struct fixture *f = *state;
    struct options *next = NULL;
    struct config_messages msgs = { 0 };

    write_file("c.conf", "port: 1\n");
    assert_int_equal(load_line(f, "-c c.conf -p 7 -DV"), ST_OK);
    write_file("c.conf", "port: 2\ndebug: false\n");
    assert_int_equal(config_reload(f->o, &next, &msgs), ST_OK);
    assert_int_equal(next->port, 7);
    assert_true(next->debug && next->trace);
    options_free(&next);
    write_file("c.conf", "port: [\n");
    assert_int_equal(config_reload(f->o, &next, &msgs), ST_BAD_INPUT);
    assert_null(next);
    config_messages_free(&msgs);
}

static void descriptions_hold_no_secrets(void **state)
{
    struct fixture *f = *state;
    struct buf out = { 0 };

    write_file("c.conf", "accounts {A {users: [{user: u, password: hush1}]}}\n"
               "ws {port: 1, no_tls: true, authorization {user: a, pass: hush2}}\n");
    assert_int_not_equal(load_line(f, "-c c.conf"), ST_OK);
    must_load(f, "accounts {A {users: [{user: u, password: hush1}]}}\nmax_payload: 5\n");
    options_describe(&out, f->o);
    assert_null(strstr(buf_text(&out), "hush"));
    assert_non_null(strstr(buf_text(&out), "{u password:[REDACTED] account:A}"));
    assert_non_null(strstr(buf_text(&out), "MaxPayload: 5\n"));
    out.len = 0;
    assert_int_equal(load_line(f, "--user u --pass hush3"), ST_OK);
    options_describe(&out, f->o);
    assert_null(strstr(buf_text(&out), "hush"));
    buf_free(&out);
}

/* ---- tables ---- */

static void table_is_consistent(void **state)
{
    char *usage = config_usage(), *tls = config_usage_tls();

    (void)state;
    for (size_t i = 0; i < option_row_count; i++) {
        const struct option_row *row = &option_rows[i];
        const char *names[] = { row->keys, row->flags };
        for (size_t n = 0; n < 2; n++) {
            struct span first = span_make(names[n], strcspn(names[n], ","));
            for (size_t k = 0; first.len > 0 && k < i; k++)
                if (option_has_name(n == 0 ? option_rows[k].keys : option_rows[k].flags, first,
                                    n == 0))
                    fail_msg("'%.*s' stands in two rows", SPAN_ARG(first));
        }
        if (row->flags[0] != '\0' && row->help[0] != '\0')
            assert_non_null(strstr(usage, row->help));
    }
    assert_non_null(strstr(usage, "    -p, --port <port>                Use port for clients"));
    assert_non_null(strstr(tls, "    TLS_AES_128_GCM_SHA256\n"));
    assert_true(tls_cipher_is_insecure(SPAN_LIT("TLS_RSA_WITH_RC4_128_SHA")));
    assert_false(tls_cipher_is_known(SPAN_LIT("tls_aes_128_gcm_sha256")));
    mem_free(usage);
    mem_free(tls);
}

static void public_keys(void **state)
{
    char bad[] = USER_NKEY;

    (void)state;
    assert_true(public_key_is('U', SPAN_LIT(USER_NKEY)));
    assert_true(public_key_is('A', SPAN_LIT(ACCOUNT_NKEY)));
    assert_false(public_key_is('A', SPAN_LIT(USER_NKEY)));
    assert_false(public_key_is('U', span_make(USER_NKEY, 55)));
    assert_false(public_key_is('U', SPAN_NONE));
    bad[20] = bad[20] == 'A' ? 'B' : 'A';
    assert_false(public_key_is('U', span_of(bad)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_set_members), cmocka_unit_test(defaults),
        cmocka_unit_test(flags_have_gos_syntax), cmocka_unit_test(flag_errors),
        cmocka_unit_test(modes), cmocka_unit_test(flags_override_the_file),
        cmocka_unit_test(arguments_are_redacted), cmocka_unit_test(file_sets_members),
        cmocka_unit_test(websocket_and_tls_blocks), cmocka_unit_test(file_errors),
        cmocka_unit_test(several_errors_are_all_told),
        cmocka_unit_test(what_is_missing_is_refused),
        cmocka_unit_test(check_mode_stops_after_the_file), cmocka_unit_test(warnings_for_the_log),
        cmocka_unit_test(reload_plans), cmocka_unit_test(reload_keeps_the_command_line),
        cmocka_unit_test(descriptions_hold_no_secrets), cmocka_unit_test(table_is_consistent),
        cmocka_unit_test(public_keys),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
