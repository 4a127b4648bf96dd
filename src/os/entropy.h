/* SPDX-License-Identifier: Apache-2.0 */
/* entropy.h - unpredictable bytes from the kernel. Callable from any thread. */
#ifndef OS_ENTROPY_H
#define OS_ENTROPY_H

#include <stddef.h>
#include <stdint.h>

/* Fill len bytes at p with bytes fit for keys and nonces. Can't fail: a kernel without
 * entropy ends the process. O(len). */
void entropy_fill(void *p, size_t len);

/* A random word, for instance to seed base/rng.h. */
uint64_t entropy_u64(void);

#endif
