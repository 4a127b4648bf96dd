/* SPDX-License-Identifier: Apache-2.0 */
/* tls_test.h - certificates and a client for the tests of TLS. Only tests include this. */
#ifndef NET_TLS_TEST_H
#define NET_TLS_TEST_H

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/mem.h"

struct test_cert {
    X509 *x;
    EVP_PKEY *key;
    char *cert_file, *key_file;
};

static inline char *test_file(const char *dir, const char *name, const char *suffix)
{
    return mem_printf("%s/%s.%s", dir, name, suffix);
}

static inline void test_add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *e;

    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert(e != NULL);
    X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
}

/* A certificate called name with alternative names (or NULL) for key, which it takes over, signed
 * by ca or, when that is NULL, by itself as an authority; both written to dir. */
static inline struct test_cert test_cert_new(const char *dir, const char *name, const char *san,
                                             EVP_PKEY *key, const struct test_cert *ca)
{
    struct test_cert c = { X509_new(), key, test_file(dir, name, "pem"),
                           test_file(dir, name, "key") };
    X509 *issuer = ca ? ca->x : c.x;
    X509_NAME *subject = X509_get_subject_name(c.x);
    FILE *f;

    X509_set_version(c.x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(c.x), random());
    ASN1_TIME_set_string(X509_getm_notBefore(c.x), "20200101000000Z");
    ASN1_TIME_set_string(X509_getm_notAfter(c.x), "20491231235959Z");
    X509_set_pubkey(c.x, c.key);
    X509_NAME_add_entry_by_txt(subject, "C", MBSTRING_ASC, (const unsigned char *)"CH", -1, -1, 0);
    X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_ASC, (const unsigned char *)"A, Inc", -1,
                               -1, 0);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1,
                               0);
    X509_NAME_add_entry_by_txt(subject, "DC", MBSTRING_ASC, (const unsigned char *)"org", -1, -1,
                               0);
    X509_set_issuer_name(c.x, X509_get_subject_name(issuer));
    if (ca == NULL) test_add_extension(c.x, issuer, NID_basic_constraints, "critical,CA:TRUE");
    if (san) test_add_extension(c.x, issuer, NID_subject_alt_name, san);
    X509_sign(c.x, ca ? ca->key : c.key, EVP_sha256());
    f = fopen(c.cert_file, "w");
    PEM_write_X509(f, c.x);
    fclose(f);
    f = fopen(c.key_file, "w");
    PEM_write_PrivateKey(f, c.key, NULL, NULL, 0, NULL, NULL);
    fclose(f);
    return c;
}

static inline void test_cert_free(struct test_cert *c)
{
    X509_free(c->x);
    EVP_PKEY_free(c->key);
    unlink(c->cert_file);
    unlink(c->key_file);
    mem_free(c->cert_file);
    mem_free(c->key_file);
}

/* A non-blocking client over fd. cert: its own, or NULL. */
static inline SSL *test_client_new(int fd, const char *sni, const struct test_cert *cert)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl;

    if (cert) SSL_CTX_use_cert_and_key(ctx, cert->x, cert->key, NULL, 1);
    ssl = SSL_new(ctx);
    SSL_CTX_free(ctx);
    SSL_set_fd(ssl, fd);
    if (sni) SSL_set_tlsext_host_name(ssl, sni);
    SSL_set_connect_state(ssl);
    return ssl;
}

static inline void test_pair(int fds[2])
{
    int rc = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds);

    assert(rc == 0);
}

#endif
