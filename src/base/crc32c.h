/* SPDX-License-Identifier: Apache-2.0 */
/* crc32c.h - the Castagnoli checksum (RFC 3720, appendix B.4), of streams and store records. */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of the bytes that crc stands for (0: none) followed by the n bytes at p, so that
 * crc32c(crc32c(0, a), b) is the checksum of a and b. p may be NULL when n is 0. O(n): with SSE
 * 4.2, which is looked for at run time, some 8 bytes in 3 cycles. Any thread. */
uint32_t crc32c(uint32_t crc, const void *p, size_t n);

/* The same without special instructions; several times slower. For comparison in tests. */
uint32_t crc32c_portable(uint32_t crc, const void *p, size_t n);

#endif
