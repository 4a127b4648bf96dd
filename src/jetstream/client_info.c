/* SPDX-License-Identifier: Apache-2.0 */
/* client_info.c - the fields of a client, in nats-server's order. */
#include "jetstream/client_info.h"

#include "auth/auth.h"
#include "base/jsonw.h"
#include "core/core.h"

void client_info_append(struct buf *out, const struct client *c)
{
    const struct core_identity *server = &c->core->identity;
    const struct client_details *d = c->details;
    struct jsonw w = jsonw_start(out);

    jsonw_object(&w, NULL);
    jsonw_time(&w, "start", server->start_wall_ns + (c->start_ns - server->start_mono_ns));
    jsonw_text_if(&w, "host", d->client_ip ? d->client_ip : d->peer.host);
    jsonw_uint(&w, "id", c->id);
    jsonw_text(&w, "acc", c->account->name);
    jsonw_text_if(&w, "user", auth_identity_user(d->identity));
    jsonw_text_if(&w, "name", atomic_load(&d->name));
    jsonw_text_if(&w, "lang", d->lang);
    jsonw_text_if(&w, "ver", d->version);
    jsonw_int_if(&w, "rtt", c->rtt_ns);
    jsonw_text(&w, "server", server->name);
    jsonw_text(&w, "kind", "Client");
    jsonw_text(&w, "client_type", c->listener == CORE_LISTENER_WEBSOCKET ? "websocket" : "nats");
    jsonw_end_object(&w);
}
