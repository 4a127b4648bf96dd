/* SPDX-License-Identifier: Apache-2.0 */
/* buf.c - doubling growth. */
#include "base/buf.h"

#include <stdio.h>

#include "base/assert.h"
#include "base/mem.h"
#include "base/utf8.h"

void buf_free(struct buf *b)
{
    mem_free(b->p);
    *b = (struct buf){ 0 };
}

void buf_reserve(struct buf *b, size_t more)
{
    size_t want, cap;

    if (b->cap - b->len >= more) return;
    if (__builtin_add_overflow(b->len, more, &want)) unreachable();
    cap = b->cap ? b->cap : 64;
    while (cap < want) cap *= 2;
    b->p = mem_resize(b->p, cap);
    b->cap = cap;
}

void buf_append(struct buf *b, const void *p, size_t len)
{
    if (len == 0) return;
    buf_reserve(b, len);
    memcpy(b->p + b->len, p, len);
    b->len += len;
}

void buf_append_span(struct buf *b, struct span s)
{
    buf_append(b, s.p, s.len);
}

void buf_append_text(struct buf *b, const char *text)
{
    buf_append(b, text, strlen(text));
}

void buf_append_char(struct buf *b, char c)
{
    buf_append(b, &c, 1);
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
    va_list again;
    int n;

    buf_reserve(b, 64);
    va_copy(again, ap);
    n = vsnprintf(b->p + b->len, b->cap - b->len, fmt, again);
    va_end(again);
    assert(n >= 0);
    if ((size_t)n >= b->cap - b->len) {         /* cut: now with room for all of it */
        buf_reserve(b, (size_t)n + 1);
        vsnprintf(b->p + b->len, (size_t)n + 1, fmt, ap);
    }
    b->len += (size_t)n;
}

void buf_append_u64(struct buf *b, uint64_t n)
{
    char digits[20];
    size_t at = sizeof digits;

    do digits[--at] = (char)('0' + n % 10);
    while (n /= 10);
    buf_append(b, digits + at, sizeof digits - at);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(b, fmt, ap);
    va_end(ap);
}

void buf_consume(struct buf *b, size_t n)
{
    assert(n <= b->len);
    if (n == 0) return;
    memmove(b->p, b->p + n, b->len - n);
    b->len -= n;
}

const char *buf_text(struct buf *b)
{
    buf_reserve(b, 1);
    b->p[b->len] = '\0';
    return b->p;
}

char *buf_take(struct buf *b)
{
    char *text;

    buf_text(b);
    text = b->p;
    *b = (struct buf){ 0 };
    return text;
}

static void append_byte_quoted(struct buf *b, unsigned char c)
{
    static const char from[] = "\a\b\f\n\r\t\v\"\\", to[] = "abfnrtv\"\\";
    const char *at = c != 0 ? strchr(from, c) : NULL;

    if (at != NULL)
        buf_printf(b, "\\%c", to[at - from]);
    else if (c < 0x20 || c >= 0x7f)
        buf_printf(b, "\\x%02x", c);
    else
        buf_append_char(b, (char)c);
}

/* Code points that a log shows as nothing, as a space or that turn its text around. */
static bool is_invisible(uint32_t code)
{
    static const struct { uint32_t first, last; } ranges[] = {
        { 0x80, 0xa0 }, { 0xad, 0xad }, { 0x1680, 0x1680 }, { 0x2000, 0x200f }, { 0x2028, 0x202f },
        { 0x205f, 0x206f }, { 0x3000, 0x3000 }, { 0xe000, 0xf8ff }, { 0xfeff, 0xfeff },
        { 0xfff9, 0xfffb },
    };

    for (size_t i = 0; i < COUNT_OF(ranges); i++)
        if (code >= ranges[i].first && code <= ranges[i].last) return true;
    return false;
}

/* The code point of a well-formed sequence of n >= 2 bytes. */
static uint32_t decode(const char *p, size_t n)
{
    uint32_t code = (unsigned char)p[0] & (0xffu >> (n + 1));

    for (size_t i = 1; i < n; i++) code = code << 6 | ((unsigned char)p[i] & 0x3fu);
    return code;
}

void buf_append_quoted(struct buf *b, struct span s)
{
    buf_append_char(b, '"');
    for (size_t i = 0; i < s.len;) {
        size_t n = utf8_sequence(span_from(s, i));
        if (n < 2) {
            append_byte_quoted(b, (unsigned char)s.p[i++]);
            continue;
        }
        if (is_invisible(decode(s.p + i, n)))
            buf_printf(b, "\\u%04x", decode(s.p + i, n));
        else
            buf_append(b, s.p + i, n);
        i += n;
    }
    buf_append_char(b, '"');
}
