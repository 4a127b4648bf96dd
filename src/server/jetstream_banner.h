/* SPDX-License-Identifier: Apache-2.0 */
/* jetstream_banner.h - what the log tells of JetStream's settings at its start. */
#ifndef SERVER_JETSTREAM_BANNER_H
#define SERVER_JETSTREAM_BANNER_H

#include "base/buf.h"
#include "config/jetstream_settings.h"

/* Append the lines of the log's notices, each with its newline, in nats-server's layout (without
 * its drawing). No secrets. Pure. The lines around them, "Starting JetStream" and "Took <time> to
 * start JetStream", are the starter's. */
void jetstream_banner_append(struct buf *out, const struct options_jetstream *o,
                             const struct jetstream_settings *s, int api_level);

#endif
