/* SPDX-License-Identifier: Apache-2.0 */
/* auth.c - the decision: which entry a request names, and whether its proof holds. */
#include "auth/auth.h"

#include "auth/db.h"
#include "auth/nkey.h"
#include "base/assert.h"
#include "base/mem.h"

/* What a request comes down to. */
struct choice {
    enum auth_reason reason;            /* NONE: only the secret is left to compare */
    const struct auth_entry *entry;     /* NULL: the global account, no limits */
    const struct secret *secret;        /* NULL: nothing to compare */
    bool proven;                        /* by signature */
    bool mapped;                        /* by certificate */
    bool substituted;                   /* nobody was named: no_auth_user */
};

struct auth_identity {
    char *nkey, *user;                  /* "" when not given */
    char *pass, *token;                 /* as presented */
    size_t pass_len, token_len;
    unsigned char proof[SECRET_DIGEST_BYTES];   /* of the configured secret that was matched */
    bool has_proof, proven, mapped, implicit, has_jwt;
};

struct auth_bcrypt_job {
    struct auth_db *db;                 /* a reference; owns what entry and secret point to */
    struct choice choice;
    const char *hash;
    char *password;
    size_t password_len;
    bool done, matched;
};

const char *auth_reason_text(enum auth_reason reason)
{
    switch (reason) {
    case AUTH_REASON_NONE: return "none";
    case AUTH_REASON_NO_CREDENTIALS: return "no credentials";
    case AUTH_REASON_UNKNOWN_USER: return "unknown user";
    case AUTH_REASON_CONNECTION_TYPE: return "connection type not allowed";
    case AUTH_REASON_PASSWORD: return "wrong password";
    case AUTH_REASON_TOKEN: return "wrong token";
    case AUTH_REASON_SIGNATURE: return "signature not verified";
    case AUTH_REASON_CERTIFICATE: return "no user for the client certificate";
    }
    unreachable();
}

/* ---- identities ---- */

void auth_identity_free(struct auth_identity **id)
{
    struct auth_identity *it = *id;

    if (it == NULL) return;
    mem_wipe(it->pass, it->pass_len);
    mem_wipe(it->token, it->token_len);
    mem_free(it->pass);
    mem_free(it->token);
    mem_free(it->nkey);
    mem_free(it->user);
    mem_free(it);
    *id = NULL;
}

const char *auth_identity_user(const struct auth_identity *id)
{
    if (id == NULL) return "";
    if (id->nkey[0] != '\0') return id->nkey;
    if (id->user[0] != '\0') return id->user;
    return id->token_len > 0 && !id->has_jwt ? "[REDACTED]" : "";
}

/* A name goes into one log line: what could break out of the quotes is escaped. */
static void append_quoted(struct buf *out, const char *name)
{
    buf_append_char(out, '"');
    for (; *name != '\0'; name++) {
        unsigned char c = (unsigned char)*name;
        if (c == '"' || c == '\\') buf_printf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f) buf_printf(out, "\\x%02x", c);
        else buf_append_char(out, *name);
    }
    buf_append_char(out, '"');
}

void auth_identity_describe(const struct auth_identity *id, struct buf *out)
{
    if (id != NULL && id->nkey[0] != '\0') {
        buf_append_text(out, "Nkey ");
        append_quoted(out, id->nkey);
    } else if (id != NULL && id->user[0] != '\0') {
        buf_append_text(out, "User ");
        append_quoted(out, id->user);
    } else if (id != NULL && id->has_jwt) {
        buf_append_text(out, "JWT User \"\"");
    } else if (id != NULL && id->token_len > 0) {
        buf_append_text(out, "Token \"[REDACTED]\"");
    } else {
        buf_append_text(out, "User \"N/A\"");
    }
}

static struct auth_identity *make_identity(const struct auth_request *q, const struct choice *c)
{
    struct span user = q->user, nkey = q->nkey;
    struct auth_identity *id;

    if (c->entry != NULL && (c->mapped || c->substituted)) {
        if (c->entry->is_nkey) nkey = span_of(c->entry->name);
        else user = span_of(c->entry->name);
    }
    if (user.len + nkey.len + q->token.len + q->jwt.len == 0) return NULL;
    id = mem_zero(sizeof *id);
    id->nkey = mem_dup_span(nkey);
    id->user = mem_dup_span(user);
    id->pass = mem_dup_span(q->pass);
    id->pass_len = q->pass.len;
    id->token = mem_dup_span(q->token);
    id->token_len = q->token.len;
    id->proven = c->proven;
    id->mapped = c->mapped;
    id->implicit = c->entry != NULL && c->entry->is_implicit;
    id->has_jwt = q->jwt.len > 0;
    if (c->secret != NULL) {
        memcpy(id->proof, c->secret->digest, sizeof id->proof);
        id->has_proof = true;
    }
    return id;
}

