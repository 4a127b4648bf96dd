/* SPDX-License-Identifier: Apache-2.0 */
/* s2.c - framing and blocks of S2 and Snappy.
 *
 * Facts: google/snappy's format_description.txt and framing_format.txt; klauspost/compress's
 * s2/README.md for repeat offsets and larger blocks. Every length and offset of a block is checked
 * against what is left of the input, and of the output, before use. */
#include "proto/s2.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/mem.h"

enum {
    CHUNK_COMPRESSED = 0x00, CHUNK_UNCOMPRESSED = 0x01,
    CHUNK_SKIPPABLE_MIN = 0x80, CHUNK_IDENTIFIER = 0xff,
    CHECKSUM_BYTES = 4,
    IDENTIFIER_BYTES = 6,
    HASH_BITS = 14,
    TAIL_BYTES = 15,            /* of a block, emitted as literals: matching reads ahead */
};

/* Elements of a block: the low two bits of the first byte. */
enum { LITERAL, COPY_1, COPY_2, COPY_4 };

static const char identifier[] = "S2sTwO", snappy_identifier[] = "sNaPpY";

static uint32_t load_le(const unsigned char *p, unsigned bytes)
{
    uint32_t v = 0;

    for (unsigned i = 0; i < bytes; i++) v |= (uint32_t)p[i] << (8 * i);
    return v;
}

static void store_le(unsigned char *p, uint32_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) p[i] = (unsigned char)(v >> (8 * i));
}

/* Checksums of data that holds checksums are weak, so the format masks them. */
static uint32_t checksum_of(struct span bytes)
{
    uint32_t crc = crc32c(0, bytes.p, bytes.len);

    return (crc >> 15 | crc << 17) + UINT32_C(0xa282ead8);
}

/* Bytes that incompressible input of n bytes may take as a block, by any encoder in use. */
static size_t block_bytes_max(size_t n)
{
    return 32 + n + n / 6;
}

/* ---- decoding a block ---- */

struct block_reader {
    const unsigned char *in, *in_end;
    unsigned char *out;                 /* start of the output */
    size_t at, size;                    /* in the output */
    size_t offset;                      /* of the last copy; 0: none yet */
};

static bool read_le(struct block_reader *r, unsigned bytes, size_t *v)
{
    if ((size_t)(r->in_end - r->in) < bytes) return false;
    *v = load_le(r->in, bytes);
    r->in += bytes;
    return true;
}

static bool read_literal(struct block_reader *r, unsigned first)
{
    size_t length = first >> 2;

    if (length >= 60 && !read_le(r, (unsigned)length - 59, &length)) return false;
    if (length >= r->size - r->at || length >= (size_t)(r->in_end - r->in)) return false;
    length++;
    memcpy(r->out + r->at, r->in, length);
    r->in += length;
    r->at += length;
    return true;
}

/* Offset 0 of the short copy is S2's repeat: the last offset once more, with longer lengths. */
static bool read_repeat_length(struct block_reader *r, size_t *length)
{
    static const uint32_t more[] = { 4, 1 << 8, 1 << 16 };
    unsigned extra = *length >= 5 ? (unsigned)*length - 4 : 0;

    if (extra == 0) return true;
    if (!read_le(r, extra, length)) return false;
    *length += more[extra - 1];
    return true;
}

static bool read_copy(struct block_reader *r, unsigned first)
{
    unsigned kind = first & 3;
    size_t length = (first >> 2) + 1, offset;

    if (!read_le(r, kind == COPY_4 ? 4 : kind, &offset)) return false;
    if (kind == COPY_1) {
        length = first >> 2 & 7;
        offset |= (size_t)(first & 0xe0) << 3;
        if (offset == 0) {
            if (!read_repeat_length(r, &length)) return false;
            offset = r->offset;
        }
        length += 4;
    }
    r->offset = offset;
    if (offset == 0 || offset > r->at || length > r->size - r->at) return false;
    unsigned char *to = r->out + r->at;
    r->at += length;
    if (offset >= length) {
        memcpy(to, to - offset, length);
        return true;
    }
    for (; offset >= 8 && length >= 8; to += 8, length -= 8) memcpy(to, to - offset, 8);
    for (size_t i = 0; i < length; i++) to[i] = *(to + i - offset);
    return true;
}

static bool decode_elements(struct block_reader *r)
{
    while (r->in < r->in_end) {
        unsigned first = *r->in++;
        if (!((first & 3) == LITERAL ? read_literal(r, first) : read_copy(r, first))) return false;
    }
    return r->at == r->size;
}

