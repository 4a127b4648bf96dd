/* SPDX-License-Identifier: Apache-2.0 */
/* record_test.c - the codecs: what is put is got, and no changed bit goes unnoticed. Records, batch
 * and file headers, manifests, footers, and their encryption. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "store/crypt.h"
#include "store/footer.h"
#include "store/manifest.h"
#include "store/record.h"

static const struct store_id store_id = { { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14 } };
static const uint8_t group_id[RECORD_ID_BYTES] = "group id 16 byte";

/* Lay out a record; returns its bytes on the heap. */
static char *make(struct record *r, const struct crypt_key *key, uint64_t at)
{
    char *out = mem_alloc(record_bytes(r)), *head, *body;
    struct crypt_nonces nonces;

    record_begin(r, out);
    head = out + (r->head - out);
    body = out + (r->body - out) + (key ? RECORD_TAG_BYTES : 0);
    memset(head, 'h', (size_t)r->extra_len + r->subject_len);
    memset(body, 'b', (size_t)r->header_len + r->body_len);
    crypt_nonces_init(&nonces);
    if (key) crypt_seal_record(key, &nonces, r, out);
    record_finish(r, out, record_salt(&store_id, 7), at, true);
    return out;
}

static const struct record rows[] = {
    { .kind = STORE_MESSAGE },
    { .kind = STORE_MESSAGE, .subject_len = 3, .body_len = 1, .seq = UINT64_MAX, .flags = 255 },
    { .kind = STORE_DELTA, .extra_len = 9, .body_len = 100, .index = UINT64_MAX },
    { .kind = STORE_CHECKPOINT, .form = RECORD_HAS_ID, .id = group_id, .body_len = 40 },
    { .kind = STORE_MESSAGE, .form = RECORD_MOVED, .origin = 3, .round = 9, .subject_len = 20,
      .header_len = 12, .body_len = 30, .time_ns = INT64_MIN, .group = UINT32_MAX },
    { .kind = RECORD_END, .form = RECORD_SEALED },
    { .kind = STORE_MESSAGE, .form = RECORD_SEALED | RECORD_MOVED, .subject_len = 5,
      .extra_len = 2, .header_len = 3, .body_len = 50, .size = UINT32_MAX },
    { .kind = STORE_CHECKPOINT, .form = RECORD_SEALED | RECORD_HAS_ID, .id = group_id,
      .body_len = 10 },
};

static void check_row(const struct record *row, const struct record *r)
{
    assert_int_equal(r->kind, row->kind);
    assert_int_equal(r->flags, row->flags);
    assert_int_equal(r->form, row->form);
    assert_int_equal(r->size, row->size);
    assert_int_equal(r->group, row->group);
    assert_true(r->seq == row->seq && r->index == row->index && r->time_ns == row->time_ns);
    assert_true(r->origin == row->origin && r->round == row->round);
    if (row->id) assert_memory_equal(r->id, row->id, RECORD_ID_BYTES);
    assert_true(record_body_is_good(r));
}

/* Every single flipped bit is seen, in the head by record_parse, else by the body's checksum. */
static void records_show_each_flipped_bit(void **state)
{
    struct crypt_key key = { { 5 } };
    struct record_salt salt = record_salt(&store_id, 7);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct record r = rows[i], got;
        char *bytes = make(&r, r.form & RECORD_SEALED ? &key : NULL, 4096);
        uint64_t len = record_bytes(&r), used = (uint64_t)(r.body - bytes) + record_body_bytes(&r);
        assert_int_equal(record_parse(bytes, len, salt, 4096, &got), ST_OK);
        check_row(&rows[i], &got);
        assert_int_equal(record_peek(bytes), len);
        assert_int_equal(record_parse(bytes, len - 1, salt, 4096, &got), ST_DAMAGED);
        assert_int_equal(record_parse(bytes, len, salt, 4104, &got), ST_DAMAGED);
        assert_int_equal(record_parse(bytes, len, record_salt(&store_id, 8), 4096, &got),
                         ST_DAMAGED);
        for (uint64_t bit = 0; bit < used * 8; bit++) {
            bytes[bit / 8] ^= (char)(1 << bit % 8);
            if (record_parse(bytes, len, salt, 4096, &got) == ST_OK)
                assert_true(bit / 8 >= (uint64_t)(r.body - bytes) && !record_body_is_good(&got));
            bytes[bit / 8] ^= (char)(1 << bit % 8);
        }
        mem_free(bytes);
    }
}

