/* SPDX-License-Identifier: Apache-2.0 */
/* options_permissions.c - permissions { publish, subscribe, allow_responses }. */
#include "base/duration.h"
#include "base/mem.h"
#include "config/option_reader.h"
#include "proto/subject.h"

#define RESPONSES_MAX 1                     /* nats-server's defaults of allow_responses */
#define RESPONSES_TTL_NS (120 * NS_PER_S)

/* Cut the next field without white space off *s. */
static struct span take_field(struct span *s)
{
    size_t n = 0;

    *s = span_trim(*s);
    while (n < s->len && strchr(" \t\r\n\v\f", s->p[n]) == NULL) n++;
    struct span field = span_make(s->p, n);
    *s = span_trim(span_from(*s, n));
    return field;
}

static void bad_name(struct option_reader *r, const struct conf_value *at, const char *what,
                     struct span name)
{
    struct buf text = { 0 };

    buf_append_quoted(&text, name);
    option_error(r, at, "%s %s is not a valid %s", what, buf_text(&text), what);
    buf_free(&text);
}

/* A subject, or for subscriptions "subject queue". */
static bool check_subject(struct option_reader *r, const struct conf_value *at, struct span s,
                          bool allow_queue)
{
    struct span rest = s, subject, queue;

    if (memchr(s.p, '\0', s.len) == NULL && subject_is_valid(s)) return true;
    subject = take_field(&rest);
    queue = take_field(&rest);
    if (!allow_queue || queue.len == 0 || rest.len > 0 || memchr(s.p, '\0', s.len) != NULL)
        bad_name(r, at, "subject", s);
    else if (!subject_is_valid(subject))
        bad_name(r, at, "subject", subject);
    else if (!subject_is_valid(queue))
        bad_name(r, at, "queue", queue);
    else
        return true;
    return false;
}

static void read_subjects(struct option_reader *r, const struct conf_value *v, bool allow_queue,
                          struct text_list *out, bool *present)
{
    size_t count = v->type == CONF_ARRAY ? v->list->count : 1;

    if (v->type != CONF_STRING && v->type != CONF_ARRAY) {
        option_error(r, v, "Expected subject permissions to be a subject, or array of subjects, "
                     "got %s", conf_type_go(v->type));
        return;
    }
    text_list_free(out);
    *present = count > 0;       /* an empty list restricts nothing, as with nats-server */
    for (size_t i = 0; i < count; i++) {
        const struct conf_value *one = v->type == CONF_ARRAY ? &v->list->items[i].value : v;
        if (one->type != CONF_STRING) {
            option_error(r, one, "Subject in permissions array cannot be cast to string");
            return;
        }
        if (check_subject(r, one, one->text, allow_queue)) text_list_add(out, one->text);
    }
}

static void read_rules(struct option_reader *r, const struct conf_value *v, bool allow_queue,
                       struct subject_rules *out)
{
    if (v->type != CONF_MAP) {
        read_subjects(r, v, allow_queue, &out->allow, &out->has_allow);
        return;
    }
    for (size_t i = 0; i < v->list->count; i++) {
        const struct conf_item *item = &v->list->items[i];
        if (option_key_is(item, "allow"))
            read_subjects(r, &item->value, allow_queue, &out->allow, &out->has_allow);
        else if (option_key_is(item, "deny"))
            read_subjects(r, &item->value, allow_queue, &out->deny, &out->has_deny);
        else if (!item->value.used)
            option_error_named(r, &item->value, "Unknown field name ", item->key, " parsing "
                               "subject permissions, only 'allow' or 'deny' are permitted");
    }
}

static void read_responses_max(struct option_reader *r, const struct conf_item *item,
                               struct permission_options *p)
{
    int64_t n;

    if (!option_integer(r, item, INT32_MIN, INT32_MAX, &n)) return;
    if (n != 0) p->responses_max = n;
}

static void read_responses_ttl(struct option_reader *r, const struct conf_item *item,
                               struct permission_options *p)
{
    int64_t ns;

