/* SPDX-License-Identifier: Apache-2.0 */
/* source_info.c - mirrors and sources for people and clients; who stands in for an origin. */
#include "base/duration.h"
#include "jetstream/source.h"

/* What in the origin is still to be copied. */
static uint64_t lag_of(struct source *c)
{
    if (c->origin == NULL || c->starting) return 0;
    if (c->next > msgs_state(c->origin->msgs).last_seq) return 0;
    return msgs_count(c->origin->msgs, c->filter, c->next, false);
}

/* Since when nothing came. nats-server hears of an idle origin once a second, and so do those who
 * look at us. */
static int64_t idle_ns(const struct source *c)
{
    int64_t ns = js_now(c->copy->js) - c->heard_ns;

    if (c->heard_ns == 0) return -1;
    if (c->origin) ns %= NS_PER_S;
    return ns > 0 ? ns : 1;
}

static void write_one(struct source *c, struct jsonw *w, const char *key)
{
    const struct js_source_config *config = c->config;
    struct js_error e;

    jsonw_object(w, key);
    jsonw_text(w, "name", config->name);
    if (config->external_api) {
        jsonw_object(w, "external");
        jsonw_text(w, "api", config->external_api);
        jsonw_text(w, "deliver", config->external_deliver);
        jsonw_end_object(w);
    }
    jsonw_uint(w, "lag", lag_of(c));
    if (c->position && c->position->seq) jsonw_uint(w, "seq", c->position->seq);
    jsonw_int(w, "active", idle_ns(c));
    if (c->error != JS_OK) {
        js_error_set(&e, c->error);
        js_error_write(&e, w);
    }
    jsonw_text_if(w, "filter_subject", config->filter_subject);
    if (config->transform_count) jsonw_array(w, "subject_transforms");
    for (size_t i = 0; i < config->transform_count; i++) {
        jsonw_object(w, NULL);
        jsonw_text(w, "src", config->transforms[i].source);
        jsonw_text(w, "dest", config->transforms[i].destination);
        jsonw_end_object(w);
    }
    if (config->transform_count) jsonw_end_array(w);
    jsonw_end_object(w);
}

void sources_write_info(struct stream *s, struct jsonw *w)
{
    struct source *const *items = (const void *)s->sources.p;
    size_t count = s->sources.len / sizeof *items;

    if (s->config.mirror) {
        write_one(items[0], w, "mirror");
    } else if (count) {
        jsonw_array(w, "sources");
        for (size_t i = 0; i < count; i++) write_one(items[i], w, NULL);
        jsonw_end_array(w);
    }
}

struct stream *sources_find_mirror(struct js_account *a, struct span name)
{
    for (size_t i = 0; i < a->streams.count; i++) {
        struct stream *s = a->streams.entries[i].value;
        const struct stream_config *c = &s->config;
        struct source *const *items = (const void *)s->sources.p;
        if (c->mirror && c->mirror_direct && span_is(name, c->mirror->name) && s->sources.len &&
            items[0]->heard_ns)
            return s;
    }
    return NULL;
}
