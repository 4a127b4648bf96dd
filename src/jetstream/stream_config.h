/* SPDX-License-Identifier: Apache-2.0 */
/* stream_config.h - what a stream is to be: read, completed, checked, written (ADR-1 and others).
 *
 * Plain data without behaviour. Texts are owned, NUL-terminated, NULL when absent. Error codes and
 * texts are nats-server's. */
#ifndef JETSTREAM_STREAM_CONFIG_H
#define JETSTREAM_STREAM_CONFIG_H

#include "base/jsonw.h"
#include "base/status.h"
#include "jetstream/errors.h"

#define JS_NAME_MAX 255
#define JS_DESCRIPTION_MAX (4 * 1024)
#define JS_METADATA_MAX (128 * 1024)

struct json_t;

enum js_retention { JS_RETENTION_LIMITS, JS_RETENTION_INTEREST, JS_RETENTION_WORKQUEUE };
enum js_discard { JS_DISCARD_OLD, JS_DISCARD_NEW };
enum js_storage { JS_STORAGE_FILE, JS_STORAGE_MEMORY };
enum js_compression { JS_COMPRESSION_NONE, JS_COMPRESSION_S2 };
enum js_persist { JS_PERSIST_DEFAULT, JS_PERSIST_ASYNC };

struct js_texts {                       /* a list of texts */
    char **items;
    size_t count;
};

struct js_metadata {                    /* in the order of their keys */
    struct js_pair { char *key, *value; } *pairs;
    size_t count;
};

struct js_transform_config {
    char *source, *destination;         /* source NULL or "": ">" */
};

struct js_placement {
    char *cluster, *preferred;
    struct js_texts tags;
};

struct js_source_config {               /* of a mirror or a source */
    char *name;
    uint64_t opt_start_seq;
    bool has_start_time;
    int64_t opt_start_time;             /* wall ns */
    char *filter_subject;
    struct js_transform_config *transforms;
    size_t transform_count;
    char *external_api, *external_deliver;      /* external; api NULL: none */
    char *consumer_name, *consumer_deliver;     /* consumer (level 4); both NULL: none */
};

struct stream_config {
    char *name, *description;
    struct js_texts subjects;
    enum js_retention retention;
    int64_t max_consumers, max_msgs, max_bytes, max_msgs_per_subject;   /* -1: none */
    int64_t max_age, duplicate_window;  /* ns; 0: none */
    int64_t max_msg_size;               /* -1: none */
    enum js_discard discard;
    enum js_storage storage;
    int64_t replicas;
    bool no_ack;
    struct js_placement *placement;
    struct js_source_config *mirror;
    struct js_source_config *sources;
    size_t source_count;
    enum js_compression compression;
    uint64_t first_seq;
    struct js_transform_config *subject_transform;
    struct js_republish { char *source, *destination; bool headers_only; } *republish;
    bool allow_direct, mirror_direct, discard_new_per_subject;
    bool sealed, deny_delete, deny_purge, allow_rollup_hdrs;
    int64_t limit_inactive_threshold;   /* consumer_limits, ns */
    int64_t limit_max_ack_pending;
    bool allow_msg_ttl;
    int64_t subject_delete_marker_ttl;  /* ns */
    bool allow_msg_counter, allow_atomic, allow_msg_schedules, allow_batched;
    enum js_persist persist;
    struct js_metadata metadata;
};

/* What decides defaults and limits besides the request itself. */
struct stream_config_rules {
    bool strict;                        /* unknown fields are refused */
    bool pedantic;                      /* the request says so: refuse what would be changed */
    int64_t max_payload;
    int64_t limit_duplicate_window;     /* of the server; 0: none */
    int64_t max_ack_pending, max_request_batch;         /* of the server; 0: none */
    int64_t account_max_ack_pending;                    /* -1: none */
    int64_t account_stream_max_bytes;                   /* for this storage; -1: none */
    bool max_bytes_required;
};

/* Read a request's or a stored config object (json_in_parse gives one; NULL or JSON null: all
 * zero). Unknown fields: JS_ERR_INVALID_JSON (10025) when strict, and so are fields of an API
 * level above JS_API_LEVEL; the request's own field "pedantic" is known and only its type is
 * checked. *c is to be freed in any case. */
enum js_err stream_config_parse(struct stream_config *c, const struct json_t *object,
                                const struct stream_config_rules *rules, struct js_error *e);

/* Whether the request's field "pedantic" is true. */
bool stream_config_is_pedantic(const struct json_t *object);

/* What is refused when a stream is created but may be in an update: sealed, mirror_direct without
 * a mirror. nats-server checks this after the name in the subject and before all the rest. */
