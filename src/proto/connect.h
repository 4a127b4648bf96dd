/* SPDX-License-Identifier: Apache-2.0 */
/* connect.h - the options in a client's CONNECT {json}.
 *
 * Owner: the holder of struct connect_options; its spans point at memory of its own (each also
 * NUL-terminated; a span because JSON can carry NUL bytes). Any thread, one at a time.
 * Source: nats-server's ClientOpts and Go's encoding/json. */
#ifndef PROTO_CONNECT_H
#define PROTO_CONNECT_H

#include "base/span.h"
#include "base/status.h"

enum { CONNECT_DEPTH_MAX = 32 };        /* arrays and objects, the outermost included */

struct connect_options {
    bool echo, verbose, pedantic;       /* true unless the client says otherwise */
    bool tls_required, new_account, headers, no_responders;
    int64_t protocol;
    struct span nkey, jwt, sig, auth_token, user, pass;         /* empty: not given */
    struct span name, lang, version, account, remote_account, proxy_sig;
};

/* Defaults, nothing owned. */
void connect_options_init(struct connect_options *o);

/* Wipe and free all strings; o is as after init. */
void connect_options_fini(struct connect_options *o);

/* Apply the JSON text to o. A key that is absent or null keeps the value that o has, so a second
 * CONNECT on a connection builds on the first, as with nats-server. Keys compare without case,
 * the last of equal ones counts, unknown keys are ignored, bad UTF-8 and lone surrogates become
 * U+FFFD. BAD_JSON: not JSON, not
 * an object, a value of the wrong type, deeper than CONNECT_DEPTH_MAX, or a number outside 64
 * bits; o may then be partly changed. json is borrowed for the call. O(length), no recursion of
 * unbounded depth. */
MUST_USE enum status connect_options_parse(struct connect_options *o, struct span json,
                                           struct error *why);

/* Replace one of o's strings (a cookie's value, for instance) by a copy of value. */
void connect_options_set(struct span *field, struct span value);

#endif
