/* SPDX-License-Identifier: Apache-2.0 */
/* core_transports.c - TLS contexts and WebSocket rules of a configuration. */
#include "core/core_priv.h"

enum status core_config_make_transports(struct core_config *c, struct error *why)
{
    if (c->options->tls || c->options->websocket.enabled)
        return error_set(why, ST_UNSUPPORTED, "tls is not linked");
    return ST_OK;
}

void core_config_free_transports(struct core_config *c)
{
    (void)c;
}
