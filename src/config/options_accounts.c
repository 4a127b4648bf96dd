/* SPDX-License-Identifier: Apache-2.0 */
/* options_accounts.c - accounts {} and subject mappings. */
#include <inttypes.h>

#include "base/mem.h"
#include "config/option_reader.h"
#include "config/public_key.h"
#include "proto/mapping.h"
#include "proto/subject.h"

#define GLOBAL_ACCOUNT "$G"

/* ---- mappings ---- */

static bool read_weight(struct option_reader *r, const struct conf_value *v, unsigned *out)
{
    struct span digits = v->text;
    int64_t n = v->integer;

    if (v->type == CONF_STRING) {
        if (digits.len > 0 && digits.p[digits.len - 1] == '%') digits.len--;
        if (!span_to_i64(digits, &n)) {
            option_error_named(r, v, "Invalid weight ", digits, " for mapping destination");
            return false;
        }
    } else if (v->type != CONF_INTEGER) {
        option_error(r, v, "Unknown entry type for weight of %s", conf_type_go(v->type));
        return false;
    }
    if (n < 0 || n > 100) {
        option_error(r, v, "Invalid weight %" PRId64 " for mapping destination", n);
        return false;
    }
    *out = (unsigned)n;
    return true;
}

static void destination_fini(struct mapping_destination *d)
{
    mem_free(d->subject);
    mem_free(d->cluster);
}

static bool read_destination(struct option_reader *r, const struct conf_value *v,
                             struct mapping_destination *d)
{
    bool has_weight = false, ok = true;

    if (v->type != CONF_MAP) {
        option_error(r, v, "Expected an entry for the mapping destination");
        return false;
    }
    for (size_t i = 0; ok && i < v->list->count; i++) {
        const struct conf_item *item = &v->list->items[i];
        if (option_key_is(item, "dest") || option_key_is(item, "destination")) {
            ok = option_text(r, item, &d->subject);
        } else if (option_key_is(item, "weight")) {
            ok = has_weight = read_weight(r, &item->value, &d->weight);
        } else if (option_key_is(item, "cluster")) {
            ok = option_text(r, item, &d->cluster);
        } else {
            option_error_named(r, &item->value, "Unknown field ", item->key,
                               " for mapping destination");
            ok = false;
        }
    }
    if (!ok) return false;
    if (!has_weight) {
        option_error_named(r, v, "Missing weight for mapping destination ", span_of(d->subject),
                           "");
        return false;
    }
    if (d->subject == NULL) d->subject = mem_dup("");
    return true;
}

static void add_destination(struct mapping_options *m, struct mapping_destination d)
{
    m->destinations = mem_resize(m->destinations,
                                 (m->destination_count + 1) * sizeof *m->destinations);
    m->destinations[m->destination_count++] = d;
}

static bool read_destinations(struct option_reader *r, const struct conf_value *v,
                              struct mapping_options *m)
{
    size_t count = v->type == CONF_ARRAY ? v->list->count : 1;
    bool ok = true;

    if (v->type == CONF_STRING) {
        add_destination(m, (struct mapping_destination){ mem_dup_span(v->text), 100, NULL });
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        const struct conf_value *one = v->type == CONF_ARRAY ? &v->list->items[i].value : v;
        struct mapping_destination d = { 0 };
        if (read_destination(r, one, &d)) {
            add_destination(m, d);
        } else {
            destination_fini(&d);
            ok = false;
        }
    }
    return ok;
}

/* What proto/ makes of the mapping: subjects, weights, functions. */
static void check_mapping(struct option_reader *r, const struct conf_value *v,
                          const struct mapping_options *m)
{
    struct mapping_target *targets = mem_zero((m->destination_count + 1) * sizeof *targets);
    struct mapping *compiled = NULL;
    struct error why = { "" };
    struct buf text = { 0 };

    for (size_t i = 0; i < m->destination_count; i++) {
        const struct mapping_destination *d = &m->destinations[i];
        targets[i] = (struct mapping_target){ span_of(d->subject), d->weight,
                                              span_of(d->cluster) };
    }
    if (mapping_compile(&compiled, span_of(m->source), targets, m->destination_count, &why) !=
        ST_OK) {
        buf_append_quoted(&text, span_of(m->source));
        if (v->type == CONF_STRING) {
            buf_append_text(&text, " to ");
            buf_append_quoted(&text, v->text);
        }
        option_error(r, v, "Error adding mapping for %s : %s", buf_text(&text), why.text);
    }
    mapping_free(&compiled);
    mem_free(targets);
    buf_free(&text);
}

void option_mappings(struct option_reader *r, const struct conf_value *v,
                     struct mapping_options **out, size_t *count)
{
    if (v->type != CONF_MAP) {
        option_error(r, v, "\"mappings\" must be a map, not %s", conf_type_text(v->type));
        return;
    }
    for (size_t i = 0; i < v->list->count; i++) {
        const struct conf_item *item = &v->list->items[i];
        struct mapping_options m = { 0 };
        if (memchr(item->key.p, '\0', item->key.len) != NULL || !subject_is_valid(item->key)) {
            option_error_named(r, v, "Subject ", item->key, " is not a valid subject");
            continue;
        }
        m.source = mem_dup_span(item->key);
        if (read_destinations(r, &item->value, &m)) check_mapping(r, &item->value, &m);
        *out = mem_resize(*out, (*count + 1) * sizeof **out);
        (*out)[(*count)++] = m;
    }
}

void mapping_options_free(struct mapping_options *mappings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t d = 0; d < mappings[i].destination_count; d++)
            destination_fini(&mappings[i].destinations[d]);
        mem_free(mappings[i].destinations);
        mem_free(mappings[i].source);
    }
    mem_free(mappings);
}

