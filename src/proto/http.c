/* SPDX-License-Identifier: Apache-2.0 */
/* http.c - collects the head, then cuts it up. */
#include "proto/http.h"

#include "base/assert.h"

void http_parser_fini(struct http_parser *p)
{
    buf_free(&p->head);
    *p = (struct http_parser){ 0 };
}

static bool is_token_byte(char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
    return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static bool is_token(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_token_byte(s.p[i])) return false;
    return s.len > 0;
}

static struct span trim_blanks(struct span s)
{
    while (s.len > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) s = span_from(s, 1);
    while (s.len > 0 && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t')) s.len--;
    return s;
}

/* Cut the next element off *rest at the separator, without the blanks around it. */
static struct span next_element(struct span *rest, char separator)
{
    size_t at = span_find(*rest, separator);
    struct span e = span_make(rest->p, at);

    *rest = at < rest->len ? span_from(*rest, at + 1) : SPAN_NONE;
    return trim_blanks(e);
}

static struct span next_line(struct span *rest)
{
    size_t at = span_find(*rest, '\n');
    struct span line = span_make(rest->p, at);

    *rest = at < rest->len ? span_from(*rest, at + 1) : SPAN_NONE;
    if (line.len > 0 && line.p[line.len - 1] == '\r') line.len--;
    return line;
}

static enum status refuse(struct http_parser *p, int refusal, const char *detail)
{
    p->refusal = refusal;
    p->detail = detail;
    return refusal == 431 ? ST_LIMIT : ST_BAD_INPUT;
}

/* ---- the request line ---- */

/* "http://host/path": the host, and the target from the path on. */
static void split_absolute(struct http_request *r)
{
    static const char *const schemes[] = { "http://", "https://", "ws://", "wss://" };

    for (size_t i = 0; i < COUNT_OF(schemes); i++) {
        size_t n = strlen(schemes[i]), slash;
        if (!span_has_prefix(r->target, span_of(schemes[i]))) continue;
        r->path = span_from(r->target, n);
        slash = span_find(r->path, '/');
        r->host = span_make(r->path.p, slash);
        r->path = span_from(r->path, slash);
        return;
    }
}

static bool target_is_valid(struct span target)
{
    for (size_t i = 0; i < target.len; i++)
        if ((unsigned char)target.p[i] <= ' ' || target.p[i] == 0x7f) return false;
    return target.len > 0;
}

static enum status read_request_line(struct http_parser *p, struct span line)
{
    struct http_request *r = &p->request;
    size_t first = span_find(line, ' '), second;
    struct span rest, version;

    if (first == line.len) return refuse(p, 400, NULL);
    rest = span_from(line, first + 1);
    second = span_find(rest, ' ');
    if (second == rest.len) return refuse(p, 400, NULL);
    r->method = span_make(line.p, first);
    r->target = span_make(rest.p, second);
    version = span_from(rest, second + 1);
    if (!is_token(r->method) || !target_is_valid(r->target)) return refuse(p, 400, NULL);
    if (version.len != 8 || !span_has_prefix(version, SPAN_LIT("HTTP/")) || version.p[6] != '.')
        return refuse(p, 400, NULL);
    if (version.p[5] != '1' || (version.p[7] != '1' && version.p[7] != '0'))
        return refuse(p, 505, "unsupported protocol version");
    p->request.http_1_0 = version.p[7] == '0';
    r->path = r->target;
    if (r->target.p[0] != '/') split_absolute(r);
    r->path.len = span_find(r->path, '?');
    return ST_OK;
}

/* ---- fields ---- */

static bool value_is_valid(struct span v)
{
    for (size_t i = 0; i < v.len; i++)
        if (((unsigned char)v.p[i] < ' ' && v.p[i] != '\t') || v.p[i] == 0x7f) return false;
    return true;
}

static enum status read_field(struct http_parser *p, struct span line)
{
    struct http_request *r = &p->request;
    size_t colon = span_find(line, ':');
    struct http_field f;

    if (colon == line.len) return refuse(p, 400, NULL);
    f.name = span_make(line.p, colon);
    f.value = trim_blanks(span_from(line, colon + 1));
    if (!is_token(f.name) || !value_is_valid(f.value)) return refuse(p, 400, NULL);
    if (r->field_count == HTTP_FIELDS_MAX) return refuse(p, 431, NULL);
    r->fields[r->field_count++] = f;
    return ST_OK;
}

static bool host_is_valid(struct span host)
{
    for (size_t i = 0; i < host.len; i++) {
        char c = host.p[i];
        if (!is_token_byte(c) && (c == '\0' || strchr("()+,:;=@[]/", c) == NULL)) return false;
    }
    return true;
}

static enum status read_host(struct http_parser *p)
{
    struct http_request *r = &p->request;
    struct span host;

