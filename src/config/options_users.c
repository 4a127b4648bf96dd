/* SPDX-License-Identifier: Apache-2.0 */
/* options_users.c - authorization {} and users [] of it and of accounts. */
#include "base/duration.h"
#include "base/mem.h"
#include "config/option_reader.h"
#include "config/public_key.h"

#define TIMEOUT_HIGH_NS (60 * NS_PER_S)

static void user_fini(struct user_options *u)
{
    mem_free(u->name);
    if (u->password != NULL) mem_wipe(u->password, strlen(u->password));
    mem_free(u->password);
    mem_free(u->nkey);
    mem_free(u->account);
    permission_options_free(&u->permissions);
}

static void read_connection_types(struct option_reader *r, const struct conf_item *item,
                                  unsigned *out)
{
    static const struct { const char *name; unsigned bit; } types[] = {
        { "STANDARD", CONNECTION_STANDARD }, { "WEBSOCKET", CONNECTION_WEBSOCKET },
        { "LEAFNODE", CONNECTION_LEAFNODE }, { "LEAFNODE_WS", CONNECTION_LEAFNODE_WS },
        { "MQTT", CONNECTION_MQTT }, { "MQTT_WS", CONNECTION_MQTT_WS },
        { "IN_PROCESS", CONNECTION_IN_PROCESS },
    };
    struct text_list names = { 0 };
    struct buf unknown = { 0 };

    *out = 0;
    if (!option_text_list(r, item, "allowed connection types", &names)) goto done;
    for (size_t i = 0; i < names.count; i++) {
        size_t t = 0;
        while (t < COUNT_OF(types) &&
               !span_equal_nocase(span_of(names.items[i]), span_of(types[t].name))) t++;
        if (t < COUNT_OF(types)) {
            *out |= types[t].bit;
            continue;
        }
        if (unknown.len > 0) buf_append_char(&unknown, ' ');
        buf_append_quoted(&unknown, span_of(names.items[i]));
    }
    if (unknown.len > 0)
        option_error(r, &item->value, "invalid connection types [%s]", buf_text(&unknown));
done:
    buf_free(&unknown);
    text_list_free(&names);
}

static void read_user_item(struct option_reader *r, const struct conf_item *item,
                           struct user_options *u)
{
    if (option_key_is(item, "nkey")) {
        (void)option_text(r, item, &u->nkey);
    } else if (option_key_is(item, "user") || option_key_is(item, "username")) {
        (void)option_text(r, item, &u->name);
    } else if (option_key_is(item, "pass") || option_key_is(item, "password")) {
        (void)option_text(r, item, &u->password);
    } else if (option_key_is(item, "permission") || option_key_is(item, "permissions") ||
               option_key_is(item, "authorization")) {
        permission_options_free(&u->permissions);
        u->permissions = option_permissions(r, &item->value);
    } else if (option_key_is(item, "allowed_connection_types") ||
               option_key_is(item, "connection_types") || option_key_is(item, "clients")) {
        read_connection_types(r, item, &u->connection_types);
    } else if (option_key_is(item, "proxy_required")) {
        option_unsupported(r, item);
    } else {
        option_unknown(r, item);
    }
}

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

/* The user is complete and new. */
static bool check_user(struct option_reader *r, const struct conf_value *at,
                       const struct user_options *u)
{
    struct span name = span_of(is_set(u->nkey) ? u->nkey : u->name);
    struct buf text = { 0 };

    if (!is_set(u->nkey) && !is_set(u->name)) {
        option_error(r, at, "User entry requires a user");
        return false;
    }
    if (is_set(u->nkey) && !public_key_is('U', span_of(u->nkey))) {
        option_error(r, at, "Not a valid public nkey for a user");
        return false;
    }
    if (is_set(u->nkey) && (is_set(u->name) || is_set(u->password))) {
        option_error(r, at, "Nkey users do not take usernames or passwords");
        return false;
    }
    if (map_has(&r->names, name)) {
        buf_append_quoted(&text, name);
        option_error(r, at, "Duplicate %s %s detected", is_set(u->nkey) ? "nkey" : "user",
                     buf_text(&text));
        buf_free(&text);
        return false;
    }
    (void)map_set(&r->names, name, NULL);
    return true;
}

