/* SPDX-License-Identifier: Apache-2.0 */
/* manifest.c - fixed fields, then the two arrays; one checksum over all. */
#include "store/manifest.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "store/record.h"

#define MAGIC "MYELMAN1"
#define VERSION 1u
#define FIXED_BYTES 160
#define SEGMENT_BYTES 32
#define SEALED 1u

static uint32_t checksum(const char *p, size_t len)
{
    return crc32c(crc32c(0, p, 12), p + 16, len - 16);
}

void manifest_put(const struct manifest *m, struct buf *out)
{
    size_t len = FIXED_BYTES + m->segment_count * SEGMENT_BYTES + m->void_count * 4;
    char *p;

    buf_reserve(out, len);
    p = out->p + out->len;
    memset(p, 0, len);
    memcpy(p, MAGIC, 8);
    record_put32(p + 8, VERSION);
    record_put64(p + 16, m->generation);
    memcpy(p + 24, m->store.bytes, sizeof m->store.bytes);
    record_put32(p + 40, m->sealed ? SEALED : 0);
    record_put32(p + 44, m->next_segment);
    record_put32(p + 48, m->next_group);
    record_put32(p + 52, m->next_round);
    record_put64(p + 56, m->durable);
    record_put64(p + 64, m->segment_count);
    record_put64(p + 72, m->void_count);
    memcpy(p + 80, m->key, sizeof m->key);
    for (size_t i = 0; i < m->segment_count; i++) {
        char *q = p + FIXED_BYTES + i * SEGMENT_BYTES;
        record_put32(q, m->segments[i].number);
        record_put32(q + 4, m->segments[i].footer_crc);
        record_put64(q + 8, m->segments[i].bytes);
        record_put64(q + 16, m->segments[i].footer_at);
        record_put64(q + 24, m->segments[i].footer_bytes);
    }
    for (size_t i = 0; i < m->void_count; i++)
        record_put32(p + len - (m->void_count - i) * 4, m->void_rounds[i]);
    record_put32(p + 12, checksum(p, len));
    out->len += len;
}

enum status manifest_get(struct span in, struct manifest *m)
{
    uint64_t segments, voids;

    *m = (struct manifest){ 0 };
    if (in.len < FIXED_BYTES || memcmp(in.p, MAGIC, 8) != 0 ||
        record_get32(in.p + 12) != checksum(in.p, in.len))
        return ST_DAMAGED;
    if (record_get32(in.p + 8) != VERSION) return ST_UNSUPPORTED;
    segments = record_get64(in.p + 64);
    voids = record_get64(in.p + 72);
    if (segments > in.len / SEGMENT_BYTES || voids > in.len / 4 ||
        FIXED_BYTES + segments * SEGMENT_BYTES + voids * 4 != in.len)
        return ST_DAMAGED;
    m->generation = record_get64(in.p + 16);
    memcpy(m->store.bytes, in.p + 24, sizeof m->store.bytes);
    m->sealed = record_get32(in.p + 40) & SEALED;
    m->next_segment = record_get32(in.p + 44);
    m->next_group = record_get32(in.p + 48);
    m->next_round = record_get32(in.p + 52);
    m->durable = record_get64(in.p + 56);
    memcpy(m->key, in.p + 80, sizeof m->key);
    m->segment_count = segments;
    m->void_count = voids;
    m->segments = mem_alloc(segments * sizeof *m->segments + 1);
    m->void_rounds = mem_alloc(voids * 4 + 1);
    for (size_t i = 0; i < segments; i++) {
        const char *q = in.p + FIXED_BYTES + i * SEGMENT_BYTES;
        m->segments[i] = (struct manifest_segment){
            .number = record_get32(q), .footer_crc = record_get32(q + 4),
            .bytes = record_get64(q + 8), .footer_at = record_get64(q + 16),
            .footer_bytes = record_get64(q + 24) };
    }
    for (size_t i = 0; i < voids; i++)
        m->void_rounds[i] = record_get32(in.p + in.len - (voids - i) * 4);
    return ST_OK;
}

void manifest_free(struct manifest *m)
{
    mem_free(m->segments);
    mem_free(m->void_rounds);
    *m = (struct manifest){ 0 };
}
