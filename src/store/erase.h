/* SPDX-License-Identifier: Apache-2.0 */
/* erase.h - overwriting what a message carried, on disk and in memory. Owner only. */
#ifndef STORE_ERASE_H
#define STORE_ERASE_H

#include "store/store_priv.h"

void erase_start(struct store *s, struct store_loc loc, struct store_wait *w);
/* Go on with what waits: for its first commit, or for old copies to go. */
void erase_step(struct store *s);
bool erase_cancel(struct store *s, struct store_wait *w);       /* the bytes go all the same */
void erase_free(struct store *s);

#endif
