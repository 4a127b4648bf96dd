/* SPDX-License-Identifier: Apache-2.0 */
/* db.h - inside of struct auth_db: the credentials of one listener kind. Folder-internal. */
#ifndef AUTH_DB_H
#define AUTH_DB_H

#include <stdatomic.h>

#include "auth/auth.h"
#include "auth/dn.h"
#include "auth/secret.h"
#include "base/map.h"

#define AUTH_GLOBAL_ACCOUNT "$G"

struct auth_entry {
    char *name;                 /* user name, or public nkey */
    bool is_nkey;
    bool is_implicit;           /* made up for servers with nothing but a system account */
    bool certificate_only;      /* no password, and a listener maps certificates to it */
    char *account;
    struct perms *perms;
    unsigned connection_types;  /* 0: all */
    struct secret secret;
    struct dn dn;               /* of name, if it is one and tls_map is on; else empty */
};

struct auth_db {
    atomic_uint refs;
    bool required, info_required, tls_map, has_token, has_plaintext;
    struct auth_entry **entries;
    size_t count;
    struct map users, nkeys;                    /* name to struct auth_entry, borrowed */
    char *no_auth_user;                         /* or NULL */
    const struct auth_entry *no_auth_entry;     /* or NULL: no such user */
    char *single_user;                          /* "" when there is none */
    struct secret single, token;
    const char *decoy_hash;     /* a bcrypt hash in here to spend time on, or NULL */
};

#endif
