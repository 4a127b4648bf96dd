/* SPDX-License-Identifier: Apache-2.0 */
/* advisory.h - events that people listen to: $JS.EVENT.ADVISORY.> and $JS.EVENT.METRIC.>
 *
 * An advisory is written only when somebody listens. */
#ifndef JETSTREAM_ADVISORY_H
#define JETSTREAM_ADVISORY_H

#include "base/jsonw.h"
#include "jetstream/api.h"
#include "jetstream/js.h"

struct stream;

struct advisory {
    struct js *js;
    struct account *account;
    char subject[1024];
    struct buf body;
    struct jsonw w;                     /* in the open object: the common fields are written */
};

/* Begin one of this type ("advisory.v1.stream_action") on the subject. False: nobody listens, or
 * the subject is too long; there is nothing to end then. */
bool advisory_begin(struct advisory *a, struct js *js, struct account *account, const char *type,
                    const char *subject, ...) PRINTF_LIKE(5, 6);
/* Add the domain, close the object, send it when position is durable. */
void advisory_end(struct advisory *a, uint64_t position);

/* "STREAM.CREATED" and "create" and so on. */
void advisory_stream(struct stream *s, const char *subject, const char *action);
/* What was asked and answered; for requests that were answered with JSON. */
void advisory_api(const struct api_request *r, uint64_t position);

/* ---- advisory_transfer.c ---- */

/* An atomic batch will never be committed: "timeout", "large", "incomplete", "unsupported". Told in
 * the stream's account and the system account. */
void advisory_batch_abandoned(struct stream *s, struct span id, const char *reason);

/* client: as JSON, or empty. */
void advisory_snapshot_begun(struct stream *s, struct span client, int64_t first_ns);
/* error NULL: it is complete. start_ns: wall clock. */
void advisory_snapshot_ended(struct stream *s, struct span client, int64_t start_ns,
                             const char *error);
void advisory_restore_begun(struct js_account *a, struct span stream, struct span client);

struct advisory_restore {
    struct span stream, client;
    int64_t start_ns;                   /* wall clock */
    uint64_t bytes;                     /* received */
};
void advisory_restore_ended(struct js_account *a, const struct advisory_restore *r);

/* "client":{...} as it was noted with a request, or null. */
void advisory_write_client(struct advisory *a, struct span client);

#endif
