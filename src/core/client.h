/* SPDX-License-Identifier: Apache-2.0 */
/* client.h - a client's session: what it said in CONNECT, who it is, what it subscribed to.
 *
 * Owned by the loop of its connection; other loops only deliver to its subscriptions. */
#ifndef CORE_CLIENT_H
#define CORE_CLIENT_H

#include "core/core.h"
#include "core/message.h"
#include "net/conn.h"
#include "proto/connect.h"
#include "proto/parser.h"

enum close_reason {
#define CLOSE(name, text) CLOSE_##name,
#include "core/close.def"
#undef CLOSE
};

/* The text that monitoring shows for reason. Static storage. */
const char *close_reason_text(enum close_reason reason);

struct responses;
struct client_bcrypt;
struct client_wait;

/* Subscriptions by sid: open addressing, pointers only. */
struct client_subs {
    struct sub **slots;
    uint32_t count, cap;                /* cap is 0 or a power of two */
};

struct client {
    struct conn conn;                   /* first */
    struct subscriber subscriber;
    struct core *core;
    uint64_t id;
    struct account *account;            /* NULL until authenticated */
    struct perms *perms;                /* a reference; NULL: everything */
    struct client_subs subs;
    struct parser_limits limits;
    struct responses *responses;        /* allow_responses; NULL without */
    struct client_details *details;     /* cold, see below */
    int64_t max_subs;                   /* -1: unlimited */
    bool awaiting_auth, connect_received, verbose, pedantic, echo, headers, no_responders;
    bool first_pong_sent, info_sent, tls_done, tls_first, sniffed_hello, unsubscribed;
    bool over_limit;                    /* one connection too many: told so, then closed */
    uint8_t listener;                   /* enum core_listener */
    uint8_t opening;                    /* enum client_opening */
    uint8_t protocol;
    uint8_t pings_out;
    uint64_t in_msgs, in_bytes;
    int64_t start_ns, last_ns;          /* monotonic */
    int64_t auth_deadline_ns, ping_due_ns, ping_sent_ns, last_in_ns;    /* 0: none */
    int64_t rtt_ns;
    uint64_t config_serial;             /* of the configuration it was last checked against */
    struct client_wait *wait;           /* a grace period under way, or NULL */
};

enum client_opening {                   /* what the transport gets ready for: client_open.c */
    CLIENT_NEW, CLIENT_SNIFF_FIRST, CLIENT_TLS_FIRST, CLIENT_NO_HELLO, CLIENT_SNIFF_MIXED,
    CLIENT_TLS, CLIENT_PLAIN, CLIENT_OPEN,
};

struct client_details {
    struct connect_options *connect;    /* what CONNECT said, while it may matter again; or NULL */
    char *_Atomic name;                 /* of CONNECT; any loop may read it; NULL: not told */
    char *lang, *version;               /* of CONNECT; NULL: not told */
    struct auth_identity *identity;
    struct client_bcrypt *pending;      /* while bcrypt runs */
    struct socket_address peer;
    char nonce[16];                     /* NUL-terminated; empty: none */
    char *client_ip;                    /* from X-Forwarded-For; or NULL */
};

/* Take a fresh connection. fd is owned by the client from now on; the counters of connections
 * are already increased. Runs on the listener's loop; the client may live on another. */
void client_accept(struct core_loop *cl, enum core_listener listener, int fd,
                   const struct socket_address *peer, struct loop *home);

/* Close for a reason, which monitoring keeps. Owner only; harmless twice. */
void client_close(struct client *c, enum close_reason reason);

/* Queue "-ERR 'text'". Owner only. */
void client_send_error(struct client *c, const char *text);

/* Queue INFO as it is for this client now; connect_info marks the second one. Owner only. */
void client_send_info(struct client *c, bool connect_info);

/* Re-evaluate after the loop switched to a new configuration. Owner only. */
void client_apply_config(struct client *c, const struct core_config *old);

static inline struct client *client_of(struct conn *c)
{
    return (struct client *)(void *)c;
}

static inline struct loop *client_loop(const struct client *c)
{
    return atomic_load_explicit(&((struct client *)(uintptr_t)c)->conn.loop,
                                memory_order_acquire);
}

#endif
