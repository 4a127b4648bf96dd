/* SPDX-License-Identifier: Apache-2.0 */
/* pages.h - large zeroed memory straight from the kernel, of which parts can be given back. Any
 * thread. */
#ifndef OS_PAGES_H
#define OS_PAGES_H

#include <stddef.h>

/* bytes of zeroed memory, a multiple of 4096, present only where it is touched. Out of address
 * space ends the process, as in base/mem.h. */
void *pages_map(size_t bytes);
void pages_unmap(void *p, size_t bytes);

/* Make all of [p, p + bytes) present, so that touching it costs no fault. Best effort. */
void pages_populate(void *p, size_t bytes);

/* Give the whole pages in [p, p + bytes) back: they read as zeros afterwards. p at a page. */
void pages_drop(void *p, size_t bytes);

#endif
