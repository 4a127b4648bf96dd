/* SPDX-License-Identifier: Apache-2.0 */
/* query.c - decoding and conversions. */
#include "monitor/query.h"

#include "base/utf8.h"

#define LIMIT_DEFAULT 1024

/* ---- reading ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool query_decode(struct buf *out, struct span raw, bool plus_is_space)
{
    size_t before = out->len;

    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.p[i];
        if (c == '%') {
            int high = i + 2 < raw.len ? hex_digit(raw.p[i + 1]) : -1;
            int low = i + 2 < raw.len ? hex_digit(raw.p[i + 2]) : -1;
            if (high < 0 || low < 0) {
                out->len = before;
                return false;
            }
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        buf_append_char(out, c);
    }
    return true;
}

static bool decode_part(struct query *q, struct span raw, struct span *out)
{
    size_t start = q->text.len;

    if (!query_decode(&q->text, raw, true)) return false;
    *out = span_make(q->text.p + start, q->text.len - start);
    return true;
}

void query_init(struct query *q, struct span raw)
{
    *q = (struct query){ .count = 0 };
    buf_reserve(&q->text, raw.len + 1);         /* so that spans into it stay valid */
    while (raw.len > 0 && q->count < QUERY_PAIRS_MAX) {
        size_t end = span_find(raw, '&');
        struct span pair = span_make(raw.p, end);
        size_t equals = span_find(pair, '=');
        struct query_pair *p = &q->pairs[q->count];

        raw = span_from(raw, end < raw.len ? end + 1 : end);
        if (pair.len == 0 || span_find(pair, ';') < pair.len) continue;
        if (decode_part(q, span_make(pair.p, equals), &p->name) &&
            decode_part(q, span_from(pair, equals < pair.len ? equals + 1 : equals), &p->value))
            q->count++;
    }
}

void query_fini(struct query *q)
{
    buf_free(&q->text);
    q->count = 0;
}

struct span query_text(const struct query *q, const char *name)
{
    for (size_t i = 0; i < q->count; i++)
        if (span_is(q->pairs[i].name, name)) return q->pairs[i].value;
    return SPAN_NONE;
}

/* ---- conversions ---- */

/* As Go's strconv.Quote. */
static void append_quoted(struct buf *out, struct span value)
{
    buf_append_char(out, '"');
    for (size_t i = 0; i < value.len;) {
        size_t n = utf8_sequence(span_from(value, i));
        unsigned char c = (unsigned char)value.p[i];
        static const char controls[] = "abtnvfr";       /* from 7 on */

        if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else if (c >= 7 && c <= 13)
            buf_printf(out, "\\%c", controls[c - 7]);
        else if (n == 0 || c < 0x20 || c == 0x7f)
            buf_printf(out, "\\x%02x", c);
        else
            buf_append(out, value.p + i, n);
        i += n ? n : 1;
    }
    buf_append_char(out, '"');
}

static enum status refuse(struct buf *error, const char *kind, const char *name,
                          const char *function, struct span value, const char *why)
{
    buf_printf(error, "Error decoding %s for '%s': strconv.%s: parsing ", kind, name, function);
    append_quoted(error, value);
    buf_printf(error, ": %s", why);
    return ST_BAD_INPUT;
}

enum status query_bool(const struct query *q, const char *name, bool *out, struct buf *error)
{
    static const char *const yes[] = { "1", "t", "T", "TRUE", "true", "True" };
    static const char *const no[] = { "", "0", "f", "F", "FALSE", "false", "False" };
    struct span value = query_text(q, name);

    for (size_t i = 0; i < COUNT_OF(yes); i++)
        if (span_is(value, yes[i])) {
            *out = true;
            return ST_OK;
        }
    *out = false;
    for (size_t i = 0; i < COUNT_OF(no); i++)
        if (span_is(value, no[i])) return ST_OK;
    return refuse(error, "boolean", name, "ParseBool", value, "invalid syntax");
}

/* Why digits (at least one, and nothing else) are no number, or NULL. */
static const char *check_digits(struct span digits)
{
    if (digits.len == 0) return "invalid syntax";
    for (size_t i = 0; i < digits.len; i++)
        if (digits.p[i] < '0' || digits.p[i] > '9') return "invalid syntax";
    return NULL;
}

enum status query_int(const struct query *q, const char *name, int64_t *out, struct buf *error)
{
    struct span value = query_text(q, name), digits = value;
    const char *why;

    *out = 0;
    if (value.len == 0) return ST_OK;
    if (value.p[0] == '-' || value.p[0] == '+') digits = span_from(value, 1);
    why = check_digits(digits);
    if (why == NULL && !span_to_i64(value, out)) why = "value out of range";
    return why ? refuse(error, "int", name, "Atoi", value, why) : ST_OK;
}

enum status query_u64(const struct query *q, const char *name, uint64_t *out, struct buf *error)
{
    struct span value = query_text(q, name);
    const char *why;

    *out = 0;
    if (value.len == 0) return ST_OK;
    why = check_digits(value);
    if (why == NULL && !span_to_u64(value, out)) why = "value out of range";
    return why ? refuse(error, "uint64", name, "ParseUint", value, why) : ST_OK;
}

enum status query_subs(const struct query *q, bool *subs, bool *detail, struct buf *error)
{
    *subs = false;
    *detail = span_equal_nocase(query_text(q, "subs"), SPAN_LIT("detail"));
    return *detail ? ST_OK : query_bool(q, "subs", subs, error);
}

enum status query_page(const struct query *q, struct page *page, struct buf *error)
{
    enum status st = query_int(q, "offset", &page->offset, error);

    if (st == ST_OK) st = query_int(q, "limit", &page->limit, error);
    if (page->offset < 0) page->offset = 0;
    if (page->limit <= 0) page->limit = LIMIT_DEFAULT;
    return st;
}

void page_bounds(struct page page, size_t count, size_t *from, size_t *to)
{
    *from = (uint64_t)page.offset < count ? (size_t)page.offset : count;
    *to = (uint64_t)page.limit < count - *from ? *from + (size_t)page.limit : count;
}
