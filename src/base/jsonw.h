/* SPDX-License-Identifier: Apache-2.0 */
/* jsonw.h - writes JSON as Go's encoding/json does (key order as written, the same escapes),
 * because dashboards and scripts compare bytes. Commas are placed by the writer; keys are given
 * with each value, NULL inside arrays and at the top. Reading JSON is jansson's work. */
#ifndef BASE_JSONW_H
#define BASE_JSONW_H

#include "base/buf.h"

struct jsonw {
    struct buf *out;            /* borrowed */
    bool need_comma;
};

static inline struct jsonw jsonw_start(struct buf *out)
{
    return (struct jsonw){ out, false };
}

void jsonw_object(struct jsonw *w, const char *key);            /* "key":{ */
void jsonw_end_object(struct jsonw *w);
void jsonw_array(struct jsonw *w, const char *key);             /* "key":[ */
void jsonw_end_array(struct jsonw *w);
void jsonw_string(struct jsonw *w, const char *key, struct span value);
void jsonw_text(struct jsonw *w, const char *key, const char *value);   /* NULL gives "" */
void jsonw_int(struct jsonw *w, const char *key, int64_t value);
void jsonw_uint(struct jsonw *w, const char *key, uint64_t value);
void jsonw_bool(struct jsonw *w, const char *key, bool value);
void jsonw_double(struct jsonw *w, const char *key, double value);      /* shortest round trip */
void jsonw_null(struct jsonw *w, const char *key);
void jsonw_key(struct jsonw *w, struct span key);       /* key only; then a value with key NULL */
void jsonw_time(struct jsonw *w, const char *key, int64_t wall_ns);     /* RFC 3339, UTC */
void jsonw_duration(struct jsonw *w, const char *key, int64_t ns);      /* Go's text form */

/* Only when there is something to say ("omitempty"). */
static inline void jsonw_text_if(struct jsonw *w, const char *key, const char *value)
{
    if (value != NULL && value[0] != '\0') jsonw_text(w, key, value);
}

static inline void jsonw_int_if(struct jsonw *w, const char *key, int64_t value)
{
    if (value != 0) jsonw_int(w, key, value);
}

static inline void jsonw_bool_if(struct jsonw *w, const char *key, bool value)
{
    if (value) jsonw_bool(w, key, true);
}

/* Append value with quotes and Go's escapes; invalid UTF-8 becomes \ufffd. */
void jsonw_append_quoted(struct buf *out, struct span value);

#endif
