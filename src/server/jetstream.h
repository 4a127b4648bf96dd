/* SPDX-License-Identifier: Apache-2.0 */
/* jetstream.h - JetStream as a part of the process: its start, reload and end. */
#ifndef SERVER_JETSTREAM_H
#define SERVER_JETSTREAM_H

#include "base/span.h"
#include "base/status.h"

struct server;

/* Open the store and recover what it has, if the options ask for JetStream. Before the loops run.
 * Errors as js_new. */
MUST_USE enum status server_start_jetstream(struct server *s, struct error *why);

/* After a reload of the configuration. */
void server_reload_jetstream(struct server *s);

/* Tell waiting clients and take nothing any more; while the loops still run. */
void server_shutdown_jetstream(struct server *s);

/* Sync and close the store; after the loops have stopped. */
void server_free_jetstream(struct server *s);

#endif
