/* SPDX-License-Identifier: Apache-2.0 */
/* core.h - one NATS server without its process: loops, accounts, clients, configuration.
 *
 * server/ builds one from options, runs its loops on threads and shuts it down; the simulator can
 * step the loops of several by hand. Ownership: the core owns accounts and configuration
 * snapshots; each loop owns its struct core_loop and its clients. */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include "auth/auth.h"
#include "base/buf.h"
#include "base/map.h"
#include "core/account.h"
#include "core/match.h"
#include "net/loop.h"

#define CORE_NATS_VERSION "2.12.2"    /* whose features Myelin has; clients gate on it */
#define CORE_API_LEVEL 2                /* of JetStream; ADR-44 */

struct client;
struct worker;
struct tls_context;
struct websocket_context;
struct closed_ring;

enum core_listener { CORE_LISTENER_CLIENT, CORE_LISTENER_WEBSOCKET, CORE_LISTENERS };

/* Everything a reload can change, as one immutable counted snapshot. */
struct core_config {
    atomic_uint refs;
    uint64_t serial;                            /* 1 at start, one more with every reload */
    struct options *options;                    /* owned */
    int64_t load_wall_ns;                       /* when it was made */
    struct auth_db *auth[CORE_LISTENERS];
    struct tls_context *tls[CORE_LISTENERS];    /* NULL: plain */
    struct websocket_context *websocket;        /* NULL: no such listener */
    struct account *no_auth_account;            /* where clients without auth go: "$G" */
    char *advertise_host;                       /* client_advertise, for INFO; NULL: none */
    int advertise_port;                         /* 0: the bound one */
};

struct core_identity {
    char id[64], xkey[64];              /* nkeys "N..." and "X..." */
    char *name, *version, *go, *git_commit;
    int64_t start_wall_ns, start_mono_ns;
};

struct core_loop {                      /* loop->core */
    struct core *core;
    struct loop *loop;
    struct core_config *config;         /* a reference: what this loop works with */
    struct match_cache *matches, *reply_matches;
    struct buf scratch;                 /* the mapped subject of the message under way */
    struct buf status;                  /* a status message made for a client */
    uint64_t deliveries;                /* in this chunk */
    uint64_t clients;                   /* owned now */
};

struct core_counters {
    _Atomic uint64_t next_client_id;
    _Atomic int64_t clients;            /* exact: for max_connections */
    _Atomic uint64_t total_clients, auth_errors;
    _Atomic int64_t subscriptions;
    _Atomic uint64_t event_seq;
    _Atomic uint64_t reloads, reload_errors;
    atomic_bool reload_failed;          /* the last one */
};

struct core_rate {                      /* events in the current second */
    struct sync_mutex mutex;
    int64_t count, end_ns;
};

struct core {
    struct loop_group loops;
    struct core_identity identity;
    uint64_t seed;
    struct sync_mutex mutex;            /* accounts, config */
    struct map accounts;                /* name -> struct account */
    struct account *global, *system;
    struct core_config *config;         /* the newest, a reference */
    struct core_counters counters;
    struct worker *worker;              /* bcrypt */
    struct closed_ring *closed;
    atomic_bool lame_duck, shutting_down;
    struct core_rate tls_rate;          /* of handshakes, for connection_rate_limit */
    int port, websocket_port;           /* bound; for INFO */
};

/* Build from options, which the core owns from now on, also after an error. */
MUST_USE enum status core_new(struct core **out, struct options *options, unsigned loops,
                              struct error *why);

/* Loops must have ended and all clients be gone: see core_close_clients. */
void core_free(struct core **core);

/* Take and give back a reference; the last one frees it. Any thread. */
struct core_config *core_config_ref(struct core_config *c);
void core_config_unref(struct core_config *c);

/* A reference to the newest configuration. Any thread. */
struct core_config *core_config_latest(struct core *core);

static inline struct core_loop *core_of(struct loop *l)
{
    return l->core;
}

/* The account of that name, or NULL. Takes the mutex. */
struct account *core_account(struct core *core, struct span name);

/* Run fn(arg) on every loop and wait until all have; not from a loop. While the loops do not run
 * (before start, after stop) it is the caller's task to step them. */
void core_on_each_loop(struct core *core, void (*fn)(struct core_loop *cl, void *arg), void *arg);

/* Call fn for every client of a loop, on that loop; fn may close the client. */
void core_each_client(struct core_loop *cl, void (*fn)(struct client *c, void *arg), void *arg);

/* Take over new options as one transaction: build and check a new snapshot, then switch all loops.
 * On an error nothing changed and why says what is wrong. new_options is owned by the core in any
 * case. Not from a loop. */
MUST_USE enum status core_reload(struct core *core, struct options *new_options,
                                 struct error *why);

/* Close every client of every loop because the server ends. Not from a loop. */
void core_close_clients(struct core *core);

/* Lame duck: tell clients (INFO ldm), take no new ones. Not from a loop. */
void core_lame_duck(struct core *core);
/* Close count clients, oldest connections first per loop; returns how many are left. */
size_t core_lame_duck_close(struct core *core, size_t count);

#endif
