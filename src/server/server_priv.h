/* SPDX-License-Identifier: Apache-2.0 */
/* server_priv.h - the parts of a running process. Inside server/ only. */
#ifndef SERVER_SERVER_PRIV_H
#define SERVER_SERVER_PRIV_H

#include "base/log.h"
#include "core/listener.h"
#include "os/signals.h"
#include "os/thread.h"
#include "server/logger.h"
#include "server/server.h"

struct server {
    struct core *core;
    struct logger *logger;
    struct signals signals;
    struct poll_set poll;               /* of the main thread: signals */
    struct thread *threads;
    unsigned thread_count;
    struct listener *listeners[CORE_LISTENERS];
    struct socket_address bound[CORE_LISTENERS];
    struct monitor *monitor;            /* HTTP; NULL: off */
    struct disk *disk;                  /* of JetStream; NULL: it is off */
    struct js *js;
    bool stopping;
    int64_t lame_duck_next_ns;          /* when to close more clients; 0: not in lame duck mode */
    int64_t lame_duck_step_ns;
    size_t lame_duck_batch;
};

/* The lines of text, one log line each. */
void server_log_lines(enum log_level level, const struct buf *text);

/* SIGHUP: read the configuration again and apply it, or say why not. */
void server_reload(struct server *s);

/* Stop accepting on every listener. Runs on loop 0. */
void server_close_listeners(struct server *s);

/* SIGUSR2: no new clients, tell those there, then close them bit by bit. */
void server_start_lame_duck(struct server *s);
/* The next step, when lame_duck_next_ns has come. */
void server_step_lame_duck(struct server *s);

#endif
