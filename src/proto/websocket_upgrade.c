/* SPDX-License-Identifier: Apache-2.0 */
/* websocket_upgrade.c - RFC 6455 section 4.2, in nats-server's order of checks. */
#include <stdio.h>

#include <openssl/evp.h>

#include "base/assert.h"
#include "base/mem.h"
#include "proto/ip.h"
#include "proto/websocket.h"

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define DEFLATE "permessage-deflate"

enum { KEY_CHARS = 24, SHA1_BYTES = 20 };

/* ---- URLs of origins ---- */

struct url { struct span scheme, host; };       /* host with its port, if any */

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static size_t scheme_length(struct span text)
{
    size_t n = 0;

    if (text.len == 0 || !is_alpha(text.p[0])) return 0;
    while (n < text.len && (is_alpha(text.p[n]) || (text.p[n] >= '0' && text.p[n] <= '9')
                            || text.p[n] == '+' || text.p[n] == '-' || text.p[n] == '.')) n++;
    return n < text.len && text.p[n] == ':' ? n : 0;
}

/* Go's ParseRequestURI as far as origins need it: a scheme, or a path from the root. */
static bool url_parse(struct span text, struct url *u)
{
    size_t n = scheme_length(text), end;

    *u = (struct url){ SPAN_NONE, SPAN_NONE };
    if (n == 0) return text.len > 0 && text.p[0] == '/';
    u->scheme = span_make(text.p, n);
    text = span_from(text, n + 1);
    if (!span_has_prefix(text, SPAN_LIT("//"))) return true;
    text = span_from(text, 2);
    for (end = 0; end < text.len && text.p[end] != '/' && text.p[end] != '?'; end++)
        if ((unsigned char)text.p[end] <= ' ' || text.p[end] == 0x7f) return false;
    u->host = span_make(text.p, end);
    for (size_t at = span_find(u->host, '@'); at < u->host.len; at = span_find(u->host, '@'))
        u->host = span_from(u->host, at + 1);
    return true;
}

/* Split "host[:port]", "[v6][:port]". False: more than one colon without brackets, or a bracket
 * without its partner. */
static bool split_host(struct span text, bool tls, struct span *host, struct span *port)
{
    size_t colon, close;

    *host = text;
    *port = tls ? SPAN_LIT("443") : SPAN_LIT("80");
    if (text.len > 0 && text.p[0] == '[') {
        close = span_find(text, ']');
        if (close == text.len) return false;
        if (close + 1 == text.len) return true;
        if (text.p[close + 1] != ':') return false;
        *host = span_make(text.p + 1, close - 1);
        *port = span_from(text, close + 2);
        return true;
    }
    colon = span_find(text, ':');
    if (colon == text.len) return true;
    *host = span_make(text.p, colon);
    *port = span_from(text, colon + 1);
    return span_find(*port, ':') == port->len;
}

static char *lower_dup(struct span s)
{
    char *text = mem_dup_span(s);

    for (char *c = text; *c != '\0'; c++)
        if (*c >= 'A' && *c <= 'Z') *c = (char)(*c + 32);
    return text;
}

enum status websocket_origin_parse(struct websocket_origin *o, struct span text, struct error *why)
{
    static const char bad[] = "unable to parse allowed origin";
    struct span host, port;
    struct url u;
    bool tls;

    *o = (struct websocket_origin){ 0 };
    if (!url_parse(text, &u))
        return error_set(why, ST_BAD_INPUT, "%s: parse \"%.*s\": invalid URI for request", bad,
                         SPAN_ARG(text));
    tls = span_equal_nocase(u.scheme, SPAN_LIT("https"));
    if (!tls && !span_equal_nocase(u.scheme, SPAN_LIT("http")))
        return error_set(why, ST_BAD_INPUT, "%s \"%.*s\": allowed origins must be absolute URLs "
                         "with http or https scheme", bad, SPAN_ARG(text));
    if (u.host.len == 0)
        return error_set(why, ST_BAD_INPUT, "%s \"%.*s\": host is required", bad, SPAN_ARG(text));
    if (!split_host(u.host, tls, &host, &port))
        return error_set(why, ST_BAD_INPUT, "%s: address %.*s: too many colons in address", bad,
                         SPAN_ARG(u.host));
    *o = (struct websocket_origin){ lower_dup(u.scheme), lower_dup(host), mem_dup_span(port) };
    return ST_OK;
}

void websocket_origin_fini(struct websocket_origin *o)
{
    mem_free(o->scheme);
    mem_free(o->host);
    mem_free(o->port);
    *o = (struct websocket_origin){ 0 };
}

