/* SPDX-License-Identifier: Apache-2.0 */
/* server_json.c - field by field as nats-server's. */
#include "core/server_json.h"

#include "os/clock.h"

void server_json_write(struct core_loop *cl, struct jsonw *w, const char *key)
{
    const struct core_identity *id = &cl->core->identity;

    jsonw_object(w, key);
    jsonw_text(w, "name", id->name);
    jsonw_text(w, "host", cl->config->options->host);
    jsonw_text(w, "id", id->id);
    jsonw_text(w, "ver", id->version);
    jsonw_bool(w, "jetstream", cl->config->options->jetstream.enabled);
    jsonw_int(w, "flags", 0);
    jsonw_uint(w, "seq", atomic_fetch_add(&cl->core->counters.event_seq, 1) + 1);
    jsonw_time(w, "time", clock_wall_ns());
    jsonw_end_object(w);
}
