/* SPDX-License-Identifier: Apache-2.0 */
/* tls_test.c - TLS against OpenSSL's client over socket pairs. */
#include "net/tls.h"

#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "net/tls_test.h"

struct fixture {
    char dir[32];
    struct test_cert ca, server, other, client, stranger;
};

struct link {                           /* a server's stream and its client */
    int fds[2];
    struct tls_stream *s;
    SSL *client;
    enum status st;                     /* of the server's handshake */
};

static int setup(void **state)
{
    struct fixture *f = mem_zero(sizeof *f);

    snprintf(f->dir, sizeof f->dir, "/tmp/tls_testXXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->ca = test_cert_new(f->dir, "ca", NULL, EVP_EC_gen("P-256"), NULL);
    f->server = test_cert_new(f->dir, "server", "DNS:a.example", EVP_EC_gen("P-256"), &f->ca);
    f->other = test_cert_new(f->dir, "other", "DNS:b.example,DNS:*.c.example", EVP_RSA_gen(2048),
                             &f->ca);
    f->client = test_cert_new(f->dir, "client",
                              "email:me@x.org,DNS:one,DNS:two,URI:urn:x:y,email:b@x.org",
                              EVP_EC_gen("P-256"), &f->ca);
    f->stranger = test_cert_new(f->dir, "stranger", NULL, EVP_EC_gen("P-256"), NULL);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    test_cert_free(&f->ca);
    test_cert_free(&f->server);
    test_cert_free(&f->other);
    test_cert_free(&f->client);
    test_cert_free(&f->stranger);
    assert_int_equal(rmdir(f->dir), 0);
    mem_free(f);
    return 0;
}

static struct tls_context *context_new(const struct fixture *f, struct tls_settings s)
{
    const char *certs[] = { f->server.cert_file, f->other.cert_file };
    const char *keys[] = { f->server.key_file, f->other.key_file };
    struct tls_context *ctx;
    struct error why = { "" };

    s.cert_files = certs;
    s.key_files = keys;
    if (s.certificate_count == 0) s.certificate_count = 1;
    if (tls_context_new(&s, &ctx, &why) != ST_OK) fail_msg("%s", why.text);
    return ctx;
}

/* Both sides advance in turn; nobody waits, so it ends when neither can move any more. */
static void shake(struct link *k)
{
    int n = 0;

    k->st = ST_AGAIN;
    for (int i = 0; i < 50 && (k->st == ST_AGAIN || n != 1); i++) {
        if (n != 1) n = SSL_do_handshake(k->client);
        if (k->st == ST_AGAIN) k->st = tls_stream_handshake(k->s);
        if (k->st != ST_AGAIN && k->st != ST_OK) break;
    }
    ERR_clear_error();
}

static void link_open(struct link *k, struct tls_context *ctx, const char *sni,
                      const struct test_cert *cert)
{
    test_pair(k->fds);
    k->s = tls_stream_new(ctx, k->fds[0]);
    k->client = test_client_new(k->fds[1], sni, cert);
}

static void link_close(struct link *k)
{
    tls_stream_free(&k->s);
    SSL_free(k->client);
    close(k->fds[0]);
    close(k->fds[1]);
}

static void test_transfer(void **state)
{
    struct tls_context *ctx = context_new(*state, (struct tls_settings){ 0 });
    struct link k;
    char in[64];

    link_open(&k, ctx, NULL, NULL);
    shake(&k);
    assert_int_equal(k.st, ST_OK);
    assert_string_equal(tls_stream_error(k.s), "");
    assert_string_equal(tls_stream_version(k.s), "1.3");
    assert_string_equal(tls_stream_cipher_suite(k.s), "TLS_AES_128_GCM_SHA256");
    assert_int_equal(tls_stream_read(k.s, in, sizeof in), -EAGAIN);
    assert_int_equal(SSL_write(k.client, "PING\r\n", 6), 6);
    assert_int_equal(SSL_write(k.client, "PONG\r\n", 6), 6);
    assert_int_equal(tls_stream_read(k.s, in, 4), 4);
    assert_true(tls_stream_has_input(k.s));
    assert_int_equal(tls_stream_read(k.s, in, sizeof in), 8);
    assert_memory_equal(in, "\r\nPONG\r\n", 8);
    assert_false(tls_stream_has_input(k.s));
    tls_stream_closing(k.s);
    assert_int_equal(SSL_read(k.client, in, sizeof in), 0);
    assert_int_equal(SSL_get_error(k.client, 0), SSL_ERROR_ZERO_RETURN);
    SSL_shutdown(k.client);
    assert_int_equal(tls_stream_read(k.s, in, sizeof in), 0);
    link_close(&k);
    tls_context_unref(ctx);
}

/* Take what the client can read and compare it with the pattern that starts at *at. */
static void drain(SSL *client, size_t *at)
{
    unsigned char in[5000];
    int n;

    while ((n = SSL_read(client, in, sizeof in)) > 0)
        for (int i = 0; i < n; i++, (*at)++)
            if (in[i] != (unsigned char)(*at * 31 >> 3)) fail_msg("byte %zu differs", *at);
}

/* Pieces of all sizes into a socket that is full most of the time. */
static void test_blocked_writes(void **state)
{
    struct tls_context *ctx = context_new(*state, (struct tls_settings){ 0 });
    static const size_t sizes[] = { 1, 0, 16383, 16384, 16385, 40000, 7, 100000, 3 };
    size_t total = 0, sent = 0, got = 0, blocked = 0;
    struct link k;
    char *bytes;
    int small = 4096;

    for (size_t i = 0; i < COUNT_OF(sizes); i++) total += sizes[i];
    bytes = mem_alloc(total);
    for (size_t i = 0; i < total; i++) bytes[i] = (char)(i * 31 >> 3);
    link_open(&k, ctx, NULL, NULL);
    setsockopt(k.fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    shake(&k);
    assert_int_equal(k.st, ST_OK);
    while (sent < total) {
        struct iovec iov[COUNT_OF(sizes)];
        size_t at = 0;
        int count = 0;
        ssize_t n;
        for (size_t i = 0; i < COUNT_OF(sizes); at += sizes[i++])
            if (at + sizes[i] > sent) {
                size_t skip = sent > at ? sent - at : 0;
                iov[count++] = (struct iovec){ bytes + at + skip, sizes[i] - skip };
            }
        n = tls_stream_write(k.s, iov, count);
        assert_true(n > 0 || n == -EAGAIN);
        if (n > 0) sent += (size_t)n;
        if (sent < total) {
            blocked++;
            drain(k.client, &got);
        }
    }
    drain(k.client, &got);
    assert_int_equal(got, total);
    assert_true(blocked > 5);
    link_close(&k);
    mem_free(bytes);
    tls_context_unref(ctx);
}

static void test_server_names(void **state)
{
    static const struct { const char *sni, *cn, *algorithms; } rows[] = {
        { NULL, "server", NULL }, { "a.example", "server", NULL }, { "b.example", "other", NULL },
        { "x.c.example", "other", NULL }, { "x.y.c.example", "server", NULL },
        { "none.example", "server", NULL }, { "B.Example", "other", NULL },
        /* "other" has an RSA key, "server" an elliptic one */
        { NULL, "other", "RSA-PSS+SHA256" }, { "a.example", NULL, "RSA-PSS+SHA256" },
        { NULL, "server", "ECDSA+SHA256" }, { "b.example", "server", "ECDSA+SHA256" },
    };
    struct tls_context *ctx = context_new(*state, (struct tls_settings){ .certificate_count = 2 });

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct link k;
        char cn[32] = "";
        link_open(&k, ctx, rows[i].sni, NULL);
        if (rows[i].algorithms) SSL_set1_sigalgs_list(k.client, rows[i].algorithms);
        shake(&k);
        if ((k.st == ST_OK) != (rows[i].cn != NULL))
            fail_msg("row %zu: %s", i, tls_stream_error(k.s));
        if (rows[i].cn == NULL) {
            link_close(&k);
            continue;
        }
        X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(k.client)),
                                  NID_commonName, cn, sizeof cn);
        if (strcmp(cn, rows[i].cn) != 0) fail_msg("row %zu: %s", i, cn);
        link_close(&k);
    }
    tls_context_unref(ctx);
}

