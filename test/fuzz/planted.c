/* SPDX-License-Identifier: Apache-2.0 */
/* planted.c - a target with a bug behind three bytes: proves that a fuzz run can fail. */
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Must not fold into one comparison: coverage has to show each byte that was guessed. */
static int depth(const uint8_t *data, size_t size)
{
    if (size < 3 || data[0] != '{') return 0;
    if (data[1] != '9') return 1;
    return data[2] == '$' ? 3 : 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    volatile uint8_t sink = 0;

    if (depth(data, size) == 3) sink = data[size + (sink & 1)];         /* one past the end */
    (void)sink;
    return 0;
}
