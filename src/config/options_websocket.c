/* SPDX-License-Identifier: Apache-2.0 */
/* options_websocket.c - websocket {}. */
#include "base/duration.h"
#include "base/mem.h"
#include "config/option_reader.h"

/* The short form of authorization: one user or token. */
static void read_authorization(struct option_reader *r, const struct conf_item *block,
                               struct websocket_options *w)
{
    struct authorization_options *a = &w->authorization;

    if (!option_is_map(r, block)) return;
    w->has_authorization = true;
    for (size_t i = 0; i < block->value.list->count; i++) {
        const struct conf_item *item = &block->value.list->items[i];
        if (option_key_is(item, "user") || option_key_is(item, "username"))
            (void)option_text(r, item, &a->username);
        else if (option_key_is(item, "pass") || option_key_is(item, "password"))
            (void)option_text(r, item, &a->password);
        else if (option_key_is(item, "token"))
            (void)option_text(r, item, &a->token);
        else if (option_key_is(item, "timeout"))
            (void)option_seconds(r, item, "authorization config", &a->timeout_ns);
        else
            option_unknown(r, item);
    }
}

static void read_handshake_timeout(struct option_reader *r, const struct conf_item *item,
                                   int64_t *out)
{
    const struct conf_value *v = &item->value;
    int64_t ns = 0;

    if (v->type == CONF_INTEGER) {
        if (__builtin_mul_overflow(v->integer, NS_PER_S, &ns)) ns = -1;
    } else if (v->type != CONF_STRING) {
        option_error(r, v, "error parsing handshake timeout: unsupported type %s",
                     conf_type_go(v->type));
        return;
    } else if (duration_parse(v->text, &ns) != ST_OK) {
        option_bad_duration(r, v, "", v->text);
        return;
    }
    if (ns < 0) option_error(r, v, "handshake_timeout is out of range");
    else if (ns > 0) *out = ns;
}

static void read_headers(struct option_reader *r, const struct conf_item *block,
                         struct websocket_options *w)
{
    const struct conf_value *v = &block->value;

    if (v->type != CONF_MAP) {
        option_error(r, v, "error parsing headers: unsupported type %s", conf_type_go(v->type));
        return;
    }
    for (size_t i = 0; i < v->list->count; i++) {
        const struct conf_item *item = &v->list->items[i];
        if (item->value.type != CONF_STRING) {
            option_error(r, &item->value, "error parsing header key %.*s: unsupported type %s",
                         SPAN_ARG(item->key), conf_type_go(item->value.type));
            continue;
        }
        /* They are sent as they stand, so they must not break out of their line. */
        if (item->key.len == 0 || strcspn(item->key.p, "\r\n: \t") < item->key.len ||
            strcspn(item->value.text.p, "\r\n") < item->value.text.len) {
            option_error(r, &item->value, "websocket: header \"%.*s\" is not one line",
                         (int)strcspn(item->key.p, "\r\n"), item->key.p);
            continue;
        }
        text_list_add(&w->header_names, item->key);
        text_list_add(&w->header_values, item->value.text);
    }
}

static bool is_origins(const struct conf_item *item)
{
    static const char *const names[] = {
        "allowed_origins", "allowed_origin", "allow_origins", "allow_origin", "origins", "origin",
    };

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (option_key_is(item, names[i])) return true;
    return false;
}

/* What every listener has; false when item is something else. */
static bool read_listener(struct option_reader *r, const struct conf_item *item,
                          struct websocket_options *w)
{
    int64_t port;

    if (option_key_is(item, "listen")) {
        option_listen(r, &item->value, &w->host, &w->port);
    } else if (option_key_is(item, "port")) {
        if (option_integer(r, item, -1, 65535, &port)) w->port = (int)port;
    } else if (option_key_is(item, "host") || option_key_is(item, "net")) {
        (void)option_text(r, item, &w->host);
    } else if (option_key_is(item, "advertise")) {
        (void)option_text(r, item, &w->advertise);
    } else if (option_key_is(item, "no_tls")) {
        (void)option_bool(r, item, &w->no_tls);
    } else if (option_key_is(item, "tls")) {
        tls_options_free(&w->tls);
        w->tls = option_tls(r, &item->value);
    } else {
        return false;
    }
    return true;
}

static bool read_credentials(struct option_reader *r, const struct conf_item *item,
                             struct websocket_options *w)
{
    if (option_key_is(item, "authorization") || option_key_is(item, "authentication"))
        read_authorization(r, item, w);
    else if (option_key_is(item, "no_auth_user")) (void)option_text(r, item, &w->no_auth_user);
    else if (option_key_is(item, "jwt_cookie")) option_unsupported(r, item);
    else if (option_key_is(item, "user_cookie")) (void)option_text(r, item, &w->user_cookie);
    else if (option_key_is(item, "pass_cookie")) (void)option_text(r, item, &w->pass_cookie);
    else if (option_key_is(item, "token_cookie")) (void)option_text(r, item, &w->token_cookie);
    else return false;
    return true;
}

void parse_websocket(struct option_reader *r, const struct conf_value *v)
{
    struct websocket_options *w = &r->o->websocket;

    if (v->type != CONF_MAP) {
        option_error(r, v, "Expected websocket to be a map, got %s", conf_type_go(v->type));
        return;
    }
    for (size_t i = 0; i < v->list->count; i++) {
        const struct conf_item *item = &v->list->items[i];
        if (read_listener(r, item, w) || read_credentials(r, item, w)) continue;
        if (option_key_is(item, "same_origin")) (void)option_bool(r, item, &w->same_origin);
        else if (is_origins(item))
            (void)option_text_list(r, item, "allowed origins", &w->allowed_origins);
        else if (option_key_is(item, "handshake_timeout"))
            read_handshake_timeout(r, item, &w->handshake_timeout_ns);
        else if (option_key_is(item, "compress") || option_key_is(item, "compression"))
            (void)option_bool(r, item, &w->compression);
        else if (option_key_is(item, "headers")) read_headers(r, item, w);
        else if (option_key_is(item, "ping_interval"))
            (void)option_duration(r, item, &w->ping_interval_ns);
        else option_unknown(r, item);
    }
    w->enabled = w->port != 0;
    if (w->enabled && w->host == NULL) w->host = mem_dup("0.0.0.0");
}
