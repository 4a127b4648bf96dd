/* SPDX-License-Identifier: Apache-2.0 */
/* core_config.c - configuration snapshots, and switching to a new one.
 *
 * A reload first builds everything that can fail: mappings, credentials, TLS contexts. Only then
 * accounts change and the loops switch, one mail each; it is done when all have. */
#include "auth/nkey.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/client.h"
#include "core/core_priv.h"
#include "os/clock.h"

/* ---- accounts ---- */

struct plan {                           /* the accounts as the options want them */
    struct map settings;                /* name -> struct account_settings */
};

static void plan_free(struct plan *p)
{
    for (size_t i = 0; i < p->settings.count; i++)
        account_settings_free(p->settings.entries[i].value);
    map_free(&p->settings);
}

static enum status compile_mappings(struct account_settings *s, const struct mapping_options *m,
                                    size_t count, struct error *why)
{
    enum status st = ST_OK;

    s->mappings = mem_zero((count + 1) * sizeof *s->mappings);
    for (size_t i = 0; i < count && st == ST_OK; i++) {
        struct mapping_target *to = mem_zero((m[i].destination_count + 1) * sizeof *to);
        for (size_t j = 0; j < m[i].destination_count; j++)
            to[j] = (struct mapping_target){ span_of(m[i].destinations[j].subject),
                                             m[i].destinations[j].weight,
                                             span_of(m[i].destinations[j].cluster) };
        st = mapping_compile(&s->mappings[i], span_of(m[i].source), to, m[i].destination_count,
                             why);
        if (st == ST_OK) s->mapping_count++;
        mem_free(to);
    }
    return st;
}

static const char *system_name(const struct options *o)
{
    return o->system_account ? o->system_account : "$SYS";
}

static enum status plan_make(struct plan *p, const struct options *o, struct error *why)
{
    struct account_settings *s = account_settings_new();
    enum status st = compile_mappings(s, o->mappings, o->mapping_count, why);

    map_set(&p->settings, SPAN_LIT("$G"), s);
    for (size_t i = 0; i < o->account_count && st == ST_OK; i++) {
        const struct account_options *a = &o->accounts[i];
        s = account_settings_new();
        s->max_connections = a->max_connections;
        s->max_subscriptions = a->max_subscriptions;
        s->max_payload = a->max_payload;
        st = compile_mappings(s, a->mappings, a->mapping_count, why);
        account_settings_free(map_set(&p->settings, span_of(a->name), s));
    }
    if (!o->no_system_account && !map_has(&p->settings, span_of(system_name(o))))
        map_set(&p->settings, span_of(system_name(o)), account_settings_new());
    return st;
}

static void release_settings(struct sync_retired *r, void *loop)
{
    (void)loop;
    account_settings_free(CONTAINER_OF(r, struct account_settings, retired));
}

/* Replaced settings are freed by loop 0 once no loop can look at them. */
struct settings_mail {
    struct sync_mail mail;
    struct account_settings *old;
};

static void retire_settings(struct sync_mail *mail, void *loop)
{
    struct settings_mail *m = CONTAINER_OF(mail, struct settings_mail, mail);

    loop_retire(loop, &m->old->retired, release_settings);
    mem_free(m);
}

static void replace_settings(struct core *core, struct account *a, struct account_settings *s)
{
    struct settings_mail *m = mem_zero(sizeof *m);

    m->mail.run = retire_settings;
    m->old = atomic_exchange(&a->settings, s);
    loop_post(core->loops.loops[0], &m->mail);
}

/* Make the accounts be as planned; can't fail. */
static void plan_apply(struct plan *p, struct core *core, const struct options *o)
{
    sync_mutex_lock(&core->mutex);
    for (size_t i = 0; i < core->accounts.count; i++) {
        struct account *a = core->accounts.entries[i].value;
        atomic_store(&a->removed, !map_has(&p->settings, span_of(a->name)));
    }
    for (size_t i = 0; i < p->settings.count; i++) {
        struct span name = span_make(p->settings.entries[i].key, p->settings.entries[i].key_len);
        struct account_settings *s = p->settings.entries[i].value;
        struct account *a = map_get(&core->accounts, name);
        if (a) {
            replace_settings(core, a, s);
        } else {
            a = account_new(name, core->loops.count, core->seed, s);
            a->is_system = !o->no_system_account && span_is(name, system_name(o));
            map_set(&core->accounts, name, a);
        }
        p->settings.entries[i].value = NULL;
    }
    core->global = map_get(&core->accounts, SPAN_LIT("$G"));
    core->system = o->no_system_account ? NULL
                                        : map_get(&core->accounts, span_of(system_name(o)));
    sync_mutex_unlock(&core->mutex);
}

/* ---- snapshots ---- */

struct core_config *core_config_ref(struct core_config *c)
{
    atomic_fetch_add(&c->refs, 1);
    return c;
}

struct core_config *core_config_latest(struct core *core)
{
    struct core_config *c;

    sync_mutex_lock(&core->mutex);
    c = core_config_ref(core->config);
    sync_mutex_unlock(&core->mutex);
    return c;
}

