/* SPDX-License-Identifier: Apache-2.0 */
/* core_transports.c - TLS contexts and WebSocket rules of a configuration. */
#include "base/mem.h"
#include "core/core_priv.h"
#include "net/websocket_transport.h"

#define STRINGS(list) ((const char *const *)(list).items)

static enum status make_tls(const struct tls_options *t, struct tls_context **out,
                            struct error *why)
{
    const char **certs = mem_zero((t->certificate_count + 1) * sizeof *certs);
    const char **keys = mem_zero((t->certificate_count + 1) * sizeof *keys);
    struct tls_settings s = {
        .cert_files = certs, .key_files = keys, .certificate_count = t->certificate_count,
        .ca_file = t->ca_file, .verify = t->verify || t->verify_and_map,
        .min_version = t->min_version, .cipher_suites = STRINGS(t->cipher_suites),
        .cipher_suite_count = t->cipher_suites.count,
        .allow_insecure_cipher_suites = t->allow_insecure_cipher_suites,
        .curve_preferences = STRINGS(t->curve_preferences),
        .curve_preference_count = t->curve_preferences.count,
        .pinned_certs = STRINGS(t->pinned_certs), .pinned_cert_count = t->pinned_certs.count,
    };
    enum status st;

    for (size_t i = 0; i < t->certificate_count; i++) {
        certs[i] = t->certificates[i].cert_file;
        keys[i] = t->certificates[i].key_file;
    }
    st = tls_context_new(&s, out, why);
    mem_free(certs);
    mem_free(keys);
    return st;
}

static enum status make_websocket(struct core_config *c, struct error *why)
{
    const struct websocket_options *w = &c->options->websocket;
    struct websocket_settings s = {
        .same_origin = w->same_origin, .allowed_origins = STRINGS(w->allowed_origins),
        .allowed_origin_count = w->allowed_origins.count, .compression = w->compression,
        .header_names = STRINGS(w->header_names), .header_values = STRINGS(w->header_values),
        .header_count = w->header_names.count, .jwt_cookie = w->jwt_cookie,
        .user_cookie = w->user_cookie, .pass_cookie = w->pass_cookie,
        .token_cookie = w->token_cookie,
    };
    enum status st = ST_OK;

    if (!w->enabled) return ST_OK;
    if (w->tls && !w->no_tls) st = make_tls(w->tls, &c->tls[CORE_LISTENER_WEBSOCKET], why);
    if (st != ST_OK) return st;
    return websocket_context_new(&s, c->tls[CORE_LISTENER_WEBSOCKET], &c->websocket, why);
}

enum status core_config_make_transports(struct core_config *c, struct error *why)
{
    enum status st = ST_OK;

    if (c->options->tls) st = make_tls(c->options->tls, &c->tls[CORE_LISTENER_CLIENT], why);
    return st == ST_OK ? make_websocket(c, why) : st;
}

void core_config_free_transports(struct core_config *c)
{
    websocket_context_unref(c->websocket);
    for (int i = 0; i < CORE_LISTENERS; i++) tls_context_unref(c->tls[i]);
}
