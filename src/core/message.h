/* SPDX-License-Identifier: Apache-2.0 */
/* message.h - one message on its way from its publisher to its targets. */
#ifndef CORE_MESSAGE_H
#define CORE_MESSAGE_H

#include <stdbool.h>

#include "base/span.h"

struct account;
struct client;
struct message_trace;
struct shared_bytes;

/* A view: everything is borrowed while the message is processed, within one chunk of one loop. */
struct message {
    struct span subject, reply;
    const char *body;                   /* header, payload and CRLF */
    size_t header_len, total;           /* header; header and payload, without the CRLF */
    struct span raw;                    /* "[reply ]sizes\r\nbody\r\n" ready to copy, or empty */
    struct shared_bytes *keep;          /* holds body, so that targets can refer to it; or NULL */
    struct account *account;
    struct client *origin;              /* NULL: the server itself */
    bool uncounted;                     /* a status like 503: neither UNSUB's max nor statistics */
    struct message_trace *trace;        /* somebody wants to know its way; or NULL */
};

#endif
