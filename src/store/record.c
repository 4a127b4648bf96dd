/* SPDX-License-Identifier: Apache-2.0 */
/* record.c - laying out and taking apart. Bytes read are checked before they are believed: first
 * that lengths fit what is there, then the checksum. */
#include "store/record.h"

#include "base/assert.h"
#include "base/crc32c.h"

#define FILE_MAGIC "MYELSEG1"
#define BATCH_MAGIC UINT32_C(0x48435442)        /* "BTCH" */
#define FILE_SEALED 1u

static const char erased[] = "ERASED\r\n";

struct record_salt record_salt(const struct store_id *store, uint32_t segment)
{
    char n[4];

    record_put32(n, segment);
    return (struct record_salt){ crc32c(crc32c(0, store->bytes, sizeof store->bytes), n, 4) };
}

static uint32_t seed_of(struct record_salt salt, uint64_t at)
{
    return salt.seed ^ (uint32_t)(at / RECORD_ALIGN) * UINT32_C(2654435761);
}

static uint64_t prefix_bytes(uint8_t form)
{
    return (form & RECORD_MOVED ? 8u : 0u) + (form & RECORD_HAS_ID ? RECORD_ID_BYTES : 0u) +
           (form & RECORD_SEALED ? RECORD_NONCE_BYTES + RECORD_TAG_BYTES : 0u);
}

static uint64_t head_bytes(const struct record *r)
{
    return RECORD_FRAME_BYTES + prefix_bytes(r->form) + r->extra_len + r->subject_len;
}

uint64_t record_bytes(const struct record *r)
{
    return record_pad(head_bytes(r) + record_body_bytes(r));
}

/* Point head, body and the rest into the record at in, whose lengths and form are set. */
static void set_places(struct record *r, char *in)
{
    char *p = in + RECORD_FRAME_BYTES + (r->form & RECORD_MOVED ? 8 : 0);

    r->id = r->form & RECORD_HAS_ID ? (const uint8_t *)p : NULL;
    if (r->id) p += RECORD_ID_BYTES;
    r->nonce = r->form & RECORD_SEALED ? (const uint8_t *)p : NULL;
    r->head = in + RECORD_FRAME_BYTES + prefix_bytes(r->form);
    r->body = r->head + r->extra_len + r->subject_len;
    r->bytes = record_bytes(r);
}

void record_begin(struct record *r, char *out)
{
    const uint8_t *id = r->id;
    uint64_t end = head_bytes(r) + record_body_bytes(r);

    out[8] = (char)r->kind;
    out[9] = (char)r->flags;
    out[10] = (char)r->form;
    out[11] = 0;
    record_put16(out + 12, r->subject_len);
    record_put16(out + 14, r->extra_len);
    record_put32(out + 16, r->header_len);
    record_put32(out + 20, r->body_len);
    record_put32(out + 24, r->group);
    record_put32(out + 28, r->size);
    record_put64(out + 32, r->seq);
    record_put64(out + 40, (uint64_t)r->time_ns);
    record_put64(out + 48, r->index);
    set_places(r, out);
    if (r->form & RECORD_MOVED) {
        record_put32(out + RECORD_FRAME_BYTES, r->origin);
        record_put32(out + RECORD_FRAME_BYTES + 4, r->round);
    }
    if (r->id && id) memcpy(out + (r->id - (uint8_t *)out), id, RECORD_ID_BYTES);
    memset(out + end, 0, r->bytes - end);
}

void record_finish(struct record *r, char *out, struct record_salt salt, uint64_t at,
                   bool with_body)
{
    if (with_body) r->body_crc = crc32c(0, r->body, record_body_bytes(r));
    record_put32(out + 4, r->body_crc);
    record_put32(out, crc32c(seed_of(salt, at), out + 4, head_bytes(r) - 4));
}

/* Lengths and form of the frame at in; false: impossible ones. */
static bool get_lengths(const char *in, struct record *r)
{
    *r = (struct record){ .kind = (uint8_t)in[8], .flags = (uint8_t)in[9],
                          .form = (uint8_t)in[10], .subject_len = record_get16(in + 12),
                          .extra_len = record_get16(in + 14), .header_len = record_get32(in + 16),
                          .body_len = record_get32(in + 20) };
    return r->kind >= STORE_MESSAGE && r->kind <= RECORD_END && r->form <= RECORD_FORMS &&
           in[11] == 0;
}

uint64_t record_peek(const char *in)
{
    struct record r;

    return get_lengths(in, &r) ? record_bytes(&r) : 0;
}

enum status record_parse(const char *in, uint64_t max, struct record_salt salt, uint64_t at,
                         struct record *r)
{
    char *bytes = (char *)(uintptr_t)in;

