/* SPDX-License-Identifier: Apache-2.0 */
/* stream_info.h - StreamInfo and its state as JSON, in nats-server's order of fields. */
#ifndef JETSTREAM_STREAM_INFO_H
#define JETSTREAM_STREAM_INFO_H

#include "base/jsonw.h"
#include "jetstream/stream.h"

struct stream_info_wishes {
    int64_t first_ns;                   /* of stream_first_time */
    bool deleted;                       /* list the removed sequences */
    bool domain, cluster;               /* as INFO has them and CREATE has not */
    bool stored_metadata;               /* without the server's version and level: as LIST has it */
    struct span subjects_filter;        /* list subjects and their counts; empty: don't */
    uint64_t offset;                    /* into that list */
};

#define STREAM_INFO_SUBJECTS_MAX 100000 /* in one answer */

/* Fields config to ts, without braces. *subjects: how many match the filter. O(what is listed). */
void stream_info_write(struct stream *s, const struct stream_info_wishes *wishes,
                       struct jsonw *w, uint64_t *subjects);

/* The object "state". As above. */
void stream_info_write_state(struct stream *s, const struct stream_info_wishes *wishes,
                             struct jsonw *w, uint64_t *subjects);

/* A time, or the zero time of Go for 0. */
void stream_info_write_time(struct jsonw *w, const char *key, int64_t wall_ns);

#endif
