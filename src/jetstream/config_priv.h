/* SPDX-License-Identifier: Apache-2.0 */
/* config_priv.h - what stream and consumer configurations share. Private to the files
 * stream_config*.c and consumer_config*.c. */
#ifndef JETSTREAM_CONFIG_PRIV_H
#define JETSTREAM_CONFIG_PRIV_H

#include "jetstream/json_in.h"
#include "jetstream/stream_config.h"

static inline bool text_is_empty(const char *text)
{
    return text == NULL || text[0] == '\0';
}

/* NULL and "" are the same. */
bool config_text_equal(const char *a, const char *b);

void config_texts_copy(struct js_texts *to, const struct js_texts *from);
void config_texts_free(struct js_texts *t);
bool config_texts_equal(const struct js_texts *a, const struct js_texts *b);
void config_texts_write(const struct js_texts *t, struct jsonw *w, const char *key);

/* For struct json_in_field. */
void config_read_texts(struct json_in *in, const struct json_t *v, void *to);
void config_read_metadata(struct json_in *in, const struct json_t *v, void *to);

/* A time as Go writes it; INT64_MIN is Go's zero time. */
void config_write_time(struct jsonw *w, const char *key, int64_t wall_ns);

/* The outcome of reading: JS_OK or JS_ERR_INVALID_JSON. Ends in. */
enum js_err config_finish(struct json_in *in, struct js_error *e);

/* JS_ERR_STREAM_INVALID_CONFIG (10052) with a text of its own. */
enum js_err config_refuse(struct js_error *e, const char *text);
enum js_err config_refusef(struct js_error *e, const char *format, ...) PRINTF_LIKE(2, 3);

/* JS_ERR_PEDANTIC with a text of its own. */
enum js_err config_pedantic(struct js_error *e, const char *text);

/* Subjects that overlap: SUBSET, items[*first] is a subset of another one; COLLIDE, items[*first]
 * and items[*second] match a common subject and no item before first does with one after it, nor
 * one between them with first. Items that are no subjects overlap their equals only. */
enum config_relation { CONFIG_SUBSET, CONFIG_COLLIDE };
enum config_overlap { CONFIG_DISJOINT, CONFIG_OVERLAP, CONFIG_TOO_MANY };
enum config_overlap config_find_overlap(const struct span *items, size_t count,
                                        enum config_relation relation, size_t *first,
                                        size_t *second);

/* A list of texts as spans, borrowed; to be freed with mem_free. */
struct span *config_spans(const struct js_texts *t);

/* ---- parts of stream configs ---- */

void stream_source_free(struct js_source_config *s);
void stream_source_copy(struct js_source_config *to, const struct js_source_config *from);
bool stream_source_equal(const struct js_source_config *a, const struct js_source_config *b);

static inline bool stream_source_has_consumer(const struct js_source_config *s)
{
    return s->consumer_name != NULL || s->consumer_deliver != NULL;
}

/* The part of stream_config_check that concerns mirror and sources. */
enum js_err stream_config_check_origins(const struct stream_config *c, struct js_error *e);

/* A transform's form: source errors as source_err, others as destination_err. */
enum js_err stream_transform_check(const struct js_transform_config *t, enum js_err source_err,
                                   enum js_err destination_err, struct js_error *e);

/* Texts of enumerations. */
extern const struct json_in_choice stream_retention_choice, stream_discard_choice,
    stream_storage_choice, stream_compression_choice, stream_persist_choice;
extern const struct json_in_choice consumer_deliver_choice, consumer_ack_choice,
    consumer_replay_choice, consumer_priority_choice;

#endif
