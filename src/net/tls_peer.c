/* SPDX-License-Identifier: Apache-2.0 */
/* tls_peer.c - what the peer's certificates say, for authentication and for connz. */
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include "base/buf.h"
#include "base/mem.h"
#include "net/tls_priv.h"

#define OID_MAX 128

/* ---- digests ---- */

static void write_hex(const unsigned char *p, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        *out++ = digits[p[i] >> 4];
        *out++ = digits[p[i] & 15];
    }
    *out = '\0';
}

static void write_digest(unsigned char *der, int len, char out[65])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];

    out[0] = '\0';
    if (len <= 0) return;
    EVP_Digest(der, (size_t)len, digest, NULL, EVP_sha256(), NULL);
    OPENSSL_free(der);
    write_hex(digest, sizeof digest, out);
}

void tls_digest_certificate(const X509 *cert, char out[65])
{
    unsigned char *der = NULL;
    int len = i2d_X509(cert, &der);

    write_digest(der, len, out);
}

void tls_digest_spki(const X509 *cert, char out[65])
{
    unsigned char *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);

    write_digest(der, len, out);
}

/* ---- the subject as text ---- */

/* Attributes that Go keeps in fields of their own, in the order in which it prints them. */
static const struct { int nid; const char *name; } known[] = {
    { NID_serialNumber, "SERIALNUMBER" }, { NID_commonName, "CN" },
    { NID_postalCode, "POSTALCODE" }, { NID_streetAddress, "STREET" },
    { NID_stateOrProvinceName, "ST" }, { NID_localityName, "L" },
    { NID_organizationalUnitName, "OU" }, { NID_organizationName, "O" },
    { NID_countryName, "C" },
};

static bool is_known(int nid)
{
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (known[i].nid == nid) return true;
    return false;
}

static struct span entry_text(const X509_NAME_ENTRY *e, unsigned char **owned)
{
    int len = ASN1_STRING_to_UTF8(owned, X509_NAME_ENTRY_get_data(e));

    if (len < 0) *owned = NULL;
    return span_make((const char *)*owned, len < 0 ? 0 : (size_t)len);
}

static void append_escaped(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.p[i];
        bool edge = (c == ' ' && (i == 0 || i + 1 == text.len)) || (c == '#' && i == 0);
        if (edge || (c != '\0' && strchr(",+\"\\<>;", c))) buf_append_char(out, '\\');
        buf_append_char(out, c);
    }
}

static bool is_printable(struct span text)
{
    static const char others[] = "'()+,-./ :=?";

    for (size_t i = 0; i < text.len; i++) {
        char c = text.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && (c == '\0' || strchr(others, c) == NULL)) return false;
    }
    return true;
}

/* "1.2.3=#0c0161": the value as DER, the way Go would encode the text anew. */
static void append_unknown(struct buf *out, const char *oid, struct span text)
{
    buf_printf(out, "%s=#%02x", oid, is_printable(text) ? 0x13u : 0x0cu);
    if (text.len < 0x80)
        buf_printf(out, "%02zx", text.len);
    else if (text.len < 0x100)
        buf_printf(out, "81%02zx", text.len);
    else
        buf_printf(out, "82%04zx", text.len & 0xffff);
    for (size_t i = 0; i < text.len; i++) buf_printf(out, "%02x", (unsigned char)text.p[i]);
}

static void append_known(struct buf *out, const X509_NAME *name, int nid, const char *key)
{
    bool first = true;

    for (int i = 0; i < X509_NAME_entry_count(name); i++) {
        const X509_NAME_ENTRY *e = X509_NAME_get_entry(name, i);
        unsigned char *owned = NULL;
        if (OBJ_obj2nid(X509_NAME_ENTRY_get_object(e)) != nid) continue;
        if (out->len > 0) buf_append_char(out, first ? ',' : '+');
        buf_printf(out, "%s=", key);
        append_escaped(out, entry_text(e, &owned));
        OPENSSL_free(owned);
        first = false;
    }
}

char *tls_subject_text(const X509 *cert)
{
    const X509_NAME *name = X509_get_subject_name(cert);
    struct buf out = { 0 };

    for (size_t i = 0; i < COUNT_OF(known); i++)
        append_known(&out, name, known[i].nid, known[i].name);
    for (int i = X509_NAME_entry_count(name); i-- > 0;) {
        const X509_NAME_ENTRY *e = X509_NAME_get_entry(name, i);
        unsigned char *owned = NULL;
        char oid[OID_MAX];
        if (is_known(OBJ_obj2nid(X509_NAME_ENTRY_get_object(e)))) continue;
        if (out.len > 0) buf_append_char(&out, ',');
        OBJ_obj2txt(oid, sizeof oid, X509_NAME_ENTRY_get_object(e), 1);
        append_unknown(&out, oid, entry_text(e, &owned));
        OPENSSL_free(owned);
    }
    return buf_take(&out);
}

