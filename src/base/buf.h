/* SPDX-License-Identifier: Apache-2.0 */
/* buf.h - a growable run of bytes that its holder owns. Zero-initialise, then append. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>

#include "base/span.h"

struct buf {
    char *p;            /* heap, or NULL while nothing was appended */
    size_t len, cap;
};

void buf_free(struct buf *b);                           /* ready for reuse afterwards */
void buf_reserve(struct buf *b, size_t more);           /* room for more bytes; amortised O(1) */
void buf_append(struct buf *b, const void *p, size_t len);
void buf_append_span(struct buf *b, struct span s);
void buf_append_text(struct buf *b, const char *text);
void buf_append_char(struct buf *b, char c);
void buf_append_u64(struct buf *b, uint64_t n);         /* in decimal */
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_vprintf(struct buf *b, const char *fmt, va_list ap);

/* Append s in double quotes as Go's %q does: what log lines and -ERR texts show of a peer's bytes.
 * Bytes that are no UTF-8, controls, format characters and spaces other than ' ' are escaped; code
 * points that Unicode has not assigned are not. O(n). */
void buf_append_quoted(struct buf *b, struct span s);

/* Remove the first n bytes. O(len). */
void buf_consume(struct buf *b, size_t n);

/* Append a NUL that does not count in len and return the text; valid until the next change. */
const char *buf_text(struct buf *b);

/* Hand the bytes (NUL-terminated) over to the caller; the buffer is empty afterwards. */
char *buf_take(struct buf *b);

static inline struct span buf_span(const struct buf *b)
{
    return (struct span){ b->p, b->len };
}

#endif
