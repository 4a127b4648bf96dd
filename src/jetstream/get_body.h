/* SPDX-License-Identifier: Apache-2.0 */
/* get_body.h - the body of a request for stored messages, of MSG.GET and DIRECT.GET (ADR-31). */
#ifndef JETSTREAM_GET_BODY_H
#define JETSTREAM_GET_BODY_H

#include "jetstream/json_in.h"
#include "jetstream/stream_config.h"

struct get_body {
    uint64_t seq;
    char *last_for, *next_for;          /* last_by_subj, next_by_subj */
    int64_t batch, max_bytes;
    bool has_start_time, has_up_to_time, no_headers;
    int64_t start_time, up_to_time;     /* wall ns */
    struct js_texts multi_last;
    uint64_t up_to_seq;
};

extern const struct json_in_type get_body_type;

void get_body_free(struct get_body *b);

#endif
