/* SPDX-License-Identifier: Apache-2.0 */
/* http.h - the head of one HTTP/1.0 or 1.1 request, as the WebSocket upgrade needs it (RFC 9112).
 *
 * Sans I/O: bytes in, a request or a refusal out, the same for every way of cutting the bytes.
 * The parser owns a copy of the head (at most HTTP_HEAD_MAX bytes); the request's spans point
 * into it and live as long as the parser. A request body is not read. */
#ifndef PROTO_HTTP_H
#define PROTO_HTTP_H

#include "base/buf.h"
#include "base/status.h"

enum { HTTP_HEAD_MAX = 8192, HTTP_FIELDS_MAX = 64 };

struct http_field { struct span name, value; };         /* value trimmed */

struct http_request {
    struct span method, target;
    bool http_1_0;
    struct span path;                   /* target up to '?' */
    struct span host;                   /* of the Host field or an absolute target; may be empty */
    struct http_field fields[HTTP_FIELDS_MAX];
    size_t field_count;
};

struct http_parser {                    /* zero-initialise */
    struct buf head;
    struct http_request request;        /* valid once http_parser_feed returned OK */
    int refusal;                        /* HTTP status to answer with after an error... */
    const char *detail;                 /* ...and what is wrong, or NULL */
};

void http_parser_fini(struct http_parser *p);

/* Take bytes up to the end of the head; *used says how many were taken. OK: the head is complete,
 * p->request is set, bytes after *used belong to what follows. AGAIN: more is needed, all bytes
 * were taken. LIMIT: longer than HTTP_HEAD_MAX or more than HTTP_FIELDS_MAX fields (refusal 431).
 * BAD_INPUT: no such head (refusal 400 or 505). Not to be called again after anything but AGAIN. */
MUST_USE enum status http_parser_feed(struct http_parser *p, struct span in, size_t *used);

/* The nth (from 0) field called name, case ignored: true and *value. O(fields). */
bool http_field(const struct http_request *r, const char *name, size_t nth, struct span *value);

/* Some field called name has value among its comma-separated elements, case ignored. */
bool http_field_has(const struct http_request *r, const char *name, const char *value);

/* The last cookie called name: true and *value, without the quotes it may stand in. */
bool http_cookie(const struct http_request *r, struct span name, struct span *value);

/* Reason phrase of the statuses used here ("Bad Request"). */
const char *http_status_text(int status);

/* Append a complete plain-text refusal that closes the connection, as Go's server words it when
 * it can't read a request. detail may be NULL. */
void http_append_refusal(struct buf *out, int status, const char *detail);

#endif