/* The varint before the elements; *used is its length. */
static enum status read_decoded_bytes(struct span block, size_t *bytes, size_t *used)
{
    uint64_t v = 0;

    for (size_t i = 0; i < block.len && i < 5; i++) {
        unsigned char c = (unsigned char)block.p[i];
        v |= (uint64_t)(c & 0x7f) << (7 * i);
        if (c & 0x80) continue;
        if (v > S2_BLOCK_BYTES_MAX) return ST_LIMIT;
        *bytes = (size_t)v;
        *used = i + 1;
        return ST_OK;
    }
    return ST_BAD_INPUT;
}

enum status s2_block_decoded_bytes(struct span block, size_t *bytes)
{
    size_t used;

    return read_decoded_bytes(block, bytes, &used);
}

enum status s2_block_decode(struct span block, struct buf *out)
{
    size_t bytes, used;
    enum status st = read_decoded_bytes(block, &bytes, &used);

    if (st != ST_OK) return st;
    buf_reserve(out, bytes + 1u);         /* never NULL */
    struct block_reader r = {
        .in = (const unsigned char *)block.p + used,
        .in_end = (const unsigned char *)block.p + block.len,
        .out = (unsigned char *)out->p + out->len, .size = bytes,
    };
    if (!decode_elements(&r)) return ST_BAD_INPUT;
    out->len += bytes;
    return ST_OK;
}

/* ---- decoding a stream ---- */

void s2_decoder_fini(struct s2_decoder *d)
{
    buf_free(&d->chunk);
    buf_free(&d->block);
}

/* Judge the head of a chunk before its body is waited for. */
static enum status begin_chunk(struct s2_decoder *d, struct error *why)
{
    unsigned type = d->head[0];
    uint32_t block_max = d->snappy ? S2_SNAPPY_BLOCK_BYTES_MAX : S2_BLOCK_BYTES_MAX;

    d->left = load_le(d->head + 1, 3);
    d->chunk.len = 0;
    if (!d->started && type != CHUNK_IDENTIFIER)
        return error_set(why, ST_BAD_INPUT, "S2 stream: no stream identifier");
    if (type == CHUNK_IDENTIFIER)
        return d->left == IDENTIFIER_BYTES ? ST_OK :
            error_set(why, ST_BAD_INPUT, "S2 stream: invalid stream identifier");
    if (type >= CHUNK_SKIPPABLE_MIN) return ST_OK;
    if (type > CHUNK_UNCOMPRESSED)
        return error_set(why, ST_UNSUPPORTED, "S2 stream: unknown chunk type 0x%02x", type);
    if (d->left < CHECKSUM_BYTES)
        return error_set(why, ST_BAD_INPUT, "S2 stream: chunk of %u bytes", (unsigned)d->left);
    if (d->left - CHECKSUM_BYTES > (type == CHUNK_COMPRESSED ? block_bytes_max(block_max)
                                                             : block_max))
        return error_set(why, ST_LIMIT, "S2 stream: chunk of %u bytes", (unsigned)d->left);
    return ST_OK;
}

static enum status end_identifier(struct s2_decoder *d, struct error *why)
{
    struct span body = buf_span(&d->chunk);

    d->started = true;
    d->snappy = span_is(body, snappy_identifier);
    if (d->snappy || span_is(body, identifier)) return ST_OK;
    return error_set(why, ST_BAD_INPUT, "S2 stream: invalid stream identifier");
}

static enum status end_data(struct s2_decoder *d, struct span *out, struct error *why)
{
    uint32_t checksum = load_le((const unsigned char *)d->chunk.p, CHECKSUM_BYTES);
    struct span body = span_from(buf_span(&d->chunk), CHECKSUM_BYTES), block = body;
    size_t bytes;

    if (d->head[0] == CHUNK_COMPRESSED) {
        enum status st = s2_block_decoded_bytes(body, &bytes);
        if (st == ST_OK && d->snappy && bytes > S2_SNAPPY_BLOCK_BYTES_MAX) st = ST_LIMIT;
        if (st == ST_LIMIT) return error_set(why, st, "S2 stream: block too large");
        d->block.len = 0;
        if (st == ST_OK) st = s2_block_decode(body, &d->block);
        if (st != ST_OK) return error_set(why, st, "S2 stream: corrupt block");
        block = buf_span(&d->block);
    }
    if (checksum_of(block) != checksum)
        return error_set(why, ST_BAD_INPUT, "S2 stream: checksum mismatch");
    *out = block;
    return ST_OK;
}

