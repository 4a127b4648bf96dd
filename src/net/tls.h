/* SPDX-License-Identifier: Apache-2.0 */
/* tls.h - TLS 1.2 and 1.3 on the server's side, by OpenSSL.
 *
 * A struct tls_context is what a listener's tls{} block means: immutable, atomically counted, used
 * by all loops; a reload builds a new one. A struct tls_stream is one connection's TLS; it belongs
 * to the loop that owns the connection. It works on a non-blocking socket that it doesn't own.
 * transport_tls is a stream as a connection's transport; the WebSocket transport uses streams. */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <sys/uio.h>

#include "base/status.h"
#include "net/conn.h"

struct tls_settings {                   /* borrowed by tls_context_new only */
    const char *const *cert_files, *const *key_files;   /* in step */
    size_t certificate_count;           /* at least 1 */
    const char *ca_file;                /* NULL: the system's, when verify is set */
    bool verify;                        /* clients must have a certificate (verify_and_map too) */
    int min_version;                    /* 0x0303, 0x0304, or 0: 1.2 */
    const char *const *cipher_suites;   /* Go's names; count 0: all secure ones. 1.3 has them all */
    size_t cipher_suite_count;
    bool allow_insecure_cipher_suites;
    const char *const *curve_preferences;       /* Go's names; count 0: X25519, then NIST's */
    size_t curve_preference_count;
    const char *const *pinned_certs;    /* lower-case hex SHA-256 of the SPKI; count 0: any */
    size_t pinned_cert_count;
};

struct tls_context;

/* Build a context and give the caller one reference in *out. Errors (files that can't be read or
 * don't fit together, unknown names) say why in nats-server's words. Names that nats-server knows
 * and OpenSSL doesn't are skipped, unless none is left (UNSUPPORTED). Reads files; blocks. */
MUST_USE enum status tls_context_new(const struct tls_settings *s, struct tls_context **out,
                                     struct error *why);
struct tls_context *tls_context_ref(struct tls_context *ctx);   /* returns ctx; any thread */
void tls_context_unref(struct tls_context *ctx);                /* NULL: nothing; any thread */

/* A server's session for a library that brings its own socket (libevent); asks for no client
 * certificate. The caller frees it with SSL_free, and keeps ctx until its handshake is over. */
struct ssl_st *tls_context_session(struct tls_context *ctx);

/* When the first certificate expires: seconds since 1970. For varz tls_cert_not_after. */
int64_t tls_context_not_after_s(const struct tls_context *ctx);

/* Whether a client with this SPKI digest would pass pinned_certs; for the check after a reload. */
bool tls_context_allows(const struct tls_context *ctx, const char spki_sha256[65]);

/* ---- one connection ---- */

struct tls_stream;

extern const struct transport_ops transport_tls;        /* transport_state: a struct tls_stream */

/* TLS on the socket fd, as the server. Holds a reference to ctx. */
struct tls_stream *tls_stream_new(struct tls_context *ctx, int fd);
void tls_stream_free(struct tls_stream **s);            /* *s may be NULL */

/* Results as transport_ops. The handshake ends with the check of pinned_certs. DENIED, CLOSED or
 * IO: it failed, tls_stream_error says why. */
MUST_USE enum status tls_stream_handshake(struct tls_stream *s);
ssize_t tls_stream_read(struct tls_stream *s, void *p, size_t len);
ssize_t tls_stream_write(struct tls_stream *s, const struct iovec *iov, int count);
bool tls_stream_has_input(const struct tls_stream *s);
bool tls_stream_wants_write(const struct tls_stream *s);        /* during the handshake */
void tls_stream_closing(struct tls_stream *s);          /* close_notify, if it fits the socket */

/* Why the handshake failed, in nats-server's words after "TLS handshake error: "; "" if it did
 * not. Valid as long as s. */
const char *tls_stream_error(const struct tls_stream *s);

/* The failure is a probe's: the first bytes were no TLS. nats-server logs that at debug level. */
bool tls_stream_is_probe(const struct tls_stream *s);
bool tls_stream_is_http(const struct tls_stream *s);    /* ...but the start of an HTTP request */

/* Negotiated, as connz spells it ("1.3", "TLS_AES_128_GCM_SHA256"). Static; after the handshake. */
const char *tls_stream_version(const struct tls_stream *s);
const char *tls_stream_cipher_suite(const struct tls_stream *s);

/* ---- the peer's certificates; after the handshake ---- */

struct tls_attribute {                  /* of the subject */
    unsigned rdn;                       /* relative name it stands in: 0, 1, ... */
    const char *oid;                    /* dotted: "2.5.4.3" */
    const char *value;                  /* UTF-8 */
};

/* Names in the peer's own certificate, in its order; names with a NUL in them are left out. */
struct tls_peer {
    const char **emails, **dns, **uris;
    size_t email_count, dns_count, uri_count;
    struct tls_attribute *subject;
    size_t subject_count;
};

/* NULL: it gave none. The caller owns it. O(certificate). */
struct tls_peer *tls_peer_new(const struct tls_stream *s);
void tls_peer_free(struct tls_peer **peer);             /* *peer may be NULL */

struct tls_peer_certificate {           /* for connz tls_peer_certs */
    char *subject;                      /* as Go's pkix.Name writes it */
    char spki_sha256[65], sha256[65];   /* lower-case hex */
};

/* All certificates the peer sent, its own first; returns how many (0: *out is NULL). The caller
 * owns them: tls_peer_certificates_free. O(certificates). */
size_t tls_peer_certificates(const struct tls_stream *s, struct tls_peer_certificate **out);
void tls_peer_certificates_free(struct tls_peer_certificate *certs, size_t count);

/* ---- before TLS ---- */

enum tls_sniff { TLS_SNIFF_NOTHING, TLS_SNIFF_HELLO, TLS_SNIFF_OTHER };

/* What the socket's first byte looks like, left unread. End of stream and errors are OTHER: a
 * plain read will find them. */
enum tls_sniff tls_looks_like_hello(int fd);

#endif
