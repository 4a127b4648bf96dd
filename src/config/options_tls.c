/* SPDX-License-Identifier: Apache-2.0 */
/* options_tls.c - tls {}. Names and readability of files are checked here; their content is
 * OpenSSL's business, when the listener is made (net/). */
#include "base/duration.h"
#include "base/mem.h"
#include "config/option_reader.h"
#include "config/tls_names.h"
#include "os/file.h"

#define FALLBACK_NS (50 * NS_PER_MS)        /* of handshake_first: auto */
#define PEM_BYTES_MAX (8u << 20)

static bool fail_type(struct option_reader *r, const struct conf_item *item, const char *what)
{
    option_error(r, &item->value, "error parsing tls config, expected '%.*s' to be %s",
                 SPAN_ARG(item->key), what);
    return false;
}

static bool read_file_name(struct option_reader *r, const struct conf_item *item, char **out)
{
    if (item->value.type != CONF_STRING) return fail_type(r, item, "filename");
    return option_text(r, item, out);
}

static bool read_flag(struct option_reader *r, const struct conf_item *item, bool *out)
{
    if (item->value.type != CONF_BOOL) return fail_type(r, item, "a boolean");
    *out = item->value.boolean;
    return true;
}

/* An array of names that is_known knows. */
static bool read_names(struct option_reader *r, const struct conf_item *item, const char *what,
                       bool (*is_known)(struct span name), struct text_list *out)
{
    const struct conf_value *v = &item->value;

    if (v->type != CONF_ARRAY) return fail_type(r, item, "an array");
    if (v->list->count == 0) {
        option_error(r, v, "error parsing tls config, '%.*s' cannot be empty",
                     SPAN_ARG(item->key));
        return false;
    }
    text_list_free(out);
    for (size_t i = 0; i < v->list->count; i++) {
        const struct conf_value *one = &v->list->items[i].value;
        if (one->type != CONF_STRING || !is_known(one->text)) {
            option_error(r, one, "unrecognized %s %.*s", what, SPAN_ARG(one->text));
            return false;
        }
        text_list_add(out, one->text);
    }
    return true;
}

static bool read_pinned_certs(struct option_reader *r, const struct conf_item *item,
                              struct text_list *out)
{
    static const char explained[] = "hex-encoded sha256 of DER encoded SubjectPublicKeyInfo";
    const struct conf_value *v = &item->value;

    if (v->type != CONF_ARRAY) {
        option_error(r, v, "error parsing tls config, expected 'pinned_certs' to be a list of %s",
                     explained);
        return false;
    }
    text_list_free(out);
    for (size_t i = 0; i < v->list->count; i++) {
        const struct conf_value *one = &v->list->items[i].value;
        char hex[65] = "";
        size_t n = 0;
        if (one->type == CONF_STRING && one->text.len == 64) {
            for (; n < 64 && strchr("0123456789abcdefABCDEF", one->text.p[n]) != NULL &&
                   one->text.p[n] != '\0'; n++)
                hex[n] = (char)(one->text.p[n] >= 'A' && one->text.p[n] <= 'F'
                                ? one->text.p[n] | 0x20 : one->text.p[n]);
        }
        if (n < 64) {
            option_error(r, one, "error parsing tls config, 'pinned_certs' key %.*s does not look "
                         "like %s", SPAN_ARG(one->text), explained);
            return false;
        }
        text_list_add(out, span_make(hex, 64));
    }
    return true;
}

static bool read_first(struct option_reader *r, const struct conf_item *item,
                       struct tls_options *t)
{
    struct span s = item->value.text;

    if (item->value.type == CONF_BOOL) {
        t->first = item->value.boolean ? TLS_FIRST_YES : TLS_FIRST_NO;
        return true;
    }
    if (item->value.type != CONF_STRING) {
        option_error(r, &item->value, "field \"%.*s\" should be a boolean or a string, got %s",
                     SPAN_ARG(item->key), conf_type_go(item->value.type));
        return false;
    }
    t->first_fallback_ns = FALLBACK_NS;
    t->first = TLS_FIRST_AUTO;
    if (span_equal_nocase(s, SPAN_LIT("true")) || span_equal_nocase(s, SPAN_LIT("on"))) {
        t->first = TLS_FIRST_YES;
    } else if (span_equal_nocase(s, SPAN_LIT("false")) || span_equal_nocase(s, SPAN_LIT("off"))) {
        t->first = TLS_FIRST_NO;
    } else if (!span_equal_nocase(s, SPAN_LIT("auto")) &&
               !span_equal_nocase(s, SPAN_LIT("auto_fallback")) &&
               (duration_parse(s, &t->first_fallback_ns) != ST_OK || t->first_fallback_ns < 0)) {
        option_error(r, &item->value, "field \"%.*s\"'s value \"%.*s\" is invalid",
                     SPAN_ARG(item->key), SPAN_ARG(s));
        return false;
    } else if (t->first_fallback_ns == 0) {
        t->first = TLS_FIRST_YES;
    }
    return true;
}

