/* SPDX-License-Identifier: Apache-2.0 */
/* tls_context.c - a listener's TLS settings: certificates, authorities, what is negotiable.
 *
 * Immutable after tls_context_new except for the count; OpenSSL locks what it keeps inside. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <time.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/mem.h"
#include "net/tls_priv.h"
#include "os/file.h"

#define FILE_BYTES_MAX (4u * 1024 * 1024)

/* ---- files ---- */

static enum status read_pem(const char *path, BIO **out, struct buf *text, struct error *why)
{
    enum status st = file_read(path, FILE_BYTES_MAX, text, why);

    *out = NULL;
    if (st != ST_OK) return st;
    *out = BIO_new_mem_buf(text->p ? text->p : "", (int)text->len);
    return *out ? ST_OK : error_set(why, ST_IO, "out of memory");
}

/* An encrypted key can't be used: nobody is there to be asked. */
static int no_password(char *p, int size, int writing, void *arg)
{
    (void)p;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

static enum status load_certificates(const char *path, struct tls_credential *c,
                                     struct error *why)
{
    struct buf text = { 0 };
    X509 *one;
    BIO *in;
    enum status st = read_pem(path, &in, &text, why);

    if (st == ST_OK) {
        c->leaf = PEM_read_bio_X509(in, NULL, no_password, NULL);
        c->chain = sk_X509_new_null();
        while (c->leaf && (one = PEM_read_bio_X509(in, NULL, no_password, NULL)) != NULL)
            sk_X509_push(c->chain, one);
        if (c->leaf == NULL)
            st = error_set(why, ST_BAD_INPUT,
                           "tls: failed to find any PEM data in certificate input");
    }
    BIO_free(in);
    buf_free(&text);
    return st;
}

static enum status load_key(const char *path, struct tls_credential *c, struct error *why)
{
    struct buf text = { 0 };
    BIO *in;
    enum status st = read_pem(path, &in, &text, why);

    if (st == ST_OK) {
        c->key = PEM_read_bio_PrivateKey(in, NULL, no_password, NULL);
        if (c->key == NULL)
            st = error_set(why, ST_BAD_INPUT, "tls: failed to find any PEM data in key input");
        else if (X509_check_private_key(c->leaf, c->key) != 1)
            st = error_set(why, ST_BAD_INPUT, "tls: private key does not match public key");
    }
    BIO_free(in);
    if (text.p) mem_wipe(text.p, text.cap);
    buf_free(&text);
    return st;
}

static enum status load_credentials(struct tls_context *ctx, const struct tls_settings *s,
                                    struct error *why)
{
    struct error detail;
    enum status st = ST_OK;

    ctx->credential_count = s->certificate_count;
    ctx->credentials = mem_zero(s->certificate_count * sizeof *ctx->credentials);
    for (size_t i = 0; i < s->certificate_count && st == ST_OK; i++) {
        struct tls_credential *c = &ctx->credentials[i];
        st = load_certificates(s->cert_files[i], c, &detail);
        if (st == ST_OK) st = load_key(s->key_files[i], c, &detail);
        if (st == ST_OK) continue;
        if (s->certificate_count == 1)
            error_set(why, st, "error parsing X509 certificate/key pair: %.400s", detail.text);
        else
            error_set(why, st, "error parsing X509 certificate/key pair %zu/%zu: %.400s", i + 1,
                      s->certificate_count, detail.text);
    }
    return st;
}

/* Every certificate of the file becomes an anchor, and clients are told its name. */
static enum status load_authorities(SSL_CTX *ssl, const char *path, struct error *why)
{
    struct buf text = { 0 };
    BIO *in;
    enum status st = read_pem(path, &in, &text, why);
    X509 *one;
    size_t count = 0;

    while (st == ST_OK && (one = PEM_read_bio_X509(in, NULL, no_password, NULL)) != NULL) {
        X509_STORE_add_cert(SSL_CTX_get_cert_store(ssl), one);
        SSL_CTX_add_client_CA(ssl, one);
        X509_free(one);
        count++;
    }
    if (st == ST_OK && count == 0)
        st = error_set(why, ST_BAD_INPUT, "failed to parse root ca certificate");
    BIO_free(in);
    buf_free(&text);
    ERR_clear_error();
    return st;
}

/* ---- choice of the certificate ---- */

static bool is_named(X509 *cert, const char *name)
{
    return X509_check_host(cert, name, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
                                          X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
}

/* As Go: the first certificate that has the name the client asks for (if it asks for any) and
 * that its signature algorithms allow, else the first of all. */
static int choose_certificate(SSL *ssl, void *arg)
{
    const struct tls_context *ctx = arg;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    const struct tls_credential *best = &ctx->credentials[0];

    for (size_t i = 0; i < ctx->credential_count; i++) {
        const struct tls_credential *c = &ctx->credentials[i];
        if (name && !is_named(c->leaf, name)) continue;
        if (!(SSL_check_chain(ssl, c->leaf, c->key, c->chain) & CERT_PKEY_SIGN)) continue;
        best = c;
        break;
    }
    ERR_clear_error();
    SSL_certs_clear(ssl);               /* OpenSSL keeps one for each type of key */
    return SSL_use_cert_and_key(ssl, best->leaf, best->key, best->chain, 1);
}

/* ---- settings ---- */

static void set_modes(SSL_CTX *ssl, const struct tls_settings *s)
{
    SSL_CTX_set_min_proto_version(ssl, s->min_version ? s->min_version : TLS1_2_VERSION);
    SSL_CTX_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                          SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                             SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                             SSL_OP_IGNORE_UNEXPECTED_EOF);     /* NATS needs no end mark */
    SSL_CTX_set_read_ahead(ssl, 1);     /* one system call per record or more, not two */
    SSL_CTX_set_security_level(ssl, 1); /* what Go accepts: RSA from 1024 bits */
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ssl, s->verify ? 0 : 1);
    /* A resumed session would skip the check of the client's certificate. */
    if (s->verify) SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET);
}

