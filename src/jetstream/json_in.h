/* SPDX-License-Identifier: Apache-2.0 */
/* json_in.h - reads JSON of requests and stored configurations as Go's encoding/json would, with
 * its error texts, which clients and people know.
 *
 * json_in_parse turns bytes into a jansson tree; the rest reads objects of that tree into structs
 * by tables of fields. Keys match exactly or, failing that, without case; of equal keys the last
 * counts; null changes nothing. Errors are kept in struct json_in: an error of a value with a text
 * form of its own (policies, times) ends the reading and wins over those found before, else the
 * first one counts. Source: Go's encoding/json as nats-server uses it. */
#ifndef JETSTREAM_JSON_IN_H
#define JETSTREAM_JSON_IN_H

#include "base/buf.h"
#include "base/status.h"

#define JSON_IN_DEPTH_MAX 32                /* objects and arrays, the outermost included */
#define JSON_IN_VALUES_MAX (256 * 1024)     /* values in one text; bounds the tree's memory */

/* A number that is no plain integer of 64 bits stands in the tree as an object with this key and
 * the digits as they were written: Go's errors show them. */
#define JSON_IN_NUMBER "\x01"

struct json_t;

/* The tree of text, for json_decref; JSON null when there is nothing but white space. Bad UTF-8
 * and lone surrogates become U+FFFD, as do NULs in keys. NULL: not JSON, something after the first
 * value, or more than the limits allow, and why has the text. O(length). */
struct json_t *json_in_parse(struct span text, struct error *why);

/* ---- reading a tree ---- */

struct json_in;

enum json_in_kind {
    JSON_IN_TEXT,               /* char *, owned, NULL when empty */
    JSON_IN_BOOL,               /* bool */
    JSON_IN_INT64,              /* int64_t */
    JSON_IN_INT32,              /* int64_t in the range of int32 */
    JSON_IN_UINT64,             /* uint64_t */
    JSON_IN_CHOICE,             /* an enum */
    JSON_IN_OWN                 /* read */
};

/* Texts of an enum's values; errors as nats-server words them. */
struct json_in_choice {
    const char *const *texts;           /* of the values 0.. */
    size_t count;
    const char *zero;                   /* another text of value 0, or NULL */
    bool nocase;
    const char *error;                  /* before the value as it was written */
    bool error_quoted;                  /* that value as %q */
    const char *error_text;             /* instead of error, without the value */
};

struct json_in_field {
    const char *name;
    enum json_in_kind kind;
    size_t offset;                      /* in the struct */
    const char *go_type;                /* of numbers */
    const struct json_in_choice *choice;
    void (*read)(struct json_in *in, const struct json_t *v, void *to);
    unsigned level;                     /* API level that brought it */
};

struct json_in_type {
    const char *go_type;                /* "server.Placement" */
    const struct json_in_field *fields;
    size_t count;
};

struct json_in {
    bool strict;                        /* unknown fields are errors */
    struct buf path;                    /* "StreamConfig.mirror.name" */
    const char *type_name;              /* of the innermost object, "StreamSource" */
    bool failed, stopped;
    struct buf error;                   /* if failed */
};

/* Begin to read: path is where the object stands ("" or "config"). Free with json_in_fini. */
void json_in_init(struct json_in *in, bool strict, const char *path);
void json_in_fini(struct json_in *in);

/* The text of the error, or NULL when there is none; valid until json_in_fini. */
const char *json_in_error(struct json_in *in);

/* Read object v into the struct to. O(keys * fields). */
void json_in_object(struct json_in *in, const struct json_t *v, const struct json_in_type *type,
                    void *to);

/* Read one value as a field of that kind would be; false: an error was noted, or v is null. */
bool json_in_text(struct json_in *in, const struct json_t *v, char **to);
bool json_in_int64(struct json_in *in, const struct json_t *v, const char *go_type, int64_t *to);
void json_in_choice(struct json_in *in, const struct json_t *v, const struct json_in_choice *c,
                    unsigned *to);

/* An RFC 3339 time as wall-clock nanoseconds. */
bool json_in_time(struct json_in *in, const struct json_t *v, int64_t *to);

/* How many items array v has, for json_array_get; an error is noted when it is no array of
 * go_type ("[]string"). Null: 0 items and true. */
bool json_in_array(struct json_in *in, const struct json_t *v, const char *go_type,
                   size_t *count);

/* Whether v is an object in the text, too. */
bool json_in_is_object(const struct json_t *v);

/* Note that v is not of go_type. */
void json_in_wrong_type(struct json_in *in, const struct json_t *v, const char *go_type);

/* Append v as it was written, but for white space and escapes. */
void json_in_append_raw(struct buf *out, const struct json_t *v);

#endif