static enum status end_chunk(struct s2_decoder *d, struct span *out, struct error *why)
{
    d->head_len = 0;
    if (d->head[0] == CHUNK_IDENTIFIER) return end_identifier(d, why);
    return d->head[0] <= CHUNK_UNCOMPRESSED ? end_data(d, out, why) : ST_OK;
}

enum status s2_decode(struct s2_decoder *d, struct span in, size_t *used, struct span *out,
                      struct error *why)
{
    enum status st = ST_OK;
    size_t at = 0;

    *used = 0;
    *out = SPAN_NONE;
    if (d->failed) return error_set(why, ST_BAD_INPUT, "S2 stream: failed before");
    while (st == ST_OK && out->len == 0 && at < in.len) {
        if (d->head_len < sizeof d->head) {
            d->head[d->head_len++] = (unsigned char)in.p[at++];
            if (d->head_len < sizeof d->head) continue;
            st = begin_chunk(d, why);
        }
        if (st != ST_OK) break;
        size_t n = in.len - at < d->left ? in.len - at : d->left;
        if (d->head[0] <= CHUNK_UNCOMPRESSED || d->head[0] == CHUNK_IDENTIFIER)
            buf_append(&d->chunk, in.p + at, n);
        at += n;
        d->left -= (uint32_t)n;
        if (d->left == 0) st = end_chunk(d, out, why);
    }
    d->failed = st != ST_OK;
    *used = at;
    return st;
}

enum status s2_decode_end(const struct s2_decoder *d, struct error *why)
{
    if (d->failed) return error_set(why, ST_BAD_INPUT, "S2 stream: failed before");
    if (d->started && d->head_len == 0) return ST_OK;
    return error_set(why, ST_BAD_INPUT, "S2 stream: ends too early");
}

/* ---- encoding a block ---- */

struct block_writer {
    const unsigned char *in;
    size_t size;                        /* at most S2_ENCODED_BLOCK_BYTES */
    size_t at, emitted;                 /* in the input */
    size_t match;                       /* where the bytes at "at" stand, too */
    unsigned char *out;                 /* next byte of the output, which has room */
    uint16_t *table;                    /* hash of four bytes -> where they stood last */
    unsigned shift;
};

