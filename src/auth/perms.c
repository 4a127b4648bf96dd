/* SPDX-License-Identifier: Apache-2.0 */
/* perms.c - four compiled rule lists and the permission for replies. */
#include "auth/perms.h"

#include <stdatomic.h>

#include "auth/rules.h"
#include "base/assert.h"
#include "base/duration.h"
#include "base/log.h"
#include "base/mem.h"
#include "proto/subject.h"

#define RESPONSES_MAX_DEFAULT 1
#define RESPONSES_TTL_DEFAULT_NS (120 * NS_PER_S)

struct perms {
    atomic_uint refs;
    struct rules publish_allow, publish_deny, subscribe_allow, subscribe_deny;
    bool limits_publish, limits_subscribe;      /* only what the allow list covers */
    bool responses;
    int64_t responses_max, responses_ttl_ns;
};

static void compile(struct rules *r, const struct text_list *list, const char *what,
                    bool with_queue)
{
    for (size_t i = 0; i < list->count; i++)
        if (!rules_add(r, list->items[i], with_queue))
            log_error("invalid %s subject \"%s\"", what, list->items[i]);
    rules_compile(r);
}

struct perms *perms_new(const struct permission_options *o)
{
    struct perms *p;

    if (o == NULL) return NULL;
    p = mem_zero(sizeof *p);
    atomic_init(&p->refs, 1);
    compile(&p->publish_allow, &o->publish.allow, "publish allow", false);
    compile(&p->publish_deny, &o->publish.deny, "publish deny", false);
    compile(&p->subscribe_allow, &o->subscribe.allow, "subscribe allow", true);
    compile(&p->subscribe_deny, &o->subscribe.deny, "subscribe deny", true);
    p->responses = o->has_responses;
    /* An empty list limits nothing; leave to answer, on its own, leaves nothing else. */
    p->limits_publish = o->publish.allow.count > 0 || o->has_responses;
    p->limits_subscribe = o->subscribe.allow.count > 0;
    p->responses_max = o->responses_max ? o->responses_max : RESPONSES_MAX_DEFAULT;
    p->responses_ttl_ns = o->responses_ttl_ns ? o->responses_ttl_ns : RESPONSES_TTL_DEFAULT_NS;
    return p;
}

struct perms *perms_ref(struct perms *p)
{
    if (p != NULL) atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

void perms_unref(struct perms *p)
{
    if (p == NULL) return;
    if (atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1) return;
    rules_fini(&p->publish_allow);
    rules_fini(&p->publish_deny);
    rules_fini(&p->subscribe_allow);
    rules_fini(&p->subscribe_deny);
    mem_free(p);
}

static bool may_publish(const struct perms *p, struct span subject)
{
    if (p->limits_publish
        && !(rules_match(&p->publish_allow, subject, SPAN_NONE, RULES_PLAIN) & RULES_PLAIN))
        return false;
    return !(rules_match(&p->publish_deny, subject, SPAN_NONE, RULES_PLAIN) & RULES_PLAIN);
}

/* An entry for queue groups on a matching subject takes over from plain ones for queue groups. */
static bool covered_by_allow(const struct perms *p, struct span subject, struct span queue)
{
    unsigned found;

    if (queue.len == 0)
        return rules_match(&p->subscribe_allow, subject, queue, RULES_PLAIN) & RULES_PLAIN;
    found = rules_match(&p->subscribe_allow, subject, queue, RULES_QUEUE);
    return found & RULES_QUEUED ? found & RULES_QUEUE : found & RULES_PLAIN;
}

static bool hit_by_deny(const struct perms *p, struct span subject, struct span queue)
{
    unsigned hit = RULES_PLAIN | RULES_QUEUE;

    return rules_match(&p->subscribe_deny, subject, queue, hit) & hit;
}

bool perms_allow(const struct perms *p, enum perms_verb verb, struct span subject,
                 struct span queue)
{
    if (p == NULL) return true;
    switch (verb) {
    case PERMS_PUBLISH:
        return may_publish(p, subject);
    case PERMS_SUBSCRIBE:
        if (p->limits_subscribe && !covered_by_allow(p, subject, queue)) return false;
        return !hit_by_deny(p, subject, queue);
    case PERMS_DELIVER:
        return !hit_by_deny(p, subject, queue);
    }
    unreachable();
}

bool perms_needs_deliver_check(const struct perms *p, struct span filter, struct span queue)
{
    if (p == NULL || (queue.len == 0 && subject_is_literal(filter))) return false;
    for (size_t i = 0; i < p->subscribe_deny.count; i++)
        if (subject_collides(p->subscribe_deny.items[i].subject, filter)) return true;
    return false;
}

bool perms_responses(const struct perms *p, int64_t *max, int64_t *ttl_ns)
{
    if (p == NULL || !p->responses) return false;
    *max = p->responses_max;
    *ttl_ns = p->responses_ttl_ns;
    return true;
}

static bool rules_equal(const struct rules *a, const struct rules *b)
{
    if (a->count != b->count) return false;
    for (size_t i = 0; i < a->count; i++)
        if (!span_is(span_of(a->items[i].text), b->items[i].text)) return false;
    return true;
}

bool perms_equal(const struct perms *a, const struct perms *b)
{
    if (a == NULL || b == NULL) return a == b;
    if (a->responses != b->responses || a->limits_publish != b->limits_publish
        || a->limits_subscribe != b->limits_subscribe)
        return false;
    if (a->responses && (a->responses_max != b->responses_max
                         || a->responses_ttl_ns != b->responses_ttl_ns))
        return false;
    return rules_equal(&a->publish_allow, &b->publish_allow)
        && rules_equal(&a->publish_deny, &b->publish_deny)
        && rules_equal(&a->subscribe_allow, &b->subscribe_allow)
        && rules_equal(&a->subscribe_deny, &b->subscribe_deny);
}

static void write_list(struct jsonw *w, const char *key, const struct rules *r)
{
    if (r->count == 0) return;
    jsonw_array(w, key);
    for (size_t i = 0; i < r->count; i++) jsonw_text(w, NULL, r->items[i].text);
    jsonw_end_array(w);
}

void perms_write(const struct perms *p, struct jsonw *w, const char *key)
{
    if (p == NULL) return;
    jsonw_object(w, key);
    jsonw_object(w, "publish");
    write_list(w, "allow", &p->publish_allow);
    write_list(w, "deny", &p->publish_deny);
    jsonw_end_object(w);
    jsonw_object(w, "subscribe");
    write_list(w, "allow", &p->subscribe_allow);
    write_list(w, "deny", &p->subscribe_deny);
    jsonw_end_object(w);
    if (p->responses) {
        jsonw_object(w, "responses");
        jsonw_int(w, "max", p->responses_max);
        jsonw_int(w, "ttl", p->responses_ttl_ns);
        jsonw_end_object(w);
    }
    jsonw_end_object(w);
}
