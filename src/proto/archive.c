/* SPDX-License-Identifier: Apache-2.0 */
/* archive.c - reader and writer of "NATSARC1".
 *
 * The reader gathers an entry and hands it out whole. An entry's buffer grows as bytes arrive,
 * never because of a length that is only stated. */
#include "proto/archive.h"

#include "base/assert.h"
#include "proto/varint.h"

#define CONSUMER_PREFIX "consumers/"
#define INVALID "archive: invalid archive stream"

enum { MAGIC_BYTES = sizeof ARCHIVE_MAGIC - 1 };
enum phase { IN_MAGIC, IN_FIELDS, IN_NAME, IN_CONTENT, AFTER_ENTRY, OVER };
enum section { NOTHING, STATE, MESSAGES };
enum field { NAME_BYTES, TIMESTAMP, SEQ, HEADER_BYTES, PAYLOAD_BYTES, FIELD_COUNT };

/* ---- writing ---- */

static void append_uvarint(struct buf *out, uint64_t v)
{
    for (; v >= 0x80; v >>= 7) buf_append_char(out, (char)(v | 0x80));
    buf_append_char(out, (char)v);
}

static void append_varint(struct buf *out, int64_t v)
{
    append_uvarint(out, (uint64_t)v << 1 ^ (uint64_t)(v < 0 ? -1 : 0));
}

static void append_head(struct buf *out, size_t name_bytes, const struct archive_message *m)
{
    assert(name_bytes <= ARCHIVE_NAME_BYTES_MAX);
    append_uvarint(out, name_bytes);
    append_varint(out, m->timestamp_ns);
    append_uvarint(out, m->seq);
    append_uvarint(out, m->headers.len);
    append_uvarint(out, m->body.len);
}

void archive_append_state(struct buf *out, struct span json, int64_t now_ns)
{
    struct span name = SPAN_LIT("state.json");

    buf_append_text(out, ARCHIVE_MAGIC);
    append_head(out, name.len, &(struct archive_message){ .timestamp_ns = now_ns, .body = json });
    buf_append_span(out, name);
    buf_append_span(out, json);
}

void archive_append_consumer(struct buf *out, struct span name, struct span json, int64_t now_ns)
{
    struct span prefix = SPAN_LIT(CONSUMER_PREFIX);

    append_head(out, prefix.len + name.len,
                &(struct archive_message){ .timestamp_ns = now_ns, .body = json });
    buf_append_span(out, prefix);
    buf_append_span(out, name);
    buf_append_span(out, json);
}

void archive_append_message(struct buf *out, const struct archive_message *message)
{
    assert(message->seq != 0);
    append_head(out, message->subject.len, message);
    buf_append_span(out, message->subject);
    buf_append_span(out, message->headers);
    buf_append_span(out, message->body);
}

void archive_append_end(struct buf *out)
{
    append_head(out, 0, &(struct archive_message){ 0 });
}

/* ---- reading ---- */

void archive_reader_init(struct archive_reader *r, const struct archive_limits *limits)
{
    memset(r, 0, sizeof *r);
    r->limits = *limits;
    r->left = MAGIC_BYTES;
}

void archive_reader_fini(struct archive_reader *r)
{
    buf_free(&r->bytes);
}

static enum status check_message(struct archive_reader *r, struct error *why)
{
    const uint64_t *f = r->fields;
    unsigned long long seq = f[SEQ];
    uint64_t total;

    if (f[NAME_BYTES] == 0)
        return error_set(why, ST_BAD_INPUT, "message sequence %llu has no subject", seq);
    if (__builtin_add_overflow(f[HEADER_BYTES], f[PAYLOAD_BYTES], &total) ||
        total > r->limits.message_max)
        return error_set(why, ST_LIMIT, "message sequence %llu exceeds maximum payload size", seq);
    if (f[SEQ] <= r->last_seq)
        return error_set(why, ST_BAD_INPUT, "message sequence %llu out of order", seq);
    r->last_seq = f[SEQ];
    r->section = MESSAGES;
    return ST_OK;
}

static bool is_end(const struct archive_reader *r)
{
    const uint64_t *f = r->fields;

    return f[TIMESTAMP] == 0 && f[SEQ] == 0 && f[HEADER_BYTES] == 0 && f[PAYLOAD_BYTES] == 0;
}

/* The five numbers are known: judge them before anything is kept. */
static enum status end_fields(struct archive_reader *r, struct error *why)
{
    const uint64_t *f = r->fields;
    uint64_t total;

