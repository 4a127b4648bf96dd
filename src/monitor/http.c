/* SPDX-License-Identifier: Apache-2.0 */
/* http.c - evhttp's callbacks, and a table of its connections.
 *
 * evhttp has no limit on connections and none on how long a request may take to arrive, and does
 * not say when a connection ends. So each bufferevent is made here and a reference to it kept:
 * evhttp has let go of it when it has no callbacks any more. What is overdue gets its socket shut
 * down, and evhttp then cleans up as after any other end of a connection. */
#include "monitor/http.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <event2/thread.h>

#include "base/duration.h"
#include "base/log.h"
#include "base/mem.h"
#include "monitor/endpoint.h"
#include "net/tls.h"
#include "os/clock.h"
#include "os/socket.h"

#define REQUEST_NS (5 * NS_PER_S)       /* from the first byte, or the connect, to the end */
#define IDLE_NS (300 * NS_PER_S)        /* between requests */
#define ANSWER_NS (120 * NS_PER_S)      /* to take an answer */
#define STUCK_S 60                      /* without a byte moving */
#define TABLE_MAX (2 * HTTP_CONNS_MAX)  /* with those about to end */

struct http_conn {
    struct bufferevent *bev;            /* a reference; NULL: free place */
    struct tls_context *tls;            /* a reference, or NULL */
    int64_t since_ns;                   /* request under way since; 0: none */
    int64_t last_ns;                    /* connected or last answered */
    bool ending;
};

struct http {
    struct http_handlers handlers;
    struct event_base *base;
    struct evhttp *server;
    struct evconnlistener *listener;
    struct event *tick;
    struct http_conn conns[TABLE_MAX];
    unsigned count;
    bool paused;                        /* the listener; the next tick resumes it */
};

/* ---- the table ---- */

static void end_conn(struct http_conn *c)
{
    int fd = bufferevent_getfd(c->bev);

    c->ending = true;
    if (fd >= 0) socket_shutdown(fd);
}

static void forget(struct http_conn *c)
{
    bufferevent_decref(c->bev);
    tls_context_unref(c->tls);
    *c = (struct http_conn){ .bev = NULL };
}

/* Give up those that evhttp is done with. */
static void reap(struct http *h)
{
    for (unsigned i = 0; i < TABLE_MAX; i++) {
        struct http_conn *c = &h->conns[i];
        bufferevent_data_cb on_read, on_write;
        bufferevent_event_cb on_event;
        if (c->bev == NULL) continue;
        bufferevent_getcb(c->bev, &on_read, &on_write, &on_event, NULL);
        if (on_read || on_write || on_event) continue;
        forget(c);
        h->count--;
    }
}

static bool is_overdue(const struct http_conn *c, int64_t now_ns)
{
    if (evbuffer_get_length(bufferevent_get_output(c->bev)) > 0)
        return now_ns - c->last_ns > ANSWER_NS;
    if (c->since_ns) return now_ns - c->since_ns > REQUEST_NS;
    return now_ns - c->last_ns > IDLE_NS;
}

static void end_overdue(struct http *h)
{
    int64_t now_ns = clock_mono_ns();

    for (unsigned i = 0; i < TABLE_MAX; i++) {
        struct http_conn *c = &h->conns[i];
        if (c->bev && !c->ending && is_overdue(c, now_ns)) end_conn(c);
    }
}

/* Too many: the one that was silent longest makes room. */
static void end_oldest(struct http *h)
{
    struct http_conn *oldest = NULL;

    for (unsigned i = 0; i < TABLE_MAX; i++) {
        struct http_conn *c = &h->conns[i];
        if (c->bev && !c->ending && (oldest == NULL || c->last_ns < oldest->last_ns)) oldest = c;
    }
    if (oldest) end_conn(oldest);
}

static void on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *arg)
{
    struct http_conn *c = arg;

    (void)input;
    if (info->n_added > 0 && c->since_ns == 0) c->since_ns = clock_mono_ns();
}

static void enter(struct http *h, struct bufferevent *bev, struct tls_context *tls)
{
    struct http_conn *c = h->conns;

    while (c->bev) c++;                 /* the listener pauses before the table is full */
    bufferevent_incref(bev);
    *c = (struct http_conn){ .bev = bev, .tls = tls };
    c->since_ns = c->last_ns = clock_mono_ns();
    evbuffer_add_cb(bufferevent_get_input(bev), on_input, c);
    h->count++;
}

static void pause_listener(struct http *h)
{
    h->paused = true;
    evconnlistener_disable(h->listener);
}

/* ---- evhttp's callbacks ---- */

static struct bufferevent *on_connection(struct event_base *base, void *arg)
{
    struct http *h = arg;
    struct tls_context *tls = h->handlers.tls(h->handlers.arg);
    struct bufferevent *bev;

