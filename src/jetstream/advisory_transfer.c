/* SPDX-License-Identifier: Apache-2.0 */
/* advisory_transfer.c - events of snapshots, restores and abandoned batches. */
#include "jetstream/advisory.h"
#include "jetstream/snapshot.h"
#include "jetstream/stream.h"

void advisory_write_client(struct advisory *a, struct span client)
{
    if (client.len == 0) {
        jsonw_null(&a->w, "client");
        return;
    }
    jsonw_key(&a->w, SPAN_LIT("client"));
    buf_append_span(&a->body, client);
    a->w.need_comma = true;
}

static void batch_abandoned_in(struct stream *s, struct account *in, struct span id,
                               const char *reason)
{
    struct advisory a;

    if (!advisory_begin(&a, s->js, in, "advisory.v1.stream_batch_abandoned",
                        "$JS.EVENT.ADVISORY.STREAM.BATCH_ABANDONED.%s", s->config.name))
        return;
    if (in == s->js->core->system) jsonw_text(&a.w, "account", s->account->account->name);
    jsonw_text(&a.w, "stream", s->config.name);
    jsonw_string(&a.w, "batch", id);
    jsonw_text(&a.w, "reason", reason);
    advisory_end(&a, STORE_NO_POSITION);
}

void advisory_batch_abandoned(struct stream *s, struct span id, const char *reason)
{
    struct account *system = s->js->core->system;

    if (s->account->account != system) batch_abandoned_in(s, s->account->account, id, reason);
    if (system) batch_abandoned_in(s, system, id, reason);
}

static bool begin(struct advisory *a, const struct js_account *in, struct span stream,
                  const char *type, const char *kind)
{
    return advisory_begin(a, in->js, in->account, type, "$JS.EVENT.ADVISORY.STREAM.%s.%.*s", kind,
                          SPAN_ARG(stream));
}

void advisory_snapshot_begun(struct stream *s, struct span client, int64_t first_ns)
{
    struct advisory a;

    if (!begin(&a, s->account, span_of(s->config.name), "advisory.v1.snapshot_create",
               "SNAPSHOT_CREATE"))
        return;
    jsonw_text(&a.w, "stream", s->config.name);
    snapshot_write_state(s, first_ns, s->consumers.count, &a.w, "state");
    advisory_write_client(&a, client);
    advisory_end(&a, STORE_NO_POSITION);
}

void advisory_snapshot_ended(struct stream *s, struct span client, int64_t start_ns,
                             const char *error)
{
    struct advisory a;

    if (!begin(&a, s->account, span_of(s->config.name), "advisory.v1.snapshot_complete",
               "SNAPSHOT_COMPLETE"))
        return;
    jsonw_text(&a.w, "stream", s->config.name);
    jsonw_time(&a.w, "start", start_ns);
    jsonw_time(&a.w, "end", js_now(s->js));
    advisory_write_client(&a, client);
    jsonw_text_if(&a.w, "error", error);
    advisory_end(&a, STORE_NO_POSITION);
}

void advisory_restore_begun(struct js_account *in, struct span stream, struct span client)
{
    struct advisory a;

    if (!begin(&a, in, stream, "advisory.v1.restore_create", "RESTORE_CREATE")) return;
    jsonw_string(&a.w, "stream", stream);
    advisory_write_client(&a, client);
    advisory_end(&a, STORE_NO_POSITION);
}

void advisory_restore_ended(struct js_account *in, const struct advisory_restore *r)
{
    struct advisory a;

    if (!begin(&a, in, r->stream, "advisory.v1.restore_complete", "RESTORE_COMPLETE")) return;
    jsonw_string(&a.w, "stream", r->stream);
    jsonw_time(&a.w, "start", r->start_ns);
    jsonw_time(&a.w, "end", js_now(in->js));
    jsonw_uint(&a.w, "bytes", r->bytes);
    advisory_write_client(&a, r->client);
    advisory_end(&a, STORE_NO_POSITION);
}
