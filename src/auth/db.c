/* SPDX-License-Identifier: Apache-2.0 */
/* db.c - builds the credentials snapshot from the options. */
#include "auth/db.h"

#include "base/mem.h"

#define IMPLICIT_USER "nats-anonymous"

static bool is_empty(const char *text)
{
    return text == NULL || text[0] == '\0';
}

static bool maps_certificates(const struct tls_options *tls)
{
    return tls != NULL && tls->verify_and_map;
}

/* Some listener could find this user by certificate. */
static bool can_be_mapped(const struct options *o, unsigned types)
{
    if (maps_certificates(o->tls) && (types == 0 || (types & CONNECTION_STANDARD))) return true;
    return o->websocket.enabled && maps_certificates(o->websocket.tls)
        && (types == 0 || (types & CONNECTION_WEBSOCKET));
}

static struct auth_entry *add_entry(struct auth_db *db)
{
    db->entries = mem_resize(db->entries, (db->count + 1) * sizeof(struct auth_entry *));
    return db->entries[db->count++] = mem_zero(sizeof(struct auth_entry));
}

static void note_secret(struct auth_db *db, const struct secret *s)
{
    if (s->hash != NULL && db->decoy_hash == NULL && strlen(s->hash) >= BCRYPT_TEXT_BYTES)
        db->decoy_hash = s->hash;
}

static void add_user(struct auth_db *db, const struct options *o, const struct user_options *u)
{
    struct auth_entry *e = add_entry(db);

    e->is_nkey = u->nkey != NULL;
    e->name = mem_dup_span(span_of(e->is_nkey ? u->nkey : u->name));
    e->account = mem_dup(u->account != NULL ? u->account : AUTH_GLOBAL_ACCOUNT);
    e->perms = perms_new(u->permissions);
    e->connection_types = u->connection_types;
    secret_init(&e->secret, u->password);
    note_secret(db, &e->secret);
    map_set(e->is_nkey ? &db->nkeys : &db->users, span_of(e->name), e);
    if (e->is_nkey) return;

    e->certificate_only = is_empty(u->password) && can_be_mapped(o, u->connection_types);
    if (!e->certificate_only && e->secret.hash == NULL) db->has_plaintext = true;
    if (db->tls_map && dn_parse(&e->dn, span_of(e->name)) != ST_OK) e->dn.count = 0;
}

/* The only account of the file is the system account, and there is no authorization{}: clients
 * without credentials go to the global account, as if the system account were not there. */
static bool has_only_system_account(const struct options *o)
{
    const char *system = o->system_account != NULL ? o->system_account : "$SYS";
    const struct authorization_options *a = &o->authorization;

    if (o->account_count != 1 || !is_empty(o->no_auth_user)) return false;
    if (!span_is(span_of(o->accounts[0].name), system)) return false;
    for (size_t i = 0; i < o->user_count; i++)
        if (o->users[i].account == NULL) return false;
    return !o->has_authorization && is_empty(a->username) && is_empty(a->token);
}

static void add_implicit_user(struct auth_db *db)
{
    struct auth_entry *e = add_entry(db);

    e->name = mem_dup(IMPLICIT_USER);
    e->account = mem_dup(AUTH_GLOBAL_ACCOUNT);
    e->is_implicit = true;
    secret_init(&e->secret, NULL);
    db->no_auth_entry = e;
}

static void set_single(struct auth_db *db, const char *user, const char *password,
                       const char *token)
{
    db->single_user = mem_dup_span(span_of(user));
    db->has_token = !is_empty(token);
    secret_init(&db->single, password);
    secret_init(&db->token, token);
    note_secret(db, &db->single);
    if (!is_empty(password) && db->single.hash == NULL) db->has_plaintext = true;
}

struct auth_db *auth_db_new(const struct options *o, enum auth_listener listener)
{
    const struct websocket_options *ws = &o->websocket;
    const struct authorization_options *a = &o->authorization;
    const char *no_auth_user = o->no_auth_user;
    struct auth_db *db = mem_zero(sizeof *db);
    bool own = false;

    atomic_init(&db->refs, 1);
    db->tls_map = maps_certificates(listener == AUTH_WEBSOCKET ? ws->tls : o->tls);
    for (size_t i = 0; i < o->user_count; i++) add_user(db, o, &o->users[i]);
    db->required = o->user_count > 0 || !is_empty(a->username) || !is_empty(a->token);
    if (listener == AUTH_WEBSOCKET) {
        const char *ws_no_auth = is_empty(ws->no_auth_user) ? ws->authorization.no_auth_user
                                                            : ws->no_auth_user;
        own = !is_empty(ws->authorization.username) || !is_empty(ws->authorization.token)
            || !is_empty(ws_no_auth);
        if (own) {
            a = &ws->authorization;
            no_auth_user = ws_no_auth;
        }
    }
    set_single(db, a->username, a->password, a->token);
    if (!is_empty(no_auth_user)) {
        db->no_auth_user = mem_dup(no_auth_user);
        db->no_auth_entry = map_get(&db->users, span_of(no_auth_user));
    }
    if (has_only_system_account(o)) {
        db->required = true;
        if (!own) add_implicit_user(db);
    }
    db->required |= own;
    db->info_required = db->required && (listener == AUTH_WEBSOCKET || db->no_auth_user == NULL);
    return db;
}

struct auth_db *auth_db_ref(struct auth_db *db)
{
    atomic_fetch_add_explicit(&db->refs, 1, memory_order_relaxed);
    return db;
}

static void free_entry(struct auth_entry *e)
{
    mem_free(e->name);
    mem_free(e->account);
    perms_unref(e->perms);
    secret_fini(&e->secret);
    dn_fini(&e->dn);
    mem_free(e);
}

void auth_db_unref(struct auth_db *db)
{
    if (db == NULL || atomic_fetch_sub_explicit(&db->refs, 1, memory_order_acq_rel) != 1) return;
    for (size_t i = 0; i < db->count; i++) free_entry(db->entries[i]);
    mem_free(db->entries);
    map_free(&db->users);
    map_free(&db->nkeys);
    mem_free(db->no_auth_user);
    mem_free(db->single_user);
    secret_fini(&db->single);
    secret_fini(&db->token);
    mem_free(db);
}

bool auth_db_required(const struct auth_db *db)
{
    return db->required;
}

bool auth_db_info_required(const struct auth_db *db)
{
    return db->info_required;
}

bool auth_db_needs_nonce(const struct auth_db *db)
{
    return db->nkeys.count > 0;
}

bool auth_db_has_plaintext(const struct auth_db *db)
{
    return db->has_plaintext;
}