/* ---- the choice ---- */

static void refuse(struct choice *c, enum auth_reason reason)
{
    c->reason = reason;
    c->entry = NULL;
    c->secret = NULL;
}

static bool type_allowed(const struct auth_entry *e, const struct auth_request *q)
{
    return e->connection_types == 0 || (e->connection_types & q->connection);
}

static bool names_nobody(const struct auth_request *q)
{
    return q->user.len + q->pass.len + q->token.len == 0;
}

/* A user that verify_and_map finds for q's certificate by a literal name, or NULL. */
static const struct auth_entry *map_name(const struct auth_db *db, const struct auth_request *q,
                                         struct span name)
{
    const struct auth_entry *e = name.len > 0 ? map_get(&db->users, name) : NULL;

    return e != NULL && type_allowed(e, q) ? e : NULL;
}

static const struct auth_entry *map_names(const struct auth_db *db, const struct auth_request *q,
                                          const char *const *names, size_t count)
{
    const struct auth_entry *e = NULL;

    for (size_t i = 0; e == NULL && i < count; i++) e = map_name(db, q, span_of(names[i]));
    return e;
}

/* By distinguished name: exact order first, then any order of the relative names. */
static const struct auth_entry *map_dn(const struct auth_db *db, const struct auth_request *q)
{
    bool (*const same[])(const struct dn *, const struct dn *) = { dn_equal, dn_equal_unordered };
    const struct auth_entry *found = NULL;
    struct dn dn;

    if (dn_from_certificate(&dn, q->certificate) != ST_OK) return NULL;
    for (size_t way = 0; way < COUNT_OF(same) && found == NULL; way++) {
        for (size_t i = 0; i < db->count && found == NULL; i++) {
            const struct auth_entry *e = db->entries[i];
            if (e->dn.count > 0 && type_allowed(e, q) && same[way](&e->dn, &dn)) found = e;
        }
    }
    dn_fini(&dn);
    return found;
}

/* By the subject as Go prints it, with and without its domain components. */
static const struct auth_entry *map_subject(const struct auth_db *db, const struct auth_request *q)
{
    const struct auth_entry *e = NULL;
    struct buf text = { 0 };
    size_t subject_len;

    dn_append_subject(&text, q->certificate);
    subject_len = text.len;
    buf_append_char(&text, ',');
    dn_append_domain(&text, q->certificate);
    if (text.len > subject_len + 1) e = map_name(db, q, buf_span(&text));
    if (e == NULL) e = map_name(db, q, span_make(text.p, subject_len));
    buf_free(&text);
    return e;
}

static const struct auth_entry *map_certificate(const struct auth_db *db,
                                                const struct auth_request *q)
{
    const struct auth_certificate *cert = q->certificate;
    const struct auth_entry *e;

    if (cert == NULL) return NULL;
    e = map_names(db, q, cert->emails, cert->email_count);
    if (e == NULL) e = map_names(db, q, cert->dns, cert->dns_count);
    if (e == NULL) e = map_names(db, q, cert->uris, cert->uri_count);
    if (e == NULL) e = map_dn(db, q);
    return e != NULL ? e : map_subject(db, q);
}

static void choose_nkey(const struct auth_db *db, const struct auth_request *q,
                        const struct auth_identity *known, struct choice *c)
{
    struct span name = q->nkey;
    const struct auth_entry *e;

    if (names_nobody(q) && name.len == 0 && map_has(&db->nkeys, span_of(db->no_auth_user))) {
        name = span_of(db->no_auth_user);
        c->substituted = true;
    }
    if (name.len == 0) return;
    e = map_get(&db->nkeys, name);
    if (e == NULL) return refuse(c, AUTH_REASON_UNKNOWN_USER);
    if (!type_allowed(e, q)) return refuse(c, AUTH_REASON_CONNECTION_TYPE);
    c->entry = e;
    if (span_is(name, db->no_auth_user)) return;
    c->proven = (known != NULL && known->proven) || nkey_verify(name, q->nonce, q->sig);
    if (!c->proven) refuse(c, AUTH_REASON_SIGNATURE);
}

