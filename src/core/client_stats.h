/* SPDX-License-Identifier: Apache-2.0 */
/* client_stats.h - a plain copy of what monitoring shows of a connection.
 *
 * Filled on the client's loop, then owned by whoever asked; nothing in it points back. */
#ifndef CORE_CLIENT_STATS_H
#define CORE_CLIENT_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct client;
struct tls_peer_certificate;

struct client_sub_stats {
    char *subject, *queue, *sid;        /* queue NULL: none */
    int64_t msgs, max;
};

struct client_stats {
    uint64_t cid;
    char *kind_type;                    /* "nats" or "websocket" */
    char *ip;
    uint16_t port;
    int64_t start_wall_ns, last_wall_ns, stop_wall_ns;  /* stop 0: open */
    char *reason;                       /* NULL: open */
    int64_t rtt_ns;
    uint64_t pending_bytes, in_msgs, out_msgs, in_bytes, out_bytes, stalls;
    uint32_t sub_count;
    char *name, *lang, *version;        /* NULL: not told */
    char *tls_version, *tls_cipher;     /* NULL: plain */
    bool tls_first;
    struct tls_peer_certificate *certificates;  /* with CLIENT_STATS_CERTIFICATES */
    size_t certificate_count;
    char *authorized_user, *account;    /* NULL: none yet */
    struct client_sub_stats *subs;      /* sub_count of them with CLIENT_STATS_SUBS, else NULL */
    size_t subs_bytes;                  /* what subs takes, about */
    char *nkey;
};

enum client_stats_parts {               /* bits */
    CLIENT_STATS_BASIC = 0, CLIENT_STATS_SUBS = 1, CLIENT_STATS_CERTIFICATES = 2,
};

/* On c's loop. O(subscriptions) with CLIENT_STATS_SUBS. */
void client_stats_fill(struct client_stats *s, struct client *c, enum client_stats_parts parts);

/* to becomes a copy of from, without certificates, and without its subscriptions unless parts
 * wants them. */
void client_stats_copy(struct client_stats *to, const struct client_stats *from,
                       enum client_stats_parts parts);

/* Mark as closed now, for this reason. */
void client_stats_close(struct client_stats *s, const char *reason);

/* Free subs; sub_count stays. */
void client_stats_drop_subs(struct client_stats *s);

void client_stats_fini(struct client_stats *s);

#endif