void option_users(struct option_reader *r, const struct conf_value *v, const char *account,
                  const struct permission_options *defaults)
{
    struct options *o = r->o;

    if (v->type != CONF_ARRAY) {
        option_error(r, v, "Expected users field to be an array, got %s", conf_type_go(v->type));
        return;
    }
    for (size_t i = 0; i < v->list->count; i++) {
        const struct conf_value *one = &v->list->items[i].value;
        struct user_options u = { 0 };
        if (one->type != CONF_MAP) {
            option_error(r, one, "Expected user entry to be a map/struct, got %s",
                         conf_type_go(one->type));
            continue;
        }
        for (size_t k = 0; k < one->list->count; k++)
            read_user_item(r, &one->list->items[k], &u);
        /* A map in an array has the place of its end: its first key says more. */
        if (!check_user(r, one->list->count > 0 ? &one->list->items[0].value : one, &u)) {
            user_fini(&u);
            continue;
        }
        if (u.permissions == NULL) u.permissions = permission_options_copy(defaults);
        u.account = mem_dup(account);
        o->users = mem_resize(o->users, (o->user_count + 1) * sizeof *o->users);
        o->users[o->user_count++] = u;
    }
}

void user_options_free(struct user_options *users, size_t count)
{
    for (size_t i = 0; i < count; i++) user_fini(&users[i]);
    mem_free(users);
}

static void read_timeout(struct option_reader *r, const struct conf_item *item, int64_t *out)
{
    if (!option_seconds(r, item, "authorization config", out) || *out <= TIMEOUT_HIGH_NS) return;
    option_warn(r, &item->value, item->key, "timeout of %lld seconds is high, consider keeping "
                "it under 60 seconds. possibly caused by unquoted duration; use '1m' instead of "
                "1m, for example", (long long)(*out / NS_PER_S));
}

/* The items but users, which need the permissions. */
static void read_authorization_item(struct option_reader *r, const struct conf_item *item,
                                    struct authorization_options *a,
                                    const struct conf_value **users)
{
    if (option_key_is(item, "user") || option_key_is(item, "username")) {
        (void)option_text(r, item, &a->username);
    } else if (option_key_is(item, "pass") || option_key_is(item, "password")) {
        (void)option_text(r, item, &a->password);
    } else if (option_key_is(item, "token")) {
        (void)option_text(r, item, &a->token);
    } else if (option_key_is(item, "timeout")) {
        read_timeout(r, item, &a->timeout_ns);
    } else if (option_key_is(item, "users")) {
        *users = &item->value;
    } else if (option_key_is(item, "default_permission") || option_key_is(item, "permissions") ||
               option_key_is(item, "default_permissions")) {
        permission_options_free(&a->default_permissions);
        a->default_permissions = option_permissions(r, &item->value);
    } else if (option_key_is(item, "auth_callout") || option_key_is(item, "auth_hook") ||
               option_key_is(item, "proxy_required")) {
        option_unsupported(r, item);
    } else {
        option_unknown(r, item);
    }
}

void parse_authorization(struct option_reader *r, const struct conf_value *v)
{
    struct authorization_options *a = &r->o->authorization;
    const struct conf_value *users = NULL;

    if (v->type != CONF_MAP) {
        option_error(r, v, "\"authorization\" must be a map, not %s", conf_type_text(v->type));
        return;
    }
    r->o->has_authorization = true;
    for (size_t i = 0; i < v->list->count; i++)
        read_authorization_item(r, &v->list->items[i], a, &users);
    if (users != NULL) option_users(r, users, NULL, a->default_permissions);
    if ((is_set(a->username) || is_set(a->password)) && is_set(a->token))
        option_error(r, v, "Cannot have a user/pass and token");
    else if (users != NULL && is_set(a->username))
        option_error(r, v, "Can not have a single user/pass and a users array");
    else if (users != NULL && is_set(a->token))
        option_error(r, v, "Can not have a token and a users array");
}
