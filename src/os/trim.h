/* SPDX-License-Identifier: Apache-2.0 */
/* trim.h - giving back what only the start needed. */
#ifndef OS_TRIM_H
#define OS_TRIM_H

#include <stddef.h>

/* Drop the pages of program and library code from this process: the kernel maps code in clusters,
 * and most of what dynamic linking and configuration touched is never run again. What is run comes
 * back from the page cache by a minor fault. Data is not touched. Returns the bytes of code looked
 * at; 0 where /proc is not there, which is harmless. */
size_t trim_code(void);

#endif
