/* SPDX-License-Identifier: Apache-2.0 */
/* trace.h - protocol traces in the log, worded as nats-server's. Called only when tracing is on. */
#ifndef CORE_TRACE_H
#define CORE_TRACE_H

#include "core/client.h"

/* "127.0.0.1:5555 - cid:7" for log lines about c. */
void client_append_label(const struct client *c, struct buf *out);

/* A line "<label> - <<- [VERB args]". Secrets of CONNECT are blotted out. */
void trace_command(const struct client *c, const struct parser_command *cmd);
void trace_payload(const struct client *c, const struct parser_command *cmd);
void trace_mapping(const struct client *c, struct span from, struct span to);
void trace_delivery(const struct client *c, const struct sub *sub, const struct message *m,
                    size_t header_len, size_t total);
/* "<label> - ->> [what]": PING, PONG, +OK, -ERR ... */
void trace_out(const struct client *c, struct span what);

#endif