const char *websocket_check_header(struct span name, struct error *why)
{
    static const char *const ours[] = {
        "host", "content-length", "connection", "upgrade", "nats-no-masking",
    };
    struct span prefix = SPAN_LIT("sec-websocket-");

    for (size_t i = 0; i < COUNT_OF(ours); i++) {
        if (!span_equal_nocase(name, span_of(ours[i]))) continue;
        error_set(why, ST_BAD_INPUT, "invalid header \"%.*s\" not allowed", SPAN_ARG(name));
        return why->text;
    }
    if (name.len >= prefix.len && span_equal_nocase(span_make(name.p, prefix.len), prefix)) {
        error_set(why, ST_BAD_INPUT, "invalid header \"%.*s\", \"Sec-WebSocket-\" prefix not "
                  "allowed", SPAN_ARG(name));
        return why->text;
    }
    return NULL;
}

/* NULL: the request's origin is fine. Otherwise what is wrong; why is storage. */
static const char *origin_problem(const struct websocket_rules *rules, const struct http_request *r,
                                  struct error *why)
{
    struct span origin = SPAN_NONE, host, port, own_host, own_port;
    struct span own_scheme = rules->tls ? SPAN_LIT("https") : SPAN_LIT("http");
    struct url u;

    if (!rules->same_origin && rules->origin_count == 0) return NULL;
    if (!http_field(r, "Origin", 0, &origin) || origin.len == 0)
        http_field(r, "Sec-WebSocket-Origin", 0, &origin);
    if (origin.len == 0) return NULL;           /* not from a browser */
    if (!url_parse(origin, &u)) {
        error_set(why, ST_DENIED, "parse \"%.*s\": invalid URI for request", SPAN_ARG(origin));
        return why->text;
    }
    if (!split_host(u.host, span_equal_nocase(u.scheme, SPAN_LIT("https")), &host, &port)
        || !split_host(r->host, rules->tls, &own_host, &own_port))
        return "malformed address";
    if (rules->same_origin && (!span_equal_nocase(host, own_host) || !span_equal(port, own_port)
                               || !span_equal_nocase(u.scheme, own_scheme)))
        return "not same origin";
    if (rules->origin_count == 0) return NULL;
    for (size_t i = 0; i < rules->origin_count; i++) {
        const struct websocket_origin *o = &rules->origins[i];
        if (span_equal_nocase(host, span_of(o->host)) && span_is(port, o->port)
            && span_equal_nocase(u.scheme, span_of(o->scheme))) return NULL;
    }
    return "not in the allowed list";
}

/* ---- the request ---- */

static bool has_suffix(struct span s, const char *suffix)
{
    size_t n = strlen(suffix);

    return s.len >= n && memcmp(s.p + s.len - n, suffix, n) == 0;
}

