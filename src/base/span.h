/* SPDX-License-Identifier: Apache-2.0 */
/* span.h - a borrowed run of bytes. Never owns, never NUL-terminated by contract. */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr) - offsetof(type, member)))
#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

struct span {
    const char *p;      /* may be NULL when len is 0 */
    size_t len;
};

/* For "%.*s": SPAN_ARG(s) expands to the two arguments. */
#define SPAN_ARG(s) (int)(s).len, ((s).len ? (s).p : "")
#define SPAN_LIT(lit) ((struct span){ "" lit, sizeof(lit) - 1 })
/* As SPAN_LIT, where C wants a constant initialiser. */
#define SPAN_INIT(lit) { "" lit, sizeof(lit) - 1 }
#define SPAN_NONE ((struct span){ NULL, 0 })

static inline struct span span_of(const char *text)     /* text may be NULL: empty */
{
    return (struct span){ text, text ? strlen(text) : 0 };
}

static inline struct span span_make(const char *p, size_t len)
{
    return (struct span){ p, len };
}

static inline bool span_equal(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static inline bool span_is(struct span a, const char *text)
{
    return span_equal(a, span_of(text));
}

static inline bool span_has_prefix(struct span a, struct span prefix)
{
    return a.len >= prefix.len && (prefix.len == 0 || memcmp(a.p, prefix.p, prefix.len) == 0);
}

/* Bytes [from, len); from may equal len. */
static inline struct span span_from(struct span a, size_t from)
{
    return (struct span){ a.p ? a.p + from : NULL, a.len - from };
}

/* ASCII case-insensitive comparison; other bytes compare as they are. O(n). */
bool span_equal_nocase(struct span a, struct span b);

/* Lexicographic order of bytes, shorter first on a common prefix: <0, 0, >0. O(n). */
int span_compare(struct span a, struct span b);

/* Without leading and trailing SP, TAB, CR, LF. O(n). */
struct span span_trim(struct span a);

/* Position of byte c, or a.len when it does not occur. O(n). */
size_t span_find(struct span a, char c);

/* Whole of a is a decimal number that fits: true and *out set; else false. No sign, no space. */
bool span_to_u64(struct span a, uint64_t *out);

/* As span_to_u64 with an optional leading '-' or '+'. */
bool span_to_i64(struct span a, int64_t *out);

#endif
