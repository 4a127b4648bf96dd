/* SPDX-License-Identifier: Apache-2.0 */
/* http.h - HTTP for the monitoring pages: libevent's evhttp, with bounds. Inside monitor/ only.
 *
 * One object, used by one thread once it runs. Bounds: HTTP_CONNS_MAX connections at a time (a new
 * one ends the one that has been silent longest), HTTP_HEAD_BYTES_MAX of head, HTTP_BODY_BYTES_MAX
 * of body, and times for handshake and request, for silence and for taking the answer. A slow
 * client holds up nobody: everything is event-driven. */
#ifndef MONITOR_HTTP_H
#define MONITOR_HTTP_H

#include "base/span.h"
#include "base/status.h"

#define HTTP_CONNS_MAX 64
#define HTTP_HEAD_BYTES_MAX 65536
#define HTTP_BODY_BYTES_MAX 65536

struct http;
struct reply;
struct tls_context;

struct http_handlers {
    /* Answer a request for path (decoded) with this query (raw), by filling r. */
    void (*on_request)(void *arg, struct span path, struct span query, const char *accept,
                       struct reply *r);
    void (*on_second)(void *arg);       /* once a second */
    /* What a new connection uses: a reference, given to the caller. NULL: plain HTTP. */
    struct tls_context *(*tls)(void *arg);
    void *arg;
};

/* Serve on listen_fd, which is owned from now on, also after an error. IO: why. */
MUST_USE enum status http_new(struct http **out, int listen_fd, const struct http_handlers *h,
                              struct error *why);
void http_free(struct http **h);        /* *h may be NULL; http_run has returned */

void http_run(struct http *h);          /* until http_stop, and what is answered then is sent */
void http_stop(struct http *h);         /* any thread */

#endif
