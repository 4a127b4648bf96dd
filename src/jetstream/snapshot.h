/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot.h - a stream as a file of its own, sent in chunks (ADR-2, inventory 4.9).
 *
 * The archive (proto/archive.h, as an S2 stream) holds the stream's state at the start, its
 * consumers and the messages up to the last one of that moment; those removed while it is sent are
 * left out. Chunks go to the deliver subject, each with a reply subject on which the receiver
 * acknowledges it; at most a window of them is under way. The last, shorter one carries no reply;
 * an empty message with a status ends it all. On the home loop, a limited piece per turn. */
#ifndef JETSTREAM_SNAPSHOT_H
#define JETSTREAM_SNAPSHOT_H

#include "jetstream/stream.h"

struct snapshot_options {
    struct span deliver;                /* a literal subject */
    struct span client;                 /* who asked, as JSON; for advisories */
    bool consumers;                     /* include them */
    int64_t chunk_size, window_size;    /* bytes; 0: default; brought into nats-server's limits */
    int64_t first_ns;                   /* time of the stream's first message */
};

/* Begin. It goes on by itself and lets go of the stream at its end, whatever that is: complete,
 * "408 No Interest", "408 No Flow Response" or "500 ...". O(consumers and what is pending in
 * them). */
void snapshot_start(struct stream *s, const struct snapshot_options *options);

/* The object under key (NULL: at the top) that stands for the stream's state, as nats-server's
 * StreamState. */
void snapshot_write_state(struct stream *s, int64_t first_ns, uint64_t consumers,
                          struct jsonw *w, const char *key);

#endif
