/* SPDX-License-Identifier: Apache-2.0 */
/* auth_test.c - who gets in, row by row, for each way to configure it; and what a reload does. */
#include "auth/auth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/mem.h"

#define HASH_SECRET "$2b$04$vH5bH5wztmbox7zzNk4yyeMfRXfytgXkof3i.yy.0Zmb1KJwO58jy"
#define HASH_A_FORM "$2a$04$vH5bH5wztmbox7zzNk4yyeMfRXfytgXkof3i.yy.0Zmb1KJwO58jy"
/* Of "päss" in UTF-8; libcrypt's own $2x$ would take its bytes for negative numbers. */
#define HASH_X_FORM "$2x$04$DcKmNvDtplzojlVKOvChtO78FBOOET/suBkOzzxCD8nRNy4C.mxsi"
#define NKEY "UDSAGCMYZ7K22FZDYFU7SVVKBOPLQYM3LGJL2YJMFL2CR26HT6G7AGME"
#define NONCE "PXoWU7zWAMt75FY"
#define SIG "r4YrFsOongifrniOzTO3LFzkoliZfkuIPzxmHd07ObHWgcpUEpSXLvbU1OT3xVB-O8sdDxhZ5IcouL7l973ODA"

/* A configuration: users up to one without name and nkey. */
struct setup {
    struct user_options users[8];
    struct account_options accounts[3];
    const char *username, *password, *token, *no_auth_user, *system_account;
    const char *ws_username, *ws_password, *ws_no_auth_user;
    bool tls_map, ws;
};

#define TEXT(literal) ((char *)(void *)(uintptr_t)(literal))

static struct auth_db *build(struct setup *s, enum auth_listener listener)
{
    struct tls_options tls = { .verify_and_map = true };
    struct options o = { .users = s->users, .accounts = s->accounts };

    while (s->users[o.user_count].name || s->users[o.user_count].nkey) o.user_count++;
    while (s->accounts[o.account_count].name) o.account_count++;
    o.authorization.username = TEXT(s->username);
    o.authorization.password = TEXT(s->password);
    o.authorization.token = TEXT(s->token);
    o.no_auth_user = TEXT(s->no_auth_user);
    o.system_account = TEXT(s->system_account);
    o.tls = s->tls_map ? &tls : NULL;
    o.websocket.enabled = s->ws;
    o.websocket.authorization.username = TEXT(s->ws_username);
    o.websocket.authorization.password = TEXT(s->ws_password);
    o.websocket.no_auth_user = TEXT(s->ws_no_auth_user);
    return auth_db_new(&o, listener);
}

struct row {
    const char *user, *pass, *token, *nkey, *sig;
    const char *account;        /* NULL: denied */
    const char *shown;          /* auth_identity_user */
    enum auth_reason reason;
    bool bcrypt;                /* a comparison was needed */
};

static enum auth_verdict decide(struct auth_db *db, const struct auth_request *q,
                                struct auth_result *result, bool *bcrypt)
{
    enum auth_verdict verdict = auth_begin(db, q, result);

    *bcrypt = verdict == AUTH_NEEDS_BCRYPT;
    if (!*bcrypt) return verdict;
    auth_bcrypt_run(result->job);
    return auth_finish(result);
}

static void check_row(struct auth_db *db, const struct row *r, enum connection_type connection,
                      size_t index)
{
    struct auth_request q = {
        .user = span_of(r->user), .pass = span_of(r->pass), .token = span_of(r->token),
        .nkey = span_of(r->nkey), .sig = span_of(r->sig), .nonce = SPAN_LIT(NONCE),
        .connection = connection,
    };
    struct auth_result result;
    bool bcrypt;
    enum auth_verdict verdict = decide(db, &q, &result, &bcrypt);

    if ((verdict == AUTH_OK) != (r->account != NULL)) fail_msg("row %zu: verdict", index);
    if (!span_is(span_of(result.account), r->account)) fail_msg("row %zu: account", index);
    if (result.reason != r->reason)
        fail_msg("row %zu: %s", index, auth_reason_text(result.reason));
    if (bcrypt != r->bcrypt) fail_msg("row %zu: bcrypt", index);
    if (!span_is(span_of(auth_identity_user(result.identity)), r->shown))
        fail_msg("row %zu: shown as %s", index, auth_identity_user(result.identity));
    assert_null(result.job);
    auth_result_fini(&result);
}