static bool read_pair(struct option_reader *r, const struct conf_value *v,
                      struct tls_certificate *pair)
{
    if (v->type != CONF_MAP) {
        option_error(r, v, "error parsing certificates config: unsupported type %s",
                     conf_type_go(v->type));
        return false;
    }
    for (size_t i = 0; i < v->list->count; i++) {
        const struct conf_item *item = &v->list->items[i];
        bool is_cert = span_is(item->key, "cert_file");
        if (item->value.type != CONF_STRING) {
            option_error(r, &item->value, "error parsing certificates config: unsupported type %s",
                         conf_type_go(item->value.type));
            return false;
        }
        if (!is_cert && !span_is(item->key, "key_file")) {
            option_error_named(r, &item->value, "error parsing tls certs config, unknown field ",
                               item->key, "");
            return false;
        }
        if (!option_text(r, item, is_cert ? &pair->cert_file : &pair->key_file)) return false;
    }
    if (pair->cert_file != NULL && pair->cert_file[0] != '\0' && pair->key_file != NULL &&
        pair->key_file[0] != '\0')
        return true;
    option_error(r, v, "error parsing certificates config: both 'cert_file' and 'cert_key' "
                 "options are required");
    return false;
}

static struct tls_certificate *add_certificate(struct tls_options *t)
{
    t->certificates = mem_resize(t->certificates,
                                 (t->certificate_count + 1) * sizeof *t->certificates);
    t->certificates[t->certificate_count] = (struct tls_certificate){ 0 };
    return &t->certificates[t->certificate_count++];
}

static bool read_certificates(struct option_reader *r, const struct conf_item *item,
                              struct tls_options *t)
{
    const struct conf_value *v = &item->value;

    if (v->type != CONF_ARRAY) {
        option_error(r, v, "error parsing certificates config: unsupported type %s",
                     conf_type_go(v->type));
        return false;
    }
    for (size_t i = 0; i < v->list->count; i++)
        if (!read_pair(r, &v->list->items[i].value, add_certificate(t))) return false;
    return true;
}

static bool read_min_version(struct option_reader *r, const struct conf_value *v, int *out)
{
    static const struct { const char *text; int version; } versions[] = {
        { "1.0", 0x0301 }, { "1.1", 0x0302 }, { "1.2", 0x0303 }, { "1.3", 0x0304 },
    };

    if (v->type != CONF_STRING) {
        option_error(r, v, "error parsing tls config: 'min_version' wrong type: %s",
                     conf_type_go(v->type));
        return false;
    }
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
        if (!span_is(v->text, versions[i].text)) continue;
        *out = versions[i].version;
        if (*out >= 0x0303) return true;
        option_error(r, v, "error parsing tls config: unsupported TLS version: TLS %s",
                     versions[i].text);
        return false;
    }
    option_error(r, v, "error parsing tls config: unknown version: %.*s", SPAN_ARG(v->text));
    return false;
}

/* Keys that only other listeners, dialling or other systems have. */
static bool read_foreign(struct option_reader *r, const struct conf_item *item)
{
    static const char *const unsupported[] = {
        "ocsp_peer", "cert_store", "cert_match_by", "cert_match", "ca_certs_match",
        "cert_match_skip_invalid",
    };
    bool on = false;

    for (size_t i = 0; i < COUNT_OF(unsupported); i++) {
        if (!option_key_is(item, unsupported[i])) continue;
        option_unsupported(r, item);
        return true;
    }
    if (option_key_is(item, "insecure")) return read_flag(r, item, &on);    /* for dialling */
    if (option_key_is(item, "verify_cert_and_check_known_urls")) {
        if (!read_flag(r, item, &on) || !on) return true;
        option_error(r, &item->value,
                     "verify_cert_and_check_known_urls not supported in this context");
        return false;
    }
    option_error_named(r, &item->value, "error parsing tls config, unknown field ", item->key, "");
    return false;
}

