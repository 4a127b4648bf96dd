/* SPDX-License-Identifier: Apache-2.0 */
/* client_tls.c - which transport a client's connection has. */
#include "core/client_priv.h"

void client_init_conn(struct client *c, struct core_loop *cl, int fd)
{
    conn_init(&c->conn, &cl->core->loops, fd, &client_conn_ops, &transport_tcp, NULL);
}

void client_apply_transport(struct client *c)
{
    (void)c;
}

bool client_start_tls(struct client *c)
{
    (void)c;
    return false;
}

void client_fill_tls_stats(struct client *c, struct client_stats *s)
{
    (void)c;
    (void)s;
}

bool client_certificate_init(struct client *c, struct client_certificate *out)
{
    (void)c;
    (void)out;
    return false;
}

void client_certificate_fini(struct client_certificate *certificate)
{
    (void)certificate;
}
