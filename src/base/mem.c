/* SPDX-License-Identifier: Apache-2.0 */
/* mem.c - the only place that calls malloc. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

static void *checked(void *p, size_t size)
{
    if (p == NULL && size > 0) {
        fprintf(stderr, "out of memory: %zu bytes\n", size);
        abort();
    }
    return p;
}

void *mem_alloc(size_t size)
{
    return checked(malloc(size), size);
}

void *mem_zero(size_t size)
{
    return checked(calloc(1, size), size);
}

void *mem_resize(void *p, size_t size)
{
    return checked(realloc(p, size), size);
}

void *mem_aligned(size_t align, size_t size)
{
    void *p = checked(aligned_alloc(align, size), size);

    memset(p, 0, size);
    return p;
}

void mem_free(void *p)
{
    free(p);
}

char *mem_dup_span(struct span s)
{
    char *copy = mem_alloc(s.len + 1);

    if (s.len) memcpy(copy, s.p, s.len);
    copy[s.len] = '\0';
    return copy;
}

char *mem_dup(const char *text)
{
    return text ? mem_dup_span(span_of(text)) : NULL;
}

char *mem_printf(const char *fmt, ...)
{
    va_list ap, again;
    char *text;
    int n;

    va_start(ap, fmt);
    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    assert(n >= 0);
    text = mem_alloc((size_t)n + 1);
    vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return text;
}

void mem_wipe(void *p, size_t size)
{
    volatile char *at = p;

    while (size--) *at++ = 0;
}