static void check(struct setup *s, enum auth_listener listener, const struct row *rows,
                  size_t count)
{
    struct auth_db *db = build(s, listener);

    for (size_t i = 0; i < count; i++)
        check_row(db, &rows[i],
                  listener == AUTH_CLIENT ? CONNECTION_STANDARD : CONNECTION_WEBSOCKET, i);
    auth_db_unref(db);
}

static void test_nothing_configured(void **state)
{
    struct setup s = { .ws = false };
    const struct row rows[] = {
        { .account = "$G" }, { .user = "x", .pass = "y", .account = "$G", .shown = "x" },
        { .token = "t", .account = "$G", .shown = "[REDACTED]" },
        { .nkey = "UA", .user = "x", .account = "$G", .shown = "UA" },
    };
    struct auth_db *db = build(&s, AUTH_CLIENT);

    (void)state;
    assert_false(auth_db_required(db));
    assert_false(auth_db_info_required(db));
    assert_false(auth_db_needs_nonce(db));
    auth_db_unref(db);
    check(&s, AUTH_CLIENT, rows, COUNT_OF(rows));
}

static void test_single_user(void **state)
{
    struct setup s = { .username = "u", .password = "p" };
    struct setup open = { .username = "u" };
    const struct row rows[] = {
        { .user = "u", .pass = "p", .account = "$G", .shown = "u" },
        { .user = "u", .pass = "pp", .shown = "u", .reason = AUTH_REASON_PASSWORD },
        { .user = "u", .shown = "u", .reason = AUTH_REASON_PASSWORD },
        { .user = "v", .pass = "p", .shown = "v", .reason = AUTH_REASON_UNKNOWN_USER },
        { .reason = AUTH_REASON_UNKNOWN_USER },
        { .token = "p", .shown = "[REDACTED]", .reason = AUTH_REASON_UNKNOWN_USER },
    };
    const struct row open_rows[] = {
        { .user = "u", .account = "$G", .shown = "u" },
        { .user = "u", .pass = "p", .shown = "u", .reason = AUTH_REASON_PASSWORD },
    };

    (void)state;
    check(&s, AUTH_CLIENT, rows, COUNT_OF(rows));
    check(&open, AUTH_CLIENT, open_rows, COUNT_OF(open_rows));
}

static void test_token(void **state)
{
    struct setup s = { .token = "tok" }, hashed = { .token = HASH_SECRET };
    const struct row rows[] = {
        { .token = "tok", .account = "$G", .shown = "[REDACTED]" },
        { .token = "tok", .user = "x", .account = "$G", .shown = "x" },
        { .token = "tokk", .shown = "[REDACTED]", .reason = AUTH_REASON_TOKEN },
        { .pass = "tok", .reason = AUTH_REASON_TOKEN }, { .reason = AUTH_REASON_TOKEN },
    };
    const struct row hashed_rows[] = {
        { .token = "secret", .account = "$G", .shown = "[REDACTED]", .bcrypt = true },
        { .token = "x", .shown = "[REDACTED]", .reason = AUTH_REASON_TOKEN, .bcrypt = true },
    };

    (void)state;
    check(&s, AUTH_CLIENT, rows, COUNT_OF(rows));
    check(&hashed, AUTH_CLIENT, hashed_rows, COUNT_OF(hashed_rows));
}

