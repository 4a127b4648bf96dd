/* SPDX-License-Identifier: Apache-2.0 */
/* tls_names.c - the tables of TLS names. */
#include "config/tls_names.h"

static const char *const ciphers[] = {
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    /* insecure from here */
    "TLS_RSA_WITH_RC4_128_SHA",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
};

#define INSECURE_FROM 13

static const char *const curves[] = {
    "CurveP256", "CurveP384", "CurveP521", "X25519", "X25519MLKEM768", "SecP256r1MLKEM768",
    "SecP384r1MLKEM1024",
};

static size_t find(const char *const *names, size_t count, struct span name)
{
    size_t i = 0;

    while (i < count && !span_is(name, names[i])) i++;
    return i;
}

bool tls_cipher_is_known(struct span name)
{
    return find(ciphers, COUNT_OF(ciphers), name) < COUNT_OF(ciphers);
}

bool tls_cipher_is_insecure(struct span name)
{
    size_t i = find(ciphers, COUNT_OF(ciphers), name);

    return i >= INSECURE_FROM && i < COUNT_OF(ciphers);
}

bool tls_curve_is_known(struct span name)
{
    return find(curves, COUNT_OF(curves), name) < COUNT_OF(curves);
}

const char *tls_cipher_name(size_t index)
{
    return index < COUNT_OF(ciphers) ? ciphers[index] : NULL;
}

const char *tls_curve_name(size_t index)
{
    return index < COUNT_OF(curves) ? curves[index] : NULL;
}