    r->phase = IN_NAME;
    r->left = f[NAME_BYTES];
    r->bytes.len = 0;
    if (f[NAME_BYTES] > ARCHIVE_NAME_BYTES_MAX) return error_set(why, ST_LIMIT, INVALID);
    if (r->section != NOTHING && f[SEQ] != 0) return check_message(r, why);
    if (is_end(r)) return ST_OK;
    if (r->section == MESSAGES) return error_set(why, ST_BAD_INPUT, "expected message sequence");
    if (__builtin_add_overflow(f[HEADER_BYTES], f[PAYLOAD_BYTES], &total) ||
        total > r->limits.json_max)
        return error_set(why, ST_LIMIT, r->section == NOTHING ? "state.json is too large"
                                                              : "consumer state is too large");
    return ST_OK;
}

static enum status read_field_byte(struct archive_reader *r, unsigned char c, struct error *why)
{
    uint64_t *v = &r->fields[r->field];

    if (r->shift == 0) *v = 0;
    if (r->shift == 63 && c > 1) return error_set(why, ST_BAD_INPUT, INVALID);
    *v |= (uint64_t)(c & 0x7f) << r->shift;
    r->shift += 7;
    if (c & 0x80) return ST_OK;
    r->shift = 0;
    if (++r->field < FIELD_COUNT) return ST_OK;
    r->field = 0;
    return end_fields(r, why);
}

static enum status end_name(struct archive_reader *r, struct error *why)
{
    struct span name = buf_span(&r->bytes);

    r->phase = IN_CONTENT;
    r->left = r->fields[HEADER_BYTES] + r->fields[PAYLOAD_BYTES];
    if (r->section == NOTHING) {
        if (span_is(name, "state.json")) return ST_OK;
        return error_set(why, ST_BAD_INPUT, "expected state.json first");
    }
    if (r->fields[SEQ] != 0 || is_end(r)) return ST_OK;
    if (span_has_prefix(name, SPAN_LIT(CONSUMER_PREFIX)) &&
        name.len > sizeof CONSUMER_PREFIX - 1)
        return ST_OK;
    return error_set(why, ST_BAD_INPUT, "expected consumer, found \"%.*s\"",
                     (int)(name.len > 200 ? 200 : name.len), name.len ? name.p : "");
}

static void end_content(struct archive_reader *r, struct archive_event *event)
{
    const uint64_t *f = r->fields;
    struct span name = span_make(r->bytes.p, (size_t)f[NAME_BYTES]);
    struct span content = span_from(buf_span(&r->bytes), name.len);

    r->phase = AFTER_ENTRY;
    if (r->section == NOTHING) {
        r->section = STATE;
        *event = (struct archive_event){ .kind = ARCHIVE_STATE, .json = content };
    } else if (f[SEQ] != 0) {
        *event = (struct archive_event){ .kind = ARCHIVE_MESSAGE, .name = name, .message = {
            .seq = f[SEQ], .timestamp_ns = varint_to_i64(f[TIMESTAMP]),
            .subject = name, .headers = span_make(content.p, (size_t)f[HEADER_BYTES]),
            .body = span_from(content, (size_t)f[HEADER_BYTES]),
        } };
    } else if (is_end(r)) {
        r->phase = OVER;
        *event = (struct archive_event){ .kind = ARCHIVE_END };
    } else {
        *event = (struct archive_event){ .kind = ARCHIVE_CONSUMER, .json = content,
            .name = span_from(name, sizeof CONSUMER_PREFIX - 1) };
    }
}

/* Gather what there is of the magic, name or content; true when it is whole. */
static bool gather(struct archive_reader *r, struct span in, size_t *used)
{
    size_t n = in.len - *used < r->left ? in.len - *used : (size_t)r->left;

    if (n > 0) buf_append(&r->bytes, in.p + *used, n);
    *used += n;
    r->left -= n;
    return r->left == 0;
}

enum status archive_read(struct archive_reader *r, struct span in, size_t *used,
                         struct archive_event *event, struct error *why)
{
    enum status st = ST_OK;

    *used = 0;
    *event = (struct archive_event){ .kind = ARCHIVE_MORE };
    if (r->phase == AFTER_ENTRY) r->phase = IN_FIELDS;
    while (st == ST_OK && r->phase != OVER) {
        if (r->phase == IN_FIELDS) {
            if (*used == in.len) return ST_OK;
            st = read_field_byte(r, (unsigned char)in.p[(*used)++], why);
            continue;
        }
        if (!gather(r, in, used)) return ST_OK;
        if (r->phase == IN_MAGIC) {
            r->phase = IN_FIELDS;
            if (!span_is(buf_span(&r->bytes), ARCHIVE_MAGIC))
                return error_set(why, ST_BAD_INPUT, INVALID);
        } else if (r->phase == IN_NAME) {
            st = end_name(r, why);
        } else {
            end_content(r, event);
            return ST_OK;
        }
    }
    if (r->phase == OVER) *used = in.len;
    return st;
}

enum status archive_read_end(const struct archive_reader *r, struct error *why)
{
    if (r->phase == OVER) return ST_OK;
    return error_set(why, ST_BAD_INPUT, "backup was truncated");
}