    if (max < RECORD_FRAME_BYTES || !get_lengths(in, r) || record_bytes(r) > max)
        return ST_DAMAGED;
    if (record_get32(in) != crc32c(seed_of(salt, at), in + 4, head_bytes(r) - 4))
        return ST_DAMAGED;
    r->body_crc = record_get32(in + 4);
    r->group = record_get32(in + 24);
    r->size = record_get32(in + 28);
    r->seq = record_get64(in + 32);
    r->time_ns = (int64_t)record_get64(in + 40);
    r->index = record_get64(in + 48);
    if (r->form & RECORD_MOVED) {
        r->origin = record_get32(in + RECORD_FRAME_BYTES);
        r->round = record_get32(in + RECORD_FRAME_BYTES + 4);
    }
    set_places(r, bytes);
    return ST_OK;
}

bool record_body_is_good(const struct record *r)
{
    return crc32c(0, r->body, record_body_bytes(r)) == r->body_crc;
}

void record_erase(char *p, uint64_t len, uint64_t offset)
{
    for (uint64_t i = 0; i < len; i++) p[i] = erased[(offset + i) % (sizeof erased - 1)];
}

bool record_is_erased(const struct record *r)
{
    uint64_t len = record_body_bytes(r);

    for (uint64_t i = 0; i < len; i++)
        if (r->body[i] != erased[i % (sizeof erased - 1)]) return false;
    return len > 0;
}

void record_put_file(char out[RECORD_BLOCK], const struct record_file *f)
{
    memset(out, 0, RECORD_BLOCK);
    memcpy(out, FILE_MAGIC, 8);
    record_put32(out + 8, RECORD_VERSION);
    memcpy(out + 16, f->store.bytes, sizeof f->store.bytes);
    record_put32(out + 32, f->segment);
    record_put32(out + 36, f->sealed ? FILE_SEALED : 0);
    record_put64(out + 40, f->bytes);
    record_put64(out + 48, f->base);
    record_put64(out + 56, f->cut);
    record_put64(out + 64, f->cut_end);
    record_put32(out + 12, crc32c(crc32c(0, out, 12), out + 16, RECORD_BLOCK - 16));
}

enum status record_get_file(const char in[RECORD_BLOCK], struct record_file *f)
{
    if (memcmp(in, FILE_MAGIC, 8) != 0 ||
        record_get32(in + 12) != crc32c(crc32c(0, in, 12), in + 16, RECORD_BLOCK - 16))
        return ST_DAMAGED;
    if (record_get32(in + 8) != RECORD_VERSION) return ST_UNSUPPORTED;
    memcpy(f->store.bytes, in + 16, sizeof f->store.bytes);
    f->segment = record_get32(in + 32);
    f->sealed = record_get32(in + 36) & FILE_SEALED;
    f->bytes = record_get64(in + 40);
    f->base = record_get64(in + 48);
    f->cut = record_get64(in + 56);
    f->cut_end = record_get64(in + 64);
    return ST_OK;
}

void record_put_batch(char out[RECORD_BATCH_BYTES], const struct record_batch *b,
                      struct record_salt salt)
{
    record_put32(out, BATCH_MAGIC);
    record_put32(out + 8, b->segment);
    record_put32(out + 12, (uint32_t)(b->offset / RECORD_BLOCK));
    record_put64(out + 16, b->length);
    record_put64(out + 24, b->position);
    record_put64(out + 32, b->previous_end);
    record_put64(out + 40, b->durable);
    record_put32(out + 48, b->count);
    record_put32(out + 52, 0);
    record_put32(out + 4, crc32c(seed_of(salt, b->offset), out + 8, RECORD_BATCH_BYTES - 8));
}

enum status record_get_batch(const char in[RECORD_BATCH_BYTES], uint32_t segment, uint64_t offset,
                             struct record_salt salt, struct record_batch *b)
{
    if (record_get32(in) != BATCH_MAGIC || record_get32(in + 8) != segment ||
        record_get32(in + 12) != offset / RECORD_BLOCK ||
        record_get32(in + 4) != crc32c(seed_of(salt, offset), in + 8, RECORD_BATCH_BYTES - 8))
        return ST_DAMAGED;
    *b = (struct record_batch){ .segment = segment, .offset = offset,
                                .length = record_get64(in + 16),
                                .position = record_get64(in + 24),
                                .previous_end = record_get64(in + 32),
                                .durable = record_get64(in + 40),
                                .count = record_get32(in + 48) };
    return b->length < RECORD_BATCH_BYTES || b->position < offset ? ST_DAMAGED : ST_OK;
}