static bool read_item(struct option_reader *r, const struct conf_item *item, struct tls_options *t,
                      struct tls_certificate *single)
{
    if (option_key_is(item, "cert_file")) return read_file_name(r, item, &single->cert_file);
    if (option_key_is(item, "key_file")) return read_file_name(r, item, &single->key_file);
    if (option_key_is(item, "ca_file")) return read_file_name(r, item, &t->ca_file);
    if (option_key_is(item, "verify")) return read_flag(r, item, &t->verify);
    if (option_key_is(item, "verify_and_map")) return read_flag(r, item, &t->verify_and_map);
    if (option_key_is(item, "allow_insecure_cipher_suites"))
        return read_flag(r, item, &t->allow_insecure_cipher_suites);
    if (option_key_is(item, "cipher_suites"))
        return read_names(r, item, "cipher", tls_cipher_is_known, &t->cipher_suites);
    if (option_key_is(item, "curve_preferences"))
        return read_names(r, item, "curve preference", tls_curve_is_known, &t->curve_preferences);
    if (option_key_is(item, "timeout"))
        return option_seconds(r, item, "tls config", &t->timeout_ns);
    if (option_key_is(item, "connection_rate_limit")) {
        if (item->value.type == CONF_INTEGER)
            return option_integer(r, item, 0, INT32_MAX, &t->connection_rate_limit);
        option_error(r, &item->value,
                     "error parsing tls config, 'connection_rate_limit' wrong type");
        return false;
    }
    if (option_key_is(item, "pinned_certs")) return read_pinned_certs(r, item, &t->pinned_certs);
    if (option_key_is(item, "handshake_first") || option_key_is(item, "first") ||
        option_key_is(item, "immediate"))
        return read_first(r, item, t);
    if (option_key_is(item, "certs") || option_key_is(item, "certificates"))
        return read_certificates(r, item, t);
    if (option_key_is(item, "min_version"))
        return read_min_version(r, &item->value, &t->min_version);
    return read_foreign(r, item);
}

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static bool check_files(struct option_reader *r, const struct conf_value *v,
                        const struct tls_options *t)
{
    struct buf content = { 0 };
    struct error why = { "" };
    bool ok = true;

    for (size_t i = 0; ok && i < t->certificate_count; i++) {
        const struct tls_certificate *c = &t->certificates[i];
        ok = file_read(c->cert_file, PEM_BYTES_MAX, &content, &why) == ST_OK &&
             file_read(c->key_file, PEM_BYTES_MAX, &content, &why) == ST_OK;
        if (!ok) option_error(r, v, "error parsing X509 certificate/key pair: %s", why.text);
    }
    if (ok && is_set(t->ca_file)) {
        ok = file_read(t->ca_file, PEM_BYTES_MAX, &content, &why) == ST_OK;
        if (!ok) option_error(r, v, "%s", why.text);
    }
    if (content.p != NULL) mem_wipe(content.p, content.len);
    buf_free(&content);
    return ok;
}

static bool check_insecure(struct option_reader *r, const struct conf_value *v,
                           const struct tls_options *t)
{
    struct buf names = { 0 };

    for (size_t i = 0; i < t->cipher_suites.count; i++) {
        if (!tls_cipher_is_insecure(span_of(t->cipher_suites.items[i]))) continue;
        if (names.len > 0) buf_append_text(&names, ", ");
        buf_append_text(&names, t->cipher_suites.items[i]);
    }
    bool ok = names.len == 0 || t->allow_insecure_cipher_suites;
    if (!ok)
        option_error(r, v, "insecure cipher suites configured without "
                     "'allow_insecure_cipher_suites' option set: %s", buf_text(&names));
    buf_free(&names);
    return ok;
}

/* Take the pair of cert_file and key_file into the certificates. */
static bool take_single(struct option_reader *r, const struct conf_value *v, struct tls_options *t,
                        struct tls_certificate *single)
{
    const char *problem = NULL;

    if (t->certificate_count > 0 && is_set(single->cert_file))
        problem = "error parsing tls config, cannot combine 'cert_file' option with 'certs' option";
    else if (is_set(single->cert_file) && !is_set(single->key_file))
        problem = "missing 'key_file' in TLS configuration";
    else if (!is_set(single->cert_file) && is_set(single->key_file))
        problem = "missing 'cert_file' in TLS configuration";
    if (problem != NULL) {
        option_error(r, v, "%s", problem);
        return false;
    }
    if (is_set(single->cert_file)) {
        *add_certificate(t) = *single;
        *single = (struct tls_certificate){ 0 };
    }
    return true;
}

struct tls_options *option_tls(struct option_reader *r, const struct conf_value *v)
{
    struct tls_options *t;
    struct tls_certificate single = { 0 };
    bool ok = true;

    if (v->type != CONF_MAP) {
        option_error(r, v, "\"tls\" must be a map, not %s", conf_type_text(v->type));
        return NULL;
    }
    t = mem_zero(sizeof *t);
    t->min_version = 0x0303;
    for (size_t i = 0; ok && i < v->list->count; i++)
        ok = read_item(r, &v->list->items[i], t, &single);
    if (t->verify_and_map) t->verify = true;
    ok = ok && take_single(r, v, t, &single) && check_insecure(r, v, t) && check_files(r, v, t);
    mem_free(single.cert_file);
    mem_free(single.key_file);
    if (!ok) tls_options_free(&t);
    return t;
}

void tls_options_free(struct tls_options **t)
{
    if (*t == NULL) return;
    for (size_t i = 0; i < (*t)->certificate_count; i++) {
        mem_free((*t)->certificates[i].cert_file);
        mem_free((*t)->certificates[i].key_file);
    }
    mem_free((*t)->certificates);
    mem_free((*t)->ca_file);
    text_list_free(&(*t)->cipher_suites);
    text_list_free(&(*t)->curve_preferences);
    text_list_free(&(*t)->pinned_certs);
    mem_free(*t);
    *t = NULL;
}

void parse_tls(struct option_reader *r, const struct conf_value *v)
{
    tls_options_free(&r->o->tls);
    r->o->tls = option_tls(r, v);
}
