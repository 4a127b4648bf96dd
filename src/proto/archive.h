/* SPDX-License-Identifier: Apache-2.0 */
/* archive.h - the archive of a stream in the snapshots of nats-server 2.15 ("NATSARC1").
 *
 * Sans I/O. The archive is what the S2 stream of a snapshot holds (proto/s2.h): the magic, then
 * entries of uvarint name length, varint time stamp, uvarint sequence, uvarint header length,
 * uvarint payload length, name, headers, payload. In this order: "state.json"; "consumers/NAME"
 * for each consumer; the messages, named by their subjects, in ascending order of sequences with
 * deleted ones left out; one entry with all fields zero as the end. Releases up to 2.14 write
 * another form (proto/tar_reader.h), which does not begin with the magic. */
#ifndef PROTO_ARCHIVE_H
#define PROTO_ARCHIVE_H

#include "base/buf.h"
#include "base/status.h"

#define ARCHIVE_MAGIC "NATSARC1"

/* Bytes of a name, including "consumers/". */
enum { ARCHIVE_NAME_BYTES_MAX = UINT16_MAX };

/* ---- writing: each appends to out; an archive is state, consumers, messages, end ---- */

struct archive_message {
    uint64_t seq;                       /* not 0 */
    int64_t timestamp_ns;               /* since 1970 */
    struct span subject, headers, body; /* headers: the whole block, or empty */
};

/* The magic and the stream's state: json as in an answer to STREAM.INFO, with consumer_count the
 * number of consumers that follow. */
void archive_append_state(struct buf *out, struct span json, int64_t now_ns);

/* json: {"config":...,"state":...}. name at most ARCHIVE_NAME_BYTES_MAX - 10 bytes. */
void archive_append_consumer(struct buf *out, struct span name, struct span json, int64_t now_ns);
void archive_append_message(struct buf *out, const struct archive_message *message);
void archive_append_end(struct buf *out);

/* ---- reading ---- */

enum archive_event_kind {
    ARCHIVE_MORE,               /* all bytes are used; more are needed */
    ARCHIVE_STATE,              /* once, first: json */
    ARCHIVE_CONSUMER,           /* name, json */
    ARCHIVE_MESSAGE,            /* message */
    ARCHIVE_END,                /* complete; what follows is ignored */
};

struct archive_event {
    enum archive_event_kind kind;
    struct span name, json;     /* like the message's spans: until the next call */
    struct archive_message message;
};

struct archive_limits {         /* bytes */
    uint64_t json_max;          /* of the state, and of each consumer */
    uint64_t message_max;       /* headers and body of a message together */
};

struct archive_reader {         /* private but for limits */
    struct archive_limits limits;
    int phase;
    unsigned field, shift;      /* of the head being read */
    uint64_t fields[5];
    uint64_t left;              /* bytes of magic, name or content to come */
    uint64_t last_seq;
    int section;                /* what has been seen: nothing, state, messages */
    struct buf bytes;           /* name and content of the entry so far */
};

/* Make *r ready to read one archive. */
void archive_reader_init(struct archive_reader *r, const struct archive_limits *limits);
void archive_reader_fini(struct archive_reader *r);

/* Read from in until there is an event; *used bytes are not to be given again. The archive may be
 * cut anywhere. BAD_INPUT: no archive, or entries out of order; LIMIT: an entry is too large, said
 * before its content is read. why has nats-server's words where it has any. After an error the
 * reader is of no use. Memory: one entry. What the reader does not judge: the JSON, the number of
 * consumers, subjects (but that there is one), header blocks. */
MUST_USE enum status archive_read(struct archive_reader *r, struct span in, size_t *used,
                                  struct archive_event *event, struct error *why);

/* At the end of the input: OK after ARCHIVE_END, else BAD_INPUT. */
MUST_USE enum status archive_read_end(const struct archive_reader *r, struct error *why);

#endif