    if (tls) {
        bev = bufferevent_openssl_socket_new(base, -1, tls_context_session(tls),
                                             BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
        bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
    } else {
        bev = bufferevent_socket_new(base, -1, 0);
    }
    reap(h);
    if (h->count >= HTTP_CONNS_MAX) end_oldest(h);
    enter(h, bev, tls);
    if (h->count >= TABLE_MAX - 1) pause_listener(h);
    return bev;
}

/* Out of descriptors, most likely: try again a second later. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
    (void)listener;
    pause_listener(arg);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct http *h = arg;

    (void)fd;
    (void)what;
    end_overdue(h);
    reap(h);
    if (h->paused && h->count < TABLE_MAX - 1) {
        h->paused = false;
        evconnlistener_enable(h->listener);
    }
    h->handlers.on_second(h->handlers.arg);
}

static void note_answer(struct http *h, struct evhttp_request *req)
{
    struct bufferevent *bev = evhttp_connection_get_bufferevent(evhttp_request_get_connection(req));

    for (unsigned i = 0; i < TABLE_MAX; i++) {
        if (h->conns[i].bev != bev) continue;
        h->conns[i].since_ns = 0;
        h->conns[i].last_ns = clock_mono_ns();
    }
}

static void free_bytes(const void *bytes, size_t len, void *arg)
{
    (void)len;
    (void)arg;
    mem_free((void *)(uintptr_t)bytes);
}

static void send_reply(struct evhttp_request *req, struct reply *r)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(req);
    struct evbuffer *body = evhttp_request_get_output_buffer(req);
    size_t len = r->body.len;
    char length[24];

    evhttp_add_header(headers, "Content-Type", r->type);
    if (r->any_origin) evhttp_add_header(headers, "Access-Control-Allow-Origin", "*");
    if (r->status == 404) evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
    snprintf(length, sizeof length, "%zu", len);
    evhttp_add_header(headers, "Content-Length", length);
    if (evhttp_request_get_command(req) == EVHTTP_REQ_HEAD)
        buf_free(&r->body);
    else if (len > 0)
        evbuffer_add_reference(body, buf_take(&r->body), len, free_bytes, NULL);
    evhttp_send_reply(req, r->status, NULL, NULL);
}

static void on_request(struct evhttp_request *req, void *arg)
{
    struct http *h = arg;
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
    const char *accept = evhttp_find_header(evhttp_request_get_input_headers(req), "Accept");
    struct reply r = { .status = 0 };
    struct buf path = { 0 };

    if (query_decode(&path, span_of(uri ? evhttp_uri_get_path(uri) : NULL), false))
        h->handlers.on_request(h->handlers.arg, buf_span(&path),
                               span_of(uri ? evhttp_uri_get_query(uri) : NULL), accept, &r);
    else
        reply_text(&r, 400, "400 Bad Request");
    note_answer(h, req);
    send_reply(req, &r);
    buf_free(&r.body);
    buf_free(&path);
}

/* ---- life ---- */

static enum status build(struct http *h, int listen_fd)
{
    struct timeval second = { 1, 0 };

    if (evthread_use_pthreads() != 0 || (h->base = event_base_new()) == NULL ||
        (h->server = evhttp_new(h->base)) == NULL) {
        socket_close(listen_fd);
        return ST_IO;
    }
    h->listener = evconnlistener_new(h->base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE |
                                     LEV_OPT_CLOSE_ON_EXEC, 0, listen_fd);
    if (h->listener == NULL) {
        socket_close(listen_fd);
        return ST_IO;
    }
    if (evhttp_bind_listener(h->server, h->listener) == NULL) return ST_IO;
    evconnlistener_set_error_cb(h->listener, on_accept_error);
    evhttp_set_max_headers_size(h->server, HTTP_HEAD_BYTES_MAX);
    evhttp_set_max_body_size(h->server, HTTP_BODY_BYTES_MAX);
    evhttp_set_timeout(h->server, STUCK_S);
    evhttp_set_allowed_methods(h->server, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST |
                               EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS |
                               EVHTTP_REQ_PATCH);
    evhttp_set_bevcb(h->server, on_connection, h);
    evhttp_set_gencb(h->server, on_request, h);
    h->tick = event_new(h->base, -1, EV_PERSIST, on_tick, h);
    return h->tick && event_add(h->tick, &second) == 0 ? ST_OK : ST_IO;
}

enum status http_new(struct http **out, int listen_fd, const struct http_handlers *handlers,
                     struct error *why)
{
    struct http *h = mem_zero(sizeof *h);

    *out = NULL;
    h->handlers = *handlers;
    if (build(h, listen_fd) != ST_OK) {
        http_free(&h);
        return error_set(why, ST_IO, "can't start the monitor: out of memory or descriptors");
    }
    *out = h;
    return ST_OK;
}

void http_free(struct http **http)
{
    struct http *h = *http;

    if (h == NULL) return;
    if (h->tick) event_free(h->tick);
    if (h->server) evhttp_free(h->server);      /* with its connections and the listener */
    for (unsigned i = 0; i < TABLE_MAX; i++)
        if (h->conns[i].bev) forget(&h->conns[i]);
    if (h->base) event_base_free(h->base);
    mem_free(h);
    *http = NULL;
}

void http_run(struct http *h)
{
    event_base_dispatch(h->base);
    event_base_loop(h->base, EVLOOP_NONBLOCK);
}

void http_stop(struct http *h)
{
    event_base_loopexit(h->base, NULL);
}
