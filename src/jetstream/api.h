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

struct json_in_type;

struct api_request {
    struct js *js;
    struct js_account *account;
    const struct inbox_msg *msg;
    struct span subject;                /* as sent */
    struct span tokens[API_TOKENS_MAX]; /* after "$JS.API" */
    size_t token_count;
    struct span rest;                   /* subject from the last token that is held on */
    uint64_t position;                  /* the answer waits for it; set by handlers */
    struct buf answer;                  /* what the handler wrote */
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

/* The answer's object is open when a handler is called: {"type":"...", fields follow by r->w. */
/* Close the object and send it when r->position is durable. */
void api_answer(struct api_request *r);
/* Answer with an error instead of whatever was written. extra fields: none. */
void api_fail(struct api_request *r, const struct js_error *e);
void api_fail_with(struct api_request *r, enum js_err err);
void api_fail_arg(struct api_request *r, enum js_err err, const char *arg);
void api_fail_number(struct api_request *r, enum js_err err, uint64_t n);

/* Read the body, an object, into the struct to by type's table. An empty body reads nothing. False:
 * 10025 was answered. */
bool api_read_body(struct api_request *r, const struct json_in_type *type, void *to);
bool api_body_is_empty(const struct api_request *r);    /* nothing, white space or {} */
/* As api_read_body where nats-server passes over a body that begins neither object nor array. */
bool api_read_options(struct api_request *r, const struct json_in_type *type, void *to);

/* As stream_read. AGAIN: the request is put aside and handled anew when the message is there; the
 * handler just returns. */
enum status api_read_message(struct api_request *r, struct stream *s, uint64_t seq,
                             struct store_record *out);
enum status api_first_time(struct api_request *r, struct stream *s, int64_t *ns);
enum status api_seq_from_time(struct api_request *r, struct stream *s, int64_t ns, uint64_t *seq);

/* The stream named by token at, or NULL after answering 10059. */
struct stream *api_find_stream(struct api_request *r, size_t at);

#endif
