/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_store.c - first byte: what; then a record, batch, file header, manifest or footer. Checksums
 * are put right first, or nothing would ever get past them. */
#include "base/assert.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "store/footer.h"
#include "store/manifest.h"
#include "store/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct store_id id = { { 1 } };

/* A checksum over all but itself, at 12. */
static void put_checksum(char *p, size_t len)
{
    if (len < 16) return;
    record_put32(p + 12, crc32c(crc32c(0, p, 12), p + 16, len - 16));
}

static void try_record(const char *p, size_t len)
{
    struct record_salt salt = record_salt(&id, 1);
    struct record r;

    if (record_parse(p, len, salt, 0, &r) != ST_OK) return;
    assert(r.bytes <= len && r.body + record_body_bytes(&r) <= p + len);
    assert(record_peek(p) == r.bytes);
    record_body_is_good(&r);
    record_is_erased(&r);
}

/* Give the record a good head, as far as it reaches. */
static void fix_record(char *p, size_t len)
{
    struct record r = { .kind = 0 };

    if (len < RECORD_FRAME_BYTES || record_peek(p) == 0 || record_peek(p) > len) return;
    r.form = (uint8_t)p[10];
    r.subject_len = record_get16(p + 12);
    r.extra_len = record_get16(p + 14);
    r.header_len = record_get32(p + 16);
    r.body_len = record_get32(p + 20);
    r.body_crc = record_get32(p + 4);
    record_finish(&r, p, record_salt(&id, 1), 0, false);
}

static void try_footer(struct span in)
{
    struct footer_view v;
    struct footer_state state;
    struct footer_message m;
    size_t n = 0;

    if (footer_open(in, &v) == ST_OK) {
        while (footer_next_state(&v, &state) == ST_OK) n++;
        if (footer_begin_messages(&v) == ST_OK)
            while (footer_next_message(&v, &m) == ST_OK) {
                assert(m.subject < v.subject_count);
                n += m.record.extra.len + 1;
            }
        assert(n <= in.len);
    }
    footer_close(&v);
}

static void try_manifest(struct span in)
{
    struct manifest m;
    struct buf again = { 0 };

    if (manifest_get(in, &m) != ST_OK) return;
    manifest_put(&m, &again);
    assert(again.len == in.len);
    manifest_free(&m);
    buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct record_file f;
    struct record_batch b;
    char *p;

    if (size < 1) return 0;
    p = mem_alloc(size);
    memcpy(p, data + 1, size - 1);
    size--;
    switch (data[0] % 5) {
    case 0:
        fix_record(p, size);
        try_record(p, size);
        break;
    case 1:
        if (size >= RECORD_BATCH_BYTES &&
            record_get_batch(p, 1, 4096, record_salt(&id, 1), &b) == ST_OK)
            assert(b.length >= RECORD_BATCH_BYTES);
        break;
    case 2:
        if (size < RECORD_BLOCK) break;
        put_checksum(p, RECORD_BLOCK);
        if (record_get_file(p, &f) == ST_OK) assert(memcmp(p, "MYELSEG1", 8) == 0);
        break;
    case 3:
        put_checksum(p, size);
        try_manifest(span_make(p, size));
        break;
    default:
        put_checksum(p, size);
        try_footer(span_make(p, size));
        break;
    }
    mem_free(p);
    return 0;
}
