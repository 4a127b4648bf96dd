/* SPDX-License-Identifier: Apache-2.0 */
/* option_reader.h - from values of the configuration file to members of struct options.
 *
 * Errors and warnings are collected, not returned: one run reports everything that is wrong with
 * a file. Functions that read a value leave the member alone when the value is of the wrong type.
 * Private to config/. */
#ifndef CONFIG_OPTION_READER_H
#define CONFIG_OPTION_READER_H

#include "config/conf.h"
#include "config/config.h"
#include "config/options.h"

struct option_reader {
    struct options *o;
    struct config_messages *msgs;
    struct map names;           /* users and nkeys seen so far: must be unique */
};

/* "file:line:col: " and the text become one more error. */
void option_error(struct option_reader *r, const struct conf_value *at, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* As option_error with: before "name" after. */
void option_error_named(struct option_reader *r, const struct conf_value *at, const char *before,
                        struct span name, const char *after);

/* A warning in nats-server's form: invalid use of field "x": .... */
void option_warn(struct option_reader *r, const struct conf_value *at, struct span field,
                 const char *fmt, ...) PRINTF_LIKE(4, 5);

/* Error for a key nobody knows, unless it served as a variable. */
void option_unknown(struct option_reader *r, const struct conf_item *item);

/* Error for a key of nats-server that Myelin lacks, unless its value asks for nothing (false, 0,
 * "", an empty list). */
void option_unsupported(struct option_reader *r, const struct conf_item *item);

/* The value of item when it has the right type (and is within bounds): true and *out is set;
 * else an error. A text replaces *out. */
bool option_bool(struct option_reader *r, const struct conf_item *item, bool *out);
bool option_integer(struct option_reader *r, const struct conf_item *item, int64_t min,
                    int64_t max, int64_t *out);
bool option_text(struct option_reader *r, const struct conf_item *item, char **out);

/* A Go duration; an integer counts seconds and is warned about. */
bool option_duration(struct option_reader *r, const struct conf_item *item, int64_t *out);

/* An error of before and what is wrong with the duration text, in Go's words. */
void option_bad_duration(struct option_reader *r, const struct conf_value *at, const char *before,
                         struct span text);

/* Seconds as integer or float, or a Go duration in a string (what and 'timeout' for messages). */
bool option_seconds(struct option_reader *r, const struct conf_item *item, const char *what,
                    int64_t *out);

/* A string or an array of strings; what names it in messages. */
bool option_text_list(struct option_reader *r, const struct conf_item *item, const char *what,
                      struct text_list *out);

/* host:port or port. host is left alone when there is none. */
void option_listen(struct option_reader *r, const struct conf_value *v, char **host, int *port);

/* Whether v is a map; else an error that says so. */
bool option_is_map(struct option_reader *r, const struct conf_item *item);

/* key is name, without case. */
bool option_key_is(const struct conf_item *item, const char *name);

/* A NUL-terminated copy of a value's text in place of *out. */
void option_set_text(char **out, struct span text);

/* Append a copy of text. Free what a list holds; it can be used again. */
void text_list_add(struct text_list *l, struct span text);
void text_list_free(struct text_list *l);

/* The blocks, each in the file of its name: options_*.c. v is the value, with its place. */
void parse_authorization(struct option_reader *r, const struct conf_value *v);
void parse_accounts(struct option_reader *r, const struct conf_value *v);
void parse_mappings(struct option_reader *r, const struct conf_value *v);
void parse_tls(struct option_reader *r, const struct conf_value *v);
void parse_websocket(struct option_reader *r, const struct conf_value *v);
void parse_jetstream(struct option_reader *r, const struct conf_value *v);
void parse_store_dir(struct option_reader *r, const struct conf_value *v);

/* For accounts: v is the value of "jetstream". */
void option_account_jetstream(struct option_reader *r, const struct conf_value *v,
                              struct account_options *a);

/* Whether some declared system account may use JetStream, which is not allowed. */
bool options_jetstream_on_system_account(const struct options *o);

/* The secrets of o, which the table of options does not know. */
void options_jetstream_fini(struct options_jetstream *o);

/* For accounts: v is the value of "mappings". */
void option_mappings(struct option_reader *r, const struct conf_value *v,
                     struct mapping_options **out, size_t *count);

/* The value of "users": appended to r->o->users as users of account (NULL: global). Those without
 * permissions get a copy of defaults. place stands for all of them in messages. */
void option_users(struct option_reader *r, const struct conf_value *v, const char *account,
                  const struct permission_options *defaults);

void user_options_free(struct user_options *users, size_t count);
void account_options_free(struct account_options *accounts, size_t count);
void mapping_options_free(struct mapping_options *mappings, size_t count);

/* NULL when v is no map. The caller owns the result. */
struct permission_options *option_permissions(struct option_reader *r, const struct conf_value *v);
struct permission_options *permission_options_copy(const struct permission_options *p);
void permission_options_free(struct permission_options **p);

/* NULL on error. The caller owns the result. */
struct tls_options *option_tls(struct option_reader *r, const struct conf_value *v);
void tls_options_free(struct tls_options **t);

#endif
