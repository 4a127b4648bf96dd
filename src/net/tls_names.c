/* SPDX-License-Identifier: Apache-2.0 */
/* tls_names.c - Go's names of cipher suites and curves, which configurations use, and OpenSSL's.
 *
 * Suites stand in Go's order of preference, which the order in a configuration does not change.
 * The suites of TLS 1.3 are always all on, as in Go. */
#include "base/buf.h"
#include "net/tls_priv.h"

struct suite {
    const char *name, *openssl;
    unsigned id;
    bool insecure;                      /* needs allow_insecure_cipher_suites */
};

static const struct suite suites[] = {
    { "TLS_AES_128_GCM_SHA256", "", 0x1301, false },
    { "TLS_AES_256_GCM_SHA384", "", 0x1302, false },
    { "TLS_CHACHA20_POLY1305_SHA256", "", 0x1303, false },
    { "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256", 0xc02b, false },
    { "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256", 0xc02f, false },
    { "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384", 0xc02c, false },
    { "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384", 0xc030, false },
    { "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305", 0xcca9,
      false },
    { "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305", 0xcca8,
      false },
    { "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA-AES128-SHA", 0xc009, false },
    { "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES128-SHA", 0xc013, false },
    { "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA-AES256-SHA", 0xc00a, false },
    { "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA-AES256-SHA", 0xc014, false },
    { "TLS_RSA_WITH_AES_128_GCM_SHA256", "AES128-GCM-SHA256", 0x009c, true },
    { "TLS_RSA_WITH_AES_256_GCM_SHA384", "AES256-GCM-SHA384", 0x009d, true },
    { "TLS_RSA_WITH_AES_128_CBC_SHA", "AES128-SHA", 0x002f, true },
    { "TLS_RSA_WITH_AES_256_CBC_SHA", "AES256-SHA", 0x0035, true },
    { "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", "ECDHE-RSA-DES-CBC3-SHA", 0xc012, true },
    { "TLS_RSA_WITH_3DES_EDE_CBC_SHA", "DES-CBC3-SHA", 0x000a, true },
    { "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", "ECDHE-ECDSA-AES128-SHA256", 0xc023, true },
    { "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "ECDHE-RSA-AES128-SHA256", 0xc027, true },
    { "TLS_RSA_WITH_AES_128_CBC_SHA256", "AES128-SHA256", 0x003c, true },
    { "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA", "ECDHE-ECDSA-RC4-SHA", 0xc007, true },
    { "TLS_ECDHE_RSA_WITH_RC4_128_SHA", "ECDHE-RSA-RC4-SHA", 0xc011, true },
    { "TLS_RSA_WITH_RC4_128_SHA", "RC4-SHA", 0x0005, true },
};

static const struct { const char *name, *openssl; } curves[] = {
    { "X25519MLKEM768", "X25519MLKEM768" },
    { "SecP384r1MLKEM1024", "SecP384r1MLKEM1024" },
    { "SecP256r1MLKEM768", "SecP256r1MLKEM768" },
    { "X25519", "X25519" },
    { "CurveP256", "P-256" },
    { "CurveP384", "P-384" },
    { "CurveP521", "P-521" },
};

const char *tls_cipher_go_name(unsigned protocol_id)
{
    for (size_t i = 0; i < COUNT_OF(suites); i++)
        if (suites[i].id == protocol_id) return suites[i].name;
    return "";
}

static const struct suite *find_suite(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(suites); i++)
        if (strcmp(suites[i].name, name) == 0) return &suites[i];
    return NULL;
}

static void append_name(struct buf *list, const char *separator, const char *name)
{
    if (list->len > 0) buf_append_text(list, separator);
    buf_append_text(list, name);
}

/* All names are known, and the insecure ones among them are allowed. */
static enum status check_suites(const struct tls_settings *s, struct error *why)
{
    struct buf insecure = { 0 };
    enum status st = ST_OK;

    for (size_t i = 0; i < s->cipher_suite_count && st == ST_OK; i++) {
        const struct suite *one = find_suite(s->cipher_suites[i]);
        if (one == NULL)
            st = error_set(why, ST_BAD_INPUT, "unrecognized cipher %s", s->cipher_suites[i]);
        else if (one->insecure)
            append_name(&insecure, ", ", one->name);
    }
    if (st == ST_OK && insecure.len > 0 && !s->allow_insecure_cipher_suites)
        st = error_set(why, ST_BAD_INPUT, "insecure cipher suites configured without "
                       "'allow_insecure_cipher_suites' option set: %s", buf_text(&insecure));
    buf_free(&insecure);
    return st;
}

static bool is_wanted(const struct tls_settings *s, const struct suite *suite)
{
    if (s->cipher_suite_count == 0) return !suite->insecure;
    for (size_t i = 0; i < s->cipher_suite_count; i++)
        if (strcmp(s->cipher_suites[i], suite->name) == 0) return true;
    return false;
}

static enum status apply_suites(SSL_CTX *ctx, const struct tls_settings *s, struct error *why)
{
    struct buf list = { 0 };
    enum status st = ST_OK;
    bool tls13 = false;

    for (size_t i = 0; i < COUNT_OF(suites); i++) {
        if (!is_wanted(s, &suites[i])) continue;
        tls13 |= suites[i].openssl[0] == '\0';
        if (suites[i].openssl[0]) append_name(&list, ":", suites[i].openssl);
    }
    if (list.len == 0 || SSL_CTX_set_cipher_list(ctx, buf_text(&list)) != 1) {
        if (tls13)                      /* nothing is left to do 1.2 with */
            SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
        else
            st = error_set(why, ST_UNSUPPORTED,
                           "none of the configured cipher suites is available");
    }
    SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                                  "TLS_CHACHA20_POLY1305_SHA256");
    buf_free(&list);
    return st;
}

static const char *find_curve(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(curves); i++)
        if (strcmp(curves[i].name, name) == 0) return curves[i].openssl;
    return NULL;
}

static enum status apply_curves(SSL_CTX *ctx, const struct tls_settings *s, struct error *why)
{
    static const char *const usual[] = {
        "X25519MLKEM768", "X25519", "CurveP256", "CurveP384", "CurveP521",
    };
    const char *const *names = s->curve_preference_count ? s->curve_preferences : usual;
    size_t count = s->curve_preference_count ? s->curve_preference_count : COUNT_OF(usual);
    struct buf list = { 0 };
    enum status st = ST_OK;

    for (size_t i = 0; i < count && st == ST_OK; i++) {
        const char *name = find_curve(names[i]);
        if (name == NULL)
            st = error_set(why, ST_BAD_INPUT, "unrecognized curve preference %s", names[i]);
        else if (SSL_CTX_set1_groups_list(ctx, name) == 1)      /* this OpenSSL has it */
            append_name(&list, ":", name);
    }
    if (st == ST_OK && (list.len == 0 || SSL_CTX_set1_groups_list(ctx, buf_text(&list)) != 1))
        st = error_set(why, ST_UNSUPPORTED, "none of the configured curve preferences is "
                       "available");
    buf_free(&list);
    return st;
}

enum status tls_names_apply(SSL_CTX *ctx, const struct tls_settings *s, struct error *why)
{
    enum status st = check_suites(s, why);

    if (st == ST_OK) st = apply_suites(ctx, s, why);
    if (st == ST_OK) st = apply_curves(ctx, s, why);
    return st;
}
