/* SPDX-License-Identifier: Apache-2.0 */
/* tar_reader.h - the tar of a stream's files in the snapshots of nats-server before 2.15.
 *
 * Sans I/O. What the S2 stream of such a snapshot holds (proto/s2.h): a POSIX tar with pax headers
 * of regular files only; proto/go_files.h says which. Anything else is refused: links, devices,
 * folders, sparse files, names that lead elsewhere. Nothing is ever written to a path. */
#ifndef PROTO_TAR_READER_H
#define PROTO_TAR_READER_H

#include "base/buf.h"
#include "base/status.h"

enum {
    TAR_BLOCK_BYTES = 512,
    TAR_NAME_BYTES_MAX = 1024,
    TAR_PAX_BYTES_MAX = 16 << 10,       /* of a file's pax header */
};

enum tar_event_kind {
    TAR_MORE,                   /* all bytes are used; more are needed */
    TAR_FILE,                   /* a file begins: name, size */
    TAR_DATA,                   /* data: its next bytes */
    TAR_FILE_END,               /* all size bytes were handed out */
    TAR_END,                    /* the tar is complete; what follows is ignored */
};

struct tar_event {
    enum tar_event_kind kind;
    struct span name;           /* relative, no empty, "." or ".." part; until the next call */
    uint64_t size;
    struct span data;           /* in the caller's bytes, not empty */
};

struct tar_reader {                     /* private but for file_max */
    uint64_t file_max;
    int phase;
    unsigned char block[TAR_BLOCK_BYTES];
    size_t block_len;
    uint64_t left, padding;             /* of the file's content */
    bool has_size, has_path;            /* the pax header gave them */
    uint64_t size;
    struct buf pax, path;               /* path: of the pax header or the head */
};

/* file_max: the largest size of a file in bytes. */
void tar_reader_init(struct tar_reader *r, uint64_t file_max);
void tar_reader_fini(struct tar_reader *r);

/* Read from in until there is an event; *used bytes are not to be given again. The tar may be cut
 * anywhere. BAD_INPUT: no tar, or a bad name; UNSUPPORTED: an entry that is no regular file;
 * LIMIT: a file, name or pax header is too large. After an error the reader is of no use. */
MUST_USE enum status tar_read(struct tar_reader *r, struct span in, size_t *used,
                              struct tar_event *event, struct error *why);

/* At the end of the input: OK after TAR_END, else BAD_INPUT. */
MUST_USE enum status tar_read_end(const struct tar_reader *r, struct error *why);

#endif