static bool is_base64(char c)
{
    return is_alpha(c) || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

/* 16 bytes in base64. */
static bool key_is_valid(struct span key)
{
    if (key.len != KEY_CHARS || !has_suffix(key, "==")) return false;
    for (size_t i = 0; i < KEY_CHARS - 2; i++)
        if (!is_base64(key.p[i])) return false;
    return true;
}

static bool offers_deflate(const struct http_request *r)
{
    struct span list;

    for (size_t nth = 0; http_field(r, "Sec-WebSocket-Extensions", nth, &list); nth++) {
        for (size_t at = 0; at <= list.len; at++) {
            struct span rest = span_from(list, at);
            size_t end = span_find(rest, ',');
            struct span one = span_make(rest.p, end);
            one.len = span_find(one, ';');
            if (span_equal_nocase(span_trim(one), SPAN_LIT(DEFLATE))) return true;
            at += end;
        }
    }
    return false;
}

static int refuse(struct websocket_upgrade *up, int http_status, const char *reason)
{
    snprintf(up->reason, sizeof up->reason, "%s", reason);
    return http_status;
}

/* 0, or the HTTP status to refuse with. */
static int check(struct websocket_upgrade *up, const struct websocket_rules *rules,
                 const struct http_request *r)
{
    struct span key = SPAN_NONE;
    struct error why;
    const char *problem;

    if (up->kind == WEBSOCKET_MQTT && !rules->mqtt)
        return refuse(up, 404, "mqtt websocket endpoint not enabled");
    if (up->kind == WEBSOCKET_LEAFNODE && !rules->leafnode)
        return refuse(up, 404, "leafnode websocket endpoint not enabled");
    if (!span_is(r->method, "GET")) return refuse(up, 405, "request method must be GET");
    if (r->host.len == 0) return refuse(up, 400, "'Host' missing in request");
    if (!http_field_has(r, "Upgrade", "websocket"))
        return refuse(up, 400, "invalid value for header 'Upgrade'");
    if (!http_field_has(r, "Connection", "Upgrade"))
        return refuse(up, 400, "invalid value for header 'Connection'");
    http_field(r, "Sec-WebSocket-Key", 0, &key);
    if (key.len == 0) return refuse(up, 400, "key missing");
    if (!key_is_valid(key)) return refuse(up, 400, "invalid websocket key");
    if (!http_field_has(r, "Sec-WebSocket-Version", "13"))
        return refuse(up, 400, "invalid version");
    problem = origin_problem(rules, r, &why);
    if (problem != NULL) {
        snprintf(up->reason, sizeof up->reason, "origin not allowed: %.*s", 130, problem);
        return 403;
    }
    return 0;
}

static void take_cookie(const struct http_request *r, struct span name, struct span *value)
{
    if (name.len > 0) http_cookie(r, name, value);
}

static bool contains(struct span s, const char *what)
{
    return s.len > 0 && memmem(s.p, s.len, what, strlen(what)) != NULL;
}

static void take_facts(struct websocket_upgrade *up, const struct websocket_rules *rules,
                       const struct http_request *r)
{
    struct span v, agent = SPAN_NONE;

    up->compress = rules->compression && offers_deflate(r);
    up->no_masking = http_field(r, "Nats-No-Masking", 0, &v) && span_is(v, "true");
    if (http_field(r, "X-Forwarded-For", 0, &v) && ip_is_address(v)) up->client_ip = v;
    if (up->kind == WEBSOCKET_LEAFNODE) return;
    http_field(r, "User-Agent", 0, &agent);
    up->browser = span_has_prefix(agent, SPAN_LIT("Mozilla/"));
    up->fragment_compressed = !(contains(agent, "Version/") && contains(agent, "Safari/"));
    take_cookie(r, rules->jwt_cookie, &up->jwt);
    take_cookie(r, rules->user_cookie, &up->user);
    take_cookie(r, rules->pass_cookie, &up->pass);
    take_cookie(r, rules->token_cookie, &up->token);
}

static void append_accept(struct buf *out, struct span key)
{
    char text[KEY_CHARS + sizeof GUID - 1], base64[32];
    unsigned char digest[SHA1_BYTES];

    memcpy(text, key.p, KEY_CHARS);
    memcpy(text + KEY_CHARS, GUID, sizeof GUID - 1);
    if (EVP_Digest(text, sizeof text, digest, NULL, EVP_sha1(), NULL) != 1) unreachable();
    EVP_EncodeBlock((unsigned char *)base64, digest, sizeof digest);
    buf_append_text(out, base64);
}

static void append_switching(struct buf *out, const struct websocket_upgrade *up,
                             const struct websocket_rules *rules, const struct http_request *r)
{
    struct span key = SPAN_NONE;

    http_field(r, "Sec-WebSocket-Key", 0, &key);
    buf_append_text(out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                    "Connection: Upgrade\r\nSec-WebSocket-Accept: ");
    append_accept(out, key);
    buf_append_text(out, "\r\n");
    if (up->compress)
        buf_append_text(out, "Sec-WebSocket-Extensions: " DEFLATE "; server_no_context_takeover; "
                        "client_no_context_takeover\r\n");
    if (up->no_masking) buf_append_text(out, "Nats-No-Masking: true\r\n");
    if (up->kind == WEBSOCKET_MQTT) buf_append_text(out, "Sec-Websocket-Protocol: mqtt\r\n");
    buf_append_span(out, rules->extra_headers);
    buf_append_text(out, "\r\n");
}

static void append_error(struct buf *out, int http_status)
{
    const char *text = http_status_text(http_status);

    buf_printf(out, "HTTP/1.1 %d %s\r\nContent-Type: text/plain; charset=utf-8\r\n"
               "Sec-Websocket-Version: 13\r\nX-Content-Type-Options: nosniff\r\n"
               "Content-Length: %zu\r\nConnection: close\r\n\r\n%s\n",
               http_status, text, strlen(text) + 1, text);
}

enum status websocket_upgrade(struct websocket_upgrade *up, const struct websocket_rules *rules,
                              const struct http_request *request, bool more, struct buf *response)
{
    int refusal;

    *up = (struct websocket_upgrade){ .kind = WEBSOCKET_CLIENT, .fragment_compressed = true };
    if (has_suffix(request->path, "/leafnode")) up->kind = WEBSOCKET_LEAFNODE;
    else if (has_suffix(request->path, "/mqtt")) up->kind = WEBSOCKET_MQTT;
    refusal = check(up, rules, request);
    if (refusal == 0 && more)
        refusal = refuse(up, 400, "client sent data before handshake is complete");
    if (refusal != 0) {
        append_error(response, refusal);
        return ST_DENIED;
    }
    take_facts(up, rules, request);
    append_switching(response, up, rules, request);
    return ST_OK;
}