void core_config_unref(struct core_config *c)
{
    if (c == NULL || atomic_fetch_sub(&c->refs, 1) != 1) return;
    for (int i = 0; i < CORE_LISTENERS; i++)
        if (c->auth[i]) auth_db_unref(c->auth[i]);
    core_config_free_transports(c);
    mem_free(c->advertise_host);
    options_free(&c->options);
    mem_free(c);
}

/* "host", "host:port", "[v6]:port" of client_advertise. */
static enum status advertise(struct core_config *c, struct error *why)
{
    struct span text = span_of(c->options->client_advertise);
    const char *colon = text.len ? strrchr(text.p, ':') : NULL;
    uint64_t port;

    if (text.len == 0) return ST_OK;
    if (colon && text.p[text.len - 1] != ']') {
        if (!span_to_u64(span_of(colon + 1), &port) || port > UINT16_MAX)
            return error_set(why, ST_BAD_INPUT, "Error setting server INFO with ClientAdvertise "
                             "value of %s, err=strconv.Atoi: parsing \"%s\": invalid syntax",
                             text.p, colon + 1);
        c->advertise_port = (int)port;
        text.len = (size_t)(colon - text.p);
    }
    if (text.len > 1 && text.p[0] == '[' && text.p[text.len - 1] == ']')
        text = span_make(text.p + 1, text.len - 2);
    c->advertise_host = mem_dup_span(text);
    return ST_OK;
}

enum status core_config_new(struct core_config **out, struct core *core, struct options *options,
                            struct error *why)
{
    struct core_config *c = mem_zero(sizeof *c);
    struct plan plan = { 0 };
    enum status st;

    *out = NULL;
    atomic_init(&c->refs, 1);
    c->serial = core->config ? core->config->serial + 1 : 1;
    c->options = options;
    c->load_wall_ns = clock_wall_ns();
    st = plan_make(&plan, options, why);
    if (st == ST_OK) st = core_config_make_transports(c, why);
    if (st == ST_OK) st = advertise(c, why);
    if (st == ST_OK) {
        c->auth[CORE_LISTENER_CLIENT] = auth_db_new(options, AUTH_CLIENT);
        c->auth[CORE_LISTENER_WEBSOCKET] = auth_db_new(options, AUTH_WEBSOCKET);
        plan_apply(&plan, core, options);
        c->no_auth_account = core->global;
        *out = c;
    } else {
        core_config_unref(c);
    }
    plan_free(&plan);
    return st;
}

void core_config_apply_limits(struct core *core, const struct core_config *config)
{
    const struct options *o = config->options;

    atomic_store(&core->loops.limits.max_pending, o->max_pending);
    atomic_store(&core->loops.limits.write_deadline_ns, o->write_deadline_ns);
    atomic_store(&core->loops.limits.no_stall, o->no_fast_producer_stall);
}

/* ---- reload ---- */

static void apply_to_client(struct client *c, void *arg)
{
    client_apply_config(c, arg);
}

static void switch_loop(struct core_loop *cl, void *arg)
{
    struct core_config *old = cl->config;

    cl->config = core_config_ref(arg);
    core_each_client(cl, apply_to_client, old);
    loop_commit(cl->loop);
    core_config_unref(old);
}

/* Above a lowered max_connections, clients go in no particular order. */
static void close_excess_one(struct client *c, void *arg)
{
    atomic_long *left = arg;

    if (c->conn.closed || atomic_fetch_sub(left, 1) <= 0) return;
    if (c->opening == CLIENT_OPEN) client_send_error(c, "maximum connections exceeded");
    client_close(c, CLOSE_MAX_CONNECTIONS);
}

static void close_excess_of_loop(struct core_loop *cl, void *arg)
{
    core_each_client(cl, close_excess_one, arg);
    loop_commit(cl->loop);
}

static void close_excess(struct core *core, int64_t max)
{
    int64_t excess = atomic_load(&core->counters.clients) - (max > 0 ? max : 0);
    atomic_long left = (long)excess;

    if (excess <= 0) return;
    core_on_each_loop(core, close_excess_of_loop, &left);
    log_info("Closed %lld connections to fall within max_connections", (long long)excess);
}

/* Cached decisions refer to permissions of before. */
static void invalidate_accounts(struct core *core)
{
    sync_mutex_lock(&core->mutex);
    for (size_t i = 0; i < core->accounts.count; i++)
        sublist_invalidate(((struct account *)core->accounts.entries[i].value)->sublist);
    sync_mutex_unlock(&core->mutex);
}

enum status core_reload(struct core *core, struct options *new_options, struct error *why)
{
    struct core_config *next, *old = core->config;
    enum status st = core_config_new(&next, core, new_options, why);

    if (st != ST_OK) return st;
    core_config_apply_limits(core, next);
    sync_mutex_lock(&core->mutex);
    core->config = next;
    sync_mutex_unlock(&core->mutex);
    core_on_each_loop(core, switch_loop, next);
    invalidate_accounts(core);
    if (next->options->max_connections != old->options->max_connections)
        close_excess(core, next->options->max_connections);
    core_config_unref(old);
    return ST_OK;
}