static void test_client_certificates(void **state)
{
    const struct fixture *f = *state;
    struct tls_context *ctx = context_new(f, (struct tls_settings){
        .ca_file = f->ca.cert_file, .verify = true });
    const struct { const struct test_cert *cert; const char *error; } rows[] = {
        { &f->client, "" }, { NULL, "tls: client didn't provide a certificate" },
        { &f->stranger, "tls: failed to verify certificate: x509: certificate signed by unknown "
                        "authority (" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct link k;
        const char *error;
        link_open(&k, ctx, NULL, rows[i].cert);
        shake(&k);
        error = tls_stream_error(k.s);
        if (strncmp(error, rows[i].error, strlen(rows[i].error)) != 0)
            fail_msg("row %zu: %s", i, error);
        assert_int_equal(k.st, rows[i].error[0] ? ST_DENIED : ST_OK);
        assert_false(tls_stream_is_probe(k.s));
        link_close(&k);
    }
    tls_context_unref(ctx);
}

static void test_peer(void **state)
{
    const struct fixture *f = *state;
    struct tls_context *ctx = context_new(f, (struct tls_settings){
        .ca_file = f->ca.cert_file, .verify = true });
    struct tls_peer_certificate *certs;
    struct tls_peer *peer;
    struct link k;

    link_open(&k, ctx, NULL, &f->client);
    shake(&k);
    assert_int_equal(k.st, ST_OK);
    peer = tls_peer_new(k.s);
    assert_int_equal(peer->email_count, 2);
    assert_string_equal(peer->emails[1], "b@x.org");
    assert_int_equal(peer->dns_count, 2);
    assert_string_equal(peer->dns[0], "one");
    assert_int_equal(peer->uri_count, 1);
    assert_string_equal(peer->uris[0], "urn:x:y");
    assert_int_equal(peer->subject_count, 4);
    assert_string_equal(peer->subject[0].oid, "2.5.4.6");
    assert_string_equal(peer->subject[2].value, "client");
    assert_int_equal(peer->subject[2].rdn, 2);
    tls_peer_free(&peer);
    assert_null(peer);
    assert_int_equal(tls_peer_certificates(k.s, &certs), 1);
    assert_string_equal(certs[0].subject,
                        "CN=client,O=A\\, Inc,C=CH,0.9.2342.19200300.100.1.25=#13036f7267");
    assert_int_equal(strlen(certs[0].sha256), 64);
    assert_string_not_equal(certs[0].sha256, certs[0].spki_sha256);
    tls_peer_certificates_free(certs, 1);
    link_close(&k);
    tls_context_unref(ctx);
}

static void test_pinned(void **state)
{
    const struct fixture *f = *state;
    char digest[65] = "";
    const char *pins[] = { digest };

    for (int good = 0; good < 2; good++) {
        struct tls_peer_certificate *certs;
        struct tls_context *ctx;
        struct link k;
        if (digest[0] == '\0') memset(digest, 'a', 64);
        ctx = context_new(f, (struct tls_settings){ .ca_file = f->ca.cert_file, .verify = true,
                                                    .pinned_certs = pins,
                                                    .pinned_cert_count = 1 });
        link_open(&k, ctx, NULL, &f->client);
        shake(&k);
        assert_int_equal(k.st, good ? ST_OK : ST_DENIED);
        assert_string_equal(tls_stream_error(k.s), good ? "" : "certificate not pinned");
        assert_int_equal(tls_peer_certificates(k.s, &certs), 1);
        memcpy(digest, certs[0].spki_sha256, 65);
        assert_int_equal(tls_context_allows(ctx, digest), good);
        tls_peer_certificates_free(certs, 1);
        link_close(&k);
        tls_context_unref(ctx);
    }
}

static void test_negotiation(void **state)
{
    static const char *const cbc[] = { "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA" };
    static const char *const only13[] = { "TLS_AES_128_GCM_SHA256" };
    static const char *const p384[] = { "X25519MLKEM768", "CurveP384" };
    const struct { struct tls_settings s; int client_max; const char *version, *suite, *error; }
    rows[] = {
        { { 0 }, TLS1_2_VERSION, "1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "" },
        { { .cipher_suites = cbc, .cipher_suite_count = 1 }, TLS1_2_VERSION, "1.2", cbc[0], "" },
        { { .cipher_suites = cbc, .cipher_suite_count = 1 }, 0, "1.3", only13[0], "" },
        { { .curve_preferences = p384, .curve_preference_count = 2 }, 0, "1.3", only13[0], "" },
        { { .min_version = TLS1_3_VERSION }, TLS1_2_VERSION, NULL, NULL,
          "tls: client offered only unsupported versions" },
        { { .cipher_suites = only13, .cipher_suite_count = 1 }, TLS1_2_VERSION, NULL, NULL,
          "tls: client offered only unsupported versions" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct tls_context *ctx = context_new(*state, rows[i].s);
        struct link k;
        link_open(&k, ctx, NULL, NULL);
        if (rows[i].client_max) SSL_set_max_proto_version(k.client, rows[i].client_max);
        shake(&k);
        if (strcmp(tls_stream_error(k.s), rows[i].error) != 0)
            fail_msg("row %zu: %s", i, tls_stream_error(k.s));
        if (rows[i].version) {
            assert_string_equal(tls_stream_version(k.s), rows[i].version);
            assert_string_equal(tls_stream_cipher_suite(k.s), rows[i].suite);
        }
        link_close(&k);
        tls_context_unref(ctx);
    }
}

static void test_settings_errors(void **state)
{
    const struct fixture *f = *state;
    static const char *const bad[] = { "NOPE" }, *const rsa[] = { "TLS_RSA_WITH_AES_128_CBC_SHA" };
    static const char *const rc4[] = { "TLS_RSA_WITH_RC4_128_SHA" };
    const char *files[] = { f->server.cert_file }, *keys[] = { f->server.key_file };
    const char *missing[] = { "/nonexistent.pem" }, *wrong[] = { f->other.key_file };
    const struct { struct tls_settings s; const char *error; } rows[] = {
        { { .cert_files = missing }, "error parsing X509 certificate/key pair: open "
                                     "/nonexistent.pem: no such file or directory" },
        { { .cert_files = keys }, "error parsing X509 certificate/key pair: tls: failed to find "
                                  "any PEM data in certificate input" },
        { { .key_files = files }, "error parsing X509 certificate/key pair: tls: failed to find "
                                  "any PEM data in key input" },
        { { .key_files = wrong }, "error parsing X509 certificate/key pair: tls: private key does "
                                  "not match public key" },
        { { .ca_file = f->server.key_file }, "failed to parse root ca certificate" },
        { { .cipher_suites = bad, .cipher_suite_count = 1 }, "unrecognized cipher NOPE" },
        { { .cipher_suites = rsa, .cipher_suite_count = 1 },
          "insecure cipher suites configured without 'allow_insecure_cipher_suites' option set: "
          "TLS_RSA_WITH_AES_128_CBC_SHA" },
        { { .cipher_suites = rc4, .cipher_suite_count = 1, .allow_insecure_cipher_suites = true },
          "none of the configured cipher suites is available" },
        { { .curve_preferences = bad, .curve_preference_count = 1 },
          "unrecognized curve preference NOPE" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct tls_settings s = rows[i].s;
        struct tls_context *ctx;
        struct error why = { "" };
        s.certificate_count = 1;
        if (s.cert_files == NULL) s.cert_files = files;
        if (s.key_files == NULL) s.key_files = keys;
        assert_int_not_equal(tls_context_new(&s, &ctx, &why), ST_OK);
        assert_null(ctx);
        if (strcmp(why.text, rows[i].error) != 0) fail_msg("row %zu: %s", i, why.text);
    }
}

static void test_no_tls(void **state)
{
    struct tls_context *ctx = context_new(*state, (struct tls_settings){ 0 });
    static const struct { const char *bytes, *error; bool probe; } rows[] = {
        { "GET / HTTP/1.1\r\n\r\n", "tls: first record does not look like a TLS handshake", true },
        { "CONNECT {}\r\nPING\r\n", "tls: first record does not look like a TLS handshake", true },
        { "\x16\x03\x01\x00\x04zzzz", NULL, false },
        { "", "EOF", false },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        size_t len = strlen(rows[i].bytes);
        struct link k;
        if (rows[i].bytes[0] == 0x16) len = 9;
        link_open(&k, ctx, NULL, NULL);
        assert_int_equal(tls_stream_handshake(k.s), ST_AGAIN);
        assert_int_equal(send(k.fds[1], rows[i].bytes, len, 0), len);
        shutdown(k.fds[1], SHUT_WR);
        assert_true(tls_stream_handshake(k.s) > ST_AGAIN);
        if (rows[i].error && strcmp(tls_stream_error(k.s), rows[i].error) != 0)
            fail_msg("row %zu: %s", i, tls_stream_error(k.s));
        assert_true(tls_stream_error(k.s)[0] != '\0');
        assert_int_equal(tls_stream_is_probe(k.s), rows[i].probe);
        link_close(&k);
    }
    tls_context_unref(ctx);
}

static void test_sniff(void **state)
{
    static const struct { const char *bytes; enum tls_sniff sniff; } rows[] = {
        { "\x16\x03", TLS_SNIFF_HELLO }, { "C", TLS_SNIFF_OTHER },
    };
    char in[4];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int fds[2];
        test_pair(fds);
        assert_int_equal(tls_looks_like_hello(fds[0]), TLS_SNIFF_NOTHING);
        assert_true(send(fds[1], rows[i].bytes, strlen(rows[i].bytes), 0) > 0);
        assert_int_equal(tls_looks_like_hello(fds[0]), rows[i].sniff);
        assert_int_equal(recv(fds[0], in, sizeof in, 0), strlen(rows[i].bytes));
        close(fds[1]);
        assert_int_equal(tls_looks_like_hello(fds[0]), TLS_SNIFF_OTHER);
        close(fds[0]);
    }
}

static void test_not_after(void **state)
{
    struct tls_context *ctx = context_new(*state, (struct tls_settings){ 0 });

    assert_int_equal(tls_context_not_after_s(ctx), 2524607999);
    tls_context_unref(ctx);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
/* What a connection keeps while it says nothing. */
static void test_idle_bytes(void **state)
{
    enum { COUNT = 64, BYTES_MAX = 16 * 1024 };
    struct tls_context *ctx = context_new(*state, (struct tls_settings){ 0 });
    struct link k[COUNT + 1];
    size_t with, without;
    char in[16];

    for (size_t i = 0; i <= COUNT; i++) {
        link_open(&k[i], ctx, NULL, NULL);
        shake(&k[i]);
        assert_int_equal(k[i].st, ST_OK);
        assert_int_equal(SSL_write(k[i].client, "PING\r\n", 6), 6);
        assert_int_equal(tls_stream_read(k[i].s, in, sizeof in), 6);
        assert_int_equal(tls_stream_write(k[i].s, &(struct iovec){ in, 6 }, 1), 6);
        assert_int_equal(SSL_read(k[i].client, in, sizeof in), 6);
    }
    with = mallinfo2().uordblks;
    for (size_t i = 0; i < COUNT; i++) tls_stream_free(&k[i].s);
    without = mallinfo2().uordblks;
    print_message("%zu bytes per idle stream\n", (with - without) / COUNT);
    assert_true((with - without) / COUNT < BYTES_MAX);
    for (size_t i = 0; i <= COUNT; i++) link_close(&k[i]);
    tls_context_unref(ctx);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transfer),
        cmocka_unit_test(test_blocked_writes),
        cmocka_unit_test(test_server_names),
        cmocka_unit_test(test_client_certificates),
        cmocka_unit_test(test_peer),
        cmocka_unit_test(test_pinned),
        cmocka_unit_test(test_negotiation),
        cmocka_unit_test(test_settings_errors),
        cmocka_unit_test(test_no_tls),
        cmocka_unit_test(test_sniff),
        cmocka_unit_test(test_not_after),
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        cmocka_unit_test(test_idle_bytes),
#endif
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
