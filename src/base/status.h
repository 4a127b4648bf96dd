/* SPDX-License-Identifier: Apache-2.0 */
/* status.h - how an operation ended. Programming errors are asserts, not statuses. */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include <stddef.h>

enum status {
#define STATUS(name, text) ST_##name,
#include "base/status.def"
#undef STATUS
};

/* The text of st; static storage. */
const char *status_text(enum status st);

/* Why a cold operation (configuration, open, start) failed, for people. The caller owns it. */
struct error {
    char text[512];             /* NUL-terminated, cut when too long */
};

/* Set why->text (printf style) and return st, so that "return error_set(...)" reads well.
 * why may be NULL. */
enum status error_set(struct error *why, enum status st, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
