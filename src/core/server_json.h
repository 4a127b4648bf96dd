/* SPDX-License-Identifier: Apache-2.0 */
/* server_json.h - who speaks: the "server" object of the messages that the server itself sends. */
#ifndef CORE_SERVER_JSON_H
#define CORE_SERVER_JSON_H

#include "base/jsonw.h"
#include "core/core.h"

/* Write the object under key, with the next sequence number and the time. */
void server_json_write(struct core_loop *cl, struct jsonw *w, const char *key);

#endif