static enum status set_verify(SSL_CTX *ssl, const struct tls_settings *s, struct error *why)
{
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ssl);

    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
    if (s->verify)
        SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, tls_on_verify);
    if (s->ca_file) return load_authorities(ssl, s->ca_file, why);
    if (s->verify && SSL_CTX_set_default_verify_paths(ssl) != 1)
        return error_set(why, ST_IO, "failed to load system root ca certificates");
    return ST_OK;
}

static enum status use_credentials(struct tls_context *ctx, struct error *why)
{
    const struct tls_credential *first = &ctx->credentials[0];

    if (SSL_CTX_use_cert_and_key(ctx->ssl, first->leaf, first->key, first->chain, 1) != 1)
        return error_set(why, ST_BAD_INPUT, "error parsing certificate: %s",
                         ERR_reason_error_string(ERR_peek_last_error()));
    if (ctx->credential_count > 1) SSL_CTX_set_cert_cb(ctx->ssl, choose_certificate, ctx);
    return ST_OK;
}

enum status tls_context_new(const struct tls_settings *s, struct tls_context **out,
                            struct error *why)
{
    struct tls_context *ctx = mem_zero(sizeof *ctx);
    enum status st;

    assert(s->certificate_count > 0);
    atomic_store(&ctx->refs, 1);
    ctx->bio = tls_bio_method_new();
    ctx->ssl = SSL_CTX_new(TLS_server_method());
    assert(ctx->bio && ctx->ssl);       /* only out of memory */
    set_modes(ctx->ssl, s);
    st = load_credentials(ctx, s, why);
    if (st == ST_OK) st = use_credentials(ctx, why);
    if (st == ST_OK) st = set_verify(ctx->ssl, s, why);
    if (st == ST_OK) st = tls_names_apply(ctx->ssl, s, why);
    ctx->pinned = mem_zero((s->pinned_cert_count + 1) * sizeof *ctx->pinned);
    for (size_t i = 0; i < s->pinned_cert_count; i++) {
        assert(strlen(s->pinned_certs[i]) == 64);
        memcpy(ctx->pinned[i], s->pinned_certs[i], 65);
    }
    ctx->pinned_count = s->pinned_cert_count;
    ERR_clear_error();
    if (st != ST_OK) {
        tls_context_unref(ctx);
        ctx = NULL;
    }
    *out = ctx;
    return st;
}

struct tls_context *tls_context_ref(struct tls_context *ctx)
{
    atomic_fetch_add_explicit(&ctx->refs, 1, memory_order_relaxed);
    return ctx;
}

void tls_context_unref(struct tls_context *ctx)
{
    if (ctx == NULL || atomic_fetch_sub_explicit(&ctx->refs, 1, memory_order_acq_rel) != 1) return;
    for (size_t i = 0; i < ctx->credential_count; i++) {
        X509_free(ctx->credentials[i].leaf);
        EVP_PKEY_free(ctx->credentials[i].key);
        sk_X509_pop_free(ctx->credentials[i].chain, X509_free);
    }
    SSL_CTX_free(ctx->ssl);
    BIO_meth_free(ctx->bio);
    mem_free(ctx->credentials);
    mem_free(ctx->pinned);
    mem_free(ctx);
}

struct ssl_st *tls_context_session(struct tls_context *ctx)
{
    SSL *ssl = SSL_new(ctx->ssl);

    assert(ssl);                        /* only out of memory */
    SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
    SSL_set_read_ahead(ssl, 0);         /* libevent does not see what OpenSSL read in advance */
    SSL_set_accept_state(ssl);
    return ssl;
}

int64_t tls_context_not_after_s(const struct tls_context *ctx)
{
    struct tm tm;

    if (ASN1_TIME_to_tm(X509_get0_notAfter(ctx->credentials[0].leaf), &tm) != 1) return 0;
    return (int64_t)timegm(&tm);
}

bool tls_context_allows(const struct tls_context *ctx, const char spki_sha256[65])
{
    for (size_t i = 0; i < ctx->pinned_count; i++)
        if (memcmp(ctx->pinned[i], spki_sha256, 65) == 0) return true;
    return ctx->pinned_count == 0;
}
