/* SPDX-License-Identifier: Apache-2.0 */
/* options_check.h - what only the whole of the options can tell. Private to config/. */
#ifndef CONFIG_OPTIONS_CHECK_H
#define CONFIG_OPTIONS_CHECK_H

#include "config/config.h"

/* Fill in what follows from other settings. To be called before options_check. */
void options_complete(struct options *o);

/* The checks of nats-server's start; its texts. Changes the spelling of nothing. */
MUST_USE enum status options_check(const struct options *o, struct error *why);

#endif
