/* SPDX-License-Identifier: Apache-2.0 */
/* ingest.h - one published message on its way into a stream: what the steps share. */
#ifndef JETSTREAM_INGEST_H
#define JETSTREAM_INGEST_H

#include "jetstream/errors.h"
#include "jetstream/pub_headers.h"
#include "jetstream/stream.h"

enum ingest_result {
    INGEST_DONE,
    INGEST_REFUSED,                     /* and answered */
    INGEST_LATER,                       /* nothing changed; the same message again next turn */
};

struct ingest {
    struct stream *stream;
    struct account *account;            /* of the publisher */
    struct span subject, reply, header, body;
    struct pub_headers headers;         /* of the block as it came */
    struct buf mapped, new_header, new_body;    /* what replaced the publisher's bytes */
    struct span counter_value;          /* of the ack of a counter; empty: none */
    bool copied;                        /* of another stream, which has checked it */
    int64_t time_ns;                    /* when it was stored there; 0: now */
    int64_t ttl_s, schedule_ns;         /* 0: none */
    uint64_t seq;                       /* what it got */
    const struct batch_effects *batch;  /* of earlier messages of its batch; NULL: not in one */
    uint64_t batch_count;               /* messages of the batch that it commits */
    bool duplicate;                     /* refused as such */
    enum js_err refused;                /* why; JS_OK: not, or there is no answer */
};

/* m and what it borrows must outlive in. Applies the stream's subject transform. */
void ingest_init(struct ingest *in, struct stream *s, const struct inbox_msg *m);
/* As ingest_init for a message that was held by a batch: transformed already. */
void ingest_init_held(struct ingest *in, struct stream *s, const struct inbox_msg *m);
void ingest_fini(struct ingest *in);

/* All of it: check, count, store, acknowledge. */
enum ingest_result ingest_take(struct ingest *in);

/* Headers' and sizes' checks; false: refused and answered. */
bool ingest_check(struct ingest *in);

/* Store what was checked; republish. Does not acknowledge. */
enum ingest_result ingest_store(struct ingest *in);

/* Answer when everything so far is durable. */
void ingest_send(struct ingest *in, struct span body);
void ingest_begin_ack(const struct ingest *in, struct buf *out, uint64_t seq);

/* Answer with an error; always false. */
bool ingest_refuse(struct ingest *in, const struct js_error *e);
bool ingest_refuse_with(struct ingest *in, enum js_err err);
bool ingest_refuse_arg(struct ingest *in, enum js_err err, const char *arg);
bool ingest_refuse_number(struct ingest *in, enum js_err err, uint64_t n);

/* Change the header that will be stored; in->headers still shows the old values. */
void ingest_set_header(struct ingest *in, struct span key, struct span value);
/* As ingest_set_header, in the place of the line that is there. */
void ingest_replace_header(struct ingest *in, struct span key, struct span value);
void ingest_remove_header(struct ingest *in, struct span key);

/* Publish the stored message once more as the stream's republish says. before: the subject's
 * last sequence until now. */
void ingest_republish(struct ingest *in, uint64_t before);

#endif
