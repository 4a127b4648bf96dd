/* SPDX-License-Identifier: Apache-2.0 */
/* js_level.h - the JetStream API level that this server announces (ADR-44).
 *
 * What came with a later level is unknown here: strict requests with such fields are refused. */
#ifndef JETSTREAM_JS_LEVEL_H
#define JETSTREAM_JS_LEVEL_H

#include "core/core.h"

#define JS_API_LEVEL CORE_API_LEVEL     /* 2: nats-server 2.12 */

/* Keys of metadata that belong to the server. */
#define JS_KEY_REQUIRED_LEVEL "_nats.req.level"     /* stored */
#define JS_KEY_LEVEL "_nats.level"                  /* in responses only */
#define JS_KEY_VERSION "_nats.ver"                  /* in responses only */

#endif
