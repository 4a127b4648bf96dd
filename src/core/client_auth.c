/* SPDX-License-Identifier: Apache-2.0 */
/* client_auth.c - from credentials to an account: asking auth/, waiting for bcrypt, joining. */
#include "auth/auth.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/client_priv.h"
#include "core/responses.h"
#include "core/trace.h"
#include "os/worker.h"

struct client_bcrypt {                  /* details->pending while the worker has it */
    struct worker_job job;
    struct client *client;
    struct auth_result result;
    atomic_bool abandoned;              /* the client closed: nobody wants to know */
    bool recheck;                       /* of a live client after a reload */
    uint64_t config_serial;             /* by which configuration */
};

void client_auth_violation(struct client *c)
{
    struct buf line = { 0 };

    client_append_label(c, &line);
    buf_append_text(&line, " - authentication error");
    if (c->details->identity) {
        buf_append_text(&line, " - ");
        auth_identity_describe(c->details->identity, &line);
    }
    log_error("%s", buf_text(&line));
    buf_free(&line);
    atomic_fetch_add(&c->core->counters.auth_errors, 1);
    client_send_error(c, "Authorization Violation");
    client_close(c, CLOSE_AUTHENTICATION_VIOLATION);
}

/* ---- accounts ---- */

void client_leave_account(struct client *c)
{
    if (c->account == NULL) return;
    account_release_connection(c->account);
    c->account = NULL;
}

void client_apply_limits(struct client *c)
{
    const struct options *o = core_of(client_loop(c))->config->options;
    const struct account_settings *s = atomic_load(&c->account->settings);

    c->limits.max_control_line = (size_t)o->max_control_line;
    c->limits.max_payload = o->max_payload;
    if (s->max_payload >= 0 && s->max_payload < o->max_payload)
        c->limits.max_payload = s->max_payload;
    c->max_subs = o->max_subscriptions > 0 ? o->max_subscriptions : -1;
    if (s->max_subscriptions >= 0 && (c->max_subs < 0 || s->max_subscriptions < c->max_subs))
        c->max_subs = s->max_subscriptions;
}

void client_set_perms(struct client *c, struct perms *perms)
{
    struct perms *old = c->perms;
    int64_t max = 0, ttl_ns = 0;
    bool responds = perms_responses(perms, &max, &ttl_ns);

    /* Under the lock: other loops read it while they build match results (client_is_denied). */
    if (c->account) sync_brlock_write(&c->account->lock);
    c->perms = perms;
    if (c->account) sync_brlock_write_done(&c->account->lock);
    perms_unref(old);
    if (responds && c->responses == NULL)
        c->responses = responses_new(max, ttl_ns);
    else
        responses_configure(c->responses, responds, max, ttl_ns);
}

bool client_join_account(struct client *c, struct account *a, struct perms *perms)
{
    if (a != c->account) {
        if (account_reserve_connection(a) != ST_OK) {
            perms_unref(perms);
            client_send_error(c, "maximum account active connections exceeded");
            client_close(c, CLOSE_MAX_ACCOUNT_CONNECTIONS);
            return false;
        }
        client_leave_account(c);
        c->account = a;
    }
    client_set_perms(c, perms);
    client_apply_limits(c);
    return true;
}

/* ---- deciding ---- */

static void replace_text(char **field, struct span value)
{
    mem_free(*field);
    *field = value.len ? mem_dup_span(value) : NULL;
}

struct retired_text {
    struct sync_retired retired;
    char *text;
};

static void release_text(struct sync_retired *r, void *loop)
{
    struct retired_text *t = CONTAINER_OF(r, struct retired_text, retired);

    (void)loop;
    mem_free(t->text);
    mem_free(t);
}

/* Other loops read the name when they trace a message to this client. */
static void replace_name(struct client *c, struct span value)
{
    char *old = atomic_load(&c->details->name);
    struct retired_text *t;

    if (span_equal(span_of(old), value)) return;
    atomic_store(&c->details->name, value.len ? mem_dup_span(value) : NULL);
    if (old == NULL) return;
    t = mem_zero(sizeof *t);
    t->text = old;
    loop_retire(client_loop(c), &t->retired, release_text);
}

