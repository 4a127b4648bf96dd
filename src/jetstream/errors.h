/* SPDX-License-Identifier: Apache-2.0 */
/* errors.h - the JetStream API's error codes and texts (nats-server's errors.json as facts). */
#ifndef JETSTREAM_ERRORS_H
#define JETSTREAM_ERRORS_H

#include "base/jsonw.h"
#include "base/span.h"

/* Error codes by name: JS_ERR_STREAM_NOT_FOUND is 10059. Clients match on these numbers. */
enum js_err {
    JS_OK = 0,
#define JS_ERROR(name, err_code, code, text) JS_ERR_##name = err_code,
#include "jetstream/errors.def"
#undef JS_ERROR
};

/* An error ready to be answered. */
struct js_error {
    enum js_err err;                    /* JS_OK: none */
    unsigned code;                      /* as HTTP has them */
    char text[512];                     /* NUL-terminated, cut when too long */
};

/* Set e to err with its template's text; "{name}" places in the template are replaced by args in
 * their order (each a span-less C text). Returns err. */
enum js_err js_error_set(struct js_error *e, enum js_err err);
enum js_err js_error_set_arg(struct js_error *e, enum js_err err, const char *arg);
enum js_err js_error_set_args(struct js_error *e, enum js_err err, const char *const *args,
                              size_t count);

/* "error":{"code":..,"err_code":..,"description":".."} */
void js_error_write(const struct js_error *e, struct jsonw *w);

#endif
