/* SPDX-License-Identifier: Apache-2.0 */
/* balance.h - where new connections go. */
#ifndef NET_BALANCE_H
#define NET_BALANCE_H

#include "net/loop.h"

/* The loop for a new connection: the first one, or the idlest while that is busy; with g->spread
 * all of them in turn. Any thread. O(loops). */
struct loop *balance_pick(struct loop_group *g);

#endif