static uint32_t load_32(const unsigned char *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

static uint16_t *slot_of(const struct block_writer *w, size_t at)
{
    return &w->table[load_32(w->in + at) * UINT32_C(0x1e35a7bd) >> w->shift];
}

/* Enter the bytes at "at"; true when they are a match. */
static bool look_up(struct block_writer *w)
{
    uint16_t *slot = slot_of(w, w->at);

    w->match = *slot;
    *slot = (uint16_t)w->at;
    return load_32(w->in + w->match) == load_32(w->in + w->at);
}

static void emit_literal(struct block_writer *w, size_t end)
{
    size_t length = end - w->emitted;

    if (length == 0) return;
    if (length <= 60) {
        *w->out++ = (unsigned char)((length - 1) << 2 | LITERAL);
    } else if (length <= 256) {
        *w->out++ = 60 << 2 | LITERAL;
        *w->out++ = (unsigned char)(length - 1);
    } else {
        *w->out++ = 61 << 2 | LITERAL;
        store_le(w->out, (uint32_t)length - 1, 2);
        w->out += 2;
    }
    memcpy(w->out, w->in + w->emitted, length);
    w->out += length;
    w->emitted = end;
}

static void emit_copy_2(struct block_writer *w, size_t offset, size_t length)
{
    *w->out++ = (unsigned char)((length - 1) << 2 | COPY_2);
    store_le(w->out, (uint32_t)offset, 2);
    w->out += 2;
}

/* Leave at least four bytes for the last element: the short one has no fewer. */
static void emit_copy(struct block_writer *w, size_t offset, size_t length)
{
    for (; length >= 68; length -= 64) emit_copy_2(w, offset, 64);
    if (length > 64) {
        emit_copy_2(w, offset, 60);
        length -= 60;
    }
    if (length >= 12 || offset >= 2048) {
        emit_copy_2(w, offset, length);
        return;
    }
    *w->out++ = (unsigned char)((offset >> 8) << 5 | (length - 4) << 2 | COPY_1);
    *w->out++ = (unsigned char)offset;
}

/* The longer nothing matches, the larger the steps: incompressible input passes quickly. */
static bool find_match(struct block_writer *w, size_t limit)
{
    for (size_t skip = 32; w->at <= limit; w->at += skip++ >> 5)
        if (look_up(w)) return true;
    return false;
}

static size_t matching_end(const struct block_writer *w)
{
    size_t a = w->match + 4, b = w->at + 4;

    while (b + 8 <= w->size) {
        uint64_t x, y;
        memcpy(&x, w->in + a, 8);
        memcpy(&y, w->in + b, 8);
        if (x != y) break;
        a += 8;
        b += 8;
    }
    while (b < w->size && w->in[a] == w->in[b]) {
        a++;
        b++;
    }
    return b;
}

static void write_elements(struct block_writer *w)
{
    size_t limit = w->size < TAIL_BYTES ? 0 : w->size - TAIL_BYTES;

    for (w->at = 1; find_match(w, limit);) {
        emit_literal(w, w->at);
        do {
            size_t end = matching_end(w);
            emit_copy(w, w->at - w->match, end - w->at);
            w->at = w->emitted = end;
            if (end > limit) break;
            *slot_of(w, end - 1) = (uint16_t)(end - 1);
        } while (look_up(w));
        w->at++;
    }
    emit_literal(w, w->size);
}

/* Write the block of in to out, which has room for block_bytes_max; returns its length. */
static size_t encode_block(struct span in, unsigned char *out, uint16_t *table)
{
    unsigned bits = 8;
    struct block_writer w = { .in = (const unsigned char *)in.p, .size = in.len, .table = table };
    size_t left = in.len;

    while (bits < HASH_BITS && (size_t)1 << bits < in.len) bits++;
    memset(table, 0, sizeof *table << bits);
    w.shift = 32 - bits;
    w.out = out;
    for (; left >= 0x80; left >>= 7) *w.out++ = (unsigned char)(left | 0x80);
    *w.out++ = (unsigned char)left;
    write_elements(&w);
    return (size_t)(w.out - out);
}

/* ---- encoding a stream ---- */

void s2_encoder_fini(struct s2_encoder *e)
{
    buf_free(&e->block);
    mem_free(e->table);
    e->table = NULL;
}

/* Append one chunk; the block is left as it is when compression saves less than an eighth. */
static void append_chunk(struct s2_encoder *e, struct span block, struct buf *out)
{
    unsigned char *head;
    size_t bytes;
    unsigned type = CHUNK_COMPRESSED;

    assert(block.len <= S2_ENCODED_BLOCK_BYTES);
    if (e->table == NULL) e->table = mem_alloc(sizeof *e->table << HASH_BITS);
    buf_reserve(out, 4 + CHECKSUM_BYTES + block_bytes_max(block.len));
    head = (unsigned char *)out->p + out->len;
    bytes = encode_block(block, head + 4 + CHECKSUM_BYTES, e->table);
    if (bytes >= block.len - block.len / 8) {
        type = CHUNK_UNCOMPRESSED;
        bytes = block.len;
        memcpy(head + 4 + CHECKSUM_BYTES, block.p, bytes);
    }
    head[0] = (unsigned char)type;
    store_le(head + 1, (uint32_t)bytes + CHECKSUM_BYTES, 3);
    store_le(head + 4, checksum_of(block), CHECKSUM_BYTES);
    out->len += 4 + CHECKSUM_BYTES + bytes;
}

static void start_stream(struct s2_encoder *e, struct buf *out)
{
    static const unsigned char head[4] = { CHUNK_IDENTIFIER, IDENTIFIER_BYTES };

    if (e->started) return;
    e->started = true;
    buf_append(out, head, sizeof head);
    buf_append_text(out, identifier);
}

void s2_encode(struct s2_encoder *e, struct span in, struct buf *out)
{
    start_stream(e, out);
    while (in.len > 0) {
        size_t room = S2_ENCODED_BLOCK_BYTES - e->block.len;
        size_t n = in.len < room ? in.len : room;
        if (n == S2_ENCODED_BLOCK_BYTES) {
            append_chunk(e, span_make(in.p, n), out);
        } else {
            buf_append(&e->block, in.p, n);
            if (e->block.len == S2_ENCODED_BLOCK_BYTES) s2_encode_flush(e, out);
        }
        in = span_from(in, n);
    }
}

void s2_encode_flush(struct s2_encoder *e, struct buf *out)
{
    start_stream(e, out);
    if (e->block.len == 0) return;
    append_chunk(e, buf_span(&e->block), out);
    e->block.len = 0;
}