static void test_users(void **state)
{
    struct setup s = { .users = {
        { .name = TEXT("a"), .password = TEXT("pa"), .account = TEXT("A") },
        { .name = TEXT("b"), .password = TEXT(HASH_SECRET) },
        { .name = TEXT("c"), .password = TEXT(HASH_A_FORM) },
        { .name = TEXT("x"), .password = TEXT(HASH_X_FORM) },
        { .name = TEXT("w"), .password = TEXT("pw"), .connection_types = CONNECTION_WEBSOCKET },
        { .name = TEXT("short"), .password = TEXT("$2b$04$short") },
        { .name = TEXT("open") },
    } };
    const struct row rows[] = {
        { .user = "a", .pass = "pa", .account = "A", .shown = "a" },
        { .user = "b", .pass = "secret", .account = "$G", .shown = "b", .bcrypt = true },
        { .user = "c", .pass = "secret", .account = "$G", .shown = "c", .bcrypt = true },
        { .user = "x", .pass = "p\xc3\xa4ss", .account = "$G", .shown = "x", .bcrypt = true },
        { .user = "open", .account = "$G", .shown = "open" },
        /* Every refused password costs the same. */
        { .user = "a", .pass = "x", .shown = "a", .reason = AUTH_REASON_PASSWORD,
          .bcrypt = true },
        { .user = "b", .pass = "x", .shown = "b", .reason = AUTH_REASON_PASSWORD,
          .bcrypt = true },
        { .user = "z", .pass = "secret", .shown = "z", .reason = AUTH_REASON_UNKNOWN_USER,
          .bcrypt = true },
        { .user = "w", .pass = "pw", .shown = "w", .reason = AUTH_REASON_CONNECTION_TYPE,
          .bcrypt = true },
        { .user = "b", .pass = HASH_SECRET, .shown = "b", .reason = AUTH_REASON_PASSWORD,
          .bcrypt = true },
        { .user = "short", .pass = "x", .shown = "short", .reason = AUTH_REASON_PASSWORD,
          .bcrypt = true },
        { .pass = "pa", .reason = AUTH_REASON_NO_CREDENTIALS, .bcrypt = true },
        { .reason = AUTH_REASON_NO_CREDENTIALS },
        { .token = "pa", .shown = "[REDACTED]", .reason = AUTH_REASON_NO_CREDENTIALS },
    };
    const struct row web = { .user = "w", .pass = "pw", .account = "$G", .shown = "w" };

    (void)state;
    check(&s, AUTH_CLIENT, rows, COUNT_OF(rows));
    check(&s, AUTH_WEBSOCKET, &web, 1);
}

static void test_no_auth_user(void **state)
{
    struct setup s = { .no_auth_user = "a", .users = {
        { .name = TEXT("a"), .password = TEXT("pa"), .account = TEXT("A") } } };
    struct setup hashed = { .no_auth_user = "b", .users = {
        { .name = TEXT("b"), .password = TEXT(HASH_SECRET) } } };
    const struct row rows[] = {
        { .account = "A", .shown = "a" }, { .sig = "x", .account = "A", .shown = "a" },
        { .user = "a", .shown = "a", .reason = AUTH_REASON_PASSWORD },
        { .token = "t", .shown = "[REDACTED]", .reason = AUTH_REASON_NO_CREDENTIALS },
        { .pass = "pa", .reason = AUTH_REASON_NO_CREDENTIALS },
    };
    const struct row refused = { .shown = "b", .reason = AUTH_REASON_PASSWORD };
    struct auth_db *db = build(&s, AUTH_CLIENT);

    (void)state;
    assert_true(auth_db_required(db));
    assert_false(auth_db_info_required(db));
    auth_db_unref(db);
    check(&s, AUTH_CLIENT, rows, COUNT_OF(rows));
    check(&hashed, AUTH_CLIENT, &refused, 1);
}

static void test_nkeys(void **state)
{
    struct setup s = { .users = { { .nkey = TEXT(NKEY), .account = TEXT("N") },
                                  { .name = TEXT("a"), .password = TEXT("pa") } } };
    struct setup open = { .no_auth_user = NKEY, .users = { { .nkey = TEXT(NKEY) } } };
    const struct row rows[] = {
        { .nkey = NKEY, .sig = SIG, .account = "N", .shown = NKEY },
        { .nkey = NKEY, .shown = NKEY, .reason = AUTH_REASON_SIGNATURE },
        { .nkey = NKEY, .sig = "AAAA", .shown = NKEY, .reason = AUTH_REASON_SIGNATURE },
        { .nkey = "UNKNOWN", .sig = SIG, .user = "a", .pass = "pa", .shown = "UNKNOWN",
          .reason = AUTH_REASON_UNKNOWN_USER },
        { .user = "a", .pass = "pa", .account = "$G", .shown = "a" },
        { .user = NKEY, .shown = NKEY, .reason = AUTH_REASON_UNKNOWN_USER },
    };
    const struct row open_rows[] = {
        { .account = "$G", .shown = NKEY }, { .nkey = NKEY, .account = "$G", .shown = NKEY },
        { .user = "x", .shown = "x", .reason = AUTH_REASON_NO_CREDENTIALS },
    };
    struct auth_db *db = build(&s, AUTH_CLIENT);

    (void)state;
    assert_true(auth_db_needs_nonce(db));
    auth_db_unref(db);
    check(&s, AUTH_CLIENT, rows, COUNT_OF(rows));
    check(&open, AUTH_CLIENT, open_rows, COUNT_OF(open_rows));
}

