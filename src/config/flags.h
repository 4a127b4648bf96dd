/* SPDX-License-Identifier: Apache-2.0 */
/* flags.h - the command line, in the syntax of Go's flag package. Private to config/. */
#ifndef CONFIG_FLAGS_H
#define CONFIG_FLAGS_H

#include "base/status.h"
#include "config/config.h"

struct flag_values {            /* what no member of struct options says by itself */
    bool vv_set, dv_set, dvv_set;       /* given at all ... */
    bool vv, dv, dvv;                   /* ... and with this value */
    bool tls_set, tls;                  /* -tls */
    bool tls_override;                  /* any -tls*, and not -tls=false */
    bool tls_verify;
    char *tls_cert, *tls_key, *tls_ca_cert;     /* owned */
    char *unsupported;          /* name of a flag that asks for what is missing; owned */
};

/* Set members of o from the arguments (without the program's name). BAD_INPUT with the text in
 * msgs. To be called before the file, to learn its name, and after it, to override it. */
MUST_USE enum status flags_parse(const struct text_list *arguments, struct options *o,
                                 struct flag_values *values, struct config_messages *msgs);

void flag_values_fini(struct flag_values *values);

#endif
