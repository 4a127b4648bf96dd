/* SPDX-License-Identifier: Apache-2.0 */
/* load_ring.c - prebuilt PUB commands and the MSG each must turn into.
 *
 * A payload starts with a stamp of 8 raw bytes (publisher, index in the ring;
 * raw, so that CR and LF occur inside payloads too), the rest are letters that
 * depend on the index. Payloads shorter than a stamp carry none: then only one
 * publisher in order can be checked.
 *
 * Rings are immutable once built and may be shared by connections. */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK_ALL_BYTES 1024u
#define CHECK_END_BYTES 64u

static void fill_payload(char *dst, size_t n, uint32_t publisher, size_t index)
{
    uint32_t stamp[2] = {publisher, (uint32_t)index};

    for (size_t k = 0; k < n; k++)
        dst[k] = (char)('a' + (k + index) % 26);
    if (n >= STAMP_BYTES)
        memcpy(dst, stamp, STAMP_BYTES);
}

static void add_entry(struct ring *r, size_t i, uint32_t publisher, const char *subject,
                      uint64_t sid)
{
    char *pub = r->pub + r->pub_off[i];
    char *msg = r->msg + r->msg_off[i];
    size_t z = r->payload_bytes, room = strlen(subject) + 48;
    size_t head = (size_t)snprintf(pub, room, "PUB %s %zu\r\n", subject, z);

    fill_payload(pub + head, z, publisher, i);
    memcpy(pub + head + z, "\r\n", 2);
    r->pub_off[i + 1] = r->pub_off[i] + head + z + 2;
    r->msg_off[i + 1] = r->msg_off[i] + (size_t)snprintf(msg, room, "MSG %s %llu %zu\r\n", subject,
                                                         (unsigned long long)sid, z);
}

struct ring *ring_new(struct load *ld, uint32_t publisher, char *const *subjects,
                      const uint64_t *sids, size_t n)
{
    struct ring *r = util_alloc(1, sizeof *r);
    size_t heads = 0;

    for (size_t i = 0; i < n; i++)
        heads += strlen(subjects[i]) + 48;
    r->n = n;
    r->payload_bytes = ld->opt.payload_bytes;
    r->pub = util_alloc(heads + n * (r->payload_bytes + 2), 1);
    r->msg = util_alloc(heads, 1);
    r->pub_off = util_alloc(n + 1, sizeof *r->pub_off);
    r->msg_off = util_alloc(n + 1, sizeof *r->msg_off);
    for (size_t i = 0; i < n; i++)
        add_entry(r, i, publisher, subjects[i], sids ? sids[i] : 1);
    r->older = ld->rings;
    ld->rings = r;
    return r;
}

struct ring *ring_new_repeated(struct load *ld, uint32_t publisher, char *subject)
{
    size_t one = strlen(subject) + 10 + ld->opt.payload_bytes;
    size_t n = ld->opt.write_bytes / one + 1;
    char **subjects = util_alloc(n, sizeof *subjects);
    struct ring *r;

    for (size_t i = 0; i < n; i++)
        subjects[i] = subject;
    r = ring_new(ld, publisher, subjects, NULL, n);
    free(subjects);
    return r;
}

void ring_free_all(struct load *ld)
{
    while (ld->rings != NULL) {
        struct ring *r = ld->rings;

        ld->rings = r->older;
        free(r->pub);
        free(r->msg);
        free(r->pub_off);
        free(r->msg_off);
        free(r);
    }
}

const char *ring_payload(const struct ring *r, size_t i)
{
    return r->pub + r->pub_off[i + 1] - 2 - r->payload_bytes;
}

bool ring_payload_is(const struct ring *r, size_t i, const char *payload)
{
    const char *want = ring_payload(r, i);
    size_t z = r->payload_bytes;

    if (z <= CHECK_ALL_BYTES || i % 8 == 0)
        return memcmp(payload, want, z) == 0;
    return memcmp(payload, want, CHECK_END_BYTES) == 0 &&
           memcmp(payload + z - CHECK_END_BYTES, want + z - CHECK_END_BYTES, CHECK_END_BYTES) == 0;
}

bool ring_header_is(const struct ring *r, size_t i, const char *line, size_t len)
{
    return len == r->msg_off[i + 1] - r->msg_off[i] &&
           memcmp(line, r->msg + r->msg_off[i], len) == 0;
}

uint64_t ring_index_sum(const struct ring *r, uint64_t messages)
{
    uint64_t n = r->n, rest = messages % n;

    return messages / n * (n * (n - 1) / 2) + (rest ? rest * (rest - 1) / 2 : 0);
}
