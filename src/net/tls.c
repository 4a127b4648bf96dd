/* SPDX-License-Identifier: Apache-2.0 */
/* tls.c - one connection's TLS, on the loop that owns the connection.
 *
 * OpenSSL frees its buffers whenever they are empty (RELEASE_BUFFERS), so that an idle connection
 * keeps only its state. Output is cut into records of 16 KiB, gathered from the queue's blocks:
 * one encryption and one system call for many messages. A record that the socket did not take
 * stays inside OpenSSL; its bytes are not counted as written and come again first. */
#include "net/tls.h"

#include <errno.h>
#include <openssl/err.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/mem.h"
#include "net/tls_priv.h"
#include "os/socket.h"

#define RECORD_BYTES 16384

/* ---- the socket below ---- */

static int bio_result(BIO *bio, struct tls_stream *s, ssize_t n, int retry)
{
    BIO_clear_retry_flags(bio);
    if (n > 0) return (int)n;
    if (n == -EAGAIN) {
        BIO_set_flags(bio, retry | BIO_FLAGS_SHOULD_RETRY);
        return -1;
    }
    s->io_error = (int)-n;
    s->eof = n == 0;
    return n == 0 ? 0 : -1;
}

static int bio_read(BIO *bio, char *p, int len)
{
    struct tls_stream *s = BIO_get_data(bio);

    return bio_result(bio, s, socket_read(s->fd, p, (size_t)len), BIO_FLAGS_READ);
}

static int bio_write(BIO *bio, const char *p, int len)
{
    struct tls_stream *s = BIO_get_data(bio);
    struct iovec iov = { (void *)(uintptr_t)p, (size_t)len };

    return bio_result(bio, s, socket_write(s->fd, &iov, 1), BIO_FLAGS_WRITE);
}

static long bio_control(BIO *bio, int command, long number, void *p)
{
    const struct tls_stream *s = BIO_get_data(bio);

    (void)number;
    (void)p;
    if (command == BIO_CTRL_EOF) return s->eof;
    return command == BIO_CTRL_FLUSH;
}

BIO_METHOD *tls_bio_method_new(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "myelin socket");

    if (m == NULL) return NULL;
    BIO_meth_set_read(m, bio_read);
    BIO_meth_set_write(m, bio_write);
    BIO_meth_set_ctrl(m, bio_control);
    return m;
}

struct tls_stream *tls_stream_new(struct tls_context *ctx, int fd)
{
    struct tls_stream *s = mem_zero(sizeof *s);
    BIO *bio = BIO_new(ctx->bio);

    s->ctx = tls_context_ref(ctx);
    s->fd = fd;
    s->ssl = SSL_new(ctx->ssl);
    assert(bio && s->ssl);              /* only out of memory */
    BIO_set_data(bio, s);
    BIO_set_init(bio, 1);
    SSL_set_bio(s->ssl, bio, bio);
    SSL_set_accept_state(s->ssl);
    return s;
}

void tls_stream_free(struct tls_stream **s)
{
    if (*s == NULL) return;
    SSL_free((*s)->ssl);
    tls_context_unref((*s)->ctx);
    mem_free((*s)->error);
    mem_free(*s);
    *s = NULL;
}

/* ---- handshake ---- */

/* Alerts in Go's words, where they differ from OpenSSL's. */
static const char *alert_text(int alert)
{
    switch (alert) {
    case SSL_AD_BAD_CERTIFICATE: return "bad certificate";
    case SSL_AD_UNSUPPORTED_CERTIFICATE: return "unsupported certificate";
    case SSL_AD_CERTIFICATE_REVOKED: return "revoked certificate";
    case SSL_AD_CERTIFICATE_EXPIRED: return "expired certificate";
    case SSL_AD_CERTIFICATE_UNKNOWN: return "unknown certificate";
    case SSL_AD_UNKNOWN_CA: return "unknown certificate authority";
    case SSL_AD_HANDSHAKE_FAILURE: return "handshake failure";
    case SSL_AD_PROTOCOL_VERSION: return "protocol version not supported";
    case SSL_AD_USER_CANCELLED: return "user canceled";
    default: return SSL_alert_desc_string_long(alert);
    }
}

static bool is_not_tls(int reason)
{
    return reason == SSL_R_HTTP_REQUEST || reason == SSL_R_HTTPS_PROXY_REQUEST ||
           reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_UNKNOWN_PROTOCOL ||
           reason == SSL_R_PACKET_LENGTH_TOO_LONG || reason == SSL_R_BAD_RECORD_TYPE;
}

static const char *verify_text(int code)
{
    switch (code) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        return "certificate signed by unknown authority";
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "certificate has expired or is not yet valid";
    case X509_V_ERR_INVALID_PURPOSE:
        return "certificate specifies an incompatible key usage";
    default:
        return X509_verify_cert_error_string(code);
    }
}

