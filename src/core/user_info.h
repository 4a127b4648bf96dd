/* SPDX-License-Identifier: Apache-2.0 */
/* user_info.h - the one $SYS service that every user may ask: who am I? */
#ifndef CORE_USER_INFO_H
#define CORE_USER_INFO_H

#include "core/client.h"

/* If m is a request to $SYS.REQ.USER.INFO, answer it and return true. */
bool user_info_answer(struct core_loop *cl, struct client *c, const struct message *m);

#endif
