/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_monitor.c - the query of a request to the monitoring port, and its Accept header: the first
 * line of the input is the one, the rest the other. */
#include "base/assert.h"
#include "base/mem.h"
#include "monitor/connz.h"
#include "monitor/exposition.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_options(struct span raw)
{
    struct connz_options o = { .page = { 0, 0 } };
    struct query q;
    struct buf error = { 0 };
    size_t from, to;

    query_init(&q, raw);
    assert(q.text.len <= raw.len && q.count <= QUERY_PAIRS_MAX);
    if (connz_options_read(&o, &q, &error) == ST_OK) {
        assert(error.len == 0 && o.page.offset >= 0 && o.page.limit > 0);
        page_bounds(o.page, 1000, &from, &to);
        assert(from <= to && to <= 1000);
    } else {
        assert(error.len > 0);
    }
    buf_free(&error);
    query_fini(&q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_make((const char *)data, size);
    size_t line = span_find(in, '\n');
    char *accept = mem_dup_span(span_from(in, line < size ? line + 1 : line));

    read_options(span_make(in.p, line));
    exposition_wants_open_metrics(accept);
    mem_free(accept);
    return 0;
}