/* OpenSSL forgets the certificates of a peer that it does not trust: describe them here, with
 * digests, as nats-server does. */
int tls_on_verify(int ok, X509_STORE_CTX *at)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(at, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls_stream *s = BIO_get_data(SSL_get_rbio(ssl));
    STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(at);
    struct buf text = { 0 };

    if (ok || s->error) return ok;
    buf_printf(&text, "tls: failed to verify certificate: x509: %s",
               verify_text(X509_STORE_CTX_get_error(at)));
    for (int i = 0; i < sk_X509_num(sent); i++) {
        char *subject = tls_subject_text(sk_X509_value(sent, i)), digest[65];
        tls_digest_certificate(sk_X509_value(sent, i), digest);
        buf_printf(&text, "%s%s SHA-256: %s", i ? "; " : " (", subject, digest);
        mem_free(subject);
    }
    if (sk_X509_num(sent) > 0) buf_append_char(&text, ')');
    s->error = buf_take(&text);
    return 0;
}

static char *describe_failure(struct tls_stream *s)
{
    unsigned long code = ERR_peek_error();
    int reason = ERR_GET_REASON(code);
    bool first = SSL_get_state(s->ssl) == TLS_ST_BEFORE;

    if (s->io_error != 0) return mem_dup(strerror(s->io_error));
    if (code == 0) return mem_dup("EOF");
    if (reason > SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256)
        return mem_printf("remote error: tls: %s", alert_text(reason - SSL_AD_REASON_OFFSET));
    if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
        return mem_dup("tls: client didn't provide a certificate");
    if (reason == SSL_R_NO_SHARED_CIPHER)
        return mem_dup("tls: no cipher suite supported by both client and server");
    if (reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_VERSION_TOO_LOW)
        return mem_dup("tls: client offered only unsupported versions");
    if (first && is_not_tls(reason)) {
        s->probe = true;
        s->http = reason == SSL_R_HTTP_REQUEST;
        return mem_dup("tls: first record does not look like a TLS handshake");
    }
    return mem_printf("tls: %s", ERR_reason_error_string(code));
}

static enum status fail_handshake(struct tls_stream *s, enum status st, char *error)
{
    if (s->error)                       /* known already, and better */
        mem_free(error);
    else
        s->error = error;
    ERR_clear_error();
    return st;
}

static bool passes_pins(const struct tls_stream *s)
{
    const X509 *cert = SSL_get0_peer_certificate(s->ssl);
    char digest[65];

    if (s->ctx->pinned_count == 0) return true;
    if (cert == NULL) return false;
    tls_digest_spki(cert, digest);
    return tls_context_allows(s->ctx, digest);
}

enum status tls_stream_handshake(struct tls_stream *s)
{
    int n, code;

    ERR_clear_error();
    n = SSL_do_handshake(s->ssl);
    if (n == 1) {
        if (!passes_pins(s)) {
            SSL_shutdown(s->ssl);
            return fail_handshake(s, ST_DENIED, mem_dup("certificate not pinned"));
        }
        s->more = SSL_has_pending(s->ssl) == 1;     /* read together with the last flight */
        return ST_OK;
    }
    code = SSL_get_error(s->ssl, n);
    if (code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE) return ST_AGAIN;
    if (s->eof || code == SSL_ERROR_ZERO_RETURN)
        return fail_handshake(s, ST_CLOSED, mem_dup("EOF"));
    return fail_handshake(s, s->io_error ? ST_IO : ST_DENIED, describe_failure(s));
}

bool tls_stream_wants_write(const struct tls_stream *s)
{
    return !SSL_is_init_finished(s->ssl) && SSL_want_write(s->ssl);
}

const char *tls_stream_error(const struct tls_stream *s)
{
    return s->error ? s->error : "";
}

bool tls_stream_is_probe(const struct tls_stream *s)
{
    return s->probe;
}

bool tls_stream_is_http(const struct tls_stream *s)
{
    return s->http;
}

/* ---- bytes ---- */

ssize_t tls_stream_read(struct tls_stream *s, void *p, size_t len)
{
    size_t done = 0;
    int n = 0, code;

    ERR_clear_error();
    do {
        size_t room = len - done < INT32_MAX ? len - done : INT32_MAX;
        n = SSL_read(s->ssl, (char *)p + done, (int)room);
        if (n <= 0) break;
        done += (size_t)n;
    } while (done < len && SSL_has_pending(s->ssl));
    s->more = n > 0 && SSL_has_pending(s->ssl);
    if (n > 0) return (ssize_t)done;
    code = SSL_get_error(s->ssl, n);
    if (code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE)
        return done ? (ssize_t)done : -EAGAIN;
    s->more = true;                     /* the end comes with the next call if bytes came first */
    if (done) return (ssize_t)done;
    s->more = false;
    if (code == SSL_ERROR_ZERO_RETURN || s->eof) return 0;
    return s->io_error ? -s->io_error : -EIO;
}

