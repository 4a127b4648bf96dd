/* SPDX-License-Identifier: Apache-2.0 */
/* options_server.c - the top level of the configuration file. */
#include "config/options_server.h"

#include <inttypes.h>

#include "base/duration.h"
#include "base/mem.h"
#include "config/option_table.h"

void parse_listen(struct option_reader *r, const struct conf_value *v)
{
    option_listen(r, v, &r->o->host, &r->o->port);
}

void parse_http(struct option_reader *r, const struct conf_value *v)
{
    option_listen(r, v, &r->o->http_host, &r->o->http_port);
}

void parse_https(struct option_reader *r, const struct conf_value *v)
{
    option_listen(r, v, &r->o->http_host, &r->o->https_port);
}

void parse_tags(struct option_reader *r, const struct conf_value *v)
{
    struct conf_item item = { SPAN_LIT("server_tags"), *v };

    (void)option_text_list(r, &item, "tags", &r->o->tags.tags);
}

void parse_metadata(struct option_reader *r, const struct conf_value *v)
{
    struct tag_options *t = &r->o->tags;

    if (v->type != CONF_MAP) {
        option_error(r, v, "error parsing metadata: unsupported type %s", conf_type_go(v->type));
        return;
    }
    for (size_t i = 0; i < v->list->count; i++) {
        const struct conf_item *item = &v->list->items[i];
        char *text = NULL;
        if (!option_text(r, item, &text)) continue;
        text_list_add(&t->metadata_keys, item->key);
        text_list_add(&t->metadata_values, item->value.text);
        mem_free(text);
    }
}

/* All known flags switch JetStream features, so that only "off" can be had. */
void parse_feature_flags(struct option_reader *r, const struct conf_value *v)
{
    if (v->type != CONF_MAP) {
        option_error(r, v, "error parsing feature flags: unsupported type %s",
                     conf_type_go(v->type));
        return;
    }
    for (size_t i = 0; i < v->list->count; i++) {
        const struct conf_item *item = &v->list->items[i];
        if (item->value.type != CONF_BOOL)
            option_error(r, &item->value, "error parsing feature flag \"%.*s\": expected bool, "
                         "got %s", SPAN_ARG(item->key), conf_type_go(item->value.type));
        else
            option_unsupported(r, item);
    }
}

void parse_trace_verbose(struct option_reader *r, const struct conf_value *v)
{
    struct conf_item item = { SPAN_LIT("trace_verbose"), *v };

    if (option_bool(r, &item, &r->o->trace_verbose)) r->o->trace = r->o->trace_verbose;
}

void parse_trace_headers(struct option_reader *r, const struct conf_value *v)
{
    struct conf_item item = { SPAN_LIT("trace_headers"), *v };

    if (option_bool(r, &item, &r->o->trace_headers)) r->o->trace = r->o->trace_headers;
}

void parse_max_sub_tokens(struct option_reader *r, const struct conf_value *v)
{
    struct conf_item item = { SPAN_LIT("max_sub_tokens"), *v };
    int64_t n;

    if (!option_integer(r, &item, INT64_MIN, INT64_MAX, &n)) return;
    if (n > UINT8_MAX) option_error(r, v, "max_sub_tokens value is too big");
    else if (n <= 0) option_error(r, v, "max_sub_tokens value can not be negative");
    else r->o->max_sub_tokens = n;
}

void parse_write_timeout(struct option_reader *r, const struct conf_value *v)
{
    if (v->type == CONF_STRING && span_is(v->text, "default"))
        r->o->write_timeout = WRITE_TIMEOUT_DEFAULT;
    else if (v->type == CONF_STRING && span_is(v->text, "close"))
        r->o->write_timeout = WRITE_TIMEOUT_CLOSE;
    else if (v->type == CONF_STRING && span_is(v->text, "retry"))
        r->o->write_timeout = WRITE_TIMEOUT_RETRY;
    else
        option_error(r, v, "write_timeout must be 'default', 'close' or 'retry'");
}

/* A duration that can't be given in seconds. */
static bool strict_duration(struct option_reader *r, const struct conf_value *v, const char *name,
                            int64_t *out)
{
    struct conf_item item = { span_of(name), *v };
    char *text = NULL;
    bool ok = option_text(r, &item, &text) && option_duration(r, &item, out);

    mem_free(text);
    return ok;
}

void parse_lame_duck_duration(struct option_reader *r, const struct conf_value *v)
{
    struct buf text = { 0 };
    int64_t ns;

    if (!strict_duration(r, v, "lame_duck_duration", &ns)) return;
    if (ns < 30 * NS_PER_S) {
        duration_append(&text, ns);
        option_error(r, v, "invalid lame_duck_duration of %s, minimum is 30 seconds",
                     buf_text(&text));
        buf_free(&text);
        return;
    }
    r->o->lame_duck_duration_ns = ns;
}

void parse_lame_duck_grace_period(struct option_reader *r, const struct conf_value *v)
{
    int64_t ns;

    if (!strict_duration(r, v, "lame_duck_grace_period", &ns)) return;
    if (ns < 0) option_error(r, v, "invalid lame_duck_grace_period, needs to be positive");
    else r->o->lame_duck_grace_period_ns = ns;
}

/* ---- the table at work ---- */

static void read_member(struct option_reader *r, const struct option_row *row,
                        const struct conf_item *item)
{
    char *member = (char *)r->o + row->offset;
    int64_t n;

    switch (row->type) {
    case OPTION_BOOL: (void)option_bool(r, item, (bool *)(void *)member); break;
    case OPTION_TEXT: (void)option_text(r, item, (char **)(void *)member); break;
    case OPTION_INT:
        if (option_integer(r, item, row->min, row->max, &n)) *(int *)(void *)member = (int)n;
        break;
    case OPTION_INT64:
        (void)option_integer(r, item, row->min, row->max, (int64_t *)(void *)member);
        break;
    case OPTION_DURATION:
        if (!option_duration(r, item, &n)) break;
        if (n < row->min) option_error(r, &item->value, "%.*s can not be negative",
                                       SPAN_ARG(item->key));
        else *(int64_t *)(void *)member = n;
        break;
    case OPTION_BLOCK: row->parse(r, &item->value); break;
    case OPTION_UNSUPPORTED_KEYS: option_unsupported(r, item); break;
    case OPTION_GROUP:
    case OPTION_FLAG:
    case OPTION_UNSUPPORTED_FLAGS: break;
    }
}

static void read_item(struct option_reader *r, const struct conf_item *item)
{
    for (size_t i = 0; i < option_row_count; i++) {
        if (!option_has_name(option_rows[i].keys, item->key, true)) continue;
        read_member(r, &option_rows[i], item);
        return;
    }
    option_unknown(r, item);
}

void options_read(struct option_reader *r, const struct conf_value *root)
{
    if (root->list->count == 0)
        buf_printf(&r->msgs->warnings, "%s: config has no values or is empty\n",
                   r->o->config_file != NULL ? r->o->config_file : "");
    for (size_t i = 0; i < root->list->count; i++) read_item(r, &root->list->items[i]);
    if (r->o->max_connections == 0) r->o->max_connections = -1;
}
