/* SPDX-License-Identifier: Apache-2.0 */
/* mem.h - heap memory. Small allocations never fail: out of memory ends the process with a
 * message, because every large or peer-sized allocation is bounded by a configured limit. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

#include "base/span.h"

void *mem_alloc(size_t size);                   /* uninitialised; never NULL */
void *mem_zero(size_t size);                    /* zeroed; never NULL */
void *mem_resize(void *p, size_t size);         /* as realloc; never NULL */
/* Zeroed, at a multiple of align (a power of two that divides size). Free with mem_free. */
void *mem_aligned(size_t align, size_t size);
void mem_free(void *p);                         /* p may be NULL */

/* NUL-terminated copies, owned by the caller. */
char *mem_dup_span(struct span s);
char *mem_dup(const char *text);                /* NULL gives NULL */
char *mem_printf(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Overwrite a secret so that the compiler can't drop the write. */
void mem_wipe(void *p, size_t size);

#endif
