/* SPDX-License-Identifier: Apache-2.0 */
/* go_index.c - varints after a magic; per block the deleted sequences as nodes of a tree, or as a
 * list in the older form, which become one sorted array. */
#include "proto/go_index.h"

#include <stdlib.h>

#include <openssl/evp.h>

#include "base/assert.h"
#include "base/highwayhash.h"
#include "base/mem.h"
#include "proto/varint.h"

enum {
    MAGIC = 11, VERSION_MAX = 4, HASH_BYTES = 8, BLOCK_MAGIC = 22, BLOCK_VERSION = 1,
    SET_MAGIC = 22, SET_HEAD_BYTES = 10, BLOCK_BYTES_MIN = 7,
    SET_BITS = GO_INDEX_SET_WORDS * 64,
};

void go_index_fini(struct go_index *x)
{
    mem_free(x->blocks);
    mem_free(x->sets);
    mem_free(x->deleted);
    memset(x, 0, sizeof *x);
}

static uint64_t load_le(const char *p, unsigned bytes)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < bytes; i++) v |= (uint64_t)(unsigned char)p[i] << (8 * i);
    return v;
}

static bool has_right_hash(struct span stream, struct span bytes)
{
    unsigned char key[HIGHWAYHASH_KEY_BYTES];
    struct highwayhash h;
    int done = EVP_Digest(stream.p, stream.len, key, NULL, EVP_sha256(), NULL);

    assert(done == 1);
    if (bytes.len < HASH_BYTES + 2) return false;
    highwayhash_init(&h, key);
    highwayhash_update(&h, bytes.p, bytes.len - HASH_BYTES);
    return highwayhash_final(&h) == load_le(bytes.p + bytes.len - HASH_BYTES, HASH_BYTES);
}

/* What the index says per subject follows from the messages. */
static bool skip_subjects(struct span *in, int version)
{
    uint64_t count, bytes, total, block;

    if (!varint_read_u64(in, &count)) return false;
    for (; count > 0; count--) {
        if (!varint_read_u64(in, &bytes) || bytes > in->len) return false;
        if (bytes == 0) continue;
        *in = span_from(*in, (size_t)bytes);
        if (!varint_read_u64(in, &total) || !varint_read_u64(in, &block)) return false;
        if ((total > 1 || version >= 4) && !varint_read_u64(in, &block)) return false;
    }
    return true;
}

/* A node has its base, 32 words (64 in version 1, which become two nodes) and its height. */
static bool read_sets(struct go_index *x, struct span *in)
{
    size_t per_node, node_bytes;
    uint64_t nodes;

    if (in->len < SET_HEAD_BYTES || in->p[0] != SET_MAGIC || in->p[1] < 1 || in->p[1] > 2)
        return false;
    per_node = in->p[1] == 1 ? 2 : 1;
    node_bytes = 8 + per_node * sizeof x->sets->bits + 2;
    nodes = load_le(in->p + 2, 4);
    *in = span_from(*in, SET_HEAD_BYTES);
    if (nodes > in->len / node_bytes) return false;
    x->sets = mem_resize(x->sets, (x->set_count + nodes * per_node + 1) * sizeof *x->sets);
    for (; nodes > 0; nodes--) {
        uint64_t base = load_le(in->p, 8);
        const char *word = in->p + 8;
        if (base % SET_BITS != 0) return false;
        for (size_t k = 0; k < per_node; k++, base += SET_BITS) {
            struct go_index_set *set = &x->sets[x->set_count++];
            set->base = base;
            for (unsigned i = 0; i < GO_INDEX_SET_WORDS; i++, word += 8)
                set->bits[i] = load_le(word, 8);
        }
        *in = span_from(*in, node_bytes);
    }
    return true;
}

static bool read_block(struct go_index *x, struct span *in, int version)
{
    struct go_index_block *b = &x->blocks[x->block_count++];
    uint64_t number, deleted, skipped;
    int64_t first_ns, last_ns;

    if (!varint_read_u64(in, &number) || number > UINT32_MAX || !varint_read_u64(in, &b->bytes) ||
        !varint_read_u64(in, &b->first_seq) || !varint_read_i64(in, &first_ns) ||
        !varint_read_u64(in, &b->last_seq) || !varint_read_i64(in, &last_ns) ||
        !varint_read_u64(in, &deleted))
        return false;
    b->number = (uint32_t)number;
    if (x->block_count > 1 && b->number <= b[-1].number) return false;
    for (int i = 2; i <= version && i <= 3; i++)        /* messages with a TTL; schedules */
        if (!varint_read_u64(in, &skipped)) return false;
    return deleted == 0 || read_sets(x, in);
}

static bool read_blocks(struct go_index *x, struct span *in, int version)
{
    uint64_t count;

    if (!varint_read_u64(in, &count) || count > in->len / BLOCK_BYTES_MIN) return false;
    if (count > 0) x->blocks = mem_alloc(count * sizeof *x->blocks);
    while (x->block_count < count)
        if (!read_block(x, in, version)) return false;
    return true;
}

static bool read_all(struct go_index *x, struct span in, int version)
{
    uint64_t number;

    if (!varint_read_u64(&in, &x->messages) || !varint_read_u64(&in, &x->bytes) ||
        !varint_read_u64(&in, &x->first_seq) || !varint_read_i64(&in, &x->first_timestamp_ns) ||
        !varint_read_u64(&in, &x->last_seq) || !varint_read_i64(&in, &x->last_timestamp_ns))
        return false;
    if (!skip_subjects(&in, version) || !read_blocks(x, &in, version)) return false;
    if (!varint_read_u64(&in, &number) || number > UINT32_MAX || in.len < HASH_BYTES) return false;
    x->last_block = (uint32_t)number;
    x->last_hash = load_le(in.p, HASH_BYTES);
    return true;
}

