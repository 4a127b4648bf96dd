/* SPDX-License-Identifier: Apache-2.0 */
/* restore.h - a stream from the chunks of a snapshot (inventory 4.9), of nats-server 2.15
 * (proto/archive.h) or before (proto/tar_reader.h).
 *
 * The stream is built unseen and appears, whole, when the sender says that that was all; after an
 * error, a stall of five seconds or a crash there is nothing. Each chunk is answered on its reply
 * subject when it was taken in: with an empty message, or with the error that ends the restore; the
 * empty chunk at the end with what STREAM.CREATE answers. On the home loop, a limited piece per
 * turn; memory: the chunks that were not answered, one decoded block, one message. */
#ifndef JETSTREAM_RESTORE_H
#define JETSTREAM_RESTORE_H

#include "jetstream/js.h"

struct restore_options {
    struct js_account *account;
    struct stream_config *config;       /* checked; taken over */
    struct span client;                 /* who asked, as JSON; for advisories */
};

/* Begin; deliver gets the subject for the chunks. BAD_SUBJECT: it can't be subscribed to. */
MUST_USE enum status restore_start(const struct restore_options *options, struct buf *deliver);

#endif
