/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_connect.c - CONNECT's JSON: any bytes, alone and on top of earlier options. */
#include "base/assert.h"
#include "proto/connect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_make((const char *)data, size);
    struct connect_options o;
    struct error why;

    connect_options_init(&o);
    if (connect_options_parse(&o, in, &why) == ST_OK) {
        struct connect_options once = o;
        assert(connect_options_parse(&o, in, &why) == ST_OK);
        assert(o.verbose == once.verbose && o.protocol == once.protocol);
        assert(o.pass.len == once.pass.len);
    }
    connect_options_fini(&o);
    return 0;
}
