/* SPDX-License-Identifier: Apache-2.0 */
/* api.h - requests on $JS.API.>: finding the handler, reading, answering.
 *
 * A handler reads its request, changes something, writes the answer's fields and ends with
 * api_answer. An answer that depends on a record waits for it. Errors leave at once unless they
 * depend on state that is in flight. */
#ifndef JETSTREAM_API_H
#define JETSTREAM_API_H

#include "jetstream/errors.h"
#include "jetstream/js.h"

#define API_TOKENS_MAX 32

struct json_t;

struct api_request {
    struct js *js;
    struct js_account *account;
    const struct inbox_msg *msg;
    struct span subject;                /* as sent */
    struct span tokens[API_TOKENS_MAX]; /* after "$JS.API" */
    size_t token_count;
    struct span rest;                   /* subject from the last token that is held on */
    uint64_t position;                  /* the answer waits for it; set by handlers */
    struct buf answer;                  /* what api_begin and the handler wrote */
    struct jsonw w;
    const char *type;                   /* "stream_info_response" */
    bool strict;
};

/* Who handles what: "STREAM.INFO.*" and so on; "*" is one token, ">" the rest. */
struct api_handler {
    const char *pattern;
    const char *type;                   /* io.nats.jetstream.api.v1.<type> */
    void (*handle)(struct api_request *r);
};

/* Handlers live in api_stream.c, api_message.c, api_consumer.c and so on, each with a table that
 * ends with a NULL pattern. */
extern const struct api_handler api_account_handlers[], api_stream_handlers[],
    api_message_handlers[], api_consumer_handlers[], api_snapshot_handlers[];

/* handle of an account's api target. */
bool api_handle(struct inbox_target *t, const struct inbox_msg *m);

/* Start the answer's object: {"type":"...", then fields by r->w. */
void api_begin(struct api_request *r);
/* Close the object and send it when r->position is durable. */
void api_answer(struct api_request *r);
/* Answer with an error instead of whatever was written. extra fields: none. */
void api_fail(struct api_request *r, const struct js_error *e);
void api_fail_with(struct api_request *r, enum js_err err);
void api_fail_arg(struct api_request *r, enum js_err err, const char *arg);

/* The body as a JSON object. Empty body: *out NULL. On errors it has answered (10025): false. */
bool api_read_object(struct api_request *r, struct json_t **out);

/* The stream named by token at, or NULL after answering 10059. */
struct stream *api_find_stream(struct api_request *r, size_t at);

#endif
