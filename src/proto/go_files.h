/* SPDX-License-Identifier: Apache-2.0 */
/* go_files.h - the files of a stream in nats-server's file store, as older snapshots hold them.
 *
 * In the tar of a snapshot (proto/tar_reader.h) of releases up to 2.14: meta.inf, meta.sum, the
 * blocks in order (before 2.10 each after its own index), the index (since 2.10), then meta.inf,
 * meta.sum and o.dat of each consumer. A snapshot that failed on the server ends with
 * errors.txt. */
#ifndef PROTO_GO_FILES_H
#define PROTO_GO_FILES_H

#include "base/span.h"

enum go_file_kind {
    GO_FILE_OTHER,              /* of no meaning to a restore */
    GO_FILE_ERRORS,             /* errors.txt: why the snapshot is not complete */
    GO_FILE_STREAM_META,        /* meta.inf: JSON, the configuration and "Created" */
    GO_FILE_STREAM_SUM,         /* meta.sum: see go_files_meta_matches */
    GO_FILE_BLOCK,              /* msgs/N.blk: proto/go_block.h */
    GO_FILE_BLOCK_INDEX,        /* msgs/N.idx: proto/go_index.h */
    GO_FILE_INDEX,              /* msgs/index.db: proto/go_index.h */
    GO_FILE_CONSUMER_META,      /* obs/NAME/meta.inf: JSON, the configuration and "Created" */
    GO_FILE_CONSUMER_SUM,       /* obs/NAME/meta.sum */
    GO_FILE_CONSUMER_STATE,     /* obs/NAME/o.dat: proto/go_consumer.h */
};

struct go_file {
    enum go_file_kind kind;
    uint32_t block;             /* number of a block, or of a block index */
    struct span consumer;       /* name of a consumer; in the path */
};

/* What the file at path is. */
struct go_file go_files_classify(struct span path);

/* Whether sum is what meta.sum has to hold for meta.inf: HighwayHash-64 in hexadecimal, its key
 * the SHA-256 of "STREAM", or "STREAM/CONSUMER" when consumer is not empty. */
bool go_files_meta_matches(struct span stream, struct span consumer, struct span meta,
                           struct span sum);

#endif
