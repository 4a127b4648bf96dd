/* SPDX-License-Identifier: Apache-2.0 */
/* tar_reader.c - POSIX.1-2001, "pax Interchange Format" and "ustar Interchange Format".
 *
 * Content is handed out as it comes; only heads are gathered. */
#include "proto/tar_reader.h"

enum phase { IN_HEAD, IN_PAX, FILE_BEGINS, IN_DATA, IN_PADDING, IN_SECOND_ZERO, OVER };

/* Fields of a head. */
enum {
    NAME_AT = 0, NAME_BYTES = 100, SIZE_AT = 124, NUMBER_BYTES = 12, CHECKSUM_AT = 148,
    CHECKSUM_BYTES = 8, TYPE_AT = 156, MAGIC_AT = 257, PREFIX_AT = 345, PREFIX_BYTES = 155,
};

void tar_reader_init(struct tar_reader *r, uint64_t file_max)
{
    memset(r, 0, sizeof *r);
    r->file_max = file_max;
}

void tar_reader_fini(struct tar_reader *r)
{
    buf_free(&r->pax);
    buf_free(&r->path);
}

/* A field of text ends at its first NUL. */
static struct span text_at(const struct tar_reader *r, size_t at, size_t bytes)
{
    struct span field = span_make((const char *)r->block + at, bytes);

    field.len = span_find(field, '\0');
    return field;
}

/* Octal digits among spaces and NULs. */
static bool number_at(const struct tar_reader *r, size_t at, size_t bytes, uint64_t *v)
{
    struct span text = span_trim(text_at(r, at, bytes));

    *v = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] < '0' || text.p[i] > '7') return false;
        *v = *v << 3 | (uint64_t)(text.p[i] - '0');     /* at most 12 digits */
    }
    return text.len > 0;
}

static bool is_zero(const struct tar_reader *r)
{
    for (size_t i = 0; i < sizeof r->block; i++)
        if (r->block[i] != 0) return false;
    return true;
}

static bool has_right_checksum(const struct tar_reader *r)
{
    uint64_t sum = 0, want;

    for (size_t i = 0; i < sizeof r->block; i++) {
        bool own = i >= CHECKSUM_AT && i < CHECKSUM_AT + CHECKSUM_BYTES;
        sum += own ? ' ' : r->block[i];
    }
    return number_at(r, CHECKSUM_AT, CHECKSUM_BYTES, &want) && sum == want;
}

static bool is_good_name(struct span name)
{
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.p[i] < 0x20 || name.p[i] == 0x7f || name.p[i] == '\\') return false;
    for (;;) {
        size_t n = span_find(name, '/');
        struct span part = span_make(name.p, n);
        if (n == 0 || span_is(part, ".") || span_is(part, "..")) return false;
        if (n == name.len) return true;
        name = span_from(name, n + 1);
    }
}

/* ---- pax headers: "LENGTH KEY=VALUE\n", the length counting all of it ---- */

static enum status apply_record(struct tar_reader *r, struct span key, struct span value,
                                struct error *why)
{
    if (span_is(key, "path")) {
        r->path.len = 0;
        buf_append_span(&r->path, value);
        r->has_path = value.len > 0;
    } else if (span_is(key, "size")) {
        if (!span_to_u64(value, &r->size))
            return error_set(why, ST_BAD_INPUT, "tar: invalid pax size");
        r->has_size = true;
    } else if (span_has_prefix(key, SPAN_LIT("GNU.sparse."))) {
        return error_set(why, ST_UNSUPPORTED, "tar: sparse file");
    }
    return ST_OK;
}

static enum status read_pax(struct tar_reader *r, struct error *why)
{
    struct span rest = buf_span(&r->pax);

    while (rest.len > 0) {
        size_t space = span_find(rest, ' '), equals;
        struct span record;
        uint64_t length;
        if (!span_to_u64(span_make(rest.p, space), &length) || length > rest.len ||
            length < space + 2 || rest.p[length - 1] != '\n')
            return error_set(why, ST_BAD_INPUT, "tar: invalid pax header");
        record = span_make(rest.p + space + 1, (size_t)length - space - 2);
        equals = span_find(record, '=');
        if (equals == 0 || equals == record.len)
            return error_set(why, ST_BAD_INPUT, "tar: invalid pax header");
        enum status st = apply_record(r, span_make(record.p, equals),
                                      span_from(record, equals + 1), why);
        if (st != ST_OK) return st;
        rest = span_from(rest, (size_t)length);
    }
    return ST_OK;
}

/* ---- heads ---- */

static void set_padding(struct tar_reader *r)
{
    r->padding = (TAR_BLOCK_BYTES - r->left % TAR_BLOCK_BYTES) % TAR_BLOCK_BYTES;
}

static enum status begin_pax(struct tar_reader *r, struct error *why)
{
    if (r->left > TAR_PAX_BYTES_MAX) return error_set(why, ST_LIMIT, "tar: pax header too large");
    r->pax.len = 0;
    r->phase = IN_PAX;
    set_padding(r);
    return ST_OK;
}

