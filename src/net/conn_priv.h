/* SPDX-License-Identifier: Apache-2.0 */
/* conn_priv.h - what loop.c needs of connections. Inside net/ only. */
#ifndef NET_CONN_PRIV_H
#define NET_CONN_PRIV_H

#include "net/conn.h"

/* Commands in conn->commands; the low 16 bits are the protocol's (conn_notify). */
enum {
    CONN_COMMAND_FLUSH = 1 << 16,       /* the right and the duty to flush */
    CONN_COMMAND_ARM = 1 << 17,         /* output is blocked: watch the write deadline */
    CONN_COMMAND_ADOPT = 1 << 18,       /* the receiver is the new owner */
    CONN_COMMAND_SLOW = 1 << 19,        /* end: too much pending */
    CONN_COMMAND_WRITE_ERROR = 1 << 20, /* end: the socket refused output */
};

/* Have the owner act on bits. Any loop within an iteration in which it may hold c. */
void conn_command(struct conn *c, unsigned bits);

/* Splice one stage onto its target's queue; false: there is nothing to flush. */
bool conn_splice(struct loop *l, struct stage *s);

/* Send what is queued, as far as the socket takes it. Any loop; owner-only transports are handed
 * to their owner. */
void conn_flush(struct loop *l, struct conn *c);

/* Watch for writability, or stop to. The queue's lock is held, so that the owner is the one whose
 * poll set is armed. */
void conn_arm(struct conn *c, bool write);

/* Connections with work left over from an earlier iteration or chunk. */
void conn_run_ready(struct loop *l);

/* Stop reading from the producer c for a while, because a target of its is nearly full. */
void conn_stall(struct conn *c, int64_t ns);

/* Put c on its loop's list of leftover work. Owner only. */
void conn_add_work(struct conn *c);

/* Once per load window: measure this loop and hand connections to idle ones when it is busy. */
void conn_balance(struct loop *l);

/* Give c to another loop. Owner only, between chunks. */
void conn_migrate(struct conn *c, struct loop *to);

#endif