/* ---- names ---- */

static void add_name(const char ***list, size_t *count, const ASN1_STRING *value)
{
    struct span text = span_make((const char *)ASN1_STRING_get0_data(value),
                                 (size_t)ASN1_STRING_length(value));

    if (text.len == 0 || memchr(text.p, '\0', text.len)) return;
    *list = mem_resize(*list, (*count + 1) * sizeof **list);
    (*list)[(*count)++] = mem_dup_span(text);
}

static void add_alternative_names(struct tls_peer *peer, const X509 *cert)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);

    for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *one = sk_GENERAL_NAME_value(names, i);
        if (one->type == GEN_EMAIL)
            add_name(&peer->emails, &peer->email_count, one->d.rfc822Name);
        else if (one->type == GEN_DNS)
            add_name(&peer->dns, &peer->dns_count, one->d.dNSName);
        else if (one->type == GEN_URI)
            add_name(&peer->uris, &peer->uri_count, one->d.uniformResourceIdentifier);
    }
    GENERAL_NAMES_free(names);
}

static void add_subject(struct tls_peer *peer, const X509 *cert)
{
    const X509_NAME *name = X509_get_subject_name(cert);
    int count = X509_NAME_entry_count(name);

    peer->subject = mem_zero((size_t)(count + 1) * sizeof *peer->subject);
    for (int i = 0; i < count; i++) {
        const X509_NAME_ENTRY *e = X509_NAME_get_entry(name, i);
        unsigned char *owned = NULL;
        struct span text = entry_text(e, &owned);
        char oid[OID_MAX];
        OBJ_obj2txt(oid, sizeof oid, X509_NAME_ENTRY_get_object(e), 1);
        if (text.len == 0 || memchr(text.p, '\0', text.len) == NULL)
            peer->subject[peer->subject_count++] = (struct tls_attribute){
                (unsigned)X509_NAME_ENTRY_set(e), mem_dup(oid), mem_dup_span(text),
            };
        OPENSSL_free(owned);
    }
}

struct tls_peer *tls_peer_new(const struct tls_stream *s)
{
    const X509 *cert = SSL_get0_peer_certificate(s->ssl);
    struct tls_peer *peer;

    if (cert == NULL) return NULL;
    peer = mem_zero(sizeof *peer);
    add_alternative_names(peer, cert);
    add_subject(peer, cert);
    return peer;
}

static void free_names(const char **names, size_t count)
{
    for (size_t i = 0; i < count; i++) mem_free((void *)(uintptr_t)names[i]);
    mem_free(names);
}

void tls_peer_free(struct tls_peer **peer)
{
    struct tls_peer *p = *peer;

    *peer = NULL;
    if (p == NULL) return;
    free_names(p->emails, p->email_count);
    free_names(p->dns, p->dns_count);
    free_names(p->uris, p->uri_count);
    for (size_t i = 0; i < p->subject_count; i++) {
        mem_free((void *)(uintptr_t)p->subject[i].oid);
        mem_free((void *)(uintptr_t)p->subject[i].value);
    }
    mem_free(p->subject);
    mem_free(p);
}

/* ---- certificates ---- */

size_t tls_peer_certificates(const struct tls_stream *s, struct tls_peer_certificate **out)
{
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(s->ssl);
    X509 *leaf = SSL_get0_peer_certificate(s->ssl);
    bool has_leaf = leaf && sk_X509_num(chain) > 0 && X509_cmp(sk_X509_value(chain, 0), leaf) == 0;
    size_t behind = chain && sk_X509_num(chain) > 0 ? (size_t)sk_X509_num(chain) : 0, count = 0;

    *out = NULL;
    if (behind == 0 && leaf == NULL) return 0;
    *out = mem_zero((behind + 1) * sizeof **out);
    for (size_t i = 0; i < behind + 1; i++) {
        struct tls_peer_certificate *one = &(*out)[count];
        const X509 *cert = i == 0 ? leaf : sk_X509_value(chain, (int)i - 1);
        if (cert == NULL || (i == 1 && has_leaf)) continue;
        one->subject = tls_subject_text(cert);
        tls_digest_spki(cert, one->spki_sha256);
        tls_digest_certificate(cert, one->sha256);
        count++;
    }
    return count;
}

void tls_peer_certificates_free(struct tls_peer_certificate *certs, size_t count)
{
    for (size_t i = 0; i < count; i++) mem_free(certs[i].subject);
    mem_free(certs);
}