static void test_only_system_account(void **state)
{
    struct setup s = { .accounts = { { .name = TEXT("$SYS") } }, .users = {
        { .name = TEXT("s"), .password = TEXT("p"), .account = TEXT("$SYS") } } };
    struct setup two = { .accounts = { { .name = TEXT("SYS") }, { .name = TEXT("A") } },
                         .system_account = "SYS", .users = {
        { .name = TEXT("s"), .password = TEXT("p"), .account = TEXT("SYS") } } };
    const struct row rows[] = {
        { .account = "$G", .shown = "nats-anonymous" },
        { .user = "s", .pass = "p", .account = "$SYS", .shown = "s" },
        { .user = "nats-anonymous", .shown = "nats-anonymous",
          .reason = AUTH_REASON_UNKNOWN_USER },
        { .user = "z", .shown = "z", .reason = AUTH_REASON_UNKNOWN_USER },
        { .token = "t", .shown = "[REDACTED]", .reason = AUTH_REASON_NO_CREDENTIALS },
    };
    const struct row refused = { .reason = AUTH_REASON_NO_CREDENTIALS };
    struct auth_db *db = build(&s, AUTH_CLIENT);

    (void)state;
    assert_true(auth_db_info_required(db));
    auth_db_unref(db);
    check(&s, AUTH_CLIENT, rows, COUNT_OF(rows));
    check(&two, AUTH_CLIENT, &refused, 1);
}

static void test_websocket_override(void **state)
{
    struct setup s = { .ws = true, .ws_username = "w", .ws_password = "pw" };
    struct setup open = { .ws = true, .ws_no_auth_user = "a", .users = {
        { .name = TEXT("a"), .password = TEXT("pa"), .account = TEXT("A") } } };
    const struct row web[] = {
        { .user = "w", .pass = "pw", .account = "$G", .shown = "w" },
        { .reason = AUTH_REASON_UNKNOWN_USER },
    };
    const struct row plain = { .account = "$G" };
    const struct row mapped = { .account = "A", .shown = "a" };
    const struct row refused = { .reason = AUTH_REASON_NO_CREDENTIALS };
    struct auth_db *db = build(&open, AUTH_WEBSOCKET);

    (void)state;
    assert_true(auth_db_info_required(db));
    auth_db_unref(db);
    check(&s, AUTH_WEBSOCKET, web, COUNT_OF(web));
    check(&s, AUTH_CLIENT, &plain, 1);
    check(&open, AUTH_WEBSOCKET, &mapped, 1);
    check(&open, AUTH_CLIENT, &refused, 1);
}

/* ---- certificates ---- */

#define CN "2.5.4.3"
#define OU "2.5.4.11"
#define O "2.5.4.10"
#define DC "0.9.2342.19200300.100.1.25"

