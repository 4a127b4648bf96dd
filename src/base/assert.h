/* SPDX-License-Identifier: Apache-2.0 */
/* assert.h - assertions that stay on in release builds.
 *
 * For internal invariants only: one condition each, O(1), no side effects. Bytes from a
 * peer or a disk are checked and answered with a status, never asserted. */
#ifndef BASE_ASSERT_H
#define BASE_ASSERT_H

#include <assert.h>

/* Print the broken condition to stderr and abort. */
_Noreturn void assert_fail(const char *what, const char *file, int line);

#undef assert
#define assert(x) ((x) ? (void)0 : assert_fail(#x, __FILE__, __LINE__))
#define unreachable() assert_fail("unreachable", __FILE__, __LINE__)

#endif