static void choose_mapped(const struct auth_db *db, const struct auth_request *q,
                          const struct auth_identity *known, struct choice *c)
{
    if (known == NULL) c->entry = map_certificate(db, q);
    else if (known->mapped) c->entry = map_name(db, q, span_of(known->user));
    if (c->entry == NULL) return refuse(c, AUTH_REASON_CERTIFICATE);
    c->mapped = true;
    c->secret = &c->entry->secret;
}

static void choose_user(const struct auth_db *db, const struct auth_request *q, struct choice *c)
{
    const struct auth_entry *e;

    if (names_nobody(q) && db->no_auth_entry != NULL) {
        e = db->no_auth_entry;
        c->substituted = true;
    } else if (q->user.len > 0) {
        e = map_get(&db->users, q->user);
    } else {
        return;
    }
    if (e == NULL) return refuse(c, AUTH_REASON_UNKNOWN_USER);
    if (!type_allowed(e, q)) return refuse(c, AUTH_REASON_CONNECTION_TYPE);
    /* Without a password it is a user for certificates of a listener that maps them. */
    if (e->certificate_only && !span_is(span_of(e->name), db->no_auth_user))
        return refuse(c, AUTH_REASON_CERTIFICATE);
    c->entry = e;
    c->secret = &e->secret;
}

static void choose_single(const struct auth_db *db, const struct auth_request *q, struct choice *c)
{
    if (db->has_token) {
        c->secret = &db->token;
    } else if (db->single_user[0] != '\0') {
        c->secret = &db->single;
        if (!span_is(q->user, db->single_user)) refuse(c, AUTH_REASON_UNKNOWN_USER);
    } else {
        refuse(c, AUTH_REASON_NO_CREDENTIALS);
    }
}

/* known is the identity of a live connection that is rechecked, or NULL. */
static struct choice choose(const struct auth_db *db, const struct auth_request *q,
                            const struct auth_identity *known)
{
    struct choice c = { .reason = AUTH_REASON_NONE };

    if (!db->required) return c;
    if (db->nkeys.count > 0) choose_nkey(db, q, known, &c);
    if (c.reason != AUTH_REASON_NONE || c.entry != NULL) return c;
    if (db->users.count > 0 && db->tls_map) choose_mapped(db, q, known, &c);
    else if (db->users.count > 0 || db->no_auth_entry != NULL) choose_user(db, q, &c);
    if (c.reason != AUTH_REASON_NONE || c.entry != NULL) return c;
    choose_single(db, q, &c);
    return c;
}

/* ---- the proof ---- */

static enum auth_reason mismatch_reason(const struct auth_db *db, const struct choice *c)
{
    return c->secret == &db->token ? AUTH_REASON_TOKEN : AUTH_REASON_PASSWORD;
}

static enum auth_verdict accept(const struct choice *c, struct auth_result *result)
{
    result->account = mem_dup(c->entry ? c->entry->account : AUTH_GLOBAL_ACCOUNT);
    result->perms = c->entry ? perms_ref(c->entry->perms) : NULL;
    return AUTH_OK;
}

static enum auth_verdict deny(enum auth_reason reason, struct auth_result *result)
{
    result->reason = reason;
    return AUTH_DENIED;
}

static enum auth_verdict start_bcrypt(struct auth_db *db, const struct choice *c,
                                      const char *hash, struct span password,
                                      struct auth_result *result)
{
    struct auth_bcrypt_job *job = mem_zero(sizeof *job);

    job->db = auth_db_ref(db);
    job->choice = *c;
    job->hash = hash;
    job->password = mem_dup_span(password);
    job->password_len = password.len;
    result->job = job;
    return AUTH_NEEDS_BCRYPT;
}

/* Deny a wrong name or password, after as much time as a right name would take. */
static enum auth_verdict deny_evenly(struct auth_db *db, enum auth_reason reason,
                                     struct span password, struct auth_result *result)
{
    struct choice c = { .reason = reason };

    if (db->decoy_hash == NULL || password.len == 0) return deny(reason, result);
    return start_bcrypt(db, &c, db->decoy_hash, password, result);
}

static enum auth_verdict prove(struct auth_db *db, const struct auth_request *q,
                               const struct auth_identity *known, const struct choice *c,
                               struct auth_result *result)
{
    struct span presented = c->secret == &db->token ? q->token : q->pass;

