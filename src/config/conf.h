/* SPDX-License-Identifier: Apache-2.0 */
/* conf.h - the configuration language: text in, tree of values out.
 *
 * The language is nats-server's (inventory section 2, conf/lex.go and conf/parse.go): every
 * value keeps the place of its key, for messages about it later. A struct conf owns everything
 * reachable from it; a variable reference shares the data it refers to. One thread. */
#ifndef CONFIG_CONF_H
#define CONFIG_CONF_H

#include "base/buf.h"
#include "base/map.h"
#include "base/status.h"

#define CONF_FILE_BYTES_MAX (16u << 20)     /* of one file */
#define CONF_TOTAL_BYTES_MAX (64u << 20)    /* of a file and all it includes */
#define CONF_INCLUDE_DEPTH_MAX 16
#define CONF_NESTING_MAX 100                /* maps and arrays inside each other */
#define CONF_WEIGHT_MAX (4u << 20)  /* values with every reference written out, and their bytes/16 */

enum conf_type {
    CONF_STRING, CONF_BOOL, CONF_INTEGER, CONF_FLOAT, CONF_TIME, CONF_ARRAY, CONF_MAP,
};

struct conf_list;
struct conf_text;

struct conf_value {
    enum conf_type type;
    bool used;                  /* some $reference names it */
    const char *file;           /* as the includer spelled it; "" for text without a file */
    int line, column;           /* of its key; of itself in an array */
    struct span text;           /* STRING, TIME ("2006-01-02T15:04:05Z"), FLOAT as written */
    bool boolean;
    int64_t integer;
    double number;
    struct conf_list *list;     /* ARRAY, MAP */
};

struct conf_item {
    struct span key;            /* of a map */
    struct conf_value value;
};

/* A map (keys unique, in the order they first appeared) or an array. */
struct conf_list {
    bool is_map;
    struct conf_item *items;
    size_t count, cap;
    struct map index;           /* key to position + 1 */
    uint64_t weight;            /* of the values below, shared ones counted each time */
    unsigned depth;             /* lists below each other, itself included */
    struct conf_list *next;     /* all lists of the tree */
};

struct conf {
    struct conf_value root;     /* always a map */
    struct conf_list *lists;
    struct conf_text *texts;    /* where the spans point */
};

/* How the parser reaches the outside. NULL members: that feature is refused. */
struct conf_world {
    /* Append the content of the file to out, as file_read. */
    enum status (*read)(void *context, const char *path, size_t bytes_max, struct buf *out,
                        struct error *why);
    const char *(*env)(void *context, const char *name);
    void *context;
};

/* The real files and environment. */
extern const struct conf_world conf_world_os;

/* Parse the file at path (includes are relative to it). *out is set on OK only; the caller frees
 * it. why says what is wrong in nats-server's words. O(n log n) in bytes. */
MUST_USE enum status conf_parse_file(const struct conf_world *world, const char *path,
                                     struct conf **out, struct error *why);

/* As conf_parse_file for text that is no file; includes are relative to the working directory. */
MUST_USE enum status conf_parse_text(const struct conf_world *world, struct span text,
                                     struct conf **out, struct error *why);

void conf_free(struct conf *c);

/* The value of key (exact spelling) in map, or NULL. */
const struct conf_value *conf_get(const struct conf_value *map, const char *key);

/* Append the JSON encoding of v, keys sorted, as Go's encoding/json writes it. */
void conf_append_json(struct buf *out, const struct conf_value *v);

/* "sha256:<hex>" of the JSON encoding and a newline: what nats-server -t prints. */
void conf_digest(const struct conf *c, char out[static 72]);

/* "a string", "an integer", ... for messages. */
const char *conf_type_text(enum conf_type type);

/* Go's name of the type ("string", "int64", ...), which nats-server's messages print. */
const char *conf_type_go(enum conf_type type);

#endif
