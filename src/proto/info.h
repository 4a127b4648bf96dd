/* SPDX-License-Identifier: Apache-2.0 */
/* info.h - the INFO line that a client gets.
 *
 * Plain data in, bytes out; everything is borrowed for the call. The order of the keys and which
 * are left out when empty are nats-server's (struct Info in its server.go): clients read INFO
 * with anything from a JSON library to a regular expression. Keys that only servers exchange
 * (routes, gateways, leafnodes) are not here. */
#ifndef PROTO_INFO_H
#define PROTO_INFO_H

#include "base/buf.h"

struct info_fields {
    /* always written */
    struct span server_id, server_name, version;
    int64_t proto;
    struct span go;                     /* the toolchain's name */
    struct span host;
    int64_t port;
    bool headers;
    int64_t max_payload;                /* what counts for this client */

    /* left out when empty, zero or false */
    struct span git_commit;
    bool auth_required, tls_required, tls_verify, tls_available;
    bool jetstream;
    struct span ip;
    uint64_t client_id;
    struct span client_ip, nonce, cluster;
    bool cluster_dynamic;
    struct span domain;
    const struct span *connect_urls;
    size_t connect_url_count;
    bool ldm, connect_info;
    struct span remote_account;
    bool acc_is_sys;
    int64_t api_lvl;
    struct span xkey;
};

/* Append "INFO {...} \r\n" to out (with the space that nats-server writes before CRLF). */
void info_append(const struct info_fields *f, struct buf *out);

#endif
