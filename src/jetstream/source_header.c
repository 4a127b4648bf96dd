/* SPDX-License-Identifier: Apache-2.0 */
/* source_header.c - names, identities and the header value of sources. */
#include "jetstream/source_header.h"

#include <openssl/sha.h>

#include "base/duration.h"

static const char *or_all(const char *subject)
{
    return subject == NULL || subject[0] == '\0' ? ">" : subject;
}

void source_hash(struct span text, char out[SOURCE_HASH_LEN + 1])
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    unsigned char sum[SHA256_DIGEST_LENGTH];

    SHA256((const unsigned char *)(text.len ? text.p : ""), text.len, sum);
    for (size_t i = 0; i < SOURCE_HASH_LEN; i++) out[i] = digits[sum[i] % 62];
    out[SOURCE_HASH_LEN] = '\0';
}

void source_identity(int64_t created_ns, char out[SOURCE_HASH_LEN + 1])
{
    struct buf text = { 0 };

    duration_append_rfc3339(&text, created_ns);
    source_hash(buf_span(&text), out);
    buf_free(&text);
}

static void append_hash(struct buf *out, const char *mark, const char *text)
{
    char hash[SOURCE_HASH_LEN + 1];

    source_hash(span_of(text), hash);
    buf_append_text(out, mark);
    buf_append_text(out, hash);
}

void source_append_name(const struct js_source_config *c, struct buf *out)
{
    buf_append_text(out, c->name ? c->name : "");
    if (c->external_api) append_hash(out, ":", c->external_api);
    if (c->consumer_name) append_hash(out, ":C=", c->consumer_name);
    buf_append_char(out, ' ');
    if (c->transform_count == 0) {
        buf_append_text(out, or_all(c->filter_subject));
        buf_append_text(out, " >");
        return;
    }
    for (size_t i = 0; i < c->transform_count; i++) {
        if (i > 0) buf_append_char(out, '\f');
        buf_append_text(out, or_all(c->transforms[i].source));
    }
    for (size_t i = 0; i < c->transform_count; i++) {
        buf_append_char(out, i > 0 ? '\f' : ' ');
        buf_append_text(out, or_all(c->transforms[i].destination));
    }
}

void source_append_header(struct buf *out, struct span name, uint64_t seq, struct span subject,
                          struct span identity)
{
    size_t stream = 0;

    while (stream < name.len && name.p[stream] != ' ') stream++;
    buf_append(out, name.p, stream);
    buf_printf(out, " %llu", (unsigned long long)seq);
    buf_append_span(out, span_from(name, stream));
    buf_append_char(out, ' ');
    buf_append_span(out, subject);
    if (identity.len == 0) return;
    buf_append_char(out, ' ');
    buf_append_span(out, identity);
}

bool source_read_header(struct span value, struct buf *key, uint64_t *seq)
{
    struct span fields[6];
    size_t count = 0;

    while (count < COUNT_OF(fields)) {
        size_t len = 0;
        while (len < value.len && value.p[len] != ' ') len++;
        fields[count++] = span_make(value.p, len);
        if (len == value.len) break;
        value = span_from(value, len + 1);
    }
    if (count < 4 || fields[0].len == 0 || !span_to_u64(fields[1], seq)) return false;
    buf_append_span(key, fields[0]);
    buf_append_char(key, ' ');
    buf_append_span(key, fields[2]);
    buf_append_char(key, ' ');
    buf_append_span(key, fields[3]);
    if (count == 6 && fields[5].len) {
        buf_append_char(key, ' ');
        buf_append_span(key, fields[5]);
    }
    return true;
}