static void an_erased_body_is_known(void **state)
{
    struct record r = rows[4], got;
    char *bytes = make(&r, NULL, 8);

    (void)state;
    assert_false(record_is_erased(&r));
    record_erase(bytes + (r.body - bytes), 10, 0);
    record_erase(bytes + (r.body - bytes) + 10, record_body_bytes(&r) - 10, 10);
    assert_int_equal(record_parse(bytes, record_bytes(&r), record_salt(&store_id, 7), 8, &got),
                     ST_OK);
    assert_true(record_is_erased(&got) && !record_body_is_good(&got));
    mem_free(bytes);
}

static void sealed_records_open_with_their_key_only(void **state)
{
    struct crypt_key key = { { 5 } }, other = { { 6 } };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct record r = rows[i];
        char *bytes, out[200];
        if (!(r.form & RECORD_SEALED)) continue;
        bytes = make(&r, &key, 0);
        for (uint16_t k = 0; k < r.extra_len + r.subject_len; k++)
            assert_true(r.head[k] != 'h' || r.head[k + 1] != 'h');
        assert_int_equal(crypt_open_head(&key, &r, bytes, out), ST_OK);
        for (uint16_t k = 0; k < r.extra_len + r.subject_len; k++)
            assert_int_equal(out[k], 'h');
        assert_int_equal(crypt_open_body(&key, &r, bytes, out), ST_OK);
        for (uint32_t k = 0; k < r.header_len + r.body_len; k++) assert_int_equal(out[k], 'b');
        assert_int_equal(crypt_open_head(&other, &r, bytes, out), ST_DAMAGED);
        assert_int_equal(crypt_open_body(&other, &r, bytes, out), ST_DAMAGED);
        bytes[32] ^= 1;                 /* the sequence is authenticated */
        assert_int_equal(crypt_open_head(&key, &r, bytes, out), ST_DAMAGED);
        mem_free(bytes);
    }
}

static void the_master_key_is_wrapped(void **state)
{
    struct crypt_key master, got;
    struct crypt_nonces nonces;
    uint8_t wrapped[MANIFEST_KEY_BYTES];

    (void)state;
    crypt_nonces_init(&nonces);
    crypt_new_master(&master);
    crypt_wrap(&master, SPAN_LIT("key"), &nonces, wrapped);
    assert_int_equal(crypt_unwrap(wrapped, SPAN_LIT("key"), &got), ST_OK);
    assert_memory_equal(&master, &got, sizeof got);
    assert_int_equal(crypt_unwrap(wrapped, SPAN_LIT("kez"), &got), ST_DENIED);
    assert_int_equal(crypt_unwrap(wrapped, SPAN_LIT(""), &got), ST_DENIED);
    got = crypt_derive(&master, 1);
    assert_memory_not_equal(&master, &got, sizeof got);
}