static void test_certificates(void **state)
{
    static const char *const email[] = { "nobody@x", "me@x" }, *const dns[] = { "h.x" };
    static const char *const uri[] = { "spiffe://x/me" };
    static const struct auth_attribute plain[] = { { 0, O, "Acme, Inc" }, { 1, OU, "b" },
                                                   { 1, OU, "a" }, { 2, CN, "me" } };
    static const struct auth_attribute domain[] = { { 0, DC, "org" }, { 1, DC, "x" },
                                                    { 2, CN, "me" } };
    static const struct auth_attribute odd[] = { { 0, "1.2.3", "?" }, { 1, CN, "me" } };
    static const struct auth_attribute odd_domain[] = { { 0, "1.2.3", "?" }, { 1, DC, "org" },
                                                        { 2, DC, "x" }, { 3, CN, "me" } };
    static const struct auth_attribute units[] = { { 0, OU, "a" }, { 1, OU, "b" } };
    static const struct {
        const char *user;
        struct auth_certificate cert;
        bool found;
    } rows[] = {
        { "me@x", { .emails = email, .email_count = 2 }, true },
        { "h.x", { .emails = email, .email_count = 2, .dns = dns, .dns_count = 1 }, true },
        { "spiffe://x/me", { .uris = uri, .uri_count = 1 }, true },
        { "me@x", { .dns = dns, .dns_count = 1 }, false },
        { "CN=me,OU=a+OU=b,O=Acme\\, Inc", { .subject = plain, .subject_count = 4 }, true },
        { "cn=me, ou=b+ou=a, o=Acme\\2c Inc", { .subject = plain, .subject_count = 4 }, true },
        { "O=Acme\\, Inc,CN=me,OU=a+OU=b", { .subject = plain, .subject_count = 4 }, true },
        { "CN=me,OU=a,O=Acme\\, Inc", { .subject = plain, .subject_count = 4 }, false },
        { "CN=me,OU=a,OU=b,O=Acme\\, Inc", { .subject = plain, .subject_count = 4 }, false },
        { "CN=Me,OU=a+OU=b,O=Acme\\, Inc", { .subject = plain, .subject_count = 4 }, false },
        { "CN=me,OU=b+OU=a,O=Acme\\, Inc", { .subject = plain, .subject_count = 4 }, true },
        { "CN=me,DC=x,DC=org", { .subject = domain, .subject_count = 3 }, true },
        { "CN=me,DC=org,DC=x", { .subject = domain, .subject_count = 3 }, true },
        { "CN=me", { .subject = odd, .subject_count = 2 }, true },      /* as Go prints it */
        { "CN=me,DC=org,DC=x", { .subject = odd_domain, .subject_count = 4 }, true },
        { "CN=me,DC=x,DC=org", { .subject = odd_domain, .subject_count = 4 }, false },
        { "CN=me ,OU=a+OU=b,O=Acme\\, Inc", { .subject = plain, .subject_count = 4 }, true },
        { "OU=a,OU=b", { .subject = units, .subject_count = 2 }, true },
        { "OU=a,OU=a", { .subject = units, .subject_count = 2 }, false },
        { "CN=me,", { .subject = odd, .subject_count = 2 }, false },
        { "CN=", { .subject_count = 0 }, false },
        { "CN=me\\", { .subject = odd, .subject_count = 2 }, false },
        { "=me,,+", { .subject = odd, .subject_count = 2 }, false },
        { "CN=#0402", { .subject = odd, .subject_count = 2 }, false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct setup s = { .tls_map = true, .users = { { .name = TEXT(rows[i].user) },
                                                       { .name = TEXT("other") } } };
        struct auth_db *db = build(&s, AUTH_CLIENT);
        struct auth_request q = { .certificate = &rows[i].cert, .user = SPAN_LIT("other"),
                                  .connection = CONNECTION_STANDARD };
        struct auth_result result;
        enum auth_verdict verdict = auth_begin(db, &q, &result);
        if ((verdict == AUTH_OK) != rows[i].found) fail_msg("row %zu: %s", i, rows[i].user);
        if (rows[i].found) assert_string_equal(auth_identity_user(result.identity), rows[i].user);
        else assert_int_equal(result.reason, AUTH_REASON_CERTIFICATE);
        auth_result_fini(&result);
        q.certificate = NULL;
        assert_int_equal(auth_begin(db, &q, &result), AUTH_DENIED);
        auth_result_fini(&result);
        auth_db_unref(db);
    }
}

/* A user of verify_and_map has no password; another listener must not let it in without one. */
static void test_certificate_user_without_certificate(void **state)
{
    struct setup s = { .tls_map = true, .ws = true, .users = {
        { .name = TEXT("CN=me") },
        { .name = TEXT("w"), .connection_types = CONNECTION_WEBSOCKET } } };
    const struct row rows[] = {
        { .user = "CN=me", .shown = "CN=me", .reason = AUTH_REASON_CERTIFICATE },
        { .user = "w", .account = "$G", .shown = "w" },
    };

    (void)state;
    check(&s, AUTH_WEBSOCKET, rows, COUNT_OF(rows));
}

/* ---- secrets ---- */

static void test_bcrypt_limits(void **state)
{
    char long_password[200];
    struct setup s = { .users = { { .name = TEXT("b"), .password = TEXT(HASH_SECRET) } } };
    struct auth_db *db = build(&s, AUTH_CLIENT);
    struct auth_request q = { .user = SPAN_LIT("b"), .connection = CONNECTION_STANDARD };
    struct auth_result result;
    bool bcrypt;

    (void)state;
    q.pass = span_make("secret\0x", 8);         /* cut at NUL it would be right */
    assert_int_equal(decide(db, &q, &result, &bcrypt), AUTH_DENIED);
    auth_result_fini(&result);
    memset(long_password, 'x', sizeof long_password);
    q.pass = span_make(long_password, sizeof long_password);
    assert_int_equal(decide(db, &q, &result, &bcrypt), AUTH_DENIED);
    auth_result_fini(&result);
    assert_int_equal(auth_begin(db, &q, &result), AUTH_NEEDS_BCRYPT);
    auth_db_unref(db);                          /* the job holds on to it */
    auth_bcrypt_run(result.job);
    assert_int_equal(auth_finish(&result), AUTH_DENIED);
    auth_result_fini(&result);
}

static void test_client_leaves_during_bcrypt(void **state)
{
    struct setup s = { .users = { { .name = TEXT("b"), .password = TEXT(HASH_SECRET) } } };
    struct auth_db *db = build(&s, AUTH_CLIENT);
    struct auth_request q = { .user = SPAN_LIT("b"), .pass = SPAN_LIT("secret"),
                              .connection = CONNECTION_STANDARD };
    struct auth_result result;

    (void)state;
    assert_int_equal(auth_begin(db, &q, &result), AUTH_NEEDS_BCRYPT);
    auth_db_unref(db);
    auth_result_fini(&result);
    assert_null(result.job);
}

static void check_description(const struct auth_request *q, const char *want)
{
    struct setup s = { .ws = false };
    struct auth_db *db = build(&s, AUTH_CLIENT);
    struct auth_result result;
    struct buf out = { 0 };

    assert_int_equal(auth_begin(db, q, &result), AUTH_OK);
    auth_identity_describe(result.identity, &out);
    assert_string_equal(buf_text(&out), want);
    buf_free(&out);
    auth_result_fini(&result);
    auth_db_unref(db);
}

static void test_descriptions(void **state)
{
    struct auth_request q = { .connection = CONNECTION_STANDARD };

    (void)state;
    check_description(&q, "User \"N/A\"");
    q.token = SPAN_LIT("very secret");
    check_description(&q, "Token \"[REDACTED]\"");
    q.jwt = SPAN_LIT("ey");
    check_description(&q, "JWT User \"\"");
    q.user = SPAN_LIT("a\"\n\\b");
    check_description(&q, "User \"a\\\"\\x0a\\\\b\"");
    q.nkey = SPAN_LIT("UA");
    check_description(&q, "Nkey \"UA\"");
}

static void test_plaintext_warning(void **state)
{
    static const struct { struct setup s; bool plain; } rows[] = {
        { { .username = "u", .password = "p" }, true },
        { { .username = "u", .password = HASH_SECRET }, false },
        { { .users = { { .name = TEXT("a"), .password = TEXT("p") } } }, true },
        { { .users = { { .name = TEXT("a"), .password = TEXT(HASH_SECRET) } } }, false },
        { { .users = { { .nkey = TEXT(NKEY) } } }, false },
        { { .tls_map = true, .users = { { .name = TEXT("a") } } }, false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct setup s = rows[i].s;
        struct auth_db *db = build(&s, AUTH_CLIENT);
        if (auth_db_has_plaintext(db) != rows[i].plain) fail_msg("row %zu", i);
        auth_db_unref(db);
    }
}

/* ---- reload ---- */

/* A connection made under one setup and rechecked under another. */
struct reload {
    struct setup before, after;
    const char *user, *pass, *token, *nkey, *sig;
    enum auth_recheck want;
    bool bcrypt;
};

#define USER_A(pass, acc) { .name = TEXT("a"), .password = TEXT(pass), .account = TEXT(acc) }

static void check_reload(struct reload *r, size_t index)
{
    struct auth_request q = {
        .user = span_of(r->user), .pass = span_of(r->pass), .token = span_of(r->token),
        .nkey = span_of(r->nkey), .sig = span_of(r->sig), .nonce = SPAN_LIT(NONCE),
        .connection = CONNECTION_STANDARD,
    };
    struct auth_db *before = build(&r->before, AUTH_CLIENT);
    struct auth_db *after = build(&r->after, AUTH_CLIENT);
    struct auth_result first, second;
    enum auth_recheck got;
    bool bcrypt;

    if (decide(before, &q, &first, &bcrypt) != AUTH_OK) fail_msg("row %zu: first", index);
    got = auth_recheck(after, first.identity, CONNECTION_STANDARD, first.account, &second);
    bcrypt = got == AUTH_RECHECK_BCRYPT;
    if (bcrypt) {
        auth_bcrypt_run(second.job);
        got = auth_recheck_finish(first.account, &second);
    }
    if (got != r->want || bcrypt != r->bcrypt) fail_msg("row %zu: got %d", index, got);
    auth_result_fini(&first);
    auth_result_fini(&second);
    auth_db_unref(before);
    auth_db_unref(after);
}

static void test_reload(void **state)
{
    struct reload rows[] = {
        { .user = "a", .pass = "p", .want = AUTH_KEEP,
          .before = { .users = { USER_A("p", "A") } }, .after = { .users = { USER_A("p", "A") } } },
        { .user = "a", .pass = "p", .want = AUTH_REVOKED,
          .before = { .users = { USER_A("p", "A") } }, .after = { .users = { USER_A("q", "A") } } },
        { .user = "a", .pass = "p", .want = AUTH_MOVED,
          .before = { .users = { USER_A("p", "A") } }, .after = { .users = { USER_A("p", "B") } } },
        { .user = "a", .pass = "p", .want = AUTH_MOVED, .before = { .users = { USER_A("p", "A") } },
          .after = { .users = { { .name = TEXT("z") } } } },
        { .user = "a", .pass = "p", .want = AUTH_MOVED, .before = { .users = { USER_A("p", "A") } },
          .after = { .token = NULL } },
        /* The stored form changed, the password did not. */
        { .user = "a", .pass = "secret", .want = AUTH_KEEP, .bcrypt = true,
          .before = { .users = { USER_A("secret", "A") } },
          .after = { .users = { USER_A(HASH_SECRET, "A") } } },
        { .user = "a", .pass = "secret", .want = AUTH_KEEP,
          .before = { .users = { USER_A(HASH_SECRET, "A") } },
          .after = { .users = { USER_A("secret", "A") } } },
        { .user = "a", .pass = "secret", .want = AUTH_KEEP,         /* unchanged: no bcrypt */
          .before = { .users = { USER_A(HASH_SECRET, "A") } },
          .after = { .users = { USER_A(HASH_SECRET, "A") } } },
        { .user = "a", .pass = "other", .want = AUTH_REVOKED, .bcrypt = true,
          .before = { .users = { USER_A("other", "A") } },
          .after = { .users = { USER_A(HASH_SECRET, "A") } } },
        { .token = "t", .want = AUTH_KEEP, .before = { .token = "t" }, .after = { .token = "t" } },
        { .token = "t", .want = AUTH_REVOKED, .before = { .token = "t" },
          .after = { .token = "u" } },
        { .token = "t", .want = AUTH_KEEP, .before = { .token = NULL }, .after = { .token = "t" } },
        { .want = AUTH_REVOKED, .before = { .token = NULL }, .after = { .token = "t" } },
        { .want = AUTH_KEEP, .before = { .token = NULL }, .after = { .token = NULL } },
        { .user = "u", .pass = "p", .want = AUTH_KEEP, .before = { .username = "u",
          .password = "p" }, .after = { .username = "u", .password = "p" } },
        { .user = "u", .pass = "p", .want = AUTH_MOVED, .before = { .username = "u",
          .password = "p" }, .after = { .username = "u", .password = "q" } },
        { .user = "u", .pass = "p", .want = AUTH_MOVED, .before = { .username = "u",
          .password = "p" }, .after = { .token = NULL } },
        { .user = "u", .pass = "p", .want = AUTH_MOVED, .before = { .token = NULL },
          .after = { .username = "u", .password = "p" } },
        { .user = "u", .pass = "p", .want = AUTH_KEEP, .before = { .token = NULL },
          .after = { .token = NULL } },
        { .user = "u", .pass = "p", .want = AUTH_MOVED, .before = { .username = "u",
          .password = "p" }, .after = { .username = "v", .password = "p" } },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) check_reload(&rows[i], i);
}

static void test_reload_of_nkeys_and_defaults(void **state)
{
    struct reload rows[] = {
        { .nkey = NKEY, .sig = SIG, .want = AUTH_KEEP,
          .before = { .users = { { .nkey = TEXT(NKEY) } } },
          .after = { .users = { { .nkey = TEXT(NKEY) } } } },
        { .nkey = NKEY, .sig = SIG, .want = AUTH_MOVED,
          .before = { .users = { { .nkey = TEXT(NKEY) } } },
          .after = { .users = { USER_A("p", "A") } } },
        { .nkey = NKEY, .want = AUTH_REVOKED,           /* was let in without a signature */
          .before = { .no_auth_user = NKEY, .users = { { .nkey = TEXT(NKEY) } } },
          .after = { .users = { { .nkey = TEXT(NKEY) } } } },
        { .want = AUTH_KEEP, .before = { .no_auth_user = "a", .users = { USER_A("p", "A") } },
          .after = { .users = { USER_A("p", "A") } } },
        { .want = AUTH_REVOKED, .before = { .no_auth_user = "a", .users = { USER_A("p", "A") } },
          .after = { .no_auth_user = "a", .users = { USER_A("q", "A") } } },
        { .want = AUTH_MOVED, .before = { .token = NULL },
          .after = { .no_auth_user = "a", .users = { USER_A("p", "A") } } },
        { .want = AUTH_KEEP, .before = { .accounts = { { .name = TEXT("$SYS") } } },
          .after = { .accounts = { { .name = TEXT("$SYS") } } } },
        { .user = "a", .pass = "p", .want = AUTH_REVOKED,
          .before = { .users = { USER_A("p", "A") } },
          .after = { .users = { { .name = TEXT("a"), .password = TEXT("p"), .account = TEXT("A"),
                                  .connection_types = CONNECTION_WEBSOCKET } } } },
        { .user = "a", .pass = "p", .want = AUTH_REVOKED,
          .before = { .users = { USER_A("p", "A") } },
          .after = { .tls_map = true, .users = { USER_A("p", "A") } } },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) check_reload(&rows[i], i);
}

static void test_reload_changes_permissions(void **state)
{
    struct permission_options limits = { .has_responses = true };
    struct setup before = { .users = { USER_A("p", "A") } }, after = before;
    struct auth_request q = { .user = SPAN_LIT("a"), .pass = SPAN_LIT("p"),
                              .connection = CONNECTION_STANDARD };
    struct auth_db *db = build(&before, AUTH_CLIENT), *now;
    struct auth_result first, second;

    (void)state;
    assert_int_equal(auth_begin(db, &q, &first), AUTH_OK);
    assert_null(first.perms);
    after.users[0].permissions = &limits;
    now = build(&after, AUTH_CLIENT);
    assert_int_equal(auth_recheck(now, first.identity, CONNECTION_STANDARD, "A", &second),
                     AUTH_KEEP);
    auth_db_unref(now);
    assert_false(perms_allow(second.perms, PERMS_PUBLISH, SPAN_LIT("x"), SPAN_NONE));
    auth_result_fini(&first);
    auth_result_fini(&second);
    auth_db_unref(db);
}

/* The certificate of a live connection is not looked at again. */
static void test_reload_of_mapped_user(void **state)
{
    static const char *const email[] = { "me@x" };
    static const struct auth_certificate cert = { .emails = email, .email_count = 1 };
    struct setup before = { .tls_map = true, .users = { { .name = TEXT("me@x") } } };
    struct setup gone = { .tls_map = true, .users = { { .name = TEXT("other@x") } } };
    struct auth_request q = { .certificate = &cert, .connection = CONNECTION_STANDARD };
    struct auth_db *db = build(&before, AUTH_CLIENT), *now = build(&gone, AUTH_CLIENT);
    struct auth_result first, second;

    (void)state;
    assert_int_equal(auth_begin(db, &q, &first), AUTH_OK);
    assert_int_equal(auth_recheck(db, first.identity, CONNECTION_STANDARD, "$G", &second),
                     AUTH_KEEP);
    auth_result_fini(&second);
    assert_int_equal(auth_recheck(now, first.identity, CONNECTION_STANDARD, "$G", &second),
                     AUTH_MOVED);
    auth_result_fini(&second);
    auth_result_fini(&first);
    auth_db_unref(db);
    auth_db_unref(now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_configured), cmocka_unit_test(test_single_user),
        cmocka_unit_test(test_token), cmocka_unit_test(test_users),
        cmocka_unit_test(test_no_auth_user), cmocka_unit_test(test_nkeys),
        cmocka_unit_test(test_only_system_account), cmocka_unit_test(test_websocket_override),
        cmocka_unit_test(test_certificates),
        cmocka_unit_test(test_certificate_user_without_certificate),
        cmocka_unit_test(test_bcrypt_limits), cmocka_unit_test(test_client_leaves_during_bcrypt),
        cmocka_unit_test(test_descriptions), cmocka_unit_test(test_plaintext_warning),
        cmocka_unit_test(test_reload),
        cmocka_unit_test(test_reload_of_nkeys_and_defaults),
        cmocka_unit_test(test_reload_changes_permissions),
        cmocka_unit_test(test_reload_of_mapped_user),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
