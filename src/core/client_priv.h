/* SPDX-License-Identifier: Apache-2.0 */
/* client_priv.h - how the files of a client session call each other. Inside core/ only. */
#ifndef CORE_CLIENT_PRIV_H
#define CORE_CLIENT_PRIV_H

#include "core/client.h"
#include "core/client_stats.h"
#include "proto/info.h"

extern const struct conn_ops client_conn_ops;

/* client_proto.c: the commands. */
size_t client_on_bytes(struct conn *conn, const char *p, size_t len, size_t *need,
                       struct shared_bytes *keep);
void client_on_connect(struct client *c, struct span json);
void client_on_ping(struct client *c);
void client_on_pong(struct client *c);
void client_send_ok(struct client *c);          /* "+OK" */

/* client_auth.c */
void client_start_auth(struct client *c);       /* with what details->connect says */
bool client_try_no_auth_user(struct client *c); /* first command was not CONNECT */
void client_auth_violation(struct client *c);
/* Bind to an account with its limits; false: refused, the client is closed. */
bool client_join_account(struct client *c, struct account *a, struct perms *perms);
void client_leave_account(struct client *c);
void client_apply_limits(struct client *c);     /* of the server and the account */
void client_set_perms(struct client *c, struct perms *perms);   /* takes over the reference */
void client_on_bcrypt(struct client *c);        /* the worker has finished details->pending */
void client_drop_bcrypt(struct client *c);      /* the same for a client that has closed */
void client_abandon_bcrypt(struct client *c);   /* it closes: don't begin with it any more */
void client_recheck_auth(struct client *c);     /* after a reload */

struct tls_stream;

/* client_open.c */
void client_init_conn(struct client *c, struct core_loop *cl, int fd);
void client_on_open(struct conn *conn);
void client_on_ready(struct conn *conn);
bool client_on_open_deadline(struct client *c); /* false: it is open already */
const struct tls_stream *client_tls_stream(const struct client *c);     /* NULL: plain */
void client_log_transport_error(const struct client *c);
void client_set_close_frame(struct client *c, enum close_reason reason);        /* WebSocket */
void client_take_cookies(struct client *c);     /* WebSocket: credentials into CONNECT's */
void client_forget_upgrade(struct client *c);   /* WebSocket: wipe the cookies */

/* client.c */
void client_fill_info(const struct client *c, bool connect_info, struct info_fields *f);

/* client_tls.c: the names in the peer's certificate, as auth/ wants them. */
struct tls_peer;

struct client_certificate {
    struct auth_certificate names;      /* points into what follows */
    struct tls_peer *peer;
    struct auth_attribute *subject;
};

bool client_certificate_init(struct client *c, struct client_certificate *out); /* false: none */
void client_certificate_fini(struct client_certificate *certificate);
void client_fill_tls_stats(struct client *c, struct client_stats *s, bool certificates);

/* client_subs.c */
void client_on_sub(struct client *c, const struct parser_command *cmd);
void client_on_unsub(struct client *c, const struct parser_command *cmd);
struct sub *client_find_sub(const struct client *c, struct span sid);
void client_remove_sub(struct client *c, struct sub *sub);
void client_remove_all_subs(struct client *c);
/* From any loop that just counted the last delivery of sub: have its owner remove it. */
void client_post_reap(struct client *c, struct sub *sub);
/* After permissions changed: drop what is not allowed any more, with -ERR as nats-server. */
void client_recheck_subs(struct client *c);

/* publish.c */
void client_on_pub(struct client *c, const struct parser_command *cmd, struct shared_bytes *keep);

/* deliver.c */
bool client_deliver(struct loop *l, struct sub *sub, const struct message *m);
bool client_is_denied(const struct sub *sub, struct span subject);

/* client_timer.c */
void client_on_timer(struct conn *conn);
void client_set_timers(struct client *c);       /* after a deadline changed */
void client_start_ping(struct client *c, bool first);

/* client_wait.c: hold the client's input until every loop has spliced what it had staged when this
 * was called, then call then(c, sid, max), unless the client closed meanwhile. */
void client_wait(struct client *c, void (*then)(struct client *c, struct span sid, int64_t max),
                 struct span sid, int64_t max);

enum {                                          /* conn_notify bits */
    CLIENT_NOTIFY_AUTH = 1,                     /* bcrypt is done */
};

#endif