/* The session is open. An idle client should be small: what nobody asks for again goes. Credentials
 * stay, because a second CONNECT may build on them, as with nats-server. */
static void settle_connect(struct client *c)
{
    struct client_details *d = c->details;
    struct connect_options *o = d->connect;

    replace_name(c, o->name);
    replace_text(&d->lang, o->lang);
    replace_text(&d->version, o->version);
    if (o->user.len + o->pass.len + o->auth_token.len + o->nkey.len + o->sig.len > 0) return;
    connect_options_fini(o);
    mem_free(o);
    d->connect = NULL;
}

static void finish_connect(struct client *c)
{
    if (c->protocol > 1) {
        client_send_error(c, "invalid client protocol");
        client_close(c, CLOSE_BAD_CLIENT_PROTOCOL);
        return;
    }
    c->no_responders = c->details->connect->no_responders;
    if (c->no_responders && !c->headers) {
        client_send_error(c, "no responders requires headers support");
        client_close(c, CLOSE_NO_RESPONDERS_HEADERS);
        return;
    }
    settle_connect(c);
    if (c->verbose) client_send_ok(c);
}

/* Take over what auth/ decided. */
static bool accept_result(struct client *c, struct auth_result *r)
{
    struct account *a = core_account(c->core, span_of(r->account));
    struct perms *perms = r->perms;

    auth_identity_free(&c->details->identity);
    c->details->identity = r->identity;
    r->identity = NULL;
    r->perms = NULL;
    if (a == NULL) {                    /* its account went with a reload just now */
        perms_unref(perms);
        client_auth_violation(c);
        return false;
    }
    c->awaiting_auth = c->conn.cautious = false;
    client_forget_upgrade(c);
    return client_join_account(c, a, perms);
}

static void deny(struct client *c, struct auth_result *r)
{
    auth_identity_free(&c->details->identity);
    c->details->identity = r->identity;
    r->identity = NULL;
    client_auth_violation(c);
}

/* On the worker thread. */
static void run_bcrypt(struct worker_job *job)
{
    struct client_bcrypt *b = CONTAINER_OF(job, struct client_bcrypt, job);

    if (!atomic_load(&b->client->core->shutting_down) && !atomic_load(&b->abandoned))
        auth_bcrypt_run(b->result.job);
    conn_notify(&b->client->conn, CLIENT_NOTIFY_AUTH);
}

static void start_bcrypt(struct client *c, struct auth_result *r, bool recheck)
{
    struct client_bcrypt *b = mem_zero(sizeof *b);

    assert(c->details->pending == NULL);
    *b = (struct client_bcrypt){ .job.run = run_bcrypt, .client = c, .result = *r,
                                 .recheck = recheck,
                                 .config_serial = core_of(client_loop(c))->config->serial };
    *r = (struct auth_result){ 0 };
    c->details->pending = b;
    conn_pause(&c->conn, CONN_PAUSE_AUTH);
    if (worker_submit(c->core->worker, &b->job) == ST_OK) return;
    c->details->pending = NULL;         /* flooded with logins: refuse this one */
    auth_result_fini(&b->result);
    mem_free(b);
    client_auth_violation(c);
}

static void recheck_done(struct client *c, enum auth_recheck verdict, struct auth_result *r);

void client_on_bcrypt(struct client *c)
{
    struct client_bcrypt *b = c->details->pending;
    enum auth_verdict verdict;

    c->details->pending = NULL;
    if (b->recheck) {
        recheck_done(c, auth_recheck_finish(c->account->name, &b->result), &b->result);
    } else {
        verdict = auth_finish(&b->result);
        if (verdict != AUTH_OK)
            deny(c, &b->result);
        else if (accept_result(c, &b->result))
            finish_connect(c);
    }
    /* A reload came while the worker was at it: what was decided is by the old rules. */
    if (!c->conn.closed && b->config_serial != core_of(client_loop(c))->config->serial)
        client_recheck_auth(c);
    auth_result_fini(&b->result);
    mem_free(b);
    if (!c->conn.closed && c->details->pending == NULL) conn_resume(&c->conn, CONN_PAUSE_AUTH);
}

