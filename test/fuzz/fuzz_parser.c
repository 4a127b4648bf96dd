/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_parser.c - any bytes, cut anywhere, give the same commands and never read outside. */
#include <stdint.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/mem.h"
#include "proto/parser.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct parser_limits limits = {
    .max_control_line = 128, .max_payload = 1024, .headers = true,
};

/* Where the first command of exactly these bytes ends, and how. */
static enum parser_result first(const uint8_t *data, size_t size, size_t *consumed)
{
    struct parser_command c = { 0 };
    char *exact = mem_alloc(size);
    enum parser_result r;

    memcpy(exact, data, size);
    r = parser_next(exact, size, &limits, &c);
    assert(r != PARSER_COMMAND || (c.consumed > 0 && c.consumed <= size));
    assert(r != PARSER_MORE || c.need > size);
    *consumed = c.consumed;
    mem_free(exact);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t whole, part;
    enum parser_result r, cut;

    if (size == 0 || size > 4096) return 0;
    r = first(data, size, &whole);
    for (size_t n = 1; n < size; n++) {
        cut = first(data, n, &part);
        if (cut == PARSER_MORE) continue;
        assert(cut == r && (cut != PARSER_COMMAND || part == whole));
        break;
    }
    return 0;
}
