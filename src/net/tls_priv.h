/* SPDX-License-Identifier: Apache-2.0 */
/* tls_priv.h - what the files of TLS share. Inside net/ only. */
#ifndef NET_TLS_PRIV_H
#define NET_TLS_PRIV_H

#include <openssl/ssl.h>
#include <stdatomic.h>

#include "net/tls.h"

struct tls_credential {
    X509 *leaf;
    EVP_PKEY *key;
    STACK_OF(X509) *chain;              /* what stands behind the leaf in its file */
};

struct tls_context {
    atomic_uint refs;
    SSL_CTX *ssl;
    BIO_METHOD *bio;                    /* sockets by os/ */
    struct tls_credential *credentials;
    size_t credential_count;
    char (*pinned)[65];
    size_t pinned_count;
};

struct tls_stream {
    struct tls_context *ctx;
    SSL *ssl;
    int fd;
    int io_error;                       /* errno of the last transfer that failed */
    bool eof;                           /* the socket's */
    bool more;                          /* another read gives something without any event */
    bool probe, http;                   /* the first bytes were no TLS; they were HTTP */
    char *error;
};

/* The socket as OpenSSL sees it. The caller owns it. */
BIO_METHOD *tls_bio_method_new(void);

/* OpenSSL's callback for each certificate of a chain: notes why it is not trusted. */
int tls_on_verify(int ok, X509_STORE_CTX *at);

/* Go's name of a cipher suite of the protocol, or "" if Go does not know it. Static. */
const char *tls_cipher_go_name(unsigned protocol_id);

/* Apply cipher suites and curve preferences of s to ctx. */
MUST_USE enum status tls_names_apply(SSL_CTX *ctx, const struct tls_settings *s,
                                     struct error *why);

/* Lower-case hex SHA-256 of the certificate or of its public key's info. */
void tls_digest_certificate(const X509 *cert, char out[65]);
void tls_digest_spki(const X509 *cert, char out[65]);

/* The subject as Go's pkix.Name writes it. The caller owns it. */
char *tls_subject_text(const X509 *cert);

#endif