void client_abandon_bcrypt(struct client *c)
{
    if (c->details->pending) atomic_store(&c->details->pending->abandoned, true);
}

void client_drop_bcrypt(struct client *c)
{
    auth_result_fini(&c->details->pending->result);
    mem_free(c->details->pending);
    c->details->pending = NULL;
}

static unsigned connection_bit(const struct client *c)
{
    return c->listener == CORE_LISTENER_WEBSOCKET ? CONNECTION_WEBSOCKET : CONNECTION_STANDARD;
}

static enum auth_verdict ask(struct client *c, struct auth_result *r)
{
    static const struct connect_options nothing;
    const struct connect_options *o = c->details->connect ? c->details->connect : &nothing;
    struct auth_db *db = core_of(client_loop(c))->config->auth[c->listener];
    struct client_certificate certificate = { 0 };
    struct auth_request q = {
        .user = o->user, .pass = o->pass, .token = o->auth_token, .nkey = o->nkey, .sig = o->sig,
        .jwt = SPAN_NONE, .nonce = span_of(c->details->nonce), .connection = connection_bit(c),
    };
    enum auth_verdict verdict;

    if (client_certificate_init(c, &certificate)) q.certificate = &certificate.names;
    verdict = auth_begin(db, &q, r);
    client_certificate_fini(&certificate);
    return verdict;
}

void client_start_auth(struct client *c)
{
    const struct connect_options *o = c->details->connect;
    struct auth_result r = { 0 };
    enum auth_verdict verdict;

    client_take_cookies(c);
    verdict = ask(c, &r);
    if (verdict == AUTH_NEEDS_BCRYPT) {
        start_bcrypt(c, &r, false);
    } else if (verdict == AUTH_DENIED) {
        deny(c, &r);
    } else if (o->new_account || o->account.len > 0) {
        client_auth_violation(c);
    } else if (accept_result(c, &r)) {
        finish_connect(c);
    }
    auth_result_fini(&r);
}

bool client_try_no_auth_user(struct client *c)
{
    struct auth_result r = { 0 };
    bool joined = false;

    if (c->connect_received) return false;
    if (ask(c, &r) == AUTH_OK) {
        c->auth_deadline_ns = 0;
        c->connect_received = true;
        client_set_timers(c);
        joined = accept_result(c, &r);
    }
    auth_result_fini(&r);
    return joined || c->conn.closed;
}

/* ---- reload ---- */

static void recheck_done(struct client *c, enum auth_recheck verdict, struct auth_result *r)
{
    if (verdict == AUTH_MOVED) {
        client_close(c, CLOSE_CLIENT_CLOSED);
        return;
    }
    if (verdict == AUTH_REVOKED) {
        client_auth_violation(c);
        return;
    }
    if (r->identity) {
        auth_identity_free(&c->details->identity);
        c->details->identity = r->identity;
        r->identity = NULL;
    }
    client_set_perms(c, r->perms);
    r->perms = NULL;
    client_apply_limits(c);
    client_recheck_subs(c);
    if (c->subs.count == 0 || c->max_subs < 0 || c->subs.count < (uint64_t)c->max_subs) return;
    client_send_error(c, "maximum subscriptions exceeded");
    client_close(c, CLOSE_MAX_SUBSCRIPTIONS);
}

void client_recheck_auth(struct client *c)
{
    struct auth_db *db = core_of(client_loop(c))->config->auth[c->listener];
    struct auth_result r = { 0 };
    enum auth_recheck verdict;

    if (c->account == NULL || c->awaiting_auth || c->details->pending) return;
    verdict = auth_recheck(db, c->details->identity, connection_bit(c), c->account->name, &r);
    if (verdict == AUTH_RECHECK_BCRYPT)
        start_bcrypt(c, &r, true);
    else
        recheck_done(c, verdict, &r);
    auth_result_fini(&r);
}
