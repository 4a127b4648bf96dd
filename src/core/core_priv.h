/* SPDX-License-Identifier: Apache-2.0 */
/* core_priv.h - between core.c and core_config.c. Inside core/ only. */
#ifndef CORE_CORE_PRIV_H
#define CORE_CORE_PRIV_H

#include "core/core.h"
#include "net/conn.h"

/* Build a snapshot: accounts of options are created or changed, credentials compiled. options is
 * owned by the snapshot, or freed on an error; then nothing else has changed. */
MUST_USE enum status core_config_new(struct core_config **out, struct core *core,
                                     struct options *options, struct error *why);

/* Bring the limits that loops look at up to date. */
void core_config_apply_limits(struct core *core, const struct core_config *config);

/* core_transports.c: TLS contexts and WebSocket rules of c->options. */
MUST_USE enum status core_config_make_transports(struct core_config *c, struct error *why);
void core_config_free_transports(struct core_config *c);

#endif
