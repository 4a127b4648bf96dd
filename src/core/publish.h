/* SPDX-License-Identifier: Apache-2.0 */
/* publish.h - delivering a message to whoever matched. */
#ifndef CORE_PUBLISH_H
#define CORE_PUBLISH_H

#include "core/client.h"
#include "core/message.h"

/* Stage m for every target of match; returns how many got it. O(targets). */
uint64_t publish_fan_out(struct core_loop *cl, const struct match *match, const struct message *m);

/* Tell the client and the log that it must not publish to subject. */
void publish_refuse(struct client *c, struct span subject);

/* Subjects that no client, or only one of the system account, may publish to. */
bool publish_is_reserved(const struct client *c, struct span subject);

/* Publish on behalf of the server: no permissions, no mappings. Returns how many got it. */
uint64_t publish_internal(struct core_loop *cl, const struct message *m);

#endif