static void headers_show_each_flipped_bit(void **state)
{
    static char block[RECORD_BLOCK];
    struct record_file f = { .store = store_id, .segment = 7, .sealed = true, .bytes = 1 << 20,
                             .base = 4096, .cut = 5, .cut_end = 9 }, got = { 0 };
    struct record_batch b = { .segment = 7, .offset = 8192, .length = 500, .position = 12288,
                              .previous_end = 12288, .durable = 77, .count = 3 }, got_b;
    char batch[RECORD_BATCH_BYTES];
    struct record_salt salt = record_salt(&store_id, 7);

    (void)state;
    record_put_file(block, &f);
    assert_int_equal(record_get_file(block, &got), ST_OK);
    assert_true(got.segment == 7 && got.sealed && got.bytes == f.bytes && got.base == f.base &&
                got.cut == 5 && got.cut_end == 9);
    for (unsigned bit = 0; bit < RECORD_BLOCK * 8; bit++) {
        block[bit / 8] ^= (char)(1 << bit % 8);
        assert_int_equal(record_get_file(block, &got), ST_DAMAGED);
        block[bit / 8] ^= (char)(1 << bit % 8);
    }
    record_put_batch(batch, &b, salt);
    assert_int_equal(record_get_batch(batch, 7, 8192, salt, &got_b), ST_OK);
    assert_true(got_b.length == 500 && got_b.position == 12288 && got_b.count == 3 &&
                got_b.previous_end == 12288 && got_b.durable == 77);
    assert_int_equal(record_get_batch(batch, 7, 4096, salt, &got_b), ST_DAMAGED);
    assert_int_equal(record_get_batch(batch, 6, 8192, salt, &got_b), ST_DAMAGED);
    for (unsigned bit = 0; bit < sizeof batch * 8; bit++) {
        batch[bit / 8] ^= (char)(1 << bit % 8);
        assert_int_equal(record_get_batch(batch, 7, 8192, salt, &got_b), ST_DAMAGED);
        batch[bit / 8] ^= (char)(1 << bit % 8);
    }
}

static void manifests_come_back(void **state)
{
    struct manifest_segment segments[] = { { 1, 2, 3, 4, 5 }, { 9, 8, 7, 6, UINT64_MAX } };
    uint32_t rounds[] = { 4, 5, 6 };
    struct manifest m = { .generation = 3, .store = store_id, .sealed = true, .next_segment = 10,
                          .next_group = 11, .next_round = 12, .durable = 13,
                          .segments = segments, .segment_count = 2, .void_rounds = rounds,
                          .void_count = 3 }, got;
    struct buf b = { 0 };

    (void)state;
    memset(m.key, 'k', sizeof m.key);
    manifest_put(&m, &b);
    assert_int_equal(manifest_get(buf_span(&b), &got), ST_OK);
    assert_true(got.generation == 3 && got.sealed && got.next_segment == 10 && got.durable == 13);
    assert_true(got.next_group == 11 && got.next_round == 12 && got.segment_count == 2);
    assert_memory_equal(got.segments, segments, sizeof segments);
    assert_memory_equal(got.void_rounds, rounds, sizeof rounds);
    assert_memory_equal(got.key, m.key, sizeof m.key);
    manifest_free(&got);
    for (size_t bit = 0; bit < b.len * 8; bit++) {
        b.p[bit / 8] ^= (char)(1 << bit % 8);
        assert_int_equal(manifest_get(buf_span(&b), &got), ST_DAMAGED);
        b.p[bit / 8] ^= (char)(1 << bit % 8);
    }
    for (size_t len = 0; len < b.len; len++)
        assert_int_equal(manifest_get(span_make(b.p, len), &got), ST_DAMAGED);
    buf_free(&b);
}

struct sample {                         /* a record of a footer, made from a number */
    struct record r;
    char bytes[40];
};

