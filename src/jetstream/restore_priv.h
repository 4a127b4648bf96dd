/* SPDX-License-Identifier: Apache-2.0 */
/* restore_priv.h - how the files of a restore call each other. Inside jetstream/ only. */
#ifndef JETSTREAM_RESTORE_PRIV_H
#define JETSTREAM_RESTORE_PRIV_H

#include "jetstream/consumer_config.h"
#include "jetstream/restore.h"
#include "jetstream/stream.h"
#include "jetstream/transfer.h"
#include "proto/archive.h"
#include "proto/go_block.h"
#include "proto/go_files.h"
#include "proto/go_index.h"
#include "proto/s2.h"
#include "proto/tar_reader.h"

struct consumer;
struct go_consumer_state;

struct restore_archive {                /* nats-server 2.15 */
    struct archive_reader reader;
    struct archive_message message;     /* to be stored, while busy */
    uint64_t first_seq, last_seq;       /* of the state */
    int64_t last_ns;
    uint64_t seq;                       /* of the last message */
    uint64_t consumers;                 /* to come */
    bool has_state;
};

struct restore_block {                  /* one that was read */
    uint32_t number;
    uint64_t first_seq;                 /* of its messages */
};

struct restore_tar {                    /* nats-server before 2.15 */
    struct tar_reader reader;
    struct go_file file;                /* the one being read; its consumer stands in consumer */
    struct buf consumer;
    struct buf bytes;                   /* of a file that is read whole */
    struct span data;                   /* of a block, not read yet, while busy */
    struct go_block_reader block;
    bool in_block, has_record;
    struct go_record record;            /* to be applied, while busy */
    uint64_t block_last;                /* the highest sequence in this block */
    uint32_t last_block;                /* number of the last block, and its last hash */
    uint64_t last_hash;
    struct buf blocks;                  /* struct restore_block, with messages, ascending */
    struct go_index index;              /* of the whole stream, or of block files so far */
    bool has_index, has_block_index;
    bool checking;                      /* messages against the index, while busy */
    uint64_t check_seq;
    size_t check_block;
    struct buf meta;                    /* of the stream or consumer, until its sum is there */
};

struct restore {
    struct transfer transfer;
    struct inbox_target target;
    struct sub *sub;
    struct js *js;
    struct js_account *account;
    char *name, *client;
    struct stream_config config;        /* until the stream is begun */
    struct stream *stream;              /* referred to; NULL before */
    struct list queue;                  /* chunks */
    size_t queue_bytes, at;             /* at: used of the first chunk */
    uint64_t total;                     /* bytes taken */
    struct s2_decoder s2;
    struct span block;                  /* decoded, not read yet */
    enum restore_form { FORM_UNKNOWN, FORM_ARCHIVE, FORM_TAR } form;
    struct restore_archive archive;
    struct restore_tar tar;
    bool busy;                          /* feed again, without new bytes */
    bool complete;                      /* all is read; what follows is ignored */
    bool published, ended;
    struct js_error error;              /* once something failed */
    int64_t start_ns, active_ns;
    struct timer timer;
    struct store_wait wait;
    struct buf reply;                   /* of the end */
};

/* Note the error, as 10062 with that text; always BAD_INPUT. */
enum status restore_fail(struct restore *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
enum status restore_fail_with(struct restore *r, enum js_err err);      /* as it is */

/* Make the stream. BAD_INPUT after an error. */
enum status restore_begin_stream(struct restore *r, int64_t created_ns, uint64_t first_seq);
/* Store a message; sequences up to it that did not come are gaps. AGAIN: later, the same. */
enum status restore_message(struct restore *r, const struct archive_message *m);
/* No more messages: sequences were given out up to last, that one at last_ns (0: not known). */
void restore_last(struct restore *r, uint64_t last, int64_t last_ns);
/* Make a consumer from its configuration (tree: JSON) and name. */
enum status restore_consumer(struct restore *r, struct span name, const struct json_t *config,
                             int64_t created_ns, struct consumer **out);
enum status restore_consumer_progress(struct restore *r, struct span name, struct consumer *c,
                                      const struct go_consumer_state *state);
/* Whether that many bytes more may be stored. */
enum status restore_check_room(struct restore *r, uint64_t bytes);
/* Limits of a message's size. */
enum status restore_check_size(struct restore *r, uint64_t seq, uint64_t header, uint64_t body);

/* Read on; *used of in is not to be given again; sets busy and complete. OK, AGAIN, or BAD_INPUT
 * after an error. */
enum status restore_archive_feed(struct restore *r, struct span in, size_t *used);
enum status restore_tar_feed(struct restore *r, struct span in, size_t *used);
/* The input ends where it should not. */
enum status restore_archive_end(struct restore *r);
enum status restore_tar_end(struct restore *r);
void restore_archive_init(struct restore *r);
void restore_tar_init(struct restore *r);
void restore_archive_fini(struct restore *r);
void restore_tar_fini(struct restore *r);

#endif
