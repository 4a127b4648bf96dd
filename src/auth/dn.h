/* SPDX-License-Identifier: Apache-2.0 */
/* dn.h - distinguished names: of a certificate, and as users of verify_and_map write them.
 *
 * Text form: RFC 4514, most specific name first, as accepted by nats-server. Folder-internal. */
#ifndef AUTH_DN_H
#define AUTH_DN_H

#include "auth/auth.h"
#include "base/status.h"

struct dn_attribute {
    unsigned rdn;               /* relative name it stands in; ascending from 0 */
    char *type, *value;         /* owned */
};

struct dn {                     /* zero-initialise; dn_fini */
    struct dn_attribute *items;
    size_t count;
};

/* BAD_INPUT: not a name; dn is empty then. */
MUST_USE enum status dn_parse(struct dn *dn, struct span text);

/* The subject in the order of the text form. UNSUPPORTED: an attribute without a known name. */
MUST_USE enum status dn_from_certificate(struct dn *dn, const struct auth_certificate *cert);
void dn_fini(struct dn *dn);

/* Same relative names, in the same order or in any order. O(attributes squared). */
bool dn_equal(const struct dn *a, const struct dn *b);
bool dn_equal_unordered(const struct dn *a, const struct dn *b);

/* Append the subject as Go's pkix.Name prints it, without domain components; and the domain
 * components as "DC=a,DC=b". Empty when there are none. */
void dn_append_subject(struct buf *out, const struct auth_certificate *cert);
void dn_append_domain(struct buf *out, const struct auth_certificate *cert);

#endif
