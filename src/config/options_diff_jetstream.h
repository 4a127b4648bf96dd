/* SPDX-License-Identifier: Apache-2.0 */
/* options_diff_jetstream.h - which settings of JetStream a reload may change, as nats-server's
 * reload.go has it. Private to config/. */
#ifndef CONFIG_OPTIONS_DIFF_JETSTREAM_H
#define CONFIG_OPTIONS_DIFF_JETSTREAM_H

#include "config/options.h"

enum jetstream_change {
    JETSTREAM_CHANGE_AS_TABLE,          /* the row of the table says it */
    JETSTREAM_CHANGE_ALLOWED,
    JETSTREAM_CHANGE_REFUSED,           /* *refusal says of what, where it isn't the name */
    JETSTREAM_CHANGE_NO_MATTER,         /* nothing runs that the setting is for */
};

/* What to make of a change of the row called name. *refusal is const or left alone. */
enum jetstream_change jetstream_change_judge(const char *name, const struct options *from,
                                             const struct options *to, const char **refusal);

#endif
