/* SPDX-License-Identifier: Apache-2.0 */
/* go_files.c - names and checksums of a stream's files; no state. */
#include "proto/go_files.h"

#include <openssl/evp.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/highwayhash.h"

/* path without prefix and suffix; empty when it has not both around something. */
static struct span between(struct span path, const char *prefix, const char *suffix)
{
    size_t before = strlen(prefix), after = strlen(suffix);

    if (path.len <= before + after || !span_has_prefix(path, span_of(prefix)) ||
        !span_is(span_from(path, path.len - after), suffix))
        return SPAN_NONE;
    return span_make(path.p + before, path.len - before - after);
}

static struct go_file classify_consumer(struct span path)
{
    static const struct { const char *suffix; enum go_file_kind kind; } rows[] = {
        { "/meta.inf", GO_FILE_CONSUMER_META },
        { "/meta.sum", GO_FILE_CONSUMER_SUM },
        { "/o.dat", GO_FILE_CONSUMER_STATE },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct span name = between(path, "obs/", rows[i].suffix);
        if (name.len > 0 && span_find(name, '/') == name.len)
            return (struct go_file){ .kind = rows[i].kind, .consumer = name };
    }
    return (struct go_file){ .kind = GO_FILE_OTHER };
}

struct go_file go_files_classify(struct span path)
{
    static const struct { const char *path; enum go_file_kind kind; } rows[] = {
        { "meta.inf", GO_FILE_STREAM_META },
        { "meta.sum", GO_FILE_STREAM_SUM },
        { "msgs/index.db", GO_FILE_INDEX },
        { "errors.txt", GO_FILE_ERRORS },
    };
    struct span number = between(path, "msgs/", ".blk");
    enum go_file_kind kind = number.len > 0 ? GO_FILE_BLOCK : GO_FILE_BLOCK_INDEX;
    uint64_t block;

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (span_is(path, rows[i].path)) return (struct go_file){ .kind = rows[i].kind };
    if (number.len == 0) number = between(path, "msgs/", ".idx");
    if (span_to_u64(number, &block) && block <= UINT32_MAX)
        return (struct go_file){ .kind = kind, .block = (uint32_t)block };
    return classify_consumer(path);
}

bool go_files_meta_matches(struct span stream, struct span consumer, struct span meta,
                           struct span sum)
{
    unsigned char key[HIGHWAYHASH_KEY_BYTES];
    struct buf text = { 0 };
    struct highwayhash h;
    uint64_t hash;
    bool same;
    int done;

    buf_append_span(&text, stream);
    if (consumer.len > 0) {
        buf_append_char(&text, '/');
        buf_append_span(&text, consumer);
    }
    done = EVP_Digest(text.p, text.len, key, NULL, EVP_sha256(), NULL);
    assert(done == 1);
    highwayhash_init(&h, key);
    highwayhash_update(&h, meta.p, meta.len);
    hash = highwayhash_final(&h);
    text.len = 0;
    for (int i = 0; i < 8; i++) buf_printf(&text, "%02x", (unsigned)(hash >> (8 * i) & 0xff));
    same = span_equal(buf_span(&text), sum);
    buf_free(&text);
    return same;
}