    if (item->value.type != CONF_STRING) {
        option_error(r, &item->value, "error parsing expires, not a duration string");
    } else if (duration_parse(item->value.text, &ns) != ST_OK) {
        option_bad_duration(r, &item->value, "error parsing expires: ", item->value.text);
    } else if (ns != 0) {
        p->responses_ttl_ns = ns;
    }
}

static void read_responses(struct option_reader *r, const struct conf_value *v,
                           struct permission_options *p)
{
    if (v->type == CONF_BOOL && !v->boolean) return;
    if (v->type != CONF_BOOL && v->type != CONF_MAP) {
        option_error(r, v, "error parsing response permissions, expected a boolean or a map");
        return;
    }
    p->has_responses = true;
    p->responses_max = RESPONSES_MAX;
    p->responses_ttl_ns = RESPONSES_TTL_NS;
    for (size_t i = 0; v->type == CONF_MAP && i < v->list->count; i++) {
        const struct conf_item *item = &v->list->items[i];
        if (option_key_is(item, "max") || option_key_is(item, "max_msgs") ||
            option_key_is(item, "max_messages") || option_key_is(item, "max_responses"))
            read_responses_max(r, item, p);
        else if (option_key_is(item, "expires") || option_key_is(item, "expiration") ||
                 option_key_is(item, "ttl"))
            read_responses_ttl(r, item, p);
        else if (!item->value.used)
            option_error_named(r, &item->value, "Unknown field ", item->key,
                               " parsing permissions");
    }
}

struct permission_options *option_permissions(struct option_reader *r, const struct conf_value *v)
{
    struct permission_options *p;

    if (v->type != CONF_MAP) {
        option_error(r, v, "Expected permissions to be a map/struct, got %s",
                     conf_type_go(v->type));
        return NULL;
    }
    p = mem_zero(sizeof *p);
    for (size_t i = 0; i < v->list->count; i++) {
        const struct conf_item *item = &v->list->items[i];
        if (option_key_is(item, "pub") || option_key_is(item, "publish") ||
            option_key_is(item, "import"))
            read_rules(r, &item->value, false, &p->publish);
        else if (option_key_is(item, "sub") || option_key_is(item, "subscribe") ||
                 option_key_is(item, "export"))
            read_rules(r, &item->value, true, &p->subscribe);
        else if (option_key_is(item, "allow_responses") ||
                 option_key_is(item, "publish_allow_responses"))
            read_responses(r, &item->value, p);
        else if (!item->value.used)
            option_error_named(r, &item->value, "Unknown field ", item->key,
                               " parsing permissions");
    }
    /* Who may answer may publish nothing else, unless told. */
    if (p->has_responses && !p->publish.has_allow) p->publish.has_allow = true;
    return p;
}

static void copy_list(struct text_list *to, const struct text_list *from)
{
    for (size_t i = 0; i < from->count; i++) text_list_add(to, span_of(from->items[i]));
}

struct permission_options *permission_options_copy(const struct permission_options *p)
{
    struct permission_options *copy;

    if (p == NULL) return NULL;
    copy = mem_alloc(sizeof *copy);
    *copy = *p;
    copy->publish.allow = copy->publish.deny = (struct text_list){ 0 };
    copy->subscribe.allow = copy->subscribe.deny = (struct text_list){ 0 };
    copy_list(&copy->publish.allow, &p->publish.allow);
    copy_list(&copy->publish.deny, &p->publish.deny);
    copy_list(&copy->subscribe.allow, &p->subscribe.allow);
    copy_list(&copy->subscribe.deny, &p->subscribe.deny);
    return copy;
}

void permission_options_free(struct permission_options **p)
{
    if (*p == NULL) return;
    text_list_free(&(*p)->publish.allow);
    text_list_free(&(*p)->publish.deny);
    text_list_free(&(*p)->subscribe.allow);
    text_list_free(&(*p)->subscribe.deny);
    mem_free(*p);
    *p = NULL;
}
