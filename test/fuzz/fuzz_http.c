/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_http.c - a request head, whole and byte by byte, then judged as an upgrade. */
#include "base/assert.h"
#include "proto/websocket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(const struct http_request *r)
{
    struct websocket_rules rules = {
        .same_origin = true, .compression = true, .user_cookie = SPAN_LIT("user"), .leafnode = true,
    };
    struct websocket_upgrade up;
    struct buf out = { 0 };

    if (websocket_upgrade(&up, &rules, r, false, &out) != ST_OK) assert(up.reason[0] != '\0');
    assert(out.len > 0);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_make((const char *)data, size);
    struct http_parser whole = { 0 }, bytes = { 0 };
    enum status st, again = ST_AGAIN;
    size_t used, n, total = 0;

    st = http_parser_feed(&whole, in, &used);
    for (size_t i = 0; i < size && again == ST_AGAIN; i++, total += n)
        again = http_parser_feed(&bytes, span_make(in.p + i, 1), &n);
    assert(st == again && used == total && whole.refusal == bytes.refusal);
    assert(span_equal(buf_span(&whole.head), buf_span(&bytes.head)));
    if (st == ST_OK) judge(&whole.request);
    http_parser_fini(&whole);
    http_parser_fini(&bytes);
    return 0;
}