void parse_mappings(struct option_reader *r, const struct conf_value *v)
{
    option_mappings(r, v, &r->o->mappings, &r->o->mapping_count);
}

/* ---- accounts ---- */

static void read_limits(struct option_reader *r, const struct conf_value *v,
                        struct account_options *a)
{
    int64_t ignored;

    if (v->type != CONF_MAP) {
        option_error(r, v, "Expected account limits to be a map/struct, got %s",
                     conf_type_go(v->type));
        return;
    }
    for (size_t i = 0; i < v->list->count; i++) {
        const struct conf_item *item = &v->list->items[i];
        if (option_key_is(item, "max_connections") || option_key_is(item, "max_conn"))
            (void)option_integer(r, item, -1, INT32_MAX, &a->max_connections);
        else if (option_key_is(item, "max_subscriptions") || option_key_is(item, "max_subs"))
            (void)option_integer(r, item, -1, INT32_MAX, &a->max_subscriptions);
        else if (option_key_is(item, "max_payload") || option_key_is(item, "max_pay"))
            (void)option_integer(r, item, -1, INT32_MAX, &a->max_payload);
        else if (option_key_is(item, "max_leafnodes") || option_key_is(item, "max_leafs"))
            (void)option_integer(r, item, -1, INT32_MAX, &ignored);     /* there are none */
        else if (!item->value.used)
            option_error_named(r, &item->value, "Unknown field ", item->key,
                               " parsing account limits");
    }
}

static void read_account_nkey(struct option_reader *r, const struct conf_item *item,
                              struct account_options *a)
{
    if (item->value.type == CONF_STRING && public_key_is('A', item->value.text))
        option_set_text(&a->nkey, item->value.text);
    else
        option_error_named(r, &item->value, "Not a valid public nkey for an account: ",
                           item->value.text, "");
}

static void read_account_item(struct option_reader *r, const struct conf_item *item,
                              struct account_options *a, const struct conf_value **users)
{
    if (option_key_is(item, "nkey")) {
        read_account_nkey(r, item, a);
    } else if (option_key_is(item, "users")) {
        *users = &item->value;
    } else if (option_key_is(item, "default_permissions")) {
        permission_options_free(&a->default_permissions);
        a->default_permissions = option_permissions(r, &item->value);
    } else if (option_key_is(item, "mappings") || option_key_is(item, "maps")) {
        option_mappings(r, &item->value, &a->mappings, &a->mapping_count);
    } else if (option_key_is(item, "limits")) {
        read_limits(r, &item->value, a);
    } else if (option_key_is(item, "jetstream")) {
        option_account_jetstream(r, &item->value, a);
    } else if (option_key_is(item, "imports") || option_key_is(item, "exports") ||
               option_key_is(item, "msg_trace") || option_key_is(item, "trace_dest")) {
        option_unsupported(r, item);
    } else {
        option_unknown(r, item);
    }
}

static struct account_options *add_account(struct options *o, struct span name)
{
    o->accounts = mem_resize(o->accounts, (o->account_count + 1) * sizeof *o->accounts);
    struct account_options *a = &o->accounts[o->account_count++];
    *a = (struct account_options){ .name = mem_dup_span(name), .max_connections = -1,
                                   .max_subscriptions = -1, .max_payload = -1,
                                   .jetstream_limits = JETSTREAM_ACCOUNT_LIMITS_NONE };
    return a;
}

static bool check_account_name(struct option_reader *r, const struct conf_value *at,
                               struct span name)
{
    if (span_is(name, GLOBAL_ACCOUNT)) {
        option_error_named(r, at, "", name, " is a Reserved Account");
        return false;
    }
    if (name.len > 0 && memchr(name.p, '\0', name.len) == NULL) return true;
    option_error_named(r, at, "", name, " is not an account name");
    return false;
}

static void read_account(struct option_reader *r, const struct conf_item *item)
{
    const struct conf_value *v = &item->value, *users = NULL;
    struct account_options *a;

    if (v->used) return;        /* only a variable */
    if (v->type != CONF_MAP) {
        option_error(r, v, "Expected map entries for accounts");
        return;
    }
    if (!check_account_name(r, v, item->key)) return;
    a = add_account(r->o, item->key);
    for (size_t i = 0; i < v->list->count; i++)
        read_account_item(r, &v->list->items[i], a, &users);
    if (users != NULL) option_users(r, users, a->name, a->default_permissions);
}

/* The short form: names without anything. */
static void read_account_name(struct option_reader *r, const struct conf_value *v)
{
    if (v->type != CONF_STRING) {
        option_error(r, v, "an account name must be a string, not %s", conf_type_text(v->type));
        return;
    }
    if (!check_account_name(r, v, v->text)) return;
    for (size_t i = 0; i < r->o->account_count; i++) {
        if (!span_is(v->text, r->o->accounts[i].name)) continue;
        option_error(r, v, "Duplicate Account Entry: %.*s", SPAN_ARG(v->text));
        return;
    }
    (void)add_account(r->o, v->text);
}

void parse_accounts(struct option_reader *r, const struct conf_value *v)
{
    if (v->type != CONF_ARRAY && v->type != CONF_MAP) {
        option_error(r, v, "\"accounts\" must be a map or an array, not %s",
                     conf_type_text(v->type));
        return;
    }
    for (size_t i = 0; i < v->list->count; i++) {
        if (v->type == CONF_MAP) read_account(r, &v->list->items[i]);
        else read_account_name(r, &v->list->items[i].value);
    }
}

void account_options_free(struct account_options *accounts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        mem_free(accounts[i].name);
        mem_free(accounts[i].nkey);
        mapping_options_free(accounts[i].mappings, accounts[i].mapping_count);
        permission_options_free(&accounts[i].default_permissions);
    }
    mem_free(accounts);
}
