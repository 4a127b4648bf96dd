/* SPDX-License-Identifier: Apache-2.0 */
/* message_trace.h - the way of one message, told to whoever its header names (ADR-41).
 *
 * A message with "Nats-Trace-Dest: subject" is followed through this server: what came in, what
 * its subject was mapped to, who was sent it and who wasn't, and why. When it has been processed
 * this is published as JSON to the subject. With "Nats-Trace-Only: true" nobody is sent it.
 * A trace lives on the publisher's loop, from open to close, within one message. */
#ifndef CORE_MESSAGE_TRACE_H
#define CORE_MESSAGE_TRACE_H

#include "core/client.h"
#include "core/message.h"
#include "core/sub.h"

#define MESSAGE_TRACE_EVENTS_BYTES_MAX (256 * 1024)     /* later targets are left out */

struct message_trace;

/* Set m->trace if the header block of m asks for it. False: the message must not be processed,
 * because its trace was refused. O(header). */
bool message_trace_open(struct client *c, struct message *m);

/* Publish what was found, to the account of the publisher, and free the trace. */
void message_trace_close(struct core_loop *cl, struct message_trace **t);

bool message_trace_is_only(const struct message_trace *t);      /* nobody is sent the message */
void message_trace_refused(struct message_trace *t, const char *text);  /* by permissions */
void message_trace_mapped(struct message_trace *t, struct span to);

/* sub was reached; error says why it isn't sent the message, NULL when it is. */
void message_trace_egress(struct message_trace *t, const struct sub *sub, const char *error);

#endif
