/* SPDX-License-Identifier: Apache-2.0 */
/* scrub.h - reading sealed segments in the background, so that bytes that went bad are known before
 * they are needed. A piece a second, on the reader's thread behind everything that waits there. */
#ifndef STORE_SCRUB_H
#define STORE_SCRUB_H

#include "store/store_priv.h"

#define SCRUB_STEP_BYTES (UINT64_C(1) << 20)
#define SCRUB_STEP_NS (INT64_C(1000) * 1000 * 1000)
#define SCRUB_PASS_NS (INT64_C(3600) * 1000 * 1000 * 1000)     /* from one pass to the next */

void scrub_step(struct store *s);               /* begin the next piece if it is due */
int64_t scrub_next_ns(const struct store *s);
void scrub_free(struct store *s);

#endif
