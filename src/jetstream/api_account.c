/* SPDX-License-Identifier: Apache-2.0 */
/* api_account.c - $JS.API.INFO: what an account uses and may use. */
#include "jetstream/api.h"
#include "jetstream/js_level.h"
#include "jetstream/stream.h"

static void write_limits(struct jsonw *w, const struct jetstream_account_limits *l)
{
    jsonw_object(w, "limits");
    jsonw_int(w, "max_memory", l->max_memory);
    jsonw_int(w, "max_storage", l->max_store);
    jsonw_int(w, "max_streams", l->max_streams);
    jsonw_int(w, "max_consumers", l->max_consumers);
    jsonw_int(w, "max_ack_pending", l->max_ack_pending);
    jsonw_int(w, "memory_max_stream_bytes", l->memory_max_stream_bytes);
    jsonw_int(w, "storage_max_stream_bytes", l->store_max_stream_bytes);
    jsonw_bool(w, "max_bytes_required", l->max_bytes_required);
    jsonw_end_object(w);
}

static uint64_t count_consumers(const struct js_account *a)
{
    uint64_t n = 0;

    for (size_t i = 0; i < a->streams.count; i++)
        n += ((const struct stream *)a->streams.entries[i].value)->consumers.count;
    return n;
}

static void write_account(const struct js_account *a, struct jsonw *w)
{
    jsonw_uint(w, "memory", a->memory_used);
    jsonw_uint(w, "storage", a->store_used);
    jsonw_uint(w, "reserved_memory", a->memory_reserved);
    jsonw_uint(w, "reserved_storage", a->store_reserved);
    jsonw_uint(w, "streams", a->streams.count);
    jsonw_uint(w, "consumers", count_consumers(a));
    write_limits(w, &a->limits);
    jsonw_text_if(w, "domain", a->js->options->domain);
    jsonw_object(w, "api");
    jsonw_int(w, "level", JS_API_LEVEL);
    jsonw_uint(w, "total", a->api_total - 1);       /* before this request */
    jsonw_uint(w, "errors", a->api_errors);
    jsonw_end_object(w);
}

static void handle_info(struct api_request *r)
{
    write_account(r->account, &r->w);
    api_answer(r);
}

const struct api_handler api_account_handlers[] = {
    { "INFO", "account_info_response", handle_info },
    { NULL, NULL, NULL },
};