static void make_sample(struct sample *s, uint32_t seed, uint32_t i)
{
    struct rng rng;

    rng_seed(&rng, seed * 1000003ull + i);
    memset(s, 0, sizeof *s);
    s->r.kind = (uint8_t)(rng_below(&rng, 4) ? STORE_MESSAGE : STORE_DELTA + rng_below(&rng, 3));
    s->r.group = rng_below(&rng, 40) * 1000;
    s->r.seq = rng_below(&rng, 2) ? i : rng_next(&rng);
    s->r.index = i + 1;
    s->r.time_ns = (int64_t)rng_next(&rng);
    s->r.size = rng_below(&rng, UINT32_MAX);
    s->r.flags = (uint8_t)rng_below(&rng, 256);
    s->r.extra_len = (uint16_t)rng_below(&rng, 20);
    memset(s->bytes, 'a' + (int)rng_below(&rng, 26), 20);
    s->r.subject_len = (uint16_t)(snprintf(s->bytes + s->r.extra_len, 20, "%u",
                                           rng_below(&rng, 100)));
    if (rng_below(&rng, 8) == 0) s->r.form = RECORD_MOVED;
    s->r.origin = s->r.form ? rng_below(&rng, UINT32_MAX) : 0;
    s->r.round = s->r.form ? i : 0;
    s->r.head = s->bytes;
}

static void read_back(const struct buf *b, uint32_t seed, uint32_t count)
{
    struct footer_view v;
    struct footer_state state;
    struct footer_message m;
    struct sample s;

    assert_int_equal(footer_open(buf_span(b), &v), ST_OK);
    assert_true(v.segment == 5 && v.end == 1 << 20);
    for (uint32_t i = 0; i < count; i++) {
        make_sample(&s, seed, i);
        if (s.r.kind == STORE_MESSAGE) continue;
        assert_int_equal(footer_next_state(&v, &state), ST_OK);
        assert_true(state.kind == s.r.kind && state.group == s.r.group &&
                    state.index == s.r.index && state.at == 4096 + i * 64);
    }
    assert_int_equal(footer_next_state(&v, &state), ST_NOT_FOUND);
    assert_int_equal(footer_begin_messages(&v), ST_OK);
    for (uint32_t i = 0; i < count; i++) {
        make_sample(&s, seed, i);
        if (s.r.kind != STORE_MESSAGE) continue;
        assert_int_equal(footer_next_message(&v, &m), ST_OK);
        assert_true(m.group == s.r.group && m.at == 4096 + i * 64 && m.record.seq == s.r.seq);
        assert_true(m.record.time_ns == s.r.time_ns && m.record.size == s.r.size);
        assert_true(m.record.flags == s.r.flags && m.origin == s.r.origin &&
                    m.round == s.r.round && m.is_moved == (s.r.form != 0));
        assert_true(span_equal(m.record.extra, span_make(s.bytes, s.r.extra_len)));
        assert_true(span_equal(m.record.subject,
                               span_make(s.bytes + s.r.extra_len, s.r.subject_len)));
        assert_true(m.subject < v.subject_count);
    }
    assert_int_equal(footer_next_message(&v, &m), ST_NOT_FOUND);
    footer_close(&v);
}

static void footers_come_back(void **state)
{
    static const uint32_t counts[] = { 0, 1, 2, 100, 20000 };

    (void)state;
    for (uint32_t k = 0; k < COUNT_OF(counts); k++) {
        struct footer f = { 0 };
        struct footer_view v;
        struct buf b = { 0 };
        struct sample s;
        for (uint32_t i = 0; i < counts[k]; i++) {
            make_sample(&s, k, i);
            footer_add(&f, &s.r, 4096 + i * 64);
        }
        footer_finish(&f, 5, 1 << 20, &b);
        read_back(&b, k, counts[k]);
        for (size_t bit = 0; bit < b.len * 8 && bit < 8000; bit++) {
            b.p[bit / 8] ^= (char)(1 << bit % 8);
            assert_int_equal(footer_open(buf_span(&b), &v), ST_DAMAGED);
            footer_close(&v);
            b.p[bit / 8] ^= (char)(1 << bit % 8);
        }
        buf_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_show_each_flipped_bit),
        cmocka_unit_test(an_erased_body_is_known),
        cmocka_unit_test(sealed_records_open_with_their_key_only),
        cmocka_unit_test(the_master_key_is_wrapped),
        cmocka_unit_test(headers_show_each_flipped_bit),
        cmocka_unit_test(manifests_come_back),
        cmocka_unit_test(footers_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