    if (http_field(r, "Host", 1, &host)) return refuse(p, 400, NULL);
    if (!http_field(r, "Host", 0, &host)) {
        if (!r->http_1_0) return refuse(p, 400, "missing required Host header");
        host = SPAN_NONE;
    }
    if (!host_is_valid(host)) return refuse(p, 400, "malformed Host header");
    if (r->host.len == 0) r->host = host;
    return ST_OK;
}

static enum status read_head(struct http_parser *p)
{
    struct span rest = buf_span(&p->head);
    enum status st = read_request_line(p, next_line(&rest));

    while (st == ST_OK) {
        struct span line = next_line(&rest);
        if (line.len == 0) break;
        st = read_field(p, line);
    }
    if (st != ST_OK) return st;
    return read_host(p);
}

/* ---- collecting ---- */

/* The head, with one more byte c, is complete: it ends in an empty line. */
static bool ends_head(struct span head)
{
    size_t n = head.len;

    if (n < 2 || head.p[n - 1] != '\n') return false;
    if (head.p[n - 2] == '\n') return true;
    return n >= 3 && head.p[n - 2] == '\r' && head.p[n - 3] == '\n';
}

enum status http_parser_feed(struct http_parser *p, struct span in, size_t *used)
{
    assert(p->refusal == 0 && p->request.method.p == NULL);
    for (*used = 0; *used < in.len;) {
        struct span rest = span_from(in, *used);
        size_t room = HTTP_HEAD_MAX - p->head.len, n = span_find(rest, '\n') + 1;

        if (n > rest.len) n = rest.len;
        buf_append(&p->head, rest.p, n < room ? n : room);
        *used += n < room ? n : room;
        if (n > room) return refuse(p, 431, NULL);
        if (ends_head(buf_span(&p->head))) return read_head(p);
    }
    return p->head.len < HTTP_HEAD_MAX ? ST_AGAIN : refuse(p, 431, NULL);
}

/* ---- looking things up ---- */

bool http_field(const struct http_request *r, const char *name, size_t nth, struct span *value)
{
    for (size_t i = 0; i < r->field_count; i++) {
        if (!span_equal_nocase(r->fields[i].name, span_of(name)) || nth-- > 0) continue;
        *value = r->fields[i].value;
        return true;
    }
    return false;
}

bool http_field_has(const struct http_request *r, const char *name, const char *value)
{
    struct span list;

    for (size_t nth = 0; http_field(r, name, nth, &list); nth++)
        while (list.p != NULL)
            if (span_equal_nocase(next_element(&list, ','), span_of(value))) return true;
    return false;
}

/* What a cookie's value may hold (RFC 6265, and blanks and commas as Go takes them). */
static bool cookie_value(struct span *v)
{
    if (v->len > 1 && v->p[0] == '"' && v->p[v->len - 1] == '"')
        *v = span_make(v->p + 1, v->len - 2);
    for (size_t i = 0; i < v->len; i++) {
        char c = v->p[i];
        if (c < ' ' || c == 0x7f || c == '"' || c == ';' || c == '\\') return false;
    }
    return true;
}

bool http_cookie(const struct http_request *r, struct span name, struct span *value)
{
    struct span list;
    bool found = false;

    for (size_t nth = 0; http_field(r, "Cookie", nth, &list); nth++) {
        while (list.p != NULL) {
            struct span v = next_element(&list, ';');
            size_t equals = span_find(v, '=');
            struct span n = trim_blanks(span_make(v.p, equals));
            v = equals < v.len ? span_from(v, equals + 1) : SPAN_LIT("");
            if (!is_token(n) || !span_equal(n, name) || !cookie_value(&v)) continue;
            *value = v;
            found = true;
        }
    }
    return found;
}

const char *http_status_text(int status)
{
    switch (status) {
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 505: return "HTTP Version Not Supported";
    default: unreachable();
    }
}

void http_append_refusal(struct buf *out, int status, const char *detail)
{
    const char *text = http_status_text(status), *colon = detail != NULL ? ": " : "";

    if (detail == NULL) detail = "";
    buf_printf(out, "HTTP/1.1 %d %s%s%s\r\nContent-Type: text/plain; charset=utf-8\r\n"
               "Connection: close\r\n\r\n%d %s%s%s", status, text, colon, detail, status, text,
               colon, detail);
}
