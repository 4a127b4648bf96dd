/* SPDX-License-Identifier: Apache-2.0 */
/* record.h - the bytes of a segment file: file header, batches, records. No I/O, no state.
 *
 * A file is a header block, then batches. A batch begins on a block, carries its own header and
 * whole records, and is padded with zeros to the next block; a block is written once. A record is a
 * frame, what its form adds, extra and subject (together the head), header and body. Head and body
 * have a checksum each. Checksums of heads and batches are seeded with the segment's salt and the
 * place, so that bytes of a message, or a block written elsewhere, are never taken for a record.
 * Precisely: docs/format/store.md. */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include "base/status.h"
#include "store/store.h"

#define RECORD_VERSION 1
#define RECORD_BLOCK 4096               /* bytes a batch is aligned and padded to */
#define RECORD_ALIGN 8
#define RECORD_FILE_BYTES 72            /* of the header block that mean something */
#define RECORD_BATCH_BYTES 56
#define RECORD_FRAME_BYTES 56
#define RECORD_ID_BYTES 16
#define RECORD_SEAL_BYTES 56            /* an encrypted record is so much longer */
#define RECORD_TAG_BYTES 16
#define RECORD_NONCE_BYTES 24

enum record_kind {                      /* STORE_MESSAGE..STORE_CHECKPOINT, and the store's own */
    RECORD_END = 4,                     /* the group is deleted */
};

enum record_form {
    RECORD_MOVED = 1,                   /* copied from another segment: origin and round follow */
    RECORD_HAS_ID = 2,                  /* the group's id follows (checkpoints) */
    RECORD_SEALED = 4,                  /* encrypted: nonce and tag follow */
    RECORD_FORMS = 7,
};

struct record_salt {                    /* of one segment */
    uint32_t seed;
};

/* The header block of a file. */
struct record_file {
    struct store_id store;
    uint32_t segment;
    bool sealed;                        /* payloads are encrypted */
    uint64_t bytes;                     /* of the file as it was made; it may be longer */
    uint64_t base;                      /* the position of its first byte */
    uint64_t cut;                       /* batches of earlier segments from this position on, */
    uint64_t cut_end;                   /* and below this one, are void */
};

struct record_batch {
    uint32_t segment;
    uint64_t offset;                    /* in the file; a multiple of RECORD_BLOCK */
    uint64_t length;                    /* with its header, without the padding */
    uint64_t position;                  /* base + offset */
    uint64_t previous_end;              /* position where the batch before it ended, padded */
    uint64_t durable;                   /* all below was synced when this one was written */
    uint32_t count;                     /* records */
};

/* A record in memory, taken apart. Spans point into the image. */
struct record {
    uint8_t kind, flags, form;
    uint16_t subject_len, extra_len;
    uint32_t header_len, body_len;
    uint32_t group, size;
    uint64_t seq, index;                /* index: counts the group's records, a copy keeps it */
    int64_t time_ns;
    uint32_t body_crc;
    uint32_t origin, round;             /* moved: the segment it was copied from, and when */
    const uint8_t *id, *nonce;          /* has id, sealed; else NULL */
    const char *head;                   /* extra, subject */
    const char *body;                   /* tag if sealed, header, body */
    uint64_t bytes;                     /* all of it, padded to RECORD_ALIGN */
};

/* What seeds the checksums of a segment. The store's id is not told to anyone. */
struct record_salt record_salt(const struct store_id *store, uint32_t segment);

/* Bytes that r takes, padded. O(1). */
uint64_t record_bytes(const struct record *r);

/* The bytes of header and body as they stand, with the tag. */
static inline uint64_t record_body_bytes(const struct record *r)
{
    return (r->form & RECORD_SEALED ? RECORD_TAG_BYTES : 0u) + (uint64_t)r->header_len +
           r->body_len;
}

/* Write frame and what the form adds (origin, id; a nonce's place is left) to out, which has room
 * for record_bytes, and set r->head, r->body, r->bytes to where the rest belongs. The padding is
 * zeroed. Afterwards fill head and body, then record_finish. */
void record_begin(struct record *r, char *out);

/* Compute the checksums of what record_begin laid out; the body's only when with_body. at: the
 * record's place in the segment in bytes. O(bytes). */
void record_finish(struct record *r, char *out, struct record_salt salt, uint64_t at,
                   bool with_body);

/* Take the record at in apart; max: bytes there. OK: r is set, its head checked, not its body.
 * DAMAGED: there is none. O(head). */
MUST_USE enum status record_parse(const char *in, uint64_t max, struct record_salt salt,
                                  uint64_t at, struct record *r);

/* The length of the record whose first RECORD_FRAME_BYTES bytes stand at in, unchecked; 0: no
 * frame begins so. For reading just enough. */
uint64_t record_peek(const char *in);

bool record_body_is_good(const struct record *r);       /* O(body) */

/* Overwrite len bytes, from byte offset on, of what record_body_bytes counts of a record at rest,
 * with the pattern that says they were erased. */
void record_erase(char *p, uint64_t len, uint64_t offset);
bool record_is_erased(const struct record *r);          /* O(body) */

void record_put_file(char out[RECORD_BLOCK], const struct record_file *f);
/* UNSUPPORTED: a newer version. DAMAGED: no header or a bad one. */
MUST_USE enum status record_get_file(const char in[RECORD_BLOCK], struct record_file *f);

void record_put_batch(char out[RECORD_BATCH_BYTES], const struct record_batch *b,
                      struct record_salt salt);
/* DAMAGED: no batch of this segment and offset begins here. */
MUST_USE enum status record_get_batch(const char in[RECORD_BATCH_BYTES], uint32_t segment,
                                      uint64_t offset, struct record_salt salt,
                                      struct record_batch *b);

static inline uint64_t record_pad(uint64_t n)
{
    return (n + RECORD_ALIGN - 1) & ~(uint64_t)(RECORD_ALIGN - 1);
}

static inline uint64_t record_pad_block(uint64_t n)
{
    return (n + RECORD_BLOCK - 1) & ~(uint64_t)(RECORD_BLOCK - 1);
}

/* Little-endian fields. */
static inline void record_put16(char *p, uint16_t v)
{
    p[0] = (char)v;
    p[1] = (char)(v >> 8);
}

static inline void record_put32(char *p, uint32_t v)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap32(v);
#endif
    memcpy(p, &v, 4);
}

static inline void record_put64(char *p, uint64_t v)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    memcpy(p, &v, 8);
}

static inline uint16_t record_get16(const char *p)
{
    return (uint16_t)((uint8_t)p[0] | (uint8_t)p[1] << 8);
}

static inline uint32_t record_get32(const char *p)
{
    uint32_t v;

    memcpy(&v, p, 4);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap32(v);
#endif
    return v;
}

static inline uint64_t record_get64(const char *p)
{
    uint64_t v;

    memcpy(&v, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

#endif
