/* SPDX-License-Identifier: Apache-2.0 */
/* parser.h - the text protocol as clients speak it: bytes in, one command out.
 *
 * Stateless and sans-I/O. The caller holds the bytes that are not consumed yet and asks for the
 * first command in them; all spans of the answer point into the caller's bytes. Whatever way the
 * bytes were cut, the sequence of commands and the error is the same: an incomplete command is
 * judged by its prefix, so a bad byte is refused as soon as it is there.
 * Source: nats-server's parser.go (observable behaviour), inventory section 1. */
#ifndef PROTO_PARSER_H
#define PROTO_PARSER_H

#include "base/span.h"

enum parser_verb {
    VERB_CONNECT, VERB_PUB, VERB_HPUB, VERB_SUB, VERB_UNSUB, VERB_PING, VERB_PONG,
    VERB_INFO, VERB_OK, VERB_ERR,
};

enum parser_result {
    PARSER_COMMAND,             /* cmd is complete; cmd->consumed bytes belong to it */
    PARSER_MORE,                /* valid so far; at least cmd->need bytes in total are needed */
    PARSER_UNKNOWN,             /* 'Unknown Protocol Operation' */
    PARSER_CONTROL_LINE,        /* arguments longer than max_control_line */
    PARSER_BAD_ARGS,            /* wrong count or size of arguments: close without -ERR */
    PARSER_MAX_PAYLOAD,         /* announced size above max_payload; cmd->total says how much */
};

struct parser_limits {
    size_t max_control_line;    /* bytes of arguments, verb and line end not counted */
    int64_t max_payload;        /* header and payload together; negative: none */
    bool headers;               /* HPUB is accepted */
};

struct parser_command {
    enum parser_verb verb;
    size_t consumed, need;
    struct span subject, reply;         /* PUB, HPUB; subject of SUB */
    struct span queue, sid;             /* SUB; sid of UNSUB */
    struct span args;                   /* CONNECT, INFO, -ERR: the rest of the line */
    int64_t max;                        /* UNSUB: -1 when not given */
    size_t header_len, total;           /* HPUB: header bytes; PUB, HPUB: all bytes */
    const char *body;                   /* PUB, HPUB: header, then payload, then CRLF */
    /* PUB, HPUB: "[reply ]sizes\r\nbody\r\n" just as it came, when single spaces and CRLF were
     * used, so that a delivery is one copy; empty otherwise. */
    struct span raw;
    bool has_nul;                       /* PUB, HPUB: a NUL byte in subject or reply */
};

/* Find the first command in the len > 0 bytes at p. O(bytes of the command line). */
enum parser_result parser_next(const char *p, size_t len, const struct parser_limits *limits,
                               struct parser_command *cmd);

#endif
