/* SPDX-License-Identifier: Apache-2.0 */
/* tls_names.h - names of cipher suites and curves in configuration files (those of Go). */
#ifndef CONFIG_TLS_NAMES_H
#define CONFIG_TLS_NAMES_H

#include "base/span.h"

bool tls_cipher_is_known(struct span name);
bool tls_cipher_is_insecure(struct span name);      /* needs allow_insecure_cipher_suites */
bool tls_curve_is_known(struct span name);

/* Names in order; NULL after the last. */
const char *tls_cipher_name(size_t index);
const char *tls_curve_name(size_t index);

#endif
