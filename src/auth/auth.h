/* SPDX-License-Identifier: Apache-2.0 */
/* auth.h - who a connection is. Decides only: no I/O, never blocks, logs no secret.
 *
 * A struct auth_db is an immutable, atomically counted snapshot of the credentials of one
 * listener kind; a reload builds new ones. Plain passwords and tokens are kept as SHA-256 and
 * compared in constant time. bcrypt is slow by design, so it is a job that the caller runs on a
 * worker thread. Order and results follow nats-server's auth.go. */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include "auth/perms.h"
#include "base/buf.h"
#include "config/options.h"

struct auth_db;
struct auth_identity;

enum auth_listener { AUTH_CLIENT, AUTH_WEBSOCKET };

/* The result does not refer to o afterwards. The caller owns one reference. */
struct auth_db *auth_db_new(const struct options *o, enum auth_listener listener);
struct auth_db *auth_db_ref(struct auth_db *db);        /* returns db */
void auth_db_unref(struct auth_db *db);

bool auth_db_required(const struct auth_db *db);        /* else anybody is let in */
bool auth_db_info_required(const struct auth_db *db);   /* INFO auth_required: not the same */
bool auth_db_needs_nonce(const struct auth_db *db);     /* INFO carries a nonce */
bool auth_db_has_plaintext(const struct auth_db *db);   /* worth a warning at start */

/* One attribute of a certificate's subject. */
struct auth_attribute {
    unsigned rdn;                       /* relative name it stands in: 0, 1, ... */
    const char *oid;                    /* dotted: "2.5.4.3" */
    const char *value;                  /* UTF-8 */
};

/* The names of the peer's own certificate, in the order of the certificate. Borrowed. */
struct auth_certificate {
    const char *const *emails, *const *dns, *const *uris;       /* subject alternative names */
    size_t email_count, dns_count, uri_count;
    const struct auth_attribute *subject;
    size_t subject_count;
};

/* What a client presented. Borrowed during auth_begin; empty spans: not sent. */
struct auth_request {
    struct span user, pass, token, nkey, sig, jwt;      /* of CONNECT */
    struct span nonce;                                  /* sent to it in INFO */
    const struct auth_certificate *certificate;         /* NULL: none */
    enum connection_type connection;                    /* exactly one bit */
};

enum auth_verdict { AUTH_OK, AUTH_DENIED, AUTH_NEEDS_BCRYPT };

/* For the log; a client learns only "Authorization Violation". */
enum auth_reason {
    AUTH_REASON_NONE,
    AUTH_REASON_NO_CREDENTIALS, AUTH_REASON_UNKNOWN_USER, AUTH_REASON_CONNECTION_TYPE,
    AUTH_REASON_PASSWORD, AUTH_REASON_TOKEN, AUTH_REASON_SIGNATURE, AUTH_REASON_CERTIFICATE,
};

/* For people; static storage. */
const char *auth_reason_text(enum auth_reason reason);

/* Zero-initialise. The caller owns what it holds: auth_result_fini. */
struct auth_result {
    enum auth_reason reason;            /* of AUTH_DENIED */
    char *account;                      /* of AUTH_OK: name, "$G" for the global account */
    struct perms *perms;                /* a reference; NULL: everything */
    struct auth_identity *identity;     /* also of AUTH_DENIED; NULL: no name was given */
    struct auth_bcrypt_job *job;        /* of AUTH_NEEDS_BCRYPT */
};

void auth_result_fini(struct auth_result *result);

/* Decide on q and fill result. O(1), and O(users) when a certificate's subject is mapped. Where
 * any user has a bcrypt password every refused password costs a bcrypt comparison, so that time
 * does not tell who exists. */
enum auth_verdict auth_begin(struct auth_db *db, const struct auth_request *q,
                             struct auth_result *result);

/* A self-contained comparison; holds a reference to its auth_db. Run it on any one thread (tens
 * of milliseconds and more, 32 KiB of heap), then finish it, or free it when the client went. */
struct auth_bcrypt_job;
void auth_bcrypt_run(struct auth_bcrypt_job *job);
void auth_bcrypt_free(struct auth_bcrypt_job **job);    /* sets NULL; *job may be NULL */

/* After auth_bcrypt_run(result->job): OK or DENIED; frees the job. */
enum auth_verdict auth_finish(struct auth_result *result);

/* An identity is what a connection keeps in order to be shown and rechecked: names, and the
 * password or token it presented, wiped on free. */
void auth_identity_free(struct auth_identity **id);     /* sets NULL; *id may be NULL */

/* connz "authorized_user" and USER.INFO "user": the nkey, the user name, "[REDACTED]" for a
 * token, "" otherwise. Valid as long as id. id may be NULL. */
const char *auth_identity_user(const struct auth_identity *id);

/* For log lines, as nats-server: `User "x"`, `Nkey "U.."`, `Token "[REDACTED]"`, `User "N/A"`. */
void auth_identity_describe(const struct auth_identity *id, struct buf *out);

enum auth_recheck {
    AUTH_KEEP,                          /* result has the account and permissions from now on */
    AUTH_MOVED,                         /* other account or no such user: close "Client Closed" */
    AUTH_REVOKED,                       /* close with -ERR 'Authorization Violation' */
    AUTH_RECHECK_BCRYPT,                /* run result->job, then auth_recheck_finish */
};

/* Whether the connection behind id (NULL: it named nobody) in account stays after a reload; now
 * is the new snapshot of its listener. A key or certificate that was verified is not verified
 * again, and a configured password that did not change costs no bcrypt. The connection keeps id,
 * unless result->identity is set (it named nobody and is a no_auth_user now). */
enum auth_recheck auth_recheck(struct auth_db *now, const struct auth_identity *id,
                               enum connection_type connection, const char *account,
                               struct auth_result *result);
enum auth_recheck auth_recheck_finish(const char *account, struct auth_result *result);

#endif