enum js_err stream_config_check_new(const struct stream_config *c, struct js_error *e);

/* Fill defaults and check everything that concerns the config alone (names, subjects' grammar,
 * combinations, transforms' form, limits); the order of checks is nats-server's. The static
 * metadata must be set before: it counts. O(n log n) in the number of subjects without wildcards,
 * times the number of those with; refused when that is too much.
 *
 * What needs other streams is left to whoever has them (the account's table of streams): that
 * subjects don't overlap with other streams' (10065), max_msg_size against a mirror's or source's
 * (10030, 10046), external deliver prefixes against their subjects (10022), mirror_direct taken
 * over from the mirror's origin, cycles over more than one stream ("detected cycle"), whether the
 * stream exists already with the same config (10058), and the account's limits and usage. */
enum js_err stream_config_check(struct stream_config *c, const struct stream_config_rules *rules,
                                struct js_error *e);

/* What nats-server checks after stream_config_check when a stream is made: replicas above 1 on a
 * server that stands alone (10074). It comes before the stream's existence is looked at. */
enum js_err stream_config_check_replicas(const struct stream_config *c, struct js_error *e);

/* The filters of mirror and sources (10049); it comes after existence and the account's limits,
 * before the overlap with other streams. */
enum js_err stream_config_check_filters(const struct stream_config *c, struct js_error *e);

/* Whether the checked config next may replace old (update); a sealed one is completed. Replicas
 * above 1 are refused (10074) where nats-server does so. Left to others: consumers that violate
 * new limits, the account's usage, overlaps. */
enum js_err stream_config_check_update(const struct stream_config *old,
                                       struct stream_config *next,
                                       const struct stream_config_rules *rules,
                                       struct js_error *e);

/* Write the config object under key (NULL: in an array or at the top), in nats-server's order. */
void stream_config_write(const struct stream_config *c, struct jsonw *w, const char *key);

/* As stream_config_write, with the dynamic metadata that responses carry; version is that of
 * INFO ("2.12.0"). */
void stream_config_write_info(const struct stream_config *c, struct jsonw *w, const char *key,
                              const char *version);

void stream_config_copy(struct stream_config *to, const struct stream_config *from);
void stream_config_free(struct stream_config *c);       /* all zero afterwards */
bool stream_config_equal(const struct stream_config *a, const struct stream_config *b);

/* The API level that the config needs; ADR-44. */
unsigned stream_config_level(const struct stream_config *c);

/* Put the level that c needs into its metadata and take out what only responses carry; done for
 * every request before it is checked and stored. */
void stream_config_set_static(struct stream_config *c);

/* A name fit for a stream or consumer: not empty, no blanks, '.', '*', '>', path separators. */
bool js_name_is_valid(struct span name);

/* ---- metadata: kept sorted by key ---- */

const char *js_metadata_get(const struct js_metadata *m, const char *key);      /* or NULL */
void js_metadata_set(struct js_metadata *m, const char *key, const char *value);
void js_metadata_remove(struct js_metadata *m, const char *key);
void js_metadata_remove_prefix(struct js_metadata *m, const char *prefix);
void js_metadata_write(const struct js_metadata *m, struct jsonw *w);   /* "metadata":{..} if any */

/* As js_metadata_write, with JS_KEY_LEVEL and JS_KEY_VERSION; version NULL: without. */
void js_metadata_write_info(const struct js_metadata *m, struct jsonw *w, const char *version);

/* Set JS_KEY_REQUIRED_LEVEL to level, remove JS_KEY_LEVEL and JS_KEY_VERSION. */
void js_metadata_set_static(struct js_metadata *m, unsigned level);

/* Make JS_KEY_REQUIRED_LEVEL as it is in old (or absent), remove JS_KEY_LEVEL and JS_KEY_VERSION:
 * before a request's config is compared with the stored one. */
void js_metadata_copy_static(struct js_metadata *m, const struct js_metadata *old);

/* Sum of the lengths of keys and values. O(count). */
size_t js_metadata_size(const struct js_metadata *m);

/* The level required by a stored asset is one that this server has; a text that is no number is
 * none. ADR-44. */
bool js_metadata_level_is_supported(const struct js_metadata *m);

/* As values: to must hold nothing; after js_metadata_free there are no pairs. O(count). */
void js_metadata_copy(struct js_metadata *to, const struct js_metadata *from);
void js_metadata_free(struct js_metadata *m);
bool js_metadata_equal(const struct js_metadata *a, const struct js_metadata *b);

#endif