    if (c->reason != AUTH_REASON_NONE) return deny_evenly(db, c->reason, q->pass, result);
    if (c->secret == NULL) return accept(c, result);
    if (known != NULL && known->has_proof
        && secret_digest_equal(known->proof, c->secret->digest))
        return accept(c, result);
    if (c->secret->hash != NULL) {
        /* As in nats-server: an absent client can't stand in for a bcrypt user. */
        if (c->substituted) return deny(AUTH_REASON_PASSWORD, result);
        return start_bcrypt(db, c, c->secret->hash, presented, result);
    }
    if (c->substituted || secret_matches(c->secret, presented)) return accept(c, result);
    return deny_evenly(db, mismatch_reason(db, c), presented, result);
}

enum auth_verdict auth_begin(struct auth_db *db, const struct auth_request *q,
                             struct auth_result *result)
{
    struct choice c = choose(db, q, NULL);

    *result = (struct auth_result){ .identity = make_identity(q, &c) };
    return prove(db, q, NULL, &c, result);
}

void auth_bcrypt_run(struct auth_bcrypt_job *job)
{
    assert(!job->done);
    job->matched = secret_bcrypt_matches(job->hash, span_make(job->password, job->password_len));
    mem_wipe(job->password, job->password_len);
    job->done = true;
}

void auth_bcrypt_free(struct auth_bcrypt_job **job)
{
    struct auth_bcrypt_job *it = *job;

    if (it == NULL) return;
    mem_wipe(it->password, it->password_len);
    mem_free(it->password);
    auth_db_unref(it->db);
    mem_free(it);
    *job = NULL;
}

enum auth_verdict auth_finish(struct auth_result *result)
{
    struct auth_bcrypt_job *job = result->job;
    enum auth_verdict verdict;

    assert(job != NULL && job->done);
    if (job->choice.reason != AUTH_REASON_NONE) verdict = deny(job->choice.reason, result);
    else if (job->matched) verdict = accept(&job->choice, result);
    else verdict = deny(mismatch_reason(job->db, &job->choice), result);
    auth_bcrypt_free(&result->job);
    return verdict;
}

void auth_result_fini(struct auth_result *result)
{
    mem_free(result->account);
    perms_unref(result->perms);
    auth_identity_free(&result->identity);
    auth_bcrypt_free(&result->job);
    *result = (struct auth_result){ 0 };
}

/* ---- reload ---- */

/* A connection that named a user where there is no list of users: it stays when the one user that
 * there is has not changed since, or when there was none and is none. nats-server closes it on
 * any reload; what has not changed is no reason for that. */
static bool is_same_single(const struct auth_db *now, const struct auth_identity *id)
{
    if (now->single_user[0] == '\0' || now->has_token) return !id->has_proof;
    return id->has_proof && span_is(span_of(id->user), now->single_user) &&
           secret_digest_equal(id->proof, now->single.digest);
}

/* The entry that id names has gone to another account or does not exist any more. */
static bool has_moved(const struct auth_db *now, const struct auth_identity *id,
                      const char *account)
{
    const struct auth_entry *e;

    if (now->users.count + now->nkeys.count == 0)
        return id->user[0] != '\0' && !is_same_single(now, id);
    if (id->nkey[0] != '\0') e = map_get(&now->nkeys, span_of(id->nkey));
    else if (id->user[0] != '\0') e = map_get(&now->users, span_of(id->user));
    else return false;
    return e == NULL || !span_is(span_of(e->account), account);
}

static enum auth_recheck conclude(enum auth_verdict verdict, const char *account,
                                  const struct auth_result *result)
{
    switch (verdict) {
    case AUTH_OK:
        return span_is(span_of(account), result->account) ? AUTH_KEEP : AUTH_MOVED;
    case AUTH_DENIED:
        return AUTH_REVOKED;
    case AUTH_NEEDS_BCRYPT:
        return AUTH_RECHECK_BCRYPT;
    }
    unreachable();
}

enum auth_recheck auth_recheck(struct auth_db *now, const struct auth_identity *id,
                               enum connection_type connection, const char *account,
                               struct auth_result *result)
{
    struct auth_request q = { .connection = connection };
    struct choice c;

    *result = (struct auth_result){ 0 };
    if (id != NULL && id->implicit) id = NULL;
    if (id != NULL) {
        if (has_moved(now, id, account)) return AUTH_MOVED;
        q.nkey = span_of(id->nkey);
        q.user = span_of(id->user);
        q.pass = span_make(id->pass, id->pass_len);
        q.token = span_make(id->token, id->token_len);
    }
    c = choose(now, &q, id);
    if (id == NULL && c.substituted) result->identity = make_identity(&q, &c);
    return conclude(prove(now, &q, id, &c, result), account, result);
}

enum auth_recheck auth_recheck_finish(const char *account, struct auth_result *result)
{
    return conclude(auth_finish(result), account, result);
}