static int compare_sets(const void *a, const void *b)
{
    const struct go_index_set *x = a, *y = b;

    return (x->base > y->base) - (x->base < y->base);
}

/* Blocks may meet within a set: one of each base is left. */
static void sort_sets(struct go_index *x)
{
    size_t n = 0;

    if (x->set_count == 0) return;
    qsort(x->sets, x->set_count, sizeof *x->sets, compare_sets);
    for (size_t i = 1; i < x->set_count; i++) {
        if (x->sets[i].base != x->sets[n].base) {
            x->sets[++n] = x->sets[i];
            continue;
        }
        for (unsigned k = 0; k < GO_INDEX_SET_WORDS; k++)
            x->sets[n].bits[k] |= x->sets[i].bits[k];
    }
    x->set_count = n + 1;
}

enum status go_index_decode(struct go_index *x, struct span stream, struct span bytes,
                            struct error *why)
{
    int version;

    memset(x, 0, sizeof *x);
    if (!has_right_hash(stream, bytes))
        return error_set(why, ST_BAD_INPUT, "stream index: invalid checksum");
    version = (unsigned char)bytes.p[1];
    if (bytes.p[0] != MAGIC || version < 1 || version > VERSION_MAX)
        return error_set(why, ST_UNSUPPORTED, "stream index of version %d", version);
    if (!read_all(x, span_make(bytes.p + 2, bytes.len - 2 - HASH_BYTES), version)) {
        go_index_fini(x);
        return error_set(why, ST_BAD_INPUT, "stream index: corrupt");
    }
    sort_sets(x);
    return ST_OK;
}

/* ---- the form before 2.10 ---- */

static int compare_seqs(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* Differences from the first sequence, in no order; a zero ends them early. */
static bool read_deleted(struct go_index *x, struct span in, const struct go_index_block *b,
                         uint64_t count)
{
    size_t n = x->deleted_count;
    uint64_t seq;

    if (count == 0) return true;
    if (count > in.len) return false;
    x->deleted = mem_resize(x->deleted, (n + count) * sizeof *x->deleted);
    for (; count > 0; count--) {
        if (!varint_read_u64(&in, &seq)) return false;
        if (seq == 0) break;
        seq += b->first_seq;
        if (seq < b->first_seq || seq > b->last_seq) return false;
        x->deleted[n++] = seq;
    }
    qsort(x->deleted + x->deleted_count, n - x->deleted_count, sizeof *x->deleted, compare_seqs);
    x->deleted_count = n;
    return true;
}

static bool follows(const struct go_index *x, const struct go_index_block *b)
{
    const struct go_index_block *before;

    if (x->block_count == 0) return true;
    before = &x->blocks[x->block_count - 1];
    return b->number > before->number && b->first_seq > before->last_seq;
}

enum status go_index_add_block(struct go_index *x, uint32_t number, struct span bytes,
                               struct error *why)
{
    struct go_index_block b = { .number = number };
    uint64_t messages, deleted;
    int64_t first_ns, last_ns;
    struct span in = bytes;

    if (bytes.len < 2 || bytes.p[0] != BLOCK_MAGIC || bytes.p[1] != BLOCK_VERSION)
        return error_set(why, ST_BAD_INPUT, "block index: corrupt");
    in = span_from(in, 2);
    if (!varint_read_u64(&in, &messages) || !varint_read_u64(&in, &b.bytes) ||
        !varint_read_u64(&in, &b.first_seq) || !varint_read_i64(&in, &first_ns) ||
        !varint_read_u64(&in, &b.last_seq) || !varint_read_i64(&in, &last_ns) ||
        !varint_read_u64(&in, &deleted) || in.len < HASH_BYTES || !follows(x, &b) ||
        messages != b.last_seq - b.first_seq + 1 - deleted ||
        !read_deleted(x, span_from(in, HASH_BYTES), &b, deleted))
        return error_set(why, ST_BAD_INPUT, "block index: corrupt");
    x->blocks = mem_resize(x->blocks, (x->block_count + 1) * sizeof *x->blocks);
    if (x->block_count == 0 || (x->messages == 0 && messages > 0)) {
        x->first_seq = b.first_seq;
        x->first_timestamp_ns = first_ns;
    }
    x->blocks[x->block_count++] = b;
    x->messages += messages;
    x->bytes += b.bytes;
    x->last_seq = b.last_seq;
    x->last_timestamp_ns = last_ns;
    x->last_block = number;
    x->last_hash = load_le(in.p, HASH_BYTES);
    return ST_OK;
}

/* ---- looking up ---- */

static int compare_number(const void *key, const void *block)
{
    uint32_t number = *(const uint32_t *)key;
    const struct go_index_block *b = block;

    return (number > b->number) - (number < b->number);
}

bool go_index_has(const struct go_index *x, uint32_t number, uint64_t seq)
{
    const struct go_index_set key = { .base = seq - seq % SET_BITS };
    const struct go_index_block *b = NULL;
    const struct go_index_set *set = NULL;

    if (x->block_count > 0)
        b = bsearch(&number, x->blocks, x->block_count, sizeof *b, compare_number);
    if (b == NULL || seq < b->first_seq || seq > b->last_seq) return false;
    if (x->deleted_count > 0 &&
        bsearch(&seq, x->deleted, x->deleted_count, sizeof seq, compare_seqs) != NULL)
        return false;
    if (x->set_count > 0)
        set = bsearch(&key, x->sets, x->set_count, sizeof *set, compare_sets);
    return set == NULL || !(set->bits[seq % SET_BITS / 64] >> (seq % 64) & 1);
}
