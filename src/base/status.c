/* SPDX-License-Identifier: Apache-2.0 */
/* status.c - texts of statuses. */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>

const char *status_text(enum status st)
{
    static const char *const texts[] = {
#define STATUS(name, text) text,
#include "base/status.def"
#undef STATUS
    };
    return texts[st];
}

enum status error_set(struct error *why, enum status st, const char *fmt, ...)
{
    va_list ap;

    if (why == NULL) return st;
    va_start(ap, fmt);
    vsnprintf(why->text, sizeof why->text, fmt, ap);
    va_end(ap);
    return st;
}
