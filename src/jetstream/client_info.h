/* SPDX-License-Identifier: Apache-2.0 */
/* client_info.h - who sent a request, as advisories tell it (nats-server's ClientInfo). */
#ifndef JETSTREAM_CLIENT_INFO_H
#define JETSTREAM_CLIENT_INFO_H

#include "base/buf.h"
#include "core/client.h"

/* Append the JSON object. On the client's own loop. */
void client_info_append(struct buf *out, const struct client *c);

#endif
