/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_go_index.c - the index of a stream "KEYS" of nats-server's file store, its checksum made
 * right first; and the same bytes as the indexes of two blocks. */
#include <openssl/evp.h>

#include "base/assert.h"
#include "base/highwayhash.h"
#include "base/mem.h"
#include "proto/go_index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void mend(uint8_t *data, size_t size)
{
    unsigned char key[HIGHWAYHASH_KEY_BYTES];
    struct highwayhash h;
    uint64_t hash;
    int done = EVP_Digest("KEYS", 4, key, NULL, EVP_sha256(), NULL);

    assert(done == 1);
    highwayhash_init(&h, key);
    highwayhash_update(&h, data, size - 8);
    hash = highwayhash_final(&h);
    for (size_t i = 0; i < 8; i++) data[size - 8 + i] = (uint8_t)(hash >> (8 * i));
}

static void check(const struct go_index *x, size_t size)
{
    assert(x->block_count <= size && x->set_count <= size && x->deleted_count <= size);
    for (size_t i = 0; i < x->block_count; i++) {
        const struct go_index_block *b = &x->blocks[i];
        bool has = go_index_has(x, b->number, b->last_seq);
        assert(!has || b->first_seq <= b->last_seq);
        assert(!go_index_has(x, b->number, b->last_seq + 1) || b->last_seq == UINT64_MAX);
    }
    for (size_t i = 1; i < x->set_count; i++) assert(x->sets[i].base > x->sets[i - 1].base);
    for (size_t i = 1; i < x->deleted_count; i++) assert(x->deleted[i] >= x->deleted[i - 1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct go_index x;
    enum status a, b;
    uint8_t *copy;

    if (size < 8) return 0;
    copy = mem_alloc(size);
    memcpy(copy, data, size);
    mend(copy, size);
    if (go_index_decode(&x, SPAN_LIT("KEYS"), span_make((char *)copy, size), NULL) == ST_OK)
        check(&x, size);
    go_index_fini(&x);
    a = go_index_add_block(&x, 1, span_make((const char *)data, size / 2), NULL);
    b = go_index_add_block(&x, 2, span_make((const char *)data + size / 2, size - size / 2), NULL);
    assert(x.block_count == (size_t)((a == ST_OK) + (b == ST_OK)));
    check(&x, size);
    go_index_fini(&x);
    mem_free(copy);
    return 0;
}
