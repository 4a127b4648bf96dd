/* SPDX-License-Identifier: Apache-2.0 */
/* user_info.c - the reply of $SYS.REQ.USER.INFO, field by field as nats-server's. */
#include "core/user_info.h"

#include "auth/perms.h"
#include "core/publish.h"
#include "core/server_json.h"

bool user_info_answer(struct core_loop *cl, struct client *c, const struct message *m)
{
    struct buf body = { 0 };
    struct jsonw w = jsonw_start(&body);
    struct message reply = { .subject = m->reply, .account = c->account };

    if (!span_is(m->subject, "$SYS.REQ.USER.INFO")) return false;
    jsonw_object(&w, NULL);
    server_json_write(cl, &w, "server");
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
