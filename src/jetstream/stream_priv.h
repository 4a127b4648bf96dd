/* SPDX-License-Identifier: Apache-2.0 */
/* stream_priv.h - how the files of a stream call each other. Inside jetstream/ only. */
#ifndef JETSTREAM_STREAM_PRIV_H
#define JETSTREAM_STREAM_PRIV_H

#include "jetstream/stream.h"

extern const struct store_group_ops stream_group_ops;

enum {                                  /* flags of message records */
    STREAM_HAS_EXTRA = 1,               /* message id, TTL or a schedule's time, in extra */
    STREAM_HAS_ORIGIN = 2,              /* copied: extra begins with number and sequence of where
                                           it comes from */
};

/* stream.c */
struct stream *stream_alloc(struct js_account *a, struct stream_config *config);
void stream_start(struct stream *s);    /* subscribe, arm timers */
void stream_compile(struct stream *s);  /* transforms of a checked config */
void stream_mark_dirty(struct stream *s);
/* The bytes of a message turned out to be damaged: logged once, and told in stream info. */
void stream_note_damaged(struct stream *s, uint64_t seq);
void stream_usage(struct stream *s, int64_t bytes);     /* account and server, of its storage */
void stream_reserve(struct stream *s, int64_t bytes);   /* max_bytes promised */

/* stream_ingest.c */
bool stream_handle(struct inbox_target *t, const struct inbox_msg *m);

/* stream_store.c */
void stream_enforce_limits(struct stream *s);                   /* of everything */
void stream_enforce_limits_of(struct stream *s, uint32_t subject);      /* after one message */
void stream_note_removed(struct stream *s, uint64_t first, uint64_t last);

/* stream_expiry.c */
void stream_arm_expiry(struct stream *s);        /* look at everything anew */
void stream_note_ttl(struct stream *s, uint64_t seq, int64_t time_ns, int64_t ttl_s);
void stream_expect_expiry(struct stream *s, int64_t due_ns);    /* something is due then */
void stream_on_expiry(struct timer *t, void *loop);
void stream_on_expiry_read(struct store_wait *w);

/* stream_log.c: records of state. */
void stream_log_removed(struct stream *s);
void stream_log_sources(struct stream *s);       /* positions that moved */
void stream_checkpoint(struct stream *s);
/* The messages of an atomic batch begin with seq, or have ended. */
void stream_log_batch(struct stream *s, uint64_t seq, bool begins);
enum status stream_log_config(struct stream *s, uint64_t *position);
/* Extra facts of a message, in its record's extra. */
struct stream_extra {
    struct span msg_id;                 /* empty: none */
    int64_t ttl_s, schedule_ns;         /* 0: none */
    uint64_t source, source_seq;        /* number (source_positions.h), sequence; 0: not copied */
};
/* Append them and return the flags that they need. */
uint8_t stream_put_extra(struct buf *out, const struct stream_extra *x);
/* False: not such bytes. */
bool stream_get_extra(const struct store_record *r, struct stream_extra *x);

#endif
