/* SPDX-License-Identifier: Apache-2.0 */
/* user_info.c - the reply of $SYS.REQ.USER.INFO, field by field as nats-server's. */
#include "core/user_info.h"

#include "auth/perms.h"
#include "core/publish.h"
#include "os/clock.h"

static void write_server(struct core_loop *cl, struct jsonw *w)
{
    const struct core_identity *id = &cl->core->identity;

    jsonw_object(w, "server");
    jsonw_text(w, "name", id->name);
    jsonw_text(w, "host", cl->config->options->host);
    jsonw_text(w, "id", id->id);
    jsonw_text(w, "ver", id->version);
    jsonw_bool(w, "jetstream", false);
    jsonw_int(w, "flags", 0);
    jsonw_uint(w, "seq", atomic_fetch_add(&cl->core->counters.event_seq, 1) + 1);
    jsonw_time(w, "time", clock_wall_ns());
    jsonw_end_object(w);
}

bool user_info_answer(struct core_loop *cl, struct client *c, const struct message *m)
{
    struct buf body = { 0 };
    struct jsonw w = jsonw_start(&body);
    struct message reply = { .subject = m->reply, .account = c->account };

    if (!span_is(m->subject, "$SYS.REQ.USER.INFO")) return false;
    jsonw_object(&w, NULL);
    write_server(cl, &w);
    jsonw_object(&w, "data");
    jsonw_text(&w, "user", auth_identity_user(c->details->identity));
    jsonw_text(&w, "account", c->account->name);
    jsonw_text(&w, "account_name", c->account->name);
    perms_write(c->perms, &w, "permissions");
    jsonw_end_object(&w);
    jsonw_end_object(&w);
    reply.body = body.p;
    reply.total = body.len;
    publish_internal(cl, &reply);
    buf_free(&body);
    return true;
}