/* Where the next record begins in the caller's pieces. */
struct cursor {
    const struct iovec *iov, *end;
    size_t offset;
};

static void cursor_skip(struct cursor *c, size_t n)
{
    c->offset += n;
    while (c->iov < c->end && c->offset >= c->iov->iov_len) c->offset -= (c->iov++)->iov_len;
}

/* Up to one record from c on, contiguous: in place if it is, else copied to scratch. */
static const char *next_record(const struct cursor *at, char *scratch, size_t *len)
{
    struct cursor c = *at;
    size_t first = c.iov->iov_len - c.offset;

    *len = first < RECORD_BYTES ? first : RECORD_BYTES;
    if (first >= RECORD_BYTES || c.iov + 1 == c.end)
        return (const char *)c.iov->iov_base + c.offset;
    *len = 0;
    while (c.iov < c.end && *len < RECORD_BYTES) {
        size_t n = c.iov->iov_len - c.offset;
        if (n > RECORD_BYTES - *len) n = RECORD_BYTES - *len;
        memcpy(scratch + *len, (const char *)c.iov->iov_base + c.offset, n);
        *len += n;
        cursor_skip(&c, n);
    }
    return scratch;
}

ssize_t tls_stream_write(struct tls_stream *s, const struct iovec *iov, int count)
{
    struct cursor c = { iov, iov + count, 0 };
    char scratch[RECORD_BYTES];
    size_t done = 0;

    ERR_clear_error();
    cursor_skip(&c, 0);
    while (c.iov < c.end) {
        size_t len;
        const char *p = next_record(&c, scratch, &len);
        int n = SSL_write(s->ssl, p, (int)len), code;
        if (n <= 0) {
            code = SSL_get_error(s->ssl, n);
            if (code == SSL_ERROR_WANT_WRITE || code == SSL_ERROR_WANT_READ)
                return done ? (ssize_t)done : -EAGAIN;
            return s->io_error ? -s->io_error : -EIO;
        }
        done += (size_t)n;
        cursor_skip(&c, (size_t)n);
    }
    return (ssize_t)done;
}

bool tls_stream_has_input(const struct tls_stream *s)
{
    return s->more;
}

void tls_stream_closing(struct tls_stream *s)
{
    ERR_clear_error();
    if (SSL_is_init_finished(s->ssl)) SSL_shutdown(s->ssl);
    ERR_clear_error();
}

const char *tls_stream_version(const struct tls_stream *s)
{
    return SSL_version(s->ssl) == TLS1_3_VERSION ? "1.3" : "1.2";
}

const char *tls_stream_cipher_suite(const struct tls_stream *s)
{
    const SSL_CIPHER *cipher = SSL_get_current_cipher(s->ssl);

    return cipher ? tls_cipher_go_name(SSL_CIPHER_get_protocol_id(cipher)) : "";
}

enum tls_sniff tls_looks_like_hello(int fd)
{
    unsigned char first;
    ssize_t n = socket_peek(fd, &first, 1);

    if (n == -EAGAIN) return TLS_SNIFF_NOTHING;
    return n == 1 && first == 0x16 ? TLS_SNIFF_HELLO : TLS_SNIFF_OTHER;
}

/* ---- as a transport ---- */

static ssize_t op_read(struct conn *c, void *p, size_t len)
{
    return tls_stream_read(c->transport_state, p, len);
}

static ssize_t op_write(struct conn *c, const struct iovec *iov, int count)
{
    return tls_stream_write(c->transport_state, iov, count);
}

static enum status op_handshake(struct conn *c)
{
    return tls_stream_handshake(c->transport_state);
}

static bool op_has_input(const struct conn *c)
{
    return tls_stream_has_input(c->transport_state);
}

static bool op_wants_write(const struct conn *c)
{
    return tls_stream_wants_write(c->transport_state);
}

static void op_closing(struct conn *c)
{
    tls_stream_closing(c->transport_state);
}

static void op_free(struct conn *c)
{
    struct tls_stream *s = c->transport_state;

    tls_stream_free(&s);
    c->transport_state = NULL;
}

const struct transport_ops transport_tls = {
    .read = op_read,
    .write = op_write,
    .handshake = op_handshake,
    .has_input = op_has_input,
    .wants_write = op_wants_write,
    .closing = op_closing,
    .free = op_free,
    .owner_only = true,
};