static enum status begin_file(struct tar_reader *r, struct error *why)
{
    if (r->has_size) r->left = r->size;
    if (!r->has_path) {
        struct span prefix = text_at(r, PREFIX_AT, PREFIX_BYTES);
        r->path.len = 0;
        if (r->block[MAGIC_AT + 5] == 0 && prefix.len > 0) {     /* GNU has other fields there */
            buf_append_span(&r->path, prefix);
            buf_append_char(&r->path, '/');
        }
        buf_append_span(&r->path, text_at(r, NAME_AT, NAME_BYTES));
    }
    if (r->path.len > TAR_NAME_BYTES_MAX) return error_set(why, ST_LIMIT, "tar: name too long");
    if (!is_good_name(buf_span(&r->path))) {
        struct buf quoted = { 0 };
        buf_append_quoted(&quoted, buf_span(&r->path));
        error_set(why, ST_BAD_INPUT, "tar: bad file name %s", buf_text(&quoted));
        buf_free(&quoted);
        return ST_BAD_INPUT;
    }
    if (r->left > r->file_max)
        return error_set(why, ST_LIMIT, "tar: %.200s is too large", buf_text(&r->path));
    r->phase = FILE_BEGINS;
    r->size = r->left;
    r->has_size = r->has_path = false;
    set_padding(r);
    return ST_OK;
}

static enum status end_head(struct tar_reader *r, struct error *why)
{
    unsigned char type = r->block[TYPE_AT];

    r->block_len = 0;
    if (is_zero(r)) {
        r->phase = r->phase == IN_SECOND_ZERO ? OVER : IN_SECOND_ZERO;
        return ST_OK;
    }
    if (r->phase == IN_SECOND_ZERO || memcmp(r->block + MAGIC_AT, "ustar", 5) != 0 ||
        !has_right_checksum(r))
        return error_set(why, ST_BAD_INPUT, "tar: invalid header");
    if (r->block[SIZE_AT] & 0x80)       /* base 256: beyond 8 GiB */
        return error_set(why, ST_LIMIT, "tar: size too large");
    if (!number_at(r, SIZE_AT, NUMBER_BYTES, &r->left))
        return error_set(why, ST_BAD_INPUT, "tar: invalid header");
    if (type == 'x') return begin_pax(r, why);
    if (type == '0' || type == 0) return begin_file(r, why);
    return error_set(why, ST_UNSUPPORTED, "tar: unexpected content of type 0x%02x", type);
}

/* ---- the stream ---- */

/* Take bytes of a head; true when it is whole. */
static bool gather_head(struct tar_reader *r, struct span in, size_t *used)
{
    size_t room = sizeof r->block - r->block_len, n = in.len - *used;

    if (n > room) n = room;
    if (n > 0) memcpy(r->block + r->block_len, in.p + *used, n);
    *used += n;
    r->block_len += n;
    return r->block_len == sizeof r->block;
}

/* Take up to *left bytes. */
static struct span take(uint64_t *left, struct span in, size_t *used)
{
    size_t n = in.len - *used < *left ? in.len - *used : (size_t)*left;
    struct span bytes = span_make(in.p ? in.p + *used : NULL, n);

    *used += n;
    *left -= n;
    return bytes;
}

static enum status step_pax(struct tar_reader *r, struct span in, size_t *used, struct error *why)
{
    buf_append_span(&r->pax, take(&r->left, in, used));
    if (r->left > 0) return ST_OK;
    r->phase = IN_PADDING;
    return read_pax(r, why);
}

/* One step within a file: one event, MORE when the bytes are used up. */
static void step_file(struct tar_reader *r, struct span in, size_t *used, struct tar_event *event)
{
    if (r->phase == FILE_BEGINS) {
        event->kind = TAR_FILE;
        r->phase = IN_DATA;
    } else if (r->left > 0) {
        event->data = take(&r->left, in, used);
        if (event->data.len > 0) event->kind = TAR_DATA;
    } else {
        event->kind = TAR_FILE_END;
        r->phase = IN_PADDING;
    }
    event->name = buf_span(&r->path);
    event->size = r->size;
}

enum status tar_read(struct tar_reader *r, struct span in, size_t *used, struct tar_event *event,
                     struct error *why)
{
    enum status st = ST_OK;

    *used = 0;
    *event = (struct tar_event){ .kind = TAR_MORE };
    while (st == ST_OK) {
        switch ((enum phase)r->phase) {
        case IN_HEAD: case IN_SECOND_ZERO:
            if (!gather_head(r, in, used)) return ST_OK;
            st = end_head(r, why);
            if (r->phase != OVER) break;
            event->kind = TAR_END;
            return ST_OK;
        case IN_PAX:
            st = step_pax(r, in, used, why);
            if (r->phase == IN_PAX) return st;
            break;
        case IN_PADDING:
            take(&r->padding, in, used);
            if (r->padding > 0) return ST_OK;
            r->phase = IN_HEAD;
            break;
        case FILE_BEGINS: case IN_DATA:
            step_file(r, in, used, event);
            return ST_OK;
        case OVER:
            *used = in.len;
            return ST_OK;
        }
    }
    return st;
}

enum status tar_read_end(const struct tar_reader *r, struct error *why)
{
    if (r->phase == OVER) return ST_OK;
    return error_set(why, ST_BAD_INPUT, "backup was truncated");
}
